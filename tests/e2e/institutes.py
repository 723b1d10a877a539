#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Everybody who may ask, each at the level that the patient's table gives its category: a pharmacy,
an insurer, a medical school, and another hospital, which is the same process that keeps records
itself; and an outsider, who gets nothing."""

import sys

import resources
from network import Network, sample_bundle
from tap import equal, expect, main, until

HOME, AWAY, PATIENT, OUTSIDER = "hospital-a", "hospital-b", "patient-1", "outsider"
INSTITUTES = {  # name -> purpose, granted
    "pharmacy": ("TREAT", "low"),
    "insurance": ("HPAYMT", "medium"),
    "medical-school": ("HRESCH", "high"),
    AWAY: ("TREAT", "complete"),
}


def ask(network, name, level="complete", purpose=None, hospital=HOME):
    return network.ask(name, "institute", "request", "--hospital", hospital, "--patient",
                       network[PATIENT].address, "--purpose", purpose or INSTITUTES[name][0],
                       "--level", level)["request"]


def standing(network, name, group, request):
    """One request as `name` sees it."""
    found = [r for r in network.ask(name, group, "requests")["requests"]
             if r["request"] == request]
    return found[0] if found else None


def consent(network, name, *more):
    request = ask(network, name)
    until(lambda: standing(network, PATIENT, "patient", request), "the patient sees the request")
    network.do(PATIENT, "patient", "approve", request, *more)
    network.do(HOME, "hospital", "approve", request)
    until(lambda: standing(network, name, "institute", request)["status"] == "approved",
          f"{name} sees the approval")
    return request


def fetch(network, name, request):
    out = network.files / f"{name}.ndjson"
    network.do(name, "institute", "fetch", request, "--out", out)
    return resources.lines(out)


def begin(tap, network, bundle):
    with tap.check("a consortium with everybody in it", vital=True):
        network.found()
        network.party(HOME, "hospital")
        network.party(AWAY, "hospital")
        for name in ("pharmacy", "insurance", "medical-school"):
            network.party(name, "institute", "--category", name)
        network.party(OUTSIDER, "institute", "--category", "pharmacy")
        network.attributes()
        for name in INSTITUTES:
            network.accredit(name)
        network.patient(PATIENT)
        network.directories()
        network.do(HOME, "hospital", "import", bundle, "--patient", network[PATIENT].address)
        equal(status(network, HOME)["unsigned"], 1, "patients with records to sign")
        network.do(PATIENT, "patient", "sign")


def by_category(tap, network):
    """Everybody asks for all there is; what they get is the table's."""
    requests, views = {}, {}
    for name, (_, level) in INSTITUTES.items():
        with tap.check(f"{name} asks for complete, is granted {level}, and opens it", vital=True):
            requests[name] = consent(network, name)
            equal(standing(network, name, "institute", requests[name])["granted"], level, "level")
            views[name] = fetch(network, name, requests[name])
            expect(views[name], "nothing came")
    return requests, views


def nested(tap, views, whole):
    with tap.check("the other hospital has the record itself: every value, number and id"):
        by_id = {r["id"]: r for r in views[AWAY]}
        equal(len(views[AWAY]), len(whole), "resources")
        for resource in whole:
            equal(by_id.get(resource["id"]), resource, resource["id"])
    with tap.check("each lower view is part of the record, under other ids"):
        for name in list(INSTITUTES)[:3]:
            ids, strange = resources.match(views[name], whole)
            expect(not strange, f"{name} has {len(strange)} that match nothing")
            expect(not set(ids) & {r["id"] for r in whole}, f"{name} has original ids")
    with tap.check("and each has what the next lower one has"):
        kinds = [{}, *({k: [r["resourceType"] for r in views[n]].count(k)
                        for k in {r["resourceType"] for r in views[n]}} for n in INSTITUTES)]
        for lower, higher in zip(kinds, kinds[1:]):
            for kind, count in lower.items():
                expect(higher.get(kind, 0) >= count, f"fewer {kind}")
            expect(sum(higher.values()) > sum(lower.values()), "a higher level has no more")
    with tap.check("no claim at the pharmacy, claims but no laboratory at the insurer"):
        claims = {"Claim", "ExplanationOfBenefit"}
        expect(not claims & {r["resourceType"] for r in views["pharmacy"]}, "claims")
        expect(claims & {r["resourceType"] for r in views["insurance"]}, "no claims")
        for name, has in (("pharmacy", False), ("insurance", False), ("medical-school", True)):
            codes = {c.get("code") for r in views[name] if r["resourceType"] == "Observation"
                     for k in r.get("category", ()) for c in k.get("coding", ())}
            equal("laboratory" in codes, has, f"laboratory values at {name}")


def refusals(tap, network, requests):
    with tap.check("more than the table gives is not granted"):
        request = ask(network, "pharmacy")
        until(lambda: standing(network, PATIENT, "patient", request), "the patient sees it")
        network.refused(PATIENT, "patient", "approve", request, "--level", "medium",
                        words="give this pharmacy low")
        network.refused("pharmacy", "institute", "fetch", request, words="no access string")
    with tap.check("an outsider gets nothing: refused, and with another's request"):
        request = ask(network, OUTSIDER, purpose="TREAT")
        until(lambda: standing(network, PATIENT, "patient", request), "the patient sees it")
        network.do(PATIENT, "patient", "deny", request)
        network.refused(OUTSIDER, "institute", "fetch", request)
        network.refused(OUTSIDER, "institute", "fetch", requests[AWAY], words="somebody else's")
    with tap.check("a hospital does not ask at itself"):
        network.refused(HOME, "institute", "request", "--hospital", HOME, "--patient",
                        network[PATIENT].address, "--purpose", "TREAT", "--level", "complete",
                        words="this hospital itself")
    with tap.check("the two roles of a hospital do not mix"):
        expect(requests[AWAY] in network.do(AWAY, "institute", "requests"), "it asked")
        expect(requests[AWAY] not in network.do(AWAY, "hospital", "requests"), "nobody asked it")
        equal(network.ask(AWAY, "institute", "credential")["category_name"],
              "hospital", "category")
        network.refused("pharmacy", "hospital", "requests", words="no such view")
        network.refused("pharmacy", "hospital", "deny", requests[AWAY], words="does not do that")


def status(network, name):
    return network.ask(name, "status")


def standings(tap, network, bundle):
    """What each node says of itself while all is well."""
    with tap.check("each node says how it stands"):
        for name, node in network.nodes.items():
            found = status(network, name)
            equal((found["role"], found["label"], found["chain"], found["chain_id"]),
                  (node.role, name, True, 31337), name)
            expect(found["block"] <= found["newest"] <= network.chain.rpc.block(), "block")
            lines = found["message"].splitlines()
            expect(4 <= len(lines) <= 14, f"{len(lines)} lines: {name}")
            expect("chain 31337 answers: block" in lines[1], lines[1])
        equal(status(network, "ca")["hospitals"], 2, "hospitals")
        equal(status(network, "ca")["credentials"], 6, "credentials")
    with tap.check("a cloud: what it keeps, and no chain"):
        network.party("cloud", "cloud")
        found = status(network, "cloud")
        equal((found["role"], found["kept"]["objects"]), ("cloud", 0), "cloud")
        expect("keeps 0 objects" in found["message"], found["message"])
        expect("chain" not in found, "it asks a chain")
        network["cloud"].stop()
        del network.nodes["cloud"]
    with tap.check("a hospital: its patients, who waits for whom, what it asked elsewhere"):
        found = status(network, HOME)
        equal((found["patients"], found["unsigned"], found["enrolling"]), (1, 0, 0), "patients")
        equal(found["consents"], {"live": 4, "waiting_patient": 1, "waiting_hospital": 0}, HOME)
        equal(found["asked"], {"open": 0, "live": 0}, HOME)
        equal(status(network, AWAY)["asked"], {"open": 0, "live": 1}, AWAY)
        equal(status(network, "pharmacy")["asked"], {"open": 1, "live": 1}, "pharmacy")
        request = ask(network, "insurance")
        until(lambda: standing(network, PATIENT, "patient", request), "the patient sees it")
        network.do(PATIENT, "patient", "approve", request)
        found = status(network, HOME)
        equal(found["consents"], {"live": 4, "waiting_patient": 1, "waiting_hospital": 1}, HOME)
        network.do(HOME, "hospital", "deny", request)
    with tap.check("a patient: its hospitals, and what is open and live there"):
        found = status(network, PATIENT)
        equal(found["hospitals"], [{"label": HOME, "address": network[PATIENT].address,
                                    "admitted": True, "enrolled": True, "open": 1, "live": 4}],
              "hospitals")
        equal(found["address"], network[PATIENT].address, "address")
    with tap.check("peers: who called whom, by label, and how it went"):
        school = [p for p in status(network, "medical-school")["peers"] if p.get("label") == HOME]
        equal([(p["called"], p["ok"], p["outcome"]) for p in school], [(True, True, "ok")], "peers")
        at_home = {p["address"]: p for p in status(network, HOME)["peers"] if not p["called"]}
        equal(at_home[network["pharmacy"].address].get("category"), "pharmacy", "category")
        equal(at_home[network[PATIENT].address]["role"], "patient", "role")


def faults(tap, network, requests):
    with tap.check("a peer is away: the failure has its name and its time"):
        equal(status(network, "medical-school")["last_error"], None, "before")
        equal(network[HOME].stop(), 0, "its end")
        network.refused("medical-school", "institute", "fetch", requests["medical-school"],
                        "--out", network.files / "away.ndjson", wait=1)
        found = status(network, "medical-school")
        equal(found["last_error"]["text"], f"hospital {HOME} does not answer", "last error")
        expect("last error, 20" in found["message"], found["message"])
        home = [p for p in found["peers"] if p.get("label") == HOME]
        equal([(p["ok"], p["outcome"]) for p in home], [(False, "does not answer")], "peers")
        network.up(HOME)
        fetch(network, "medical-school", requests["medical-school"])
        home = [p for p in status(network, "medical-school")["peers"] if p.get("label") == HOME]
        equal([p["ok"] for p in home], [True], "peers after")
    with tap.check("what failed for good is said too, without what was asked for"):
        network.refused("pharmacy", "institute", "request", "--hospital", "nowhere", "--patient",
                        network[PATIENT].address, "--purpose", "TREAT", "--level", "low")
        text = status(network, "pharmacy")["last_error"]["text"]
        expect(text.startswith("institute/request failed: "), text)
    with tap.check("the chain is away: every node says so, and then that it is back"):
        network.chain.settle()
        network.chain.kill()
        for name in network.nodes:
            found = until(lambda n=name: status(network, n), name)
            equal(found["chain"], False, name)
            expect("chain 31337 does not answer; followed to block" in found["message"],
                   found["message"])
            until(lambda n=name: "the chain: " in (status(network, n)["last_error"] or
                                                   {"text": ""})["text"], f"{name}'s last error")
        network.chain.start()
        network.chain.ready()
        for name in network.nodes:
            equal(status(network, name)["chain"], True, name)


def ended(tap, network, requests):
    with tap.check("revoked, the hospital is out, and the school is not"):
        network.do(PATIENT, "patient", "revoke", requests[AWAY])
        network.refused(AWAY, "institute", "fetch", requests[AWAY])
        expect(fetch(network, "medical-school", requests["medical-school"]), "nothing came")
    with tap.check("after a restart it can ask again"):
        equal(network[AWAY].stop(), 0, "its end")
        network.up(AWAY)
        request = consent(network, AWAY, "--level", "high")
        expect(fetch(network, AWAY, request), "nothing came")
    with tap.check("without its credential it asks no more, and stays a hospital"):
        network.do("ca", "ca", "revoke", network[AWAY].address)
        network.refused(AWAY, "institute", "fetch", request, "--out",
                        network.files / "without.ndjson")
        network.refused(AWAY, "institute", "request", "--hospital", HOME, "--patient",
                        network[PATIENT].address, "--purpose", "TREAT", "--level", "low")
        equal(network.ask(AWAY, "hospital", "patients")["patients"], [], "its patients")


def program(tap):
    bundle = sample_bundle()
    with Network("institutes") as network:
        begin(tap, network, bundle)
        requests, views = by_category(tap, network)
        nested(tap, views, resources.entries(bundle))
        refusals(tap, network, requests)
        standings(tap, network, bundle)
        faults(tap, network, requests)
        ended(tap, network, requests)


if __name__ == "__main__":
    sys.exit(main(program))

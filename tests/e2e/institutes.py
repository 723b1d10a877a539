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
        network.take_in(PATIENT, bundle)


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
                        words="the own table gives a pharmacy low")
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


def ended(tap, network, requests):
    with tap.check("revoked, the hospital is out, and the school is not"):
        network.do(PATIENT, "patient", "revoke", requests[AWAY])
        network.refused(AWAY, "institute", "fetch", requests[AWAY])
        expect(fetch(network, "medical-school", requests["medical-school"]), "nothing came")
    with tap.check("after a restart it can ask again"):
        equal(network[AWAY].stop(), 0, "its end")
        network.up(AWAY)
        expect(fetch(network, AWAY, consent(network, AWAY, "--level", "high")), "nothing came")


def program(tap):
    bundle = sample_bundle()
    with Network("institutes") as network:
        begin(tap, network, bundle)
        requests, views = by_category(tap, network)
        nested(tap, views, resources.entries(bundle))
        refusals(tap, network, requests)
        ended(tap, network, requests)


if __name__ == "__main__":
    sys.exit(main(program))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One record's way: taken in, sealed, asked for, agreed to, fetched, opened, revoked. What was
opened is compared with the bundle, leaf for leaf; what was not agreed to is looked for
everywhere."""

import sys

import resources
from network import Network, sample_bundle
from tap import equal, expect, main, short


def own_reading(tap, network, bundle):
    out = network.files / "patient.ndjson"
    with tap.check("the patient reads every resource, value for value, number text kept"):
        network.do("patient-1", "patient", "read", "--out", out)
        whole, read = resources.entries(bundle), resources.lines(out)
        equal(len(read), len(whole), "resources read")
        for got, wanted in zip(read, whole):
            equal(got, wanted, f"{wanted['resourceType']} {wanted['id']}")
        numbers = sum(isinstance(leaf, resources.Number)
                      for r in read for _, leaf in resources.leaves(r))
        expect(numbers > 100, f"only {numbers} numbers were compared")


def coded(view, kind):
    return [r for r in view if r["resourceType"] == kind]


def check_contents(tap, view, whole):
    with tap.check("the school has the conditions with their codes"):
        got = [r["code"]["coding"] for r in coded(view, "Condition")]
        wanted = [r["code"]["coding"] for r in coded(whole, "Condition")]
        expect(got and all(c[0]["code"] for c in got), "no condition with a code")
        social = [c for c in wanted if c not in got]
        tap.say(f"conditions: {len(got)} of {len(wanted)}; withheld: "
                f"{[c[0]['display'] for c in social]}")
        expect(len(got) > len(wanted) / 2, "most conditions are missing")
    with tap.check("the school has the medications"):
        got = [r["medicationCodeableConcept"] for r in coded(view, "MedicationRequest")]
        wanted = [r["medicationCodeableConcept"] for r in coded(whole, "MedicationRequest")]
        equal(got, wanted, "medications")
        expect(got, "the sample has no medication")
    with tap.check("the school has the laboratory values"):
        def values(resources_of):
            return [(r["code"]["coding"][0]["code"], r.get("valueQuantity"))
                    for r in of_category(resources_of, {"laboratory"})]
        equal([v for v in values(view) if v[1]], [v for v in values(whole) if v[1]], "values")
        expect(len(values(view)) > 10, "hardly any laboratory value")


def of_category(view, codes):
    return [r for r in coded(view, "Observation") for c in r.get("category", ())
            if {x["code"] for x in c["coding"]} & codes]


def check_links(tap, view, whole):
    with tap.check("every internal reference of the school's file resolves inside it"):
        names = {f"{r['resourceType']}/{r['id']}" for r in view}
        equal(len(names), len(view), "names of resources")
        lost = [(path, to) for r in view for path, to in resources.internal_references(r)
                if to not in names]
        count = sum(1 for r in view for _ in resources.internal_references(r))
        expect(not lost, f"{len(lost)} of {count} dangle: {short(lost[:5])}")
        expect(count > len(view), f"only {count} references")
    with tap.check("every leaf of the school's file is the bundle's at the same resource"):
        ids, strange = resources.match(view, whole)
        expect(not strange, f"{len(strange)} match nothing, first {short(strange[:1], 1500)}")
        by_id = {r["id"]: r for r in whole}
        embedding = resources.Embedding(ids, by_id)
        for r in view:
            expect(embedding.resource(r, by_id[ids[r["id"]]]),
                   f"not as in the bundle: {short(r, 1500)}")
        expect(not set(ids) & set(by_id), "an id stayed as it was")


def check_hidden(tap, path, view, whole):
    patient = whole[0]
    with tap.check("no name, number, street or phone in the school's file, base64 decoded"):
        text = path.read_bytes()
        hidden = [t for t in resources.identity(patient) if t.encode() in text]
        hidden += [t for r in whole if (t := r["id"]).encode() in text]
        for leaf in (s for r in view for s in resources.strings(r)):
            inside = resources.decoded(leaf)
            hidden += [t for t in resources.identity(patient) if t.encode() in inside]
        expect(not hidden, f"found {short(hidden)}")
    with tap.check("no birth date as such"):
        got = coded(view, "Patient")[0]
        equal(got["birthDate"], patient["birthDate"][:4], "the birth date")
        dates = [p for r in view for p, leaf in resources.leaves(r)
                 if leaf == patient["birthDate"]]
        expect(not dates, f"found at {dates}")
    with tap.check("no free text, note or attachment"):
        banned = {"div", "note", "data", "presentedForm", "conclusion", "attachment", "photo",
                  "telecom"}
        found = {p for r in view for p, _ in resources.leaves(r) if banned & set(p)}
        expect(not found, f"found {found}")
        texts = [t for r in whole for t in free_texts(r)]
        expect(len(texts) > 10, "the sample has no free text")
        content = path.read_text(encoding="utf-8")
        expect(not [t for t in texts if t in content], "a free text is in there")
    with tap.check("no Provenance, no social history, no survey"):
        expect(coded(whole, "Provenance"), "the sample has no Provenance")
        expect(of_category(whole, {"social-history", "survey"}), "the sample has no survey")
        equal(coded(view, "Provenance"), [], "Provenance")
        equal(of_category(view, {"social-history", "survey"}), [], "social history")


def free_texts(resource):
    """Divs and the lines of decoded notes, where long enough to be sure."""
    for path, leaf in resources.leaves(resource):
        if path[-1] == "div":
            yield leaf
        elif path[-1] == "data":
            text = resources.decoded(leaf).decode("utf-8", "replace")
            yield from (line for line in text.split("\n") if len(line) > 30)


def check_nothing_lies_about(tap, network, bundle, whole):
    ids = {r["id"].encode() for r in whole}
    telling = {form for text in resources.identity(whole[0])
               for form in resources.written_as(text)}
    clinical = {c["display"].encode() for r in whole
                if r["resourceType"] in ("Condition", "MedicationRequest")
                for c in r.get("code", r.get("medicationCodeableConcept"))["coding"]}
    needles = telling | ids | clinical
    clear = resources.bundle_text(bundle)
    expect(sum(n in clear for n in needles) > len(ids), "what is looked for is not in the bundle")

    def search(paths, what):
        paths = [p for p in paths if p.is_file()]
        expect(paths, f"no file: {what}")
        for path in paths:
            data = path.read_bytes()
            found = [n for n in needles if n in data]
            expect(not found, f"{path.name} has {short(found)}")

    with tap.check("none of it in the hospital's data directory"):
        search(network["hospital-a"].data.rglob("*"), "data")
    with tap.check("none of it in the other nodes' data directories"):
        for name in ("ca", "hospital-b", "medical-school", "patient-1"):
            search(network[name].data.rglob("*"), name)
    with tap.check("none of it on the chain"):
        network.chain.settle()
        search([network.chain.state], "state")
    with tap.check("none of it in any log, nor the bundle's file name"):
        needles |= {form for part in (bundle.name, *bundle.name.split(".")[0].split("_"))
                    for form in resources.written_as(part)}
        search([p.log for p in network.processes()], "logs")


def revoked(tap, network, request):
    with tap.check("revoked, the school gets nothing more"):
        network.do("patient-1", "patient", "revoke", request)
        network.refused("medical-school", "institute", "fetch", request, "--out",
                        network.files / "after.ndjson")
    with tap.check("the chain tells the story, each thing once"):
        counts = network.chain.rpc.counts()
        for name in ("RelationshipCreated", "TermsSet", "BatchAnchored", "RequestMade",
                     "CredentialAccepted", "ConsentGiven", "RequestApproved", "EntryOpened",
                     "ConsentRevoked", "EntryRemoved"):
            equal(counts.get(name), 1, name)
        equal(counts["HospitalRegistered"], 2, "HospitalRegistered")


def stopped(tap, network):
    with tap.check("every node stops when it is told to, with 0"):
        for node in network.nodes.values():
            equal(node.stop(), 0, node.name)


def program(tap):
    bundle = sample_bundle()
    whole = resources.entries(bundle)
    with Network("story") as network:
        with tap.check("a consortium comes about", vital=True):
            network.consortium()
            network.patient("patient-1")
        with tap.check("a bundle is taken in and signed", vital=True):
            network.directories()
            found = network.take_in("patient-1", bundle)
            equal(found["records"], len(whole), "records")
            equal(found["unresolved"], 0, "unresolved references")
        own_reading(tap, network, bundle)
        school = network.files / "school.ndjson"
        with tap.check("asked, agreed to and approved, the school fetches", vital=True):
            network.accredit()
            request = network.consent("patient-1", "high")
            network.do("medical-school", "institute", "fetch", request, "--out", school)
        view = resources.lines(school)
        check_contents(tap, view, whole)
        check_links(tap, view, whole)
        check_hidden(tap, school, view, whole)
        check_nothing_lies_about(tap, network, bundle, whole)
        revoked(tap, network, request)
        stopped(tap, network)


if __name__ == "__main__":
    sys.exit(main(program))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bundles that cannot be taken in: refused with file, place and reason, leaving nothing behind,
while the node goes on. And references that no directory resolves: kept and reported."""

import contextlib
import gzip
import json
import sqlite3
import sys

import resources
from network import Network, sample_bundle
from tap import equal, expect, main

HOSPITAL = "hospital-a"


def rows(network):
    """How many rows each table of the hospital's databases has; operations and what the chain says
    aside."""
    found = {}
    for name in ("records.db", "node.db"):
        path = network[HOSPITAL].data / name
        if not path.exists():
            continue
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
            tables = [t for (t,) in base.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'")]
            for table in tables:
                if table.startswith(("operation", "ledger", "follower", "outbox", "sqlite")):
                    continue
                (count,) = base.execute(f"SELECT count(*) FROM {table}").fetchone()
                if count:
                    found[f"{name}: {table}"] = count
    return found


def entry(resource, **more):
    return {"fullUrl": f"urn:uuid:{resource.get('id', '')}", "resource": resource,
            "request": {"method": "POST", "url": resource.get("resourceType", "")}, **more}


def dump(bundle):
    return json.dumps(bundle, ensure_ascii=False).encode()


def broken_bundles(text):
    """(what, name of the file, bytes, words that the message must have)."""
    whole = json.loads(text)
    patient = whole["entry"][0]["resource"]

    def bundle(*more, **members):
        return dump({"resourceType": "Bundle", "type": "transaction",
                     "entry": [entry(patient), *(entry(r) for r in more)], **members})

    def observation(**more):
        return {"resourceType": "Observation", "id": "11111111-2222-3333-4444-555555555555",
                "status": "final", "code": {"text": "x"}, **more}

    sound = dump(whole)
    yield "cut off in the middle", "cut.json", sound[:len(sound) // 2], "line"
    yield "cut off by one byte", "short.json", sound[:-1], "line"
    packed = gzip.compress(sound)
    yield "gzip cut off in the middle", "cut.json.gz", packed[:len(packed) // 2], ""
    yield "gzip cut off before its checksum", "short.json.gz", packed[:-8], ""
    flipped = bytearray(packed)
    flipped[len(packed) // 2] ^= 0x55
    yield "gzip with a wrong byte", "flipped.json.gz", bytes(flipped), ""
    yield "no bytes at all", "empty.json", b"", ""
    yield "gzip of nothing", "empty.json.gz", gzip.compress(b""), ""
    yield "not JSON", "text.json", b"MSH|^~\\&|ADT1|MERCY|LABADT\r", "line 1"
    yield "a comma too many", "comma.json", sound.replace(b'"entry": [', b'"entry": [,', 1), "line"
    yield "bytes behind the end", "behind.json", sound + b"{}", "line"
    yield "JSON, but not FHIR", "other.json", b'{"hello": "world"}', ""
    yield "an array", "array.json", b"[1, 2, 3]", ""
    yield "a resource that is no Bundle", "patient.json", dump(patient), ""
    yield "a Bundle of no type that there is", "type.json", bundle(type="parcel"), ""
    yield "an entry that is no resource", "entry.json", bundle({"id": "a"}), "entry 2"
    yield "entry is not an array", "object.json", dump({"resourceType": "Bundle",
        "type": "transaction", "entry": {"resource": patient}}), ""
    yield "an element of a wrong type", "wrong.json", bundle(observation(status=7)), "entry 2"
    yield "an array where one value goes", "many.json", \
        bundle(observation(status=["final"])), "entry 2"
    yield "text where an object goes", "flat.json", bundle(observation(code="x")), "entry 2"
    yield "a number as text", "number.json", \
        bundle(observation(valueQuantity={"value": "7"})), "entry 2"
    yield "an id that is none", "id.json", bundle(observation(id="a b")), "entry 2"
    deep = b'{"a":' * 1000 + b"1" + b"}" * 1000
    yield "1,000 levels deep", "deep.json", bundle(observation(extension=[])).replace(
        b'"extension": []', b'"extension": [' + deep + b"]"), "entry 2"
    yield "1,000 arrays deep", "arrays.json", bundle(observation(extension=[])).replace(
        b'"extension": []', b'"extension": ' + b"[" * 1000 + b"]" * 1000), "entry 2"
    yield "1,000 levels deep before any entry", "before.json", \
        b'{"resourceType":"Bundle","type":"transaction","x":' + b"[" * 1000 + b"]" * 1000 + b"}", ""
    yield "invalid UTF-8", "utf8.json", \
        bundle(observation(code={"text": "MARK"})).replace(b"MARK", b"\xc3\x28"), "entry 2"
    yield "half a surrogate", "half.json", \
        bundle(observation(code={"text": "MARK"})).replace(b"MARK", b"\\ud800"), "entry 2"
    yield "a member twice", "twice.json", \
        bundle(observation()).replace(b'"status": "final"',
                                      b'"status": "final", "status": "amended"'), "entry 2"
    yield "two patients", "two.json", bundle({**patient, "id": "another-patient"}), ""
    yield "a bundle of no patient and no directory", "nobody.json", dump({
        "resourceType": "Bundle", "type": "transaction", "entry": [entry(observation())]}), ""
    late = json.loads(text)
    late["entry"].append(entry(observation(status=7)))
    yield "all sound but the last entry", "late.json", dump(late), f"entry {len(late['entry'])}"


def refuse_all(tap, network, text):
    before = rows(network)
    patient = network["patient-1"].address
    for what, name, data, words in broken_bundles(text):
        with tap.check(what):
            path = network.files / name
            path.write_bytes(data)
            said = network.refused(HOSPITAL, "hospital", "import", path, "--patient", patient)
            expect(name in said, f"names no file: {said}")
            expect(words in said, f"names no place ({words}): {said}")
            reason = said.split(name, 1)[1]
            expect(len(reason) > 16, f"names no reason: {said}")
            equal(rows(network), before, "rows")
            tap.say(said)
    with tap.check("a file that is not there, and a directory"):
        arguments = ("--patient", patient)
        network.refused(HOSPITAL, "hospital", "import", network.files / "missing.json", *arguments)
        code, _, said = network.run(HOSPITAL, "hospital", "import", network.files, *arguments)
        expect(code in (1, 2) and "not a file" in said, f"{code}: {said}")
        equal(rows(network), before, "rows")


def unresolved(tap, network, text):
    with tap.check("references that no directory resolves are kept and reported"):
        bundle = json.loads(text)
        strange = "Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|0000000000"
        bundle["entry"].append(entry({
            "resourceType": "Condition", "id": "11111111-2222-3333-4444-555555555556",
            "code": {"text": "x"}, "subject": {"reference": bundle["entry"][0]["fullUrl"]},
            "asserter": {"reference": strange}}))
        path = network.files / "unresolved.json"
        path.write_bytes(dump(bundle))
        found = network.take_in("patient-1", path)
        expect(found["unresolved"] >= 1, f"not reported: {found}")
        out = network.files / "read.ndjson"
        network.do("patient-1", "patient", "read", "--out", out)
        last = resources.lines(out)[-1]
        equal(last["asserter"], {"reference": strange}, "the reference")


def program(tap):
    bundle = sample_bundle()
    text = resources.bundle_text(bundle).decode()
    with Network("broken") as network:
        with tap.check("a consortium and two patients", vital=True):
            network.consortium()
            network.patient("patient-1")
            network.patient("patient-2")
        refuse_all(tap, network, text)
        with tap.check("the node goes on: a sound bundle afterwards"):
            network.directories()
            whole = resources.entries(bundle)
            equal(network.take_in("patient-1", bundle)["records"], len(whole), "records")
            out = network.files / "patient.ndjson"
            network.do("patient-1", "patient", "read", "--out", out)
            equal(resources.lines(out), whole, "what the patient reads")
            out.unlink()
        with tap.check("the same bundle again changes nothing"):
            before = rows(network)
            network.take_in("patient-1", bundle)
            equal(rows(network), before, "rows")
        with tap.check("the same patient under another address"):
            before = rows(network)
            said = network.refused(HOSPITAL, "hospital", "import", bundle, "--patient",
                                   network["patient-2"].address)
            expect("another address" in said, said)
            equal(rows(network), before, "rows")
            network.refused("patient-2", "patient", "read", "--out", network.files / "none")
        with tap.check("a patient's bundle for nobody, and for who is no patient"):
            network.refused(HOSPITAL, "hospital", "import", bundle)
            network.refused(HOSPITAL, "hospital", "import", bundle, "--patient",
                            network["medical-school"].address)
            equal(rows(network), before, "rows")
        unresolved(tap, network, text)
        with tap.check("no file's name in any log"):
            for process in network.processes():
                log = process.log.read_text(encoding="utf-8", errors="replace")
                expect(".json" not in log, f"{process.name}: {log}")


if __name__ == "__main__":
    sys.exit(main(program))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The whole story as 'aceso demo' tells it, with two patients and one broken bundle; what came out
is looked at from here, without the program. Then the kept run is started again, and once more after
one of its files was changed."""

import json
import os
import re
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import resources
from network import ACESO, SAMPLE, sample_bundle
from tap import equal, expect, main, short

SECONDS = 500
LOWER = ("pharmacy", "insurance", "medical-school")  # from the lowest
COMPLETE = ("hospital-b", "patient")
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def other_patient(path):
    """The sample as another person's: new ids, names and numbers, each the same everywhere."""
    bundle = sample_bundle()
    text = resources.bundle_text(bundle).decode()
    patient = resources.entries(bundle)[0]
    public = {r["id"] for e in resources.parse(text)["entry"] if (r := e["resource"])
              ["resourceType"] in resources.DIRECTORY}
    for known in set(UUID.findall(text)) - public:
        text = text.replace(known, str(uuid.uuid5(uuid.UUID(known), "another")))
    for name in patient["name"]:
        for word in (name["family"], *name["given"]):
            text = text.replace(word, f"Other{word[::-1]}")
    for number in (i["value"] for i in patient["identifier"] if not UUID.match(i["value"])):
        text = text.replace(number, number[::-1])
    path.write_text(text, encoding="utf-8")
    return path


class SameIds(resources.Embedding):
    """Between two levels below complete, where ids and references are the same."""

    def reference(self, view, whole):
        return view == whole


class Story:
    def __init__(self, tap, top):
        self.tap, self.top, self.out = tap, top, top / "out"
        directories = [p for p in sorted(SAMPLE.glob("*.json.gz")) if "Information" in p.name]
        broken = top / "broken.json"
        broken.write_bytes(resources.bundle_text(sample_bundle())[:20000])
        self.bundles = [sample_bundle(), other_patient(top / "Another_Person.json")]
        self.given = [*self.bundles, *directories, broken]

    def demo(self, *arguments):
        """(exit code, what it said)"""
        done = subprocess.run([ACESO, "demo", *(str(a) for a in arguments)], check=False,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS,
                              env={**os.environ, "TMPDIR": str(self.top)})
        return done.returncode, done.stdout.decode("utf-8", "replace")

    def file(self, folder, bundle):
        name = bundle.name.split(".json")[0]
        return self.out / folder / f"{name}.ndjson"

    # What the demonstration says of itself.

    def told(self):
        code, said = self.demo("--once", "--keep", "--out", self.out, *self.given)
        report = json.loads((self.out / "report.json").read_text())
        bad = [s for s in report["steps"] if not s["ok"]]
        expect(code == 3 and not bad and report["held"],
               f"{code}: {short(bad, 2000)}\n{said[-3000:]}")
        return {s["name"] for s in report["steps"]}, said

    def names(self, steps):
        with self.tap.check("the report has every step, the attacks among them"):
            for name in ("import broken bundle", "fetch before approval", "outsider fetches",
                         "fetch without accreditation", "verify by a stranger", "rules decide",
                         "self-made credential", "open without grant", "replayed consent",
                         "every attribute", "two pool", "three pool", "thief of the database",
                         "hospital serves more", "rogue authority", "another's whitelist",
                         "replayed messages", "curious operator", "cloud object lost",
                         "cloud object changed", "cloud object swapped",
                         "cloud object rolled back", "fetch after revocation",
                         "another's consent goes on", "revoke past a silent hospital",
                         "fetch by a revoked institute", "revoked institute", "status"):
                expect(name in steps, f"no step '{name}'")

    # The folders.

    def complete(self, bundle, whole):
        for folder in COMPLETE:
            with self.tap.check(f"{bundle.name}: {folder} has every record, value for value"):
                read = resources.lines(self.file(folder, bundle))
                equal(len(read), len(whole), "records")
                for got, wanted in zip(read, whole):
                    equal(got, wanted, f"{wanted['resourceType']} {wanted['id']}")

    def absent(self, views):
        kinds = {name: {r["resourceType"] for r in view} for name, view in views.items()}
        expect(not kinds["pharmacy"] & {"Claim", "ExplanationOfBenefit"}, "claims at the pharmacy")
        for name, view in views.items():
            found = categories(view)
            hidden = {"social-history", "survey"} | ({"laboratory"} if name != LOWER[2] else set())
            expect(not found & hidden, f"{name} has {found & hidden}")
            expect("Provenance" not in kinds[name], f"Provenance at {name}")
            banned = {p for r in view for p, _ in resources.leaves(r)
                      if p[-2:] == ("text", "div") or p[-1] == "data"}
            expect(not banned, f"{name} has {banned}")

    def present(self, views, whole):
        def codes(view, kind, member="code"):
            return [r[member]["coding"][0]["code"] for r in view if r["resourceType"] == kind]

        for name in LOWER:
            expect(len(codes(views[name], "Condition")) > len(codes(whole, "Condition")) / 2,
                   f"{name}: most conditions are missing")
        drugs = ("MedicationRequest", "medicationCodeableConcept")
        equal(codes(views["pharmacy"], *drugs), codes(whole, *drugs), "medications")
        claims = sum(r["resourceType"] == "Claim" for r in whole)
        expect(sum(r["resourceType"] == "Claim" for r in views["insurance"]) > claims / 2,
               "most claims are missing")
        values = [r["valueQuantity"] for r in laboratory(whole)]
        expect(values, "the sample has no laboratory value")
        equal([r["valueQuantity"] for r in laboratory(views["medical-school"])], values, "values")

    def lower(self, bundle, whole):
        views = {name: resources.lines(self.file(name, bundle)) for name in LOWER}
        with self.tap.check(f"{bundle.name}: what a level must not have is not there"):
            self.absent(views)
        with self.tap.check(f"{bundle.name}: what a level must have is there"):
            self.present(views, whole)
        with self.tap.check(f"{bundle.name}: each level within the next, leaf by leaf"):
            ladder = list(views.values())
            for low, high in zip(ladder, ladder[1:]):
                by_id = {r["id"]: r for r in high}
                strange = [r for r in low if r["id"] not in by_id
                           or not SameIds().resource(r, by_id[r["id"]])]
                expect(not strange and len(low) < len(high),
                       f"{len(strange)} of {len(low)} say more: {short(strange[:1], 1500)}")
            _, strange = resources.match(ladder[-1], whole)
            expect(not strange and len(ladder[-1]) < len(whole),
                   f"{len(strange)} say more than the bundle: {short(strange[:1], 1500)}")
        with self.tap.check(f"{bundle.name}: nothing names the patient below complete"):
            telling = resources.identity(whole[0]) | {r["id"] for r in whole}
            for name in LOWER:
                text = self.file(name, bundle).read_bytes()
                inside = [resources.decoded(s) for r in views[name] for s in resources.strings(r)]
                found = [t for t in telling for data in (text, *inside) if t.encode() in data]
                expect(not found, f"{name} has {short(found)}")

    def proofs(self):
        with self.tap.check("a proof lies beside each export, and nothing else is there"):
            for folder in (*LOWER, *COMPLETE):
                names = sorted(p.name for p in (self.out / folder).iterdir())
                wanted = sorted(self.file(folder, b).with_suffix(suffix).name
                                for b in self.bundles for suffix in (".ndjson", ".proof"))
                equal(names, wanted, folder)

    def nothing_secret(self):
        """Of all parties only the patient and the readers of complete hold a name, in the files
        above; no data directory and no paper does."""
        with self.tap.check("no name in any node's directory, the chain, or what was carried"):
            telling = {f for b in self.bundles
                       for t in resources.identity(resources.entries(b)[0])
                       for f in resources.written_as(t)}
            for top in ("nodes", "chain"):
                for path in (p for p in (self.out / top).rglob("*") if p.is_file()):
                    data = path.read_bytes()
                    found = [t for t in telling if t in data]
                    expect(not found, f"{path.relative_to(self.out)} has {short(found)}")
            equal(sorted(p.name for p in self.top.iterdir() if p.is_dir()), ["out"], "left over")

    # Once more.

    def again(self):
        with self.tap.check("started again: the same reads, the same refusals"):
            code, said = self.demo("--again", self.out)
            report = json.loads((self.out / "again.json").read_text())
            names = {s["name"] for s in report["steps"]}
            expect(code == 0 and report["held"], f"{code}: {said[-3000:]}")
            expect({"read again", "reads are the same", "refused again"} <= names, f"{names}")
        with self.tap.check("a file that is not what it was is noticed"):
            path = self.file("hospital-b", self.bundles[1])
            path.write_bytes(path.read_bytes().replace(b"final", b"fixed", 1))
            code, said = self.demo("--again", self.out)
            expect(code == 1 and "it is not what it was" in said, f"{code}: {said[-3000:]}")


def categories(view):
    return {x["code"] for r in view if r["resourceType"] == "Observation"
            for c in r.get("category", ()) for x in c["coding"]}


def laboratory(view):
    return [r for r in view if r["resourceType"] == "Observation" and "valueQuantity" in r
            and "laboratory" in categories([r])]


def usage(tap, story):
    with tap.check("wrong usage is 2; a directory without a kept run is refused"):
        equal(story.demo("--keep")[0], 2, "--keep without --out")
        equal(story.demo("--again", story.top, "--once", sample_bundle())[0], 2, "--again and more")
        equal(story.demo("--again", story.top)[0], 1, "--again of nothing")
        equal(story.demo("--once", "--keep", "--out", story.out, sample_bundle())[0], 1,
              "a second run in the same directory")


def program(tap):
    with tempfile.TemporaryDirectory(prefix="aceso-whole-") as directory:
        story = Story(tap, Path(directory))
        with tap.check("the story holds; the broken bundle makes the exit code 3", vital=True):
            steps, said = story.told()
            tap.say(next(x for x in said.splitlines() if x.startswith("Everything held")))
        story.names(steps)
        for bundle in story.bundles:
            whole = resources.entries(bundle)
            story.complete(bundle, whole)
            story.lower(bundle, whole)
        story.proofs()
        story.nothing_secret()
        usage(tap, story)
        story.again()


if __name__ == "__main__":
    sys.exit(main(program))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What must fail though the attackers are strong: each attack of aceso-adversary on a live
consortium. Each is shown to be strong too: with the missing piece added the same code gets in.

Environment: ACESO_ADVERSARY (the program)."""

import json
import os
import subprocess
import sys
import uuid

import resources
from network import ANVIL, Network, sample_bundle
from tap import equal, expect, main, until

ADVERSARY = os.environ.get("ACESO_ADVERSARY", "build/demo/aceso-adversary")
HOME, AWAY = "hospital-a", "hospital-b"
PHARMACY, INSURANCE, SCHOOL = "pharmacy", "insurance", "medical-school"
PURPOSES = {PHARMACY: "TREAT", INSURANCE: "HPAYMT", SCHOOL: "HRESCH"}
LEVELS = ("low", "medium", "high", "complete")
HELD, BREACH, BROKEN = 0, 1, 2


def small_bundle(path, seed):
    """Another patient: some of the sample's entries under new ids, names and numbers."""
    bundle = json.loads(resources.bundle_text(sample_bundle()))
    wanted = {"Patient", "Condition", "Observation", "Encounter", "MedicationRequest"}
    entries = [e for e in bundle["entry"] if e["resource"]["resourceType"] in wanted][:60]
    text = json.dumps({**bundle, "entry": entries})
    for entry in bundle["entry"]:
        known = entry["resource"]["id"]
        text = text.replace(known, str(uuid.uuid5(uuid.UUID(known), seed)))
    path.write_text(text, encoding="utf-8")
    return path


class Attacks:
    def __init__(self, tap, network):
        self.tap, self.network = tap, network
        self.backup = network.files / "backup.parts"

    # Carrying one out.

    def carry_out(self, name, *arguments, code=HELD):
        """What it says as JSON; its exit code must be `code`."""
        line = [ADVERSARY, name, *(str(a) for a in arguments), "--json"]
        done = subprocess.run(line, capture_output=True, check=False, timeout=280,
                              env={**os.environ, "ACESO_ANVIL": ANVIL})
        out = done.stdout.decode()
        if done.returncode != code:
            raise AssertionError(f"{done.returncode}, not {code}: {' '.join(line)}\n{out[:4000]}\n"
                                 f"{done.stderr.decode()[-2000:]}")
        told = json.loads(out)
        self.tap.say(told["message"])
        return told

    def data(self, *names):
        """Options that name the data directories of parties."""
        return [a for n in names
                for a in ("--hospital" if self.network[n].role == "hospital" else "--institute",
                          self.network[n].data)]

    def opened(self, told, patient):
        """(allowed, alone, opened) of one patient; parts open up to that level, all of them."""
        address = self.network[patient].address
        found = [p for p in told["patients"] if p["patient"] == address]
        equal(len(found), 1, f"lines for {patient}")
        top = LEVELS.index(found[0]["opened"]) + 1 if found[0]["opened"] != "none" else 0
        for at, level in enumerate(LEVELS):
            counts = found[0]["parts"][level]
            expect(not counts["opened"] or at < top, f"parts of {level} opened")
            if at < top:
                equal(counts["opened"], counts["stolen"], f"parts of {level}")
        return found[0]["allowed"], found[0]["alone"], found[0]["opened"]

    # What the others do.

    def consent(self, institute, patient, level, hospital=HOME):
        network = self.network
        request = network.ask(institute, "institute", "request", "--hospital", hospital,
                              "--patient", network[patient].address, "--purpose",
                              PURPOSES[institute], "--level", level)["request"]
        network.patiently(patient, request)
        network.do(patient, "patient", "approve", request)
        network.do(hospital, "hospital", "approve", request)
        network.status(institute, request, "approved")
        network.do(institute, "institute", "obtain", "--from", hospital, "--patient",
                   network[patient].address)
        return request

    def accredit(self, institute):
        self.network.accredit(institute)
        self.network.do(institute, "institute", "obtain", "--from", AWAY)

    def program_opens(self, institute, patient, level):
        """How many resources the program itself opens of the stolen parts; 0: it refuses."""
        out = self.network.files / "opened.ndjson"
        code, _, _ = self.network.run(institute, "institute", "open", self.backup,
                                      self.network[patient].address, "--hospital", HOME,
                                      "--level", level, "--out", out, wait=5)
        count = len(resources.lines(out)) if code == 0 else 0
        out.unlink(missing_ok=True)
        return count

    # The attacks, in their order.

    def begin(self):
        network = self.network
        with self.tap.check("a consortium, three patients, their records", vital=True):
            network.found()
            network.party(HOME, "hospital")
            network.party(AWAY, "hospital")
            for name in PURPOSES:
                network.party(name, "institute", "--category", name)
            network.attributes()
            network.do(HOME, "hospital", "issue", "registered", "--to", network[AWAY].address)
            network.do(AWAY, "hospital", "obtain", "--from", HOME)
            network.patient("patient-1")
            network.patient("patient-2")
            network.patient("patient-3", AWAY)
            network.directories()
            network.take_in("patient-1", sample_bundle())
            network.take_in("patient-2", small_bundle(network.files / "small-2.json", "2"))
            network.take_in("patient-3", small_bundle(network.files / "small-3.json", "3"), AWAY)
            network.do(HOME, "hospital", "backup", network["patient-1"].address, "--out",
                       self.backup)

    def everything(self):
        line = (*self.data(PHARMACY, HOME, AWAY), "--database", self.network[HOME].data,
                "--database", self.network[AWAY].data)
        with self.tap.check("every attribute from both hospitals, and no grant: nothing opens"):
            told = self.carry_out("everything", *line)
            for patient in ("patient-1", "patient-2", "patient-3"):
                equal(self.opened(told, patient), ("none", "none", "none"), patient)
        with self.tap.check("with the patient's grant for low: low, and nothing else"):
            self.consent(PHARMACY, "patient-1", "low")
            told = self.carry_out("everything", *line)
            equal(self.opened(told, "patient-1"), ("low", "low", "low"), "patient-1")
            for patient in ("patient-2", "patient-3"):
                equal(self.opened(told, patient), ("none", "none", "none"), patient)
        with self.tap.check("with the patient's own secrets the same code opens all, and says so"):
            told = self.carry_out("everything", *line, "--patient",
                                  self.network["patient-2"].data, code=BREACH)
            equal(self.opened(told, "patient-2"), ("none", "complete", "complete"), "patient-2")
            equal(self.opened(told, "patient-1"), ("low", "low", "low"), "patient-1")
        with self.tap.check("without the second hospital's help it says that it shows nothing"):
            told = self.carry_out("overserve", *self.data(PHARMACY), "--parts", self.backup,
                                  "--only", self.network["patient-1"].address, code=BROKEN)
            expect("shows nothing" in told["message"], told["message"])

    def overserve(self):
        self.accredit(PHARMACY)
        with self.tap.check("all four levels served to a reader of low: low opens"):
            told = self.carry_out("overserve", *self.data(PHARMACY), "--parts", self.backup,
                                  "--only", self.network["patient-1"].address)
            equal(self.opened(told, "patient-1"), ("low", "low", "low"), "patient-1")
            expect(self.program_opens(PHARMACY, "patient-1", "low") > 0, "low does not open")
            for level in LEVELS[1:]:
                equal(self.program_opens(PHARMACY, "patient-1", level), 0, level)

    def pool(self):
        pair = (*self.data(PHARMACY, INSURANCE), "--database", self.network[HOME].data)
        self.consent(INSURANCE, "patient-1", "medium")
        with self.tap.check("one has the attributes and low, one the grant for medium alone"):
            told = self.carry_out("pool", *pair)
            equal(self.opened(told, "patient-1"), ("medium", "low", "low"), "patient-1")
        with self.tap.check("the missing attribute added, medium opens by the same code"):
            self.accredit(INSURANCE)
            told = self.carry_out("pool", *pair)
            equal(self.opened(told, "patient-1"), ("medium", "medium", "medium"), "patient-1")
        with self.tap.check("three pool what they have: each patient as the best of them alone"):
            self.consent(SCHOOL, "patient-2", "high")
            self.accredit(SCHOOL)
            told = self.carry_out("pool", *self.data(PHARMACY, INSURANCE, SCHOOL), "--database",
                                  self.network[HOME].data, "--parts", self.backup)
            equal(self.opened(told, "patient-1"), ("medium", "medium", "medium"), "patient-1")
            equal(self.opened(told, "patient-2"), ("high", "high", "high"), "patient-2")
            equal(self.opened(told, "patient-3"), ("none", "none", "none"), "patient-3")

    def thief(self):
        with self.tap.check("the whole database: no name, no key, and only what was granted"):
            told = self.carry_out("thief", *self.data(PHARMACY), "--database",
                                  self.network[HOME].data, "--bundle", sample_bundle())
            equal(self.opened(told, "patient-1"), ("low", "low", "low"), "patient-1")
            expect(any("in the clear" in a["attempt"] for a in told["attempts"]), "not searched")
        with self.tap.check("the search finds what is there: the bundle itself"):
            bad = self.network.files / "bad"
            bad.mkdir()
            for name in ("records.db", "node.db"):
                (bad / name).write_bytes((self.network[HOME].data / name).read_bytes())
            (bad / "bundle.json").write_bytes(resources.bundle_text(sample_bundle()))
            self.carry_out("thief", *self.data(PHARMACY), "--database", bad, "--bundle",
                           sample_bundle(), code=BREACH)

    def whitelist(self):
        with self.tap.check("another hospital edits entries, consents, patients: refused"):
            told = self.carry_out("whitelist", *self.data(AWAY))
            outcomes = {a["outcome"] for a in told["attempts"]}
            expect({"AddressMappingNotHospital", "AddressMappingNotAccessRequest",
                    "HospitalPatientBadSignature"} <= outcomes, outcomes)
            expect(len(told["attempts"]) >= 14, "too few attempts")
        with self.tap.check("the hospital whose they are is no such attacker, and it says so"):
            self.carry_out("whitelist", *self.data(HOME), code=BROKEN)

    def replay(self, revoked):
        line = (*self.data(PHARMACY, AWAY), "--patient", self.network["patient-2"].data)
        with self.tap.check("signed messages played again, elsewhere" +
                            (", a revocation too" if revoked else "")):
            told = self.carry_out("replay", *line)
            attempts = "\n".join(f"{a['attempt']}: {a['outcome']}" for a in told["attempts"])
            for name in ("terms", "batch signature", "credential", "approval",
                         *(["revocation"] if revoked else [])):
                for where in ("a second time", "on another chain"):
                    expect(f"{name} {where}" in attempts, f"{name} {where}: {attempts}")
            for words in ("to another hospital", "for another patient", "another institute",
                          "at other contracts"):
                expect(words in attempts, f"{words}: {attempts}")

    def identity(self):
        with self.tap.check("a stolen access string, false certificates: refused"):
            told = self.carry_out("identity", *self.data(INSURANCE, PHARMACY, AWAY))
            attempts = [a["attempt"] for a in told["attempts"]]
            for words in ("stolen access", "own making", "by a hospital's certificate",
                          "by another hospital's certificate"):
                expect(any(words in a for a in attempts), f"{words}: {attempts}")

    def rogue(self):
        network = self.network
        with self.tap.check("a rogue authority: others' labels, keys made from patients' keys"):
            told = self.carry_out("rogue", *self.data(PHARMACY, AWAY))
            expect(any("would have opened" in a["outcome"] for a in told["attempts"]), told)
        with self.tap.check("an authority with keys that are not on the chain: no enrolment"):
            network.node("patient-4", "patient")
            before = set(network.addresses())
            network.join("patient-4", HOME)
            network.up("patient-4")
            network[AWAY].stop()
            line = [ADVERSARY, "impostor", *self.data(AWAY), "--database", network[HOME].data,
                    "--database", network[AWAY].data]
            with subprocess.Popen([str(a) for a in line], stdout=subprocess.PIPE) as impostor:
                equal(impostor.stdout.readline(), b"ready\n", "the impostor's word")
                network.refused("patient-4", "patient", "enrol", words="on the chain")
                impostor.terminate()
            network.up(AWAY)
        with self.tap.check("with the true authority back the same patient enrols"):
            network.do("patient-4", "patient", "enrol")
            network.meet("patient-4", before)

    def revoked(self, low):
        network = self.network
        line = (*self.data(PHARMACY), "--database", network[HOME].data)
        with self.tap.check("before a revocation there is nothing to refuse, and it says so"):
            self.carry_out("revoked", *line, code=BROKEN)
        with self.tap.check("revoked: the gateway refuses; the stash opens what it did before"):
            network.do("patient-1", "patient", "revoke", low)
            network.status(HOME, low, "revoked")
            told = self.carry_out("revoked", *line)
            equal(self.opened(told, "patient-1"), ("low", "low", "low"), "patient-1")
            expect(any("certificate" in a["attempt"] for a in told["attempts"]), "not asked")


    def cloud(self):
        network, cloud = self.network, ("--cloud", self.network.top / "cloud")
        with self.tap.check("hospital-a keeps its parts at a cloud", vital=True):
            network.party("cloud", "cloud")
            self.use_cloud()
        with self.tap.check("the cloud's operator, with an institute's keys: opaque objects"):
            told = self.carry_out("cloud", *cloud, *self.data(SCHOOL), "--bundle",
                                  sample_bundle(), "--hospital", network[HOME].data)
            expect("own key opens all" in told["attempts"][0]["outcome"], told["attempts"])
        with self.tap.check("a pharmacy with database and cloud: as with the database"):
            told = self.carry_out("thief", *self.data(PHARMACY), *cloud, "--database",
                                  network[HOME].data, "--parts", self.backup,
                                  "--bundle", sample_bundle())
            equal(self.opened(told, "patient-1"), ("low", "low", "low"), "patient-1")
        for how, word in (("lose", "lost"), ("change", "changed"), ("swap", "swapped")):
            with self.tap.check(f"an object {word} is noticed and named"):
                self.mischief(how, word)
        with self.tap.check("an object rolled back is noticed and named"):
            self.shelf("keep", "old")
            network.do(HOME, "hospital", "cloud", "--home")
            until(lambda: not network.ask(HOME, "status")["cloud"]["used"], "all is home")
            self.use_cloud()
            self.shelf("keep", "rolled back")
            self.shelf("roll-back", "old")
            self.checked("rolled back")
            self.shelf("restore", "rolled back")
            network.do(HOME, "hospital", "check")

    def use_cloud(self):
        network = self.network
        network.do(HOME, "hospital", "cloud", f"https://127.0.0.1:{network['cloud'].port}",
                   "--address", network["cloud"].address)
        until(lambda: network.ask(HOME, "status")["cloud"]["home"] == 0, "all is at the cloud")

    def shelf(self, how, kept):
        self.carry_out("shelf", "--cloud", self.network["cloud"].data, "--how", how, "--kept",
                       self.network.files / f"{kept}.db")

    def checked(self, word):
        code, out, _ = self.network.run(HOME, "hospital", "check", "--json")
        equal((code, {f["fault"] for f in json.loads(out)["faults"]}), (1, {word}), "the check")

    def mischief(self, how, word):
        self.network.do(HOME, "hospital", "check")
        self.shelf(how, word)
        self.checked(word)
        self.shelf("restore", word)
        self.network.do(HOME, "hospital", "check")


def program(tap):
    with Network("attacks") as network:
        attacks = Attacks(tap, network)
        attacks.begin()
        attacks.everything()
        attacks.overserve()
        attacks.pool()
        attacks.thief()
        low = network.ask(PHARMACY, "institute", "requests")["requests"][0]["request"]
        attacks.whitelist()
        attacks.identity()
        attacks.rogue()
        attacks.replay(False)
        attacks.revoked(low)
        attacks.replay(True)
        attacks.cloud()


if __name__ == "__main__":
    sys.exit(main(program))

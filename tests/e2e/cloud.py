#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A hospital keeps its sealed records at a cloud: what leaves it, what the cloud can see, and that
whatever the cloud loses, swaps, rolls back or changes is noticed and named, by 'hospital check' and
by who reads. kill -9 of either side while records are carried loses nothing."""

import base64
import contextlib
import gzip
import json
import sqlite3
import sys

import parts
import resources
from network import Network, sample_bundle
from tap import equal, expect, main, short, until

HOSPITAL, OTHER, CLOUD = "hospital-a", "hospital-b", "cloud"
PATIENT, SCHOOL = "patient-1", "medical-school"


def database(path):
    return contextlib.closing(sqlite3.connect(path, timeout=30))


class Shelf:
    """The cloud's files, as its operator has them."""

    def __init__(self, network, hospital):
        self.path = network[CLOUD].data / "objects" / f"{network[hospital].address[2:]}.db"

    def objects(self):
        with database(self.path) as base:
            return dict(base.execute("SELECT name, bytes FROM object"))

    def count(self):
        if not self.path.exists():
            return 0
        with database(self.path) as base:
            return base.execute("SELECT count(*) FROM object").fetchone()[0]

    def put(self, objects):
        """Makes these (name -> bytes, or None for none) what lies there."""
        with database(self.path) as base, base:
            for name, data in objects.items():
                base.execute("DELETE FROM object WHERE name = ?", (name,))
                if data is not None:
                    base.execute("INSERT INTO object (name, bytes) VALUES (?, ?)", (name, data))


class Story:
    def __init__(self, tap, network, bundle):
        self.tap, self.network, self.bundle = tap, network, bundle
        self.files = network.files
        self.whole = resources.entries(bundle)

    # What the hospital says.

    def standing(self, hospital=HOSPITAL):
        return self.network.ask(hospital, "status")["cloud"]

    def carried(self, hospital=HOSPITAL):
        until(lambda: self.standing(hospital)["home"] == 0, f"all of {hospital} is in the cloud")

    def use(self, hospital=HOSPITAL):
        cloud = self.network[CLOUD]
        self.network.do(hospital, "hospital", "cloud", f"https://127.0.0.1:{cloud.port}",
                        "--address", cloud.address)

    def come_home(self, hospital=HOSPITAL):
        self.network.do(hospital, "hospital", "cloud", "--home")
        until(lambda: not self.standing(hospital)["used"], f"all of {hospital} is home")

    def check(self, *more):
        """(exit code, what the check says)"""
        code, out, err = self.network.run(HOSPITAL, "hospital", "check", "--json", *more)
        expect(out, f"the check broke: {code}: {err}")
        return code, json.loads(out)

    def sound(self, records):
        code, said = self.check()
        equal((code, said["faults"], said["checked"]), (0, [], records), "a sound check")
        equal(said["strays"], 0, "strays")

    def backup(self, name):
        out = self.files / f"{name}.parts"
        self.network.do(HOSPITAL, "hospital", "backup", self.network[PATIENT].address, "--out", out)
        return out.read_bytes()

    def read(self, name):
        out = self.files / f"{name}.ndjson"
        self.network.do(PATIENT, "patient", "read", "--out", out)
        return out

    def fetch(self, name):
        out = self.files / f"{name}.ndjson"
        self.network.do(SCHOOL, "institute", "fetch", self.request, "--out", out)
        return out.read_bytes()

    # The story.

    def begin(self):
        network, tap = self.network, self.tap
        with tap.check("a consortium, and a record that is kept at the hospital", vital=True):
            network.consortium()
            network.patient(PATIENT)
            network.directories()
            equal(network.take_in(PATIENT, self.bundle)["records"], len(self.whole), "records")
            self.read("before")
            network.accredit()
            self.request = network.consent(PATIENT, "high")
            self.school = self.fetch("school-before")
            self.before = self.backup("before")
            self.sound(len(self.whole))
        with tap.check("a cloud is admitted, without a chain and without a credential", vital=True):
            network.party(CLOUD, "cloud")
            network.refused(HOSPITAL, "hospital", "cloud",
                            f"https://127.0.0.1:{network[CLOUD].port}", "--address",
                            network[OTHER].address, words="another party")
            code, _, err = network.run(HOSPITAL, "hospital", "cloud", "http://127.0.0.1:1",
                                       "--address", network[CLOUD].address)
            equal((code, "https" in err), (2, True), "a URL that is none")

    def leave(self):
        tap = self.tap
        with tap.check("all that is kept goes to the cloud", vital=True):
            self.use()
            self.carried()
            equal(self.standing()["away"], len(self.whole), "records in the cloud")
            expect(self.shelf.count() >= len(self.whole), "objects are missing")
        rows = parts.read(self.before)
        with tap.check("records.db has no sealed bytes left"):
            path = self.network[HOSPITAL].data / "records.db"
            with database(path) as base:
                equal(base.execute("SELECT sum(length(sealed)) FROM part").fetchone()[0], 0,
                      "sealed bytes")

            def gone():
                text = b"".join(p.read_bytes() for p in path.parent.glob("records.db*"))
                return not any(row.sealed[40:72] in text for row in rows)
            until(gone, "no sealed byte in the database's files")
        with tap.check("what is read is byte for byte what it was"):
            expect(self.backup("away") == self.before, "the backup differs")
            got, wanted = resources.lines(self.read("away")), self.whole
            equal(len(got), len(wanted), "resources")
            for one, other in zip(got, wanted):
                equal(one, other, f"{other['resourceType']} {other['id']}")
            expect(self.fetch("school-away") == self.school, "the school's file differs")
        with tap.check("the check finds everything as it must be"):
            self.sound(len(self.whole))
            equal(self.check()[1]["away"], len(self.whole), "records in the cloud")
            equal(self.check("--patient", "0x" + "11" * 20)[1]["checked"], 0, "of nobody")
        return rows

    def unseen(self, rows):
        """What the operator of the cloud may look at for as long as he likes."""
        network, tap = self.network, self.tap
        ids = {r["id"] for r in self.whole}
        codes = {leaf for r in self.whole for path, leaf in resources.leaves(r)
                 if path[-1] == "code" and isinstance(leaf, str) and any(map(str.isdigit, leaf))}
        dates = {leaf for r in self.whole for path, leaf in resources.leaves(r)
                 if isinstance(leaf, str) and "date" in path[-1].lower() and len(leaf) >= 10}
        types = {r["resourceType"] for r in self.whole}
        needles = {form for text in resources.identity(self.whole[0])
                   for form in resources.written_as(text)}
        needles |= {t.encode() for t in ids | codes | dates | types if len(t) > 5}
        for address in (network[PATIENT].address, *(r.record.hex() for r in rows)):
            raw = address.removeprefix("0x")
            needles |= {raw.encode(), raw.upper().encode(), bytes.fromhex(raw)}
        with tap.check("the cloud's directory and log tell nothing of patient, type, code, date"):
            tap.say(f"{len(needles)} needles")
            expect(len(needles) > 3 * len(ids), "too little is looked for")
            paths = [p for p in network[CLOUD].data.rglob("*") if p.is_file()]
            for path in [*paths, network[CLOUD].log]:
                data = path.read_bytes()
                found = [n for n in needles if n in data]
                expect(not found, f"{path.name} has {short(found)}")
        with tap.check("objects come in few sizes"):
            sizes = {len(data) for data in self.shelf.objects().values()}
            expect(sizes <= {49 + 2048 * 2**i for i in range(8)}, f"sizes {sorted(sizes)}")

    def faulty(self, words, change, faults):
        """Does `change` to the cloud's objects; it must be named wherever one looks."""
        network = self.network
        kept = {name: self.shelf.objects()[name] for name in change}
        with self.tap.check(f"{words}: named by the check, refused to readers"):
            self.shelf.put(change)
            code, said = self.check()
            equal(code, 1, "exit")
            equal([f["fault"] for f in said["faults"]], [words] * faults, "faults")
            for fault in said["faults"]:
                equal((fault["patient"], fault["version"], fault["where"], len(fault["record"])),
                      (network[PATIENT].address, 1, "cloud", 32), "what is named")
                expect(f"{words}: record {fault['record']}, version 1" in said["message"],
                       said["message"])
            equal(self.standing()["faults"], faults, "in the status")
            expect("hospital check" in network.do(HOSPITAL, "status"), "the status does not say it")
            network.refused(PATIENT, "patient", "read", "--out", self.files / "faulty.ndjson",
                            words="lost or changed a part")
            network.refused(SCHOOL, "institute", "fetch", self.request, "--out",
                            self.files / "faulty.ndjson", words="lost or changed a part")
            network.refused(HOSPITAL, "hospital", "backup", network[PATIENT].address, "--out",
                            self.files / "faulty.parts", words=words)
            log = network[HOSPITAL].log.read_text()
            expect(all(f["record"] in log for f in said["faults"]), "not in the log")
            self.shelf.put(kept)
            self.sound(len(self.whole))
            equal(self.standing()["faults"], 0, "in the status, put right")
        with self.tap.check(f"{words}: put right, it reads as before"):
            expect(self.backup("right") == self.before, "the backup differs")

    def faults(self):
        objects = self.shelf.objects()
        names = sorted(objects)
        one = names[3]
        other = next(n for n in names if len(objects[n]) != len(objects[one]))
        same = next(n for n in names if n != one and len(objects[n]) == len(objects[one]))
        self.faulty("lost", {one: None}, 1)
        self.faulty("swapped", {one: objects[same], same: objects[one]}, 2)
        self.faulty("swapped", {one: objects[other]}, 1)
        changed = bytearray(objects[other])
        changed[len(changed) // 2] ^= 1
        self.faulty("changed", {other: bytes(changed)}, 1)
        self.faulty("changed", {other: objects[other][:-1024]}, 1)
        with self.tap.check("everything comes home, and goes again"):
            self.come_home()
            equal(self.shelf.count(), 0, "objects left in the cloud")
            expect(self.backup("home") == self.before, "the backup differs")
            self.use()
            self.carried()
            equal(set(self.shelf.objects()), set(names), "the same names")
        self.faulty("rolled back", {one: objects[one]}, 1)

    def away(self):
        network, cloud = self.network, self.network[CLOUD]
        with self.tap.check("a cloud that is away is said to be away, not to have lost anything"):
            cloud.kill()
            network.refused(PATIENT, "patient", "read", "--out", self.files / "absent.ndjson",
                            words="does not answer", wait=0)
            equal(self.standing()["faults"], 0, "faults")
        with self.tap.check("imports go on without it"):
            bundle = self.second_bundle()
            equal(network.take_in(PATIENT, bundle)["records"], 60, "records")
            until(lambda: self.standing()["home"] == 60, "they are signed")
            until(lambda: self.standing()["trouble"], "the status says what is in the way")
        with self.tap.check("who reads waits for it"):
            with network.begin(PATIENT, "patient", "read", "--out",
                               self.files / "late.ndjson") as command:
                expect(command.running(), "it did not wait")
                cloud.start()
                code, _, err = command.end()
            equal(code, 0, err)
            equal(len(resources.lines(self.files / "late.ndjson")), len(self.whole) + 60, "read")
            self.carried()
            until(lambda: not self.standing()["trouble"], "nothing is in the way")
            self.sound(len(self.whole) + 60)

    def second_bundle(self):
        """The patient again with some resources that refer to nothing else, one of them large."""
        with gzip.open(self.bundle, "rt", encoding="utf-8") as file:
            bundle = json.load(file)
        patient = bundle["entry"][0]
        bundle["entry"] = [patient] + [
            {"fullUrl": f"urn:uuid:{i:08d}-0000-4000-8000-000000000000",
             "resource": {"resourceType": "Basic", "id": f"{i:08d}-0000-4000-8000-000000000000",
                          "code": {"text": f"note {i}"},
                          "subject": {"reference": patient["fullUrl"]}},
             "request": {"method": "POST", "url": "Basic"}} for i in range(1, 59)]
        large = base64.b64encode(bytes(range(256)) * 8000).decode()
        bundle["entry"].append(
            {"fullUrl": "urn:uuid:00000059-0000-4000-8000-000000000000",
             "resource": {"resourceType": "DocumentReference", "status": "current",
                          "id": "00000059-0000-4000-8000-000000000000",
                          "subject": {"reference": patient["fullUrl"]},
                          "content": [{"attachment": {"contentType": "text/plain",
                                                      "data": large}}]},
             "request": {"method": "POST", "url": "DocumentReference"}})
        return self.network.write("second.json", json.dumps(bundle))

    def killed(self):
        before = self.backup("unkilled")
        for turn, (victim, way) in enumerate([(CLOUD, "out"), (HOSPITAL, "out"), (CLOUD, "home"),
                                              (HOSPITAL, "home"), (HOSPITAL, "out"),
                                              (HOSPITAL, "home")]):
            with self.tap.check(f"{victim} dies while records are carried {way}: nothing is lost"):
                self.died(victim, way, turn)
                expect(self.backup("killed") == before, "the backup differs")
                self.sound(len(self.whole) + 60)

    def died(self, victim, way, turn):
        """Kills it when about half has gone that way, starts it, and waits for the end."""
        network, total = self.network, len(self.whole) + 60
        if way == "out" and self.standing()["used"]:
            self.come_home()
        if way == "home" and not self.standing()["used"]:
            self.use()
            self.carried()
        bound = total * (turn + 2) // 10
        if way == "out":
            self.use()
            until(lambda: self.shelf.count() >= bound, "some have left")
        else:
            network.do(HOSPITAL, "hospital", "cloud", "--home")
            until(lambda: self.shelf.count() <= total - bound, "some are home")
        network[victim].kill()
        with database(network[HOSPITAL].data / "records.db") as base:
            there = base.execute("SELECT count(*) FROM object WHERE state = 2").fetchone()[0]
        self.tap.say(f"{there} of {total} records are in the cloud")
        network[victim].start()
        network[victim].ready()
        if way == "out":
            self.carried()
        else:
            until(lambda: not self.standing()["used"], "all are home")
            equal(self.shelf.count(), 0, "left behind")

    def damaged_here(self):
        """What is damaged at home is named as well, and not carried away."""
        path = self.network[HOSPITAL].data / "records.db"
        with self.tap.check("what is damaged at home is named, and stays"):
            with database(path) as base, base:
                row, kept = base.execute("SELECT rowid, sealed FROM part LIMIT 1").fetchone()
                base.execute("UPDATE part SET sealed = zeroblob(?) WHERE rowid = ?",
                             (len(kept), row))
            code, said = self.check()
            equal((code, [(f["fault"], f["where"]) for f in said["faults"]]),
                  (1, [("changed", "here")]), "faults")
            self.use()
            until(lambda: self.standing()["home"] == 1, "the others are in the cloud")
            equal(self.check()[0], 1, "exit")
            with database(path) as base, base:
                base.execute("UPDATE part SET sealed = ? WHERE rowid = ?", (kept, row))
            equal(self.check()[0], 0, "exit, put right")
            self.carried()

    def tenants(self):
        network, tap = self.network, self.tap
        mine = self.shelf.objects()
        with tap.check("a second hospital keeps its own beside it", vital=True):
            network.do(HOSPITAL, "hospital", "issue", "registered", "--to",
                       network[OTHER].address)
            network.do(OTHER, "hospital", "obtain", "--from", HOSPITAL)
            network.patient("patient-2", OTHER)
            network.do(OTHER, "hospital", "import", self.bundle, "--patient",
                       network["patient-2"].address)
            network.do("patient-2", "patient", "sign")
            self.use(OTHER)
            until(lambda: self.standing(OTHER)["away"] == len(self.whole), "it is in the cloud")
            names = set(Shelf(network, OTHER).objects())
            expect(not names & set(mine), "two hospitals have one name")
            said = network.ask(CLOUD, "cloud", "tenants")
            equal({t["hospital"] for t in said["tenants"]},
                  {network[HOSPITAL].address, network[OTHER].address}, "tenants")
            equal(said["objects"], len(mine) + len(names), "objects")
        with tap.check("what one removes, or is not allowed any more, does not touch the other"):
            network.do(CLOUD, "cloud", "quota", 0, "--hospital", network[OTHER].address)
            self.come_home(OTHER)
            equal(Shelf(network, OTHER).count(), 0, "objects of the second one")
            expect(self.shelf.objects() == mine, "the first one's objects changed")
            self.use(OTHER)
            until(lambda: "quota" in self.standing(OTHER)["trouble"], "the quota is in the way")
            equal(Shelf(network, OTHER).count(), 0, "objects over the quota")
            self.sound(len(self.whole) + 60)

    def tell(self):
        self.begin()
        self.shelf = Shelf(self.network, HOSPITAL)
        rows = self.leave()
        self.unseen(rows)
        self.faults()
        self.away()
        self.killed()
        self.damaged_here()
        self.tenants()
        with self.tap.check("every node stops when it is told to, with 0"):
            for node in self.network.nodes.values():
                equal(node.stop(), 0, node.name)


def program(tap):
    with Network("cloud") as network:
        Story(tap, network, sample_bundle()).tell()


if __name__ == "__main__":
    sys.exit(main(program))

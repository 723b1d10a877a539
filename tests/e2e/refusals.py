#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What must be refused: the school before its approval, without the patient's grant, with a lower
one, with parts that were changed, with credentials and consents that are not its own, after a
revocation, and while it is still reading."""

import copy
import json
import socket
import struct
import sys
import uuid
from dataclasses import replace

import parts
import resources
from network import SAMPLE, Network, sample_bundle
from tap import equal, expect, main, until

LEVELS = ("low", "medium", "high", "complete")
SHORT = 2  # seconds in which a command asks again for a stream that broke off
SCHOOL, HOSPITAL = "medical-school", "hospital-a"


class Refusals:
    def __init__(self, tap, network):
        self.tap, self.network = tap, network
        self.out = network.files / "out.ndjson"
        self.backup = network.files / "backup.parts"

    # What the school tries.

    def cannot_fetch(self, request, *more, words=""):
        return self.network.refused(SCHOOL, "institute", "fetch", request, *more, "--out",
                                    self.out, words=words, wait=SHORT)

    def fetch(self, request):
        self.out.unlink(missing_ok=True)
        self.network.do(SCHOOL, "institute", "fetch", request, "--out", self.out)
        view = self.out.read_bytes()
        self.out.unlink()
        return view

    def _open(self, path, level):
        return ("institute", "open", path, self.network["patient-1"].address, "--hospital",
                HOSPITAL, "--level", level, "--out", self.out)

    def cannot_open(self, path, level, words=""):
        return self.network.refused(SCHOOL, *self._open(path, level), words=words, wait=SHORT)

    def open(self, path, level):
        self.out.unlink(missing_ok=True)
        self.network.do(SCHOOL, *self._open(path, level))
        view = self.out.read_bytes()
        self.out.unlink()
        return view

    def whitelist(self):
        """Entries opened and removed, as the chain has them."""
        counts = self.network.chain.rpc.counts()
        return counts.get("EntryOpened", 0), counts.get("EntryRemoved", 0)

    # The checks, in their order.

    def credentials(self):
        network, school = self.network, self.network[SCHOOL]
        ask = ("institute", "request", "--hospital", HOSPITAL, "--patient",
               network["patient-1"].address, "--purpose", "HRESCH", "--level", "high")
        own = json.loads(network.do(SCHOOL, "institute", "credential"))
        with self.tap.check("a credential that another CA signed"):
            network.node("false-ca", "ca")
            contracts = network.network["network"]
            made = network.do("false-ca", "ca", "credential", "--contract",
                              contracts["amsc"], "--chain", contracts["chain_id"],
                              "--category", "medical-school", "--institute", school.address,
                              "--seal-key", own["seal_key"], "--tls-key-digest",
                              own["tls_key_digest"])
            path = network.write("false.credential", made)
            network.refused(SCHOOL, *ask, "--credential", path)
        changes = {
            "institute": network[HOSPITAL].address,
            "category": 4,
            "seal_key": "0x" + "07" * 32,
            "tls_key_digest": "0x" + "08" * 32,
            "serial": own["serial"] + 1,
            "expiry": own["expiry"] + 1,
            "generation": own["generation"] + 1,
            "signature": own["signature"][:20] + "00" + own["signature"][22:],
        }
        with self.tap.check("the right CA's credential with any member changed"):
            equal(set(changes) | {"category_name"}, set(own), "members of a credential")
            for member, value in changes.items():
                path = network.write("changed.credential", json.dumps({**own, member: value}))
                network.refused(SCHOOL, *ask, "--credential", path)
        with self.tap.check("no request came of these"):
            equal(network.chain.rpc.counts().get("RequestMade", 0), 0, "requests")
            equal(network.chain.rpc.counts().get("CredentialAccepted", 0), 0, "credentials")

    def before_approval(self):
        network = self.network
        with self.tap.check("nothing before anybody approved"):
            request = network.request("patient-1", "high")
            self.cannot_fetch(request)
        with self.tap.check("nothing when the patient alone approved"):
            network.patiently("patient-1", request)
            network.do("patient-1", "patient", "approve", request)
            self.cannot_fetch(request)
        with self.tap.check("the hospital cannot approve without the patient"):
            alone = network.request("patient-1", "high")
            until(lambda: alone in network.do(HOSPITAL, "hospital", "requests"),
                  "the hospital sees the request")
            network.refused(HOSPITAL, "hospital", "approve", alone)
            self.cannot_fetch(alone)
        equal(self.whitelist()[0], 0, "whitelist entries")

    def without_grant(self):
        network, patient = self.network, self.network["patient-1"].address
        with self.tap.check("every attribute key and every sealed part, but no grant"):
            network.do(HOSPITAL, "hospital", "backup", patient, "--out", self.backup)
            for hospital, names in ((HOSPITAL, ("registered", f"on.1.{patient}")),
                                    ("hospital-b", ("accredited",))):
                for name in names:
                    network.do(hospital, "hospital", "issue", name, "--to",
                               network[SCHOOL].address)
            network.do(SCHOOL, "institute", "obtain", "--from", HOSPITAL, "--patient", patient)
            network.do(SCHOOL, "institute", "obtain", "--from", "hospital-b")
            for level in LEVELS:
                self.cannot_open(self.backup, level)

    def lower_grant(self):
        network = self.network
        with self.tap.check("with a grant for low the parts above stay closed", vital=True):
            low = network.consent("patient-1", "high", "low")
            view = self.fetch(low)
            equal(self.open(self.backup, "low"), view, "the view of level low")
            for level in LEVELS[1:]:
                self.cannot_open(self.backup, level)
        with self.tap.check("an access string of one's own making"):
            patient = network["patient-1"].address
            text = json.dumps({
                "version": 1, "url": f"https://127.0.0.1:{network[HOSPITAL].port}/v1/query",
                "query": "SELECT patient, record, version, level, epoch, sealed, proof FROM parts"
                         f" WHERE patient = x'{patient[2:]}' ORDER BY record, version, level",
                "request": low, "nonce": "0x" + "00" * 16})
            path = network.write("own.access", text)
            self.cannot_fetch(low, "--access", path, words="not live")
        return low, view

    def above_the_table(self):
        network = self.network
        with self.tap.check("nothing above what the patient's table allows"):
            request = network.request("patient-1", "complete")
            network.patiently("patient-1", request)
            network.refused("patient-1", "patient", "approve", request, "--level", "complete",
                            words="level")
            network.do("patient-1", "patient", "approve", request)
            network.do(HOSPITAL, "hospital", "approve", request)
            network.status(SCHOOL, request, "approved")
            view = self.fetch(request)
            equal(self.open(self.backup, "high"), view, "the view of level high")
            self.cannot_open(self.backup, "complete")
        return request

    def others(self, approved):
        network = self.network
        request = network.request("patient-1", "high")
        network.patiently("patient-1", request)
        with self.tap.check("another patient decides nothing"):
            for decision in ("approve", "deny"):
                network.refused("patient-2", "patient", decision, request)
            network.refused(HOSPITAL, "hospital", "approve", request)
        with self.tap.check("another request's consent is no consent"):
            path = network.write("replayed.approval",
                                 network.do(HOSPITAL, "hospital", "approval", approved))
            network.refused(HOSPITAL, "hospital", "approve", request, "--approval", path)
            changed = json.loads(path.read_text())
            if "request" in changed:
                changed["request"] = request
                path = network.write("changed.approval", json.dumps(changed))
                network.refused(HOSPITAL, "hospital", "approve", request, "--approval", path)
            self.cannot_fetch(request)
        with self.tap.check("the same consent a second time"):
            network.refused(HOSPITAL, "hospital", "approve", approved)
        with self.tap.check("what the patient refused"):
            network.do("patient-1", "patient", "deny", request)
            network.status(HOSPITAL, request, "refused")
            network.refused(HOSPITAL, "hospital", "approve", request)
            network.status(SCHOOL, request, "refused")
            self.cannot_fetch(request, words="refused")

    def changed_parts(self):
        rows = parts.read(self.backup.read_bytes())
        own = [i for i, row in enumerate(rows) if row.level <= 3]
        one, two = own[40], own[43]  # the same level of two records
        path = self.network.files / "changed.parts"

        def attempt(words, change):
            with self.tap.check(words):
                made = copy.deepcopy(rows)
                data = change(made)
                path.write_bytes(parts.write(made) if data is None else data)
                self.cannot_open(path, "high")

        def flip(row, field, at):
            blob = bytearray(getattr(row, field))
            blob[at] ^= 1
            setattr(row, field, bytes(blob))

        with self.tap.check("the parts as they are open"):
            equal(rows[one].level, rows[two].level, "levels")
            equal(parts.write(rows), self.backup.read_bytes(), "the stream written again")
            self.open(self.backup, "high")

        def swap_rows(made):
            made[one], made[two] = made[two], made[one]

        def swap_contents(made):
            for field in ("sealed", "proof"):
                first, second = getattr(made[one], field), getattr(made[two], field)
                setattr(made[one], field, second)
                setattr(made[two], field, first)

        def drop_record(made):
            made[:] = [row for row in made if row.record != rows[one].record]

        attempt("one byte of a sealed part changed",
                lambda made: flip(made[one], "sealed", 60))
        attempt("one byte of the last part's tag changed",
                lambda made: flip(made[own[-1]], "sealed", -1))
        attempt("one byte of a proof changed", lambda made: flip(made[one], "proof", -1))
        attempt("two rows in each other's place", swap_rows)
        attempt("a part under another record", swap_contents)
        attempt("a row left out", lambda made: made.pop(one) and None)
        attempt("a record left out", drop_record)
        attempt("a row twice", lambda made: made.insert(one, copy.deepcopy(made[one])))
        attempt("a part of a higher level as one of a lower",
                lambda made: made.__setitem__(one, replace(made[one], level=1)))
        attempt("another version", lambda made: setattr(made[one], "version", 2))
        attempt("another epoch", lambda made: setattr(made[one], "e", 2))
        attempt("the last record left out",
                lambda made: made.__delitem__(slice(len(made) - 4, None)))
        whole = self.backup.read_bytes()
        attempt("the stream cut in the middle", lambda made: whole[:len(whole) // 2])
        attempt("the stream without its end", lambda made: whole[:-12])
        attempt("the stream without its last byte", lambda made: whole[:-1])
        attempt("bytes behind the end", lambda made: whole + b"\0")
        attempt("nothing at all", lambda made: b"")

    def patient_revokes(self, request, other):
        network = self.network
        with self.tap.check("a revoked consent opens nothing; another one of the pair lives"):
            before = self.whitelist()
            network.do("patient-1", "patient", "revoke", request)
            self.cannot_fetch(request)
            equal(self.whitelist(), before, "whitelist entries")
            self.fetch(other)
        with self.tap.check("with the last consent the whitelist entry goes"):
            network.do("patient-1", "patient", "revoke", other)
            self.cannot_fetch(other)
            opened, removed = self.whitelist()
            equal(opened, removed, "entries opened and removed")
        with self.tap.check("what was revoked cannot be approved again"):
            network.refused("patient-1", "patient", "approve", request)
            network.refused(HOSPITAL, "hospital", "approve", request)

    def hospital_revokes(self):
        network = self.network
        with self.tap.check("after the hospital ended everything with the school"):
            request = network.consent("patient-1", "high")
            self.fetch(request)
            network.do(HOSPITAL, "hospital", "revoke", network[SCHOOL].address)
            self.cannot_fetch(request)
            opened, removed = self.whitelist()
            equal(opened, removed, "entries opened and removed")

    def cut(self):
        """A transfer that is under way when its consent ends."""
        network = self.network
        with self.tap.check("a large record is taken in", vital=True):
            network.take_in("patient-1", large_bundle(network.files / "large.json"))
            request = network.consent("patient-1", "high")
        with self.tap.check("a transfer under way ends when its consent does"):
            with Stream(network[SCHOOL], "institute", "fetch", {"request": request}) as stream:
                expect(stream.read(200_000) == 200_000, f"no transfer: {stream.head[:300]}")
                network.do("patient-1", "patient", "revoke", request)
                network.status(HOSPITAL, request, "revoked")
                rest = stream.read(1 << 40)
                self.tap.say(f"read 200000 bytes, then {rest} until it ended: {stream.problem}")
                expect(stream.problem, "the stream came to its proper end")
        with self.tap.check("and nobody else's: the patient still reads all"):
            out = network.files / "all.ndjson"
            network.do("patient-1", "patient", "read", "--out", out)
            expect(out.stat().st_size > 20_000_000, "the patient's reading is too small")


class Stream:
    """A node's stream, read as slowly as one likes: HTTP over its control socket. `problem` is why
    it ended before its end, as the node says."""

    def __init__(self, node, group, kind, body):
        text = json.dumps(body).encode()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(120)
        self.socket.connect(node.socket())
        self.socket.sendall(f"POST /v1/streams/{group}/{kind} HTTP/1.1\r\nHost: node\r\n"
                            "Content-Type: application/json\r\n"
                            f"Content-Length: {len(text)}\r\n\r\n".encode() + text)
        self.buffer, self.whole, self.left = b"", False, 0
        self.frame, self.problem = b"", None
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        self.head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        expect(b" 200 " in self.head and b"chunked" in self.head.lower(), str(self.head))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def more(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionError:
            got = b""
        if not got:
            raise EOFError
        self.buffer += got

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def read(self, size):
        """Takes up to `size` bytes of content; fewer where the stream ends. `whole` tells how."""
        taken = 0
        try:
            while taken < size and not self.whole:
                if self.left == 0:
                    self.left = int(self.line(), 16)
                    self.whole = self.left == 0
                    continue
                if not self.buffer:
                    self.more()
                piece = min(self.left, len(self.buffer), size - taken)
                self.unframe(self.buffer[:piece])
                self.buffer = self.buffer[piece:]
                self.left -= piece
                taken += piece
                if self.left == 0:
                    self.line()
        except EOFError:
            pass
        return taken

    def unframe(self, piece):
        """Frames: kind, length, body (docs/api.md). Kind 4 is a problem, as JSON."""
        self.frame += piece
        while len(self.frame) >= 5:
            kind, length = struct.unpack_from(">BI", self.frame)
            if len(self.frame) < 5 + length:
                break
            if kind == 4:
                self.problem = json.loads(self.frame[5:5 + length])["text"]
            self.frame = self.frame[5 + length:]


def large_bundle(path, size=30_000_000):
    """The sample's bundle with its entries over and over, each time under new ids."""
    text = resources.bundle_text(sample_bundle())
    bundle = json.loads(text)
    patient, rest = bundle["entry"][0], bundle["entry"][1:]
    rest = [e for e in rest if e["resource"]["resourceType"] != "Provenance"]
    plain = json.dumps(rest)
    ids = [e["resource"]["id"] for e in rest]
    with path.open("w", encoding="utf-8") as out:
        out.write('{"resourceType":"Bundle","type":"transaction","entry":[' + json.dumps(patient))
        turn = 0
        while out.tell() < size:
            copied = plain
            for known in ids:
                made = str(uuid.uuid5(uuid.UUID(known), str(turn)))
                copied = copied.replace(known, made)
            out.write("," + copied[1:-1])
            turn += 1
        out.write("]}")
    return path


def program(tap):
    with Network("refusals") as network:
        refusals = Refusals(tap, network)
        with tap.check("a consortium, two patients and a record", vital=True):
            network.consortium()
            network.patient("patient-1")
            network.patient("patient-2")
            for name in ("hospitalInformation", "practitionerInformation"):
                network.do(HOSPITAL, "hospital", "import", SAMPLE / f"{name}.json.gz")
            network.take_in("patient-1", sample_bundle())
        refusals.credentials()
        refusals.before_approval()
        refusals.without_grant()
        low, _ = refusals.lower_grant()
        high = refusals.above_the_table()
        refusals.others(low)
        refusals.changed_parts()
        refusals.patient_revokes(low, high)
        refusals.hospital_revokes()
        refusals.cut()


if __name__ == "__main__":
    sys.exit(main(program))

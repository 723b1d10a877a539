#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One patient at two hospitals: with nothing in common between them, and yet one record. And a
hospital that is silent, or keeps back what its patient says, is gone around through the other."""

import base64
import gzip
import http.server
import json
import os
import re
import signal
import sqlite3
import sys
import threading
import time
import urllib.request

import resources
from network import Network, sample_bundle
from tap import equal, expect, main, until

HOME, AWAY, SCHOOL, PATIENT = "hospital-a", "hospital-b", "medical-school", "a-certain-person"
BYPASS = 2  # seconds that a hospital has to carry what its patient says
P256_POINT = bytes.fromhex("06082a8648ce3d03010703420004")  # before the 64 bytes of a public key


class Gate:
    """The JSON-RPC of the chain, through which transactions do not pass while it is shut."""

    def __init__(self, url):
        gate = self
        self.shut, self.kept_back = False, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                calls = json.loads(body)
                calls = calls if isinstance(calls, list) else [calls]
                if gate.shut and any(c["method"] == "eth_sendRawTransaction" for c in calls):
                    gate.kept_back += 1
                    answers = [{"jsonrpc": "2.0", "id": c["id"], "result": "0x" + "00" * 32}
                               for c in calls]
                    answer = json.dumps(answers if body.lstrip()[:1] == b"[" else answers[0])
                    answer = answer.encode()
                else:
                    request = urllib.request.Request(url, body,
                                                     {"Content-Type": "application/json"})
                    with urllib.request.urlopen(request, timeout=60) as response:
                        answer = response.read()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                """A node that is killed, or a chain that is, breaks connections off."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def configure(network, name, **members):
    """Changes node.json of a node that does not run."""
    path = network[name].data / "node.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **members}))


def own_address(network, hospital):
    found = [h["address"] for h in network.ask(PATIENT, "status")["hospitals"]
             if h["label"] == hospital]
    equal(len(found), 1, f"addresses at {hospital}")
    return found[0]


def ask(network, hospital, level="high"):
    """A request of the school that the patient has seen."""
    request = network.ask(SCHOOL, "institute", "request", "--hospital", hospital, "--patient",
                          own_address(network, hospital), "--purpose", "HRESCH", "--level",
                          level)["request"]
    network.patiently(PATIENT, request)
    return request


def consent(network, hospital):
    request = ask(network, hospital)
    network.do(PATIENT, "patient", "approve", request)
    network.do(hospital, "hospital", "approve", request)
    network.status(SCHOOL, request, "approved")
    return request


def fetch(network, request):
    out = network.files / f"{request[:10]}.ndjson"
    network.do(SCHOOL, "institute", "fetch", request, "--out", out)
    return resources.lines(out)


def variant(bundle, path):
    """The same bundle with a date and the text of a number changed, in a resource each."""
    text = gzip.decompress(bundle.read_bytes()).decode()
    changed = re.sub(r'("recordedDate": *")(\d{4})', lambda m: m[1] + str(int(m[2]) + 1), text,
                     count=1)
    changed = re.sub(r'("value": *\d+\.\d+)', r"\g<1>0", changed, count=1)
    expect(changed != text, "nothing to change in the sample")
    path.write_text(changed)
    return path


class Story:
    def __init__(self, tap, network):
        self.tap, self.network = tap, network

    def begin(self):
        network = self.network
        with self.tap.check("a consortium whose hospital-a has a chain node of its own",
                            vital=True):
            network.found()
            self.gate = Gate(network.chain.url)
            network.node(HOME, "hospital")
            configure(network, HOME, rpc=self.gate.url)
            network.join(HOME, "ca")
            network.up(HOME)
            network.party(AWAY, "hospital")
            network.party(SCHOOL, "institute", "--category", "medical-school")
            network.attributes()
            network.do(HOME, "hospital", "issue", "registered", "--to", network[AWAY].address)
            network.do(AWAY, "hospital", "obtain", "--from", HOME)
            network.accredit(SCHOOL)
        with self.tap.check("a patient of hospital-a joins hospital-b too", vital=True):
            network.node(PATIENT, "patient")
            configure(network, PATIENT, bypass=BYPASS)
            self.requests = [self.join(HOME)]
            network.up(PATIENT)
            network.do(PATIENT, "patient", "enrol")
            equal(network[PATIENT].stop(), 0, "its end")
            self.requests.append(self.join(AWAY))
            network.up(PATIENT)
        with self.tap.check("where it must be one hospital, it has to be said which"):
            code, _, err = network.run(PATIENT, "patient", "enrol")
            equal(code, 2, "exit code")
            expect(HOME in err and AWAY in err, err)
            network.refused(PATIENT, "patient", "enrol", "--hospital", "hospital-c")
        with self.tap.check("it enrols at the second as at the first", vital=True):
            network.do(PATIENT, "patient", "enrol", "--hospital", AWAY)
            expect("already" in network.do(PATIENT, "patient", "enrol", "--hospital", HOME), "")

    def join(self, hospital):
        network = self.network
        network.join(PATIENT, hospital)
        return json.loads((network.files / f"{PATIENT}.request").read_text())

    def strangers(self):
        """What one hospital has of the patient, the other has not."""
        network = self.network
        here, there = own_address(network, HOME), own_address(network, AWAY)
        point = [self.public_key("tls/chain.pem"), self.public_key("tls/hospital-2/chain.pem")]
        with self.tap.check("another address and another TLS key at each"):
            expect(here != there, "one address")
            expect(point[0] != point[1], "one TLS key")
        with self.tap.check("the requests to be admitted have no word in common but the format's"):
            contents = [json.loads(r["content"]) for r in self.requests]
            for content in contents:
                equal(sorted(content), ["address", "request", "role"], "members")
            expect(self.requests[0]["signature"] != self.requests[1]["signature"], "signature")
        with self.tap.check("neither certificate nor name of the one is at the other"):
            for hospital, other in ((HOME, point[1]), (AWAY, point[0])):
                for path in self.files(hospital):
                    data = path.read_bytes()
                    expect(other not in data, f"{hospital}/{path.name} has the other's TLS key")
                    expect(PATIENT.encode() not in data, f"{hospital}/{path.name} has the name")
        with self.tap.check("each knows of the other's patient what any stranger reads on the "
                            "chain"):
            for hospital, other in ((HOME, there), (AWAY, here)):
                stranger = until(lambda: self.where(SCHOOL, other), "a stranger's ledger has it")
                until(lambda: stranger <= self.where(hospital, other), "the hospital's too")
                equal(self.where(hospital, other), stranger, f"where {hospital} has it")
                log = network[hospital].log.read_text()
                expect(other[2:] not in log, f"the log of {hospital} has it")
        with self.tap.check("no key that the patient made is the same"):
            made = [self.rows(h, "SELECT patient_keys || grant_key || pseudonym || contract"
                                 " FROM enrolment") for h in (HOME, AWAY)]
            equal([len(m) for m in made], [1, 1], "patients")
            windows = {made[0][0][at:at + 48] for at in range(len(made[0][0]) - 48)}
            common = sum(made[1][0][at:at + 48] in windows for at in range(len(made[1][0]) - 48))
            equal(common, 0, "pieces of 48 bytes in common")
        with self.tap.check("the patient's node listens on no port"):
            sockets = {os.readlink(f) for f in self.descriptors() if f.is_symlink()}
            for line in (self.proc() / "net/tcp").read_text().splitlines()[1:]:
                state, inode = line.split()[3], line.split()[9]
                expect(state != "0A" or f"socket:[{inode}]" not in sockets, f"listens: {line}")

    def proc(self):
        return self.network.top.__class__(f"/proc/{self.network[PATIENT].process.pid}")

    def descriptors(self):
        return list((self.proc() / "fd").iterdir())

    def files(self, name):
        return [p for p in self.network[name].data.rglob("*") if p.is_file()]

    def public_key(self, chain):
        """The point of the first certificate's key."""
        text = (self.network[PATIENT].data / chain).read_text()
        der = base64.b64decode(text.split("-----")[2])
        at = der.index(P256_POINT) + len(P256_POINT)
        return der[at:at + 64]

    def rows(self, name, sql):
        return [row[0] for row in self.select(name, sql)]

    def select(self, name, sql):
        """Rows of a node's database, all text as bytes."""
        with sqlite3.connect(f"file:{self.network[name].data}/node.db?mode=ro", uri=True) as db:
            db.text_factory = bytes
            return list(db.execute(sql))

    def where(self, name, address):
        """The tables of a node that hold an address, raw or written."""
        raw = bytes.fromhex(address[2:])
        found = set()
        for table in self.rows(name, "SELECT name FROM sqlite_master WHERE type = 'table'"):
            for row in self.select(name, f'SELECT * FROM "{table.decode()}"'):
                if any(raw in c or address[2:].encode() in c for c in row
                       if isinstance(c, bytes)):
                    found.add(table)
        return found

    def one_record(self, bundle):
        network = self.network
        whole = resources.entries(bundle)
        other = variant(bundle, network.files / "variant.json")
        with self.tap.check("both take in the record, hospital-b's differs in two resources; one "
                            "command signs at both", vital=True):
            network.directories()
            for hospital, path in ((HOME, bundle), (AWAY, other)):
                network.do(hospital, "hospital", "import", path, "--patient",
                           own_address(network, hospital))
            expect(network.do(PATIENT, "patient", "sign").startswith("2 "), "not two batches")
        with self.tap.check("each by itself"):
            for hospital, path in ((HOME, bundle), (AWAY, other)):
                equal(self.read("--hospital", hospital), resources.entries(path), hospital)
        with self.tap.check("together: what is equal once, what differs twice, in order"):
            before = {json.dumps(r, default=repr, sort_keys=True) for r in whole}
            more = [r for r in resources.entries(other)
                    if json.dumps(r, default=repr, sort_keys=True) not in before]
            equal(len(more), 2, "resources that differ")
            equal(self.read(), whole + more, "the record")
            equal(self.read(), whole + more, "the record, read again")
        with self.tap.check("a stranger verifies it: what is equal stands on both signatures"):
            said = json.loads(network.do(SCHOOL, "verify", network.files / "own.ndjson", "--json"))
            equal([said["resources"], said["shown"], said["complete"]],
                  [len(whole) + 2, 2 * len(whole), True], "lines, records behind them")
            equal([(r["label"], r["patient"]) for r in said["relationships"]],
                  [(h, own_address(network, h)) for h in (HOME, AWAY)], "who")

    def read(self, *more):
        out = self.network.files / "own.ndjson"
        self.network.do(PATIENT, "patient", "read", *more, "--out", out)
        return resources.lines(out)

    def requests_of_both(self):
        network = self.network
        with self.tap.check("requests at both are listed, each with its hospital", vital=True):
            self.here, self.there = consent(network, HOME), consent(network, AWAY)
            network.status(PATIENT, self.there, "approved")
            lines = network.do(PATIENT, "patient", "requests").splitlines()
            for request, hospital in ((self.here, HOME), (self.there, AWAY)):
                expect(any(request in line and hospital in line for line in lines), lines)
            only = network.do(PATIENT, "patient", "requests", "--hospital", AWAY)
            expect(self.there in only and self.here not in only, only)
        with self.tap.check("and both can be fetched"):
            expect(fetch(network, self.here) and fetch(network, self.there), "nothing came")
        with self.tap.check("a request is not decided at another hospital than its own"):
            code, _, err = network.run(PATIENT, "patient", "revoke", self.here, "--hospital", AWAY)
            equal(code, 2, "exit code")
            expect(HOME in err, err)

    def in_time(self, *arguments):
        """What a command says that the own hospital does not carry, within its time."""
        began = time.monotonic()
        said = self.network.ask(PATIENT, "patient", *arguments)
        took = time.monotonic() - began
        equal(said["carrier"], AWAY, "who carried it")
        expect(AWAY in said["message"], said["message"])
        expect(took < BYPASS + 20, f"it took {took:.1f} s")
        return said

    def silent(self):
        network = self.network
        waiting = ask(network, HOME)
        network[HOME].process.send_signal(signal.SIGSTOP)
        try:
            with self.tap.check("a hospital that does not answer: revoked through the other"):
                self.in_time("revoke", self.here)
                network.status(SCHOOL, self.here, "revoked")
            with self.tap.check("and refused"):
                self.in_time("deny", waiting)
                network.status(SCHOOL, waiting, "refused")
        finally:
            network[HOME].process.send_signal(signal.SIGCONT)
        with self.tap.check("awake again, its gateway refuses, and it goes on"):
            network.refused(SCHOOL, "institute", "fetch", self.here)
            self.here = consent(network, HOME)
            expect(fetch(network, self.here), "nothing came")

    def withholding(self):
        network = self.network
        self.gate.shut = True
        with self.tap.check("a hospital that keeps it back: revoked through the other"):
            self.in_time("revoke", self.here)
            expect(self.gate.kept_back > 0, "nothing was kept back")
            network.refused(SCHOOL, "institute", "fetch", self.here)
        with self.tap.check("revoked once more is no error"):
            said = network.do(PATIENT, "patient", "revoke", self.here)
            expect("ended" in said, said)
        self.gate.shut = False
        with self.tap.check("what it kept back comes too late and hurts nobody"):
            until(lambda: self.outbox(f"revocation-{self.here[2:]}") == 3, "it failed")
            network.status(HOME, self.here, "revoked")
            request = consent(network, HOME)
            expect(fetch(network, request), "nothing came")
            said = network.ask(PATIENT, "patient", "revoke", request)
            equal(said["carrier"], HOME, "who carried it")

    def outbox(self, key):
        found = self.rows(HOME, f"SELECT state FROM outbox WHERE key = '{key}'")
        return found[0] if found else None

    def restarted(self):
        network = self.network
        with self.tap.check("restarted, it is at both as before"):
            equal(network[PATIENT].stop(), 0, "its end")
            network.up(PATIENT)
            expect(fetch(network, self.there), "nothing came")
            network.do(PATIENT, "patient", "revoke", self.there)
            network.refused(SCHOOL, "institute", "fetch", self.there)

    def of_before(self):
        """A data directory as it was when a patient had one hospital."""
        network = self.network
        with self.tap.check("a directory of version 1 is served as before"):
            equal(network[PATIENT].stop(), 0, "its end")
            path = network[PATIENT].data / "node.json"
            config = json.loads(path.read_text())
            first = config.pop("hospitals")[0]
            config.pop("bypass")
            path.write_text(json.dumps({**config, **first, "version": 1,
                                        "listen": "127.0.0.1:1"}))
            network.up(PATIENT)
            expect(self.read(), "nothing came")
            equal([h["label"] for h in network.ask(PATIENT, "status")["hospitals"]], [HOME],
                  "hospitals")


def program(tap):
    bundle = sample_bundle()
    with Network("hospitals") as network:
        story = Story(tap, network)
        story.begin()
        story.strangers()
        story.one_record(bundle)
        story.requests_of_both()
        story.silent()
        story.withholding()
        story.restarted()
        story.of_before()


if __name__ == "__main__":
    sys.exit(main(program))

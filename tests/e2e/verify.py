#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stranger verifies exports: with the two files, a chain's JSON-RPC and the consortium's address,
and nothing else. What was changed in either file, or belongs elsewhere, is refused with words."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid

import resources
from chain import keccak256
from network import ACESO, ChainNode, Network, sample_bundle
from refusals import large_bundle
from tap import equal, expect, main

PEAK_MAX = 64 << 20  # bytes of memory that a verification may take


class Verify:
    def __init__(self, tap, network):
        self.tap, self.network = tap, network
        self.files = network.files
        config = json.loads((network["ca"].data / "node.json").read_text())
        self.consortium = config["network"]["amsc"]
        self.arsc = config["network"]["arsc"]

    def run(self, export, *more, rpc=None):
        """As a stranger: an empty environment, an empty directory, no data directory."""
        with tempfile.TemporaryDirectory() as empty:
            done = subprocess.run(
                [ACESO, "verify", str(export), "--rpc", rpc or self.network.chain.url,
                 "--consortium", self.consortium, *map(str, more)],
                cwd=empty, env={"HOME": empty, "PATH": os.environ["PATH"]},
                stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                timeout=300)
        return done.returncode, done.stdout, done.stderr

    def holds(self, export, *more):
        code, out, err = self.run(export, "--json", *more)
        expect(code == 0, f"does not hold: {err.strip()}")
        return json.loads(out)

    def fails(self, words, export, *more, **options):
        code, _, err = self.run(export, *more, **options)
        expect(code == 1 and err.startswith("aceso: "), f"exit {code}: {err.strip()}")
        expect(words in err, f"not because of '{words}': {err.strip()}")

    def changed(self, export, name, edit):
        """A copy of both files under `name`, the export edited."""
        copy = self.files / f"{name}.ndjson"
        copy.write_bytes(edit(export.read_bytes()))
        shutil.copy(export.with_suffix(".proof"), copy.with_suffix(".proof"))
        return copy

    def proven(self, export, name, edit):
        """The same, the proof edited."""
        copy = self.files / f"{name}.ndjson"
        shutil.copy(export, copy)
        copy.with_suffix(".proof").write_bytes(edit(export.with_suffix(".proof").read_bytes()))
        return copy

    # What is tried.

    def exports(self):
        network, tap = self.network, self.tap
        self.own = self.files / "own.ndjson"
        self.low = self.files / "low.ndjson"
        with tap.check("beside each export lies its proof", vital=True):
            network.do("patient-1", "patient", "read", "--out", self.own)
            network.do("medical-school", "institute", "fetch", self.request, "--out", self.low)
            for path in (self.own, self.low):
                expect(path.with_suffix(".proof").stat().st_size > 1000, f"no proof of {path}")
                expect(not list(self.files.glob("*.part-*")), "something was left")
        with tap.check("standard output has the lines alone"):
            equal(network.do("patient-1", "patient", "read"),
                  self.own.read_text(encoding="utf-8").strip(), "what came")

    def good(self):
        network, tap = self.network, self.tap
        with tap.check("a stranger verifies the patient's own reading"):
            said = self.holds(self.own)
            equal(said["resources"], len(resources.lines(self.own)), "resources")
            equal([said["complete"], said["empty"]], [True, 0], "complete, empty")
            (one,) = said["relationships"]
            equal([one["patient"], one["label"], one["hospital"], one["level"], one["anchored"]],
                  [network["patient-1"].address, "hospital-a", network["hospital-a"].address,
                   "complete", 1], "who")
            equal(one["batches"][0]["root"], self.root(one["contract"]), "the root on the chain")
        with tap.check("and the school's, whose other records are proved to be empty"):
            said = self.holds(self.low)
            equal(said["resources"], len(resources.lines(self.low)), "resources")
            equal(said["records"], len(resources.lines(self.own)), "records")
            equal([said["complete"], said["relationships"][0]["level"]], [True, "low"], "complete")
            expect(said["empty"] > 0 and said["shown"] + said["empty"] == said["records"],
                   str(said))
        with tap.check("in words too, and from a node's data directory"):
            code, out, _ = self.run(self.low)
            expect(code == 0 and "none was left out" in out and "hospital-a" in out, out)
            network.do("medical-school", "verify", self.own)
            network.do("ca", "verify", self.low)
        with tap.check("with the proof elsewhere"):
            elsewhere = self.files / "elsewhere"
            shutil.copy(self.low.with_suffix(".proof"), elsewhere)
            self.holds(self.low, "--proof", elsewhere)

    def root(self, contract):
        """What the contract itself says, asked without the program."""
        call = {"to": contract, "data": "0x" + keccak256(b"lastBatch()")[:4].hex()}
        return "0x" + self.network.chain.rpc.call("eth_call", call, "latest")[2 + 64:]

    def exports_changed(self):
        export, tap = self.low, self.tap

        def digit(text):
            lines = text.split(b"\n")
            at = next(i for i, line in enumerate(lines) if b'"value":' in line or b"-0" in line)
            line = lines[at]
            where = next(i for i, c in enumerate(line) if chr(c).isdigit())
            lines[at] = line[:where] + bytes([(line[where] - 47) % 10 + 48]) + line[where + 1:]
            self.line = at + 1
            return b"\n".join(lines)

        def swapped(text):
            lines = text.split(b"\n")
            lines[3], lines[4] = lines[4], lines[3]
            return b"\n".join(lines)

        def edited(name, words, edit):
            with tap.check(name):
                self.fails(words, self.changed(export, "changed", edit))

        with tap.check("one digit changed: the line is named"):
            copy = self.changed(export, "digit", digit)
            self.fails(f"line {self.line}: the export does not say what was signed", copy)
        edited("two lines swapped", "line 4:", swapped)
        edited("a line left out", "line 2:",
               lambda text: text.split(b"\n", 2)[0] + b"\n" + text.split(b"\n", 2)[2])
        edited("the last line left out", "the export ends before",
               lambda text: text[:text.rindex(b"\n", 0, -1) + 1])
        edited("a line added", "a line that has no proof", lambda text: text + b"{}\n")
        edited("a line twice", "line 2:", lambda text: text.split(b"\n", 1)[0] + b"\n" + text)
        edited("a space more", "line 1:", lambda text: text.replace(b":", b": ", 1))
        edited("the last line's end gone", "no end", lambda text: text[:-1])
        edited("nothing at all", "line 1:", lambda text: b"")

    def proofs_changed(self):
        export, tap = self.low, self.tap
        whole = export.with_suffix(".proof").read_bytes()
        with tap.check("no proof, half a proof, a proof twice"):
            alone = self.files / "alone.ndjson"
            shutil.copy(export, alone)
            self.fails("No such file", alone)
            self.fails("cut off", self.proven(export, "half", lambda proof: proof[:-40]))
            self.fails("behind its end", self.proven(export, "twice", lambda proof: proof * 2))
            self.fails("not a proof file", self.proven(export, "else", lambda _: b"x" * 100))
        with tap.check("a byte changed anywhere is refused"):
            step = len(whole) // 60
            for at in range(0, len(whole), step):
                def flip(proof, at=at):
                    return proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1:]
                code, _, err = self.run(self.proven(export, "flipped", flip))
                expect(code == 1, f"byte {at} of {len(whole)}: exit {code}: {err}")
        with tap.check("the proof of another export of the same record"):
            self.fails("line 1", export, "--proof", self.own.with_suffix(".proof"))
        with tap.check("another patient's proof"):
            other = self.files / "other.ndjson"
            self.network.do("patient-2", "patient", "read", "--out", other)
            equal(self.holds(other)["relationships"][0]["patient"],
                  self.network["patient-2"].address, "the other patient")
            self.fails("line 1", self.own, "--proof", other.with_suffix(".proof"))

    def claims(self):
        """A proof that says it is of somebody else: relationship and batch are taken apart."""
        proof = self.own.with_suffix(".proof").read_bytes()
        other = (self.files / "other.proof").read_bytes()
        head, tap = 14 + 5, self.tap  # the file's head, and that of the first frame

        def put(at, value):
            return lambda _: proof[:at] + value + proof[at + len(value):]

        def claimed(words, edit):
            self.fails(words, self.proven(self.own, "claimed", edit))

        with tap.check("a proof that names another consortium, hospital, chain or contract"):
            claimed("another consortium", put(head, b"\1" * 20))
            claimed("no such hospital", put(head + 20, b"\0\0\0\7"))
            claimed("another address", put(head + 20, b"\0\0\0\2"))
            claimed("it is of chain 1, this is chain 31337", put(head + 24, b"\0" * 7 + b"\1"))
            claimed("another contract", put(head + 32, b"\1" * 20))
            claimed("no such patient", put(head + 52, b"\1" * 20))
            claimed("another address", put(head + 72, b"\1" * 20))
        with tap.check("a proof that shows less than the level it claims"):
            claimed("proof:", put(head + 92, b"\1"))
        with tap.check("another patient's relationship over one's own batch"):
            claimed("batch 1: ", lambda _: proof[:14] + other[14:14 + 98] + proof[14 + 98:])
        with tap.check("another patient's signature"):
            at = 14 + 98 + 5 + 149
            claimed("signature is not the patient's",
                    lambda _: proof[:at - 65] + other[at - 65:at] + proof[at:])
        with tap.check("a batch that is not on the chain"):
            claimed("the chain has no such batch", put(14 + 98 + 5 + 4, b"\0" * 7 + b"\2"))

    def chains(self):
        network, tap = self.network, self.tap
        with tap.check("against another chain, another contract, no chain"):
            other = network.top / "other"
            other.mkdir()
            second = ChainNode(other)
            try:
                second.start()
                second.ready()
                self.fails("no contract", self.low, rpc=second.url)
            finally:
                second.close()
            kept, self.consortium = self.consortium, self.arsc
            code, _, err = self.run(self.low)
            self.consortium = kept
            expect(code == 1 and "consortium" in err, err)
            with socket.socket() as nobody:
                nobody.bind(("127.0.0.1", 0))
                code, _, err = self.run(self.low,
                                        rpc=f"http://127.0.0.1:{nobody.getsockname()[1]}")
                expect(code == 1 and "aceso: " in err, err)
        with tap.check("no chain named is wrong usage"):
            done = subprocess.run([ACESO, "verify", str(self.low)], capture_output=True,
                                  env={"PATH": os.environ["PATH"]}, check=False, timeout=60)
            equal(done.returncode, 2, "exit")

    def later(self):
        """What happens afterwards does not undo what was signed, and is told."""
        network = self.network
        with self.tap.check("after a revocation and a second batch the old proof still holds"):
            network.do("patient-1", "patient", "revoke", self.request)
            network.take_in("patient-1", large_bundle(self.files / "more.json", 100_000))
            said = self.holds(self.own)
            equal([said["complete"], said["relationships"][0]["anchored"]], [False, 2], "complete")
            _, out, _ = self.run(self.own)
            expect("of the chain's 2 batches 1 are not in the proof" in out, out)

    def large(self):
        """Memory stays flat: the proof of a large export is read as a stream."""
        network = self.network
        export = self.files / "large.ndjson"
        with self.tap.check("a large export: little memory"):
            network.take_in("patient-2", of_another(large_bundle(self.files / "large.json")))
            network.do("patient-2", "patient", "read", "--out", export)
            size = export.stat().st_size + export.with_suffix(".proof").stat().st_size
            expect(size > 40_000_000, f"only {size} bytes")
            peak = peak_memory([ACESO, "verify", str(export), "--rpc", network.chain.url,
                                "--consortium", self.consortium])
            self.tap.say(f"{size >> 20} MiB verified in {peak >> 20} MiB")
            expect(peak < PEAK_MAX or sanitized(), f"{peak} bytes of memory")


def of_another(path):
    """The same bundle, of a patient with another id."""
    text = path.read_text(encoding="utf-8")
    known = json.loads(text)["entry"][0]["resource"]["id"]
    path.write_text(text.replace(known, str(uuid.uuid5(uuid.UUID(known), "another"))),
                    encoding="utf-8")
    return path


def sanitized():
    """A program built with a sanitizer has memory of its own kind."""
    with open(ACESO, "rb") as program_file:
        return b"__asan_init" in program_file.read()


MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_memory(line):
    """The most memory that the process had, in bytes. Started by a small process: a child counts
    what its parent had when it was made."""
    done = subprocess.run([sys.executable, "-c", MEASURE, *line], capture_output=True, text=True,
                          check=False, timeout=300)
    expect(done.returncode == 0, f"does not hold: {done.stderr.strip()}")
    return int(done.stdout) * 1024


def program(tap):
    with Network("verify") as network:
        with tap.check("a consortium, two patients, records and a consent", vital=True):
            network.consortium()
            for name in ("patient-1", "patient-2"):
                network.patient(name)
            network.directories()
            network.accredit()
            network.take_in("patient-1", sample_bundle())
            network.take_in("patient-2", of_another(large_bundle(
                network.files / "another.json", 100_000)))
            verify = Verify(tap, network)
            verify.request = network.consent("patient-1", "low")
        verify.exports()
        verify.good()
        verify.exports_changed()
        verify.proofs_changed()
        verify.claims()
        verify.chains()
        verify.later()
        verify.large()


if __name__ == "__main__":
    sys.exit(main(program))

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stream and its two files, against a node that is played here: what is whole is kept, what may
pass is asked for again, a refusal is final. In TAP.

    stream_test.py PROGRAM
"""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

DATA, PROOF, END, PROBLEM = 1, 2, 3, 4


def frame(kind, body):
    return struct.pack(">BI", kind, len(body)) + body


def whole(data, proof, message=b""):
    parts = [frame(DATA, data)] if data else []
    parts += [frame(PROOF, proof)] if proof else []
    return b"".join(parts) + frame(END, struct.pack(">QQ", len(data), len(proof)) + message)


def problem(code, status, text):
    return frame(PROBLEM, json.dumps({"code": code, "status": status, "text": text}).encode())


class Node(threading.Thread):
    """Answers the requests one after another with `answers`: (status, body, whether it is cut)."""

    def __init__(self, directory, answers):
        super().__init__(daemon=True)
        self.answers, self.asked = answers, 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(directory / "control.sock"))
        self.listener.listen()
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):  # who has heard enough may leave
                self.answer(connection)

    def answer(self, connection):
        text = b""
        while b"\r\n\r\n" not in text:
            text += connection.recv(65536)
        head, body = text.split(b"\r\n\r\n", 1)
        length = int(next(line.split(b":")[1] for line in head.split(b"\r\n")
                          if line.lower().startswith(b"content-length")))
        while len(body) < length:
            body += connection.recv(65536)
        status, content, cut = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        connection.sendall(f"HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n"
                           "Connection: close\r\n\r\n".encode())
        if content:
            connection.sendall(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        if not cut:
            connection.sendall(b"0\r\n\r\n")


class Case:
    """One run of 'aceso patient read' against played answers."""

    def __init__(self, program, answers, out="export.ndjson", wait=2):
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            node = Node(directory, answers)
            files = directory / "files"
            files.mkdir()
            target = out if out == "-" else str(files / out)
            done = subprocess.run([program, "patient", "read", "--data", name, "--out", target,
                                   "--wait", str(wait)], capture_output=True, check=False,
                                  stdin=subprocess.DEVNULL, timeout=60,
                                  env={"PATH": os.environ["PATH"]})
            node.listener.close()
            self.code, self.out = done.returncode, done.stdout
            self.err, self.asked = done.stderr.decode(), node.asked
            self.files = {p.name: p.read_bytes() for p in files.iterdir()}

    def expect(self, code, files, asked=1, err=""):
        wrong = []
        if self.code != code:
            wrong.append(f"exit {self.code}, not {code}")
        if self.files != files:
            wrong.append(f"files {self.files}")
        if asked is not None and self.asked != asked:
            wrong.append(f"asked {self.asked} times, not {asked}")
        if (err and err not in self.err) or (not err and self.err):
            wrong.append(f"said: {self.err}")
        return "; ".join(wrong)


def good(program):
    both = {"export.ndjson": b"{}\n", "export.proof": b"PP"}
    answer = (200, whole(b"{}\n", b"PP"), False)
    yield "both files", Case(program, [answer]).expect(0, both)
    yield "a sentence with the end", Case(
        program, [(200, whole(b"{}\n", b"PP", b"two differ"), False)]).expect(0, both,
                                                                            err="two differ")
    yield "another ending", Case(program, [answer], out="x.json").expect(
        0, {"x.json": b"{}\n", "x.json.proof": b"PP"})
    yield "no proof where none came", Case(
        program, [(200, whole(b"rows", b""), False)], out="x.parts").expect(0, {"x.parts": b"rows"})
    case = Case(program, [answer], out="-")
    yield "standard output has the data alone", (case.expect(0, {})
                                                 or (case.out != b"{}\n" and str(case.out)))


def final(program):
    begun = frame(DATA, b"{}\n") + frame(PROOF, b"P")
    for name, answer, words in (
            ("refused at once", (403, b'{"code":"denied","status":403,"text":"not yours"}', False),
             "not yours"),
            ("refused after its first bytes",
             (200, begun + problem("denied", 403, "revoked"), False), "revoked"),
            ("does not verify", (200, begun + problem("verify", 422, "changed"), False), "changed"),
            ("totals that are wrong", (200, begun + frame(END, struct.pack(">QQ", 3, 2)), False),
             "totals"),
            ("bytes behind the end", (200, whole(b"x", b"") + b"\1", False), "behind its end"),
            ("no frames at all", (200, b"<html></html>", False), "malformed")):
        case = Case(program, [answer])
        yield name, case.expect(1, {}, err=words)
    case = Case(program, [(200, begun + problem("io", 502, "cut"), False)], out="-")
    yield "on standard output nothing is asked for twice", case.expect(1, {}, err="cut")
    case = Case(program, [(200, whole(b"x", b""), False)], out="no/such/place")
    yield "a place that cannot be written", case.expect(1, {}, asked=0, err="No such file")


def passing(program):
    both = {"export.ndjson": b"{}\n", "export.proof": b"PP"}
    begun = frame(DATA, b"{}\n") + frame(PROOF, b"P")
    answer = (200, whole(b"{}\n", b"PP"), False)
    for name, first in (
            ("cut in a frame", (200, begun[:-1], True)),
            ("cut between frames", (200, begun, True)),
            ("ended without its end", (200, begun, False)),
            ("another node away", (200, begun + problem("io", 502, "away"), False)),
            ("busy", (503, b'{"code":"busy","status":503,"text":"busy"}', False)),
            ("the node stops", (200, begun + problem("cancelled", 503, "stops"), False))):
        yield f"again after: {name}", Case(program, [first, answer]).expect(0, both, asked=2)
    case = Case(program, [(200, begun + problem("io", 502, "always"), False)], wait=1)
    yield "not for ever, and with the last reason", (
        case.expect(1, {}, asked=None, err="always")
        or ("asked once only" if case.asked < 2 else ""))


def main():
    program, count, failed = sys.argv[1], 0, 0
    for group in (good, final, passing):
        for name, wrong in group(program):
            count += 1
            failed += bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {count} - {name}", flush=True)
            if wrong:
                print(f"# {wrong}")
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

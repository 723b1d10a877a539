#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""aceso abe: keys, files and pipes, what is refused, what is never overwritten, and memory."""

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from tap import equal, expect, main

ACESO = os.environ["ACESO"]
USER = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
MEGABYTE = 1 << 20


def abe(*words, stdin=b"", code=0):
    """Standard output of a command that has to end with `code`."""
    done = subprocess.run([ACESO, "abe", *map(str, words)], input=stdin, capture_output=True,
                          check=False, timeout=300)
    equal(done.returncode, code, f"abe {' '.join(map(str, words))}: {done.stderr.decode()}")
    return done.stdout


def world(top):
    """Two authorities, a doctor of both, a nurse of one."""
    os.umask(0o022)
    abe("setup", "--secret", top / "h.secret", "--authority", "h", "--out", top / "h.pub",
        "doctor", "nurse@h", "--policy", "year@h >= 2024")
    abe("setup", "--secret", top / "ca.secret", "--authority", "ca", "--out", top / "ca.pub",
        "registered")
    abe("keygen", "--secret", top / "h.secret", "--for", USER, "--out", top / "doctor.key",
        "doctor", "--value", "year=2025")
    abe("keygen", "--secret", top / "ca.secret", "--for", USER, "--out", top / "ca.key",
        "registered")
    abe("keygen", "--secret", top / "h.secret", "--for", "nurse 7", "--out", top / "nurse.key",
        "nurse", "--value", "year=2023")


def public(top):
    return [top / "h.pub", top / "ca.pub"]


def modes(top):
    for name, mode in {"h.secret": 0o600, "doctor.key": 0o600, "h.pub": 0o644}.items():
        equal((top / name).stat().st_mode & 0o777, mode, name)


def nothing_overwritten(top):
    before = {path.name: path.read_bytes() for path in top.iterdir()}
    abe("setup", "--secret", top / "h.secret", "--out", top / "h.pub", "doctor", code=1)
    abe("keygen", "--secret", top / "h.secret", "--for", USER, "--out", top / "ca.key", "doctor",
        code=1)
    abe("encrypt", "--policy", "doctor@h", "--out", top / "ca.key", *public(top), code=1)
    cipher = abe("encrypt", "--policy", "doctor@h", *public(top), stdin=b"x")
    abe("decrypt", "--out", top / "ca.key", top / "doctor.key", *public(top), stdin=cipher, code=1)
    equal({path.name: path.read_bytes() for path in top.iterdir()}, before, "the directory")


def same_authority(top):
    """The secret that is there is used again: the same public key."""
    again = abe("setup", "--secret", top / "h.secret", "doctor")
    expect(again in (top / "h.pub").read_bytes(), "another key")
    abe("setup", "--secret", top / "h.secret", "--authority", "other", "doctor", code=2)
    abe("setup", "--secret", top / "new.secret", "doctor", code=2)
    abe("keygen", "--secret", top / "h.secret", "--for", USER, "doctor@ca", code=2)


def round_trips(top):
    policy = "registered@ca and (nurse@h or doctor@h)"
    for form in ([], ["--cpa"]):
        for size in (0, 1, 65535, 65536, 65537, 300000):
            payload = os.urandom(size)
            cipher = abe("encrypt", *form, "--policy", policy, *public(top), stdin=payload)
            keys = [top / "doctor.key", top / "ca.key", *(public(top) if not form else [])]
            expect(abe("decrypt", *keys, stdin=cipher) == payload, f"{form} {size}")
            shown = json.loads(abe("inspect", "--json", stdin=cipher))
            equal((shown["payload_bytes"], shown["ciphertext_bytes"]), (size, len(cipher)), "sizes")


def ranges(top):
    cipher = abe("encrypt", "--policy", "year@h >= 2024", *public(top), stdin=b"late")
    equal(abe("decrypt", top / "doctor.key", *public(top), stdin=cipher), b"late", "2025")
    abe("decrypt", top / "nurse.key", *public(top), stdin=cipher, code=1)


def refused(top):
    def decrypt(cipher, *keys, code=1, words=()):
        equal(abe("decrypt", *words, *keys, *public(top), stdin=cipher, code=code), b"", "output")

    cipher = abe("encrypt", "--policy", "doctor@h", "--associated", "visit 1", *public(top),
                 stdin=b"secret")
    bound = ["--associated", "visit 1"]
    equal(abe("decrypt", *bound, top / "doctor.key", *public(top), stdin=cipher), b"secret", "it")
    decrypt(cipher, top / "doctor.key")
    decrypt(cipher, top / "doctor.key", words=["--associated", "visit 2"])
    decrypt(cipher, top / "nurse.key", words=bound)
    decrypt(cipher, top / "doctor.key", top / "nurse.key", words=bound, code=2)
    decrypt(cipher, top / "h.secret", words=bound, code=2)
    decrypt(cipher, words=bound, code=2)
    for at in (0, 3, 20, 100, 400, len(cipher) - 20, len(cipher) - 1):
        bad = bytearray(cipher)
        bad[at] ^= 1
        decrypt(bytes(bad), top / "doctor.key", words=bound)
    for cut in (0, 5, 100, len(cipher) - 1):
        decrypt(cipher[:cut], top / "doctor.key", words=bound)
    abe("encrypt", "--policy", "stranger@h", *public(top), code=1)
    abe("encrypt", "--policy", "doctor@h and", *public(top), code=2)


def only_whole(top):
    """A file has its name only when all of it was authentic; a pipe's reader has the exit code."""
    payload = os.urandom(200000)
    cipher = bytearray(abe("encrypt", "--policy", "doctor@h", *public(top), stdin=payload))
    cipher[-1] ^= 1
    before = sorted(path.name for path in top.iterdir())
    abe("decrypt", "--out", top / "out", top / "doctor.key", *public(top), stdin=bytes(cipher),
        code=1)
    equal(sorted(path.name for path in top.iterdir()), before, "files")
    shown = abe("decrypt", top / "doctor.key", *public(top), stdin=bytes(cipher), code=1)
    expect(len(shown) < len(payload) and payload.startswith(shown), "what came out of the pipe")


def damaged_keys(top):
    bad = top / "bad.key"
    cipher = abe("encrypt", "--policy", "doctor@h", *public(top), stdin=b"x")
    for name in ("doctor.key", "h.secret", "h.pub"):
        lines = (top / name).read_text().split("\n")
        at = max(i for i, line in enumerate(lines) if line and line[0] != "#")
        middle = len(lines[at]) - 12
        letter = "A" if lines[at][middle] != "A" else "B"
        lines[at] = lines[at][:middle] + letter + lines[at][middle + 1:]
        bad.write_text("\n".join(lines))
        if name == "h.secret":
            abe("keygen", "--secret", bad, "--for", USER, "doctor", code=1)
        else:
            abe("decrypt", bad, top / "ca.pub", stdin=cipher, code=1)
    for text in ("not base64!", "AQEB", "AQEJAAA=", "\0", "AQECAAF4\n" * 3):
        bad.write_text(text)
        abe("decrypt", bad, top / "h.pub", stdin=cipher, code=1)
    bad.unlink()


def inspected(top):
    policy = "2 of (doctor@h, nurse@h, registered@ca)"
    cipher = abe("encrypt", "--cpa", "--policy", policy, *public(top), stdin=b"12345")
    shown = json.loads(abe("inspect", "--json", stdin=cipher))
    wanted = {"form": "cpa", "policy": policy, "authorities": ["h", "ca"], "rows": 3,
              "attributes": 3, "payload_bytes": 5}
    equal({name: shown[name] for name in wanted}, wanted, "inspect")
    expect(policy in abe("inspect", stdin=cipher).decode(), "the text")
    abe("inspect", stdin=cipher[:50], code=1)
    abe("inspect", stdin=b"something else altogether", code=1)


MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdin=sys.stdin, stdout=subprocess.DEVNULL).returncode
print(done, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak(source, *words):
    """Peak memory in KiB of a command that reads `source`."""
    with open(source, "rb") as stdin:
        done = subprocess.run([sys.executable, "-c", MEASURE, ACESO, "abe", *map(str, words)],
                              stdin=stdin, capture_output=True, check=True, timeout=300)
    code, memory = done.stdout.split()
    equal(int(code), 0, done.stderr.decode())
    return int(memory)


def memory(top):
    """A hundred times as much to stream needs no more of it."""
    small, large = top / "small", top / "large"
    small.write_bytes(os.urandom(MEGABYTE))
    block = os.urandom(MEGABYTE)
    with open(large, "wb") as file:
        for _ in range(100):
            file.write(block)
    found = {}
    for source in (small, large):
        cipher = top / (source.name + ".abe")
        abe("encrypt", "--policy", "doctor@h", "--in", source, "--out", cipher, *public(top))
        found[source.name] = (
            peak(source, "encrypt", "--policy", "doctor@h", *public(top)),
            peak(cipher, "decrypt", top / "doctor.key", *public(top)),
            peak(cipher, "inspect"))
    for less, more in zip(found["small"], found["large"]):
        expect(more < less + 4096, f"KiB: {found}")
    abe("decrypt", "--in", top / "large.abe", "--out", top / "again", top / "doctor.key",
        *public(top))
    with open(large, "rb") as one, open(top / "again", "rb") as other:
        equal(hashlib.file_digest(other, "sha256").digest(),
              hashlib.file_digest(one, "sha256").digest(), "what came back")
    equal((top / "again").stat().st_mode & 0o777, 0o600, "its mode")


def program(tap):
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with tempfile.TemporaryDirectory() as scratch:
        top = Path(scratch)
        with tap.check("two authorities and their users", vital=True):
            world(top)
        for name, check in (
                ("secrets have mode 600", modes),
                ("nothing is overwritten", nothing_overwritten),
                ("an authority's secret is used again", same_authority),
                ("round trips, both forms, around the chunk's size", round_trips),
                ("comparisons", ranges),
                ("what is refused", refused),
                ("a file only when all was authentic", only_whole),
                ("damaged key files", damaged_keys),
                ("inspect", inspected),
                ("100 MB in the memory of one", memory)):
            with tap.check(name):
                check(top)


if __name__ == "__main__":
    sys.exit(main(program))

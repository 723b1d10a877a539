#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds and runs all tests, and ends on one line: N passed, N failed, N skipped.

plain     build        gcc: every test
sanitize  build-asan   gcc, AddressSanitizer and UBSan, warnings are errors: every test that is
                       not in the suite `once`
fuzz      build-fuzz   clang, warnings are errors: every fuzz target replays its corpus and then
                       looks for more, a few seconds each

A test program counts by its TAP lines; one that dies, or a build that fails, counts one failure.
"""

import argparse
import concurrent.futures
import fnmatch
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
PROCESSES = 2
SANITIZERS = ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dwerror=true"]
# gcc 12 sees uninitialized and overflowing bytes that are none once ASan has rewritten the code.
GCC_MISTAKEN = "-Dc_args=-Wno-maybe-uninitialized -Wno-stringop-overflow"
BUILDS = {
    "plain": ("build", "cc", []),
    "sanitize": ("build-asan", "cc", [*SANITIZERS, GCC_MISTAKEN]),
    "fuzz": ("build-fuzz", "clang-19", [*SANITIZERS, "-Dfuzz=true"]),
}
TAP_LINE = re.compile(r"^(not )?ok\b[^#\n]*(?:#\s*(skip|todo))?", re.IGNORECASE | re.MULTILINE)


class Count:
    """Results so far."""

    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def say(text):
    print(text, flush=True)


def tap_count(output, result):
    """Counts the TAP lines of one program's output, given what meson made of it."""
    count = Count()
    for negative, directive in TAP_LINE.findall(output):
        if directive:
            count.skipped += 1
        elif negative:
            count.failed += 1
        else:
            count.passed += 1
    bad = result not in ("OK", "SKIP", "EXPECTEDFAIL")
    if bad and not count.failed:
        count.failed = 1
    if not bad and not count.passed and not count.skipped:
        count.skipped, count.passed = (1, 0) if result == "SKIP" else (0, 1)
    return count


def build(name, node):
    """Configures and compiles; True when it worked."""
    directory, compiler, options = BUILDS[name]
    say(f"== {name}: build in {directory}")
    if not (TOP / directory / "build.ninja").exists():
        command = ["meson", "setup", directory, *options]
        if node:
            command.append(f"-Dnode={node}")
        done = subprocess.run(command, cwd=TOP, env={**os.environ, "CC": compiler},
                              capture_output=True, text=True, check=False)
        if done.returncode:
            say(done.stdout + done.stderr)
            return False
    done = subprocess.run(["ninja", "-k", "0", "-C", directory], cwd=TOP, check=False)
    return done.returncode == 0


def introspect(directory, what):
    text = subprocess.run(["meson", "introspect", directory, f"--{what}"], cwd=TOP, check=True,
                          capture_output=True, text=True).stdout
    return json.loads(text)


def wanted(entry, options):
    suites = {suite.split(":")[-1] for suite in entry["suite"]}
    return ((not options.suite or suites & set(options.suite))
            and (not options.test or fnmatch.fnmatch(entry["name"], options.test)))


def run_tests(name, options):
    """Runs the tests of one build through meson and counts from its log."""
    directory = BUILDS[name][0]
    tests = [test for test in introspect(directory, "tests") if wanted(test, options)]
    if name == "sanitize":
        tests = [test for test in tests if "aceso:once" not in test["suite"]]
    if not tests:
        return Count()
    say(f"== {name}: {len(tests)} test programs")
    log = TOP / directory / "meson-logs/testlog.json"
    log.unlink(missing_ok=True)
    slower = 1 if name == "plain" else 5
    subprocess.run(["meson", "test", "-C", directory, "--no-rebuild",
                    "--num-processes", str(PROCESSES), "--timeout-multiplier", str(slower),
                    *sorted({test["name"] for test in tests})], cwd=TOP, check=False)
    total = Count()
    ran = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    for entry in map(json.loads, ran):
        count = tap_count(entry.get("stdout") or "", entry["result"])
        total.add(count)
        if count.failed:
            say(failure(entry))
    total.failed += max(0, len(tests) - len(ran))
    return total


def failure(entry):
    """What a failed program said, without its successes, and how to run it again."""
    output = (entry.get("stdout") or "").splitlines() + (entry.get("stderr") or "").splitlines()
    told = [line for line in output if not re.match(r"ok |1\.\.", line)]
    cut = [f"... {len(told) - 80} lines before"] if len(told) > 80 else []
    return "\n".join([f"-- {entry['name']}: {entry['result']}", *cut, *told[-80:],
                      "-- " + " ".join(entry["command"])])


def fuzz_targets(options):
    """(name, program, corpus directory) of every fuzz target."""
    found = []
    for target in introspect(BUILDS["fuzz"][0], "targets"):
        if not target["name"].endswith("_fuzz") or target["type"] != "executable":
            continue
        entry = {"name": target["name"], "suite": [Path(target["defined_in"]).parent.name]}
        source = Path(next(path for group in target["target_sources"] for path in
                           group.get("sources", []) if path.endswith("_fuzz.c")))
        if wanted(entry, options):
            found.append((target["name"], target["filename"][0],
                          source.parent / "corpus" / source.stem.removesuffix("_fuzz")))
    return sorted(found)


def fuzz(target, seconds):
    """Replays a target's corpus, then mutates it for so long. Returns (ok, output)."""
    name, program, corpus = target
    if not corpus.is_dir() or not any(corpus.iterdir()):
        return False, f"no corpus in {corpus.relative_to(TOP)}\n"
    work = TOP / BUILDS["fuzz"][0] / "corpus" / name
    crashes = TOP / BUILDS["fuzz"][0] / "crashes"
    work.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(exist_ok=True)
    command = [program, str(work), str(corpus), f"-max_total_time={seconds}", "-timeout=20",
               "-rss_limit_mb=2048", "-seed=1", f"-artifact_prefix={crashes}/{name}-"]
    environment = {"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
                   "ASAN_OPTIONS": "detect_leaks=1:allocator_may_return_null=1"}
    done = subprocess.run(command, cwd=work, env={**os.environ, **environment}, check=False,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode == 0, done.stdout.decode("utf-8", "replace")


def run_fuzz(options):
    """Every fuzz target is one test."""
    targets = fuzz_targets(options)
    say(f"== fuzz: {len(targets)} targets, {options.seconds} s each")
    total = Count()
    with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
        results = pool.map(lambda target: fuzz(target, options.seconds), targets)
        for target, (passed, output) in zip(targets, results):
            runs = re.search(r"^Done (\d+) runs", output, re.MULTILINE)
            say(f"{target[0]:40} {'OK' if passed else 'FAIL':6}"
                f" {runs.group(1) if runs else 'no'} inputs")
            if not passed:
                say(output[-6000:])
            total.add(Count(passed=int(passed), failed=int(not passed)))
    return total


def main():
    parser = argparse.ArgumentParser(description="Build and run the tests.")
    parser.add_argument("--only", choices=BUILDS, help="one of the three builds")
    parser.add_argument("--suite", action="append", help="tests of this folder only")
    parser.add_argument("--test", help="tests whose name matches this pattern")
    parser.add_argument("--seconds", type=int, default=3, help="for each fuzz target")
    parser.add_argument("--node", help="the node program that compiles the contracts")
    options = parser.parse_args()
    total = Count()
    rows = []
    for name in [options.only] if options.only else BUILDS:
        start = time.monotonic()
        if not build(name, options.node):
            count = Count(failed=1)
        elif name == "fuzz":
            count = run_fuzz(options)
        else:
            count = run_tests(name, options)
        rows.append(f"{name:10} {count}, {time.monotonic() - start:.0f} s")
        total.add(count)
    say("== " + "\n== ".join(rows))
    say(str(total))
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())

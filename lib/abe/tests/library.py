#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The installed form of the library: what it shows, and the two examples of docs. Prints TAP.

    library.py LIB_ABE_DIRECTORY SHARED STATIC
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE, SHARED, STATIC = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
DOCS = HERE.parent.parent / "docs"
EXAMPLE_SAYS = "for doctors of the university\n"


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          check=False)
    return done.stdout if done.returncode == 0 else f"{command}: {done.stderr}"


def shows_its_header_only():
    """the shared library shows what the header declares, and nothing else"""
    lines = run("nm", "-D", "--defined-only", SHARED).splitlines()
    shown = {line.split()[-1].split("@")[0] for line in lines} - {"ACESO_ABE_1"}
    header = (HERE / "include/aceso/abe.h").read_text(encoding="utf-8")
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    declared = set(re.findall(r"\b(aceso_abe_\w+)\(", header))
    return f"{shown ^ declared}" if shown != declared else None


def has_a_soname():
    """its name has a version"""
    text = run("objdump", "-p", SHARED)
    return None if re.search(r"SONAME\s+libaceso-abe\.so\.1$", text, re.MULTILINE) else text


def compiles(library):
    with tempfile.TemporaryDirectory() as work:
        program = Path(work, "example")
        said = run(os.environ.get("CC", "cc"), "-std=c17", "-Wall", "-Wextra", "-Wpedantic",
                   "-Werror", "-I", HERE / "include", DOCS / "abe-example.c", library, "-lsodium",
                   "-lpthread", f"-Wl,-rpath,{SHARED.parent.resolve()}", "-o", program)
        said += run(program) if program.exists() else ""
    return None if said == EXAMPLE_SAYS else said


def c_example_shared():
    """the C example works with the shared library"""
    return compiles(SHARED)


def c_example_static():
    """the C example works with the static library"""
    return compiles(STATIC)


def python_example():
    """the Python example works"""
    said = run(sys.executable, DOCS / "abe-example.py", SHARED.resolve())
    return None if said == "letter\n" else said


def examples_are_short():
    """the examples are short: 60 and 40 lines"""
    long = [name for name, most in (("abe-example.c", 60), ("abe-example.py", 40))
            if len((DOCS / name).read_text(encoding="utf-8").splitlines()) > most]
    return ", ".join(long) or None


TESTS = [shows_its_header_only, has_a_soname, c_example_shared, c_example_static, python_example,
         examples_are_short]
print(f"1..{len(TESTS)}")
failed = 0
for number, test in enumerate(TESTS, 1):
    reason = test()
    failed += reason is not None
    print(f"{'ok' if reason is None else 'not ok'} {number} - {test.__doc__}")
    if reason:
        print("# " + reason.replace("\n", "\n# "))
sys.exit(1 if failed else 0)

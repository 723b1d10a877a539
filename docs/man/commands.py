#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a manual page's source with the commands that the program's own help lists.

    commands.py PAGE PROGRAM > FILE
"""

import re
import subprocess
import sys
from pathlib import Path


def help_of(program, *words):
    return subprocess.run([program, *words, "--help"], check=True, capture_output=True,
                          text=True).stdout.split("\n")


def plain(text):
    """Text that scdoc takes for nothing but text."""
    return re.sub(r"([\\*_#~<>|])", r"\\\1", text)


def command_lines(program, name, summary):
    lines = help_of(program, *name.split())
    usage = next(line for line in lines if line.startswith("usage: "))
    arguments = usage.removeprefix(f"usage: aceso {name}")
    yield f"*aceso {plain(name)}*{plain(arguments)}"
    yield f"\t{plain(summary)}"
    for line in lines:
        option = re.match(r"  (\S+(?: \S+)?) {2,}(\S.*)$", line) if line.startswith("  ") else None
        if option:
            yield ""
            yield f"\t*{plain(option.group(1))}*"
            yield f"\t\t{plain(option.group(2))}"
        elif line.startswith("  "):
            raise ValueError(f"aceso {name}: no option in the line {line!r}")
    yield ""


def commands(program):
    for line in help_of(program)[2:]:
        command = re.match(r"  (\S+(?: \S+)?) {2,}(\S.*)$", line)
        if command:
            yield from command_lines(program, command.group(1), command.group(2))
        elif re.match(r"[a-z]", line):
            yield f"## {line}"
            yield ""


def main():
    page = Path(sys.argv[1]).read_text(encoding="utf-8")
    print(page.replace("@COMMANDS@\n", "\n".join(commands(sys.argv[2]))), end="")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command of the program's own table: its help, its usage line, wrong usage. In TAP.

    command_test.py PROGRAM
"""

import os
import re
import subprocess
import sys
import tempfile


def run(program, *words, cwd=None):
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("ACESO_")}
    return subprocess.run([program, *words], capture_output=True, text=True, cwd=cwd,
                          env=environment, stdin=subprocess.DEVNULL, check=False, timeout=60)


def table(program):
    """[(words, summary)] as 'aceso --help' lists them."""
    listed = run(program, "--help")
    if listed.returncode != 0 or listed.stderr:
        return []
    found = [re.match(r"  (\S+(?: \S+)?) {2,}(\S.*)$", line)
             for line in listed.stdout.split("\n")]
    return [(match.group(1).split(), match.group(2)) for match in found if match]


def check_help(program, words, summary):
    """Its help has the summary, and a line of its own for all that its usage line names."""
    shown = run(program, *words, "--help")
    text = shown.stdout
    usage = re.search(r"^usage: aceso (.*)$", text, re.MULTILINE)
    if shown.returncode != 0 or shown.stderr or not usage:
        return f"exit {shown.returncode}: {shown.stderr}"
    if not text.startswith(f"aceso {' '.join(words)} - {summary}\n"):
        return "another first line than the overview's"
    options = set(re.findall(r"--[a-z-]+", usage.group(1))) | {"--json"}
    operands = set(re.findall(r"(?<!\S)\[?([A-Z]{2,})(?=[\].]|\s|$)",
                              re.sub(r"--[a-z-]+ [A-Z:]+", "", usage.group(1))))
    if words != ["demo"] and words[0] != "abe":
        options.add("--data")
    missing = [name for name in sorted(options | operands)
               if not re.search(rf"^  {name}\b.* {{2}}\S", text, re.MULTILINE)
               and not re.search(rf"^  {name} .*\S", text, re.MULTILINE)]
    return f"its help says nothing of {missing}" if missing else None


def check_wrong(program, words):
    """An unknown option and too many operands are wrong usage, said on standard error alone."""
    for extra in (["--no-such-option"], ["--wait", "soon"], ["x"] * 300):
        if extra[0] == "x" and words == ["demo"]:
            extra = extra * 2
        result = run(program, *words, *extra)
        if result.returncode != 2 or result.stdout or not result.stderr:
            return f"{extra[0]}: exit {result.returncode}"
    return None


def check_missing(program, words):
    """What is not in brackets in the usage line has to be there."""
    usage = re.search(r"^usage: aceso (.*)$", run(program, *words, "--help").stdout,
                      re.MULTILINE).group(1)
    required = re.sub(r"\[[^\]]*\]", "", usage)[len(" ".join(words)):].strip()
    if not required:
        return None
    result = run(program, *words)
    return None if result.returncode == 2 else f"exit {result.returncode} without {required}"


def check_no_directory(program, words, scratch):
    """Without --data and ACESO_DATA a node's command says so and leaves nothing behind."""
    usage = re.search(r"^usage: aceso (.*)$", run(program, *words, "--help").stdout,
                      re.MULTILINE).group(1)
    required = re.sub(r"\[[^\]]*\]", "", usage)[len(" ".join(words)):].split()
    values = {"NUMBER": "1", "LEVEL": "low", "ROLE": "ca", "HOST:PORT": "127.0.0.1:1"}
    given = [word if word.startswith("--") else values.get(word, "x") for word in required]
    result = run(program, *words, *given, cwd=scratch)
    if result.returncode not in (1, 2) or not result.stderr.startswith("aceso: "):
        return f"exit {result.returncode}: {result.stderr.strip()}"
    return f"left {os.listdir(scratch)}" if os.listdir(scratch) else None


def overall(program):
    yield "no command is wrong usage", run(program).returncode == 2
    yield "an unknown command is wrong usage", run(program, "fly").returncode == 2
    yield "half a command is wrong usage", run(program, "hospital").returncode == 2
    version = run(program, "--version")
    yield "the version", version.returncode == 0 and re.match(r"aceso \S+\n$", version.stdout)
    yield "json on failure", '"code"' in run(program, "status", "--json", "--data",
                                             "/nonexistent", "--wait", "0").stdout


def main():
    program = os.path.abspath(sys.argv[1])
    commands = table(program)
    results = [(name, None if good else "it is not so") for name, good in overall(program)]
    results.append(("the table of commands", None if len(commands) > 30 else "it is too short"))
    for words, summary in commands:
        name = " ".join(words)
        results.append((f"{name}: help", check_help(program, words, summary)))
        results.append((f"{name}: wrong usage", check_wrong(program, words)))
        results.append((f"{name}: required", check_missing(program, words)))
        if words != ["demo"]:
            with tempfile.TemporaryDirectory() as scratch:
                results.append((f"{name}: no directory",
                                check_no_directory(program, words, scratch)))
    print(f"1..{len(results)}")
    for number, (name, why) in enumerate(results, 1):
        print(f"{'not ok' if why else 'ok'} {number} - {name}")
        if why:
            print(f"# {why}")
    return 1 if any(why for _, why in results) else 0


if __name__ == "__main__":
    sys.exit(main())

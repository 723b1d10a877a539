#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The house rules as a test, in TAP: one line a rule, then one line a rule that shows that it finds
what it looks for in a tree made for that.

    layout.py DIRECTORY
"""

import ast
import re
import subprocess
import sys
from pathlib import Path, PurePosixPath

ROLES = {"src/ca", "src/hospital", "src/patient", "src/institute", "src/cloud"}
COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_BYTES_MAX = 2_000_000
CODE = {".c", ".h", ".py", ".sh", ".mjs", ".js", ".ts", ".tsx", ".sol", ".css"}
CODE_NAMES = {"meson.build", "meson_options.txt", "Makefile", "run"}
BANNED = ("strcpy strcat sprintf vsprintf strtok atoi atol gmtime localtime alloca gets "
          "rand tmpnam mktemp").split()
VAGUE = {"util", "utils", "helper", "helpers", "manager", "common", "misc"}


class Tree:
    """Paths and texts; `sizes` has all files, `text` those that are text and no fuzz corpus."""

    def __init__(self, files):
        self.sizes = {path: len(data) for path, data in files.items()}
        self.text = {}
        for path, data in files.items():
            if "corpus" in PurePosixPath(path).parts or b"\0" in data:
                continue
            self.text[path] = data.decode("utf-8", "replace")

    def lines(self, *suffixes):
        """(path, number, line) of each line of the files that end in one of `suffixes`."""
        for path, text in sorted(self.text.items()):
            if path.endswith(suffixes):
                for number, line in enumerate(text.split("\n"), 1):
                    yield path, number, line


def read_tree(top):
    """What git tracks or would, or every file where there is no git."""
    listed = subprocess.run(["git", "-c", "safe.directory=*", "-C", top, "ls-files", "-z",
                             "--cached", "--others", "--exclude-standard"],
                            capture_output=True, check=False)
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
    else:
        names = [str(path.relative_to(top)) for path in Path(top).rglob("*")]
        names = [name for name in names if not re.match(r"(\.deps|\.git|build[^/]*)/", name)]
    paths = {name: Path(top, name) for name in names if name}
    return Tree({name: path.read_bytes() for name, path in paths.items()
                 if path.is_file() and not path.is_symlink()})


def is_code(path):
    name = PurePosixPath(path)
    return name.suffix in CODE or name.name in CODE_NAMES


def is_test(path):
    return (path.startswith("tests/") or "/tests/" in path or "/test/" in path
            or re.search(r"_(test|fuzz)\.c$|\.t\.sol$|\.test\.\w+$", path) is not None)


def bare_c(text):
    """C without comments and the contents of strings; lines stay where they are."""
    def blank(match):
        kept = "\n" * match.group().count("\n")
        return kept if match.group().startswith("/") else '""' + kept
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text,
                  flags=re.DOTALL)


def room_order(tree):
    """The folders in the order of dependency, as the top meson.build lists them."""
    listing = re.search(r"foreach room : \[(.*?)\]", tree.text.get("meson.build", ""), re.DOTALL)
    return re.findall(r"'([^']+)'", listing.group(1)) if listing else []


def room_of(path, rooms):
    return next((room for room in rooms if path.startswith(room + "/")), None)


def included_room(name, rooms):
    """The room of an include's file, None for one that is no room's."""
    if name.startswith("aceso/"):
        return "lib/abe"
    if name.startswith("contracts_"):
        return "contracts"
    first = name.split("/")[0]
    return f"src/{first}" if "/" in name and f"src/{first}" in rooms else None


def includes(tree):
    """(path, line, room of the file, name, room of what it includes)."""
    rooms = room_order(tree)
    for path, number, line in tree.lines(".c", ".h"):
        found = re.match(r'\s*#\s*include\s*["<]([^">]+)[">]', line)
        room = room_of(path, rooms)
        if found and room:
            yield path, number, room, found.group(1), included_room(found.group(1), rooms)


def rule_order_of_rooms(tree):
    """a folder includes only from itself and those above it"""
    rooms = room_order(tree)
    if not rooms:
        return ["meson.build: no list of rooms"]
    return [f"{path}:{number}: {room} includes {name}"
            for path, number, room, name, other in includes(tree)
            if other and rooms.index(other) > rooms.index(room)]


def rule_roles_apart(tree):
    """the roles never include each other"""
    return [f"{path}:{number}: {room} includes {name}"
            for path, number, room, name, other in includes(tree)
            if room in ROLES and other in ROLES and room != other]


def rule_library_alone(tree):
    """lib/abe includes nothing of src"""
    return [f"{path}:{number}: includes {name}"
            for path, number, room, name, other in includes(tree)
            if room == "lib/abe" and (other or "").startswith("src/")]


def rule_quoted_includes(tree):
    """in src an include in quotes names its room"""
    return [f"{path}:{number}: includes {name}"
            for path, number, line in tree.lines(".c", ".h") if path.startswith("src/")
            for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', line)
            if not included_room(name, room_order(tree))]


def rule_line_length(tree):
    """no line of code is longer than 100 columns"""
    return [f"{path}:{number}: {len(line)} columns" for path, number, line in tree.lines("")
            if is_code(path) and len(line) > COLUMNS_MAX]


def rule_whitespace(tree):
    """code is indented by spaces, without blanks at line ends, and ends in one newline"""
    found = [f"{path}:{number}" for path, number, line in tree.lines("")
             if is_code(path) and (line != line.rstrip()
                                   or "\t" in line and not path.endswith("Makefile"))]
    return found + [f"{path}: its end" for path, text in tree.text.items()
                    if is_code(path) and text and (text[-1] != "\n" or text.endswith("\n\n"))]


def c_functions(text):
    """(first line, lines) of each function body: house style opens it with a bare brace."""
    start = None
    for number, line in enumerate(text.split("\n"), 1):
        if line == "{":
            start = number
        elif line == "}" and start is not None:
            yield start, number - start + 1
            start = None


def rule_function_length(tree):
    """no function is longer than 70 lines"""
    found = []
    for path, text in sorted(tree.text.items()):
        if path.endswith((".c", ".h")):
            found += [f"{path}:{line}: {count} lines" for line, count in c_functions(text)
                      if count > FUNCTION_LINES_MAX]
            found += [f"{path}:{text[:match.start()].count(chr(10)) + 1}: brace not on its line"
                      for match in re.finditer(r"^\w[^=;{}\n]*\) \{$", text, re.MULTILINE)]
        elif path.endswith(".py"):
            found += [f"{path}:{node.lineno}: {node.end_lineno - node.lineno + 1} lines"
                      for node in ast.walk(ast.parse(text))
                      if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
                      and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX]
    return found


def rule_licence_line(tree):
    """the first line of code names the licence"""
    return [path for path, text in sorted(tree.text.items()) if is_code(path)
            and "SPDX-License-Identifier: Apache-2.0" not in
            next((line for line in text.split("\n") if not line.startswith("#!")), "")]


def rule_banned_functions(tree):
    """C calls no function that cannot be called safely"""
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    return [f"{path}:{number}: {match.group(1)}"
            for path, text in sorted(tree.text.items()) if path.endswith((".c", ".h"))
            for number, line in enumerate(bare_c(text).split("\n"), 1)
            for match in pattern.finditer(line)]


def rule_no_waiting(tree):
    """tests wait for conditions, never for time"""
    pattern = re.compile("sle" r"ep\(|(^|[^a-z])sle" r"ep [0-9]|setTime" r"out\(")
    return [f"{path}:{number}" for path, number, line in tree.lines("")
            if is_test(path) and is_code(path) and pattern.search(line)]


def rule_no_marks(tree):
    """nothing is marked as unfinished"""
    words = ("TO" "DO", "FIX" "ME", "XX" "X", "st" "ub", "place" "holder", "not impl" "emented")
    pattern = re.compile(r"\b(" + "|".join(words) + r")\b")
    return [f"{path}:{number}: {match.group(1)}" for path, number, line in tree.lines("")
            if is_code(path) for match in pattern.finditer(line)]


def rule_no_machine(tree):
    """no path of one machine"""
    pattern = re.compile(r"(^|[^A-Za-z0-9_.-])/(" + "|".join(("work", "root", "farm", "tmp/w"))
                         + r")/")
    return [f"{path}:{number}" for path, number, line in tree.lines("") if pattern.search(line)]


def rule_no_registry(tree):
    """no address of a package registry"""
    names = ("registry npmjs", "registry yarnpkg", "npm jsr", "pypi org", "pythonhosted org",
             "crates io", "proxy golang", "sum golang", "repo1 maven", "deb debian")
    pattern = re.compile("|".join(name.replace(" ", r"\.") for name in names))
    return [f"{path}:{number}" for path, number, line in tree.lines("") if pattern.search(line)]


def rule_fuzz_corpus(tree):
    """every fuzz target has a corpus beside it"""
    found = []
    for path in sorted(tree.text):
        if path.endswith("_fuzz.c"):
            name = PurePosixPath(path)
            corpus = str(name.parent / "corpus" / name.stem.removesuffix("_fuzz")) + "/"
            if not any(other.startswith(corpus) for other in tree.sizes):
                found.append(f"{path}: nothing in {corpus}")
    return found


def is_orphan(tree, header):
    """Whether a header declares functions of which no .c file of its folder defines any."""
    names = re.findall(r"^(?!static\b)\w[^\n;{}()]*?\b(\w+)\(", bare_c(tree.text[header]),
                       re.MULTILINE)
    folder = str(PurePosixPath(header).parent)
    defined = re.compile(r"^\w[^\n;{}()]*?\b(" + "|".join(names) + r")\(", re.MULTILINE)
    return bool(names) and not any(
        defined.search(text) for path, text in tree.text.items()
        if path.endswith(".c") and str(PurePosixPath(path).parent) == folder)


def rule_headers(tree):
    """every header says first what its module is, and what it declares is there"""
    found = []
    for path, text in sorted(tree.text.items()):
        if not path.endswith(".h"):
            continue
        if not text.split("\n", 2)[1:2] or not text.split("\n", 2)[1].startswith("/*"):
            found.append(f"{path}: no comment on line 2")
        if path.startswith("src/") and is_orphan(tree, path):
            found.append(f"{path}: no .c file has its functions")
    return found


def rule_names(tree):
    """file names say what is inside"""
    return [path for path in sorted(tree.sizes)
            if VAGUE & set(re.split(r"[_.\-/]", path.lower()))]


def rule_sizes(tree):
    """no file is over 2 MB"""
    return [f"{path}: {size} bytes" for path, size in sorted(tree.sizes.items())
            if size > FILE_BYTES_MAX]


RULES = [rule for name, rule in list(globals().items()) if name.startswith("rule_")]

SOUND = {
    "meson.build": "# SPDX-License-Identifier: Apache-2.0\n"
                   "foreach room : ['lib/abe', 'src/base', 'src/ca', 'src/patient']\n",
    "src/base/text.h": "/* SPDX-License-Identifier: Apache-2.0 */\n/* Text. */\n",
    "src/base/text.c": '/* SPDX-License-Identifier: Apache-2.0 */\n#include "base/text.h"\n'
                       'int text_x(void)\n{\n    return snprintf(a, "atoi(x) gets(x)");\n}\n',
    "src/base/text_fuzz.c": "/* SPDX-License-Identifier: Apache-2.0 */\n",
    "src/base/corpus/text/one": "anything at all \t ",
    "tests/run.sh": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n",
}
LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"

# What to add to SOUND so that the rule, and only it, complains about that file.
PLANTED = {
    rule_order_of_rooms: ("src/base/a.c", LICENCE + '#include "ca/ca.h"\n'),
    rule_roles_apart: ("src/patient/a.c", LICENCE + '#include "ca/ca.h"\n'),
    rule_library_alone: ("lib/abe/a.c", LICENCE + '#include "base/text.h"\n'),
    rule_quoted_includes: ("src/base/a.c", LICENCE + '#include "text.h"\n'),
    rule_line_length: ("src/base/a.c", LICENCE + "/*" + "-" * 98 + "*/\n"),
    rule_whitespace: ("src/base/a.c", LICENCE + "int a; \n"),
    rule_function_length: ("src/base/a.c",
                           LICENCE + "int a(void)\n{\n" + "    x();\n" * 69 + "}\n"),
    rule_licence_line: ("tests/b.sh", "#!/bin/sh\necho\n"),
    rule_banned_functions: ("src/base/a.c", LICENCE + "void a(void)\n{\n    gets (x);\n}\n"),
    rule_no_waiting: ("src/base/a_test.c", LICENCE + "int a = uslee" "p(5);\n"),
    rule_no_marks: ("src/base/a.c", LICENCE + "/* FIX" "ME later */\n"),
    rule_no_machine: ("README.md", "Look into /wo" "rk/main.\n"),
    rule_no_registry: ("README.md", "From registry." "npmjs.\n"),
    rule_fuzz_corpus: ("src/base/b_fuzz.c", LICENCE),
    rule_headers: ("src/base/b.h", LICENCE + "/* B. */\nint b_do(int x,\n         int y);\n"),
    rule_names: ("src/base/string_utils.c", LICENCE),
    rule_sizes: ("data.bin", "\0" * (FILE_BYTES_MAX + 1)),
}


def planted_failure(rule):
    """Why `rule` does not do its work, or None."""
    def tree(files):
        return Tree({path: text.encode() for path, text in files.items()})
    path, text = PLANTED[rule]
    for other in RULES:
        if other(tree(SOUND)):
            return f"{other.__name__} complains about a sound tree: {other(tree(SOUND))}"
    found = rule(tree({**SOUND, path: text}))
    if len(found) != 1 or not found[0].startswith(path):
        return f"found {found} instead of {path}"
    return None


def main():
    tree = read_tree(sys.argv[1])
    print(f"1..{2 * len(RULES)}")
    failed = False
    number = 0
    for rule in RULES:
        number += 1
        found = rule(tree)
        failed = failed or bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - {rule.__doc__}")
        for offender in found:
            print(f"# {offender}")
    for rule in RULES:
        number += 1
        why = planted_failure(rule)
        failed = failed or why is not None
        print(f"{'not ok' if why else 'ok'} {number} - {rule.__name__} finds what it looks for")
        if why:
            print(f"# {why}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the manual pages of section 3 from the public header: aceso_abe(3), one page for each of
the header's groups of functions, and for each function's name a page that leads to its group's.

    pages.py --list HEADER           the files' names, one a line
    pages.py HEADER SCDOC DIRECTORY  the files
"""

import re
import subprocess
import sys
from pathlib import Path

NAME = """{name}(3)

# NAME

{title} - {summary}

# SYNOPSIS

*#include <aceso/abe.h>*

cc ... $(pkg-config --cflags --libs libaceso-abe)
"""
GROUPS = {
    "constants and codes": ("", "decentralized attribute-based encryption"),
    "policies": ("_policies", "policies over attributes, and comparisons"),
    "authorities": ("_authorities", "setup and key generation"),
    "public keys": ("_public_keys", "import of public keys"),
    "the cache": ("_caches", "tables and lines that make keys fast"),
    "user keys": ("_user_keys", "import of user keys"),
    "headers, CCA form": ("_headers_cca", "keys under a policy, checked by encrypting again"),
    "headers, CPA form": ("_headers_cpa", "keys under a policy, for honest makers"),
    "many at once": ("_many", "headers on several threads"),
    "looking at a header without keys": ("_inspection", "what a header says to all"),
    "payloads": ("_payloads", "encryption of payloads of any size"),
}
SECTION = re.compile(r"/\* ---- (.*?) -+ \*/")
BLOCK = re.compile(r"/\*(.*?)\*/|((?:ACESO_ABE_API|struct|enum|typedef)[^;{]*(?:\{.*?\n\})?[^;]*;)",
                   re.DOTALL)


def plain(comment):
    """A comment's text in paragraphs."""
    lines = [line.strip().removeprefix("*").strip() for line in comment.strip().split("\n")]
    return "\n".join(lines).strip()


def escaped(text):
    return re.sub(r"([*_\\<>`])", r"\\\1", text)


def literal(code):
    if code.startswith("ACESO_ABE_API"):
        lines = [line.strip() for line in code.removeprefix("ACESO_ABE_API").strip().split("\n")]
        code = "\n        ".join(lines)
    return "```\n" + code + "\n```\n"


def groups(header):
    """[(title, summary, text of the group)], in the header's order."""
    body = header.split("*/", 2)[2]
    body = body[body.index("enum {"):body.rindex("#ifdef __cplusplus")]
    for part in re.split(r"(?=/\* ---- )", body):
        section = SECTION.match(part)
        suffix, summary = GROUPS[section.group(1) if section else "constants and codes"]
        yield f"aceso_abe{suffix}", summary, part[section.end() if section else 0:]


def functions(text):
    return re.findall(r"\b(aceso_abe_\w+)\(", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))


def blocks(text):
    """Declarations as code, comments as text before them."""
    for comment, code in BLOCK.findall(text):
        if comment:
            # Grammar and lists keep their lines; sentences flow.
            words = plain(comment)
            kept = re.search(r"^\S.*   \S", words, re.MULTILINE)
            yield literal(words) if kept else escaped(words) + "\n"
        elif code:
            yield literal(code)


def page(header, title, summary, text):
    yield NAME.format(name=title, title=escaped(title), summary=summary)
    yield "# DESCRIPTION\n"
    if title == "aceso_abe":
        yield literal("\n".join(line[3:] for line in header.split("*/")[1].split("\n")
                                if line.startswith(" *")))
    yield from blocks(text)
    others = [f"*{escaped(other)}*(3)" for other, _, _ in groups(header) if other != title]
    yield "# SEE ALSO\n"
    yield ", ".join(["*aceso*(1)", *others]) + ", abe-format.md for every byte that is written\n"


def main():
    if sys.argv[1] == "--list":
        for title, _, text in groups(Path(sys.argv[2]).read_text(encoding="utf-8")):
            print("\n".join(f"{name}.3" for name in (title, *functions(text))))
        return
    header = Path(sys.argv[1]).read_text(encoding="utf-8")
    directory = Path(sys.argv[3])
    for title, summary, text in groups(header):
        source = "\n".join(page(header, title, summary, text)) + "\n"
        made = subprocess.run([sys.argv[2]], input=source.encode(), check=True,
                              capture_output=True).stdout
        (directory / f"{title}.3").write_bytes(made)
        for name in functions(text):
            (directory / f"{name}.3").write_text(f".so man3/{title}.3\n", encoding="ascii")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes aceso_abe(3), as scdoc source, from the public header: what it says of each function.

    pages.py HEADER
"""

import re
import sys
from pathlib import Path

HEAD = """ACESO_ABE(3)

# NAME

aceso_abe - decentralized attribute-based encryption

# SYNOPSIS

*#include <aceso/abe.h>*

cc ... $(pkg-config --cflags --libs libaceso-abe)
"""
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


def page(header):
    """The header's blocks in their order: declarations as code, comments as text before them."""
    body = header.split("*/", 2)[2]
    yield HEAD
    yield "# DESCRIPTION\n"
    yield literal("\n".join(line[3:] for line in header.split("*/")[1].split("\n")
                            if line.startswith(" *")))
    body = body[body.index("enum {"):body.rindex("#ifdef __cplusplus")]
    for part in re.split(r"(?=/\* ---- )", body):
        section = SECTION.match(part)
        yield f"# {(section.group(1) if section else 'constants and codes').upper()}\n"
        for comment, code in BLOCK.findall(part[section.end() if section else 0:]):
            if comment:
                # Grammar and lists keep their lines; sentences flow.
                text = plain(comment)
                kept = re.search(r"^\S.*   \S", text, re.MULTILINE)
                yield literal(text) if kept else escaped(text) + "\n"
            elif code:
                yield literal(code)
    yield "# SEE ALSO\n\n*aceso*(1), abe-format.md for every byte that is written\n"


if __name__ == "__main__":
    print("\n".join(page(Path(sys.argv[1]).read_text(encoding="utf-8"))))

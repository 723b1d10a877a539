#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws what abe_bench measures, beside the paper's figure 7 and Charm, as one SVG.

    plot.py ABE_BENCH > docs/abe-speed.svg
"""

import math
import re
import subprocess
import sys

# The paper (SS512, Xeon E5-2643v3) and Charm 0.62 dabe_aw11 (SS512), ms; a few points each.
PAPER = {"setup": {30: 75}, "encrypt": {6: 113}, "decrypt": {6: 23}}
CHARM = {"setup": {30: 41.8}, "encrypt": {2: 13.7, 4: 25.7, 6: 37.9, 8: 49.8},
         "decrypt": {2: 5.65, 4: 8.77, 6: 11.6, 8: 14.3}}
COLORS = {"this library": "#1f5fa8", "Charm 0.62": "#888888", "the paper": "#c0392b",
          "encrypt": "#1f5fa8", "decrypt": "#2e8b57"}
WIDTH, HEIGHT, LEFT, TOP = 330, 250, 55, 40


def measured(program, *arguments):
    text = subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value in re.findall(r"bench abe\.(\S+)=(\S+)", text)}


def scale(low, high, length, logarithmic):
    if logarithmic:
        return lambda v: length * (math.log10(v) - math.log10(low)) / math.log10(high / low)
    return lambda v: length * (v - low) / (high - low)


def panel(column, title, axis, series, logarithmic):
    """One chart: its frame, marks on both axes, and a line or point for each series."""
    xs = sorted({x for points in series.values() for x in points})
    top = max(y for points in series.values() for y in points.values())
    low, high = (0.5, 10 ** math.ceil(math.log10(top))) if logarithmic else (0, top * 1.1)
    across = scale(min(xs) - 1 if len(xs) > 1 else 0, max(xs), WIDTH - LEFT - 30, False)
    up = scale(low, high, HEIGHT - TOP - 50, logarithmic)
    x0, y0 = column * WIDTH + LEFT, HEIGHT - 50
    yield f'<text x="{x0}" y="20" font-weight="bold">{title}</text>'
    yield f'<path d="M{x0} {TOP}V{y0}H{x0 + WIDTH - LEFT - 20}" fill="none" stroke="#333"/>'
    yield f'<text x="{x0 + 60}" y="{HEIGHT - 15}">{axis}</text>'
    for x in xs if len(xs) < 6 else xs[1::2]:
        yield (f'<text x="{x0 + across(x):.1f}" y="{y0 + 15}" text-anchor="middle">{x}</text>')
    ten = 10 ** math.floor(math.log10(high))
    step = next(n for n in (ten / 5, ten / 2, ten, 2 * ten) if high <= 6 * n)
    marks = [1, 10, 100] if logarithmic else [step * i for i in range(1, 20)]
    for y in (mark for mark in marks if low <= mark <= high):
        yield (f'<text x="{x0 - 5}" y="{y0 - up(y) + 4:.1f}" text-anchor="end">{y:g}</text>'
               f'<path d="M{x0} {y0 - up(y):.1f}h{WIDTH - LEFT - 20}" stroke="#ddd"/>')
    for index, (name, points) in enumerate(series.items()):
        color = COLORS[name]
        at = [(x0 + across(x), y0 - up(y)) for x, y in sorted(points.items())]
        line = "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
        yield f'<path d="M{line}" fill="none" stroke="{color}" stroke-width="1.5"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in at)
        yield f'<text x="{x0 + 10}" y="{TOP + 12 + 14 * index}" fill="{color}">{name}</text>'


def main():
    own = measured(sys.argv[1])
    rows = measured(sys.argv[1], "rows")
    setup = {n: own[f"setup{n}.min"] for n in (10, 20, 30)}
    drawn = list(panel(0, "(a) setup, ms", "attributes",
                       {"this library": setup, "Charm 0.62": CHARM["setup"],
                        "the paper": PAPER["setup"]}, True))
    for column, what in enumerate(("encrypt", "decrypt"), 1):
        times = {k: own[f"{what}.k{k}.min"] for k in (2, 4, 6, 8)}
        drawn += panel(column, f"({'abc'[column]}) {what}, ms", "subformulas of two",
                       {"this library": times, "Charm 0.62": CHARM[what],
                        "the paper": PAPER[what]}, True)
    large = {what: {n: rows[f"rows{n}.{what}.min"] for n in range(100, 1001, 100)}
             for what in ("encrypt", "decrypt")}
    drawn += panel(3, "many rows, ms (without tables)", "rows, joined by and", large, False)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{4 * WIDTH}" height="{HEIGHT}" '
          'font-family="sans-serif" font-size="11">')
    print('<rect width="100%" height="100%" fill="white"/>')
    print("\n".join(drawn))
    print("</svg>")


main()

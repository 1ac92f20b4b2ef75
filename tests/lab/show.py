#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Show what was captured, for people.

  show.py invite CORE.pcap CARRIER.pcap     the first INVITE before and after, side by side
  show.py passport IDENTITY.txt             the decoded PASSporT
Colour only on a terminal, and not with NO_COLOR.
"""
import difflib
import json
import os
import shutil
import sys
import textwrap

import pcap
import sipmsg

COLOR = sys.stdout.isatty() and "NO_COLOR" not in os.environ
GREEN, YELLOW, DIM, BOLD = "32", "33", "2", "1"


def paint(text, code):
    return "\033[%sm%s\033[0m" % (code, text) if COLOR and code else text


def first_invite(path):
    for d in pcap.datagrams(path):
        if sipmsg.Message(d.payload).is_initial_invite:
            return d
    sys.exit("no INVITE in %s" % path)


def cells(line, width):
    """A line in pieces that fit a column; a token of 600 characters is cut short in the middle."""
    if len(line) > 5 * width:
        line = line[:2 * width] + " ... " + line[-2 * width:]
    return textwrap.wrap(line, width, subsequent_indent="  ", drop_whitespace=False, break_on_hyphens=False) or [""]


def print_row(left, right, width, codes):
    a, b = cells(left, width), cells(right, width)
    for i in range(max(len(a), len(b))):
        x, y = (c[i] if i < len(c) else "" for c in (a, b))
        print("%s %s %s" % (paint(x.ljust(width), codes[0]), paint("|", DIM), paint(y, codes[1])))


def invite(core, carrier):
    before, after = first_invite(core), first_invite(carrier)
    old, new = ([line.rstrip("\r") for line in d.payload.decode("utf-8", "replace").split("\n")] for d in (before, after))
    width = max(40, (shutil.get_terminal_size((150, 40)).columns - 3) // 2)
    for i, title in enumerate(("at the PBX", "at the carrier")):
        d = (before, after)[i]
        text = "%s: %d bytes in %d packet%s" % (title, len(d.payload), len(d.frames), "s"[:len(d.frames) > 1])
        print(paint(text.ljust(width + 3 if not i else 0), BOLD), end="")
    print("\n" + "-" * (2 * width + 3))
    for tag, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        left, right = old[a:b], new[c:d]
        for i in range(max(len(left), len(right))):
            x = left[i] if i < len(left) else ""
            y = right[i] if i < len(right) else ""
            print_row(x, y, width, ("", "") if tag == "equal" else (YELLOW, GREEN))


def passport(path):
    with open(path, "rb") as f:
        header, payload, info = sipmsg.passport(b"Identity: " + f.read().strip() + b"\r\n")
    for name, value in (("header", header), ("payload", payload)):
        print("%-8s %s" % (name, json.dumps(value)))
    print("%-8s %s" % ("info", info))


if __name__ == "__main__":
    {"invite": invite, "passport": passport}[sys.argv[1]](*sys.argv[2:])

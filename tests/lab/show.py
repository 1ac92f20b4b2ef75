#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Show what was captured, for people.

  show.py invite CORE.pcap CARRIER.pcap     the first INVITE before and after, side by side
  show.py back CARRIER.pcap CORE.pcap       the same of a call from the carrier
  show.py results CORE.pcap EVENTS          calls from the carrier: what the PBX reads, what the gateway says of them
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


def back(carrier, core):
    invite(carrier, core, ("from the carrier", "at the PBX"))


def results(core, events):
    with open(events, encoding="ascii") as f:
        by_call = {e["call_id"]: e for e in map(json.loads, f) if e["direction"] == "inbound"}
    seen = {}
    for d in pcap.datagrams(core):
        m = sipmsg.Message(d.payload)
        if m.is_initial_invite and m.value("call-id").decode() in by_call:
            seen.setdefault(m.value("call-id").decode(), m)
    rows = [("call", "X-STIR-Result at the PBX", "status", "reason", "attest", "orig", "us")]
    for name, m in seen.items():
        e = by_call[name]
        result = m.value("x-stir-result").decode()
        rows.append((name, result if len(result) <= 52 else result[:49] + "...", e["status"], e["reason"], e["attest"] or "-",
                     e["orig"] or "-", str(e["latency_us"])))
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    for n, r in enumerate(rows):
        line = "  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip()
        print(paint(line, BOLD if not n else GREEN if r[2] == "STIR_VERIFIED" else YELLOW))


def invite(core, carrier, titles=("at the PBX", "at the carrier")):
    before, after = first_invite(core), first_invite(carrier)
    old, new = ([line.rstrip("\r") for line in d.payload.decode("utf-8", "replace").split("\n")] for d in (before, after))
    width = max(40, (shutil.get_terminal_size((150, 40)).columns - 3) // 2)
    for i, title in enumerate(titles):
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
    {"invite": invite, "back": back, "results": results, "passport": passport}[sys.argv[1]](*sys.argv[2:])

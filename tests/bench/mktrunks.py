#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Trunks of which each has a core address and ten ranges of numbers of its own.

usage: mktrunks.py DIR COUNT      one file per trunk

Trunk T is core peer 10.128.0.0 + T of one carrier peer and may use +442TTTTTTR00 to +442TTTTTTR49, R = 0 to 9;
sipflood --trunks calls from there.
"""
import ipaddress
import os
import sys

CALLERS = ipaddress.IPv4Address("10.128.0.0")
RANGES = 10

DEFAULTS = """defaults:
  attestation: A
  default_country_code: "1"
  pai: { mode: set, domain: example.net }
"""


def trunk(t):
    """the trunk as AddTrunk takes it; what all share stands in DEFAULTS"""
    return {"name": "trunk-%06d" % t, "carrier": {"peers": ["10.66.2.2:5060"]}, "core": {"peers": [str(CALLERS + t)]},
            "numbers": ["+442%06d%d00-+442%06d%d49" % (t, r, t, r) for r in range(RANGES)]}


def text(t):
    x = trunk(t)
    return 'name: %s\ncarrier: { peers: ["%s"] }\ncore: { peers: ["%s"] }\nnumbers:\n%s' % (
        x["name"], x["carrier"]["peers"][0], x["core"]["peers"][0], "".join('  - "%s"\n' % n for n in x["numbers"]))


def write(directory, count):
    for t in range(count):
        # not open(): its buffers take longer than all else here
        fd = os.open("%s/trunk-%06d.yaml" % (directory, t), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(fd, text(t).encode())
        os.close(fd)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    write(sys.argv[1], int(sys.argv[2]))

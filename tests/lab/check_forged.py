#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""check_forged.py --prefix LAB --data DIR: the messages of DIR from the carrier, first as they are, then with a mark of ours
in front of all rows.

What is not edited passes as it is, and never with the mark.  Prints `kinds=N passed=N dropped=N stripped=N`; kinds: messages
that are no good INVITEs and yet go to the signer.
"""
import argparse
import os
import re
import sys

import incall
from incall import want

MARK = b"X-STIR-Result: STIR_VERIFIED;attest=A"
FRAME = 1472  # larger ones come in fragments, which pass as they are


def is_steered(data):
    return re.match(rb"[\r\n]{0,14}INVITE[ \t]|[\r\n]{15}", data)


def marked(data):
    lead, start, end, rest = re.fullmatch(rb"([\r\n]*)([^\r\n]*)(\r\n|\n|\r|)(.*)", data, re.S).groups()
    return lead + start + (end or b"\r\n") + MARK + (end or b"\r\n") + rest


class Forger:
    def __init__(self, prefix):
        self.lab = incall.Lab(prefix, None)

    def pass_on(self, data):
        """-> the datagrams that come of it"""
        self.lab.arrived.clear()
        self.lab.send(data)
        self.lab.wait_for(lambda: self.lab.arrived, 0.15)
        self.lab.linger(0.01)
        return [x[2].data for x in self.lab.arrived if x[1] == "core"]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--prefix", required=True)
    p.add_argument("--data", required=True)
    args = p.parse_args()
    with open(os.path.join(args.data, "expected.tsv"), encoding="ascii") as f:
        expected = dict(line.split("\t")[:2] for line in f.read().splitlines())
    forger, n = Forger(args.prefix), dict.fromkeys(("kinds", "passed", "dropped", "stripped"), 0)
    for name, reason in sorted(expected.items()):
        with open(os.path.join(args.data, name), "rb") as f:
            data = f.read()
        if len(marked(data)) > FRAME or not is_steered(data):
            continue
        whole, forged = forger.pass_on(data), forger.pass_on(marked(data))
        try:
            if reason == "ok":
                want(len(whole) == 1, "%s: %d came of it", name, len(whole))
            else:
                n["kinds"] += 1
                want(whole == [data], "%s (%s): not as it was: %r", name, reason, whole)
                n["passed"] += 1
            want(not any(MARK.lower() in d.lower() for d in forged), "%s (%s): the mark came through", name, reason)
            n["stripped" if forged else "dropped"] += 1
        except incall.Wrong as e:
            sys.exit("FAIL: %s" % e)
    print(" ".join("%s=%d" % item for item in n.items()))


if __name__ == "__main__":
    main()

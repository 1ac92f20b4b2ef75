#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hostile messages, sent one after the other: each arrives unchanged, or edited within the rules, or not at all.

Prints how many were `same`, `edited` and `missing`; the caller compares `missing` with the drop counters.
"""
import argparse
import sys

import check_calls
import pcap
import sipmsg


def judge(sent, arrived, args):
    if sent.payload == arrived.payload:
        return "same"
    old, new = sipmsg.Message(sent.payload), sipmsg.Message(arrived.payload)
    check_calls.want(old.start == new.start, "request line changed")
    check_calls.want(old.is_initial_invite, "edited, but no initial INVITE")
    check_calls.check_rows(old, new, args)
    check_calls.check_body_plain(old, new)
    return "edited"


def first_line(d):
    return d.payload.lstrip()[:70]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("core")
    p.add_argument("carrier")
    args = p.parse_args()
    args.location = False
    sent = [d for d in pcap.datagrams(args.core) if d.dport == 5060]
    arrived = [d for d in pcap.datagrams(args.carrier) if d.dport == 5060]
    result = {"same": 0, "edited": 0, "missing": 0}
    for d in sent:
        # sent with a pause in between, so that order is kept; what is missing is skipped
        at = next((i for i, a in enumerate(arrived) if a.sport == d.sport), None)
        if at is None:
            result["missing"] += 1
            print("# missing: %r" % first_line(d))
            continue
        try:
            result[judge(d, arrived.pop(at), args)] += 1
        except check_calls.Wrong as e:
            print("FAIL: %s: %r" % (e, first_line(d)))
            return 1
    if arrived:
        print("FAIL: from nowhere: %s" % arrived[0])
        return 1
    print(" ".join("%s=%d" % item for item in result.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

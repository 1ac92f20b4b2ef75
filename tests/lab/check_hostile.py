#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Hostile messages, sent one after the other: each arrives unchanged, or edited within the rules, or not at all.

Prints how many were `same`, `edited` and `missing`; the caller compares the frames of the missing ones with
the drop counters.
"""
import argparse
import sys

import check_calls
import pcap
import sipmsg


def is_edit_of(sent, arrived, args):
    """Was `arrived` made of `sent` by edits that are allowed?"""
    old, new = sipmsg.Message(sent.payload), sipmsg.Message(arrived.payload)
    if not old.is_initial_invite or (old.lead, old.start) != (new.lead, new.start) or not arrived.checksum_ok:
        return False
    try:
        check_calls.check_rows(old, new, args)
        check_calls.check_body_plain(old, new)
    except check_calls.Wrong:
        return False
    return True


def find(sent, arrived, args):
    """(word, index of what `sent` became)"""
    for i, a in enumerate(arrived):
        if a.flow == sent.flow and a.payload == sent.payload and a.checksum_ok:
            return "same", i
    for i, a in enumerate(arrived):
        if a.flow == sent.flow and is_edit_of(sent, a, args):
            return "edited", i
    return "missing", None


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
    result = {"same": 0, "edited": 0, "missing": 0, "missing_frames": 0}
    for d in sent:
        word, at = find(d, arrived, args)
        result[word] += 1
        if at is None:
            result["missing_frames"] += len(d.frames)
            print("# missing: %r, %d frames" % (first_line(d), len(d.frames)))
        else:
            arrived.pop(at)
    for d in arrived:
        # a message that was changed against the rules is missing in its old form and left over in the new
        print("FAIL: nobody sent this: %s: %r" % (d, first_line(d)))
        return 1
    print(" ".join("%s=%d" % item for item in result.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

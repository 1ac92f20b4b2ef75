#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Copies of one INVITE: as many arrive as were sent, all with the same bytes, and with one Identity."""
import argparse
import collections
import sys

import pcap
import sipmsg


def invites(path):
    out = collections.defaultdict(list)
    for d in pcap.datagrams(path):
        msg = sipmsg.Message(d.payload)
        if msg.is_initial_invite:
            out[msg.key].append(d.payload)
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("core")
    p.add_argument("carrier")
    args = p.parse_args()
    sent, arrived = invites(args.core), invites(args.carrier)
    if not sent or set(sent) != set(arrived):
        print("FAIL: %d transactions sent, %d arrived" % (len(sent), len(arrived)))
        return 1
    for key, copies in arrived.items():
        if len(copies) != len(sent[key]):
            print("FAIL: %d copies sent, %d arrived" % (len(sent[key]), len(copies)))
            return 1
        if len(set(copies)) != 1:
            print("FAIL: %d different forms of one INVITE arrived" % len(set(copies)))
            return 1
        if len(sipmsg.Message(copies[0]).values("identity")) != 1:
            print("FAIL: no or several Identity rows")
            return 1
    print("transactions=%d copies=%d" % (len(arrived), sum(len(c) for c in arrived.values())))
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""check_inbound.py CARRIER.pcap CORE.pcap: every datagram arrives on the other side with the same bytes, but for initial
INVITEs from the carrier, of which only marks differ.  Prints `same=N edited=N`."""
import collections
import sys

import incall
import pcap
import sipmsg


def main():
    carrier, core = ([d for d in pcap.datagrams(path) if d.payload and 53 not in (d.sport, d.dport)] for path in sys.argv[1:3])
    left, same, edited = collections.Counter((d.flow, d.payload) for d in core), 0, 0
    by_key = {}
    for d in core:
        m = sipmsg.Message(d.payload)
        if m.is_initial_invite:
            by_key.setdefault(m.key, []).append((d, m))
    for d in carrier:
        if left[d.flow, d.payload]:
            left[d.flow, d.payload] -= 1
            same += 1
            continue
        old = sipmsg.Message(d.payload)
        if not old.is_initial_invite or not by_key.get(old.key):
            sys.exit("FAIL: lost or changed: %s: %r" % (d, old.start))
        arrived, new = by_key[old.key].pop(0)
        try:
            incall.check_edit(old, new, incall.MARKS)
        except incall.Wrong as e:
            sys.exit("FAIL: %s: %s" % (d, e))
        if not arrived.checksum_ok:
            sys.exit("FAIL: UDP checksum of %s" % arrived)
        left[arrived.flow, arrived.payload] -= 1
        edited += 1
    rest = +left
    if rest:
        sys.exit("FAIL: nobody sent this: %r" % next(iter(rest))[1][:80])
    print("same=%d edited=%d" % (same, edited))


if __name__ == "__main__":
    main()

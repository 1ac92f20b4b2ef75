#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""location.py CORE.pcap CARRIER.pcap CALL-ID [OUT]: what became of the location of a call.

Prints `absent`, `none`, or `N copies`: they arrived, all with the same bytes, with a PIDF-LO, which is in OUT.  The
SDP must be as it was sent, Geolocation point at the part, lengths be right.
"""
import sys

import check_calls
import pcap
import sipmsg


def messages(path, call_id):
    return [m for m in (sipmsg.Message(d.payload) for d in pcap.datagrams(path))
            if m.is_initial_invite and m.value("call-id") == call_id]


def main():
    call_id = sys.argv[3].encode()
    sent, got = (messages(path, call_id) for path in sys.argv[1:3])
    if not got:
        print("absent")
        return
    if len({m.data for m in got}) > 1 and len({m.data for m in sent}) == 1:
        sys.exit("FAIL: %d copies differ" % len(got))
    first = got[0]
    try:
        check_calls.check_length(first)
        removed, added = check_calls.rows_split(sent[0], first)
        for row in removed:
            check_calls.want(first.name(row) in check_calls.REMOVABLE, "row lost or changed: %r", row)
        if not first.values("geolocation"):
            check_calls.check_body_plain(sent[0], first)
            print("none")
            return
        check_calls.check_body_location(sent[0], first, added, sys.argv[4])
    except check_calls.Wrong as e:
        sys.exit("FAIL: %s" % e)
    print(len(got), "copies")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""check_claims.py CORE.pcap CARRIER.pcap: what the one INVITE shows at the carrier, KEY=VALUE per line.

Fails unless the rows that stayed have their bytes and their order and the body is as it was.
"""
import json
import sys

import check_calls
import pcap
import sipmsg


def one_invite(path):
    found = [m for m in (sipmsg.Message(d.payload) for d in pcap.datagrams(path)) if m.is_initial_invite]
    if not found or any(m.data != found[0].data for m in found):
        sys.exit("FAIL: %d INVITEs in %s, or different ones" % (len(found), path))
    return found[0]


def main():
    old, new = one_invite(sys.argv[1]), one_invite(sys.argv[2])
    try:
        removed, added = check_calls.rows_split(old, new)
        check_calls.check_body_plain(old, new)
        for row in removed:
            check_calls.want(old.name(row) in check_calls.REMOVABLE, "row lost or changed: %r", row)
        for row in added:
            check_calls.want(new.name(row) in check_calls.ADDABLE, "row added that may not be: %r", row)
    except check_calls.Wrong as e:
        sys.exit("FAIL: %s" % e)
    for key, name in (("pai", "p-asserted-identity"), ("ppi", "p-preferred-identity"), ("privacy", "privacy"),
                      ("rpid", "remote-party-id"), ("date", "date")):
        print("%s=%s" % (key, ", ".join(v.decode() for v in new.values(name))))
    rows = new.values("identity")
    print("rows=%d" % len(rows))
    print("first_identity=%s" % (rows[0].decode() if rows else ""))
    ours = [row for row in added if new.name(row) == b"identity"]
    print("identity=%s" % (ours[0].partition(b": ")[2].strip().decode() if ours else ""))
    if ours:
        _, payload, _ = sipmsg.passport(ours[0])
        print("orig=%s" % payload["orig"]["tn"])
        print("dest=%s" % json.dumps(payload["dest"], separators=(",", ":")))
        print("attest=%s" % payload["attest"])
        print("origid=%s" % payload["origid"])


if __name__ == "__main__":
    main()

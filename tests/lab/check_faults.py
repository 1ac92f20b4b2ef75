#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""check_faults.py CORE.pcap CARRIER.pcap --cert LEAF.pem [--stale MS]

While processes were killed: every INVITE of the core has arrived sooner or later, each copy of it with one good
Identity, and no copy later than --stale after the core has sent one.  Prints what the retransmissions cost: the time
from the first copy at the core to the first at the carrier.
"""
import argparse
import sys

import libcrypto
import pcap
import sipmsg

SLACK = 0.4  # a machine that stands still for a moment between two looks at its clock
DELAYED = 0.25  # what waits longer has been sent again


def invites(path):
    out = {}
    for d in pcap.datagrams(path):
        m = sipmsg.Message(d.payload)
        if m.is_initial_invite:
            out.setdefault(m.value("call-id"), []).append((d.time, m))
    return out


def fail(text):
    print("FAIL: " + text)
    sys.exit(1)


def check_signed(message, key):
    rows = [r for r in message.rows if message.name(r) == b"identity"]
    if len(rows) != 1:
        fail("%r arrived with %d Identity rows" % (message.value("call-id"), len(rows)))
    sipmsg.passport(rows[0])
    text, _, signature = rows[0].partition(b": ")[2].partition(b";")[0].rpartition(b".")
    if not libcrypto.is_signed_by(key, text, sipmsg.b64url(signature)):
        fail("%r arrived with a bad signature" % message.value("call-id"))


def check_in_time(call_id, arrived, sent, limit):
    last = max((t for t, _ in sent if t <= arrived), default=None)
    if last is None or arrived - last > limit:
        fail("%r arrived %s after a copy was sent" % (call_id, last and "%.3f s" % (arrived - last)))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("core")
    p.add_argument("carrier")
    p.add_argument("--cert", required=True)
    p.add_argument("--stale", type=float, default=500, help="heartbeat_ms")
    a = p.parse_args()
    with open(a.cert, "rb") as f:
        key = libcrypto.public_key(f.read())
    sent, got = invites(a.core), invites(a.carrier)
    delays, copies = [], 0
    for call_id, tries in sent.items():
        if call_id not in got:
            fail("%r, sent %d times, never arrived" % (call_id, len(tries)))
        delays.append(got[call_id][0][0] - tries[0][0])
        copies += len(tries) - 1
        for at, message in got[call_id]:
            check_signed(message, key)
            check_in_time(call_id, at, tries, a.stale / 1000 + SLACK)
    if not delays:
        fail("no INVITEs")
    delays.sort()
    late = [d for d in delays if d > DELAYED]
    print("calls=%d retransmissions=%d delayed=%d delay: p50=%.1f ms p99=%.0f ms worst=%.0f ms, of the delayed p50=%.0f ms"
          % (len(delays), copies, len(late), delays[len(delays) // 2] * 1000, delays[len(delays) * 99 // 100] * 1000,
             delays[-1] * 1000, late[len(late) // 2] * 1000 if late else 0))


if __name__ == "__main__":
    main()

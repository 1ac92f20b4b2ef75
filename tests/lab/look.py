#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""look.py FILE.pcap CALL-ID: how messages with this Call-ID arrived: `absent`, `signed N` or `unsigned N`."""
import sys

import pcap
import sipmsg

found = [m for m in (sipmsg.Message(d.payload) for d in pcap.datagrams(sys.argv[1]))
         if m.value("call-id") == sys.argv[2].encode()]
signed = sum(bool(m.values("identity")) for m in found)
if not found:
    print("absent")
elif signed in (0, len(found)):
    print("signed" if signed else "unsigned", len(found))
else:
    print("mixed", signed, len(found))

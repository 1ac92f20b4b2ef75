#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Probes of what still crosses while something is broken.

  probes.py send SRC DST NAME [KIND...]   of each kind one from each of 12 ports (5070 and up), named NAME
  probes.py look FILE.pcap NAME           what became of them, as KEY=NUMBER

Kinds: plain, sos (a number, a URN: two from each port), reinvite, options, media (two).
Twelve ports: RSS spreads them over the queues, so that each worker has its share.  An INVITE carries the moment it was
sent; `late` counts signed ones that were longer under way than LATE.
"""
import re
import socket
import sys
import time

PORTS = range(5070, 5082)
MEDIA_PORT = 7000
KINDS = ("plain", "sos", "reinvite", "options", "media")
LATE = 0.5 + 0.4  # heartbeat_ms, and what a busy machine adds


def message(method, call_id, uri, src, port, tag=""):
    return ("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bK%s\r\nFrom: <sip:+18005550100@%s>;tag=1\r\n"
            "To: <%s>%s\r\nCall-ID: %s\r\nCSeq: 1 %s\r\nContact: <sip:%s:%d>\r\nMax-Forwards: 70\r\nX-Sent: %.6f\r\n"
            "Content-Length: 0\r\n\r\n" % (method, uri, src, port, call_id, src, uri, tag, call_id, method, src, port,
                                           time.time())).encode()


def texts(kind, name, src, dst, port):
    """(destination port, bytes) of one kind from one port."""
    called, call_id = "sip:+12155551213@" + dst, "%s.%s.%d" % (name, kind, port)
    if kind == "media":
        return [(MEDIA_PORT, b"MEDIA %s.%d" % (call_id.encode(), i)) for i in (0, 1)]
    if kind == "sos":
        return [(5060, message("INVITE", "%s.%d" % (call_id, i), uri, src, port))
                for i, uri in enumerate(("sip:911@" + dst, "urn:service:sos"))]
    method, tag = {"options": ("OPTIONS", ""), "reinvite": ("INVITE", ";tag=2")}.get(kind, ("INVITE", ""))
    return [(5060, message(method, call_id, called, src, port, tag))]


def send(src, dst, name, kinds):
    for port in PORTS:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((src, port))
        for kind in kinds or KINDS:
            for dport, data in texts(kind, name, src, dst, port):
                try:
                    s.sendto(data, (dst, dport))
                except OSError:  # no route at the moment
                    pass
                time.sleep(0.001)


def look(path, name):
    import pcap
    import sipmsg
    seen = {kind: {} for kind in KINDS}
    late = 0
    for d in pcap.datagrams(path):
        m = sipmsg.Message(d.payload)
        call_id = d.payload[6:] if d.payload.startswith(b"MEDIA ") else m.value("call-id")
        if not call_id.startswith(name.encode() + b"."):
            continue
        is_signed = bool(m.values("identity"))
        seen[call_id.split(b".")[1].decode()].setdefault(call_id, set()).add(is_signed)
        sent = re.search(rb"\r\nX-Sent: ([0-9.]+)\r\n", d.payload)
        late += is_signed and d.time - float(sent.group(1)) > LATE
    plain = seen["plain"]
    out = {"signed": sum(v == {True} for v in plain.values()), "unsigned": sum(v == {False} for v in plain.values()),
           "mixed": sum(len(v) > 1 for v in plain.values()), "absent": len(PORTS) - len(plain), "late": late}
    out.update((kind, len(seen[kind])) for kind in KINDS[1:])
    out["resigned"] = sum(True in v for v in seen["reinvite"].values())
    print(" ".join("%s=%d" % x for x in out.items()))


if sys.argv[1] == "send":
    send(sys.argv[2], sys.argv[3], sys.argv[4], sys.argv[5:])
else:
    look(sys.argv[2], sys.argv[3])

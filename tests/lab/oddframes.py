#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Frames as no socket would send them: one datagram, UDP unless --sctp, from a NIC of the lab.

  oddframes.py NIC DESTINATION-MAC SRC:PORT DST:PORT [OPTION...] FILE
    --tags N                     VLAN tags, the outer of two is 802.1ad
    --cut N,N,...                fragments with so many bytes of the IP payload, the last one has the rest; --cut each=N: all
    --back                       last fragment first
    --atomic                     IPv6: a fragment header, and the whole datagram behind it
    --nested                     IPv6: one more of those in each fragment, or before the whole datagram
    --headers N[xUNITS]          IPv6: destination options before UDP, each of 8 * UNITS bytes (in the fragmented part)
    --ah                         an authentication header before UDP
    --sctp                       an SCTP header with these ports before the content of FILE
IPv6 addresses stand in brackets.
"""
import argparse
import socket
import struct

from pcap import ones_sum

UDP, AH, DSTOPTS, FRAGMENT, SCTP = 17, 51, 60, 44, 132


def address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def upper(args, a, b, sport, dport, data):
    """-> number and bytes of what stands behind the IP header and its fragment header"""
    if args.sctp:
        return SCTP, struct.pack("!HHII", sport, dport, 1, 0) + data
    udp = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    total = ones_sum(a + b + struct.pack("!II", len(udp), UDP) + udp) ^ 0xffff
    proto, body = UDP, udp[:6] + struct.pack("!H", total or 0xffff) + udp[8:]
    if args.ah:  # a check value of 12 bytes
        proto, body = AH, struct.pack("!BBHII", proto, 4, 0, 1, 1) + bytes(12) + body
    count, _, units = args.headers.partition("x")
    units = int(units or 1)
    for _ in range(int(count)):
        body = struct.pack("!BBBB", proto, units - 1, 1, 8 * units - 4) + bytes(8 * units - 4) + body
        proto = DSTOPTS
    return proto, body


def parts(args, body):
    """-> (offset, bytes, more)"""
    sizes = []
    if args.cut and args.cut.startswith("each="):
        sizes = [int(args.cut[5:])] * (len(body) // int(args.cut[5:]))
    elif args.cut:
        sizes = [int(n) for n in args.cut.split(",")]
    out, at = [], 0
    for n in sizes:
        if at + n < len(body):
            out.append((at, body[at:at + n], 1))
            at += n
    out.append((at, body[at:], 0))
    return out[::-1] if args.back else out


def ipv6(args, a, b, proto, part):
    off, data, more = part
    if args.nested:
        data, proto = struct.pack("!BBHI", proto, 0, 0, 7) + data, FRAGMENT
    if args.cut or args.atomic:
        data, proto = struct.pack("!BBHI", proto, 0, off | more, args.id) + data, FRAGMENT
    return struct.pack("!IHBB", 6 << 28, len(data), proto, 64) + a + b + data


def ipv4(args, a, b, proto, part):
    off, data, more = part
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), args.id & 0xffff, off // 8 | more << 13, 64, proto, 0) + a + b
    return head[:10] + struct.pack("!H", ones_sum(head) ^ 0xffff) + head[12:] + data


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("nic", "mac", "src", "dst", "file"):
        p.add_argument(name)
    p.add_argument("--tags", type=int, default=0)
    p.add_argument("--cut", default="")
    p.add_argument("--headers", default="0")
    p.add_argument("--id", type=int, default=0)
    for name in ("--back", "--atomic", "--nested", "--ah", "--sctp"):
        p.add_argument(name, action="store_true")
    args = p.parse_args()
    (src, sport), (dst, dport) = address(args.src), address(args.dst)
    family, build, ethertype = (socket.AF_INET6, ipv6, 0x86dd) if ":" in dst else (socket.AF_INET, ipv4, 0x0800)
    a, b = socket.inet_pton(family, src), socket.inet_pton(family, dst)
    with open(args.file, "rb") as f:
        proto, body = upper(args, a, b, sport, dport, f.read())
    tags = b"".join(struct.pack("!HH", 0x88a8 if i + 1 < args.tags else 0x8100, 100 + i) for i in range(args.tags))
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((args.nic, 0))
    own = s.getsockname()[4]
    for part in parts(args, body):
        s.send(bytes.fromhex(args.mac.replace(":", "")) + own + tags + struct.pack("!H", ethertype) + build(args, a, b, proto, part))


if __name__ == "__main__":
    main()

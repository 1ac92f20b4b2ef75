#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Whole Ethernet frames: send them, and look for them.

  frames.py send NIC HEX...                        as they are
  frames.py udp NIC DMAC SRC:PORT DST:PORT FILE    an IPv4 datagram of the file's bytes, in one frame
            [--smac MAC] [--ttl N] [--tag TPID.VID]...
  frames.py count PCAP HEX...                      how many frames are exactly these (padding aside), per frame
  frames.py invite PCAP CALL-ID                    of the first frame with it: DMAC SMAC [TPID.VID...] TTL
  frames.py lost FROM.pcap TO.pcap MAC             frames from this MAC that FROM has and TO has not, INVITEs aside: how
                                                   many of how many, behind the one of EtherType 88b6 that says
                                                   that both captures run; the first ones on stderr
"""
import argparse
import collections
import socket
import struct
import sys

import pcap


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def ones(data):
    return ~pcap.ones_sum(data) & 0xffff


def datagram(args, data):
    src, sport = args.src.rsplit(":", 1)
    dst, dport = args.dst.rsplit(":", 1)
    addresses = socket.inet_aton(src) + socket.inet_aton(dst)
    udp = struct.pack("!HHHH", int(sport), int(dport), 8 + len(data), 0) + data
    check = ones(addresses + struct.pack("!HH", 17, len(udp)) + udp)
    udp = udp[:6] + struct.pack("!H", check or 0xffff) + data
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0x1234, 0x4000, args.ttl, 17, 0) + addresses
    return ip[:10] + struct.pack("!H", ones(ip)) + ip[12:] + udp


def udp(args):
    with open(args.file, "rb") as f:
        data = f.read()
    tags = b"".join(struct.pack("!HH", int(t.split(".")[0], 16), int(t.split(".")[1])) for t in args.tag)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((args.nic, 0))
        smac = mac(args.smac) if args.smac else s.getsockname()[4]
        s.send(mac(args.dmac) + smac + tags + b"\x08\x00" + datagram(args, data))


def send(args):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((args.nic, 0))
        for frame in args.hex:
            s.send(bytes.fromhex(frame))


def count(args):
    for frame in args.hex:
        want = bytes.fromhex(frame)
        print(sum(f[:len(want)] == want and not any(f[len(want):]) for _, f in pcap.frames(args.pcap)))


def layers(frame):
    """Tags, offset of what is behind the EtherType, EtherType."""
    tags, pos = [], 12
    kind = struct.unpack_from("!H", frame, pos)[0]
    while kind in pcap.VLAN_TYPES:
        tags.append("%04x.%d" % (kind, struct.unpack_from("!H", frame, pos + 2)[0]))
        pos += 4
        kind = struct.unpack_from("!H", frame, pos)[0]
    return tags, pos + 2, kind


def invite(args):
    for _, frame in pcap.frames(args.pcap):
        if args.call_id.encode() not in frame:
            continue
        tags, pos, kind = layers(frame)
        ttl = frame[pos + 8] if kind == 0x800 else frame[pos + 7]
        print(frame[:6].hex(":"), frame[6:12].hex(":"), *tags, ttl)
        return
    print("absent")


def lost(args):
    source = mac(args.mac)

    def from_there(path):
        all_frames = [f for _, f in pcap.frames(path) if f[6:12] == source]
        begin = [i for i, f in enumerate(all_frames) if f[12:14] == b"\x88\xb6"][0]
        return collections.Counter(f for f in all_frames[begin:] if b"INVITE sip:" not in f)

    sent, came = from_there(args.sent), from_there(args.came)
    gone = sent - came
    for frame in list(gone)[:5]:
        print(frame.hex(), file=sys.stderr)
    print(sum(gone.values()), "of", sum(sent.values()))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = p.add_subparsers(required=True)

    def command(fn, *names):
        q = sub.add_parser(fn.__name__)
        for name in names:
            q.add_argument(name.rstrip("+"), nargs="+" if name.endswith("+") else None)
        q.set_defaults(fn=fn)
        return q

    command(send, "nic", "hex+")
    command(count, "pcap", "hex+")
    command(invite, "pcap", "call_id")
    command(lost, "sent", "came", "mac")
    q = command(udp, "nic", "dmac", "src", "dst", "file")
    q.add_argument("--smac")
    q.add_argument("--ttl", type=int, default=64)
    q.add_argument("--tag", action="append", default=[])
    args = p.parse_args()
    args.fn(args)


if __name__ == "__main__":
    main()

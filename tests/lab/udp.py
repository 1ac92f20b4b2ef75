#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Plain UDP from and to the hosts of the lab.

  udp.py send  SRC:PORT DST:PORT [--gap MS] [--repeat N] [--ip-options HEX] [--hop-options HEX]
               [--destination-options HEX] FILE...                 one datagram per file
               [--gso]                                             all of them, of one length, by one sendmsg (UDP_SEGMENT)
  udp.py rtp   SRC:PORT DST:PORT COUNT                             RTP-like packets, 20 ms of G.711 each
  udp.py sink  ADDR:PORT...                                        take datagrams, print "ready", run until killed
IPv6 addresses stand in brackets.
"""
import argparse
import selectors
import socket
import struct
import sys
import time


UDP_SEGMENT = 103


def address(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def bound(text):
    host, port = address(text)
    s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((host, port))
    return s


def send(args):
    s, dst = bound(args.src), address(args.dst)
    for level, option, value in ((socket.IPPROTO_IP, socket.IP_OPTIONS, args.ip_options),
                                 (socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, args.hop_options),
                                 (socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, args.destination_options)):
        if value:
            s.setsockopt(level, option, bytes.fromhex(value))
    data = []
    for name in args.file:
        with open(name, "rb") as f:
            data.append(f.read())
    if args.gso:
        s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, len(data[0]))
        data = [b"".join(data)]
    for data in data:
        for _ in range(args.repeat):
            s.sendto(data, dst)
            time.sleep(args.gap / 1000)


def rtp(args):
    s, dst = bound(args.src), address(args.dst)
    for i in range(args.count):
        s.sendto(struct.pack("!BBHII", 0x80, 0, i, i * 160, 0x5ea1) + bytes([0xd5 ^ i & 0xff]) * 160, dst)
        time.sleep(0.002)


def sink(args):
    with selectors.DefaultSelector() as sel:
        for text in args.addr:
            sel.register(bound(text), selectors.EVENT_READ)
        print("ready", flush=True)
        while True:
            for key, _ in sel.select():
                key.fileobj.recv(65535)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sub = p.add_subparsers(required=True)
    for name, fn in (("send", send), ("rtp", rtp)):
        q = sub.add_parser(name)
        q.add_argument("src")
        q.add_argument("dst")
        q.set_defaults(fn=fn)
        if name == "send":
            q.add_argument("--gap", type=int, default=5)
            q.add_argument("--repeat", type=int, default=1)
            for option in ("--ip-options", "--hop-options", "--destination-options"):
                q.add_argument(option, help="in hex, as in the packet")
            q.add_argument("--gso", action="store_true")
            q.add_argument("file", nargs="+")
        else:
            q.add_argument("count", type=int)
    q = sub.add_parser("sink")
    q.add_argument("addr", nargs="+")
    q.set_defaults(fn=sink)
    args = p.parse_args()
    args.fn(args)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(0)

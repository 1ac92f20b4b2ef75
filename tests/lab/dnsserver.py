#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A name server for the lab: dnsserver.py ADDR NAME=ADDRESS[,ADDRESS...]...

Several addresses stand in one answer; divided by | they take turns, one answer each.  The address `none` is never
answered, any other name does not exist.  Prints "ready", then a line per question.
"""
import ipaddress
import itertools
import socket
import struct
import sys

A, AAAA = 1, 28


def question(data):
    at, labels = 12, []
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode())
        at += 1 + data[at]
    return ".".join(labels).lower(), struct.unpack_from("!H", data, at + 1)[0], data[12:at + 5]


def reply(data, addresses):
    name, kind, raw = question(data)
    rows = b""
    count = 0
    for address in addresses or ():
        packed = ipaddress.ip_address(address).packed
        if kind == (A if len(packed) == 4 else AAAA):
            rows += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(packed)) + packed
            count += 1
    flags = 0x8580 if addresses is not None else 0x8583
    return data[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0) + raw + rows


def main():
    names = {}
    for text in sys.argv[2:]:
        name, _, value = text.partition("=")
        names[name] = itertools.cycle([turn.split(",") for turn in value.split("|")])
    s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], 53))
    print("ready", flush=True)
    while True:
        data, peer = s.recvfrom(4096)
        try:
            name, kind, _ = question(data)
        except (IndexError, struct.error, UnicodeDecodeError):
            continue
        print(name, kind, flush=True)
        # turns are those of questions for A: resolvers ask for AAAA as well
        addresses = (next(names[name]) if kind == A else []) if name in names else None
        if addresses != ["none"] and (kind == A or name not in names or addresses is not None):
            s.sendto(reply(data, addresses), peer)


if __name__ == "__main__":
    main()

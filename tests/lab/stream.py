#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A stream of numbered UDP packets, to see whether one is lost.

  stream.py send SRC:PORT DST:PORT RATE FILE    RATE packets of 172 bytes a second, until SIGTERM
  stream.py recv ADDR:PORT FILE                 take them, print "ready", until SIGTERM

At the end each writes a JSON object to FILE: `sent`, or `received`, `twice` and `gaps` (first number that is missing,
how many, seconds since the first packet).  Its sockets hold more than a busy machine lets wait.
"""
import json
import signal
import socket
import struct
import sys
import time

LENGTH = 172  # 20 ms of G.711


class Ended(Exception):
    pass


def on_term(_signal, _frame):
    raise Ended


def address(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def send(src, dst, rate):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(address(src))
    s.connect(address(dst))
    begin, n = time.monotonic(), 0
    try:
        while True:
            due = begin + n / rate
            now = time.monotonic()
            if due > now:
                time.sleep(due - now)
            try:
                s.send(struct.pack("!I", n) + bytes(LENGTH - 4))
            except ConnectionRefusedError:  # of the one before
                continue
            except OSError:  # its own link is down
                time.sleep(0.001)
                continue
            n += 1
    except Ended:
        return {"sent": n}


def recv(addr):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, 33, 1 << 25)  # SO_RCVBUFFORCE
    s.bind(address(addr))
    print("ready", flush=True)
    at = {}
    twice = 0
    try:
        while True:
            n, = struct.unpack_from("!I", s.recv(2048))
            if n in at:
                twice += 1
            at[n] = time.monotonic()
    except Ended:
        pass
    gaps, last = [], -1
    for n in sorted(at):
        if n != last + 1:
            gaps.append([last + 1, n - last - 1, round(at[n] - min(at.values()), 3)])
        last = n
    return {"received": len(at), "twice": twice, "gaps": gaps}


def main():
    signal.signal(signal.SIGTERM, on_term)
    if sys.argv[1] == "send":
        out = send(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    else:
        out = recv(sys.argv[2])
    with open(sys.argv[-1], "w", encoding="ascii") as f:
        json.dump(out, f)


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Calls from the carrier to the core at a steady rate, each with a PASSporT of its own; how long each one took.

Prints `sent=N passed=N verified=N longest_ms=N p50_ms=N.N`: what came to the core, what of it as STIR_VERIFIED, times from
the sender's socket to the receiver's.
"""
import argparse
import threading
import time

import incall


class Receiver(threading.Thread):
    """Times of arrival by Call-ID; a thread, for signing takes its time."""

    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sock, self.times, self.verified, self.is_over = sock, {}, set(), False

    def run(self):
        self.sock.settimeout(0.2)
        while not self.is_over:
            try:
                data = self.sock.recv(65535)
            except TimeoutError:
                continue
            now = time.monotonic()
            call_id = data.split(b"\r\nCall-ID: ", 1)[1].split(b"\r\n", 1)[0].decode()
            self.times.setdefault(call_id, now)
            if b"\r\nX-STIR-Result: STIR_VERIFIED;" in data:
                self.verified.add(call_id)


def main():
    p = argparse.ArgumentParser()
    for name in ("prefix", "key", "x5u", "prefixid", "src"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--seconds", type=float, required=True)
    p.add_argument("--rate", type=float, required=True)
    a = p.parse_args()
    lab = incall.Lab(a.prefix, None)
    port = 6000 + sum(a.prefixid.encode()) % 1000
    receiver = Receiver(lab.socket("core", "10.66.1.2", port))
    receiver.start()
    sent, began = {}, time.monotonic()
    for i in range(int(a.seconds * a.rate)):
        name = "%s-%d" % (a.prefixid, i)
        x5u = a.x5u % i if "%d" in a.x5u else a.x5u
        data = incall.message(name, {"src": a.src}, {"key": a.key, "x5u": x5u})
        time.sleep(max(0, began + i / a.rate - time.monotonic()))
        sent[name] = lab.send(data, a.src, 5060, "10.66.1.2", port)
    time.sleep(1.5)
    receiver.is_over = True
    receiver.join()
    waits = sorted(1000 * (receiver.times[n] - t) for n, t in sent.items() if n in receiver.times) or [0]
    print("sent=%d passed=%d verified=%d longest_ms=%d p50_ms=%.1f" % (
        len(sent), len(waits), len(receiver.verified), waits[-1], waits[len(waits) // 2]))


if __name__ == "__main__":
    main()

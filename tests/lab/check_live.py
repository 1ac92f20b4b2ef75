#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""check_live.py CORE.pcap CARRIER.pcap --certs DIR [--swaps FILE] [--pairs A=TEXT,B=TEXT] [--samples DIR]

While trunks and certificates were changed: every INVITE of the core arrived, with one Identity each, signed by the
certificate that its x5u named at that moment, and no row is half of one policy and half of another.

--certs   SERIAL.pem of every leaf that was ever signed with
--swaps   for an x5u without {serial}: lines `BEFORE AFTER SERIAL` - between the two moments (seconds) the
          certificate at that URL changed to SERIAL
--pairs   attest and origid that belong together
--samples where some Identity values are written for another verifier, with the serial they name

A verifier that keeps a certificate for a day under its URL must find nothing wrong where {serial} is used.
"""
import argparse
import os
import re
import sys

import libcrypto
import pcap
import sipmsg

SAMPLES = 10


class Certificates:
    def __init__(self, directory, swaps):
        self.keys = {}
        for name in os.listdir(directory):
            with open(os.path.join(directory, name), "rb") as f:
                self.keys[name.removesuffix(".pem").lower()] = libcrypto.public_key(f.read())
        self.swaps = swaps
        self.cache = {}    # of the verifier that keeps them for a day

    def serials(self, x5u, time):
        """Serials that may stand behind the URL at this moment: two while it changes."""
        m = re.fullmatch(r"https://cert\.example/([0-9A-Fa-f]+)\.pem", x5u)
        if m:
            return [m.group(1).lower()]
        now, may = None, []
        for before, after, serial in self.swaps:
            if before <= time:
                may = [s for s in (now, serial) if s] if time <= after else [serial]
                now = serial
        return may

    def cached(self, x5u, serial):
        """Does a verifier that fetched this URL once still have the right certificate?"""
        return self.cache.setdefault(x5u, serial) == serial


def invites(path):
    out = {}
    for d in pcap.datagrams(path):
        m = sipmsg.Message(d.payload)
        if m.is_initial_invite:
            out.setdefault(m.key, []).append((d.time, m, d))
    return out


def fail(text):
    print("FAIL: " + text)
    sys.exit(1)


def identity_of(message):
    rows = [r for r in message.rows if message.name(r) == b"identity"]
    if len(rows) != 1:
        fail("%d Identity rows in %r" % (len(rows), message.value("call-id")))
    return rows[0]


class Counts(dict):
    def add(self, key):
        self[key] = self.get(key, 0) + 1


def check_one(time, message, certs, pairs, counts):
    """-> serial of the certificate that signed"""
    row = identity_of(message)
    header, payload, info = sipmsg.passport(row)
    if header["x5u"] != info:
        fail("x5u %s, info %s" % (header["x5u"], info))
    token = row.partition(b": ")[2].partition(b";")[0]
    text, _, signature = token.rpartition(b".")
    may = certs.serials(info, time)
    good = [s for s in may if s in certs.keys and
            libcrypto.is_signed_by(certs.keys[s], text, sipmsg.b64url(signature))]
    if not good:
        fail("%r at %.3f: %s is not signed by %s" % (message.value("call-id"), time, info, may or "any known certificate"))
    if re.search(r"/[0-9A-Fa-f]{16,}\.pem$", info) and not certs.cached(info, good[0]):
        fail("a verifier with a cache has another certificate for %s" % info)
    if payload["orig"]["tn"] != sipmsg.digits(message.value("from")):
        fail("orig %s, From %r" % (payload["orig"]["tn"], message.value("from")))
    pair = (payload["attest"], payload["origid"])
    if pairs and info.count("/") and pair[1] in pairs.values() and pairs.get(pair[0]) != pair[1]:
        fail("half old, half new: attest %s with origid %s" % pair)
    counts.add("serial " + good[0][:12])
    counts.add("attest %s, origid %s" % pair)
    return good[0]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("core")
    p.add_argument("carrier")
    p.add_argument("--certs", required=True)
    p.add_argument("--swaps")
    p.add_argument("--pairs", default="")
    p.add_argument("--samples")
    a = p.parse_args()
    swaps = []
    if a.swaps:
        with open(a.swaps, encoding="ascii") as f:
            swaps = [(float(b), float(e), s.lower()) for b, e, s in (line.split() for line in f)]
    pairs = dict(x.split("=") for x in a.pairs.split(",") if x)
    certs, counts = Certificates(a.certs, swaps), Counts()
    sent, got = invites(a.core), invites(a.carrier)
    lost = [k for k in sent if k not in got]
    if lost:
        fail("%d of %d INVITEs did not arrive, the first: %r" % (len(lost), len(sent), lost[0][0]))
    if not sent:
        fail("no INVITEs")
    # the address of the caller stands in the key's Via: which trunk it was
    for i, (key, copies) in enumerate(sorted(got.items(), key=lambda x: x[1][0][0])):
        time, message, _ = copies[0]
        if any(m.data != message.data for _, m, _ in copies):
            fail("copies of %r differ" % key[0])
        serial = check_one(time, message, certs, pairs, counts)
        if a.samples and i % max(1, len(got) // SAMPLES) == 0:
            with open(os.path.join(a.samples, "%d.identity" % i), "wb") as f:
                f.write(message.value("identity"))
            with open(os.path.join(a.samples, "%d.serial" % i), "w", encoding="ascii") as f:
                f.write(serial)
    print("calls=%d copies=%d certificates=%d" % (len(got), sum(map(len, got.values())) - len(got),
                                                  sum(k.startswith("serial") for k in counts)))
    for key in sorted(counts):
        print("  %s: %d" % (key, counts[key]))


if __name__ == "__main__":
    main()

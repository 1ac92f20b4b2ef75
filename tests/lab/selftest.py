#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The checkers against captures made by hand: what is right passes, each fault is found."""
import base64
import contextlib
import io
import ipaddress
import json
import os
import struct
import sys
import tempfile
import unittest
from unittest import mock

import check_calls
import check_copies
import check_hostile
import incall
import pcap
import sipmsg

NOW = 1767225600
DATE = b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
X5U = "https://cert.example/chain.pem"
SDP = b"v=0\r\no=- 1 1 IN IP4 10.66.1.2\r\ns=-\r\n"
HEAD = (b"Via: SIP/2.0/UDP 10.66.1.2:5070;branch=z9hG4bK1\r\nFrom: \"A\" <sip:+18005550100@10.66.1.2>;tag=1\r\n"
        b"To: <sip:+12155551213@10.66.2.2>\r\nCall-ID: c1\r\nCSeq: 1 INVITE\r\n")
START = b"INVITE sip:+12155551213@10.66.2.2 SIP/2.0\r\n"
BODY_ROWS = b"Content-Type: application/sdp\r\nContent-Length: %d\r\n" % len(SDP)
INVITE = START + HEAD + BODY_ROWS + b"\r\n" + SDP
PAI = b"P-Asserted-Identity: <sip:+18005550100@example.net>\r\nPrivacy: none\r\n"


def segment(obj):
    return base64.urlsafe_b64encode(json.dumps(obj, separators=(",", ":"), sort_keys=True).encode()).rstrip(b"=")


def identity(header=None, payload=None, raw_payload=None, info=X5U):
    header = {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": X5U, **(header or {})}
    payload = {"attest": "A", "dest": {"tn": ["12155551213"]}, "iat": NOW, "orig": {"tn": "18005550100"},
               "origid": "123e4567-e89b-42d3-a456-426655440000", **(payload or {})}
    middle = base64.urlsafe_b64encode(raw_payload).rstrip(b"=") if raw_payload else segment(payload)
    return (b"Identity: " + segment(header) + b"." + middle + b"." + b"A" * 86 +
            b";info=<" + info.encode() + b">;alg=ES256;ppt=shaken\r\n")


def signed(added=None):
    return START + HEAD + BODY_ROWS + (added or DATE + PAI + identity()) + b"\r\n" + SDP


def located(sdp=SDP, cid=b"loc.1@example.net", geo=b"loc.1@example.net", length=None):
    xml = b"<presence/>"
    body = (b"--b1\r\nContent-Type: application/sdp\r\n\r\n" + sdp + b"\r\n--b1\r\nContent-Type: application/pidf+xml\r\n"
            b"Content-ID: <" + cid + b">\r\n\r\n" + xml + b"\r\n--b1--\r\n")
    rows = (b"Content-Type: multipart/mixed;boundary=\"b1\"\r\nContent-Length: %d\r\n" % (length or len(body)) +
            DATE + PAI + identity() + b"Geolocation: <cid:" + geo + b">\r\nGeolocation-Routing: yes\r\n")
    return START + HEAD + rows + b"\r\n" + body


def udp(payload, src="10.66.1.2", dst="10.66.2.2", bad_sum=False):
    a, b = (ipaddress.ip_address(x).packed for x in (src, dst))
    head = struct.pack("!HHHH", 5070, 5060, 8 + len(payload), 0)
    total = pcap.ones_sum(a + b + struct.pack("!IHBB", 8 + len(payload), 0, 0, 17) + head + payload) ^ 0xffff
    return a, b, head[:6] + struct.pack("!H", (total or 0xffff) ^ bad_sum) + payload


def frames(payload, src="10.66.1.2", dst="10.66.2.2", size=1480, **kw):
    """Ethernet frames of one datagram, in fragments of `size` bytes."""
    a, b, data = udp(payload, src, dst, **kw)
    out = []
    for at in range(0, len(data), size):
        part, more = data[at:at + size], at + size < len(data)
        if len(a) == 4:
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(part), 7, more << 13 | at // 8, 64, 17, 0, a, b)
            ip = ip[:10] + struct.pack("!H", pcap.ones_sum(ip) ^ 0xffff) + ip[12:]
            out.append(b"\0" * 12 + b"\x08\x00" + ip + part)
        elif len(data) <= size:
            out.append(b"\0" * 12 + b"\x86\xdd" + struct.pack("!IHBB16s16s", 6 << 28, len(part), 17, 64, a, b) + part)
        else:
            ip = struct.pack("!IHBB16s16s", 6 << 28, 8 + len(part), 44, 64, a, b)
            out.append(b"\0" * 12 + b"\x86\xdd" + ip + struct.pack("!BBHI", 17, 0, at | more, 9) + part)
    return out


def write_pcap(path, frame_list):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for frame in frame_list:
            f.write(struct.pack("<IIII", NOW, 500000, len(frame), len(frame)) + frame)


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def run_tool(self, tool, core, carrier, *args):
        paths = [os.path.join(self.dir.name, n) for n in ("core.pcap", "carrier.pcap")]
        for path, side in zip(paths, (core, carrier)):
            write_pcap(path, [f for one in side for f in one])
        out = io.StringIO()
        with mock.patch.object(sys, "argv", ["x", *paths, *args]), contextlib.redirect_stdout(out):
            return tool.main(), out.getvalue()

    def check(self, core, carrier, *args):
        return self.run_tool(check_calls, core, carrier, "--out", self.dir.name, *args)

    def passes(self, core, carrier, *args):
        rc, text = self.check(core, carrier, *args)
        self.assertEqual(rc, 0, text)
        return text

    def finds(self, word, message, *args, **kw):
        rc, text = self.check([frames(INVITE)], [frames(message, **kw)], *args)
        self.assertEqual(rc, 1, "not found: " + word)
        self.assertIn(word, text)


class Calls(Case):
    def test_good(self):
        text = self.passes([frames(INVITE)], [frames(signed())], "--x5u", X5U, "--added", "Identity", "Date")
        self.assertIn("invites=1 edited=1 transactions=1 fragmented=0 same=0 ", text)
        with open(os.path.join(self.dir.name, "identity.0.txt"), "rb") as f:
            self.assertTrue(f.read().endswith(b";alg=ES256;ppt=shaken"))

    def test_good_ipv6_in_fragments(self):
        one = {"src": "fd66:1::2", "dst": "fd66:2::2"}
        text = self.passes([frames(INVITE, **one)], [frames(signed(), size=256, **one)])
        self.assertIn("fragmented=1", text)

    def test_good_fragments_in_any_order(self):
        self.passes([frames(INVITE)], [frames(signed(), size=256)[::-1]])

    def test_good_location(self):
        self.passes([frames(INVITE)], [frames(located())], "--location", "--location-routing")

    def test_faults(self):
        cases = [
            ("Identity rows", signed(PAI)),
            ("added twice", signed(DATE + PAI + identity() + identity())),
            ("orig", signed(DATE + PAI.replace(b"0100", b"0101") + identity())),
            ("dest", signed(DATE + PAI + identity(payload={"dest": {"tn": ["12155551214"]}}))),
            ("attest", signed(DATE + PAI + identity(payload={"attest": "B"}))),
            ("claims", signed(DATE + PAI + identity(payload={"extra": 1}))),
            ("iat", signed(DATE + PAI + identity(payload={"iat": NOW - 30}))),
            ("iat", signed(DATE + PAI + identity(payload={"iat": NOW + 30}))),
            ("Date", signed(PAI + identity())),
            ("Date", signed(DATE.replace(b"00:00:00", b"01:00:00") + PAI + identity())),
            ("canonical", signed(DATE + PAI + identity(raw_payload=b'{"orig":{"tn":"1"}, "attest":"A"}'))),
            ("JOSE", signed(DATE + PAI + identity(header={"alg": "none"}))),
            ("JOSE", signed(DATE + PAI + identity(info="https://other.example/x"))),
            ("not in the form", signed(DATE + PAI + identity().replace(b"ppt=shaken\r", b"ppt=\"shaken\"\r"))),
            ("request line", signed().replace(b"INVITE sip:+1", b"INVITE sip:+2")),
            ("request line", b"\r\n" + signed()),
            ("row lost or changed", signed().replace(b"tag=1\r\n", b"tag=2\r\n")),
            ("row lost or changed", signed().replace(b"From: ", b"From:  ")),
            ("added that may not", signed(DATE + PAI + identity() + b"X-Other: 1\r\n")),
            ("added twice", signed(DATE + PAI + PAI + identity())),
            ("body changed", signed().replace(b"s=-\r\n", b"s=x\r\n")),
            ("body rows changed", signed().replace(b"Content-Length: ", b"Content-Length: 0")),
        ]
        for word, message in cases:
            with self.subTest(word):
                self.finds(word, message, "--x5u", X5U)

    def test_fault_checksum(self):
        self.finds("checksum", signed(), bad_sum=True)

    def test_fault_location(self):
        for word, message in [("does not point", located(geo=b"loc.2@example.net")),
                              ("SDP changed", located(sdp=SDP + b"a=x\r\n")),
                              ("Content-Length", located(length=1)),
                              ("multipart", signed())]:
            with self.subTest(word):
                self.finds(word, message, "--location")

    def test_fault_lost(self):
        self.assertEqual(self.check([frames(INVITE)], [])[0], 1)
        self.assertEqual(self.check([], [frames(signed())])[0], 1)

    def test_fault_frame_size(self):
        pad = b"X-Pad: " + b"x" * 700 + b"\r\n"
        before, after = [m.replace(HEAD, HEAD + pad) for m in (INVITE, signed())]
        self.passes([frames(before)], [frames(after)])
        rc, text = self.check([frames(before)], [frames(after, size=9000)])
        self.assertEqual(rc, 1)
        self.assertIn("frame of", text)

    def test_unsigned(self):
        self.passes([frames(INVITE)], [frames(INVITE)], "--unsigned")
        self.finds("was added", signed(), "--unsigned")

    def test_same(self):
        bye = INVITE.replace(b"INVITE", b"BYE")
        self.passes([frames(bye)], [frames(bye)])
        for other in ([], [frames(bye)] * 2, [frames(bye.replace(b"c1", b"c2"))]):
            self.assertEqual(self.check([frames(bye)], other)[0], 1)
        self.assertEqual(self.check([frames(INVITE)], [frames(signed())], "--same")[0], 1)


class Copies(Case):
    def test_copies(self):
        def run(arrived, *args):
            return self.run_tool(check_copies, [frames(INVITE)] * 3, [frames(m) for m in arrived], *args)[0]
        self.assertEqual(run([signed()] * 3), 0)
        self.assertEqual(run([signed()] * 2), 1)
        self.assertEqual(run([signed(), signed(), signed().replace(b"A" * 86, b"B" + b"A" * 85)]), 1)
        self.assertEqual(run([INVITE] * 3), 1)


class Hostile(Case):
    def test_hostile(self):
        other = INVITE.replace(b"c1", b"c2")
        bye = INVITE.replace(b"INVITE", b"BYE")

        def run(sent, arrived):
            return self.run_tool(check_hostile, [frames(m) for m in sent], [frames(m) for m in arrived])
        rc, text = run([INVITE, b"junk", other, bye], [signed(), b"junk", bye])
        self.assertEqual((rc, text.split("\n")[-2]), (0, "same=2 edited=1 missing=1 missing_frames=1"))
        for sent, arrived in (([bye], [signed().replace(b"INVITE", b"BYE")]), ([INVITE], [INVITE, b"junk"]),
                              ([INVITE], [signed().replace(b"tag=1", b"tag=2")]), ([b"junk"], [b"jun"]),
                              ([INVITE], [signed().replace(b"s=-", b"s=x")])):
            self.assertEqual(run(sent, arrived)[0], 1, arrived)


class Reading(unittest.TestCase):
    def test_rows(self):
        m = sipmsg.Message(b"INVITE sip:a SIP/2.0\r\nf: x\r\n y\r\nTO : z\r\n\r\nbody\r\n\r\n")
        self.assertEqual(m.values("from"), [b"x y"])
        self.assertEqual(m.values("to"), [b"z"])
        self.assertEqual(m.body, b"body\r\n\r\n")
        self.assertEqual(sipmsg.Message(b"\r\n\r\n" + m.data).body, m.body)

    def test_digits(self):
        for text, want in [(b"<sip:+1-800-555-0100@h>", "18005550100"), (b"tel:+18005550100", "18005550100"),
                           (b"<sip:%2B1800;x=y@h>", "1800"), (b"sip:alice@h", None), (b"", None)]:
            self.assertEqual(sipmsg.digits(text), want, text)


class Inbound(unittest.TestCase):
    MARK = b"X-STIR-Result: STIR_MISSING\r\n"
    CALL = incall.message("c1", {"id": "none", "pai": "+12155551213"}, {})

    def edit(self, old, new):
        return incall.check_edit(sipmsg.Message(old), sipmsg.Message(new), incall.MARKS)

    def with_rows(self, rows, at=b"\r\n\r\n", data=None):
        return (data or self.CALL).replace(at, b"\r\n" + rows + b"\r\n", 1)

    def test_right(self):
        self.assertEqual(self.edit(self.CALL, self.with_rows(self.MARK)), [])
        theirs = self.with_rows(b"X-STIR-Result: STIR_VERIFIED\r\nX-Stir-Other: 1\r\n")
        self.assertEqual(self.edit(theirs, self.with_rows(self.MARK)), ["x-stir-result", "x-stir-other"])
        self.edit(self.CALL, self.CALL.replace(b"From: <sip:+1215", b"From: \"[?]\" <sip:+1215"))

    def test_wrong(self):
        for new in (self.CALL.replace(b"Max-Forwards: 70\r\n", b""), self.CALL.replace(b"v=0", b"v=1"),
                    self.CALL.replace(b"To: ", b"To:  "), self.with_rows(b"X-Other: 1\r\n"),
                    self.CALL.replace(b"INVITE sip:+1", b"INVITE sip:+2"),
                    self.with_rows(b"X-STIR-Result: a\r\n b\r\n")):
            with self.assertRaises(incall.Wrong):
                self.edit(self.CALL, new)

    def test_answers(self):
        request = sipmsg.Message(self.CALL)
        rows = b"".join(r for r in request.rows if request.name(r) in (b"via", b"from", b"call-id", b"cseq"))
        good = b"SIP/2.0 428 x\r\n" + rows + request.rows[2].replace(b"\r\n", b";tag=0123456789\r\n") + b"Content-Length: 0\r\n\r\n"
        incall.check_answer(request, sipmsg.Message(good))
        for bad in (good.replace(b";tag=0123456789", b""), good.replace(b"CSeq: 1", b"CSeq: 2"), good.replace(rows[:20], b"Via: x" + rows[:14]),
                    good.replace(b"\r\n\r\n", b"\r\nContact: <sip:a@b>\r\n\r\n")):
            with self.assertRaises(incall.Wrong):
                incall.check_answer(request, sipmsg.Message(bad))

    def test_expectations(self):
        found = {"wire": "passed", "ms": 10.0, "code": None, "waited": True, "from": '"[A] Bob"'}
        self.assertEqual(list(incall.misses(found, ["wire=pas*", "ms<11", "code=null", "waited=true", 'from="[A] *"', "phrase="])), [])
        for word in ("wire=refused", "ms<9", "ms>11", "answers<1", "code=", "waited=false", 'from="A Bob"'):
            self.assertEqual(len(list(incall.misses(found, [word]))), 1, word)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: BSD-2-Clause
"""Whole calls as frames, at rates that sipp does not reach: each of the six messages comes from a sipblast of its own, three
in the core and three in the carrier, each with serial numbers of its own.  Both far ends drop in XDP.

Nobody answers anybody: what sipseal forwards depends on nothing that went before, and what it signs only on the INVITE.
"""
import time

from benchlab import CPU_LOAD
from forwarding import Dropped
from peerlab import difference

OTHERS = 20              # packets that are not ours
CORE, CARRIER = "10.66.1.2", "10.66.2.2"
SDP = "\r\n".join(["v=0", "o=- 1 1 IN IP4 " + CARRIER, "s=-", "c=IN IP4 " + CARRIER, "t=0 0", "m=audio 7000 RTP/AVP 0 101",
                   "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", ""])


def rows(method):
    """those that all messages of a call have; 98765432, 12155555432 and 12125555432 are what sipblast numbers"""
    return ["Via: SIP/2.0/UDP %s:5060;branch=z9hG4bK-98765432" % CORE,
            'From: "Bench" <sip:+12125555432@%s>;tag=98765432' % CORE,
            "To: <sip:+12155555432@%s>;tag=1-98765432" % CARRIER,
            "Call-ID: 98765432@%s" % CORE, "CSeq: %d %s" % (2 if method == "BYE" else 1, method)]


def message(start, method, more=(), body=""):
    body_rows = ["Content-Type: application/sdp"] if body else []
    return "\r\n".join([start] + rows(method) + list(more) + body_rows + ["Content-Length: %d" % len(body), "", body])


CONTACT = "Contact: <sip:%s:5060>" % CARRIER
REQUEST = "%%s sip:%s:5060 SIP/2.0" % CARRIER
# None: the INVITE that sipblast makes itself
FROM_CORE = {"INVITE": None, "ACK": message(REQUEST % "ACK", "ACK", ["Max-Forwards: 70"]),
             "BYE": message(REQUEST % "BYE", "BYE", ["Max-Forwards: 70"])}
FROM_CARRIER = {"180": message("SIP/2.0 180 Ringing", "INVITE", [CONTACT]),
                "200": message("SIP/2.0 200 OK", "INVITE", [CONTACT], SDP), "200-BYE": message("SIP/2.0 200 OK", "BYE")}


def start(lab, ns, name, text, count, rate):
    more = []
    if text:
        path = "%s/%s" % (lab.tmp.name, name)
        with open(path, "w", newline="") as f:
            f.write(text)
        more = ["--message", path]
    return lab.blast(5060, count, rate, cpu=CPU_LOAD, ns=ns, more=more)


def received(lab, ns, nic):
    return lab.link(ns, nic)["stats64"]["rx"]["packets"]


def calls(lab, count, rate):
    """-> CPU microseconds per call: of the gateway's processes, of its kernel threads"""
    def there():
        return lab.signer()["signatures"], received(lab, "carrier", "carr0"), received(lab, "core", "core0")

    seen, before = there(), lab.cpu()
    blasts = [start(lab, "core", name, text, count, rate) for name, text in FROM_CORE.items()]
    blasts += [start(lab, "carrier", name, text, count, rate) for name, text in FROM_CARRIER.items()]
    sent = [lab.end_blast(p, wait=True)["sent"] for p in blasts]
    time.sleep(0.2)
    after = lab.cpu()
    signed, at_carrier, at_core = (b - a for a, b in zip(seen, there()))
    # an INVITE leaves in two fragments; ARP and ND may be there, too
    if set(sent) != {count} or signed != count or not 0 <= at_carrier - 4 * count < OTHERS or \
            not 0 <= at_core - 3 * count < OTHERS:
        raise Dropped("%d of %d INVITEs signed, %d and %d frames arrived of %d and %d" % (
            signed, count, at_carrier, at_core, 4 * count, 3 * count))
    return difference(before, after, count)

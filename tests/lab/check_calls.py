#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compare what core and carrier saw of the same calls.

Every UDP datagram must arrive on the other side with the same bytes, whatever its direction, except
initial INVITEs from core to carrier: those may differ by the rows that are allowed, and nothing else.
Identity values are decoded and compared with the message that carries them.
"""
import argparse
import collections
import difflib
import email.utils
import os
import re
import sys

import pcap
import sipmsg

# Rows that leave an outbound INVITE (design: marks from outside, and what ours replaces).
REMOVABLE = {b"p-asserted-identity", b"p-preferred-identity", b"remote-party-id", b"x-stir-result",
             b"attestation-info", b"origination-id", b"p-attestation-indicator", b"p-origination-id"}
ADDABLE = {b"identity", b"date", b"p-asserted-identity", b"privacy", b"geolocation", b"geolocation-routing"}
BODY_ROWS = {b"content-type", b"content-length", b"content-disposition", b"content-encoding",
             b"content-language", b"content-id"}


class Wrong(Exception):
    pass


def want(condition, text, *args):
    if not condition:
        raise Wrong(text % args)


def show_diff(before, after):
    lines = [d.decode("latin1").replace("\r", "").split("\n") for d in (before, after)]
    return "\n".join(difflib.unified_diff(*lines, "at core", "at carrier", lineterm=""))


def rows_split(old, new):
    """(removed, added) rows; anything but removals and additions at the end of the block is wrong."""
    keep_old = [r for r in old.rows if old.name(r) not in BODY_ROWS]
    keep_new = [r for r in new.rows if new.name(r) not in BODY_ROWS]
    removed, at = [], 0
    for row in keep_old:
        if at < len(keep_new) and keep_new[at] == row:
            at += 1
        else:
            removed.append(row)
    return removed, keep_new[at:]


def check_rows(old, new, args):
    removed, added = rows_split(old, new)
    for row in removed:
        want(old.name(row) in REMOVABLE, "row lost or changed: %r", row)
    for row in added:
        want(new.name(row) in ADDABLE, "row added that may not be: %r", row)
        want(re.fullmatch(rb"[\x20-\x7e]+\r\n", row), "row added is not one clean line: %r", row)
    names = [new.name(r) for r in added]
    want(len(set(names)) == len(names), "row added twice: %r", added)
    if added and not args.location:
        # additions close the block; where the body's own rows stand is the sender's business
        tail = new.rows[-len(added):]
        want(all(r in tail for r in added), "rows added are not at the end of the header block")
    return removed, added


def check_body_plain(old, new):
    body_rows = [[r for r in m.rows if m.name(r) in BODY_ROWS] for m in (old, new)]
    want(body_rows[0] == body_rows[1], "body rows changed: %r -> %r", *body_rows)
    want(old.body == new.body, "body changed")


def multipart(msg):
    """[(rows, content)] of a multipart/mixed body"""
    ctype = msg.value("content-type")
    m = re.search(rb';\s*boundary=(?:"([^"]+)"|([^;\s]+))', ctype, re.I)
    want(ctype.lower().startswith(b"multipart/mixed") and m, "Content-Type is no multipart/mixed: %r", ctype)
    mark = b"--" + (m.group(1) or m.group(2))
    pieces = (b"\r\n" + msg.body).split(b"\r\n" + mark)
    want(len(pieces) >= 3 and pieces[-1].startswith(b"--"), "multipart does not end with its boundary")
    parts = []
    for piece in pieces[1:-1]:
        want(piece.startswith(b"\r\n"), "boundary line has something behind it: %r", piece[:20])
        head, sep, content = piece[2:].partition(b"\r\n\r\n")
        want(sep, "part without an empty line")
        parts.append((sipmsg.Message(b"x\r\n" + head + b"\r\n\r\n"), content))
    return parts


def check_body_location(old, new, added, out):
    parts = multipart(new)
    want(len(parts) == (2 if old.body else 1), "%d parts in the body", len(parts))
    if old.body:
        head, content = parts[0]
        want(content == old.body, "SDP changed inside the multipart")
        want(head.value("content-type") == old.value("content-type"), "type of the first part changed")
    head, xml = parts[-1]
    want(head.value("content-type") == b"application/pidf+xml", "last part is %r", head.value("content-type"))
    cid = head.value("content-id")
    want(re.fullmatch(rb"<[A-Za-z0-9.@-]+>", cid), "Content-ID %r", cid)
    geo = [r for r in added if new.name(r) == b"geolocation"]
    want(geo == [b"Geolocation: <cid:" + cid[1:-1] + b">\r\n"], "Geolocation %r does not point at %r", geo, cid)
    with open(out, "wb") as f:
        f.write(xml)


def check_length(msg):
    values = msg.values("content-length")
    want(len(values) == 1 and values[0].isdigit() and int(values[0]) == len(msg.body),
         "Content-Length %r, body has %d bytes", values, len(msg.body))


def dest_of(to):
    number = sipmsg.digits(to)
    return {"tn": [number]} if number else {"uri": [re.sub(rb"^.*<|>.*$", b"", to).decode()]}


def check_claims(new, time, args):
    rows = [r for r in new.rows if new.name(r) == b"identity"]
    want(len(rows) == 1, "%d Identity rows", len(rows))
    try:
        header, payload, info = sipmsg.passport(rows[0])
    except ValueError as e:
        raise Wrong(str(e)) from e
    want(header == {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": info}, "JOSE header %r", header)
    want(not args.x5u or info == args.x5u, "info %r", info)
    want(set(payload) == {"attest", "dest", "iat", "orig", "origid"}, "claims %r", payload)
    shown = new.value("p-asserted-identity") or new.value("from")
    want(payload["orig"] == {"tn": sipmsg.digits(shown)}, "orig %r, shown is %r", payload["orig"], shown)
    want(payload["dest"] == dest_of(new.value("to")), "dest %r, To is %r", payload["dest"], new.value("to"))
    want(payload["attest"] == args.attest, "attest %r", payload["attest"])
    want(re.fullmatch(r"[\x21-\x7e]+", payload["origid"]), "origid %r", payload["origid"])
    want(-2 <= time - payload["iat"] <= 5, "iat %r, arrived at %f", payload["iat"], time)
    dates = new.values("date")
    want(len(dates) == 1 and dates[0].endswith(b" GMT"), "Date %r", dates)
    date = email.utils.parsedate_to_datetime(dates[0].decode()).timestamp()
    want(abs(date - payload["iat"]) <= 60, "Date %r, iat %r", dates[0], payload["iat"])
    return rows[0].partition(b": ")[2].strip()


def check_invite(core, carrier, args, number):
    old, new = sipmsg.Message(core.payload), sipmsg.Message(carrier.payload)
    want(carrier.checksum_ok, "UDP checksum is wrong")
    want(core.flow == carrier.flow, "addresses changed: %r -> %r", core.flow, carrier.flow)
    want((old.lead, old.start) == (new.lead, new.start), "request line changed")
    want(max(carrier.frames) <= 1514, "frame of %d bytes", max(carrier.frames))
    removed, added = check_rows(old, new, args)
    names = {new.name(r) for r in added}
    if args.location:
        check_body_location(old, new, added, os.path.join(args.out, "pidf.%d.xml" % number))
        check_length(new)
        want(b"geolocation-routing" in names or not args.location_routing, "no Geolocation-Routing")
    else:
        check_body_plain(old, new)
    for name in args.added or []:
        want(name.lower().encode() in names, "no %s was added", name)
    for name in args.removed or []:
        want(name.lower().encode() not in {new.name(r) for r in new.rows}, "%s is still there", name)
    if args.unsigned:
        want(b"identity" not in names, "an Identity was added")
        return bool(added or removed)
    identity = check_claims(new, carrier.time, args)
    with open(os.path.join(args.out, "identity.%d.txt" % number), "wb") as f:
        f.write(identity)
    with open(os.path.join(args.out, "invite.%d.sip" % number), "wb") as f:
        f.write(new.data)
    return True


def pair_invites(sent, arrived):
    """Copies of one INVITE share a key: the n-th copy that was sent belongs to the n-th that arrived."""
    queues = collections.defaultdict(collections.deque)
    for d in arrived:
        queues[sipmsg.Message(d.payload).key].append(d)
    for d in sent:
        queue = queues[sipmsg.Message(d.payload).key]
        yield d, queue.popleft() if queue else None
    for queue in queues.values():
        if queue:
            raise Wrong("an INVITE arrived that nobody sent: %s" % queue[0])


def check_same(sent, arrived, where):
    """The same datagrams, counted: nothing lost, nothing added, no byte changed."""
    count = collections.Counter((d.flow, d.payload) for d in sent)
    count.subtract((d.flow, d.payload) for d in arrived)
    for (flow, payload), n in count.items():
        first = payload[:60]
        want(n <= 0, "%s: changed or lost: %r %r", where, flow, first)
        want(n >= 0, "%s: changed or from nowhere: %r %r", where, flow, first)
    for d in arrived:
        want(d.checksum_ok, "%s: UDP checksum is wrong: %s", where, d)


def is_outbound(d, args):
    return d.dst in args.carrier and d.src not in args.carrier


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("core")
    p.add_argument("carrier_pcap")
    p.add_argument("--carrier", nargs="+", default=["10.66.2.2", "fd66:2::2"], help="addresses of the carrier")
    p.add_argument("--attest", default="A")
    p.add_argument("--x5u")
    p.add_argument("--unsigned", action="store_true", help="INVITEs carry no Identity of ours")
    p.add_argument("--same", action="store_true", help="INVITEs must be byte-identical too")
    p.add_argument("--added", nargs="*", help="rows that must have been added")
    p.add_argument("--removed", nargs="*", help="rows that may not arrive")
    p.add_argument("--location", action="store_true", help="INVITEs carry a location part")
    p.add_argument("--location-routing", action="store_true", help="... and Geolocation-Routing")
    p.add_argument("--out", default=".", help="directory for identity.N.txt, invite.N.sip, pidf.N.xml")
    p.add_argument("--count", type=int, help="how many initial INVITEs have to be there")
    args = p.parse_args()

    core, carrier = pcap.datagrams(args.core), pcap.datagrams(args.carrier_pcap)

    def is_invite(d):
        return not args.same and is_outbound(d, args) and sipmsg.Message(d.payload).is_initial_invite
    invites = [[d for d in side if is_invite(d)] for side in (core, carrier)]
    rest = [[d for d in side if not is_invite(d)] for side in (core, carrier)]
    out = [[d for d in side if is_outbound(d, args)] for side in rest]
    back = [[d for d in side if not is_outbound(d, args)] for side in rest]
    edited = 0
    now = None
    try:
        check_same(out[0], out[1], "core to carrier")
        check_same(back[1], back[0], "carrier to core")
        for number, now in enumerate(pair_invites(*invites)):
            want(now[1], "INVITE did not arrive: %s", now[0])
            edited += check_invite(now[0], now[1], args, number)
        now = None
        want(args.count is None or args.count == len(invites[0]), "%d INVITEs, not %s", len(invites[0]), args.count)
    except Wrong as e:
        print("FAIL: %.300s" % e)
        if now and now[1]:
            print(show_diff(now[0].payload, now[1].payload))
        return 1
    sip = [sipmsg.Message(d.payload) for d in rest[0]]
    figures = {
        "invites": len(invites[0]), "edited": edited,
        "transactions": len({sipmsg.Message(d.payload).key for d in invites[0]}),
        "fragmented": sum(len(d.frames) > 1 for d in invites[1]),
        "same": len(rest[0]), "same_sip": sum(m.is_sip for m in sip),
        "same_invites": sum(m.method == b"INVITE" for m in sip),
        "outbound_same": len(out[0]), "inbound_same": len(back[0]),
    }
    print(" ".join("%s=%d" % item for item in figures.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

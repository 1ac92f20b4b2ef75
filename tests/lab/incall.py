#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
r"""Calls from the carrier of the lab to its core, one after another, and what became of each.

  incall.py --prefix LAB --control SOCKET --key KEY.pem --x5u URL [--save DIR] [--show] [TABLE]

TABLE (or standard input) has a line per call, words quoted as in a shell, # for comments:
  NAME [KEY=VALUE...] => [KEY=PATTERN... | KEY<NUMBER | KEY>NUMBER]
A line that begins with * has keys for the lines below it.  NAME is the Call-ID.

Keys of the message: src, port, dst (addresses), ruri, from, to, pai (a number or a whole value), row, row1 .. row9 (whole
rows), date (+N, -N or text), method, totag, callid, sub (/REGEX/TEXT/, on the whole message in the end; \r, \n, \xNN),
copies (how often it is sent, 50 ms apart), file (the message itself).  Identity: `id` (a whole value, or `none`),
`before` and `behind` (keys of one row more, in one word), `join` (both in one row), `idname` (its name), and the
keys of passport.py.

What is found, and PATTERN (as file names have them) must fit:
  wire     passed, refused, dropped              leaves    datagrams at the core      answers   of them at the carrier
  same     yes: byte for byte as it was sent     mark      result header of ours      ms        until it was there
  from, pai, removed (rows by name, with commas), code, phrase, stir (Reason rows of the answer)
and all keys of the event: status, reason, attest, orig, dest, origid, x5u, spc, response ...; event: yes, no.
Of every call that passes, all else must be as it was sent; of every answer, all that RFC 3261 8.2.6 wants.
"""
import argparse
import ctypes
import email.utils
import fnmatch
import json
import os
import re
import select
import shlex
import socket
import sys
import time

import passport
import sipmsg

SDP = (b"v=0\r\no=- 53655765 2353687637 IN IP4 10.66.2.2\r\ns=-\r\nc=IN IP4 10.66.2.2\r\nt=0 0\r\n"
       b"m=audio 7000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n")
MESSAGE = {"src", "port", "dst", "ruri", "from", "to", "pai", "date", "method", "totag", "callid", "sub", "copies", "file", "id",
           "before", "behind", "join", "idname", "branch"} | {"row"} | {"row%d" % i for i in range(1, 10)}
MARKS = {b"x-stir-result", b"attestation-info", b"origination-id", b"p-attestation-indicator", b"p-origination-id"}
CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


class Wrong(Exception):
    pass


def want(condition, text, *args):
    if not condition:
        raise Wrong(text % args)


def split_host(src):
    return "[%s]" % src if ":" in src else src


def unescaped(text):
    return re.sub(r"\\(r|n|t|x[0-9a-fA-F]{2})", lambda m: {"r": "\r", "n": "\n", "t": "\t"}.get(m[1]) or chr(int(m[1][1:], 16)),
                  text)


def address_of(value, host):
    return value if ":" in value else "<sip:%s@%s>" % (value, host)


def date_of(text):
    return email.utils.formatdate(time.time() + int(text), usegmt=True) if re.fullmatch(r"[+-]\d+", text) else text


def identities(k, defaults):
    if "id" in k:
        values = [] if k["id"] == "none" else [k["id"]]
    else:
        values = [passport.identity({**defaults, **{n: v for n, v in k.items() if n in passport.KEYS}})]
    for name in ("before", "behind"):
        if name in k:
            more = passport.identity({**defaults, **dict(w.split("=", 1) for w in shlex.split(k[name]))})
            values = [more] + values if name == "before" else values + [more]
    return [", ".join(values)] if k.get("join") else values


def message(name, k, defaults):
    """-> the INVITE as bytes"""
    if "file" in k:
        with open(k["file"], "rb") as f:
            return f.read()
    src, port, dst = k.get("src", "10.66.2.2"), k.get("port", "5060"), k.get("dst", "10.66.1.2")
    here, there, method = split_host(src), split_host(dst), k.get("method", "INVITE")
    caller, called = address_of(k.get("from", "+12155551213"), here), address_of(k.get("to", "+18005550100"), there)
    rows = [
        "%s %s SIP/2.0" % (method, k.get("ruri", "sip:+18005550100@%s" % there)),
        "Via: SIP/2.0/UDP %s:%s;branch=z9hG4bK%s" % (here, port, k.get("branch", name)),
        "From: " + (caller if ";tag=" in caller else caller + ";tag=f"),
        "To: " + called + (";tag=" + k["totag"] if "totag" in k else ""),
        "Call-ID: " + k.get("callid", name),
        "CSeq: 1 " + method,
        "Contact: <sip:%s:%s>" % (here, port),
        "Max-Forwards: 70",
    ]
    if "pai" in k:
        rows.append("P-Asserted-Identity: " + address_of(k["pai"], here))
    if "date" in k:
        rows.append("Date: " + date_of(k["date"]))
    rows += [k[n] for n in sorted(k) if n.startswith("row")]
    rows += ["%s: %s" % (k.get("idname", "Identity"), v) for v in identities(k, defaults)]
    body = SDP if method == "INVITE" else b""
    rows += ["Content-Type: application/sdp"] * bool(body) + ["Content-Length: %d" % len(body)]
    data = "\r\n".join(unescaped(r) for r in rows).encode("latin1") + b"\r\n\r\n" + body
    if "sub" in k:
        _, regex, text = k["sub"].split(k["sub"][0])[:3]
        data, n = re.subn(regex.encode(), unescaped(text).encode("latin1").replace(b"\\", b"\\\\"), data)
        want(n, "%s: nothing to substitute", name)
    return data


class Lab:
    """Sockets in the namespaces of core and carrier, and the gateway's events."""

    def __init__(self, prefix, control):
        self.prefix, self.control, self.sockets, self.arrived = prefix, control, {}, []
        self.own = os.open("/proc/self/ns/net", os.O_RDONLY)

    def socket(self, ns, host, port):
        key = (ns, host, int(port))
        if key not in self.sockets:
            fd = os.open("/run/netns/%s-%s" % (self.prefix, ns), os.O_RDONLY)
            want(libc.setns(fd, CLONE_NEWNET) == 0, "setns: %s", os.strerror(ctypes.get_errno()))
            try:
                s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
                s.bind((host, int(port)))
            finally:
                want(libc.setns(self.own, CLONE_NEWNET) == 0, "setns back")
                os.close(fd)
            self.sockets[key] = s
        return self.sockets[key]

    def send(self, data, src="10.66.2.2", port=5060, dst="10.66.1.2", dport=5060):
        """-> when it was sent"""
        self.socket("core", dst, dport)
        s = self.socket("carrier", src, port)
        now = time.monotonic()
        s.sendto(data, (dst, int(dport)))
        return now

    def receive(self, seconds):
        """Takes what comes within @seconds into self.arrived: (time, namespace, message, from, own port).  -> how many"""
        by_fd = {s.fileno(): (key, s) for key, s in self.sockets.items()}
        ready, _, _ = select.select(list(by_fd), [], [], max(0, seconds))
        now = time.monotonic()
        for fd in ready:
            (ns, _, port), s = by_fd[fd]
            data, peer = s.recvfrom(65535)
            self.arrived.append((now, ns, sipmsg.Message(data), peer, port))
        return len(ready)

    def of(self, call_id, ns, via=None):
        return [x for x in self.arrived
                if x[1] == ns and x[2].value("call-id") == call_id.encode() and via in (None, x[2].value("via"))]

    def wait_for(self, condition, seconds):
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.receive(min(left, 0.5))
        return True

    def linger(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.receive(end - time.monotonic())

    def get(self, path):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(self.control)
        s.sendall(b"GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n" % path.encode())
        data = b""
        while chunk := s.recv(65536):
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        want(b" 200 " in head.split(b"\r\n")[0], "GET %s: %r", path, data[:200])
        return body

    def events(self, names, seconds=2.0):
        """{Call-ID: event}, waiting until there is one of each of @names"""
        end = time.monotonic() + seconds
        while True:
            found = {e.get("call_id"): e for e in map(json.loads, self.get("/v1/events").splitlines())}
            if set(names) <= set(found) or time.monotonic() > end:
                return found
            time.sleep(0.05)


def check_edit(old, new, marks):
    """-> names of rows that are gone; what else differs is wrong"""
    removed, at = [], 0
    want(old.start == new.start, "the start line changed: %r", new.start)
    want(old.body == new.body, "the body changed")
    for row in old.rows:
        name = old.name(row)
        if at < len(new.rows) and new.rows[at] == row:
            at += 1
        elif name in (b"from", b"p-asserted-identity", b"p-preferred-identity") and at < len(new.rows) and new.name(new.rows[at]) == name:
            at += 1
        elif name in marks or name.startswith(b"x-stir-") or name == b"p-asserted-identity":
            removed.append(name.decode())
        else:
            raise Wrong("row lost or changed: %r" % row)
    for row in new.rows[at:]:
        want(new.name(row) in marks and re.fullmatch(rb"[\x20-\x7e]+\r\n", row), "row added that may not be: %r", row)
    return removed


def check_answer(request, answer):
    for name in ("via", "from", "call-id", "cseq"):
        want(request.values(name) == answer.values(name), "%s of the answer: %r", name, answer.values(name))
    to = request.value("to") + b";tag="
    found = answer.value("to")
    want(found.startswith(to) and len(found) > len(to) + 7, "To of the answer: %r", found)
    want(answer.value("content-length") == b"0" and not answer.body, "the answer has a body")
    names = {answer.name(r) for r in answer.rows}
    names -= {b"via", b"from", b"to", b"call-id", b"cseq", b"content-length", b"reason"}
    want(not names, "more in the answer: %s", names)


def text_of(values):
    return ", ".join(v.decode("latin1") for v in values)


def outcome(lab, call, marks):
    request, started = sipmsg.Message(call["data"]), call["sent"]
    at_core, answers = (lab.of(call["call_id"], ns, request.value("via")) for ns in ("core", "carrier"))
    found = {"wire": "passed" if at_core else "refused" if answers else "dropped", "leaves": len(at_core), "answers": len(answers)}
    if at_core and answers:
        raise Wrong("it passed and was answered")
    if at_core:
        when, _, m, _, _ = at_core[0]
        want(all(x[2].data == m.data for x in at_core), "copies differ")
        found.update(same="yes" if m.data == call["data"] else "no", ms=1000 * (when - started),
                     mark=text_of(m.values(call["result"])), pai=text_of(m.values("p-asserted-identity")))
        found["from"] = text_of(m.values("from"))
        found["removed"] = ",".join(check_edit(request, m, marks)) if m.data != call["data"] else ""
    elif answers:
        when, _, m, peer, _ = answers[0]
        want(all(x[2].data == m.data for x in answers), "answers differ")
        want(peer[:2] == (call["dst"], 5060), "the answer comes from %r", peer)
        check_answer(request, m)
        _, found["code"], found["phrase"] = m.start.decode().strip().split(" ", 2)
        found.update(ms=1000 * (when - started), stir=text_of(m.values("reason")))
    return found


def plain(value):
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def misses(found, wanted):
    for word in wanted:
        m = re.fullmatch(r"([a-z_0-9]+)([=<>])(.*)", word, re.S)
        want(m, "no expectation: %s", word)
        key, how, value = m.groups()
        have = found.get(key, "")
        if how == "=":
            # a bracket is a bracket: values hold labels and IPv6 addresses
            fits = fnmatch.fnmatchcase(plain(have), value.replace("[", "[[]"))
        else:
            fits = have != "" and (have < float(value) if how == "<" else have > float(value))
        if not fits:
            yield "%s is %s, expected %s%s" % (key, plain(have) or "(nothing)", how, value)


def parse_table(lines):
    common = {}
    for line in lines:
        words = shlex.split(line, comments=True)
        if not words:
            continue
        cut = words.index("=>") if "=>" in words else len(words)
        keys = dict(w.split("=", 1) for w in words[1:cut])
        unknown = set(keys) - MESSAGE - passport.KEYS
        if unknown:
            sys.exit("incall: no such key: %s" % ", ".join(sorted(unknown)))
        if words[0] == "*":
            common = keys
        else:
            yield words[0], {**common, **keys}, words[cut + 1:]


def place(lab, name, k, args):
    data = message(name, k, {"key": args.key, "x5u": args.x5u})
    src, port, dst = k.get("src", "10.66.2.2"), k.get("port", "5060"), k.get("dst", "10.66.1.2")
    call = {"name": name, "call_id": k.get("callid", name), "data": data, "dst": dst, "result": args.result_header.lower()}
    for i in range(int(k.get("copies", 1))):
        sent = lab.send(data, src, port, dst)
        call.setdefault("sent", sent)
        if i + 1 < int(k.get("copies", 1)):
            lab.linger(0.05)
    via = sipmsg.Message(data).value("via")
    lab.wait_for(lambda: lab.of(call["call_id"], "core", via) or lab.of(call["call_id"], "carrier", via), args.timeout)
    return call


def save(directory, call, lab):
    via = sipmsg.Message(call["data"]).value("via")
    arrived = [(s, x[2].data) for s, ns in (("out", "core"), ("answer", "carrier")) for x in lab.of(call["call_id"], ns, via)[:1]]
    for suffix, data in [("in", call["data"])] + arrived:
        with open(os.path.join(directory, "%s.%s" % (call["name"], suffix)), "wb") as f:
            f.write(data)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("prefix", "control", "key", "x5u"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--result-header", default="X-STIR-Result")
    p.add_argument("--timeout", type=float, default=1.0, help="seconds until a call counts as dropped")
    p.add_argument("--save", help="NAME.in, NAME.out, NAME.answer")
    p.add_argument("--show", action="store_true", help="print what was found")
    p.add_argument("table", nargs="?")
    args = p.parse_args()
    with open(args.table, encoding="utf-8") if args.table else sys.stdin as f:
        cases = list(parse_table(f))
    want(cases, "no calls")
    lab = Lab(args.prefix, args.control)
    marks = MARKS | {args.result_header.lower().encode()}
    calls = [(place(lab, name, k, args), wanted) for name, k, wanted in cases]
    lab.linger(0.2)  # what leaves twice
    events = lab.events([c["call_id"] for c, wanted in calls if "event=no" not in wanted])
    bad = 0
    for call, wanted in calls:
        found = {}
        try:
            found = {**events.get(call["call_id"], {}), "event": "yes" if call["call_id"] in events else "no"}
            found.update(outcome(lab, call, marks))
            wrong = list(misses(found, wanted))
        except Wrong as e:
            wrong = [str(e)]
        if args.save:
            save(args.save, call, lab)
        if args.show or wrong:
            shown = ("%s=%s" % (n, plain(v)) for n, v in found.items() if n not in ("time", "call_id"))
            print("%s: %s" % (call["name"], " ".join(shown)))
        for text in wrong:
            print("FAIL: %s: %s" % (call["name"], text))
        bad += bool(wrong)
    print("calls=%d wrong=%d" % (len(calls), bad))
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    try:
        main()
    except Wrong as error:
        sys.exit("FAIL: %s" % error)

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
r"""invite.py FILE CALL-ID [KEY=VALUE...]: writes an INVITE with an SDP body.

KEY: from, to (user parts), display (before the From address), host (10.66.2.2), ruri (whole), cseq, branch, extra (one
header row more).  \xNN in CALL-ID and VALUE is that byte, \\ a backslash.
"""
import re
import sys
import zlib

SDP = (b"v=0\r\no=- 53655765 2353687637 IN IP4 10.66.1.2\r\ns=-\r\nc=IN IP4 10.66.1.2\r\nt=0 0\r\n"
       b"m=audio 6000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n")


def unescape(text):
    return re.sub(rb"\\(x[0-9a-fA-F]{2}|\\)", lambda m: b"\\" if m[1] == b"\\" else bytes([int(m[1][1:], 16)]),
                  text.encode("utf-8", "surrogateescape"))


def main():
    path, call_id = sys.argv[1], unescape(sys.argv[2])
    k = dict(a.split("=", 1) for a in sys.argv[3:])
    v = {name: unescape(value) for name, value in k.items()}
    caller, called, host = v.get("from", b"+18005550100"), v.get("to", b"+12155551213"), v.get("host", b"10.66.2.2")
    cseq = v.get("cseq", b"1")
    branch = v.get("branch", b"%08x%s" % (zlib.crc32(call_id), cseq))
    rows = [
        b"INVITE %s SIP/2.0" % v.get("ruri", b"sip:%s@%s;user=phone" % (called, host)),
        b"Via: SIP/2.0/UDP 10.66.1.2:5070;branch=z9hG4bK" + branch,
        b"From: %s<sip:%s@10.66.1.2>;tag=1" % (v.get("display", b""), caller),
        b"To: <sip:%s@%s>" % (called, host),
        b"Call-ID: " + call_id,
        b"CSeq: %s INVITE" % cseq,
        b"Contact: <sip:10.66.1.2:5070>",
        b"Max-Forwards: 70",
        *([v["extra"]] if "extra" in v else []),
        b"Content-Type: application/sdp",
        b"Content-Length: %d" % len(SDP),
    ]
    with open(path, "wb") as f:
        f.write(b"\r\n".join(rows) + b"\r\n\r\n" + SDP)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""look.py FILE.pcap CALL-ID: how messages with this Call-ID arrived: `absent`, `signed N` or `unsigned N`.

look.py FILE.pcap CALL-ID KEY: of the first of them `raw` (its bytes), or of its last Identity `attest`, `origid`,
`orig`, `iat` or `x5u` (empty without one).
look.py FILE.pcap CALL-ID marked: `absent`, `marked N` or `unmarked N`, by our X-STIR-Result.
look.py FILE.pcap PREFIX count: how many Call-IDs that begin so arrived signed.
"""
import sys

import pcap
import sipmsg


def claim(message, key):
    rows = [row for row in message.rows if message.name(row) == b"identity"]
    if not rows:
        return ""
    _, payload, info = sipmsg.passport(rows[-1])
    return info if key == "x5u" else payload["orig"]["tn"] if key == "orig" else payload[key]


messages = [sipmsg.Message(d.payload) for d in pcap.datagrams(sys.argv[1])]
if sys.argv[3:] == ["count"]:
    print(len({m.value("call-id") for m in messages
               if m.value("call-id").startswith(sys.argv[2].encode()) and m.values("identity")}))
    sys.exit()
found = [m for m in messages if m.value("call-id") == sys.argv[2].encode()]
words, row = ("signed", "unsigned"), "identity"
if sys.argv[3:] == ["marked"]:
    words, row = ("marked", "unmarked"), "x-stir-result"
    del sys.argv[3:]
signed = sum(bool(m.values(row)) for m in found)
if not found:
    print("absent")
elif sys.argv[3:] == ["raw"]:
    sys.stdout.buffer.write(found[0].data)
elif sys.argv[3:]:
    print(claim(found[0], sys.argv[3]))
elif signed in (0, len(found)):
    print(words[0] if signed else words[1], len(found))
else:
    print("mixed", signed, len(found))

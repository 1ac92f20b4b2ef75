# SPDX-License-Identifier: BSD-2-Clause
"""Just enough SIP for an observer: rows as bytes, names in their long form, Identity decoded."""
import base64
import json
import re

COMPACT = {b"c": b"content-type", b"e": b"content-encoding", b"f": b"from", b"i": b"call-id",
           b"l": b"content-length", b"m": b"contact", b"t": b"to", b"v": b"via", b"y": b"identity"}
IDENTITY = re.compile(rb"Identity: ([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})"
                      rb";info=<([^<>]+)>;alg=ES256;ppt=shaken\r\n")


class Message:
    def __init__(self, data):
        self.data = data
        self.lead = re.match(rb"(?:\r\n)*", data).group()  # a keep-alive glued to the front is legal
        head, sep, self.body = data[len(self.lead):].partition(b"\r\n\r\n")
        self.complete = bool(sep)
        lines = re.split(rb"(?<=\r\n)(?![ \t])", head + (b"\r\n" if sep else b""))
        lines = [line for line in lines if line]
        self.start = lines[0] if lines else b""
        self.rows = lines[1:]

    @staticmethod
    def name(row):
        name = row.partition(b":")[0].strip().lower()
        return COMPACT.get(name, name)

    def values(self, name):
        name = name.encode() if isinstance(name, str) else name
        return [re.sub(rb"\r\n[ \t]+", b" ", row.partition(b":")[2]).strip()
                for row in self.rows if self.name(row) == name]

    def value(self, name):
        values = self.values(name)
        return values[0] if values else b""

    @property
    def method(self):
        """Method of a request, b"" for a response or for what is no SIP."""
        m = re.match(rb"([A-Za-z]+) \S+ (?i:SIP)/2\.0\r\n", self.start)
        return m.group(1) if m else b""

    @property
    def is_sip(self):
        return bool(self.method) or self.start.startswith(b"SIP/2.0 ")

    @property
    def is_initial_invite(self):
        return self.method == b"INVITE" and b";tag=" not in self.value("to").lower()

    @property
    def key(self):
        """What stays the same when the message is edited, and differs between transactions."""
        return (self.value("call-id"), self.value("cseq"), self.value("via"))

    @property
    def uri(self):
        return self.start.split(b" ")[1]


def digits(value):
    """Number of a From, To, P-Asserted-Identity value or URI in canonical form, or None."""
    m = re.search(rb"(?:sips?|tel):([^@;>?]+)", value)
    if not m:
        return None
    user = re.sub(rb"%([0-9a-fA-F]{2})", lambda h: bytes([int(h.group(1), 16)]), m.group(1))
    user = re.sub(rb"[-.() ]", b"", user)
    return user.lstrip(b"+").decode() if re.fullmatch(rb"\+?[0-9*#]+", user) else None


def b64url(text):
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def passport(row):
    """(header, payload, info) of an Identity row in the one form that we send; ValueError otherwise."""
    m = IDENTITY.fullmatch(row)
    if not m:
        raise ValueError("Identity is not in the form we send: %r" % row)
    out = []
    for segment in m.group(1, 2):
        raw = b64url(segment)
        obj = json.loads(raw)
        # order and spacing of RFC 8225 section 9: a verifier that rebuilds the bytes needs them
        if json.dumps(obj, separators=(",", ":"), sort_keys=True).encode() != raw:
            raise ValueError("PASSporT is not in canonical form: %r" % raw)
        out.append(obj)
    if len(b64url(m.group(3))) != 64:
        raise ValueError("signature is not 64 octets")
    return out[0], out[1], m.group(4).decode()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
r"""Identity values with chosen faults, signed with a real key.

  passport.py [KEY=VALUE...]     prints the value of one Identity row

  key        PEM file                             orig, dest   numbers (dest: divided by commas)
  orig_uri, dest_uri                              attest, origid, alg, ppt, typ, x5u
  iat        seconds; +N, -N: from now            info         default: x5u
  header, payload   JSON: members that are set, or removed where null
  header_raw, payload_raw   text that is signed as it stands
  order      reverse: members the other way round spaces       yes: white space in the JSON
  params     behind the token; {info} is filled in ("" none)
  tamper     payload (a digit of origid), signature: changed after signing; `zero`, `short`, `long`, `der`, `high_s`: of the signature
  form       compact: ..SIGNATURE, with header and payload as they are given here
"""
import base64
import json
import sys
import time

import libcrypto

KEYS = {"key", "orig", "dest", "orig_uri", "dest_uri", "attest", "origid", "alg", "ppt", "typ", "x5u", "iat", "info", "header",
        "payload", "header_raw", "payload_raw", "order", "spaces", "params", "tamper", "form"}
ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551  # of P-256
_keys = {}


def segment(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def merged(obj, text):
    for name, value in json.loads(text).items() if text else ():
        if value is None:
            obj.pop(name, None)
        else:
            obj[name] = value
    return obj


def serialised(obj, k):
    obj = dict(sorted(obj.items(), reverse=k.get("order") == "reverse"))
    if k.get("spaces"):
        return json.dumps(obj, indent=2).encode()
    return json.dumps(obj, separators=(",", ":")).encode()


def header_of(k):
    if "header_raw" in k:
        return k["header_raw"].encode()
    header = {"alg": k.get("alg", "ES256"), "ppt": k.get("ppt", "shaken"), "typ": k.get("typ", "passport"),
              "x5u": k.get("x5u", "https://cert.example/chain.pem")}
    return serialised(merged({n: v for n, v in header.items() if v}, k.get("header")), k)


def payload_of(k):
    if "payload_raw" in k:
        return k["payload_raw"].encode()
    iat = k.get("iat", "+0")
    iat = int(time.time()) + int(iat) if iat[0] in "+-" else int(iat)
    dest = {"tn": k.get("dest", "18005550100").split(",")}
    if "dest_uri" in k:
        dest = {"uri": [k["dest_uri"]], **({"tn": dest["tn"]} if "dest" in k else {})}
    orig = {"uri": k["orig_uri"]} if "orig_uri" in k else {"tn": k.get("orig", "12155551213")}
    payload = {"dest": dict(sorted(dest.items())), "iat": iat, "orig": orig}
    if k.get("ppt", "shaken") == "shaken":
        payload["attest"] = k.get("attest", "A")
        payload["origid"] = k.get("origid", "123e4567-e89b-42d3-a456-426655440000")
    return serialised(merged(payload, k.get("payload")), k)


def flipped(text, at):
    """One character changed to another of the same alphabet; not the last one of a segment, some bits of which are
    not part of the value."""
    return text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1:]


def signature(k, text):
    pem = k["key"]
    if pem not in _keys:
        with open(pem, "rb") as f:
            _keys[pem] = libcrypto.private_key(f.read())
    if k.get("alg") == "none":
        return b""
    sig = libcrypto.sign(_keys[pem], text)
    how = k.get("tamper")
    if how == "zero":
        return bytes(64)
    if how == "short":
        return sig[:63]
    if how == "long":
        return sig + b"\0"
    if how == "der":
        return libcrypto.der(sig)
    if how == "high_s":
        return sig[:32] + (ORDER - int.from_bytes(sig[32:], "big")).to_bytes(32, "big")
    return sig


def identity(k):
    unknown = set(k) - KEYS
    if unknown:
        raise SystemExit("passport: no such key: %s" % ", ".join(sorted(unknown)))
    parts = [segment(header_of(k)), segment(payload_of(k))]
    parts.append(segment(signature(k, ".".join(parts).encode())))
    how = k.get("tamper")
    if how == "payload":
        parts[1] = segment(payload_of(k).replace(b"426655440000", b"426655440001"))
    if how == "signature":
        parts[2] = flipped(parts[2], len(parts[2]) // 2)
    if k.get("form") == "compact":
        parts[0] = parts[1] = ""
    info = k.get("info", k.get("x5u", "https://cert.example/chain.pem"))
    ppt = ";ppt=" + k["ppt"] if k.get("ppt") else "" if "ppt" in k else ";ppt=shaken"
    params = k.get("params", ";info=<{info}>;alg=%s%s" % (k.get("alg", "ES256"), ppt))
    return ".".join(parts) + params.replace("{info}", info)




if __name__ == "__main__":
    print(identity(dict(a.split("=", 1) for a in sys.argv[1:])))

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""check_events.py FILE [--raw CALL-IDS]: events as they were written or followed, a line of JSON each.

Every line must be printable ASCII and one object with the keys of the documentation and nothing else.
Prints `events=N signed=N unsigned=N rejected=N dropped=N twice=N`, and where there are any from the carrier, a line `verified=N
failed=N missing=N`; twice: of a Call-ID that was there before.

--raw   a file with one Call-ID per line, in hex: each must be there, escaped so that it can be read back
"""
import argparse
import collections
import datetime
import json
import re
import sys

ALWAYS = {"time": str, "direction": str, "trunk": (str, type(None)), "call_id": (str, type(None)), "status": str,
          "reason": str, "attest": (str, type(None)), "orig": (str, type(None)), "dest": (str, type(None)),
          "origid": (str, type(None)), "x5u": (str, type(None)), "source": str, "destination": str,
          "latency_us": int, "generation": int}
SOMETIMES = {"attest_why": str, "location": str, "response": int, "override": int, "emergency": bool,
             "restricted": bool, "call_id_cut": bool, "observed": dict}
INBOUND = {"spc": (str, type(None)), "waited": bool, "diverted": bool, "callback": bool, "pai_removed": bool, "x5u_cut": bool}
OBSERVED = {"status", "reason", "attest", "origid", "x5u", "attest_why", "location", "response"}
WORDS = {"outbound": ("SIGNED", "UNSIGNED", "REJECTED"), "inbound": ("STIR_VERIFIED", "STIR_FAILED", "STIR_MISSING")}
ADDRESS = re.compile(r"(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:]+\]):\d{1,5}")


def fail(line, text, *args):
    print("FAIL: " + text % args + ": %.400r" % line)
    sys.exit(1)


def once(pairs):
    keys = [k for k, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key twice")
    return dict(pairs)


def check(line, e):
    for key, kind in ALWAYS.items():
        if key not in e:
            fail(line, "no %s", key)
        if not isinstance(e[key], kind) or isinstance(e[key], bool):
            fail(line, "%s is %r", key, e[key])
    is_inbound = e["direction"] == "inbound"
    sometimes = {**SOMETIMES, **(INBOUND if is_inbound else {})}
    for key in set(e) - set(ALWAYS):
        if key not in sometimes or not isinstance(e[key], sometimes[key]):
            fail(line, "%s is %r", key, e[key])
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", e["time"]):
        fail(line, "time %s", e["time"])
    age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(e["time"].replace("Z", "+00:00"))
    if not datetime.timedelta(seconds=-2) < age < datetime.timedelta(minutes=10):
        fail(line, "time is off by %s", age)
    if e["status"] not in WORDS.get(e["direction"], ()):
        fail(line, "direction %s, status %s", e["direction"], e["status"])
    if not ADDRESS.fullmatch(e["source"]) or not ADDRESS.fullmatch(e["destination"]):
        fail(line, "addresses")
    if not 0 <= e["latency_us"] < 10000000 or e["generation"] < 1:
        fail(line, "latency or generation")
    if not set(e.get("observed", {})) <= OBSERVED:
        fail(line, "observed")
    if is_inbound:
        check_inbound(line, e)
    else:
        check_outbound(line, e)


def check_inbound(line, e):
    verified = e["status"] == "STIR_VERIFIED"
    if "spc" not in e or "attest_why" in e or "location" in e:
        fail(line, "keys")
    if e["reason"] != "observe" and verified != (e["reason"] == "verified"):
        fail(line, "%s for %s", e["status"], e["reason"])
    if verified and (not e["orig"] or not e["x5u"]):
        fail(line, "verified, and yet")
    if e["status"] == "STIR_MISSING" and (e["attest"] or e["spc"]):
        fail(line, "what is missing has claims")
    if "response" in e and (verified or e["response"] not in (403, 428, 436, 437, 438)):
        fail(line, "response %s", e["response"])


def check_outbound(line, e):
    signed = e["status"] == "SIGNED"
    for key in ("attest", "origid", "x5u"):
        if (e[key] is not None) != signed:
            fail(line, "%s of what is %s", key, e["status"])
    if signed and (e["reason"] != "signed" or not e["orig"] or e["attest"] not in "ABC" or "attest_why" not in e):
        fail(line, "signed, and yet")


def read_back(text):
    return re.sub(rb"\\(x[0-9a-f]{2}|\\)", lambda m: b"\\" if m[1] == b"\\" else bytes([int(m[1][1:], 16)]), text.encode())


def main():
    p = argparse.ArgumentParser()
    p.add_argument("file")
    p.add_argument("--raw")
    a = p.parse_args()
    with open(a.file, "rb") as f:
        data = f.read()
    if data and not data.endswith(b"\n"):
        fail(data[-100:], "the last line does not end")
    seen, counts, dropped, twice = set(), collections.Counter(), 0, 0
    for line in data.split(b"\n")[:-1]:
        if not re.fullmatch(rb"[\x20-\x7e]+", line):
            fail(line, "not printable")
        try:
            e = json.loads(line, object_pairs_hook=once)
        except ValueError as error:
            fail(line, "no JSON (%s)", error)
        if set(e) == {"dropped"}:
            dropped += e["dropped"]
            continue
        check(line, e)
        counts[e["status"]] += 1
        twice += e["call_id"] in seen
        seen.add(e["call_id"])
    if a.raw:
        with open(a.raw, encoding="ascii") as f:
            wanted = [bytes.fromhex(x) for x in f.read().split()]
        found = {read_back(x) for x in seen if x}
        for w in wanted:
            if w not in found:
                fail(w, "no event of this Call-ID")
    print("events=%d signed=%d unsigned=%d rejected=%d dropped=%d twice=%d" % (
        sum(counts.values()), counts["SIGNED"], counts["UNSIGNED"], counts["REJECTED"], dropped, twice))
    if any(counts[w] for w in WORDS["inbound"]):
        print("verified=%d failed=%d missing=%d" % tuple(counts[w] for w in WORDS["inbound"]))


if __name__ == "__main__":
    main()

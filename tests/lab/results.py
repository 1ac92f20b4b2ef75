#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""results.py PAI STRICT: from lines  NAME | KEYS of incall.py | STATUS REASON CODE  a table of calls for incall.py, each row
twice: as t-NAME through the trunk that marks, with PAI, and as r-NAME from STRICT, a carrier of the trunk that refuses.

CODE 4xx: refused with it; (4xx): told, but never a refusal; -: none.
"""
import shlex
import sys

PHRASES = {"403": "Stale Date", "428": "Use Identity Header", "436": "Bad Identity Info", "437": "Unsupported Credential",
           "438": "Invalid Identity Header", "ppt_unsupported": "Use Supported PASSporT Format"}
VERSTAT = {"STIR_VERIFIED": ";verstat=TN-Validation-Passed", "STIR_MISSING": ";verstat=No-TN-Validation"}


def mark_of(status, reason, code):
    if status == "STIR_VERIFIED":
        return status + ";attest=?;origid=*"
    if status == "STIR_MISSING":
        return status
    return "%s;reason=%s%s" % (status, reason, "" if code == "-" else ";code=" + code.strip("()"))


def verstat_of(status, code):
    if status == "STIR_FAILED":
        return ";verstat=TN-Validation-Failed" if code in ("403", "437", "438") else ""
    return VERSTAT[status]


def line(name, keys, expected):
    print(name, keys, "=>", " ".join(shlex.quote("%s=%s" % item) for item in expected.items()))


def main():
    pai, strict = sys.argv[1:]
    rows = [[part.strip() for part in text.split("|")] for text in sys.stdin if text.strip() and text[0] != "#"]
    rows = [(name, keys, *words.split()) for name, keys, words in rows]
    print("* pai=%s" % pai)
    for name, keys, status, reason, code in rows:
        line("t-" + name, keys, {"wire": "passed", "leaves": 1, "status": status, "reason": reason, "response": "",
                                 "mark": mark_of(status, reason, code),
                                 "pai": "<sip:%s%s@10.66.2.2>" % (pai, verstat_of(status, code))})
    print("* src=%s" % strict)
    for name, keys, status, reason, code in rows:
        if code.startswith("4"):
            stir = 'STIR;cause=%s;text="%s"*' % (code, PHRASES[code])
            line("r-" + name, keys, {"wire": "refused", "answers": 1, "status": status, "reason": reason, "code": code,
                                     "response": code, "phrase": PHRASES.get(reason, PHRASES[code]), "stir": stir})
        else:
            line("r-" + name, keys, {"wire": "passed", "leaves": 1, "status": status, "reason": reason, "response": ""})


if __name__ == "__main__":
    main()

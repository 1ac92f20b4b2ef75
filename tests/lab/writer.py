#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Trunks t0 to t9 over the control socket, with a log of what was asked for and what was answered.

  writer.py write SOCKET LOG SEED                add, set and remove until the daemon goes
  writer.py write SOCKET LOG SEED OPERATION      one OPERATION, when there is a file LOG.go
  writer.py check SOCKET LOG                     each trunk is what was acknowledged last, or what was asked for and
                                                 never answered
The log has one JSON object per line: {"base": {NAME: KEYS or null}}, then {"name", "want"} before a call (`want`:
the trunk's keys after it, null: gone) and {"status"} behind it.
"""
import http.client
import json
import os
import random
import socket
import sys
import time

NAMES = ["t%d" % i for i in range(10)]


class Control(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def call(self, method, path, body=None):
        self.request(method, path, json.dumps(body) if body is not None else None)
        answer = self.getresponse()
        text = answer.read()
        return answer.status, json.loads(text)


def export(control, name):
    status, keys = control.call("GET", "/v1/trunks/%s?export=1" % name)
    if status not in (200, 404):
        raise SystemExit("FAIL: export of %s: %d %r" % (name, status, keys))
    return keys if status == 200 else None


def changes(rng):
    """Some keys of a trunk; now and then a long file."""
    count = rng.choice((1, 3, 50, 3000))
    first = rng.randrange(10 ** 6)
    return {"attestation": rng.choice("ABC"), "origid": "o%d" % rng.randrange(10 ** 6),
            "numbers": ["+1303%07d" % (first + 2 * i) for i in range(count)]}


def choose(rng, operation, now):
    """(method, path, body, name, keys after it)"""
    exists = sorted(name for name in NAMES if now[name] is not None)
    absent = sorted(set(NAMES) - set(exists))
    if not exists or (absent and operation == "add") or (absent and not operation and rng.random() < 0.4):
        name = rng.choice(absent)
        keys = {"name": name, "carrier": {"peers": ["192.0.2.%d:5060" % (NAMES.index(name) + 1)]}, **changes(rng)}
        return "POST", "/v1/trunks", keys, name, keys
    name = rng.choice(exists)
    if operation == "remove" or (not operation and rng.random() < 0.3):
        return "DELETE", "/v1/trunks/" + name, None, name, None
    patch = changes(rng)
    return "PATCH", "/v1/trunks/" + name, patch, name, {**now[name], **patch}


def wait_for_file(path):
    for _ in range(1000):
        if os.path.exists(path):
            return
        time.sleep(0.01)
    sys.exit("FAIL: there is no %s" % path)


def write(path, log_path, seed, operation=None):
    control, rng = Control(path), random.Random(seed)
    with open(log_path, "w", buffering=1) as log:
        now = {name: export(control, name) for name in NAMES}
        print(json.dumps({"base": now}), file=log)
        wait_for_file(log_path + ".go" if operation else log_path)
        while True:
            method, url, body, name, want = choose(rng, operation, now)
            print(json.dumps({"name": name, "want": want}), file=log)
            try:
                status, answer = control.call(method, url, body)
            except (OSError, http.client.HTTPException):
                print("the daemon has gone")
                return
            print(json.dumps({"status": status}), file=log)
            if status not in (200, 201):
                sys.exit("FAIL: %s %s: %d %r" % (method, url, status, answer))
            now[name] = want
            if operation:
                return


def read_log(path):
    """-> state by name that was acknowledged, and the (name, want) without an answer or None"""
    acknowledged, intent, count = {}, None, 0
    with open(path) as f:
        for line in map(json.loads, f):
            if "base" in line:
                acknowledged = line["base"]
            elif "name" in line:
                intent = (line["name"], line["want"])
            else:
                acknowledged[intent[0]], intent = intent[1], None
                count += 1
    return acknowledged, intent, count


def check(path, log_path):
    control = Control(path)
    acknowledged, intent, count = read_log(log_path)
    kept = "nothing was unanswered"
    for name in NAMES:
        found = export(control, name)
        if found == acknowledged[name]:
            if intent and intent[0] == name:
                kept = "the unanswered change is not there"
        elif intent and intent[0] == name and found == intent[1]:
            kept = "the unanswered change is there"
        else:
            sys.exit("FAIL: trunk %s is %r, acknowledged was %r, unanswered %r" %
                     (name, found, acknowledged[name], intent))
        if found is not None:
            status, effective = control.call("GET", "/v1/trunks/" + name)
            if status != 200 or effective["attestation"] != found["attestation"] or effective["origid"] != found["origid"]:
                sys.exit("FAIL: trunk %s runs as %r, its file says %r" % (name, effective, found))
    print("%d changes acknowledged, %s" % (count, kept))


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(sys.argv[2], sys.argv[3], int(sys.argv[4]), *sys.argv[5:])
    else:
        check(sys.argv[2], sys.argv[3])

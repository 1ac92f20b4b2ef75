#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""churn.py SOCKET DIR COUNT SEED SECONDS PID - random changes of a running gateway, good ones and bad ones.

Trunk acme carries calls: its attestation and origid change together, its certificate is the gateway's or one of its
own; other trunks come and go around it.  DIR: sipseal.yaml, trunks.d, sti and pool (pairs SERIAL.pem, SERIAL.key).
PID: the daemon; prints how many descriptors and how much memory it has at the quarters, and what was refused how.
"""
import collections
import http.client
import json
import os
import random
import shutil
import socket
import sys
import time

PAIRS = {"A": "first", "B": "second"}
NAMES = 60


class Gateway(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


def call(path, method, url, body=None):
    g = Gateway(path)
    g.request(method, url, None if body is None else json.dumps(body))
    r = g.getresponse()
    text = r.read()
    g.close()
    return r.status, json.loads(text) if text else {}


class Churn:
    def __init__(self, path, directory):
        self.path, self.dir = path, directory
        self.live = {}
        self.seen = collections.Counter()
        self.pool = sorted(n[:-4] for n in os.listdir(directory + "/pool") if n.endswith(".pem"))
        self.hand = 0

    def do(self, what, wanted, method, url, body=None):
        status, answer = call(self.path, method, url, body)
        code = answer.get("code", "") if status >= 400 else ""
        self.seen["%s %d %s" % (what, status, code)] += 1
        if status not in wanted:
            print("FAIL: %s %s %s: %d %s" % (what, url, body, status, answer))
            sys.exit(1)
        return status < 400

    def place(self, name):
        """Two files that are one: the pair is read only when both are there."""
        serial = random.choice(self.pool)
        for end in ".pem", ".key":
            new = "%s/sti/%s%s.new" % (self.dir, name, end)
            shutil.copy("%s/pool/%s%s" % (self.dir, serial, end), new)
            os.chmod(new, 0o600)
            os.rename(new, "%s/sti/%s%s" % (self.dir, name, end))

    def own(self, name):
        return {"cert_path": name + ".pem", "key_path": name + ".key", "x5u": "https://cert.example/{serial}.pem"}

    # ---- what may happen ----

    def add(self):
        name = "t%d" % random.randrange(NAMES)
        # several ways to name an address: groups come and go
        peer = random.choice(["192.0.2.%d:5060", "192.0.2.%d:5062", "192.0.2.%d", "192.0.2.%d/31"])
        host = random.randrange(60)
        body = {"name": name, "carrier.peers": [peer % (host & ~1 if "/" in peer else host)], "attestation": "A",
                "core.peers": ["10.7.%d.0/24" % int(name[1:])], "numbers": ["+1303555*"], "pai.mode": "off",
                "max_cps": random.choice([0, 5])}
        if random.random() < .3:
            body["certificates"] = self.own(random.choice(["one", "two"]))
        if random.random() < .3:
            body["extras"] = {"geolocation": {"default_civic_address": {"country": "US", "region": "NY", "city": "New York", "street": "1 Main St", "postal": "100%02d" % host}}}
        if self.do("add", (200, 201) if name not in self.live else (409,), "POST", "/v1/trunks", body):
            self.live[name] = body

    def remove(self):
        name = "t%d" % random.randrange(NAMES)
        if self.do("remove", (200, 204) if name in self.live else (404,), "DELETE", "/v1/trunks/" + name):
            del self.live[name]

    def patch(self):
        name = "t%d" % random.randrange(NAMES)
        body = random.choice([{"attestation": "C"}, {"attestation": "none"}, {"attestation": "A"},
                              {"certificates": self.own("one")}, {"certificates": None}, {"numbers": ["+1303556*"]},
                              {"mode": "observe"}, {"max_cps": 7}])
        self.do("patch", (200,) if name in self.live else (404,), "PATCH", "/v1/trunks/" + name, body)

    def acme(self):
        attest = random.choice("AB")
        self.do("acme", (200,), "PATCH", "/v1/trunks/acme", {"attestation": attest, "origid": PAIRS[attest]})

    def acme_certificate(self):
        certificates = random.choice([None, self.own("one"), self.own("two")])
        self.do("acme certificate", (200,), "PATCH", "/v1/trunks/acme", {"certificates": certificates})

    def certificates(self):
        self.place(random.choice(["main", "one", "two"]))
        self.do("certificates", (200,), "POST", "/v1/certificates/reload")

    def config(self, dry=None):
        self.hand += 1
        with open(self.dir + "/trunks.d/hand.yaml.new", "w", encoding="ascii") as f:
            f.write("name: hand\ncarrier: { peers: [\"192.0.2.250:5060\"] }\nattestation: A\n"
                    "numbers: [\"+1303556%04d\"]\n" % self.hand)
        os.rename(self.dir + "/trunks.d/hand.yaml.new", self.dir + "/trunks.d/hand.yaml")
        self.do("config", (200,), "POST", "/v1/config/reload", 
                {"dry_run": random.random() < .5 if dry is None else dry})

    def bad(self):
        what, url, body = random.choice([
            ("POST", "/v1/trunks", {"name": "bad", "carrier.peers": ["10.66.2.2:5060"], "attestation": "A"}),
            ("PATCH", "/v1/trunks/acme", {"attestation": "Q"}),
            ("PATCH", "/v1/trunks/acme", {"attestation": "C", "origid": "half", "certificates": self.own("none")}),
            ("PATCH", "/v1/trunks/acme", {"attestation": "C", "origid": "half", "certificates":
                                          dict(self.own("one"), key_path="foreign.key")}),
            ("PATCH", "/v1/trunks/acme", {"attestation": "C", "origid": "half",
                                          "carrier.peers": ["10.66.2.2:5060", "192.0.2.250:5060"]})])
        self.do("bad", (409, 422), what, url, body)


def memory(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        kb = {k: v.split()[0] for k, v in (line.split(":", 1) for line in f) if v.split()}
    return len(os.listdir("/proc/%d/fd" % pid)), int(kb["RssAnon"]), int(kb["RssShmem"])


def main():
    path, directory, count, seed, seconds, pid = sys.argv[1:7]
    count, end = int(count), time.monotonic() + float(seconds)
    random.seed(int(seed))
    c = Churn(path, directory)
    c.config(False)
    weights = [(c.add, 25), (c.remove, 20), (c.patch, 20), (c.acme, 15), (c.acme_certificate, 8), (c.certificates, 4),
               (c.config, 3), (c.bad, 5)]
    done = 0
    while done < count and time.monotonic() < end:
        random.choices([w[0] for w in weights], [w[1] for w in weights])[0]()
        done += 1
        if done % (count // 8) == 0:
            print("after %d changes: descriptors %d, anonymous KiB %d, shared KiB %d" % ((done,) + memory(int(pid))), flush=True)
    for key in sorted(c.seen):
        print("  %s: %d" % (key, c.seen[key]))
    print("changes=%d" % done)


if __name__ == "__main__":
    main()

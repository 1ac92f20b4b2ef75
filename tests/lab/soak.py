#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""soak.py --control SOCKET --config YAML --pids DAEMON SIGNER FETCHER --seconds N --out DIR [--sipseal PROGRAM] [--progress]

Calls go on beside this: it changes trunks, reloads and captures all the while, looks every second at memory and counters,
and says in the end what grew and which packets have a reason that nothing explains.  Writes DIR/soak.csv; --progress: a line now and then to descriptor 3; status 1: not flat,
or something unexplained.

The first third is for warming up: caches fill, heaps find their size.  Of the rest a straight line is laid through the
resident memory of each process; what it rises by must stay below GROWTH.
"""
import argparse
import os
import re
import subprocess
import sys
import time

from churn import call

PROCESSES = "daemon", "signer", "fetcher"
GROWTH = 2048         # kB, from the end of the warm-up to the end, whatever the time between
# What calls, copies of them and neighbours come to.  Everything else is a fault, or has to be explained here.
XDP = {"not_ip", "forwarded", "kernel", "local", "no_neighbour", "steered", "in_dialog"}
SIGNER = {"signed", "retransmission", "in_dialog", "verified", "identity_missing", "reassembled", "not_invite",
          # CSeq 2 of a call whose first INVITE waited; the certificate is prefetched, and again after a reload
          "certificate_pending", "absorbed"}


def rss(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return int(re.search(r"^VmRSS:\s*(\d+)", f.read(), re.M)[1])


def rise(samples):
    """-> what the straight line through (x, y) rises by"""
    n = len(samples)
    mx, my = sum(x for x, _ in samples) / n, sum(y for _, y in samples) / n
    sxx = sum((x - mx) ** 2 for x, _ in samples)
    slope = sum((x - mx) * (y - my) for x, y in samples) / sxx if sxx else 0
    return slope * (samples[-1][0] - samples[0][0])


class Soak:
    def __init__(self, args):
        self.a, self.rows, self.n, self.begun = args, [], 0, time.monotonic()
        self.first = None
        self.refused = []
        self.done = dict.fromkeys(("trunks", "reloads", "certificates", "captures", "queries"), 0)
        self.capture = None
        self.teller = os.fdopen(3, "w") if args.progress else None

    def do(self, what, method, path, body=None, wanted=range(200, 300)):
        status, answer = call(self.a.control, method, path, body)
        self.done[what] += 1
        if status not in wanted:
            self.refused.append("%s %s: %d %s" % (method, path, status, answer.get("error", answer)))
        return answer

    # ---- what an operator does ----

    def trunk(self):
        name, step = "soak%d" % ((self.n - 1) // 3 % 40), (self.n - 1) % 3
        if step == 0:
            self.do("trunks", "POST", "/v1/trunks", {"name": name, "carrier.peers": ["192.0.2.%d:5060" % (self.n % 200 + 1)],
                                                     "attestation": "B", "default_country_code": "1"})
        elif step == 1:
            self.do("trunks", "PATCH", "/v1/trunks/" + name, {"attestation": "C", "max_cps": self.n})
        else:
            self.do("trunks", "DELETE", "/v1/trunks/" + name)

    def reload(self):
        with open(self.a.config, encoding="utf-8") as f:
            text = f.read()
        text = re.sub(r"^ *freshness_s: .*\n", "", text, flags=re.M)
        text = re.sub(r"^( *)- name: acme\n", r"\g<0>\1  freshness_s: %d\n" % (60 + self.n % 9), text, flags=re.M)
        with open(self.a.config + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(self.a.config + ".new", self.a.config)
        self.do("reloads", "POST", "/v1/config/reload")

    def capture_now(self):
        if self.capture and self.capture.wait(timeout=10):
            self.refused.append("capture: status %d" % self.capture.returncode)
        self.capture = subprocess.Popen([self.a.sipseal, "-s", self.a.control, "capture", "-w", self.a.out + "/soak.pcapng",
                                         "--seconds", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.done["captures"] += 1

    def operate(self):
        n = self.n = self.n + 1
        self.trunk()
        if n % 5 == 0:
            self.reload()
        if n % 7 == 0:
            self.do("certificates", "POST", "/v1/certificates/reload", {"trunk": "located"})
        if n % 10 == 3:
            self.capture_now()
        for path in "/v1/status", "/v1/trunks":
            self.do("queries", "GET", path)

    # ---- what it does to the gateway ----

    def sample(self):
        s = self.do("queries", "GET", "/v1/stats")
        reasons = s["signer"]["reasons"]
        row = {"s": time.monotonic() - self.begun, "signed": reasons["signed"], "verified": reasons["verified"],
               "missing": reasons["identity_missing"], "whole": s["signer"].get("datagrams_whole", 0),
               "held": s["signer"].get("fragments_held", 0), "lost": s["signer"]["frames_lost"]}
        for name, pid in zip(PROCESSES, self.a.pids):
            row[name] = rss(pid)
        self.rows.append(row)
        if self.first is None and row["s"] >= self.a.seconds / 3:
            self.first = s
        return s

    def progress(self):
        r = self.rows[-1]
        print("soak %4d/%d s  signed %d  verified %d  without Identity %d  reassembled %d  kB %s" % (
            r["s"], self.a.seconds, r["signed"], r["verified"], r["missing"], r["whole"],
            " ".join("%s %d" % (p, r[p]) for p in PROCESSES)), file=self.teller, flush=True)

    def run(self):
        while time.monotonic() - self.begun < self.a.seconds:
            self.operate()
            self.sample()
            if self.a.progress and self.n % 5 == 0:
                self.progress()
            time.sleep(max(0, self.begun + self.n - time.monotonic()))
        if self.capture:
            self.capture.wait(timeout=10)
        return self.sample()

    def unexplained(self, last):
        before = {i["name"]: i["packets"] for i in self.first["interfaces"]}
        for i in last["interfaces"]:
            for reason, n in i["packets"].items():
                if reason == "partial_checksum" and n <= 4 + i["packets_total"] // 4096:
                    continue  # one right checksum in 65,536 looks like one
                if reason not in XDP and n > before[i["name"]].get(reason, 0):
                    yield "%s %s %d" % (i["name"], reason, n - before[i["name"]].get(reason, 0))
        before = self.first["signer"]["reasons"]
        for reason, n in last["signer"]["reasons"].items():
            if reason not in SIGNER and n > before[reason]:
                yield "signer %s %d" % (reason, n - before[reason])
        for key in "frames_lost", "bad_completions", "send_errors", "restarts":
            if last["signer"][key]:
                yield "signer %s %d" % (key, last["signer"][key])
        if last["sums"]["ring_drops"] > self.first["sums"]["ring_drops"]:
            yield "ring_drops %d" % (last["sums"]["ring_drops"] - self.first["sums"]["ring_drops"])

    def write(self):
        with open(self.a.out + "/soak.csv", "w", encoding="ascii") as f:
            print(*self.rows[0], sep=",", file=f)
            for r in self.rows:
                print(*("%.1f" % r[k] if k == "s" else r[k] for k in r), sep=",", file=f)

    def judge(self, last):
        """-> what is wrong"""
        warm = [r for r in self.rows if r["s"] >= self.a.seconds / 3]
        wrong = list(self.unexplained(last)) + self.refused[:5]
        print("# %-8s %9s %9s %9s %9s" % ("memory", "start kB", "warm kB", "end kB", "rise kB"))
        for p in PROCESSES:
            grown = rise([(r["s"], r[p]) for r in warm])
            print("# %-8s %9d %9d %9d %9.0f" % (p, self.rows[0][p], warm[0][p], warm[-1][p], grown))
            if grown > GROWTH:
                wrong.append("%s grows: %.0f kB in %.0f s" % (p, grown, warm[-1]["s"] - warm[0]["s"]))
        print("# %.0f s: signed %d, verified %d, without Identity %d, reassembled %d; %s" % (
            self.rows[-1]["s"], *(self.rows[-1][k] for k in ("signed", "verified", "missing", "whole")),
            ", ".join("%d %s" % (n, k) for k, n in self.done.items())))
        return wrong


def main():
    p = argparse.ArgumentParser()
    for name in "control", "config", "out":
        p.add_argument("--" + name, required=True)
    p.add_argument("--sipseal", default="sipseal")
    p.add_argument("--pids", type=int, nargs=3, required=True)
    p.add_argument("--seconds", type=float, required=True)
    p.add_argument("--progress", action="store_true")
    soak = Soak(p.parse_args())
    last = soak.run()
    soak.write()
    wrong = soak.judge(last)
    for text in wrong:
        print("FAIL: " + text)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

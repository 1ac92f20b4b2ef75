#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Calls that wait for their certificate, and what overtakes them.

  park.py --prefix LAB --control SOCKET --key KEY.pem --server URL --sipseal PROGRAM SCENARIO

The server of URL answers /slowMS/chain.pem late.  Each scenario fails with what it saw instead.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import time

import incall
from incall import want


class Park:
    def __init__(self, args):
        self.lab, self.args = incall.Lab(args.prefix, args.control), args

    def invite(self, name, path, **keys):
        return incall.message(name, keys, {"key": self.args.key, "x5u": self.args.server + path})

    def cancel(self, invite, change=("", "")):
        """A CANCEL as RFC 3261 s9.1 makes it of @invite; @change: text in it and another."""
        lines = invite.decode("latin1").split("\r\n\r\n")[0].split("\r\n")
        keep = [line for line in lines if re.match(r"(Via|From|To|Call-ID|Max-Forwards):", line)]
        rows = [re.sub("^INVITE", "CANCEL", lines[0])] + keep + ["CSeq: 1 CANCEL", "Content-Length: 0"]
        return ("\r\n".join(rows) + "\r\n\r\n").replace(*change, 1).encode("latin1")

    def at_core(self, name):
        return self.lab.of(name, "core")

    def methods(self, name):
        return [x[2].method.decode() for x in self.at_core(name)]

    def wait_left(self, name, seconds, count=1):
        return self.lab.wait_for(lambda: len(self.at_core(name)) >= count, seconds)

    def result(self, name):
        return self.at_core(name)[0][2].value("x-stir-result").decode()

    def event(self, name):
        return self.lab.events([name]).get(name, {})

    # ---- scenarios: wait_ms is 400 ------------------------------------------------------------------
    def waits(self):
        """It waits until the certificate is there, no longer, and leaves once; copies of it are absorbed."""
        data = self.invite("waits", "/slow250/chain.pem")
        sent = self.lab.send(data)
        for _ in range(3):
            self.lab.linger(0.05)
            self.lab.send(data)
        want(not self.at_core("waits"), "it did not wait")
        want(self.wait_left("waits", 1), "it never left")
        ms = 1000 * (self.at_core("waits")[0][0] - sent)
        want(240 <= ms <= 450, "it waited for %d ms", ms)
        self.lab.linger(0.6)
        want(len(self.at_core("waits")) == 1, "%d INVITEs left", len(self.at_core("waits")))
        want(self.result("waits").startswith("STIR_VERIFIED;attest=A"), "result %s", self.result("waits"))
        self.lab.send(data)  # later: the same bytes once more
        want(self.wait_left("waits", 1, 2), "a later copy did not leave")
        want(self.at_core("waits")[1][2].data == self.at_core("waits")[0][2].data, "a later copy is another message")
        want(sum(e.get("call_id") == "waits" for e in map(incall.json.loads, self.lab.get("/v1/events").splitlines())) == 1,
             "not one event")
        # the second call finds it in the cache
        sent = self.lab.send(self.invite("second", "/slow250/chain.pem"))
        want(self.wait_left("second", 1), "the second call never left")
        ms = 1000 * (self.at_core("second")[0][0] - sent)
        want(ms < 200, "the second call waited for %d ms", ms)
        want(self.result("second").startswith("STIR_VERIFIED"), "result %s", self.result("second"))

    def too_slow(self):
        """wait_ms is over: it goes on without a verdict, at once and once."""
        data = self.invite("late", "/slow1500/chain.pem", pai="+12155551213")
        sent = self.lab.send(data)
        want(self.wait_left("late", 2), "it never left")
        ms = 1000 * (self.at_core("late")[0][0] - sent)
        want(390 <= ms <= 600, "it waited for %d ms", ms)
        want(self.result("late") == "STIR_FAILED;reason=certificate_pending", "result %s", self.result("late"))
        want(b"verstat" not in self.at_core("late")[0][2].data, "a verstat without a verdict")
        e = self.event("late")
        want((e.get("status"), e.get("reason"), e.get("response")) == ("STIR_FAILED", "certificate_pending", None), "event %s", e)
        self.lab.linger(1.8)
        want(len(self.at_core("late")) == 1, "it left %d times", len(self.at_core("late")))
        self.lab.send(self.invite("later", "/slow1500/chain.pem"))
        want(self.wait_left("later", 1) and self.result("later").startswith("STIR_VERIFIED"), "what came late is not kept")

    def never_refused(self):
        """Where all else is refused, a slow certificate is not."""
        self.lab.send(self.invite("strict", "/slow1400/chain.pem", src="10.66.2.11"), src="10.66.2.11")
        want(self.wait_left("strict", 2), "it never left")
        want(self.result("strict") == "STIR_FAILED;reason=certificate_pending", "result %s", self.result("strict"))
        want(not self.lab.of("strict", "carrier"), "it was answered")

    def cancelled(self):
        """The INVITE leaves first, then its CANCEL, both at once."""
        data = self.invite("gone", "/slow1300/chain.pem")
        self.lab.send(data)
        self.lab.linger(0.1)
        want(not self.at_core("gone"), "it did not wait")
        sent = self.lab.send(self.cancel(data))
        want(self.wait_left("gone", 1, 2), "it left as %s", self.methods("gone"))
        want(self.methods("gone") == ["INVITE", "CANCEL"], "it left as %s", self.methods("gone"))
        ms = 1000 * (self.at_core("gone")[1][0] - sent)
        want(ms < 150, "the CANCEL took %d ms", ms)
        want(self.at_core("gone")[1][2].data == self.cancel(data), "the CANCEL changed")
        self.lab.linger(0.6)
        want(self.methods("gone") == ["INVITE", "CANCEL"], "later it was %s", self.methods("gone"))
        e = self.event("gone")
        want(e.get("status") == "STIR_FAILED" and e.get("reason") == "certificate_pending", "event %s", e)

    def cancelled_other(self):
        """The CANCEL of another transaction releases nothing, and passes."""
        data = self.invite("stays", "/slow1200/chain.pem")
        self.lab.send(data)
        for i, change in enumerate((("branch=z9hG4bKstays", "branch=z9hG4bKother"), ("Call-ID: stays", "Call-ID: staying"),
                                    ("CSeq: 1 ", "CSeq: 2 "))):
            self.lab.send(self.cancel(data, change=change))
            want(self.lab.wait_for(lambda n=i: sum(x[2].method == b"CANCEL" for x in self.lab.arrived) > n, 0.3),
                 "CANCEL %s was lost", change)
            want("INVITE" not in self.methods("stays"), "released by CANCEL %s", change)
        self.lab.send(self.cancel(data), src="10.66.2.20")
        self.lab.linger(0.1)
        want("INVITE" not in self.methods("stays"), "released by a CANCEL of somebody else")
        want(self.lab.wait_for(lambda: "INVITE" in self.methods("stays"), 1), "it never left")

    def nobody_waits(self):
        """Emergency calls and callbacks do not wait; nor does anybody behind an INVITE that does."""
        path = "/slow1100/chain.pem"
        for name, keys in (("sos", {"ruri": "urn:service:sos", "to": "<urn:service:sos>", "dest_uri": "urn:service:sos"}),
                           ("n911", {"ruri": "sip:911@10.66.1.2", "to": "911", "dest": "911"}),
                           ("psap", {"row": "Priority: psap-callback"}), ("psap2", {"row": "priority : PSAP-Callback"}),
                           ("esnet", {"row": "Resource-Priority: wps.1, esnet.3"})):
            sent = self.lab.send(self.invite(name, path, **keys))
            want(self.wait_left(name, 1), "%s never left", name)
            ms = 1000 * (self.at_core(name)[0][0] - sent)
            want(ms < 200, "%s waited for %d ms", name, ms)
            want("certificate_pending" in self.result(name), "%s: result %s", name, self.result(name))
        self.lab.send(self.invite("first", "/slow1000/chain.pem"))
        for name, data in (("none", self.invite("none", path, id="none")), ("bad", self.invite("bad", path, id="nonsense"))):
            sent = self.lab.send(data)
            want(self.wait_left(name, 1), "%s never left", name)
            ms = 1000 * (self.at_core(name)[0][0] - sent)
            want(ms < 200 and not self.at_core("first"), "%s waited for %d ms", name, ms)
        want(self.wait_left("first", 1), "the first one never left")

    def changed(self):
        """While it waits the configuration changes, twice: it leaves as the newest one says."""
        self.lab.send(self.invite("moved", "/slow350/chain.pem"))
        self.lab.linger(0.05)
        for i in (1, 2):
            subprocess.run([self.args.sipseal, "-s", self.args.control, "trunk", "add", "more%d" % i, "attestation=B",
                            "carrier.peers=192.0.2.%d:5060" % i], check=True, capture_output=True)
        want(not self.at_core("moved"), "it did not wait for that long")
        want(self.wait_left("moved", 1), "it never left")
        want(self.result("moved").startswith("STIR_VERIFIED"), "result %s", self.result("moved"))

    def killed(self):
        """The signer dies while one waits: that one is lost, its next copy is not."""
        data = self.invite("killed", "/slow300/chain.pem")
        self.lab.send(data)
        self.lab.linger(0.05)
        old = self.signer()
        os.kill(old, signal.SIGKILL)
        self.lab.linger(0.4)
        want(not self.at_core("killed"), "it left")
        end = time.monotonic() + 10
        while self.signer() in (0, old) and time.monotonic() < end:
            time.sleep(0.1)
        for _ in range(40):  # the caller's copies
            self.lab.send(data)
            if self.wait_left("killed", 0.5):
                break
        want(self.at_core("killed"), "it never left")
        want(self.result("killed").startswith("STIR_VERIFIED"), "result %s", self.result("killed"))

    def signer(self):
        return incall.json.loads(self.lab.get("/v1/status"))["signer"]["pid"]

    def many(self):
        """More than there is room for: each leaves once, in time."""
        names = ["many%d" % i for i in range(700)]
        datas = [self.invite(n, "/slow900/chain.pem") for n in names]
        sent = {}
        for name, data in zip(names, datas):
            sent[name] = self.lab.send(data)
            self.lab.linger(0.0005)  # a burst would be capped by XDP
        self.lab.linger(1.5)
        counts = {n: len(self.at_core(n)) for n in names}
        lost = [n for n in names if counts[n] != 1]
        want(not lost, "%d did not leave once: %s ...", len(lost), [(n, counts[n]) for n in lost[:3]])
        longest = max(self.at_core(n)[0][0] - sent[n] for n in names)
        want(longest < 0.7, "one waited for %d ms", 1000 * longest)


def main():
    p = argparse.ArgumentParser()
    for name in ("prefix", "control", "key", "server", "sipseal"):
        p.add_argument("--" + name, required=True)
    p.add_argument("scenario")
    args = p.parse_args()
    park = Park(args)
    try:
        getattr(park, args.scenario)()
    except incall.Wrong as e:
        for when, ns, m, _, _ in park.lab.arrived[:20]:
            print("%.3f %s %s %s %s" % (when, ns, m.start, m.value("call-id"), m.value("x-stir-result")))
        sys.exit("FAIL: %s: %s" % (args.scenario, e))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: BSD-2-Clause
"""What verifying costs: CPU per call, and how long calls take, alone and while others ask bad servers for certificates.

A server of certificates stands in the carrier's network; the chain is leaf and intermediate, its root is the anchor.
"""
import contextlib
import json
import os
import statistics
import subprocess
import time

from benchlab import CPU_LOAD, CPU_SIGNER, O, QUICK, TOP, Lab, Stolen, is_fair, json_lines, on_cpu, say
from figures import Figure

CORE, GOOD, OTHERS, PLAIN = "10.66.1.2", "10.66.2.2", "10.66.2.3", "10.66.2.4"
WEB = "https://%s:8443" % GOOD
X5U = WEB + "/chain.pem"
# hangs, a byte a second, refuses connections, 404; no INVITE has the URL of another
BAD = [WEB + "/hang/*", WEB + "/drip/*", "https://%s:8449/*.pem" % GOOD, WEB + "/u/*.pem"]

RATE = 30000             # more than a core can verify
CALLS = 12000 if QUICK else 30000
WARM_CALLS = 25000       # while they come, the key gets its table
ROUNDS = 2 if QUICK else 9
BAD_ROUNDS = 1 if QUICK else 9
PROCESSES = 1 if QUICK else 3
GOOD_RATE, GOOD_CALLS = 500, 400 if QUICK else 1000
BAD_RATE = 300           # each waits for wait_ms
BAD_AHEAD_S = 0.7        # until as many wait as will
PAIR_RATE, PAIRS = 16, 6 if QUICK else 16       # 8 URLs/s: the budget of a trunk is 10
PAIR_ROUNDS = 1 if QUICK else 3
WAIT_MS = 400

VERIFIED = "verified INVITE"
IN_PROCESS = "verified INVITE, in process"
NO_TABLE = "verified INVITE, key that comes rarely"
LOOKUP = "certificate look-up, 32,768 known"
MEMORY = "memory of 32,768 certificates"
P99 = "good calls beside bad servers, p99"
P50 = "good calls beside bad servers, p50"
FIRST = "first call with a certificate"
SECOND = "second call with a certificate"
SECOND_PLAIN = "second call, beside the fast path"

FLOOD = ("poll, saturated: %s INVITEs/s that were signed before, one certificate whose key has a table; "
         "core's NIC drops in native XDP, in a kernel thread of its own" % format(RATE, ","))
POLL = "poll; real receiver, its kernel's time stamp"
FIGURES = [
    Figure(VERIFIED, "us CPU", "raw P-256 verification", 1.10, 1.05, setting=FLOOD, main=True),
    Figure(IN_PROCESS, "us CPU", "raw P-256 verification", 1.10, 1.05,
           setting="from ring to ring without the kernel, 1,536 certificates of one key, which has a table"),
    Figure(NO_TABLE, "us CPU", "raw P-256 verification", setting="in process; the key is known, but has no table"),
    Figure(LOOKUP, "us", "limit", 1.0),
    Figure(MEMORY, "MiB", "limit", 1.0),
    Figure(P99, "us", "without bad servers", 1.2, setting=POLL),
    Figure(P50, "us", "without bad servers", setting=POLL),
    Figure(FIRST, "ms", "wait_ms", 1.0, setting=POLL),
    Figure(SECOND, "us", "signed INVITE", setting=POLL),
    Figure(SECOND_PLAIN, "us", "forwarded by the kernel", setting=POLL),
]

TRUNK = """
  - name: %s
    carrier: { peers: ["%s:5060"] }
    attestation: A
    default_country_code: "1"
    pai: { mode: set, domain: example.net }
    verification: { enabled: %s, wait_ms: %d }
"""
CONFIG = """
fetch: { https_ca: %(dir)s/web.pem, allow_private_addresses: true, cache_dir: "" }
trunks:""" + "".join(TRUNK % (name, peer, str(peer != PLAIN).lower(), WAIT_MS)
                     for name, peer in (("good", GOOD), ("others", OTHERS), ("plain", PLAIN)))


class Inbound(Lab):
    """A gateway that verifies, a server of certificates; nothing drops what arrives unless drop() is the context."""
    anchors = "trust_anchors: root.pem"

    def __init__(self, name):
        super().__init__(name, CONFIG)

    def sinks(self):
        pass

    def before_daemon(self):
        d = self.tmp.name
        os.chmod(d, 0o711)       # sipseal-fetcher runs as somebody else
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-keyout", d + "/web.key", "-out", d + "/web.pem", "-days", "2", "-subj", "/CN=web",
                        "-addext", "subjectAltName=IP:" + GOOD], check=True, stderr=subprocess.DEVNULL)
        for address in OTHERS, PLAIN:
            self.ip("carrier", "addr", "add", address + "/24", "dev", "carr0")
        server = self.spawn("carrier", ["python3", TOP + "/tests/lab/certserver.py", "--root", d + "/sti", "--log",
                                        d + "/web.log", "--tls", d + "/web.pem", d + "/web.key", ":8443"], "ready")
        for tid in os.listdir("/proc/%d/task" % server.pid):
            os.sched_setaffinity(int(tid), {CPU_LOAD})

    @contextlib.contextmanager
    def drop(self):
        """what the core's NIC receives is dropped, and is the work of a thread beside the generator, not the signer's"""
        p = self.spawn("core", [O + "/bench/xdpdrop", "core0"], "ready")
        try:
            self.thread_napi("core", "core0", CPU_LOAD)
            yield
        finally:
            self.procs.remove(p)
            self.end(p)

    def load(self, port, count, rate=RATE, src=GOOD, x5u=(X5U,), repeat=1, is_ahead=False):
        cmd = [O + "/bench/sipflood", "--from", src, "--to", "%s:%d" % (CORE, port), "--count", str(count), "--rate",
               str(rate), "--repeat", str(repeat), "--key", self.tmp.name + "/sti/key.pem"]
        for url in x5u:
            cmd += ["--x5u", url]
        if is_ahead:
            cmd += ["--ahead"]
        return self.in_ns("carrier", *cmd, stdout=subprocess.DEVNULL, preexec_fn=on_cpu(CPU_LOAD))

    def received(self):
        """frames that the core's NIC was sent"""
        out = subprocess.run(["ip", "-n", self.prefix + "-core", "-s", "-j", "link", "show", "core0"], check=True,
                             capture_output=True, text=True).stdout
        return json.loads(out)[0]["stats64"]["rx"]["packets"]

    def verify_us(self, calls=CALLS):
        """CPU of the signer per INVITE that it verifies; None where others kept it off its processor for too long"""
        arrived = self.received()
        cpu, _, frames = self.flood(5060, calls, is_ahead=True)
        arrived = self.received() - arrived
        if frames.pop("stale_frame", 0):
            return None
        n = frames.get("verified", 0)
        if set(frames) != {"verified"} or n < calls / 4 or not n <= arrived <= n + 10:
            raise SystemExit("bench: inbound: %s, %d frames arrived" % (frames, arrived))
        return cpu / n

    def latency(self, src, count, rate, x5u=None, each=1, expect=None):
        """-> microseconds by call, in the order they were sent; from the core or from the carrier"""
        sides = [("core", CORE), ("carrier", src if src != CORE else GOOD)]
        (from_ns, _), (to_ns, to) = sides if src == CORE else sides[::-1]
        cmd = [O + "/bench/siplatency", "--from-ns", self.netns(from_ns), "--from", src, "--to-ns", self.netns(to_ns),
               "--to", to + ":5060", "--count", str(count), "--rate", str(rate), "--wait", "100"]
        if x5u:
            cmd += ["--key", self.tmp.name + "/sti/key.pem", "--x5u", x5u, "--each", str(each)]
        if expect:
            cmd += ["--expect", expect]
        out = subprocess.run(cmd, check=True, capture_output=True, text=True, preexec_fn=on_cpu(CPU_LOAD)).stdout
        r = json.loads(out)
        if r["as_expected"] != count:
            raise SystemExit("bench: %d INVITEs, %d arrived, %d as expected: %s" % (
                count, r["arrived"], r["as_expected"], self.signer()["reasons"]))
        return r["us"]

    def netns(self, ns):
        return "/run/netns/%s-%s" % (self.prefix, ns)

    def warm(self):
        self.cli("cert", "prefetch", X5U)
        end = time.monotonic() + 5
        while not any(e["x5u"] == X5U and e["state"] == "good"
                      for e in json.loads(self.cli("-j", "cert", "cache", "list"))["entries"]):
            if time.monotonic() > end:
                raise SystemExit("bench: the certificate does not come")
            time.sleep(0.05)


def bench_verify(*names):
    cmd = [O + "/bench/bench_verify", "--quick"] + [a for name in names for a in ("--only", name)]
    out = subprocess.run(cmd, capture_output=True, text=True, check=True, preexec_fn=on_cpu(CPU_SIGNER)).stdout
    return {x["name"]: x for x in json_lines(out)}


def measure_process(res):
    for _ in range(PROCESSES):
        with Stolen() as stolen:
            of = bench_verify("raw", "call_in_worker", "call_in_worker_plain", "lookup")
        if not is_fair(res, stolen, "verified INVITE in process %.1f us" % of["call_in_worker"]["us"]):
            continue
        for name, v in ((IN_PROCESS, of["call_in_worker"]), (NO_TABLE, of["call_in_worker_plain"])):
            res.add(name, v["us"], v["us"] / v["ratio_to_raw"])   # the median of its own rounds
        res.add(LOOKUP, of["lookup"]["us"], 2.0)
    res.add(MEMORY, of["memory"]["bytes_per_entry"] * of["memory"]["entries"] / (1 << 20), 1024)


def raw_beside_load(lab):
    """a raw verification beside the same INVITEs of a trunk that does not verify, which stay in the kernel"""
    p = lab.load(5060, 1000, src=PLAIN, repeat=60 * RATE // 1000, is_ahead=True)
    try:
        return bench_verify("raw")["raw"]["us"]
    finally:
        p.terminate()
        p.wait()


def measure_cpu(res, lab):
    lab.verify_us(WARM_CALLS)
    for i in range(ROUNDS):
        with Stolen() as stolen:
            raw, ours = raw_beside_load(lab), lab.verify_us()
        text = "round %d of %d: verified INVITE %.1f us, raw %.1f us" % (i + 1, ROUNDS, ours or 0, raw)
        if is_fair(res, stolen, text, None if ours else "the signer was kept off its processor"):
            res.add(VERIFIED, ours, raw)


def measure_chain(res, lab):
    """URLs that nobody has seen, twice each; then calls that sipseal signs, and such as it does not touch"""
    for _ in range(PAIR_ROUNDS):
        with Stolen() as stolen:
            pairs = lab.latency(GOOD, 2 * PAIRS, PAIR_RATE, WEB + "/any/*", 2, "STIR_VERIFIED")
            signed = statistics.median(lab.latency(CORE, PAIRS, PAIR_RATE, expect="\r\nIdentity: "))
            plain = statistics.median(lab.latency(PLAIN, PAIRS, PAIR_RATE))
        first, second = (statistics.median(pairs[i::2]) for i in (0, 1))
        text = "first call %.1f ms, second %.0f us, signed %.0f us, forwarded %.0f us" % (
            first / 1000, second, signed, plain)
        if not is_fair(res, stolen, text):
            continue
        res.add(FIRST, first / 1000, WAIT_MS)
        res.add(SECOND, second, signed)
        res.add(SECOND_PLAIN, second, plain)


def good_calls(lab, others=None):
    """-> (p50, p99, how many others began to wait) of good calls, beside others with these URLs"""
    load = lab.load(5060, 60 * BAD_RATE, BAD_RATE, OTHERS, others) if others else None
    try:
        if load:
            time.sleep(BAD_AHEAD_S)
        waited = lab.signer()["parked_ever"]
        us = sorted(lab.latency(GOOD, GOOD_CALLS, GOOD_RATE, X5U, expect="STIR_VERIFIED"))
        waited = lab.signer()["parked_ever"] - waited
    finally:
        if load:
            load.terminate()
            load.wait()
            time.sleep(WAIT_MS / 1000 + 0.1)     # who waits has left
    return us[len(us) // 2], us[len(us) * 99 // 100], waited


def measure_bad(res, lab):
    for i in range(BAD_ROUNDS):
        with Stolen() as stolen:
            got = {bool(bad): good_calls(lab, bad) for bad in ([None, BAD] if i % 2 else [BAD, None])}
        (alone50, alone99, _), (bad50, bad99, waited) = got[False], got[True]
        text = "round %d of %d: p99 %.0f us alone, %.0f us while %d others waited" % (
            i + 1, BAD_ROUNDS, alone99, bad99, waited)
        if is_fair(res, stolen, text):
            res.add(P99, bad99, alone99)
            res.add(P50, bad50, alone50)


def measure(res):
    say("verification in process")
    measure_process(res)
    with Inbound("i") as lab:
        lab.pin_signer()
        lab.warm()
        say("calls with a chain that has to be fetched")
        measure_chain(res, lab)
        say("good calls beside bad servers, %d rounds" % BAD_ROUNDS)
        measure_bad(res, lab)
        say("signer that verifies, %d rounds" % ROUNDS)
        with lab.drop():
            measure_cpu(res, lab)

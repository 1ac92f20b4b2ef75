# SPDX-License-Identifier: BSD-2-Clause
"""The signer in saturation: what an INVITE costs it, how many it signs, on one core and on two.

More is offered than it can take, so that its ring is never empty, and it spins: CPU and counters are read twice while
that goes on, and all that lies between was spent on INVITEs.  Afterwards what it says it has sent is compared with
what arrived at the far end.  The raw signature is measured in turn, on the same processor, beside the same load; the
signer is stopped meanwhile, for one that spins would take half of it.
"""
import os
import signal
import subprocess
import time
from contextlib import contextmanager

from benchlab import CPU_LOAD, CPU_SIGNER, O, QUICK, Lab, Stolen, is_fair, json_lines
from figures import Figure

TRUNK = """
  - name: %s
    carrier: { peers: ["10.66.2.2:%d"] }
    attestation: A
    default_country_code: "1"
    pai: { mode: set, domain: example.net }
"""
LOCATION = """    extras:
      geolocation:
        default_civic_address: { country: US, region: CA, city: San Francisco, street: 1 Market Street, postal: 94105 }
        attach: always
"""
PLAIN, PLACED, NOBODY = 5060, 5062, 5999
TRUNKS = "trunks:" + TRUNK % ("plain", PLAIN) + TRUNK % ("location", PLACED) + LOCATION
PATIENT = "  heartbeat_ms: 10000\n"     # for a signer that is stopped

RATE = 60000             # INVITEs/s: more than a core signs
COPIES_RATE = 150000     # of retransmissions: more leaves the gateway's receiving no time on the generator's processor
COPIES = 64
APART = 200              # INVITEs between two copies
TWO_RATE = 45000         # on each of two cores, which the generator shares
RING = 1024              # frames that wait for one worker at most: its share of the default umem_frames
WINDOW_S = 0.3 if QUICK else 0.5
RAMP_S = 0.1
LOST_MAX = 0.01          # of the frames, at the far end, while its processor is away for some milliseconds
ROUNDS = 3 if QUICK else 15
ROUNDS_COPIES, ROUNDS_TWO = (3, 3) if QUICK else (9, 12)
OFFERED = [20000, 35000, 50000] if QUICK else [5000, 10000, 20000, 30000, 35000, 40000, 50000, 60000]
SWEEPS = 1 if QUICK else 3

NEW, PLACE, COPY = "signed INVITE", "signed INVITE with location", "retransmitted INVITE"
ONE = "signed INVITEs per second, one worker"
TWO, TWO_CLOCK = "two workers, per CPU second", "two workers, by the clock"
RAW = "raw P-256 signature"
SINK = "far end drops in XDP, in a kernel thread of its own on the generator's processor"
SETTING = "spin, saturated: %s/s offered; " + SINK
FIGURES = [
    Figure(NEW, "us CPU", RAW, 1.20, 1.12, main=True,
           setting="742 bytes, Identity + PAI + Date; " + SETTING % "60,000"),
    Figure(PLACE, "us CPU", RAW, 1.35, 1.25, main=True, setting="two frames out; " + SETTING % "60,000"),
    Figure(COPY, "us CPU", "new INVITE", 0.15, 0.10, main=True,
           setting="poll, 150,000/s in bursts of 300, %d of each, %d INVITEs apart; the new one saturated; %s" % (
               COPIES, APART, SINK)),
    Figure(ONE, "per s", "raw signatures", 0.80, 0.88, at_least=True, main=True,
           setting="by the clock, signer alone on its core; " + SETTING % "60,000"),
    Figure(TWO, "per CPU s", "raw signatures, two threads", 0.85, 0.92, at_least=True, main=True,
           setting="two queues, the generator shares both cores; " + SETTING % "2 x 45,000"),
    Figure(TWO_CLOCK, "per s", "raw signatures, two threads", at_least=True,
           setting="the same by the clock, what generator and sink take included"),
]


class Unsteady(Exception):
    """what happened that makes a round useless"""


class Flooded(Lab):
    """A gateway in saturation, and what it spends there."""

    def __init__(self, name, idle, workers=1):
        super().__init__(name, TRUNKS, idle=idle, workers=workers, gateway=PATIENT)
        self.cpus = [CPU_SIGNER] if workers == 1 else [CPU_LOAD, CPU_SIGNER]
        self.sources = [CPU_LOAD] if workers == 1 else [CPU_LOAD, CPU_SIGNER]

    def sinks(self):
        super().sinks()
        self.pid = self.signer("status")["pid"]
        self.pin_signer(self.cpus)
        for tid in os.listdir("/proc/%d/task" % self.daemon.pid):
            os.sched_setaffinity(int(tid), {CPU_LOAD})
        for tid in self.thread_napi("carrier", "carr0", *self.sources):
            # a full ring of the far end would be a wire that loses
            os.sched_setscheduler(tid, os.SCHED_FIFO, os.sched_param(2))

    def cpu_ns(self):
        """of the signer's process, exact: schedstat is as old as the last tick"""
        return time.clock_gettime_ns((~self.pid << 3) | 2)

    def sample(self):
        """-> counters, with "cpu" and "at" in seconds of the moment when they were read"""
        best = None
        for _ in range(10):
            before = time.monotonic_ns(), self.cpu_ns()
            stats = self.api("GET", "/v1/stats")["signer"]
            after = time.monotonic_ns(), self.cpu_ns()
            took = after[0] - before[0]
            if best is None or took < best[0]:
                best = took, dict(stats, at=(before[0] + after[0]) / 2e9, cpu=(before[1] + after[1]) / 2e9)
            if took < 1500000:
                break
        if best[0] > 10 * 1000000:
            raise Unsteady("the gateway took long to tell its counters")
        return best[1]

    def arrived(self):
        """-> frames that the far end saw, and those that its ring had no room for"""
        return self.veth("carrier", "carr0", "rx_xdp_packets")[0], self.link("gw", "gwp0")["stats64"]["tx"]["dropped"]

    @contextmanager
    def generator(self, port, rate, copies=1):
        """INVITEs that go on while this is the context; then, in the dictionary: "each", what every generator said"""
        said = {}
        # at once: a ring that it leaves alone is empty in some milliseconds
        blasts = [self.blast(port, rate=rate, repeat=copies, apart=APART if copies > 1 else 1, cpu=cpu, priority=1)
                  for cpu in self.sources]
        try:
            yield said
        finally:
            said["each"] = [self.end_blast(p) for p in blasts]

    def settle(self, start, before, frames):
        """Wait until all that was sent has arrived; it is an error if it does not."""
        for _ in range(50):
            time.sleep(0.02)
            end = self.sample()
            sent = frames * (end["sent_xsk"] - start["sent_xsk"])
            got, lost = (now - then for now, then in zip(self.arrived(), before))
            if got + lost >= sent:
                break
        # a few more: neighbours and routers are asked for
        if not 0 <= got + lost - sent < 20 or end["sent_raw"] != start["sent_raw"]:
            raise SystemExit("bench: the signer sent %d frames, %d arrived, %d got lost" % (sent, got, lost))
        if lost > LOST_MAX * sent:
            raise Unsteady("the far end lost frames")
        return end

    def check(self, start, end, frames):
        """Every INVITE ended as it should, and with so many frames."""
        done = delta(start, end)
        strange = {k: n for k, n in done["reasons"].items() if n and k not in ("signed", "retransmission")}
        if strange or end["frames_lost"] or done["signatures"] != done["signed"]:
            raise SystemExit("bench: signed %d, %s" % (done["signed"], strange))
        if done["sent_xsk"] != done["all"] or done["sent_fragments"] != (frames * done["all"] if frames > 1 else 0):
            raise SystemExit("bench: %d INVITEs, %d datagrams and %d fragments sent" % (
                done["all"], done["sent_xsk"], done["sent_fragments"]))

    def flood(self, port, rate, copies=1, frames=1, is_full=True):
        """-> what the signer did in a window of the flood, and "offered", per second"""
        arrived, start = self.arrived(), self.sample()
        with self.generator(port, rate, copies) as said:
            ramp(self, start)
            a = self.sample()
            time.sleep(WINDOW_S)
            b = self.sample()
        self.check(start, self.settle(start, arrived, frames), frames)
        done = delta(a, b)
        done["offered"] = sum(x["sent"] / x["seconds"] for x in said["each"])
        gap_s = max(x["gap_ms"] for x in said["each"]) / 1000
        each = done["all"] / done["at"] / self.workers
        if is_full and (gap_s * each > RING or done["offered"] < 1.05 * each * self.workers):
            raise Unsteady("the generator paused")
        return done

    def raw(self, rate=RATE):
        """a raw signature, of bench_sign, beside INVITEs of no trunk, which stay in the kernel"""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            with self.generator(NOBODY, rate):
                time.sleep(RAMP_S)
                cmd = [O + "/bench/bench_sign", "--raw", "--quick"]
                cmd = ["taskset", "-c", str(CPU_SIGNER)] + cmd if self.workers == 1 else cmd + ["--threads", "2"]
                out = subprocess.run(cmd, capture_output=True, text=True, check=True).stdout
        finally:
            os.kill(self.pid, signal.SIGCONT)
        return json_lines(out)[0]


def ramp(lab, start):
    for _ in range(30):
        time.sleep(RAMP_S)
        if lab.sample()["signatures"] - start["signatures"] > 500:
            return
    raise SystemExit("bench: nothing is signed")


def delta(a, b):
    """-> what lies between two samples"""
    d = {k: b[k] - a[k] for k in ("at", "cpu", "signatures", "sent_xsk", "sent_fragments", "send_errors")}
    d["reasons"] = {k: n - a["reasons"][k] for k, n in b["reasons"].items()}
    d["signed"] = d["reasons"]["signed"]
    d["all"] = sum(d["reasons"].values())
    return d


def us_each(done, of="all"):
    return done["cpu"] * 1e6 / done[of]


def one_round(lab):
    """-> [(figure, ours, peer)]"""
    raw, new = lab.raw(), lab.flood(PLAIN, RATE)
    placed, again = lab.flood(PLACED, RATE, frames=2), lab.raw()
    raw_us = (raw["mean_us"] + again["mean_us"]) / 2
    return [(NEW, us_each(new), raw_us), (PLACE, us_each(placed), raw_us),
            (ONE, new["signed"] / new["at"], (raw["per_s"] + again["per_s"]) / 2)]


def copies_round(lab):
    """Copies come in bursts to a signer that polls: it sleeps between them, and one wake-up is shared by 300."""
    new, copy = lab.flood(PLAIN, RATE), lab.flood(PLAIN, COPIES_RATE, copies=COPIES, is_full=False)
    us = us_each(new)
    return [(COPY, (copy["cpu"] * 1e6 - copy["signed"] * us) / (copy["all"] - copy["signed"]), us)]


def two_round(lab):
    raw, done = lab.raw(TWO_RATE), lab.flood(PLAIN, TWO_RATE)
    return [(TWO, 2 * done["signed"] / done["cpu"], 2e6 / raw["mean_us"]),
            (TWO_CLOCK, done["signed"] / done["at"], raw["per_s"])]


def rounds(res, lab, count, measure_round):
    for i in range(count):
        rows, why = [], None
        with Stolen() as stolen:
            try:
                rows = measure_round(lab)
            except Unsteady as e:
                why = str(e)
                time.sleep(RAMP_S)     # all of it arrives
        text = "round %d of %d: " % (i + 1, count) + ", ".join("%s %.3g / %.3g" % row for row in rows)
        if is_fair(res, stolen, text, why):
            for row in rows:
                res.add(*row)


def sweep(res, lab):
    """what is signed of what is offered"""
    points = []
    with Stolen() as stolen:
        for rate in OFFERED:
            try:
                done = lab.flood(PLAIN, rate, is_full=False)
            except Unsteady:
                continue
            signed, offered = done["signed"] / done["at"], done["offered"]
            points.append({"offered": rate, "signed": signed, "dropped": max(offered - signed, 0), "mode": lab.idle})
        raw = lab.raw(OFFERED[-1])["per_s"]
    text = "%s: " % lab.idle + ", ".join("%d/s of %d" % (p["signed"], p["offered"]) for p in points)
    if is_fair(res, stolen, text):
        res.series.setdefault("throughput", []).extend(points)
        res.series.setdefault("raw_per_s", []).append(raw)


def measure(res):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {CPU_LOAD})
    try:
        with Flooded("s", "spin") as lab:
            lab.flood(PLAIN, RATE)    # warm
            rounds(res, lab, ROUNDS, one_round)
            for _ in range(SWEEPS):
                sweep(res, lab)
        with Flooded("p", "poll") as lab:
            rounds(res, lab, ROUNDS_COPIES, copies_round)
            for _ in range(SWEEPS):
                sweep(res, lab)
        with Flooded("t", "spin", 2) as lab:
            rounds(res, lab, ROUNDS_TWO, two_round)
    finally:
        os.sched_setaffinity(0, before)

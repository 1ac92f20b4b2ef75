# SPDX-License-Identifier: BSD-2-Clause
"""What a gateway costs by the number of its trunks: start, memory, a change, a call.

Gateways with 10 to 100,000 trunks stand side by side, all signers on one processor, and all of them are flooded
at once: the scheduler changes between them every few milliseconds, so that whatever the machine does meets all
alike.  In turns of half a second the ratio of two of them varied ten times as much.  INVITEs are spread at random
over all trunks of a gateway, and over the ten ranges of numbers of each.
"""
import contextlib
import os
import statistics
import subprocess
import time

import mktrunks
from benchlab import CPU_LOAD, CPU_SIGNER, O, QUICK, RATE, Lab, Stolen, cpu_us, is_fair, json_lines, on_cpu, say
from figures import Figure

FEW, MANY = 10, 100000
BETWEEN = [100, 1000, 10000]
SIZES = [FEW] + ([] if QUICK else BETWEEN) + [MANY]
ROUNDS = 7 if QUICK else 21
FLOOD_S = 0.6 if QUICK else 1.0
CHANGES = 10 if QUICK else 30
CHANGE_LIMIT_MS = 100
START_LIMIT_S = 90       # what systemd gives a service to be ready (DefaultTimeoutStartSec)
MEMORY_LIMIT_MIB = 1024
TRIES = 2                # of the look-ups, if the hypervisor disturbs the first
EMPTY_S = 0.3            # until the rings are empty, which are full at the end of a flood
BACKGROUND = 300         # calls per second while trunks are added


def cost_name(size):
    return "signed INVITE, %s trunks" % format(size, ",")


COST = cost_name(MANY)
WHOLE = "INVITE, 100,000 trunks, 1,000,000 ranges"
FLOOD = "%s INVITEs/s offered to %d gateways at once, whose signers share a processor; far ends drop in XDP" % (
    format(RATE, ","), len(SIZES))
ADD = "under %d calls/s" % BACKGROUND
RELOAD, RELOADED = "reload, 1 of 100,000 gone", "memory after a reload"
MATCH = "BPF_PROG_TEST_RUN, once per frame, another trunk each time"
HOT = "in process, trunk and number at random"
PARTS = [
    Figure("match by core address", "ns", "10 trunks", setting=MATCH),
    Figure("match by carrier peer", "ns", "10 trunks", setting=MATCH),
    Figure("policy look-up, 10 ranges a trunk", "ns", "10 trunks", setting=HOT),
    Figure("policy look-up, ranges of 1 trunk", "ns", "10 ranges", setting=HOT),
    Figure("engine without signature", "ns", "10 trunks", setting=HOT),
    Figure("engine, ranges of 1 trunk", "ns", "10 ranges", setting=HOT),
]
FIGURES = [
    Figure(WHOLE, "us", "10 trunks, 100 ranges", 1.10, 1.05, main=True,
           setting="CPU of the signer as in the rows below, and of the NIC's kernel thread, which runs XDP"),
] + [
    Figure(cost_name(s), "us CPU", "10 trunks", setting=FLOOD, full_only=True) for s in BETWEEN
] + [
    Figure(COST, "us CPU", "10 trunks", 1.10, 1.05, setting=FLOOD),
    Figure("start with 100,000 trunks", "s", "limit", 1.0),
    Figure(RELOAD, "s", "start", full_only=True),
    Figure("memory with 100,000 trunks", "MiB", "limit", 1.0),
    Figure(RELOADED, "MiB", "limit", 1.0, full_only=True),
    Figure("kernel memory of match tables", "MiB", "limit", 1.0),
    Figure("trunk add beside 100,000, API", "ms", "limit", 1.0, setting=ADD),
    Figure("trunk add beside 100,000, CLI", "ms", "limit", 1.0, setting=ADD),
    Figure("trunk add beside 10, API", "ms", "limit", 1.0, setting=ADD),
    Figure("trunk add beside 10, CLI", "ms", "limit", 1.0, setting=ADD),
] + PARTS


class Trunks(Lab):
    """A gateway with so many trunks in files."""

    def __init__(self, size):
        self.size = size
        super().__init__("n%d" % size, mktrunks.DEFAULTS, lambda d: mktrunks.write(d, size))

    def pin(self):
        self.pin_signer()
        # what it receives is billed to a thread of its own, not to the generator
        self.napi = self.thread_napi("gw", "gwc0", CPU_LOAD)

    def received(self):
        """-> CPU microseconds of receiving, frames"""
        return sum(cpu_us(tid) for tid in self.napi), self.veth("gw", "gwc0", "rx_xdp_packets")[0]

    def kernel_mib(self):
        """of every BPF map that the daemon holds"""
        maps = {}
        directory = "/proc/%d/fdinfo" % self.daemon.pid
        for fd in os.listdir(directory):
            with open(directory + "/" + fd) as f:
                v = dict(line.split(":", 1) for line in f if ":" in line)
            if "map_id" in v:
                maps[v["map_id"].strip()] = int(v["memlock"])
        return sum(maps.values()) / (1 << 20)


def measure_start(res, lab):
    """the first start, which makes the trunks' origids, too; then others on the same files"""
    for i in range(1 if QUICK else 3):
        if i:
            lab.stop_daemon()
            lab.start_daemon()
        res.add("start with 100,000 trunks", lab.load_s, START_LIMIT_S)
        say("start with %d trunks: %.1f s" % (lab.size, lab.load_s))


def measure_memory(res, lab):
    res.add("memory with 100,000 trunks", lab.memory(), MEMORY_LIMIT_MIB)
    res.add("kernel memory of match tables", lab.kernel_mib(), MEMORY_LIMIT_MIB)


def call_of(lab, t):
    """one INVITE of trunk t"""
    if lab.load(5060, 1, trunks=1, first=t).wait(timeout=10):
        raise SystemExit("bench: sipflood failed")


def add_by_api(lab, t):
    start = time.monotonic()
    lab.api("POST", "/v1/trunks", mktrunks.trunk(t))
    return (time.monotonic() - start) * 1000


def add_by_cli(lab, t):
    x = mktrunks.trunk(t)
    args = ["trunk", "add", x["name"], "carrier.peers=" + x["carrier"]["peers"][0],
            "core.peers=" + x["core"]["peers"][0], "numbers=" + ",".join(x["numbers"])]
    start = time.monotonic()
    lab.cli(*args)
    return (time.monotonic() - start) * 1000


def is_live(lab, t, calls):
    """has trunk t signed so many calls?"""
    path = "/v1/trunks/" + mktrunks.trunk(t)["name"]
    end = time.monotonic() + 2
    while time.monotonic() < end:
        got = lab.api("GET", path)["state"]["calls"]
        if got["signed"] == calls:
            return True
        time.sleep(0.01)
    say("trunk %d: %s" % (t, got))
    return False


def measure_change(res, lab, how, add, t):
    ms = add(lab, t)
    call_of(lab, t)
    if not is_live(lab, t, 1):
        raise SystemExit("bench: the call after a trunk was added is not signed by it")
    lab.api("DELETE", "/v1/trunks/" + mktrunks.trunk(t)["name"])
    res.add("trunk add beside %s, %s" % (format(lab.size, ","), how), ms, CHANGE_LIMIT_MS)


def measure_changes(res, labs):
    """Under load: each trunk is added right after one was removed, and goes when it has signed the next call."""
    ways = ("API", add_by_api), ("CLI", add_by_cli)
    loads = [lab.load(5060, 3600 * BACKGROUND, rate=BACKGROUND, trunks=lab.size - 1) for lab in (labs[FEW], labs[MANY])]
    try:
        for i in range(CHANGES):
            for lab in labs[FEW], labs[MANY]:
                for k, (how, add) in enumerate(ways):
                    measure_change(res, lab, how, add, lab.size + 2 * i + k)
    finally:
        for p in loads:
            p.terminate()
            p.wait()


def measure_reload(res, lab):
    """one of the files has gone; after it there is room for another trunk"""
    os.unlink("%s/trunks.d/trunk-%06d.yaml" % (lab.tmp.name, lab.size - 1))
    start = time.monotonic()
    lab.cli("config", "reload")
    res.add(RELOAD, time.monotonic() - start, lab.load_s)
    res.add(RELOADED, lab.memory(), MEMORY_LIMIT_MIB)


class Used:
    """What a gateway did since then."""

    def __init__(self, lab):
        self.lab, self.pid, self.then = lab, lab.signer("status")["pid"], lab.signer()
        self.cpu, self.kernel = cpu_us(self.pid), lab.received()

    def per_frame(self):
        """-> CPU microseconds of the kernel thread that takes frames from the NIC: XDP, the signer's ring"""
        us, frames = (now - then for now, then in zip(self.lab.received(), self.kernel))
        return us / frames

    def per_signature(self):
        """-> CPU microseconds of the signer; None where others kept it off its processor for too long"""
        cpu, now = cpu_us(self.pid) - self.cpu, self.lab.signer()
        frames = {k for k, n in now["reasons"].items() if n != self.then["reasons"].get(k, 0)}
        if "stale_frame" in frames:
            return None
        if frames != {"signed"} or now["frames_lost"]:
            raise SystemExit("bench: %d trunks: %s, frames lost %d" % (self.lab.size, frames, now["frames_lost"]))
        return cpu / (now["signatures"] - self.then["signatures"])


def flood(labs):
    """-> CPU microseconds per INVITE by size, all gateways at once: of the signer, of the NIC's kernel thread"""
    used = {size: Used(lab) for size, lab in labs.items()}
    rate = RATE // len(labs)
    loads = [lab.load(5060, int(rate * FLOOD_S), rate=rate, trunks=size) for size, lab in labs.items()]
    if any([p.wait(timeout=60) for p in loads]):
        raise SystemExit("bench: sipflood failed")
    time.sleep(EMPTY_S)
    return {size: (u.per_signature(), u.per_frame()) for size, u in used.items()}


def measure_cost(res, labs):
    for lab in labs.values():
        lab.pin()
    flood(labs)          # warm
    for _ in range(ROUNDS):
        with Stolen() as stolen:
            got = flood(labs)
        us = {size: signer for size, (signer, _) in got.items()}
        text = "CPU per INVITE, signer + receiving: " + ", ".join(
            "%d trunks %.1f + %.1f us" % (size, signer or 0, kernel) for size, (signer, kernel) in got.items())
        if not is_fair(res, stolen, text, "the signer was kept off its processor" if None in us.values() else None):
            continue
        for size in SIZES[1:]:
            res.add(cost_name(size), us[size], us[FEW])
        res.add(WHOLE, sum(got[MANY]), sum(got[FEW]))
        res.series.setdefault("trunks", []).append(got)


def measure_lookups(res):
    """the same two sides for the parts alone: XDP's match by test-run, the engine in process"""
    for program in "bench_match", "bench_policy":
        for _ in range(TRIES):
            with Stolen() as stolen:
                out = subprocess.run([O + "/bench/" + program] + (["--quick"] if QUICK else []), capture_output=True,
                                     text=True, check=True, preexec_fn=on_cpu(CPU_SIGNER)).stdout
            if is_fair(res, stolen, program):
                break
        else:
            continue     # none of them counts
        for x in json_lines(out):
            for few, many in zip(x["few_ns"], x["many_ns"]):
                res.add(x["name"], many, few)


def measure(res):
    say("look-ups with %d and %d trunks" % (FEW, MANY))
    measure_lookups(res)
    say("gateways with %s trunks" % ", ".join(str(s) for s in SIZES))
    with contextlib.ExitStack() as stack:
        labs = {size: stack.enter_context(Trunks(size)) for size in SIZES}
        measure_start(res, labs[MANY])
        measure_cost(res, labs)
        measure_memory(res, labs[MANY])
        if not QUICK:
            measure_reload(res, labs[MANY])
        say("trunks are added, %d calls/s" % BACKGROUND)
        measure_changes(res, labs)
        say("the gateways go")

# SPDX-License-Identifier: BSD-2-Clause
"""What the gateway adds to the way of an INVITE that it signs, at a rate at which none waits for another.

A direct wire between core and carrier, of the same kind as the two at the gateway, stands beside it: what an INVITE takes
there is subtracted, one wire of the two that it crosses with the gateway.  Raw signatures at the rate of the calls stand
there, too: they take longer than those that follow each other at once.
"""
import json
import os
import statistics
import struct
import subprocess

from benchlab import CPU_LOAD, CPU_SIGNER, O, QUICK, Lab, Stolen, is_fair, json_lines, on_cpu
from figures import Figure

ROUNDS = 1 if QUICK else 5
RATE, CALLS = 1000, 400 if QUICK else 2000
WARM = 5000 if QUICK else 20000     # until events and retransmissions are written where others were before
POINTS = 2000            # of a line in the plot

CORE, CARRIER, PLAIN = "10.66.1.2", "10.66.2.2", "10.66.2.4"     # PLAIN is no trunk's
WIRE = "10.66.9.1", "10.66.9.2"

P50 = "added latency of a signed INVITE, %s"
TAIL = "p99 / p50 of added latency, %s"
HALTING = "added latency where processors halt"
PACED = "raw signature, 1,000/s, %s"
FORWARDED = "added latency of what the kernel forwards"

AWAKE = "processors kept awake (PM QoS, as by idle=poll)"
SETTING = "1,000 INVITEs/s, p50, after %s others; a direct veth subtracted; %s" % (format(WARM, ","), AWAKE)

FIGURES = [
    Figure(P50 % "poll", "us", "raw P-256 signature", 1.8, setting=SETTING + "; idle: poll", main=True),
    Figure(TAIL % "poll", "us", "p50", 4, 2.5, setting=SETTING + "; idle: poll", main=True),
    Figure(P50 % "spin", "us", "raw P-256 signature", 1.8, 1.4, setting=SETTING + "; idle: spin", main=True),
    Figure(TAIL % "spin", "us", "p50", 4, 2.5, setting=SETTING + "; idle: spin", main=True),
    Figure(HALTING, "us", "raw P-256 signature",
           setting="1,000 INVITEs/s, p50; a direct veth subtracted; idle processors halt, and the hypervisor wakes them"),
    Figure(PACED % "poll", "us", "one after another", setting="p50, slept in between; " + AWAKE),
    Figure(PACED % "spin", "us", "one after another", setting="p50, spun in between; " + AWAKE),
    Figure(FORWARDED, "us", "raw P-256 signature", setting=SETTING),
]

CONFIG = """
trunks:
  - name: bench
    carrier: { peers: ["%s:5060"] }
    attestation: A
    default_country_code: "1"
    pai: { mode: set, domain: example.net }
""" % CARRIER


class Wired(Lab):
    """A gateway, and a wire past it; what arrives is taken by the carrier's stack."""

    def __init__(self, idle):
        super().__init__(idle, CONFIG, idle=idle)

    def sinks(self):
        self.ip("carrier", "addr", "add", PLAIN + "/24", "dev", "carr0")
        ns = [self.prefix + "-core", self.prefix + "-carrier"]
        subprocess.run(["ip", "-n", ns[0], "link", "add", "wire0", "type", "veth", "peer", "name", "wire1", "netns", ns[1]],
                       check=True)
        for side, nic, address in ("core", "wire0", WIRE[0]), ("carrier", "wire1", WIRE[1]):
            self.ip(side, "addr", "add", address + "/30", "dev", nic)
            self.ip(side, "link", "set", nic, "up")
            # as lab.sh does for the NICs of both hosts
            self.in_ns(side, "ethtool", "-K", nic, "tx", "off", "gro", "on", stdout=subprocess.DEVNULL).wait()

    def latency(self, src, dst, calls=CALLS, expect=None):
        """-> microseconds of every INVITE; each has arrived, and holds what is expected"""
        cmd = [O + "/bench/siplatency", "--from-ns", self.netns("core"), "--from", src, "--to-ns", self.netns("carrier"),
               "--to", dst + ":5060", "--count", str(calls), "--rate", str(RATE), "--wait", "100"]
        out = subprocess.run(cmd + (["--expect", expect] if expect else []), check=True, capture_output=True, text=True,
                             preexec_fn=on_cpu(CPU_LOAD)).stdout
        r = json.loads(out)
        if r["arrived"] != calls or r["as_expected"] != calls:
            raise SystemExit("bench: %d INVITEs, %d arrived, %d as expected: %s" % (
                calls, r["arrived"], r["as_expected"], self.signer()["reasons"]))
        return r["us"]

    def netns(self, ns):
        return "/run/netns/%s-%s" % (self.prefix, ns)

    def signed(self, calls=CALLS):
        return self.latency(CORE, CARRIER, calls, "\r\nIdentity: ")

    def wire(self, calls=CALLS):
        return self.latency(WIRE[0], WIRE[1], calls)


class Awake:
    """No processor halts while this is the context: PM QoS, as with idle=poll.  The request ends with its descriptor.

    Waking a virtual processor that has halted goes through the hypervisor and costs more than all that is measured
    here.  Threads that spin would do only where no scheduler of groups stands between them and the signer.
    """
    STATE = "/sys/devices/system/cpu/cpu0/cpuidle/state0/name"

    def __enter__(self):
        self.fd = os.open("/dev/cpu_dma_latency", os.O_WRONLY)
        os.write(self.fd, struct.pack("i", 0))
        if not os.path.exists(self.STATE) or open(self.STATE).read().strip() != "POLL":
            say("the idle processors of this machine cannot be kept awake: latencies hold their wake-ups")

    def __exit__(self, *args):
        os.close(self.fd)


def raw_sign():
    """microseconds of a raw signature on the signer's processor, while the signer idles there"""
    out = subprocess.run([O + "/bench/bench_sign", "--quick", "--raw"], capture_output=True, text=True, check=True,
                         preexec_fn=on_cpu(CPU_SIGNER)).stdout
    return {x["name"]: x["us"] for x in json_lines(out)}["raw"]


def paced_sign(idle):
    """microseconds of raw signatures at the rate of the calls, on the same processor"""
    cmd = [O + "/bench/rawlatency", str(CALLS // 2), str(RATE)] + (["--spin"] if idle == "spin" else [])
    out = subprocess.run(cmd, capture_output=True, text=True, check=True, preexec_fn=on_cpu(CPU_SIGNER)).stdout
    return json.loads(out)["us"]


def percentile(us, part):
    return sorted(us)[int(len(us) * part)]


class Lines:
    """for the plot: what was added to each INVITE, thinned out"""

    def __init__(self, res):
        self.lines = res.series.setdefault("latency", {})

    def add(self, name, us):
        step = -(-len(us) * ROUNDS // POINTS)
        self.lines.setdefault(name, []).extend(round(x, 1) for x in us[::step])


def added(us, wire_us):
    return [x - wire_us for x in us]


def awake_round(lab):
    """-> microseconds of a raw signature and of the wire; of every INVITE what was added"""
    with Awake():
        raw = raw_sign()
        wire = statistics.median(lab.wire())
        return raw, wire, added(lab.signed(), wire)


def beside_round(res, lab, lines, raw, wire):
    """what the figures are to be compared with, where the signer sleeps and leaves its processor to others"""
    with Awake():
        plain = added(lab.latency(CORE, PLAIN), wire)
        paced = {idle: paced_sign(idle) for idle in ("poll", "spin")}
    halting_wire = statistics.median(lab.wire(CALLS // 2))
    halting = statistics.median(added(lab.signed(CALLS // 2), halting_wire))

    res.add(HALTING, halting, raw)
    res.add(FORWARDED, statistics.median(plain), raw)
    lines.add("kernel forwarding", plain)
    for idle, us in paced.items():
        res.add(PACED % idle, statistics.median(us), raw)
    lines.add("raw signature alone", paced["poll"])


def one_round(res, lab, lines, what):
    with Stolen() as stolen:
        raw, wire, ours = awake_round(lab)
    p50, p99 = (percentile(ours, part) for part in (0.5, 0.99))
    text = "%s: %s adds %.1f us, p99 %.1f us; raw %.1f us, wire %.1f us" % (what, lab.idle, p50, p99, raw, wire)
    if not is_fair(res, stolen, text):
        return
    res.add(P50 % lab.idle, p50, raw)
    res.add(TAIL % lab.idle, p99, p50)
    lines.add("sipseal, " + lab.idle, ours)
    if lab.idle == "poll":
        beside_round(res, lab, lines, raw, wire)


def measure(res):
    lines = Lines(res)
    for idle in "poll", "spin":
        with Wired(idle) as lab:
            lab.pin_signer()
            lab.flood(5060, WARM, rate=10000)
            for i in range(ROUNDS):
                one_round(res, lab, lines, "latency, round %d of %d" % (i + 1, ROUNDS))

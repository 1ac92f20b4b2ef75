# SPDX-License-Identifier: BSD-2-Clause
"""Side by side with what a user would have instead: Kamailio with secsipid, and the kernel's own forwarding.

Both gateways stand in networks of the same kind and take turns with the same load.  A round in which a call failed, a
message had to be repeated or a packet was lost does not count.
"""
import time

import forwarding
import frames
import sippcalls
from benchlab import CPU_LOAD, QUICK, STOLEN_MAX, Stolen, say
from figures import Figure
from forwarding import Dropped
from peerlab import KamailioLab, Program, ReceiveBuffers, SipsealLab, difference
from sippcalls import RELAYED, THE_JOB, THE_JOB_STATELESS

ROUNDS, CALLS = 2 if QUICK else 6, 1000 if QUICK else 4000
WARM = 2000 if QUICK else 4000     # calls, until pages of pools and caches are there
# Calls per second beside those 1,000: by sipp through both, as frames through sipseal alone; the last of each is the
# high load.
RATES, RATES_FRAMES = (500, 2000, 2500), (2500, 5000, 10000)
HIGH, HIGH_FRAMES = RATES[-1], RATES_FRAMES[-1]
RATE_SECONDS, RATE_ROUNDS = 2, 5
PACKET_RATE, PACKET_RATE_LOW = 40000, 10000

JOB = "Kamailio + secsipid, CPU per call"
JOB_PROCESSES = "Kamailio + secsipid, its processes only"
JOB_STATELESS = "Kamailio + secsipid, stateless"
JOB_HIGH = "Kamailio + secsipid, each under high load"
PACKET = "Kamailio stateless, non-INVITE packet"
PACKET_LOW = "Kamailio stateless, packet at %s/s" % format(PACKET_RATE_LOW, ",")
KERNEL = "fast path, non-INVITE packet"

SETTING = ("1,000 calls/s by sipp, each all of INVITE 180 200 ACK BYE 200; PAI, Identity, Geolocation and PIDF-LO added "
           "and checked at the far end; idle: poll; Kamailio 5.6 with fm allocator, 2 processes per socket, stateful, key "
           "in memory; processes and threaded NAPI of the gateway's NICs; far ends in threads of their own")
LOADED = ("Kamailio at %s calls/s by sipp, near the most that it holds here; sipseal at %s calls/s by sipblast, the same six "
          "messages as xdp_frames in bursts of 2 ms, far ends drop in XDP; else as the first of these" % (
              format(HIGH, ","), format(HIGH_FRAMES, ",")))
PACKETS = ("OPTIONS as xdp_frames by sipblast, bursts of 2 ms, far end drops in XDP; processes and threaded NAPI of "
           "the gateway's NICs; %s/s")
FRAMES = ("xdp_frames of 372 bytes, unpaced, all on one processor; what dropping them at once takes is subtracted; far end "
          "drops in XDP; the kernel with an XDP_PASS program or without one, whichever is cheaper in the round")
ALL = "sipseal, all of it"

# Kamailio's figure stands where ours does elsewhere: how many times as much it takes.
FIGURES = [
    Figure(JOB, "us CPU", ALL, 8, 10, at_least=True, setting=SETTING, main=True),
    Figure(JOB_PROCESSES, "us CPU", ALL, at_least=True,
           setting="what the kernel does to receive is counted for sipseal alone"),
    Figure(JOB_STATELESS, "us CPU", ALL, at_least=True, full_only=True,
           setting="forward() instead of t_relay(), else as the first of these"),
    Figure(JOB_HIGH, "us CPU", ALL, 8, 10, at_least=True, full_only=True, setting=LOADED, main=True),
    Figure(PACKET, "us CPU", "sipseal", 15, 25, at_least=True, setting=PACKETS % format(PACKET_RATE, ","), main=True),
    Figure(PACKET_LOW, "us CPU", "sipseal", at_least=True, full_only=True,
           setting=PACKETS % format(PACKET_RATE_LOW, ",")),
    Figure(KERNEL, "ns", "kernel's IP forwarding", 0.40, 0.33, setting=FRAMES, main=True),
]

CONFIG = """trunks:
  - name: bench
    carrier: { peers: ["10.66.2.2:5060"] }
    attestation: A
    default_country_code: "1"
    pai: { mode: set, domain: example.net }
    extras:
      geolocation:
        default_civic_address: { country: US, region: CA, city: San Francisco, street: 1 Market Street, postal: 94105 }
        attach: always
"""


def packets(lab, rate):
    """-> CPU microseconds per packet: of the gateway's processes, of its kernel threads"""
    count = rate if QUICK else 2 * rate
    before, there = lab.cpu(), forwarding.arrived(lab)
    forwarding.blast(lab, count, rate, lab.target, CPU_LOAD)
    time.sleep(0.2)
    after, there = lab.cpu(), forwarding.arrived(lab) - there
    if there < count:
        raise Dropped("%d of %d packets arrived" % (there, count))
    return difference(before, after, count)


def text(name):
    """of a turn: a name, or a name and a rate"""
    return name if isinstance(name, str) else "%s at %d/s" % name


def one_round(res, title, turns):
    """turns: {name: callable}.  -> {name: what it returned}, or None if the round does not count"""
    why, got = None, {}
    with Stolen() as stolen:
        for name, turn in turns.items():
            try:
                got[name] = turn()
            except Dropped as e:
                why = why or forwarding.LOST
                say("%s: %s: %s" % (title, text(name), e))
    say("%s: %s us (stolen %.1f %%)" % (title, ", ".join("%s %.2f + %.2f" % (text(n), *v) for n, v in got.items()),
                                     stolen.part * 100))
    if stolen.part > STOLEN_MAX:
        why = "the hypervisor took more than %.0f %% of the processors" % (STOLEN_MAX * 100)
    if why:
        res.drop(why)
    return None if why else got


def measure_calls(res, kamailio, sipseal):
    def calls(lab, number):
        return lambda: sippcalls.calls(lab, number, CALLS)

    turns = {"sipseal": calls(sipseal, THE_JOB), "Kamailio + secsipid": calls(kamailio, THE_JOB),
             "Kamailio + secsipid, stateless": calls(kamailio, THE_JOB_STATELESS),
             "Kamailio, relay only": calls(kamailio, RELAYED)}
    if QUICK:
        del turns["Kamailio + secsipid, stateless"]
    bars = res.series.setdefault("cpu_per_call", {})
    for i in range(ROUNDS):
        got = one_round(res, "calls, round %d of %d" % (i + 1, ROUNDS), turns)
        if not got:
            continue
        ours = sum(got["sipseal"])
        res.add(JOB, sum(got["Kamailio + secsipid"]), ours)
        res.add(JOB_PROCESSES, got["Kamailio + secsipid"][0], ours)
        if not QUICK:
            res.add(JOB_STATELESS, sum(got["Kamailio + secsipid, stateless"]), ours)
        for name, pair in got.items():
            bars.setdefault(name, []).append([round(us, 2) for us in pair])
        keep_rates(res, {("Kamailio + secsipid", sippcalls.RATE): got["Kamailio + secsipid"],
                         ("sipseal", sippcalls.RATE): got["sipseal"]})


def keep_rates(res, got):
    """@got: {(line, calls per second): pair of microseconds}, for the plot"""
    lines = res.series.setdefault("cpu_by_rate", [])
    lines += [{"line": line, "rate": rate, "us": round(sum(pair), 2)} for (line, rate), pair in got.items()]


def framed(lab, rate):
    with lab.sink(), Program(lab, "core", "core0"):
        return frames.calls(lab, RATE_SECONDS * rate, rate)


def measure_rates(res, kamailio, sipseal):
    """what a call costs when there are more of them, or fewer"""
    def calls(lab, rate):
        return lambda: sippcalls.calls(lab, THE_JOB, RATE_SECONDS * rate, rate)

    turns = {(name, rate): calls(lab, rate) for rate in RATES
             for name, lab in (("Kamailio + secsipid", kamailio), ("sipseal", sipseal))}
    turns.update({("sipseal, as frames", rate): lambda rate=rate: framed(sipseal, rate)
                  for rate in RATES_FRAMES})
    for i in range(RATE_ROUNDS):
        got = one_round(res, "by calls/s, round %d of %d" % (i + 1, RATE_ROUNDS), turns)
        if got:
            res.add(JOB_HIGH, sum(got["Kamailio + secsipid", HIGH]), sum(got["sipseal, as frames", HIGH_FRAMES]))
            keep_rates(res, got)


def measure_packets(res, kamailio, sipseal):
    rates = [(PACKET, PACKET_RATE), (PACKET_LOW, PACKET_RATE_LOW)]
    with kamailio.sink(), sipseal.sink():
        for i in range(2 if QUICK else 5):
            for name, rate in rates[:1] if QUICK else rates:
                got = one_round(res, "%d packets/s, round %d" % (rate, i + 1),
                                {"Kamailio": lambda: packets(kamailio, rate),
                                 "sipseal": lambda: packets(sipseal, rate)})
                if got:
                    res.add(name, sum(got["Kamailio"]), sum(got["sipseal"]))


def warm(kamailio, sipseal):
    """The first thousands of calls touch memory for the first time."""
    call_ends = sippcalls.answering(kamailio, True)
    sippcalls.call(kamailio, THE_JOB, WARM)
    sippcalls.end(kamailio, call_ends)
    with sipseal.sink():
        sipseal.load(5060, 10 * WARM, rate=10000).wait()
    sippcalls.calls(sipseal, THE_JOB, 100)


def measure(res):
    forwarding.measure(res, KERNEL, CONFIG)
    with ReceiveBuffers(), KamailioLab("k", "") as kamailio, SipsealLab("o", CONFIG) as sipseal:
        warm(kamailio, sipseal)
        measure_calls(res, kamailio, sipseal)
        if not QUICK:
            measure_rates(res, kamailio, sipseal)
        measure_packets(res, kamailio, sipseal)

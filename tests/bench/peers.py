# SPDX-License-Identifier: BSD-2-Clause
"""Side by side with what a user would have instead: Kamailio with secsipid, and the kernel's own forwarding.

Both gateways stand in networks of the same kind and take turns with the same load.  A round in which a call failed, a
message had to be repeated or a packet was lost does not count.
"""
import csv
import os
import subprocess
import time

import forwarding
from benchlab import CPU_LOAD, O, QUICK, STOLEN_MAX, Stolen, on_cpu, say
from figures import Figure
from forwarding import Dropped
from peerlab import HERE, KamailioLab, ReceiveBuffers, SipsealLab

CALL_RATE, CALL_ROUNDS, CALLS = 1000, 2 if QUICK else 6, 1000 if QUICK else 4000
WARM = 2000 if QUICK else 4000     # calls, until pages of pools and caches are there
PACKET_RATE, PACKET_RATE_LOW = 40000, 10000

JOB = "Kamailio + secsipid, CPU per call"
JOB_PROCESSES = "Kamailio + secsipid, its processes only"
JOB_STATELESS = "Kamailio + secsipid, stateless"
PACKET = "Kamailio stateless, non-INVITE packet"
PACKET_LOW = "Kamailio stateless, packet at %s/s" % format(PACKET_RATE_LOW, ",")
KERNEL = "fast path, non-INVITE packet"

SETTING = ("1,000 calls/s by sipp, each all of INVITE 180 200 ACK BYE 200; PAI, Identity, Geolocation and PIDF-LO added "
           "and checked at the far end; idle: poll; Kamailio 5.6 with fm allocator, 2 processes per socket, stateful, key "
           "in memory; processes and threaded NAPI of the gateway's NICs; far ends in threads of their own")
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

# Called numbers; kamailio.cfg knows them, to sipseal they are all the same.
RELAYED, THE_JOB, THE_JOB_STATELESS = "+12155550101", "+12155550102", "+12155550103"

# What the carrier must see in every INVITE, whoever made it; else the call fails.
CHECK = """
    <action>
      <ereg regexp="shaken" search_in="hdr" header="Identity:" check_it="true" assign_to="1"/>
      <ereg regexp="sip:.12025550143@" search_in="hdr" header="P-Asserted-Identity:" check_it="true" assign_to="1"/>
      <ereg regexp="cid:" search_in="hdr" header="Geolocation:" check_it="true" assign_to="1"/>
      <ereg regexp="San Francisco" search_in="msg" check_it="true" assign_to="1"/>
    </action>
  """


def sipp(lab, ns, *args):
    p = lab.in_ns(ns, "sipp", "-nostdin", "-p", "5060", "-buff_size", "4000000", *args, stdout=subprocess.DEVNULL,
                  stderr=subprocess.DEVNULL, preexec_fn=on_cpu(CPU_LOAD))
    lab.procs.append(p)
    return p


def end(lab, p):
    lab.procs.remove(p)
    lab.end(p)


def answering(lab, is_checked):
    """the carrier's end of the calls"""
    path = lab.tmp.name + "/uas.xml"
    with open(HERE + "/uas_call.xml") as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace("@CHECK@", CHECK if is_checked else ""))
    uas = sipp(lab, "carrier", "-sf", path, "-i", "10.66.2.2")
    time.sleep(0.3)
    return uas


def call(lab, number, count):
    """-> (calls that completed, messages that had to be repeated)"""
    stat = lab.tmp.name + "/uac.csv"
    seconds = count // CALL_RATE
    uac = sipp(lab, "core", lab.target + ":5060", "-sf", HERE + "/uac_call.xml", "-s", number, "-i", "10.66.1.2", "-r",
               str(CALL_RATE), "-m", str(count), "-l", str(5 * CALL_RATE), "-recv_timeout", "5000", "-timeout",
               "%ds" % (seconds + 10), "-trace_stat", "-stf", stat, "-fd", "1")
    try:
        uac.wait(timeout=seconds + 20)
    finally:
        end(lab, uac)
    with open(stat) as f:
        last = list(csv.DictReader(f, delimiter=";"))[-1]
    os.unlink(stat)
    return int(last["SuccessfulCall(C)"]), int(last["Retransmissions(C)"])


def difference(before, after, count):
    return [(b - a) / count for a, b in zip(before, after)]


def calls(lab, number, count=CALLS):
    """-> CPU microseconds per call: of the gateway's processes, of its kernel threads"""
    uas = answering(lab, number != RELAYED)
    try:
        before = lab.cpu()
        done, repeated = call(lab, number, count)
        after = lab.cpu()
    finally:
        end(lab, uas)
    if done != count or repeated:
        raise Dropped("%d of %d calls completed, %d messages repeated" % (done, count, repeated))
    return difference(before, after, count)


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


def one_round(res, title, turns):
    """turns: {name: callable}.  -> {name: what it returned}, or None if the round does not count"""
    why, got = None, {}
    with Stolen() as stolen:
        for name, turn in turns.items():
            try:
                got[name] = turn()
            except Dropped as e:
                why = why or forwarding.LOST
                say("%s: %s: %s" % (title, name, e))
    say("%s: %s us (stolen %.1f %%)" % (title, ", ".join("%s %.2f + %.2f" % (n, *v) for n, v in got.items()),
                                     stolen.part * 100))
    if stolen.part > STOLEN_MAX:
        why = "the hypervisor took more than %.0f %% of the processors" % (STOLEN_MAX * 100)
    if why:
        res.drop(why)
    return None if why else got


def measure_calls(res, kamailio, sipseal):
    turns = {"sipseal": lambda: calls(sipseal, THE_JOB), "Kamailio + secsipid": lambda: calls(kamailio, THE_JOB),
             "Kamailio + secsipid, stateless": lambda: calls(kamailio, THE_JOB_STATELESS),
             "Kamailio, relay only": lambda: calls(kamailio, RELAYED)}
    if QUICK:
        del turns["Kamailio + secsipid, stateless"]
    bars = res.series.setdefault("cpu_per_call", {})
    for i in range(CALL_ROUNDS):
        got = one_round(res, "calls, round %d of %d" % (i + 1, CALL_ROUNDS), turns)
        if not got:
            continue
        ours = sum(got["sipseal"])
        res.add(JOB, sum(got["Kamailio + secsipid"]), ours)
        res.add(JOB_PROCESSES, got["Kamailio + secsipid"][0], ours)
        if not QUICK:
            res.add(JOB_STATELESS, sum(got["Kamailio + secsipid, stateless"]), ours)
        for name, pair in got.items():
            bars.setdefault(name, []).append([round(us, 2) for us in pair])


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
    call_ends = answering(kamailio, True)
    call(kamailio, THE_JOB, WARM)
    end(kamailio, call_ends)
    with sipseal.sink():
        sipseal.load(5060, 10 * WARM, rate=10000).wait()
    calls(sipseal, THE_JOB, 100)


def measure(res):
    forwarding.measure(res, KERNEL, CONFIG)
    with ReceiveBuffers(), KamailioLab("k", "") as kamailio, SipsealLab("o", CONFIG) as sipseal:
        warm(kamailio, sipseal)
        measure_calls(res, kamailio, sipseal)
        measure_packets(res, kamailio, sipseal)

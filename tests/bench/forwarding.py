# SPDX-License-Identifier: BSD-2-Clause
"""Packets that are no INVITEs: what sipseal's program takes to forward one, what the kernel takes, on one processor.

sipblast, the gateway's NIC that receives and the far end, which drops in XDP, all run on one processor, one after the
other: there is nobody else that a part of the work could be billed to.  Subtracted is what the same frames cost when the
gateway's NIC drops them in XDP at once.  The frames come as xdp_frames, as a NIC's driver would hand them over.
"""
import subprocess

from benchlab import CPU_SIGNER, O, QUICK, Lab, Stolen, cpu_us, is_fair, say

LOST = "calls or packets were lost"
ROUNDS = 3 if QUICK else 13
FRAMES = 300000 if QUICK else 1000000

# 98765432 is what sipblast numbers
OPTIONS = "\r\n".join([
    "OPTIONS sip:10.66.2.2:5060 SIP/2.0", "Via: SIP/2.0/UDP 10.66.1.2:5060;branch=z9hG4bK98765432", "Max-Forwards: 70",
    "From: <sip:bench@10.66.1.2>;tag=98765432", "To: <sip:10.66.2.2>", "Call-ID: 98765432@10.66.1.2", "CSeq: 1 OPTIONS",
    "Contact: <sip:bench@10.66.1.2:5060>", "Accept: application/sdp", "User-Agent: bench/1.0", "Content-Length: 0",
    "", ""])


class Dropped(Exception):
    """A round that does not count, and why."""


class Program:
    """A NIC has an XDP program that drops all, or lets all pass, for as long as this is the context."""

    def __init__(self, lab, ns, nic, *action):
        self.lab, self.ns, self.args = lab, ns, [nic] + list(action)

    def __enter__(self):
        self.p = self.lab.spawn(self.ns, [O + "/bench/xdpdrop"] + self.args, "ready")

    def __exit__(self, *args):
        self.lab.procs.remove(self.p)
        self.lab.end(self.p)


class Plain(Lab):
    """nothing but the kernel between core and carrier"""

    def start_daemon(self):
        # NAPI also where no program is attached, or the frames would get lost
        self.in_ns("gw", "ethtool", "-K", "gwc0", "gro", "on", stdout=subprocess.DEVNULL).wait()


def blast(lab, count, rate=0, to="10.66.2.2", cpu=CPU_SIGNER):
    """-> what sipblast says when all frames are sent"""
    message = lab.tmp.name + "/options"
    with open(message, "w", newline="") as f:
        f.write(OPTIONS)
    out = lab.end_blast(lab.blast(5060, count, rate, cpu=cpu, more=("--to", to + ":5060", "--message", message)), wait=True)
    if out["sent"] != count:
        raise SystemExit("bench: sipblast sent %d of %d frames" % (out["sent"], count))
    return out


def arrived(lab):
    """-> packets that the carrier's NIC has received, dropped in XDP or not"""
    return int(subprocess.run(["ip", "netns", "exec", lab.prefix + "-carrier", "cat",
                               "/sys/class/net/carr0/statistics/rx_packets"], capture_output=True, text=True,
                              check=True).stdout)


def ns_per_packet(lab, expected=FRAMES):
    """@expected: so many arrive"""
    softirqd = int(subprocess.run(["pgrep", "-x", "ksoftirqd/%d" % CPU_SIGNER], capture_output=True, text=True,
                                  check=True).stdout)
    before, there = cpu_us(softirqd), arrived(lab)
    took = blast(lab, FRAMES)["cpu_us"] + cpu_us(softirqd) - before
    there = arrived(lab) - there
    if abs(there - expected) > FRAMES / 1000:
        raise Dropped("%d of %d frames arrived" % (there, expected))
    return took * 1000 / FRAMES


def one_round(plain, sipseal):
    """-> ns per packet: dropped at once, kernel without a program, kernel behind XDP_PASS, sipseal"""
    with Program(plain, "gw", "gwc0"):
        drop = ns_per_packet(plain, 0)
    kernel = ns_per_packet(plain)
    with Program(plain, "gw", "gwc0", "pass"):
        passed = ns_per_packet(plain)
    return drop, kernel, passed, ns_per_packet(sipseal)


def measure(res, name, config):
    with Plain("p", "") as plain, Lab("f", config) as sipseal:
        for i in range(ROUNDS):
            try:
                with Stolen() as stolen:
                    drop, kernel, passed, ours = one_round(plain, sipseal)
            except Dropped as e:
                say("forwarding, round %d: %s" % (i + 1, e))
                res.drop(LOST)
                continue
            text = "forwarding, round %d of %d: dropped %.0f ns, kernel %.0f, behind XDP_PASS %.0f, sipseal %.0f" % (
                i + 1, ROUNDS, drop, kernel, passed, ours)
            if is_fair(res, stolen, text):
                res.add(name, ours - drop, min(kernel, passed) - drop)

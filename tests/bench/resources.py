# SPDX-License-Identifier: BSD-2-Clause
"""What the service takes where nothing happens: memory of all its processes, and the time from nothing to a signed call.

The gateway verifies, too, so that all three processes run.
"""
import contextlib
import ctypes
import os
import socket
import threading
import time

import mktrunks
from benchlab import QUICK, Lab, Stolen, is_fair, say
from figures import Figure

FEW, MANY = 10, 1000
IDLE_S = 3 if QUICK else 10
STARTS = {FEW: 2 if QUICK else 7, MANY: 1 if QUICK else 3}
CALLS = 5000
PROBE_S, PATIENCE_S = 0.005, 10
MEMORY_MIB, START_S = 64, 2

IDLE = "memory of all processes, 1,000 trunks, idle"
WHOLE = "memory and packet buffers not yet used"
CALLED = "memory after 5,000 calls"
START = "cold start to the first signed call, %s trunks"

PSS = "sum of PSS of daemon, signer (one worker, 4,096 buffers) and fetcher, "
COLD = "exec of sipseald until an INVITE arrives signed; nothing pinned, files in the page cache; an INVITE every 5 ms"
FIGURES = [
    Figure(IDLE, "MiB", "limit of 64 MiB", 1.0, 40 / 64, setting=PSS + "%d s after the start" % IDLE_S, main=True),
    Figure(WHOLE, "MiB", "limit of 64 MiB",
           setting="as the row above; the kernel holds all buffers from the start, the signer maps those that calls have used"),
    Figure(CALLED, "MiB", "limit of 64 MiB", setting=PSS + "calls of all trunks in turn"),
    Figure(START % "10", "s", "limit of 2 s", 1.0, 0.25, setting=COLD, main=True),
    Figure(START % "1,000", "s", "limit of 2 s", setting=COLD),
]

UMEM = "memfd:sipseal-umem"
CORE, CARRIER = str(mktrunks.CALLERS), "10.66.2.2"
INVITE = """INVITE sip:+12155550199@10.66.2.2 SIP/2.0
Via: SIP/2.0/UDP {core}:5060;branch=z9hG4bK{n}
Max-Forwards: 70
From: <sip:+44200000000{last}@{core}>;tag={n}
To: <sip:+12155550199@10.66.2.2>
Call-ID: {n}@{core}
CSeq: 1 INVITE
Contact: <sip:{core}:5060>
Content-Length: 0

"""


@contextlib.contextmanager
def network(path):
    """This thread is in that network namespace; a socket stays in the one that it was made in."""
    libc = ctypes.CDLL(None, use_errno=True)
    own, other = (os.open(p, os.O_RDONLY) for p in ("/proc/thread-self/ns/net", path))
    try:
        if libc.setns(other, 0):
            raise OSError(ctypes.get_errno(), "setns")
        yield
    finally:
        libc.setns(own, 0)
        os.close(own)
        os.close(other)


class Service(Lab):
    anchors = "trust_anchors: root.pem"

    def __init__(self, size):
        self.size = size
        super().__init__("r%d" % size, mktrunks.DEFAULTS, lambda d: mktrunks.write(d, size))

    def sinks(self):
        self.callers()           # what arrives is taken by the carrier's stack

    def before_daemon(self):
        os.chmod(self.tmp.name, 0o711)   # the fetcher runs as somebody else

    def processes(self):
        """-> {PID: name} of the daemon and all that it started"""
        found, todo = {}, [self.daemon.pid]
        while todo:
            pid = todo.pop()
            with open("/proc/%d/comm" % pid) as f:
                found[pid] = f.read().strip()
            for tid in os.listdir("/proc/%d/task" % pid):
                with open("/proc/%d/task/%s/children" % (pid, tid)) as f:
                    todo += [int(x) for x in f.read().split()]
        if len(found) < 3:
            raise SystemExit("bench: daemon, signer and fetcher should run, there is %s" % list(found.values()))
        return found

    def memory(self):
        """-> MiB of all processes, shared pages counted once"""
        kib = {}
        for pid, name in self.processes().items():
            with open("/proc/%d/smaps_rollup" % pid) as f:
                kib[name] = sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        say("memory: " + ", ".join("%s %.1f MiB" % (name, n / 1024) for name, n in kib.items()))
        return sum(kib.values()) / 1024

    def untouched(self):
        """-> MiB of packet memory that is in no process's share"""
        kib, is_umem = 0, False
        with open("/proc/%d/smaps" % self.signer("status")["pid"]) as f:
            for line in f:
                key = line.split()[0]
                if not key.endswith(":"):
                    is_umem = UMEM in line
                elif is_umem and key in ("Size:", "Pss:"):
                    kib += int(line.split()[1]) * (1 if key == "Size:" else -1)
        if not kib:
            raise SystemExit("bench: the signer maps no packet memory")
        return kib / 1024


class Probe:
    """Sends an INVITE every 5 ms until one arrives signed."""

    def __init__(self, lab):
        with network("/run/netns/%s-core" % lab.prefix):
            self.core = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.core.bind((CORE, 5060))
        with network("/run/netns/%s-carrier" % lab.prefix):
            self.carrier = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.carrier.bind((CARRIER, 5060))
        self.carrier.settimeout(PROBE_S)
        self.signed_at, self.sent = None, 0
        self.thread = threading.Thread(target=self.run)

    def send(self):
        text = INVITE.format(core=CORE, n="%d-%d" % (time.time_ns(), self.sent), last=self.sent % 50)
        try:
            self.core.sendto(text.replace("\n", "\r\n").encode(), (CARRIER, 5060))
        except OSError:
            pass     # a refusal that came back
        self.sent += 1

    def run(self):
        due = time.monotonic()
        end = due + PATIENCE_S
        while not self.signed_at and due < end:
            if time.monotonic() >= due:
                self.send()
                due += PROBE_S
            with contextlib.suppress(TimeoutError):
                if b"\r\nIdentity: " in self.carrier.recv(65536):
                    self.signed_at = time.monotonic()
        self.core.close()
        self.carrier.close()


def cold_start(lab):
    """-> seconds from the start of sipseald to the first signed INVITE"""
    lab.stop_daemon()
    probe = Probe(lab)
    probe.thread.start()
    time.sleep(0.1)          # unsigned ones arrive
    start = time.monotonic()
    lab.start_daemon()
    probe.thread.join()
    if not probe.signed_at:
        raise SystemExit("bench: no signed INVITE within %d s: %s" % (PATIENCE_S, lab.signer()["reasons"]))
    return probe.signed_at - start


def measure_starts(res, lab):
    for i in range(STARTS[lab.size]):
        with Stolen() as stolen:
            s = cold_start(lab)
        text = "cold start with %d trunks: signed after %.3f s, ready after %.3f s" % (lab.size, s, lab.load_s)
        if is_fair(res, stolen, text):
            res.add(START % format(lab.size, ","), s, START_S)


def measure_memory(res, lab):
    time.sleep(IDLE_S)
    idle = lab.memory()
    res.add(IDLE, idle, MEMORY_MIB)
    res.add(WHOLE, idle + lab.untouched(), MEMORY_MIB)
    lab.flood(5060, CALLS, rate=5000, trunks=MANY)
    res.add(CALLED, lab.memory(), MEMORY_MIB)


def measure(res):
    with Service(MANY) as lab:
        measure_memory(res, lab)
        measure_starts(res, lab)
    with Service(FEW) as lab:
        measure_starts(res, lab)

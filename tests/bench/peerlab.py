# SPDX-License-Identifier: BSD-2-Clause
"""The lab network with sipseal or with Kamailio in it, and the whole CPU of either, the kernel's share included.

With veth the kernel's work on a packet is billed to whoever sends it.  So every NIC of the lab receives in a kernel
thread of its own (threaded NAPI): those of the gateway's NICs are billed to the gateway, those of the far ends are
not.  All of these are on the gateway's processor: to wake a thread on another one costs the waker more than many a packet.
The load is on the other.
"""
import os
import signal
import subprocess
import time

from benchlab import CPU_SIGNER, TOP, Lab, cpu_us, on_cpu
from forwarding import Program

HERE = TOP + "/tests/bench"
RMEM = "/proc/sys/net/core/rmem_max"
RMEM_WANTED = 8 << 20         # a burst of 150 packets does not fit into the default of 208 KiB

# As long as the one that sipseal makes of the address in peers.CONFIG
PIDF = """<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" \
xmlns:gbp="urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy" \
xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr" entity="pres:location@example.net">
<tuple id="location"><status><gp:geopriv><gp:location-info><ca:civicAddress><ca:country>US</ca:country>\
<ca:A1>CA</ca:A1><ca:A3>San Francisco</ca:A3><ca:RD>1 Market Street</ca:RD><ca:PC>94105</ca:PC></ca:civicAddress>\
</gp:location-info><gp:usage-rules><gbp:retransmission-allowed>false</gbp:retransmission-allowed></gp:usage-rules>\
<gp:method>Manual</gp:method></gp:geopriv></status></tuple></presence>
"""


class ReceiveBuffers:
    """Larger ones may be asked for while this is the context."""

    def __enter__(self):
        with open(RMEM) as f:
            self.was = int(f.read())
        self.set(max(self.was, RMEM_WANTED))

    def set(self, value):
        with open(RMEM, "w") as f:
            f.write(str(value))

    def __exit__(self, *args):
        self.set(self.was)


def difference(before, after, count):
    return [(b - a) / count for a, b in zip(before, after)]


def family(pid):
    """a process and all that it has started, and they"""
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return [pid] + [p for child in f.read().split() for p in family(int(child))]


class BoxLab(Lab):
    """with a gateway whose whole CPU can be told"""

    def __enter__(self):
        super().__enter__()
        try:
            self.kernel = self.own_threads("gw", "gwc0") + self.own_threads("gw", "gwp0")
            self.own_threads("core", "core0")
            self.own_threads("carrier", "carr0")
            self.pids = self.processes()
            for pid in self.pids:
                for tid in os.listdir("/proc/%d/task" % pid):
                    os.sched_setaffinity(int(tid), {CPU_SIGNER})
        except BaseException:
            self.__exit__()
            raise
        return self

    def sinks(self):
        pass

    def own_threads(self, ns, nic):
        """-> those in which the NIC receives from now on"""
        # without a program it needs GRO to have NAPI; and what a NIC with TSO sends goes past the other's NAPI
        self.in_ns(ns, "ethtool", "-K", nic, "gro", "on", "tso", "off", stdout=subprocess.DEVNULL).wait()
        return self.thread_napi(ns, nic, CPU_SIGNER)

    def cpu(self):
        """-> CPU microseconds so far: of the gateway's processes, of the kernel threads of its NICs"""
        return sum(map(cpu_us, self.pids)), sum(map(cpu_us, self.kernel))

    def sink(self):
        """the carrier's NIC drops all while this is the context"""
        return Program(self, "carrier", "carr0")


class SipsealLab(BoxLab):
    target = "10.66.2.2"      # sipseal is a hop between the two, nobody addresses it

    def processes(self):
        return family(self.daemon.pid)


class KamailioLab(BoxLab):
    target = "10.66.1.1"

    def start_daemon(self):
        d = self.tmp.name
        self.in_ns("gw", "sysctl", "-qw", "net.ipv4.ip_forward=0").wait()    # nothing goes round it
        with open(d + "/sti/key.pem") as f:
            key = f.read()
        with open(HERE + "/kamailio.cfg") as f:
            text = f.read().replace("@KEY@", key.replace("\n", "\\n"))
        with open(d + "/kamailio.cfg", "w") as f:
            f.write(text.replace("@PIDF@", PIDF.replace('"', '\\"').replace("\n", "\\r\\n")))
        # Debian's default allocator is one for debugging and takes most of the time
        with open(d + "/kamailio.log", "w") as log:
            self.daemon = self.in_ns("gw", "kamailio", "-DD", "-E", "-x", "fm", "-X", "fm", "-m", "512", "-M", "16", "-Y", d,
                                     "-P", d + "/kamailio.pid", "-f", d + "/kamailio.cfg", stdout=log, stderr=log,
                                     preexec_fn=on_cpu(CPU_SIGNER))
        self.procs.append(self.daemon)
        for _ in range(100):
            if self.is_ready():
                return
            time.sleep(0.1)
        with open(d + "/kamailio.log") as f:
            raise SystemExit("bench: Kamailio did not start: " + f.read()[-2000:])

    def is_ready(self):
        if self.daemon.poll() is not None:
            return False
        with open("/proc/%d/net/udp" % self.daemon.pid) as f:
            ports = f.read().count(":13C4 ")     # 5060, in each of the two networks
        return ports == 2 and len(self.processes()) > 6

    def processes(self):
        return family(self.daemon.pid)

    def end(self, p):
        """its children, too, should it be killed"""
        pids = family(p.pid) if p is getattr(self, "daemon", None) and p.poll() is None else []
        super().end(p)
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

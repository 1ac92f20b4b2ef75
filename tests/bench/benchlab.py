# SPDX-License-Identifier: BSD-2-Clause
"""The lab network with a gateway in it, what sends to it, and what the gateway says of itself."""
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
O = os.path.abspath(os.environ.get("O", os.path.join(TOP, "build")))
QUICK = "--quick" in sys.argv[1:]
REPEATS = 3 if QUICK else 9
CALLS = 60000 if QUICK else 120000
STOLEN_MAX = 0.05

CPU_LOAD, CPU_SIGNER = 0, (os.cpu_count() or 1) - 1
RATE = 45000             # more than a core can sign: the signer never waits, what is too much drops in its ring

CONFIG = """
gateway:
  interfaces: [{ name: gwc0, side: core }, { name: gwp0, side: carrier }]
  xdp_mode: native
  fast_path: forward
  workers: %(workers)d
  idle: %(idle)s
%(gateway)s  sip_ports: [5060, 5062]
  bpffs: /run/%(prefix)s-lab/bpf
control: { socket: %(dir)s/control.sock, metrics: off }
certificates: { root: %(dir)s/sti, cert_path: chain.pem, key_path: key.pem, x5u: "https://cert.example.com/chain.pem",
                %(anchors)s }
trunks_dir: %(dir)s/trunks.d
"""


START = time.monotonic()


def say(text):
    print("bench: %3d s: %s" % (time.monotonic() - START, text), file=sys.stderr, flush=True)


def on_cpu(cpu, priority=0):
    """priority: 1 and more: it gets the processor whenever it wants to, before all that have less"""
    def set_up():
        os.sched_setaffinity(0, {cpu})
        if priority:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
    return set_up


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def cpu_us(pid):
    """of all threads of a process, by the scheduler's own clock"""
    ns = 0
    for tid in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/schedstat" % (pid, tid)) as f:
            ns += int(f.read().split()[0])
    return ns / 1000


def threads_named(start):
    """-> {number behind the last '-': tid} of the kernel's threads with such a name"""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/comm" % pid) as f:
                name = f.read().strip()
        except OSError:    # it ended meanwhile
            continue
        if name.startswith(start):
            found[int(name.rsplit("-", 1)[1])] = int(pid)
    return found


class Stolen:
    """The part of the processors that the hypervisor took while this was the context."""

    def ticks(self):
        with open("/proc/stat") as f:
            v = [int(x) for x in f.readline().split()[1:]]
        return v[7], sum(v)

    def __enter__(self):
        self.start = self.ticks()
        return self

    def __exit__(self, *args):
        steal, total = (b - a for a, b in zip(self.start, self.ticks()))
        self.part = steal / max(total, 1)


def is_fair(res, stolen, text, other=None):
    """Says what a round found.  False where it does not count: the hypervisor took too much, or `other` tells why."""
    why = other
    if stolen.part > STOLEN_MAX:
        why = "the hypervisor took more than %.0f %% of the processors" % (STOLEN_MAX * 100)
    say("%s (stolen %.1f %%)%s" % (text, stolen.part * 100, ", dropped: " + why if why else ""))
    if why:
        res.drop(why)
    return not why


class Unix(http.client.HTTPConnection):
    """HTTP over the control socket, without a program beside it."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


class Lab:
    """Several may stand side by side; everything ends with the context."""
    anchors = ""     # more of `certificates`

    def __init__(self, name, more, trunks=None, *, idle="poll", workers=1, gateway=""):
        """name: of the network, distinct; more: text behind the common configuration; trunks(DIR): writes files;
        every NIC has as many queues as there are workers; gateway: more of this section, lines"""
        self.tmp = tempfile.TemporaryDirectory(prefix="sipseal-bench.")
        self.prefix = "sb%d%s" % (os.getpid(), name)
        self.procs = []
        self.more, self.trunks = more, trunks
        self.idle, self.workers, self.gateway = idle, workers, gateway

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        d = self.tmp.name
        env = dict(os.environ, LAB_PREFIX=self.prefix, LAB_QUEUES=str(self.workers), LAB_NEIGH="permanent")
        subprocess.run([TOP + "/scripts/lab.sh", "up"], env=env, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([O + "/sipseal", "cert", "lab", d + "/sti"], check=True, stdout=subprocess.DEVNULL)
        os.mkdir(d + "/trunks.d")     # not those of an installed gateway
        if self.trunks:
            self.trunks(d + "/trunks.d")
        with open(d + "/sipseal.yaml", "w") as f:
            f.write((CONFIG + self.more) % {"prefix": self.prefix, "dir": d, "anchors": self.anchors,
                                            "workers": self.workers, "idle": self.idle,
                                            "gateway": self.gateway})
        self.before_daemon()
        self.start_daemon()
        self.sinks()

    def before_daemon(self):
        pass

    def sinks(self):
        self.spawn("carrier", [O + "/bench/xdpdrop", "carr0"], "ready")
        self.callers()

    def callers(self):
        """any core address of sipflood --trunks"""
        self.ip("core", "route", "add", "local", "10.128.0.0/9", "dev", "lo")
        self.ip("gw", "route", "add", "10.128.0.0/9", "via", "10.66.1.2")

    def start_daemon(self):
        d = self.tmp.name
        start = time.monotonic()
        self.daemon = self.spawn("gw", [O + "/sipseald", "-c", d + "/sipseal.yaml", "--state-dir", d + "/state",
                                        "--libexec", O], "event=ready")
        self.load_s = time.monotonic() - start

    def stop_daemon(self):
        """and nothing of it stays in the kernel"""
        self.procs.remove(self.daemon)
        self.end(self.daemon)
        self.in_ns("gw", O + "/sipseald", "-c", self.tmp.name + "/sipseal.yaml", "--detach",
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait()

    def ip(self, ns, *args):
        subprocess.run(["ip", "-n", "%s-%s" % (self.prefix, ns)] + list(args), check=True)

    def in_ns(self, ns, *cmd, **kw):
        return subprocess.Popen(["nsenter", "--net=/run/netns/%s-%s" % (self.prefix, ns), "--"] + list(cmd), **kw)

    def spawn(self, ns, cmd, ready):
        p = self.in_ns(ns, *cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.procs.append(p)
        for line in p.stdout:
            if ready in line:
                # nsenter has become the program; it would wait for a reader of its log when the pipe is full
                threading.Thread(target=p.stdout.read, daemon=True).start()
                return p
            if "error" in line:
                print(line, end="", file=sys.stderr)
        raise SystemExit("bench: %s ended before it was ready" % cmd[0])

    def cli(self, *args):
        r = subprocess.run([O + "/sipseal", "-s", self.tmp.name + "/control.sock"] + list(args), capture_output=True,
                           text=True)
        if r.returncode:
            raise SystemExit("bench: sipseal %s: %s" % (" ".join(args), r.stderr))
        return r.stdout

    def api(self, method, path, body=None):
        c = Unix(self.tmp.name + "/control.sock")
        c.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        r = c.getresponse()
        text = r.read().decode()
        c.close()
        if r.status not in (200, 201):
            raise SystemExit("bench: %s %s: %d %s" % (method, path, r.status, text))
        return json.loads(text) if text else None

    def signer(self, command="stats"):
        return json.loads(self.cli(command, "-j"))["signer"]

    def load(self, port, count, repeat=1, rate=RATE, trunks=0, first=0):
        cmd = [O + "/bench/sipflood", "--from", "10.66.1.2", "--to", "10.66.2.2:%d" % port, "--count", str(count),
               "--repeat", str(repeat), "--rate", str(rate)]
        if trunks:
            cmd += ["--trunks", str(trunks), "--first", str(first)]
        return self.in_ns("core", *cmd, stdout=subprocess.DEVNULL, preexec_fn=on_cpu(CPU_LOAD))

    def blast(self, port, count=10**9, rate=0, repeat=1, apart=1, cpu=CPU_LOAD, priority=0, ns="core", more=()):
        """As load(), at rates that sipflood does not reach, in bursts of two milliseconds.  end_blast() ends it, and
        returns what it said."""
        ends = [("core0", "gwc0", "10.66.1.2"), ("carr0", "gwp0", "10.66.2.2")]
        (nic, hop, here), (_, _, there) = ends if ns == "core" else reversed(ends)
        cmd = [O + "/bench/sipblast", "--if", nic, "--mac", self.link("gw", hop)["address"],
               "--from", here, "--to", "%s:%d" % (there, port), "--count", str(count),
               "--rate", str(rate), "--repeat", str(repeat), "--apart", str(apart)] + list(more)
        p = self.in_ns(ns, *cmd, stdout=subprocess.PIPE, text=True, preexec_fn=on_cpu(cpu, priority))
        self.procs.append(p)
        return p

    def end_blast(self, p, wait=False):
        """wait: until it has sent all"""
        if not wait:
            p.terminate()
        out = p.communicate(timeout=120)[0]
        self.procs.remove(p)
        if p.returncode:
            raise SystemExit("bench: sipblast failed")
        return json_lines(out)[0]

    def link(self, ns, nic):
        """-> what ip tells of a NIC, with "stats64" """
        out = subprocess.run(["ip", "-n", "%s-%s" % (self.prefix, ns), "-j", "-s", "link", "show", nic], check=True,
                             capture_output=True, text=True).stdout
        return json.loads(out)[0]

    def veth(self, ns, nic, *counters):
        """-> the sum over all queues of each counter of a veth, "rx_xdp_drops" and the like"""
        out = subprocess.run(["ip", "netns", "exec", "%s-%s" % (self.prefix, ns), "ethtool", "-S", nic], check=True,
                             capture_output=True, text=True).stdout
        found = [(re.sub(r"_queue_\d+", "", name.strip()), int(n)) for name, n in
                 (line.split(":") for line in out.splitlines() if re.search(r": \d+$", line))]
        return [sum(n for name, n in found if name == counter) for counter in counters]

    def worker_tids(self):
        pid = self.signer("status")["pid"]
        return sorted(int(tid) for tid in os.listdir("/proc/%d/task" % pid) if int(tid) != pid)

    def pin_signer(self, cpus=(CPU_SIGNER,)):
        """one worker after the other to the processors in turn; (0, 1): each to that of its queue, for an xdp_frame is
        on the queue of the processor that sent it"""
        for i, tid in enumerate(self.worker_tids()):
            os.sched_setaffinity(tid, {cpus[i % len(cpus)]})

    def thread_napi(self, ns, nic, *cpus):
        """What a NIC receives becomes the work of kernel threads of its own (one per queue, to the processors in turn)
        instead of the sender's.  -> their tids, in the order of the queues; cpu_us() knows what they took.  The NIC
        must have NAPI: XDP attached, or GRO."""
        before = threads_named("napi/%s-" % nic)
        subprocess.run(["ip", "netns", "exec", "%s-%s" % (self.prefix, ns), "sh", "-c",
                        "echo 1 > /sys/class/net/%s/threaded" % nic], check=True)
        new = {i: tid for i, tid in threads_named("napi/%s-" % nic).items() if before.get(i) != tid}
        if not new:
            raise SystemExit("bench: %s has no NAPI, or its threads are there already" % nic)
        tids = [tid for _, tid in sorted(new.items())]
        for i, tid in enumerate(tids):
            os.sched_setaffinity(tid, {cpus[i % len(cpus)]})
        return tids

    def flood(self, *args, **kw):
        """-> (CPU microseconds, signatures, frames by reason) of the signer for a flood of INVITEs"""
        pid = self.signer("status")["pid"]
        a, cpu = self.signer(), cpu_us(pid)
        if self.load(*args, **kw).wait(timeout=120):
            raise SystemExit("bench: sipflood failed")
        time.sleep(0.2)      # its ring empties
        cpu = cpu_us(pid) - cpu
        b = self.signer()
        frames = {k: n - a["reasons"].get(k, 0) for k, n in b["reasons"].items() if n != a["reasons"].get(k, 0)}
        signatures = b["signatures"] - a["signatures"]
        if b["frames_lost"] or not signatures and not frames.get("verified"):
            raise SystemExit("bench: frames lost %d, signatures %d, %s" % (b["frames_lost"], signatures, frames))
        return cpu, signatures, frames

    def memory(self):
        """-> MiB of daemon and signer, shared pages counted once"""
        kib = 0
        for pid in self.daemon.pid, self.signer("status")["pid"]:
            with open("/proc/%d/smaps_rollup" % pid) as f:
                kib += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        return kib / 1024

    def end(self, p):
        p.terminate()
        try:
            p.wait(timeout=10)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()

    def __exit__(self, *args):
        for p in reversed(self.procs):
            self.end(p)
        subprocess.run([TOP + "/scripts/lab.sh", "down"], env=dict(os.environ, LAB_PREFIX=self.prefix),
                       stdout=subprocess.DEVNULL)
        self.tmp.cleanup()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measure sipseal on this machine: a table, build/bench/results.json and SVG plots.

usage: run.py [--quick]

Every figure is a ratio to a limit or peer measured in the same run, interleaved, as a median of several
repeats with its spread.  The far end drops in XDP, or veth would bill the receiver's stack to us.  Runs
during which the hypervisor took more than 5 % of the processors are dropped, and it is said how many.

The generator runs on the first processor; the signer and, in turn, the raw signature on the second, while
the generator sends at the same rate: the two processors may be two threads of one core, and a signature
alone on an idle core would be a peer that no signer ever meets.
"""
import json
import os
import signal
import statistics
import subprocess
import sys
import textwrap
import time

sys.dont_write_bytecode = True    # nothing is left in the tree
import inbound
import scale
from benchlab import CALLS, CPU_SIGNER, O, QUICK, RATE, REPEATS, STOLEN_MAX, TOP, Lab, Stolen, json_lines, on_cpu, say

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
CONFIG = "trunks:" + TRUNK % ("plain", 5060) + TRUNK % ("location", 5062) + LOCATION


class Results:
    def __init__(self):
        self.rows = {}
        self.dropped = 0

    def add(self, name, ours, peer):
        self.rows.setdefault(name, []).append((ours, peer))

    def table(self, specs):
        out = []
        for name, unit, peer_name, reach in specs:
            v = self.rows.get(name)
            if not v:
                continue
            ratios = sorted(o / p for o, p in v)
            out.append({"name": name, "unit": unit, "ours": statistics.median(o for o, _ in v),
                        "peer": statistics.median(p for _, p in v), "peer_name": peer_name,
                        "ratio": statistics.median(ratios), "ratio_min": ratios[0], "ratio_max": ratios[-1],
                        "reach": reach, "runs": len(v)})
        return out


def raw_sign():
    out = subprocess.run([O + "/bench/bench_sign"] + (["--quick"] if QUICK else []), capture_output=True, text=True,
                         check=True, preexec_fn=on_cpu(CPU_SIGNER)).stdout
    return {x["name"]: x for x in json_lines(out)}


def raw_beside_load(lab):
    """a raw signature beside the same load: INVITEs to a port of no trunk, which stay in the kernel"""
    p = lab.load(5999, 20 * RATE)
    try:
        return raw_sign()["raw"]["us"]
    finally:
        p.terminate()
        p.wait()


def signer_round(lab, specs):
    raw_us, new_us, rows = raw_beside_load(lab), None, []
    for name, port, repeat in specs:
        cpu, signatures, reasons = lab.flood(port, CALLS // repeat, repeat)
        frames = sum(reasons.values())
        if repeat == 1:
            rows.append((name, cpu / signatures, raw_us))
            new_us = new_us or cpu / signatures
        elif frames > signatures:
            # what one more copy costs, the first one taken out
            rows.append((name, max(cpu - signatures * new_us, 0) / (frames - signatures), new_us))
    return rows


def measure_signer(res):
    specs = [("signed INVITE", 5060, 1), ("signed INVITE with location", 5062, 1), ("retransmitted INVITE", 5060, 8)]
    with Lab("s", CONFIG) as lab:
        lab.pin_signer()
        lab.flood(5060, 2000)    # warm
        for i in range(REPEATS):
            with Stolen() as stolen:
                rows = signer_round(lab, specs)
            say("round %d of %d: %s (stolen %.1f %%)" % (i + 1, REPEATS,
                ", ".join("%s %.1f us" % (n, o) for n, o, _ in rows), stolen.part * 100))
            if stolen.part > STOLEN_MAX:
                res.dropped += 1
                continue
            for row in rows:
                res.add(*row)


def measure_crypto(res):
    for _ in range(3):
        s = raw_sign()
        res.add("Identity row, in process", s["identity_emit"]["us"], s["raw"]["us"])


def measure_classifier(res):
    for _ in range(1 if QUICK else REPEATS):
        out = subprocess.run([O + "/bench/bench_classifier"], capture_output=True, text=True, check=True).stdout
        for x in json_lines(out):
            res.add("XDP " + x["name"].replace("classifier_", "").replace("_ns", ""), x["ours_ns"], x["empty_ns"])


SPECS = [
    ("signed INVITE", "us CPU", "raw P-256 signature", 1.20),
    ("signed INVITE with location", "us CPU", "raw P-256 signature", 1.35),
    ("retransmitted INVITE", "us CPU", "new INVITE", 0.15),
    ("Identity row, in process", "us CPU", "raw P-256 signature", None),
]


def plot(rows, path):
    bars = [r for r in rows if r["unit"] == "us CPU"]
    data = "\n".join('"%s" %.2f %.2f' % ("\\n".join(textwrap.wrap(r["name"], 16)), r["ours"], r["peer"]) for r in bars)
    script = """
set terminal svg size 900,420 font "sans,13" background "white"
set output "%s"
set title "CPU per call, medians, beside the raw operation measured in the same run"
set ylabel "microseconds"
set key top center outside horizontal
set bmargin 3.5
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.85 border -1
set boxwidth 0.9
set grid ytics
set yrange [0:*]
$d << EOD
%s
EOD
plot $d using 2:xtic(1) title "sipseal" lc rgb "#2b6cb0", $d using 3 title "peer or limit" lc rgb "#a0aec0"
""" % (path, data)
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def main():
    if os.geteuid():
        raise SystemExit("bench: must be root (network namespaces, BPF)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))    # and clean up
    subprocess.run(["make", "-C", TOP, "--no-print-directory", "O=" + O, "benchprogs"], check=True,
                   stdout=subprocess.DEVNULL)
    out_dir = O + "/bench"
    os.makedirs(out_dir, exist_ok=True)
    res = Results()
    start, load = time.time(), [os.getloadavg()[0]]
    say("classifier by test-run")
    measure_classifier(res)
    say("signature in process")
    measure_crypto(res)
    say("signer in the lab, %d rounds" % REPEATS)
    measure_signer(res)
    say("inbound calls")
    inbound.measure(res)
    say("many trunks")
    scale.measure(res)
    xdp = [(n, "ns", "empty program", None) for n in res.rows if n.startswith("XDP ")]
    rows = res.table(SPECS + inbound.SPECS + xdp + scale.specs(res))
    print("\n%-36s %11s %9s  %-20s %7s  %-13s %s" % ("figure", "ours", "peer", "", "ratio", "spread", "reach"))
    for r in rows:
        print("%-36s %7.1f %-3s %9.1f  %-20s %6.2fx  %.2f - %.2f   %s" % (
            r["name"], r["ours"], r["unit"][:3], r["peer"], r["peer_name"], r["ratio"], r["ratio_min"], r["ratio_max"],
            r["reach"] or ""))
    load.append(os.getloadavg()[0])
    print("%d round(s) dropped (stolen time, signer kept off its processor); one worker, %d INVITEs/s offered, far end"
          " drops in XDP; load %.1f before, %.1f at the end" % (res.dropped, RATE, load[0], load[1]))
    with open(out_dir + "/results.json", "w") as f:
        json.dump({"rows": rows, "dropped": res.dropped, "load": load, "seconds": round(time.time() - start)}, f, indent=2)
    plot(rows, out_dir + "/cpu_per_call.svg")
    scale.plot(res, out_dir + "/cost_by_trunks.svg")
    print("results: " + ", ".join(os.path.relpath(out_dir + "/" + name)
                                  for name in ("results.json", "cpu_per_call.svg", "cost_by_trunks.svg")))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Measure sipseal on this machine: a table, results.json, index.html and SVG plots in build/bench.

usage: run.py [--quick] [--only MODULE[,MODULE]] [--record] [--list]

  --quick    fewer and shorter rounds: under two minutes instead of twenty
  --only     only these modules
  --record   keep the values in tests/bench/recorded; with them later runs are compared (and docs/performance.md
             shows those of a full run)
  --list     say what would be measured

Every figure is a ratio to a limit or peer measured in the same run, interleaved, as a median of several
rounds with its spread.  The far end drops in XDP, or veth would bill the receiver's stack to us.  Rounds
during which the hypervisor took more than 5 % of the processors are dropped and counted.

The generator runs on the first processor; the signer and, in turn, the raw signature on the second, while
the generator sends at the same rate: the two processors may be two threads of one core, and a signature
alone on an idle core would be a peer that no signer ever meets.
"""
import argparse
import json
import os
import signal
import subprocess
import sys
import time
import traceback

sys.dont_write_bytecode = True    # nothing is left in the tree
import machine
import page
import plots
import record
import report
from benchlab import O, TOP, say
from figures import Results
from modules import MODULES


class Late(Exception):
    pass


def too_late(*_):
    raise Late("it takes too long")


def arguments():
    a = argparse.ArgumentParser(usage=__doc__.split("\n\n", 1)[1], add_help=True)
    for flag in "--quick", "--record", "--list":
        a.add_argument(flag, action="store_true")
    a.add_argument("--only", type=lambda text: text.split(","), default=[])
    args = a.parse_args()
    unknown = set(args.only) - {m.name for m in MODULES}
    if unknown:
        a.error("no module %s; there are %s" % (", ".join(sorted(unknown)), ", ".join(m.name for m in MODULES)))
    return args


def measure(module, res, is_quick):
    """-> what went wrong, or None.  The others go on."""
    before = set(res.rows)
    signal.alarm(4 * module.budget(is_quick) + 60)
    try:
        module.code.measure(res)
        unknown = set(res.rows) - before - {f.name for f in module.code.FIGURES}
        if unknown:
            raise SystemExit("no such figure: " + ", ".join(unknown))
        return None
    except (Exception, SystemExit) as e:
        traceback.print_exc()
        say(report.red("%s FAILED: %s" % (module.name, e)))
        return str(e) or type(e).__name__
    finally:
        signal.alarm(0)


def measure_all(modules, is_quick):
    """-> the document that becomes results.json"""
    res, failed, seconds = Results(), {}, {}
    doc = {"kind": "quick" if is_quick else "full", "machine": machine.describe(), "load": [os.getloadavg()[0]],
           "date": time.strftime("%Y-%m-%d", time.gmtime())}
    for m in modules:
        say(m.title)
        start = time.monotonic()
        why = measure(m, res, is_quick)
        if why:
            failed[m.name] = why
        seconds[m.name] = round(time.monotonic() - start, 1)
    doc["load"].append(os.getloadavg()[0])
    rows = [dict(r, module=m.name) for m in modules for r in res.summary(m.code.FIGURES)]
    missing = [f.name for m in modules for f in m.code.FIGURES
               if f.name not in res.rows and not (is_quick and f.full_only)]
    doc.update(rows=rows, missing=missing, failed=failed, seconds=seconds, dropped=res.dropped, rounds=res.rows,
               series=res.series)
    return doc


def main():
    args = arguments()
    modules = [m for m in MODULES if not args.only or m.name in args.only]
    if args.list:
        report.list_modules(modules, args.quick)
        return 0
    if os.geteuid():
        raise SystemExit("bench: must be root (network namespaces, BPF)")
    signal.signal(signal.SIGTERM, signal.default_int_handler)    # and clean up
    signal.signal(signal.SIGALRM, too_late)
    subprocess.run(["make", "-C", TOP, "--no-print-directory", "O=" + O, "benchprogs"], check=True,
                   stdout=subprocess.DEVNULL)
    doc = measure_all(modules, args.quick)
    doc["changes"] = record.compare(record.load(doc["kind"]), doc)
    out_dir = O + "/bench"
    with open(out_dir + "/results.json", "w") as f:
        json.dump(doc, f, indent=1)
    drawn = plots.draw(doc, out_dir)
    page.write(doc, drawn, out_dir + "/index.html")
    print("\n" + report.text(doc, {m.name: m for m in modules}))
    made = [out_dir + "/results.json", out_dir + "/index.html"] + drawn
    print("results: " + ", ".join(os.path.relpath(path) for path in made))
    if args.record:
        record.keep(doc, drawn)
    return 1 if doc["failed"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

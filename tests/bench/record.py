#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Results that are kept: tests/bench/recorded/{quick,full}.json, and what docs/performance.md shows of them.

usage: record.py RESULTS.json      keep these (run.py --record does it at once)
       record.py --docs            write the tables of docs/performance.md anew
       record.py --check           do they say what is recorded?

What is worse?  A ratio is the median of a run's rounds; the middle half of them lies no further from it than
about `spread`, half of what that middle half spans.  The noise of a run is one and a half of it; two runs differ
where their medians lie further apart than the noise of both together.  Two runs of nine rounds of the same
thing, noise of the normal kind, look different in 15 cases of 1,000.  Of few rounds the noise is all that they
span, and no less than NOISE_OF_FEW, for minutes of this machine differ by as much; memory does not.  Less than NOISE_MIN is never a difference: code that lies elsewhere in
memory makes as much.
"""
import json
import os
import re
import shutil
import sys

import report
from benchlab import TOP
from figures import FEW_ROUNDS

NOISE_MIN = 0.03         # of the value; of our side where a difference is shown
NOISE_OF_FEW, NOISE_OF_MEMORY = 0.20, 0.02
SPREADS = 1.5
DIRECTORY = TOP + "/tests/bench/recorded"
PAGE = TOP + "/docs/performance.md"
IMAGES = TOP + "/docs/img"
KEPT = "ours", "theirs", "value", "low", "high", "spread", "rounds"


def noise(row):
    of = abs(row["ours"] if row["shows"] == "difference" else row["value"])
    of_few = of * (NOISE_OF_MEMORY if row["unit"] == "MiB" else NOISE_OF_FEW)
    return max(row["spread"], of_few) if row["rounds"] < FEW_ROUNDS else SPREADS * row["spread"]


def change(row, was):
    """row of this run, what was recorded -> {"before", "noise", "change": "worse", "better" or None}"""
    of = abs(row["ours"] if row["shows"] == "difference" else was["value"])
    allowed = max(noise(row) + noise(dict(row, **was)), of * NOISE_MIN)
    up = row["value"] - was["value"]
    worse_by = -up if row["at_least"] else up
    return {"before": was["value"], "noise": allowed,
            "change": "worse" if worse_by > allowed else "better" if -worse_by > allowed else None}


def compare(recorded, doc):
    """-> {"of": the recorded run, "figures": {name: change}}, or None if there is nothing to compare with"""
    if not recorded:
        return None
    was = recorded["figures"]
    changes = {r["name"]: change(r, was[r["name"]]) for r in doc["rows"] if r["name"] in was}
    return {"of": recorded["run"], "figures": changes}


def path_of(kind):
    return "%s/%s.json" % (DIRECTORY, kind)


def load(kind):
    if not os.path.exists(path_of(kind)):
        return None
    with open(path_of(kind)) as f:
        return json.load(f)


def rounded(x):
    return float("%.4g" % x) if isinstance(x, float) else x


def keep(doc, drawn=()):
    """What a run of some modules did not measure stays as it was recorded."""
    if doc["failed"]:
        raise SystemExit("bench: nothing is recorded, for these failed: " + ", ".join(doc["failed"]))
    m = doc["machine"]
    run = {"date": doc["date"], "commit": m["commit"], "cpu": m["cpu"], "processors": m["processors"],
           "kernel": m["kernel"].split("-")[0], "openssl": m["openssl"], "load": [round(x, 1) for x in doc["load"]],
           "dropped": sum(doc["dropped"].values())}
    figures = (load(doc["kind"]) or {"figures": {}})["figures"]
    figures.update({r["name"]: {k: rounded(r[k]) for k in KEPT} for r in doc["rows"]})
    os.makedirs(DIRECTORY, exist_ok=True)
    with open(path_of(doc["kind"]), "w") as f:
        json.dump({"run": run, "figures": figures}, f, indent=1)
        f.write("\n")
    if doc["kind"] == "full":
        os.makedirs(IMAGES, exist_ok=True)
        for path in drawn:
            shutil.copy(path, IMAGES)
        write_docs()


# ---- docs/performance.md --------------------------------------------------------------------------------

def docs_row(figure, was):
    row = dict(figure.__dict__, **was)
    aims = [report.value(row, x) or " " for x in (figure.reach, figure.then)]
    mark = {"then": "yes", "reach": "first", "missed": "**no**", None: " "}[figure.mark(was["value"])]
    sign = ("≥ " if figure.at_least else "≤ ") if figure.reach is not None else ""
    return "| %s | %s %s | %s | %s | **%s** [%s] | %s | %s | %s |" % (
        figure.name, report.number(was["ours"]), figure.unit, report.number(was["theirs"]), figure.peer,
        report.value(row, was["value"]), report.span(row), sign + aims[0] if sign else " ", aims[1], mark)


def docs_table(figures, recorded):
    out = ["| figure | ours | peer | | ratio [spread] | reach | then | reached |",
           "|---|---:|---:|---|---|---|---|---|"]
    for f in figures:
        was = recorded["figures"].get(f.name)
        out.append(docs_row(f, was) if was else "| %s | not recorded | | %s | | %s | %s | |" % (
            f.name, f.peer, f.reach or " ", f.then or " "))
    return out


def docs_run(recorded):
    r = recorded["run"]
    return ["Recorded on %s: %d processors of an %s, Linux %s, OpenSSL %s; load %.1f before, %.1f at the end; %d rounds"
            " dropped." % (r["date"], r["processors"], r["cpu"], r["kernel"], r["openssl"], *r["load"], r["dropped"])]


def docs_text(page, recorded, figures):
    """-> the page with its marked blocks made anew"""
    blocks = {
        "main": docs_table([f for f in figures if f.main], recorded) + [""] + docs_run(recorded),
        "others": docs_table([f for f in figures if not f.main], recorded),
    }
    for name, block in blocks.items():
        begin, end = "<!-- recorded: %s -->\n" % name, "<!-- end of %s -->" % name
        if page.count(begin) != 1 or page.count(end) != 1:
            raise SystemExit("bench: docs/performance.md has no block %s" % name)
        page = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: begin + "\n".join(block) + "\n" + end, page,
                      flags=re.S)
    return page


def all_figures():
    from modules import MODULES      # not above: who compares needs no module
    return [f for m in MODULES for f in m.code.FIGURES]


def docs_made():
    """-> (what stands in the page, what should)"""
    recorded = load("full")
    with open(PAGE) as f:
        page = f.read()
    return page, docs_text(page, recorded, all_figures()) if recorded else page


def write_docs():
    page, wanted = docs_made()
    if page != wanted:
        with open(PAGE, "w") as f:
            f.write(wanted)


def main(args):
    if args == ["--check"]:
        page, wanted = docs_made()
        if page != wanted:
            raise SystemExit("docs/performance.md does not show what is recorded: python3 tests/bench/record.py --docs")
    elif args == ["--docs"]:
        write_docs()
    elif len(args) == 1 and not args[0].startswith("-"):
        with open(args[0]) as f:
            doc = json.load(f)
        from plots import draw       # not above: it is not needed to compare
        keep(doc, draw(doc, os.path.dirname(os.path.abspath(args[0]))))
    else:
        raise SystemExit(__doc__.split("What is worse")[0].strip())


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main(sys.argv[1:])

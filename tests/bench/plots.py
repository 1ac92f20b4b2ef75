#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""SVG plots of what the bench found, by gnuplot.

usage: plots.py RESULTS.json      draw them anew, beside it
"""
import json
import os
import statistics
import subprocess
import sys
import textwrap

COLOURS = "#2b6cb0", "#dd6b20", "#2f855a", "#6b46c1", "#c53030", "#4a5568"
OURS, PEER, KERNEL = "#2b6cb0", "#a0aec0", "#90cdf4"
LEAST_US = 0.5           # what is less, or below nothing because the wire's median was subtracted, stands here
POINTS = 150             # of a line: what a screen shows

HEAD = """
set terminal svg size %d,%d font "DejaVu Sans,Helvetica,sans-serif,13" background "white"
set output "%s"
set label 1 "%s" at screen 0.5, 0.955 center font ",16"
set tmargin 6
set border 3 lc rgb "#4a5568"
set tics nomirror
set key at screen 0.5, 0.915 center top horizontal Left reverse samplen 2.5 width 1 maxcols 3
set grid ytics lc rgb "#e2e8f0" lt 1 lw 1
"""


def gnuplot(path, title, script, size=(900, 440)):
    subprocess.run(["gnuplot"], input=HEAD % (*size, path, title) + script, text=True, check=True)
    return True


def block(name, lines):
    return "$%s << EOD\n%s\nEOD\n" % (name, "\n".join(lines))


def rows_by_name(doc):
    return {r["name"]: r for r in doc["rows"]}


def label(text, width=16):
    return '"%s"' % "\\n".join(textwrap.wrap(text, width))


def latency(doc, path):
    """how many of the INVITEs took no longer than this"""
    lines = doc["series"].get("latency")
    if not lines:
        return False
    script, plots = "", []
    for i, (name, us) in enumerate(lines.items()):
        us = sorted(max(x, LEAST_US) for x in us)
        n = min(POINTS, len(us))
        picked = [(us[k * (len(us) - 1) // max(n - 1, 1)], 100 * k / max(n - 1, 1)) for k in range(n)]
        script += block("d%d" % i, ["%.2f %.3f" % p for p in picked])
        plots.append('$d%d using 1:2 with lines lw 2.5 lc rgb "%s" title "%s (median %s us)"' % (
            i, COLOURS[i % len(COLOURS)], name, "%.3g" % statistics.median(us)))
    raw = [r["theirs"] for r in doc["rows"] if r["module"] == "latency" and r["peer"].startswith("raw P-256 sign")]
    if raw:
        us = statistics.median(raw)
        script += 'set arrow from %.2f,0 to %.2f,100 nohead dt 2 lw 1.5 lc rgb "%s"\n' % (us, us, PEER)
        plots.append('1/0 with lines dt 2 lw 1.5 lc rgb "%s" title "one raw signature (%.3g us)"' % (PEER, us))
    return gnuplot(path, "Added latency of an INVITE, 1,000 per second", script + """
set xlabel "microseconds (logarithmic)"
set ylabel "INVITEs that took no longer"
set format y "%%.0f %%%%"
set logscale x
set xrange [%s:*]
set grid xtics mxtics lc rgb "#e2e8f0" lt 1, lc rgb "#edf2f7" lt 1
set yrange [0:100]
set samples 2
plot %s
""" % (LEAST_US, ", \\\n     ".join(plots)))


def bars(lines, what):
    """a clause of gnuplot: bars from the columns of $d, `what` names and colours each; their values above"""
    return "set style data histogram\nset style fill solid 0.9 noborder\nset boxwidth 0.8\nset yrange [0:*]\n" \
        "set offsets graph 0, 0, graph 0.08, 0\nset xtics scale 0\nset bmargin 4.5\nset xrange [-0.7:%.1f]\n" % (
            len(lines) - 0.3) + block("d", lines) + "plot " + what + "\n"


def per_call(doc, path):
    """processes and kernel threads on top of each other"""
    peers = doc["series"].get("cpu_per_call")
    if not peers:
        return False
    lines = []
    for name, rounds in peers.items():
        user, kernel = (statistics.median(r[i] for r in rounds) for i in (0, 1))
        lines.append("%s %.2f %.2f %.2f" % (label(name), user, kernel, user + kernel))
    return gnuplot(path, "CPU per call (six SIP messages), the same job", """
set ylabel "microseconds of CPU"
set style histogram rowstacked
""" + bars(lines, """$d using 2:xtic(1) title "processes" lc rgb "%s", \\
     $d using 3 title "kernel threads that receive" lc rgb "%s", \\
     $d using 0:4:(sprintf("%%.3g us", $4)) with labels offset 0,0.7 notitle""" % (OURS, KERNEL)))


def by_rate(doc, path):
    """what a call costs by the calls per second; smallest and largest of the rounds as vertical lines"""
    points = doc["series"].get("cpu_by_rate")
    if not points:
        return False
    at = {}
    for p in points:
        at.setdefault(p["line"], {}).setdefault(p["rate"], []).append(p["us"])
    script, plots = "", []
    for i, (name, rates) in enumerate(sorted(at.items())):
        colour = COLOURS[i]
        script += block("d%d" % i, ["%d %.2f %.2f %.2f" % (rate, statistics.median(us), min(us), max(us))
                                    for rate, us in sorted(rates.items())])
        plots += ['$d%d using 1:3:(0):($4-$3) with vectors nohead lw 1.5 lc rgb "%s" notitle' % (i, colour),
                  '$d%d using 1:2 with linespoints pt 7 ps 0.5 lw 2.5 lc rgb "%s" title "%s"' % (i, colour, name),
                  '$d%d using 1:2:(sprintf("%%.0f", $2)) with labels offset 0,%.1f tc rgb "%s" notitle' % (
                      i, -0.9 if "frames" in name else 0.9, colour)]
    return gnuplot(path, "CPU per call (six SIP messages) by calls per second", script + """
set xlabel "calls per second (logarithmic)"
set ylabel "microseconds of CPU (logarithmic)"
set logscale xy
set xtics (500, 1000, 2000, 5000, 10000)
set ytics (20, 50, 100, 200, 500)
set xrange [400:12500]
set yrange [20:800]
set grid xtics lc rgb "#e2e8f0" lt 1
plot %s
""" % ", \\\n     ".join(plots))


def per_invite(doc, path):
    rows = [r for r in doc["rows"] if r["unit"] == "us CPU" and r["peer"].startswith("raw P-256")]
    if not rows:
        return False
    lines = ['%s %.2f %.2f "%s"' % (label(r["name"]), r["ours"], r["theirs"], "%.2f" % r["value"]) for r in rows]
    return gnuplot(path, "CPU of the signer per INVITE beside the bare operation of OpenSSL", """
set ylabel "microseconds of CPU"
set style histogram clustered gap 1
""" + bars(lines, """$d using 2:xtic(1) title "sipseal" lc rgb "%s", \\
     $d using 3 title "raw P-256 signature or verification" lc rgb "%s", \\
     $d using 0:($2 > $3 ? $2 : $3):4 with labels offset 0,0.7 title "above: ratio, median of the rounds"
""" % (OURS, PEER)))


def by_trunks(doc, path):
    """each round's cost beside that of ten trunks in the same round"""
    rounds = [{int(size): us for size, us in r.items()} for r in doc["series"].get("trunks", [])]
    if not rounds:
        return False
    sizes, lines = sorted(rounds[0]), []
    for s in sizes:
        signer = statistics.median(r[s][0] / r[sizes[0]][0] for r in rounds)
        ratios = sorted(sum(r[s]) / sum(r[sizes[0]]) for r in rounds)
        at = [ratios[int(part * (len(ratios) - 1))] for part in (0, 0.25, 0.5, 0.75, 1)]
        lines.append("%d %.4f %.4f %.4f %.4f %.4f %.4f" % (s, signer, *at))
    few = statistics.median(sum(r[sizes[0]]) for r in rounds)
    title = "CPU per INVITE by number of trunks, ten number ranges each"
    return gnuplot(path, title, block("d", lines) + """
set xlabel "trunks (logarithmic)"
set ylabel "cost / cost with 10 trunks (%.1f us)"
set logscale x
set xtics (%s)
set xrange [5:200000]
set yrange [0.9:1.2]
plot 1.10 title "to reach: 1.10" lc rgb "%s" lw 1.5 dt 2, 1.05 title "then: 1.05" lc rgb "%s" lw 1.5 dt 3, \\
     $d using 1:3:(0):($7-$3) with vectors nohead lw 1.5 lc rgb "#90cdf4" title "all rounds", \\
     $d using 1:4:(0):($6-$4) with vectors nohead lw 6 lc rgb "#63b3ed" title "half of the rounds", \\
     $d using 1:5 with linespoints pt 7 ps 0.5 lw 2 lc rgb "%s" title "signer and receiving (XDP)", \\
     $d using 1:2 with linespoints pt 7 ps 0.5 lw 2 lc rgb "%s" title "signer alone"
""" % (few, ", ".join('"%s" %d' % (format(s, ","), s) for s in sizes), PEER, PEER, OURS, COLOURS[2]))


def throughput(doc, path):
    """what was signed of what was offered"""
    points = doc["series"].get("throughput")
    if not points:
        return False
    script, plots, top = "", [], max(p["offered"] for p in points) / 1000
    for i, mode in enumerate(sorted({p["mode"] for p in points})):
        at = {}
        for p in points:
            if p["mode"] == mode:
                at.setdefault(p["offered"], []).append(p["signed"])
        lines = [(x, statistics.median(y), min(y), max(y)) for x, y in sorted(at.items())]
        script += block("d%d" % i, ["%.3f %.3f %.3f %.3f" % tuple(v / 1000 for v in line) for line in lines])
        plots += ['$d%d using 1:3:(0):($4-$3) with vectors nohead lw 1.5 lc rgb "%s" notitle' % (i, COLOURS[i]),
                  '$d%d using 1:2 with linespoints pt 7 ps 0.5 lw 2.5 lc rgb "%s" title "%s"' % (i, COLOURS[i], mode)]
    plots.append('x <= %.3f ? x : 1/0 with lines dt 3 lc rgb "%s" title "all that is offered"' % (top, PEER))
    raw = doc["series"].get("raw_per_s")
    if raw:
        plots.append('%.3f with lines dt 2 lw 1.5 lc rgb "%s" title "raw signatures of that core"' % (
            statistics.median(raw) / 1000, COLOURS[4]))
    return gnuplot(path, "INVITEs signed by the load offered", script + """
set xlabel "INVITEs offered, thousands per second"
set ylabel "INVITEs signed, thousands per second"
set xrange [0:*]
set yrange [0:*]
set grid xtics lc rgb "#e2e8f0" lt 1
plot %s
""" % ", \\\n     ".join(plots))


PLOTS = {"cpu_per_invite": per_invite, "cpu_per_call": per_call, "cpu_by_rate": by_rate, "latency": latency,
         "throughput": throughput, "cost_by_trunks": by_trunks}


def draw(doc, directory):
    """-> paths of the plots for which there is something to show"""
    paths = {d: "%s/%s.svg" % (directory, name) for name, d in PLOTS.items()}
    return [path for d, path in paths.items() if d(doc, path)]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    with open(sys.argv[1]) as f:
        print("\n".join(draw(json.load(f), os.path.dirname(os.path.abspath(sys.argv[1])))))

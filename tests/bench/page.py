# SPDX-License-Identifier: BSD-2-Clause
"""The same as the table, with the plots in it, as one HTML file for a browser."""
import html
import re

import machine
import report
from modules import MODULES

HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>sipseal, measured</title>
<style>
body { font: 15px/1.45 "DejaVu Sans", Helvetica, sans-serif; margin: 2em auto; max-width: 1080px; padding: 0 1em;
       background: #fff; color: #1a202c }
table { border-collapse: collapse; width: 100% } td, th { padding: .2em .6em; text-align: left;
         vertical-align: baseline }
tr + tr td { border-top: 1px solid #e2e8f0 } td.n, th.n { text-align: right; white-space: nowrap }
th { border-bottom: 2px solid #4a5568 } th[colspan] { padding-top: 1.2em; border-bottom: 1px solid #a0aec0 }
.then, .reach, .better { color: #276749 } .missed, .worse { color: #c53030; font-weight: bold }
small { color: #718096 } svg { width: 100%; height: auto; margin-top: 1.5em }
</style></head><body>
"""


def cell(text, numeric=False, kind=""):
    return '<td class="%s">%s</td>' % (" ".join(filter(None, ["n" if numeric else "", kind])), html.escape(text))


def table_row(row, change):
    name = html.escape(row["name"]) + ("<br><small>%s</small>" % html.escape(row["setting"]) if row["setting"] else "")
    was = change or {"before": None, "change": None}
    return "<tr>%s<td>%s</td>%s</tr>" % (
        cell(report.MARKS_OF_PAGE.get(row["mark"], ""), kind=row["mark"] or ""), name, "".join([
            cell("%s %s" % (report.number(row["ours"]), row["unit"]), True), cell(report.number(row["theirs"]), True),
            cell(row["peer"]), cell(report.value(row, row["value"]), True, row["mark"] or ""),
            cell(report.span(row), True),
            cell(report.aim(row, row["reach"]), True), cell(report.aim(row, row["then"]), True),
            cell(report.value(row, was["before"]), True, was["change"] or "")]))


def table(doc):
    changes = (doc["changes"] or {}).get("figures", {})
    yield "<table><tr><th></th><th>figure</th><th class=n>ours</th><th class=n>peer</th><th></th>" + "".join(
        "<th class=n>%s</th>" % name for name in ("ratio", "spread", "reach", "then", "recorded")) + "</tr>"
    for m in MODULES:
        rows = [r for r in doc["rows"] if r["module"] == m.name]
        if rows:
            yield '<tr><th></th><th colspan="9">%s</th></tr>' % html.escape(m.title)
            yield from (table_row(r, changes.get(r["name"])) for r in rows)
    yield "</table>"


def plain(line):
    return html.escape(re.sub("\033\\[[0-9;]*m", "", line))


def inline(path, i):
    """an SVG as part of the page; gnuplot calls the parts of every plot the same"""
    with open(path) as f:
        svg = f.read()
    svg = svg[svg.index("<svg"):]
    return re.sub(r'(id="|href=.#|url\(#)', lambda m: m.group(1) + "p%d_" % i, svg)


def write(doc, drawn, path):
    modules = {m.name: m for m in MODULES}
    with open(path, "w") as f:
        f.write(HEAD + "<h1>sipseal, measured</h1>\n<p>%s; %s run of %s, commit %s</p>\n" % tuple(map(html.escape, (
            machine.line(doc["machine"]), doc["kind"], doc["date"], str(doc["machine"]["commit"])))))
        f.write("\n".join(table(doc)) + "\n<ul>\n")
        for line in [report.aims(doc)] + list(report.against_recorded(doc)) + list(report.how_it_went(doc, modules)):
            f.write("<li>%s</li>\n" % plain(line))
        f.write("</ul>\n" + "\n".join(inline(p, i) for i, p in enumerate(drawn)) + "\n</body></html>\n")

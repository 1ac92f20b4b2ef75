# SPDX-License-Identifier: BSD-2-Clause
"""The table at the end of the bench, for people."""
import os
import sys
import textwrap

import machine

IS_COLOURED = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
IS_UTF8 = (sys.stdout.encoding or "").lower().startswith("utf")
MARKS_OF_PAGE = {"then": "✔✔", "reach": "✔", "missed": "✘"}
MARKS = MARKS_OF_PAGE if IS_UTF8 else {"then": "++", "reach": "+", "missed": "-"}
AT_MOST, AT_LEAST = ("≤", "≥") if IS_UTF8 else ("<=", ">=")
COLUMNS = "", "figure", "ours", "peer", "", "ratio", "spread", "reach", "then", "recorded", ""
WIDTH = 120              # of the lines below the table
RIGHT = {2, 3, 5, 7, 8, 9}       # columns of numbers


def paint(code, text):
    return "\033[%sm%s\033[0m" % (code, text) if IS_COLOURED and text else text


def red(text):
    return paint("1;31", text)


def green(text):
    return paint("32", text)


def dim(text):
    return paint("2", text)


def bold(text):
    return paint("1", text)


def number(x):
    size = abs(x)
    if size >= 100:
        return format(x, ",.0f")
    if size >= 9.995:
        return "%.1f" % x
    return "%.2f" % x if size >= 0.0995 or not x else "%.2g" % x


def value(row, x):
    """of a ratio or a difference"""
    return "" if x is None else ("+" if row["shows"] == "difference" and x >= 0 else "") + number(x)


def aim(row, x):
    return "" if x is None else "%s %s" % (AT_LEAST if row["at_least"] else AT_MOST, value(row, x))


def span(row):
    return "%s - %s" % (value(row, row["low"]), value(row, row["high"])) if row["rounds"] > 1 else "one round"


def cells(row, change, note):
    mark = MARKS.get(row["mark"], "")
    was = change and value(row, change["before"]) or ""
    return [mark, row["name"], "%s %-6s" % (number(row["ours"]), row["unit"]), number(row["theirs"]), row["peer"],
            value(row, row["value"]), span(row), aim(row, row["reach"]), aim(row, row["then"]), was,
            " ".join(filter(None, [change and change["change"], note and "[%d]" % note]))]


def colours(row, change):
    """by column"""
    by_mark = {"then": green, "reach": green, "missed": red}.get(row["mark"], str)
    by_change = {"worse": red, "better": green}.get(change and change["change"], dim)
    return {0: by_mark, 5: by_mark, 4: dim, 6: dim, 9: by_change, 10: by_change}


def lines(table, painters):
    """columns as wide as they need; colours after the widths are known"""
    widths = [max(len(r[i]) for r in table) for i in range(len(COLUMNS))]
    for r, paints in zip(table, painters):
        padded = [c.rjust(w) if i in RIGHT else c.ljust(w) for i, (c, w) in enumerate(zip(r, widths))]
        yield "  ".join(paints.get(i, str)(c) for i, c in enumerate(padded)).rstrip()


def grouped(doc, modules):
    """The rows below the title of their module, its settings behind them."""
    changes = (doc["changes"] or {}).get("figures", {})
    table, painters, extra = [list(COLUMNS)], [{i: bold for i in range(len(COLUMNS))}], {}
    settings = []
    for i, row in enumerate(doc["rows"]):
        if row["setting"] and row["setting"] not in settings:
            settings.append(row["setting"])
        if i == 0 or doc["rows"][i - 1]["module"] != row["module"]:
            extra[len(table)] = ["", bold(modules[row["module"]].title)]
        change = changes.get(row["name"])
        table.append(cells(row, change, settings.index(row["setting"]) + 1 if row["setting"] else 0))
        painters.append(colours(row, change))
    for i, line in enumerate(lines(table, painters)):
        yield from extra.get(i, [])
        yield line
    yield ""
    for i, setting in enumerate(settings):
        for line in textwrap.wrap("[%d] %s" % (i + 1, setting), WIDTH, subsequent_indent="    "):
            yield dim(line)


def changed(doc, what, paint_it):
    """-> a line for each figure that got worse, or better"""
    for row in doc["rows"]:
        c = doc["changes"]["figures"].get(row["name"])
        if c and c["change"] == what:
            yield paint_it("%s by more than its noise: %s: %s, recorded %s, noise %s" % (
                what, row["name"], value(row, row["value"]), value(row, c["before"]), number(c["noise"])))


def aims(doc):
    """how many figures are where they shall be"""
    marks = [row["mark"] for row in doc["rows"] if row["mark"]]
    counts = [x for m in ("then", "reach", "missed") for x in (MARKS[m], marks.count(m))]
    return "%d figures with an aim: %s %d reach the last one, %s %d the first of two, %s %d miss it" % (
        len(marks), *counts)


def against_recorded(doc):
    if not doc["changes"]:
        yield "nothing is recorded to compare with (--record)"
        return
    of = doc["changes"]["of"]
    elsewhere = "" if of["cpu"] == doc["machine"]["cpu"] else red(", on another processor: " + of["cpu"])
    yield "compared with the %s run recorded on %s%s" % (doc["kind"], of["date"], elsewhere)
    yield from changed(doc, "better", green)
    yield from changed(doc, "worse", red)


def how_it_went(doc, modules):
    dropped = ", ".join("%d: %s" % (n, why) for why, n in doc["dropped"].items()) or "none"
    yield "rounds dropped: " + dropped
    if doc["missing"]:
        yield red("not measured: " + ", ".join(doc["missing"]))
    yield "%s; commit %s; load %.1f before, %.1f at the end" % (
        machine.line(doc["machine"]), doc["machine"]["commit"], *doc["load"])
    parts = []
    for name, s in doc["seconds"].items():
        budget = modules[name].budget(doc["kind"] == "quick")
        parts.append((red if s > budget else str)("%s %.0f (%d)" % (name, s, budget)))
    yield "%d seconds; by module, in brackets what it may take: %s" % (sum(doc["seconds"].values()), ", ".join(parts))
    for name, why in doc["failed"].items():
        yield red("FAILED: %s: %s" % (name, why))


def text(doc, modules):
    out = list(grouped(doc, modules)) if doc["rows"] else []
    return "\n".join(out + ["", aims(doc)] + list(against_recorded(doc)) + list(how_it_went(doc, modules)))


def list_modules(modules, is_quick):
    for m in modules:
        print(bold("%-10s %s, %d s" % (m.name, m.title, m.budget(is_quick))))
        for f in m.code.FIGURES:
            row = f.__dict__
            print("  %-36s %-7s beside %-26s %-8s %s" % (f.name, f.unit, f.peer, aim(row, f.reach), aim(row, f.then)))

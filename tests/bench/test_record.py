#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the bench says of its figures: what is met, what got worse, what the documentation shows.  Measures nothing."""
import os
import random
import sys
import unittest

sys.dont_write_bytecode = True
import record
import report
from figures import Figure, Results
from modules import MODULES

LESS = Figure("less", "us", "peer", 1.20, 1.10)
MORE = Figure("more", "per s", "peer", 0.80, 0.90, at_least=True)
OVER = Figure("over", "ns", "empty program", 35, 25, shows="difference")
MEMORY = Figure("memory", "MiB", "limit", 1.0)
ALL = [LESS, MORE, OVER, MEMORY]


def run(**rounds):
    """-> the rows of a run whose rounds found these values; the peer is always 10"""
    res = Results()
    for f in ALL:
        for v in rounds.get(f.name, []):
            res.add(f.name, v + 10 if f is OVER else v * 10, 10)
    return {"rows": [dict(r, module="m") for r in res.summary(ALL)]}


def kept(doc):
    rows = {r["name"]: {k: record.rounded(r[k]) for k in record.KEPT} for r in doc["rows"]}
    return {"run": {"date": "2026-01-01", "cpu": "some", "commit": "x", "processors": 2, "kernel": "6", "openssl": "3",
                    "load": [0.0, 0.0], "dropped": 0}, "figures": rows}


def around(middle, half):
    """nine rounds whose middle half spans `half` to both sides, and whose extremes lie far away"""
    return [middle + half * k for k in (-9, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 9)]


def verdict(name, before, after):
    return record.compare(kept(run(**{name: before})), run(**{name: after}))["figures"][name]["change"]


class Comparison(unittest.TestCase):
    def test_the_spread_is_half_of_the_middle_half(self):
        row = run(less=around(1.2, 0.04))["rows"][0]
        self.assertAlmostEqual(row["spread"], 0.04)
        self.assertAlmostEqual(row["value"], 1.2)
        self.assertAlmostEqual(row["high"], 1.2 + 9 * 0.04)

    def test_worse_is_what_lies_beyond_the_noise_of_both(self):
        # one and a half of 0.04 for either: 0.12 in all
        for after, want in (1.30, None), (1.31, None), (1.33, "worse"), (1.09, None), (1.07, "better"), (1.2, None):
            self.assertEqual(verdict("less", around(1.2, 0.04), around(after, 0.04)), want, after)

    def test_the_noise_of_either_run_counts(self):
        self.assertEqual(verdict("less", around(1.2, 0.001), around(1.3, 0.001)), "worse")
        self.assertEqual(verdict("less", around(1.2, 0.08), around(1.3, 0.001)), None)
        self.assertEqual(verdict("less", around(1.2, 0.001), around(1.3, 0.08)), None)

    def test_less_is_worse_of_what_shall_be_more(self):
        self.assertEqual(verdict("more", around(0.85, 0.01), around(0.75, 0.01)), "worse")
        self.assertEqual(verdict("more", around(0.85, 0.01), around(0.95, 0.01)), "better")
        self.assertEqual(verdict("more", around(0.85, 0.01), around(0.84, 0.01)), None)

    def test_of_differences_more_is_worse(self):
        self.assertEqual(verdict("over", around(20, 0.5), around(30, 0.5)), "worse")
        self.assertEqual(verdict("over", around(30, 0.5), around(20, 0.5)), "better")
        self.assertEqual(verdict("over", around(20, 0.5), around(20.8, 0.5)), None)

    def test_little_is_no_difference(self):
        self.assertEqual(verdict("less", [1.2] * 9, [1.23] * 9), None)
        self.assertEqual(verdict("less", [1.2] * 9, [1.25] * 9), "worse")

    def test_few_rounds_prove_little(self):
        self.assertEqual(verdict("less", [1.2], [1.7]), None)
        self.assertEqual(verdict("less", [1.2], [1.9]), "worse")
        self.assertEqual(verdict("less", [1.0, 1.2, 1.8], [1.4, 1.9, 2.4]), None)

    def test_memory_does_not_vary(self):
        self.assertEqual(verdict("memory", [0.50], [0.51]), None)
        self.assertEqual(verdict("memory", [0.50], [0.53]), "worse")

    def test_the_same_thing_again_is_seldom_worse(self):
        any_ = random.Random(1)
        runs = [[any_.gauss(1.2, 0.05) for _ in range(9)] for _ in range(2000)]
        worse = sum(verdict("less", a, b) == "worse" for a, b in zip(runs[::2], runs[1::2]))
        self.assertLess(worse, 25)

    def test_what_was_not_recorded_is_not_compared(self):
        self.assertIsNone(record.compare(None, run(less=[1.2])))
        self.assertEqual(record.compare(kept(run(less=[1.2])), run(more=[1.2]))["figures"], {})

    def test_the_table_says_so(self):
        doc = dict(run(less=around(1.3, 0.01), more=around(0.95, 0.01)), kind="full", machine={"cpu": "some"})
        doc["changes"] = record.compare(kept(run(less=around(1.2, 0.01), more=around(0.85, 0.01))), doc)
        got = list(report.against_recorded(doc))
        self.assertEqual([line.split(":")[1].strip() for line in got if line.startswith("worse")], ["less"])
        self.assertEqual([line.split(":")[1].strip() for line in got if line.startswith("better")], ["more"])


class Marks(unittest.TestCase):
    def test_what_is_met(self):
        none, last = Figure("none", "us", "peer"), Figure("last", "us", "limit", 1.0)
        for f, value, want in ((LESS, 1.1, "then"), (LESS, 1.2, "reach"), (LESS, 1.21, "missed"), (MORE, 0.9, "then"),
                               (MORE, 0.8, "reach"), (MORE, 0.79, "missed"), (OVER, 25, "then"), (OVER, 36, "missed"),
                               (none, 9, None), (last, 1.0, "then"), (last, 1.1, "missed")):
            self.assertEqual(f.mark(value), want, (f.name, value))


class Modules(unittest.TestCase):
    def test_each_figure_has_a_name_of_its_own(self):
        names = [f.name for m in MODULES for f in m.code.FIGURES]
        self.assertEqual(sorted(names), sorted(set(names)))

    def test_all_together_stay_in_their_time(self):
        self.assertLessEqual(sum(m.full_s for m in MODULES), 20 * 60)
        self.assertLessEqual(sum(m.quick_s for m in MODULES), 2 * 60)


class Documentation(unittest.TestCase):
    PAGE = ("a\n<!-- recorded: main -->\nold\n<!-- end of main -->\n"
            "b\n<!-- recorded: others -->\n<!-- end of others -->\n")

    def test_it_shows_what_is_recorded(self):
        page, wanted = record.docs_made()
        self.assertTrue(page == wanted, "python3 tests/bench/record.py --docs")

    @unittest.skipUnless(record.load("full"), "nothing is recorded")
    def test_each_plot_that_it_shows_is_there(self):
        page, _ = record.docs_made()
        for name in [part.split(")")[0] for part in page.split("](img/")[1:]]:
            self.assertTrue(os.path.exists(record.IMAGES + "/" + name), name)

    def test_blocks_are_made_anew_and_nothing_else(self):
        figures = [Figure("less", "us", "peer", 1.20, 1.10, main=True), MORE]
        got = record.docs_text(self.PAGE, kept(run(less=around(1.15, 0.01))), figures)
        self.assertIn("| less | 11.5 us | 10.0 | peer | **1.15** [1.06 - 1.24] | ≤ 1.20 | 1.10 | first |", got)
        self.assertIn("| more | not recorded |", got)
        self.assertNotIn("old", got)
        self.assertEqual((got[:2], got.count("\nb\n")), ("a\n", 1))
        self.assertEqual(record.docs_text(got, kept(run(less=around(1.15, 0.01))), figures), got)

    def test_a_page_without_them_is_refused(self):
        with self.assertRaises(SystemExit):
            record.docs_text("no block", kept(run(less=[1.2])), ALL)


if __name__ == "__main__":
    unittest.main()

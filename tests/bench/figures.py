# SPDX-License-Identifier: BSD-2-Clause
"""What the bench says: figures, each a ratio to a limit or a peer of the same run, and the series behind the plots.

A module that measures has FIGURES, a list of Figure, and measure(res), which adds what it found.
"""
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    name: str
    unit: str             # of both sides: "us CPU", "us", "ns", "MiB", "s", "per s", ...
    peer: str             # what it is compared with, in a few words
    reach: float = None   # the ratio to reach; None: there is none
    then: float = None    # and the next one
    at_least: bool = False  # the ratio shall be at least `reach`, not at most
    setting: str = ""     # how it was measured: idle mode, sink, rate, as far as the figure depends on it
    shows: str = "ratio"  # or "difference": ours less the peer's, in `unit`, beside `reach` and `then`


class Results:
    def __init__(self):
        self.rows = {}       # name -> [(ours, peer)]
        self.series = {}     # name -> what a plot needs; plots.py knows which
        self.dropped = {}    # why -> how many rounds

    def add(self, name, ours, peer):
        """ours and the peer's of one round"""
        self.rows.setdefault(name, []).append((ours, peer))

    def drop(self, why):
        self.dropped[why] = self.dropped.get(why, 0) + 1

    def summary(self, figures):
        """-> a dictionary per figure that was measured, in the order of the figures"""
        out = []
        for f in figures:
            v = self.rows.get(f.name)
            if not v:
                continue
            got = sorted(o - p if f.shows == "difference" else o / p for o, p in v)
            out.append(dict(f.__dict__, ours=statistics.median(o for o, _ in v), theirs=statistics.median(p for _, p in v),
                            value=statistics.median(got), low=got[0], high=got[-1], rounds=len(v)))
        return out

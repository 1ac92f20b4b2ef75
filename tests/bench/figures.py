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
    full_only: bool = False  # --quick does not measure it
    main: bool = False    # one of those that docs/performance.md names first

    def value(self, ours, peer):
        return ours - peer if self.shows == "difference" else ours / peer

    def mark(self, value):
        """-> "then" (the last aim is met), "reach" or "missed"; None where there is nothing to reach"""
        aims = [(a, m) for a, m in ((self.then, "then"), (self.reach, "reach")) if a is not None]
        met = [m for a, m in aims if (value >= a if self.at_least else value <= a)]
        if not met:
            return "missed" if aims else None
        return "then" if len(met) == len(aims) else "reach"


FEW_ROUNDS = 7           # with fewer the middle half says little


def spread(values):
    """Half of what the middle half of the rounds spans; of few rounds all that they span."""
    if len(values) < FEW_ROUNDS:
        return max(values) - min(values)
    q = statistics.quantiles(values, n=4, method="inclusive")
    return (q[2] - q[0]) / 2


class Results:
    def __init__(self):
        self.rows = {}       # name -> [(ours, peer)]
        # name -> what a plot needs:
        #   "latency"       {line: [microseconds]}
        #   "cpu_per_call"  {bar: [[microseconds in processes, in kernel threads], ...]}, one pair per round
        #   "cpu_by_rate"   [{"line", "rate": calls per second, "us": per call}]
        #   "throughput"    [{"offered", "signed", "dropped": per second, "mode": line}]
        #   "raw_per_s"     [signatures per second], the limit in the plot of the throughput
        #   "trunks"        [{number of trunks: (microseconds of the signer, of receiving)}], one per round
        self.series = {}
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
            got = sorted(f.value(o, p) for o, p in v)
            value = statistics.median(got)
            ours, theirs = (statistics.median(side) for side in zip(*v))
            out.append(dict(f.__dict__, ours=ours, theirs=theirs, value=value, low=got[0], high=got[-1],
                            spread=spread(got), rounds=len(v), mark=f.mark(value)))
        return out

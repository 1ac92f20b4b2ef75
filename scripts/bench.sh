#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Measure: install what is missing, build, run tests/bench/run.py.
#
#   scripts/bench.sh [--quick] [--only MODULE[,MODULE]] [--record] [--list]     (make bench, make bench-quick)
#
#   --quick    under two minutes instead of twenty
#   --only     some modules; --list names them with their figures
#   --record   keep the values in tests/bench/recorded, for later runs to be compared with; those of a full run
#              are what docs/performance.md shows
#
# Results: a table, build/bench/results.json, build/bench/index.html and SVG plots.  The status is 1 if a module
# failed, never because something is slow.
set -euo pipefail
case ${1:-} in
-h|--help) sed -n '3,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
cd "$(dirname "$0")/.."
case " $* " in
*" --list "*) exec python3 tests/bench/run.py "$@" ;;
esac
export O=${O:-$PWD/build}

CALLER=scripts/bench.sh scripts/bootstrap.sh bench
make -j"$(nproc)" O="$O"
exec python3 tests/bench/run.py "$@"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Measure: install what is missing, build, run tests/bench/run.py.
#
#   scripts/bench.sh [--quick]     (make bench, make bench-quick)
#
# Results: a table, build/bench/results.json and SVG plots.
set -euo pipefail
case ${1:-} in
-h|--help) sed -n '3,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
cd "$(dirname "$0")/.."
export O=${O:-$PWD/build}

CALLER=scripts/bench.sh scripts/bootstrap.sh bench
make -j"$(nproc)" O="$O"
exec python3 tests/bench/run.py "$@"

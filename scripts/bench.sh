#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Measure: install what is missing, build, run tests/bench/run.sh.
#
#   scripts/bench.sh [ARGUMENT...]      arguments go to tests/bench/run.sh
#
# Results: build/bench/results.json.  SCALE=ci (default) or full.
set -euo pipefail
case ${1:-} in
-h|--help) sed -n '3,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
cd "$(dirname "$0")/.."
export SCALE=${SCALE:-ci} O=${O:-$PWD/build}

scripts/bootstrap.sh bench
make -j"$(nproc)" O="$O"
exec tests/bench/run.sh "$@"

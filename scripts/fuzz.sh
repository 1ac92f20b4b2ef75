#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Run the fuzz targets (make fuzzprogs builds them), one after the other, and print a table: executions, how many per
# second, edges of the code that were seen, result.
#
#   scripts/fuzz.sh [TARGET...]        names as in tests/fuzz/; none: all
#
# FUZZ_SECONDS=30 per target; O=dir is the build directory.  A target starts from tests/fuzz/corpus/ and, where its
# name stands in want_more(), from other files of the tests; what it finds new is thrown away.  An input that breaks
# something is kept as O/fuzz/TARGET-*, and the status is not 0.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
SECONDS_EACH=${FUZZ_SECONDS:-30}
O=${O:-build}
MEMORY_MB=2048 INPUT_S=5 LONGEST=8192

usage() { sed -n '3,11s/^# \{0,1\}//p' scripts/fuzz.sh; }

work=$(mktemp -d)
child=
trap '[ -z "$child" ] || kill "$child" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

want_more() { # TARGET -> directories with inputs beside its own corpus
	case $1 in
	fuzz_sip) echo tests/data/hostile ;;
	esac
}

row() { printf '%-16s %12s %8s %7s  %s\n' "$@"; }

# What libFuzzer prints: "#N DONE cov: E ft: .. corp: .." and "stat::name: value".
run_one() { # TARGET
	local name=$1 log=$work/log rc dirs=("$work/found") execs rate edges kept
	rm -rf "$work/found"
	mkdir -p "$work/found"
	[ ! -d "tests/fuzz/corpus/${name#fuzz_}" ] || dirs+=("tests/fuzz/corpus/${name#fuzz_}")
	# shellcheck disable=SC2207 # names without blanks
	dirs+=($(want_more "$name"))
	timeout -k 5 $((SECONDS_EACH + 60)) "$O/fuzz/$name" -max_total_time="$SECONDS_EACH" -timeout=$INPUT_S \
		-rss_limit_mb=$MEMORY_MB -max_len=$LONGEST -artifact_prefix="$O/fuzz/$name-" -print_final_stats=1 \
		"${dirs[@]}" >"$log" 2>&1 </dev/null &
	child=$!
	wait "$child"
	rc=$?
	child=
	execs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
	edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
	if [ $rc = 0 ]; then
		row "$name" "${execs:-?}" "${rate:-?}" "${edges:-?}" ok
		return 0
	fi
	kept=$(sed -n "s/.*Test unit written to //p" "$log" | tail -n 1)
	row "$name" "${execs:-?}" "${rate:-?}" "${edges:-?}" "FOUND: ${kept:-exit status $rc}"
	tail -n 40 "$log" | sed 's/^/    | /'
	[ -z "$kept" ] || echo "    again: $O/fuzz/$name $kept"
	return 1
}

case ${1:-} in -h|--help) usage; exit 0 ;; esac
targets=("$@")
if [ $# = 0 ]; then
	for src in tests/fuzz/fuzz_*.c; do targets+=("$(basename "$src" .c)"); done
fi
row target executions "per s" edges result
bad=0
for name in "${targets[@]}"; do
	if [ ! -x "$O/fuzz/$name" ]; then
		echo "fuzz: $O/fuzz/$name is not there: make fuzzprogs" >&2
		exit 2
	fi
	run_one "$name" || bad=$((bad + 1))
done
[ $bad = 0 ]

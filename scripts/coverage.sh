#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Which lines of the modules that read what strangers send are run by their unit tests and by the corpora of the fuzz
# targets.  Builds what it needs (make COV=1), prints a table per module; the status is 0 if each has at least MIN.
#
#   scripts/coverage.sh [-v]     -v: also each file, and the lines that nothing ran
#
# MIN=90 in percent; O=dir is the build directory.  A function that is only in a header counts where it stands: not here.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
MIN=${MIN:-90}
O=${O:-build}
O=${O#"$PWD"/} # as the Makefile names it
JOBS=$(nproc)
MODULES="sip stir location engine wire"
TARGETS="sip multipart engine identity verify frame reassemble"
TEST_S=120

usage() { sed -n '3,9s/^# \{0,1\}//p' scripts/coverage.sh; }

verbose=
case ${1:-} in
'') ;;
-v) verbose=1 ;;
-h|--help) usage; exit 0 ;;
*) usage >&2; exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

programs() {
	local m src
	for m in $MODULES; do
		for src in tests/unit/"$m"/test_*.c; do
			src=${src#tests/unit/}
			echo "$O/cov/unit/${src%.c}"
		done
	done
}

corpus() { # TARGET -> its files
	local dir=tests/fuzz/corpus/$1
	[ "$1" != sip ] || dir=tests/data/hostile
	find "$dir" -type f
}

run_corpora() {
	local t
	for t in $TARGETS; do
		mapfile -t files < <(corpus "$t")
		"$O/cov/replay/fuzz_$t" "${files[@]}" >"$work/log" 2>&1 </dev/null ||
			{ echo "corpus of fuzz_$t: exit status $?"; tail -n 20 "$work/log"; return 1; }
	done
}

# Of gcov's words per file, the .c files of the module: "NAME EXECUTED LINES".
files_of() { # MODULE
	# shellcheck disable=SC2046 # names without blanks
	gcov -n -r -s "$PWD" $(find "$O/cov/$1" -maxdepth 1 -name '*.gcno') 2>/dev/null | awk -v m="$1" -F"[' :%]+" '
	/^File/ { file = $2; next }
	/^Lines executed/ { if (file ~ "^user/" m "/[^/]*[.]c$") printf "%s %.0f %d\n", file, $3 * $5 / 100, $5; file = "" }' |
		sort
}

lines_of() { # MODULE : the lines that nothing ran
	local file
	for file in user/"$1"/*.c; do
		file=$(basename "$file" .c)
		[ ! -f "$O/cov/$1/$file.gcda" ] ||
			gcov -t -r -s "$PWD" "$O/cov/$1/$file.gcno" 2>/dev/null | awk -v name="user/$1/$file.c" -F: '
			/Source:/ { on = $NF == name } on && /^ *#####/ { sub(/^ *#####: */, ""); print "    " name ":" $0 }'
	done
}

replays() {
	local t
	for t in $TARGETS; do echo "$O/cov/replay/fuzz_$t"; done
}

# shellcheck disable=SC2046 # names without blanks
make -j"$JOBS" O="$O" COV=1 $(programs) $(replays) >"$work/log" 2>&1 ||
	{ tail -n 30 "$work/log"; echo "coverage: does not build"; exit 1; }
find "$O/cov" -name '*.gcda' -delete
# several at once: counters are added up under a lock, program by program
programs | xargs -P "$JOBS" -I{} sh -c "timeout -k 5 $TEST_S {} >$work/\$(echo {} | tr / _) 2>&1 </dev/null || echo {} >>$work/failed"
if [ -s "$work/failed" ]; then
	echo "coverage: failed:"
	cat "$work/failed"
	exit 1
fi
run_corpora || exit 1

bad=0
printf '%-10s %7s %9s %8s\n' module lines executed percent
for m in $MODULES; do
	files_of "$m" >"$work/files"
	[ -z "$verbose" ] || awk '{ printf "    %-34s %5d of %5d  %5.1f %%\n", $1, $2, $3, $3 ? 100 * $2 / $3 : 100 }' "$work/files"
	awk -v m="$m" -v min="$MIN" '{ e += $2; n += $3 } END {
		p = n ? 100 * e / n : 0
		printf "%-10s %7d %9d %7.1f%%%s\n", m, n, e, p, p < min ? "  under " min " %" : ""
		exit p < min }' "$work/files" || bad=1
	[ -z "$verbose" ] || lines_of "$m"
done
[ $bad = 0 ]

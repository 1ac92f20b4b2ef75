#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Run the tests: install what is missing, build, and then
#
#   static  includes point one way, shell scripts parse, installation is complete
#   unit    cmocka programs under AddressSanitizer and UBSan
#   coverage  lines of the modules that read what strangers send: under 90 % it fails
#   bpf     the XDP program by BPF_PROG_TEST_RUN
#   fuzz    each fuzz target from its corpus, for a while
#   lab     real SIP through namespaces
#
#   scripts/test.sh [static|unit|coverage|bpf|fuzz|lab [NAME]]      one part, or one file of it
#
# SCALE=ci (default) takes some 20 minutes on two cores, SCALE=full runs the same with other counts.
# O=dir is the build directory.  The last line is `N passed, N failed` (with `, N skipped` if any were);
# the status is 0 only if nothing failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
SELF=scripts/test.sh

case ${SCALE:=ci} in
ci) FUZZ_S=8 ;;
full) FUZZ_S=300 ;;
*) echo "test: SCALE is ci or full" >&2; exit 2 ;;
esac
export SCALE
export O=${O:-build}
case $O in /*) ;; *) O=$PWD/$O ;; esac
JOBS=$(nproc)
# a lab that hangs shall not hang the run: more than any file needs
UNIT_LIMIT=120 LAB_LIMIT=300
[ "${SCALE:-ci}" = ci ] || LAB_LIMIT=3600

passed=0 failed=0 skipped=0 lanes=()
log=$(mktemp)
trap '[ ${#lanes[@]} = 0 ] || { kill "${lanes[@]}" 2>/dev/null; wait "${lanes[@]}"; }; rm -f "$log" "$log".*' EXIT
trap 'exit 130' INT TERM

usage() { sed -n '3,18s/^# \{0,1\}//p' $SELF; }

# ---- counting ---------------------------------------------------------------------------------------
step_name='' step_start=0 step_p=0 step_f=0 step_s=0
step() { # NAME
	step_name=$1 step_start=$SECONDS step_p=$passed step_f=$failed step_s=$skipped
	printf '== %s\n' "$1"
}

step_end() {
	local s=$((skipped - step_s))
	printf '   %s: %d passed, %d failed%s  [%d s]\n' "$step_name" $((passed - step_p)) $((failed - step_f)) \
		"$([ $s = 0 ] || echo ", $s skipped")" $((SECONDS - step_start))
}

pass() { passed=$((passed + 1)); }
flunk() { # NAME [FILE with its output]
	failed=$((failed + 1))
	echo "not ok $1"
	[ $# -lt 2 ] || sed 's/^/    | /' "$2"
}
skip() { skipped=$((skipped + 1)); echo "skip $1"; }

did() { # NAME COMMAND... : one test
	local name=$1
	shift
	if "$@" >"$log" 2>&1; then pass; else flunk "$name" "$log"; fi
}

# Each cmocka test counts.  A failed one is listed again at the end, so only what follows its RUN line
# is looked at; one that never came to its end (a crash, a sanitizer) has failed.
cmocka_tally() { # FILE -> "passed failed skipped"
	awk '
	/^\[ RUN      \]/ { if (open) f++; open = 1; next }
	open && /^\[       OK \]/ { p++; open = 0 }
	open && /^\[  FAILED  \]/ { f++; open = 0 }
	open && /^\[  SKIPPED \]/ { s++; open = 0 }
	END { print p + 0, f + open + 0, s + 0 }' "$1"
}

count_cmocka() { # NAME STATUS FILE
	local name=$1 rc=$2 p f s
	read -r p f s < <(cmocka_tally "$3")
	[ $rc = 0 ] || [ "$f" -gt 0 ] || f=1             # ended badly outside any test
	[ $((p + f + s)) -gt 0 ] || f=1                  # a program without a test proves nothing
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	[ "$s" = 0 ] || grep -h -A1 'SKIPPED' "$3" | head -n 3 | sed 's/^/   /'
	[ "$f" = 0 ] || { echo "not ok $name: $f failed, exit status $rc"; grep -v '^\[       OK\|^\[ RUN ' "$3" | sed 's/^/    | /'; }
}

run_cmocka() { # NAME PROGRAM...
	local name=$1
	shift
	timeout -k 5 $UNIT_LIMIT "$@" >"$log" 2>&1 </dev/null
	count_cmocka "$name" $? "$log"
}

# Lines `ok NAME`, `not ok NAME: WHY`, `skip NAME: WHY`; the last two are shown with what follows them.
count_lines() { # NAME STATUS FILE SECONDS
	local name=$1 rc=$2 p f s
	p=$(grep -c '^ok ' "$3") f=$(grep -c '^not ok ' "$3") s=$(grep -c '^skip ' "$3")
	p=${p:-0} f=${f:-0} s=${s:-0}                    # it did not even begin
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	grep -v '^ok ' "$3"
	if [ "$f" = 0 ] && { [ "$rc" != 0 ] || [ $((p + s)) = 0 ]; }; then flunk "$name: exit status $rc$([ "$rc" != 124 ] || echo ' (too slow)')"; fi
	printf '   %s: %d ok  [%d s]\n' "$name" "$p" "$4"
}

run_lines() { # NAME LIMIT COMMAND...
	local name=$1 limit=$2 start=$SECONDS
	shift 2
	timeout -k 20 "$limit" "$@" >"$log" 2>&1 </dev/null
	count_lines "$name" $? "$log" $((SECONDS - start))
}

# Lanes: programs that run beside others.  What each said, and its status, are in files, and counted when all lanes have
# ended.  A lane that is stopped takes with it what it runs.
lane_run() { # LIMIT COMMAND ITEM... : `COMMAND ITEM`, or where COMMAND is empty the item itself
	local limit=$1 command=$2 item out start child=
	shift 2
	trap '[ -z "$child" ] || kill "$child"; wait; exit 143' TERM
	for item in "$@"; do
		out=$(lane_log "$item") start=$SECONDS
		# shellcheck disable=SC2086 # the command is words, or none
		timeout -k 20 "$limit" $command "$item" >"$out" 2>&1 </dev/null &
		child=$!
		wait "$child"
		echo $? >"$out.status"
		echo $((SECONDS - start)) >"$out.seconds"
	done
}

lane_log() { echo "$log.lane${1//\//.}"; } # ITEM
lane_status() { cat "$(lane_log "$1").status"; }
lane_begin() { # as lane_run
	lane_run "$@" &
	lanes+=($!)
}

lanes_end() {
	[ ${#lanes[@]} = 0 ] || wait "${lanes[@]}"
	lanes=()
}

# As many lanes as there are processors, and dealt out in turn, for neighbours are alike.
lanes_run() { # LIMIT COMMAND ITEM...
	local limit=$1 command=$2 i j mine
	shift 2
	for ((i = 1; i <= JOBS && i <= $#; i++)); do
		mine=()
		for ((j = i; j <= $#; j += JOBS)); do mine+=("${!j}"); done
		lane_begin "$limit" "$command" "${mine[@]}"
	done
	lanes_end
}

build() { # WHAT MAKE-ARGUMENT...
	local what=$1
	shift
	make -j"$JOBS" O="$O" WERROR=1 "$@" >"$log" 2>&1 && return 0
	grep -nE 'error|warning|Error' "$log" | head -n 40 | sed 's/^/    | /'
	flunk "build of $what: make $*"
	return 1
}

# ---- parts ------------------------------------------------------------------------------------------
in_programs() { # the installation, into a directory of its own
	local dest=$log.dest p page rc=0
	make O="$O" install DESTDIR="$dest" PREFIX=/opt/sipseal || rc=1
	for p in bin/sipseal sbin/sipseald libexec/sipseal/sipseal-{signer,fetcher}; do
		[ -x "$dest/opt/sipseal/$p" ] || { echo "not installed: $p"; rc=1; }
	done
	for p in lib/systemd/system/{sipseald.service,run-sipseal-bpf.mount} lib/sysusers.d/sipseal.conf share/man/man1/sipseal.1 \
		share/man/man5/sipseal.yaml.5 share/man/man8/{sipseald,sipseal-fetcher}.8 share/doc/sipseal/{api,inbound,operations,sandbox,neighbours}.md share/sipseal/{sipseal.yaml,trunks/customer.yaml}; do
		[ -s "$dest/opt/sipseal/$p" ] || { echo "not installed: $p"; rc=1; }
	done
	for page in "$dest"/opt/sipseal/share/man/man?/*; do
		grep -A2 -x NAME "$page" | grep -q " - " || { echo "no NAME in $page"; rc=1; }
		! grep -F -e '**' -e '`' "$page" || { echo "Markdown left in $page"; rc=1; }
	done
	[ "$(grep -c '=/opt/sipseal/sbin/sipseald ' "$dest/opt/sipseal/lib/systemd/system/sipseald.service")" = 2 ] ||
		{ echo "the unit starts another sipseald"; rc=1; }
	"$dest/opt/sipseal/bin/sipseal" --version && "$dest/opt/sipseal/sbin/sipseald" --help || rc=1
	rm -rf "$dest"
	return $rc
}

# A trunk example is what a file in trunks_dir is: it loads beside the sample; and so does the README's.
in_samples() {
	local dir=$log.samples rc=0
	mkdir -p "$dir/readme"
	sed -n '/^```yaml/,/^```/{/^```/!p}' README.md >"$dir/readme/acme.yaml"
	mkdir -p "$dir/sti/trial"
	"$O/sipseal" cert lab "$dir/sti" >/dev/null && cp "$dir"/sti/{chain,key}.pem "$dir/sti/trial" || rc=1
	mv "$dir/sti/trial/chain.pem" "$dir/sti/trial/cert.pem"
	cp conf/trunks/*.yaml "$dir"
	sed -e "s|^  root: .*|  root: $dir/sti|; s|^  #cert_path: cert.pem|  cert_path: chain.pem|; s|^  #\([a-z]\)|  \1|" \
		-e "s|^# trunks_dir: .*|trunks_dir: $dir|" conf/sipseal.yaml >"$dir/.main.yaml"
	"$O/sipseal" config check "$dir/.main.yaml" || rc=1
	"$O/sipseal" -j config check "$dir/.main.yaml" | grep -q "\"trunks\": $(ls conf/trunks/*.yaml | wc -l)\b" || rc=1
	sed -i "s|^trunks_dir: .*|trunks_dir: $dir/readme|" "$dir/.main.yaml"
	"$O/sipseal" -j config check "$dir/.main.yaml" | grep -q '"trunks": 1\b' || { echo "README: no trunk"; rc=1; }
	rm -rf "$dir"
	return $rc
}

# Parsers of the counts themselves: a harness that cannot count says "0 failed".
tally_counts() {
	printf '%s\n' '[ RUN      ] a' '[       OK ] a' '[ RUN      ] b' '[  ERROR   ] --- x' '[  FAILED  ] b' \
		'[ RUN      ] c' '[  SKIPPED ] c' '[ RUN      ] d' 'crash' >"$log.t"
	printf '%s\n' '[  PASSED  ] 1 test(s).' '[  FAILED  ] 1 test(s), listed below:' '[  FAILED  ] b' >>"$log.t"
	[ "$(cmocka_tally "$log.t")" = "1 2 1" ]
}

# Nothing is left to do behind a build, and all objects of a header are made anew, whatever name the build
# directory was given.
in_dependencies() {
	local want
	make -q O="$O" || { echo "not up to date behind a build"; return 1; }
	want=$(make -n -W user/base/slice.h O="$O" | grep -c ' -c -o ')
	[ "$want" -gt 20 ] && [ "$want" = "$(make -n -W user/base/slice.h O="$(realpath --relative-to=. "$O")" | grep -c ' -c -o ')" ]
}

# Each warning of `status` has a line in docs/operations.md, and stands in the list of docs/api.md.
in_warnings() {
	local code rc=0 n=0
	while read -r code; do
		n=$((n + 1))
		grep -q "^| .*\`$code\`" docs/operations.md || { echo "docs/operations.md: no line for $code"; rc=1; }
		grep -q "\`$code\`" docs/api.md || { echo "docs/api.md: no $code"; rc=1; }
	done < <(
		grep -ohE '(report_warn\(list, [^,]+, |warn\(list, |warn_trunk\(list, &[a-z]+, |say\(l, )"[a-z_0-9]+"' user/daemon/*.c |
			grep -oE '[a-z_0-9]+"$' | tr -d '"' | grep -vxE 'info|notice|warning|critical'
		sed -n '/by_reason\[\] = {/,/^};/p; /^} by_reason/,/^};/p' user/daemon/report_warnings.c | grep -oE 'SR_[A-Z_0-9]+' |
			sed 's/^SR_//' | sort -u | while read -r code; do sed -n "s/.*, *$code, *\"\([a-z_]*\)\".*/\1/p" bpf/abi.h; done
	)
	[ $n -gt 30 ] || { echo "only $n codes found"; rc=1; }
	return $rc
}

part_static() {
	step "static"
	run_lines arrows 60 tests/unit/arrows.sh
	run_lines sandboxdoc 60 tests/unit/sandboxdoc.sh
	did "scripts parse" bash -n scripts/*.sh tests/lab/*.sh tests/unit/*.sh .ci/run
	did "counting of this script" tally_counts
	did "make help" make help
	did "figures of the bench and what is recorded" python3 tests/bench/test_record.py
	did "dependencies" in_dependencies
	did "sample configuration" "$O/sipseal" config check conf/sipseal.yaml
	did "sample trunks" in_samples
	did "installation" in_programs
	did "warnings are documented" in_warnings
	step_end
}

part_unit() { # [NAME]
	local src name names=()
	step "unit (ASan, UBSan)"
	# not strict_string_checks: it calls strndup() of text without NUL, which is legal, an overflow
	export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
	export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
	for src in tests/unit/*/test_*.c; do
		name=${src#tests/unit/}
		name=${name%.c}
		case $name in *"${1:-}"*) ;; *) continue ;; esac
		[ ! -x "$O/san/unit/$name" ] || names+=("$name")
	done
	lanes_run $UNIT_LIMIT "" "${names[@]/#/$O/san/unit/}"
	for name in "${names[@]}"; do
		src=$O/san/unit/$name
		count_cmocka "unit $name" "$(lane_status "$src")" "$(lane_log "$src")"
	done
	step_end
}

part_coverage() {
	step "coverage"
	if O=$O scripts/coverage.sh >"$log" 2>&1 </dev/null; then
		pass
		sed 's/^/   /' "$log"
	else
		flunk "coverage" "$log"
	fi
	step_end
}

part_bpf() { # [NAME]
	local src name
	step "bpf (BPF_PROG_TEST_RUN)"
	for src in tests/bpf/test_*.c; do
		name=$(basename "$src" .c)
		case $name in *"${1:-}"*) ;; *) continue ;; esac
		[ -x "$O/bpftest/$name" ] || continue
		# a network namespace of its own: nothing that a test attaches touches this machine
		run_cmocka "bpf $name" unshare --net "$O/bpftest/$name"
	done
	step_end
}

part_fuzz() { # [NAME]
	local src name names=()
	step "fuzz ($FUZZ_S s each)"
	for src in tests/fuzz/fuzz_*.c; do
		name=$(basename "$src" .c)
		case $name in *"${1:-}"*) ;; *) continue ;; esac
		[ ! -x "$O/fuzz/$name" ] || names+=("$name")
	done
	FUZZ_SECONDS=$FUZZ_S O=$O lanes_run $((FUZZ_S + 120)) scripts/fuzz.sh "${names[@]}"
	for name in "${names[@]}"; do
		if [ "$(lane_status "$name")" = 0 ]; then
			pass
			sed -n '2s/^/   /p' "$(lane_log "$name")"
		else
			flunk "fuzz $name" "$(lane_log "$name")"
		fi
	done
	step_end
}

# These run beside the others, in a lane of their own.
LANE_MARK='# lane: second (it waits more than it works)'
part_lab() { # [NAME]
	local file name beside=()
	step "lab"
	for file in tests/lab/[0-9]*.sh; do
		name=$(basename "$file" .sh)
		case $name in *"${1:-}"*) ;; *) continue ;; esac
		! grep -qxF "$LANE_MARK" "$file" || beside+=("$file")
	done
	[ ${#beside[@]} = 0 ] || lane_begin $LAB_LIMIT "" "${beside[@]}"
	for file in tests/lab/[0-9]*.sh; do
		name=$(basename "$file" .sh)
		case $name in *"${1:-}"*) ;; *) continue ;; esac
		grep -qxF "$LANE_MARK" "$file" || run_lines "lab $name" $LAB_LIMIT "$file"
	done
	lanes_end
	for file in "${beside[@]}"; do
		name=$(lane_log "$file")
		count_lines "lab $(basename "$file" .sh)" "$(lane_status "$file")" "$name" "$(cat "$name.seconds")"
	done
	step_end
}

# ---- run --------------------------------------------------------------------------------------------
part=${1:-all}
case $part in
all|static|unit|coverage|bpf|fuzz|lab) ;;
-h|--help) usage; exit 0 ;;
*) usage >&2; exit 2 ;;
esac
only=${2:-}

CALLER=scripts/test.sh scripts/bootstrap.sh test || { echo "0 passed, 1 failed"; exit 1; }

step "build"
case $part in all|static) build programs all && pass ;; esac
case $part in all|lab) build "programs and tools" all tools && pass ;; esac
case $part in all|unit) build "unit tests" SAN=address,undefined unit && pass ;; esac
case $part in all|bpf) build "BPF tests" bpftests && pass ;; esac
case $part in all|fuzz) build "fuzz targets" fuzzprogs && pass ;; esac
step_end

case $part in
all) for p in static unit coverage bpf fuzz lab; do "part_$p" ""; done ;;
*) "part_$part" "$only" ;;
esac

tail_text=
[ $skipped = 0 ] || tail_text=", $skipped skipped"
echo "$passed passed, $failed failed$tail_text"
[ $failed = 0 ]

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The checkers of the other tests, against captures made by hand: each fault has to be found.
. "$(dirname "$0")/lib.sh"

test_selftest() { python3 "$HERE/selftest.py" || fail "a checker is wrong"; }

# The harness: whatever ends a test badly makes it `not ok`, a subshell and a command that nobody looks at, too.
test_harness_notices() {
	cat >"$T/bad.sh" <<-X
	. "$HERE/lib.sh"
	test_command() { false; echo went on; }
	test_subshell() { ( fail "inside" ); echo went on; }
	test_function() { inner; echo went on; }
	inner() { grep -q x /dev/null; echo went on; }
	test_pipe() { false | cat; echo went on; }
	test_unset() { echo "\$NOT_THERE"; echo went on; }
	test_fail() { fail "so"; }
	test_good() { false || :; ! false; }
	test_skipped() { skip "why"; }
	run_tests "\$@"
	X
	! bash "$T/bad.sh" >"$T/bad.txt" 2>&1 || { cat "$T/bad.txt"; fail "its status is good"; }
	expect "lines" "not ok bad/command|not ok bad/subshell|not ok bad/function|not ok bad/pipe|not ok bad/unset|not ok bad/fail|ok bad/good|skip bad/skipped|" \
		"$(sed -nE 's/^((not )?ok|skip) ([a-z/]*).*/\1 \3/p' "$T/bad.txt" | tr '\n' '|')"
	! grep "went on" "$T/bad.txt" || { cat "$T/bad.txt"; fail "a test went on"; }
}

# What is looked at behind every test: a counter that is wrong is seen, and so is what a test has left.
wrong() { # JQ-EDIT OF STATS -> what is said of it
	echo "$1" >"$T/edit.jq"
	SIPSEAL=$T/liar SUMS_WAIT=0 inv_sums || :
}

test_invariants_notice() {
	start_gateway
	udp_sink $CARRIER4:5060
	send_invite one
	inv_sums || fail "sums of a gateway that is well"
	cat >"$T/liar" <<-X
	#!/bin/bash
	set -o pipefail
	case \$* in *stats*) "$SIPSEAL" "\$@" | jq "\$(cat "$T/edit.jq")" ;; *) exec "$SIPSEAL" "\$@" ;; esac
	X
	chmod +x "$T/liar"
	sleep 1 # ND is over
	expect "the truth" "" "$(wrong .)"
	grep -q 'steered is not .* 1 are missing' <(wrong '.sums.steered += 1') || fail "a frame without a reason"
	grep -q 'steered is not .* -1 are missing' <(wrong '.sums.signer_reasons += 1') || fail "a reason too many"
	grep -q 'gwc0: XDP has reasons for' <(wrong '.interfaces[0].packets_total -= 1') || fail "a packet without a reason"
	grep -q 'sum of XDP reasons' <(wrong '.interfaces[1].packets.kernel += 1') || fail "an XDP reason too many"
	grep -q 'frames lost: 2' <(wrong '.signer.frames_lost = 2') || fail "lost frames"
	kill -STOP "$(signer_pid)"
	sleep 0.8
	expect "a gateway whose signer the test has stopped" "" "$(wrong '.sums.steered += 1')"
	kill -CONT "$(signer_pid)"
	grep -q "process $(pid_of gateway) " <(inv_processes) || fail "a process that is left"
	grep -q "left behind: .*/run/netns/$PREFIX-gw" <(inv_left) || fail "namespaces that are left"
	grep -q "mount bpf /run/$PREFIX-lab/bpf" <(inv_left) || fail "pins that are left"
}

run_tests "$@"

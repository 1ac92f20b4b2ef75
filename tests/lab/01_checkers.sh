#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The checkers of the other tests, against captures made by hand: each fault has to be found.
. "$(dirname "$0")/lib.sh"

test_selftest() { python3 "$HERE/selftest.py" || fail "a checker is wrong"; }

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

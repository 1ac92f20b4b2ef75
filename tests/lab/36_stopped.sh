#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The signer stands still in the middle of calls: what belongs to a call that is up goes on, large emergency
# calls get through, nothing is signed late.
. "$(dirname "$0")/lib.sh"

begin() { # POLICY
	make_certs "$T/sti"
	ON_FAILURE=$1 gateway_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	captures_start
}

# A call with hold and BYE whose INVITE is signed; the signer stops before the hold.
call_goes_on() { # POLICY
	begin "$1"
	uas carrier_call $CARRIER4 -m 1
	(sleep 0.9; kill -STOP "$(signer_pid)") &
	sed 's|<pause milliseconds="50"/>|<pause milliseconds="2000"/>|' "$HERE/sipp/pbx_call.xml" >"$T/slow_call.xml"
	uac "$(realpath --relative-to="$HERE/sipp" "$T")/slow_call" $CORE4 $CARRIER4
	kill -CONT "$(signer_pid)"
	captures_stop
	check_calls --added Identity
	expect "INVITEs" 1 "$(calls_value transactions)"
	expect "re-INVITEs" 1 "$(calls_value same_invites)"
}

test_call_goes_on_drop() { call_goes_on drop; }
test_call_goes_on_pass() { call_goes_on pass; }

test_nothing_is_signed_late() {
	begin drop
	udp_sink $CARRIER4:5060
	send_invite before
	expect_seen before "signed 1"
	local pid
	pid=$(signer_pid)
	kill -STOP "$pid"
	send_invite queued # the heartbeat is still fresh: it goes into the ring
	sleep 0.9
	kill -CONT "$pid" 2>/dev/null || :
	sleep 0.5
	expect "INVITE that waited 0.9 s" absent "$(seen queued)"
	stats
	expect "signatures" 1 "$(signer_value signatures)"
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

run_tests "$@"

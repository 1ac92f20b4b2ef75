#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The signer hangs or dies: what the policy says happens to INVITEs, emergency calls and all else cross,
# and afterwards calls are signed again.
. "$(dirname "$0")/lib.sh"

begin() { # POLICY
	make_certs "$T/sti"
	ON_FAILURE=$1 gateway_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	captures_start
	udp_sink $CARRIER4:5060
	send_invite before
	expect_seen before "signed 1"
}

# Without a signer: WANTED is what happens to a plain INVITE.
without_signer() { # WANTED
	send_invite plain
	send_invite number sip:911@$CARRIER4
	send_invite urn urn:service:sos
	send_options ping
	expect_seen number "unsigned 1"
	expect_seen urn "unsigned 1"
	expect_seen ping "unsigned 1"
	sleep 0.2
	expect "plain INVITE at the carrier" "$1" "$(seen plain)"
}

signs_again() {
	local i
	for i in $(seq 40); do
		send_invite "again$i"
		sleep 0.25
		[ "$(seen "again$i")" != "signed 1" ] || return 0
	done
	fail "no INVITE was signed within 10 s"
}

hung() { # POLICY WANTED COUNTER
	begin "$1"
	local pid
	pid=$(signer_pid)
	kill -STOP "$pid"
	sleep 0.8 # heartbeat_ms is 500
	without_signer "$2"
	kill -CONT "$pid" 2>/dev/null || : # a supervisor may have replaced it
	stats
	at_least "$3" 1 "$(xdp_count "$3")"
	expect "emergency_passed" 2 "$(xdp_count emergency_passed)"
	signs_again
	expect "plain INVITE at the carrier later" "$2" "$(seen plain)"
}

test_hung_drop() { hung drop absent signer_down_dropped; }
test_hung_pass() { hung pass "unsigned 1" signer_down; }

test_killed_signer_comes_back() {
	begin drop
	kill -KILL "$(signer_pid)"
	signs_again
	stats
	expect "signer restarts" 1 "$(signer_value restarts)"
	is_alive "$(pid_of gateway)" || fail "the daemon ended"
}

# Daemon and signer gone: the pinned program goes on.
killed() { # POLICY WANTED
	begin "$1"
	local signer
	signer=$(signer_pid)
	stop gateway KILL
	wait_for 5 is_dead "$signer" || fail "the signer outlived its daemon"
	without_signer "$2"
	start_gateway "$T/sipseal.yaml"
	send_invite restarted
	expect_seen restarted "signed 1"
}

test_killed_drop() { killed drop absent; }
test_killed_pass() { killed pass "unsigned 1"; }

test_stopped_and_detached() {
	begin drop
	stop_gateway
	expect "NICs with a program" "" "$(attached)"
	send_invite detached
	expect_seen detached "unsigned 1"
}

run_tests "$@"

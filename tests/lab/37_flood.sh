#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# More than the signer can take: rings overflow, every packet is accounted for, no frame is lost, and the next
# call is signed.
. "$(dirname "$0")/lib.sh"

flood() { # COUNT
	in_ns core "$O/bench/sipflood" --from $CORE4 --to $CARRIER4:5060 --count "$1" >"$T/flood.json" || fail "sipflood"
	jq .sent "$T/flood.json"
}

sums_hold() { # ... once the statistics of the rings, read every second, have followed
	stats
	local steered signer drops
	steered=$(xdp_count steered)
	signer=$(signer_total)
	drops=$(jq '[.signer.rings[] | .rx_dropped + .rx_ring_full] | add' "$T/stats.json")
	echo "steered=$steered signer=$signer drops=$drops"
	[ "$steered" = $((signer + drops)) ]
}

test_overflow() {
	bench_programs sipflood
	start_gateway
	udp_sink $CARRIER4:5060
	local pid sent
	pid=$(signer_pid)
	# the signer stands still for less than heartbeat_ms, again and again: its rings run over
	for _ in 1 2 3; do
		kill -STOP "$pid"
		sent=$(flood 6000)
		kill -CONT "$pid"
		expect "sent" 6000 "$sent"
		sleep 0.3
	done
	wait_for 5 sums_hold >"$T/sums" || fail "steered is not signer + ring drops: $(tail -n 1 "$T/sums")"
	tail -n 1 "$T/sums"
	! grep -q 'drops=0$' <(tail -n 1 "$T/sums") || fail "no ring ran over"
	sipseal status
	sipseal stats
	stats
	expect "frames lost" 0 "$(signer_value frames_lost)"
	capture_start carrier carrier carr0
	send_invite after
	expect_seen after "signed 1"
	expect "signer restarts" 0 "$(signer_value restarts)"
}

# Ten emergency calls while the rings are as full as they get: each arrives, signed or not.
test_emergency_calls() {
	bench_programs sipflood
	start_gateway
	udp_sink $CARRIER4:5060
	capture_start carrier carrier carr0 'udp src port 5070' # not the flood
	local i files=()
	for i in 0 1 2 3 4 5 6 7 8 9; do
		invite_file "$T/sos$i.sip" "sos$i"
		sed -i '1s/INVITE [^ ]*/INVITE urn:service:sos/' "$T/sos$i.sip"
		files+=("$T/sos$i.sip")
	done
	bg flood core "$O/bench/sipflood" --from $CORE4 --to $CARRIER4:5060 --count 400000
	sleep 0.5
	for i in 0 1 2 3 4 5 6 7 8 9; do
		send_files $CORE4:5070 $CARRIER4:5060 "${files[$i]}"
	done
	is_alive "$(pid_of flood)" || skip "the flood was over before the calls were sent"
	stop flood
	sleep 0.3
	for i in 0 1 2 3 4 5 6 7 8 9; do
		[ "$(seen "sos$i")" != absent ] || fail "sos$i did not arrive"
	done
	stats
	at_least "emergency calls that went round the signer" 1 "$(xdp_count emergency_passed)"
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

run_tests "$@"

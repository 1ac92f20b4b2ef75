#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# INVITEs that come in IP fragments are signed and verified like others; what is not ours to change leaves as it came.
. "$(dirname "$0")/lib.sh"
. "$HERE/fraglib.sh"

nothing_held() {
	expect "fragments held" 0 "$(jq '.sums.fragments_held' "$T/stats.json")"
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

test_outbound() {
	frag_start
	frags outbound
	expect "signed" 24 "$(signer_count signed)"
	expect "put together" 24 "$(signer_value datagrams_whole)"
	expect "parts of datagrams" $(($(frags_value fragments) - 24)) "$(signer_count reassembled)"
	nothing_held
	all_verified 24
}

test_inbound() {
	frag_start
	frags inbound
	expect "verified" 24 "$(signer_count verified)"
	expect "parts of datagrams" $(($(frags_value fragments) - 24)) "$(signer_count reassembled)"
	nothing_held
}

test_interleaved_and_copies() {
	frag_start
	frags interleaved
	expect "signed" 12 "$(signer_count signed)"
	expect "verified" 12 "$(signer_count verified)"
	all_verified 12
	frags copies
	expect "signed" 14 "$(signer_count signed)"
	expect "retransmission" 12 "$(signer_count retransmission)"
	nothing_held
}

test_as_they_came() {
	frag_start
	captures_start
	frags as_came
	captures_stop
	expect "not_invite" 4 "$(signer_count not_invite)"
	expect "in_dialog" 4 "$(signer_count in_dialog)"
	at_least "fragment_not_udp" 4 "$(signer_count fragment_not_udp)"
	nothing_held
	python3 "$HERE/fragments.py" same "$T/core.pcap" "$T/carrier.pcap" "$(frags_value idents)"
}

test_refused() {
	frag_start
	frags refused
	at_least "fragment_refused" 20 "$(signer_count fragment_refused)"
	expect "fragment_tiny" 1 "$(signer_count fragment_tiny)"
	at_least "held until their time is up" 6 "$(jq '.sums.fragments_held' "$T/stats.json")"
	expect "signed" 1 "$(signer_count signed)"
}

test_foreign_port() {
	frag_start
	frags foreign
	expect "INVITE at the carrier" 1 "$(frags_value invite)"
	expect "unmatched_invite" 1 "$(signer_count unmatched_invite)"
	nothing_held
}

# Certificates that are not known yet: those in fragments wait, too.
test_wait_for_certificate() {
	inbound_start
	X5U=$WEB/slow250/chain.pem
	frags inbound
	expect "verified" 24 "$(signer_count verified)"
	at_least "waited" 1 "$(jq '.signer.parked_ever' "$T/stats.json")"
}

test_capture() {
	frag_start
	"$SIPSEAL" -s "$T/control.sock" capture -w "$T/calls.pcapng" >"$T/capture.log" 2>&1 &
	local pid=$!
	echo $pid >>"$T/pids"
	wait_for 5 test -s "$T/calls.pcapng" || fail "capture did not start: $(cat "$T/capture.log")"
	sleep 0.3
	frags interleaved
	sleep 0.5
	stop_pid $pid INT
	expect "datagrams before and after" 48 "$(tshark -r "$T/calls.pcapng" -d udp.port==5060-5070,sip \
		-Y 'sip.Method == "INVITE"' 2>/dev/null | wc -l)"
}

run_tests "$@"

# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# faultlib.sh - what tests of failures share: a stream of numbered packets, sums, restarts.

INVITES='udp[8:4] = 0x494e5649' # "INVI"; of fragments the first

# ---- a stream beside the calls -------------------------------------------------------------------------
stream_start() { # [RATE]
	bg stream-recv carrier python3 "$HERE/stream.py" recv $CARRIER4:7000 "$T/stream-recv.json"
	wait_for 5 grep -qs ready "$T/stream-recv.log" || fail "stream: $(cat "$T/stream-recv.log")"
	bg stream-send core python3 "$HERE/stream.py" send $CORE4:7000 $CARRIER4:7000 "${1:-500}" "$T/stream-send.json"
}

# Packets that a full ring of a veth has dropped: at a sender with an skb, or at XDP_REDIRECT.
veth_drops() {
	local ns nic
	for nic in core:core0 gw:gwc0 gw:gwp0 carrier:carr0; do
		ns=${nic%:*} nic=${nic#*:}
		in_ns $ns ethtool -S $nic | awk '/_drops:|xmit_errors:/ && !/xdp_drops/ { n += $2 } END { print n + 0 }'
		in_ns $ns ip -s -j link show $nic | jq '.[0].stats64.tx.dropped'
	done | awk '{ n += $1 } END { print n }'
}

# All that was sent has arrived, but for at most as many as the rings have dropped.
stream_stop() {
	local sent received lost drops
	stop stream-send
	sleep 0.3
	stop stream-recv
	sent=$(jq .sent "$T/stream-send.json") received=$(jq .received "$T/stream-recv.json")
	lost=$((sent - received)) drops=$(veth_drops)
	report "stream: $sent packets, $lost lost; rings of the veth pairs have dropped $drops of all packets"
	at_least "packets of the stream" 100 "$received"
	expect "packets that arrived twice" 0 "$(jq .twice "$T/stream-recv.json")"
	[ $lost -le "$drops" ] || { cat "$T/stream-recv.json"; fail "$lost packets of the stream are lost, $drops of them by rings"; }
}

# ---- the gateway -----------------------------------------------------------------------------------------
restarts() { "$SIPSEAL" -s "$T/control.sock" stats -j | jq .signer.restarts; }
has_restarted() { [ "$(restarts)" -gt "$1" ]; } # NUMBER of restarts before

# steered = reasons of the signer + ring drops (read every second) + what a dead signer took along
are_sums_even() {
	stats
	jq -c .sums "$T/stats.json"
	[ "$(jq .sums.in_flight "$T/stats.json")" = 0 ]
}

expect_sums() {
	wait_for 5 are_sums_even >"$T/sums" || fail "steered is not the sum of the rest: $(tail -n 1 "$T/sums")"
}

# ---- calls and stream end ------------------------------------------------------------------------------
calls_end() { # none has failed, none has left unsigned or late, nothing of the stream is lost, the sums hold
	load_stop v4
	captures_stop
	stream_stop
	python3 "$HERE/check_faults.py" "$T/core.pcap" "$T/carrier.pcap" --cert "$T/sti/leaf.pem" >"$T/faults" ||
		fail "$(cut -c7- "$T/faults")"
	report "$(cat "$T/faults")"
	expect_sums
}

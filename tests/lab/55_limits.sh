#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# max_cps of a trunk, and fair shares of a signer that has too much to do.
. "$(dirname "$0")/lib.sh"
export LAB_QUEUES=1 # one queue, one worker: trunks meet
OTHER4=10.66.2.9

begin() {
	bench_programs sipflood
	make_certs "$T/sti"
	gateway_yaml | sed '/^trunks:/,$d' >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	in_ns carrier ip addr add $OTHER4/24 dev carr0
	udp_sink $CARRIER4:5060 $OTHER4:5060
}

trunk_add() { # NAME ADDRESS [KEY=VALUE...]
	local name=$1 address=$2
	shift 2
	exits 0 sipseal trunk add "$name" carrier.peers="$address:5060" attestation=B default_country_code=1 pai.mode=off "$@"
}

# flood_at RATE COUNT : at an even pace (sipflood sends 32 at a time) to the first trunk
flood_at() { bg flood core "$O/bench/sipflood" --from $CORE4 --to $CARRIER4:5060 --rate "$1" --count "$2"; }

sums_hold() { # once the statistics of the rings, read every second, have followed
	stats
	jq -e '.sums | .in_flight == 0 and .steered == .signer_reasons + .ring_drops + .lost_with_signer' "$T/stats.json" >"$T/sums"
}

quiet_calls() { # COUNT [SED] : to the second trunk, 20 a second
	local i files=()
	for i in $(seq "$1"); do
		invite_file "$T/q$i.sip" "q$i" "sip:$CALLED@$OTHER4"
		[ $# -lt 2 ] || sed -i "$2" "$T/q$i.sip"
		files+=("$T/q$i.sip")
	done
	send_files $CORE4:5070 $OTHER4:5060 --gap 50 "${files[@]}"
}

# arrived [FROM TO] -> INVITEs of the flood at the carrier, in a window of seconds after the first
arrived() {
	tshark -r "$T/carrier.pcap" -Y 'udp.srcport == 5060 && udp.dstport == 5060' -T fields -e frame.time_epoch 2>/dev/null |
		awk -v a="${1:-0}" -v b="${2:-1000}" 'NR == 1 { t = $1 } $1 - t >= a && $1 - t < b { n++ } END { print n + 0 }'
}

within() { # WHAT WANTED PERCENT FOUND
	local off=$((($4 - $2) * 100))
	[ "${off#-}" -le $(($2 * $3)) ] || fail "$1: $4, expected $2 within $3 %"
	echo "$1: $4, expected $2"
}

xdp_packets() { # as the driver counts them
	local nic
	for nic in gwc0 gwp0; do in_ns gw ethtool -S $nic; done | awk '/_xdp_packets:/ { n += $2 } END { print n }'
}

calls_of_trunk() { sipseal -j trunk list | jq --arg n "$1" '.trunks[] | select(.name == $n).calls.signed'; } # NAME

# After silence a second's worth at once, then max_cps; changes of other trunks fill nothing up again.
test_max_cps() {
	begin
	trunk_add limited $CARRIER4 max_cps=50
	trunk_add quiet $OTHER4
	captures_start
	flood_at 500 2500
	local i
	for i in 1 2 3 4 5; do
		exits 0 sipseal trunk add "t$i" carrier.peers="192.0.2.$i:5060" attestation=C
		sleep 0.3
	done
	quiet_calls 20
	wait_exit flood 20
	captures_stop
	within "in 3 s, after the burst" 150 4 "$(arrived 1.5 4.5)"
	within "burst and 5 s" 300 4 "$(arrived)"
	wait_for 5 sums_hold || fail "sums: $(jq -c .sums "$T/stats.json")"
	expect "let in and refused" 2500 $(($(arrived) + $(xdp_count rate_limited)))
	expect "calls of the signer" $(($(arrived) + 20)) "$(signer_total)"
	expect "calls of the other trunk" 20 "$(calls_of_trunk quiet)"
	expect "fair_share" 0 "$(xdp_count fair_share)"
	sipseal -j status | jq -e '.warnings[] | select(.code == "rate_limited")' >"$T/warning" || fail "status does not warn"
}

test_changed_live() {
	begin
	trunk_add limited $CARRIER4 max_cps=40
	capture_start carrier carrier carr0
	flood_at 500 4500
	sleep 3
	exits 0 sipseal trunk set limited max_cps=100
	sleep 3
	exits 0 sipseal trunk set limited max_cps=0
	wait_exit flood 20
	sleep 0.3
	within "in 1.5 s with 40" 60 8 "$(arrived 1.2 2.7)"
	within "in 1.5 s with 100" 150 12 "$(arrived 4.3 5.8)"
	within "in 2 s without" 1000 4 "$(arrived 6.6 8.6)"
}

test_emergency_calls() {
	begin
	trunk_add limited $CARRIER4 max_cps=5
	capture_start carrier carrier carr0 'udp src port 5070'
	flood_at 500 2000
	sleep 1
	local i
	for i in $(seq 20); do
		invite_file "$T/sos$i.sip" "sos$i" "sip:$([ $((i % 2)) = 0 ] && echo 911 || echo 112)@$CARRIER4"
		[ $((i % 3)) != 0 ] || sed -i '1s/INVITE [^ ]*/INVITE urn:service:sos/' "$T/sos$i.sip"
	done
	send_files $CORE4:5070 $CARRIER4:5060 --gap 50 "$T"/sos*.sip
	is_alive "$(pid_of flood)" || fail "the flood was over before that"
	wait_exit flood 20
	sleep 0.3
	for i in $(seq 20); do [ "$(seen "sos$i")" != absent ] || fail "sos$i did not arrive"; done
	wait_for 5 sums_hold || fail "sums: $(jq -c .sums "$T/stats.json")"
	expect "INVITEs that were counted" 2020 $(($(xdp_count rate_limited) + $(xdp_count steered)))
	at_least "refused" 1900 "$(xdp_count rate_limited)"
}

flood_of() { bg "flood$1" core "$O/bench/sipflood" --from $CORE4 --to "$2:5060" --count 40000000; } # NAME ADDRESS

# A trunk that floods gets its share; one that calls 20 times a second gets all it asks for.
test_fair_share() {
	begin
	trunk_add noisy $CARRIER4
	trunk_add quiet $OTHER4
	capture_start carrier carrier carr0 'udp src port 5070'
	flood_of noisy $CARRIER4
	sleep 1
	quiet_calls 100
	is_alive "$(pid_of floodnoisy)" || fail "the flood was over before that"
	stop floodnoisy
	sleep 0.5
	wait_for 5 sums_hold || fail "sums: $(jq -c .sums "$T/stats.json")"
	local signed
	signed=$(calls_of_trunk quiet)
	echo "quiet: $signed of 100 signed; noisy: $(calls_of_trunk noisy) signed, $(xdp_count fair_share) over its share;" \
		"$(jq -c .sums "$T/stats.json")"
	at_least "INVITEs over the share of the noisy trunk" 10000 "$(xdp_count fair_share)"
	at_least "signed calls of the quiet trunk" 95 "$signed"
	expect "they arrived, signed" "$signed" \
		"$(tshark -r "$T/carrier.pcap" -Y sip.Identity -T fields -e sip.Call-ID 2>/dev/null | sort -u | wc -l)"
	expect "sum of reasons, as of the packets that the NICs gave to XDP" "$(xdp_packets)" \
		"$(stats; jq '[.interfaces[].packets[]] | add' "$T/stats.json")"
	expect "frames lost" 0 "$(signer_value frames_lost)"
	expect "rate_limited" 0 "$(xdp_count rate_limited)"
	sipseal -j status | jq -e '.warnings[] | select(.code == "fair_share")' >"$T/warning" || fail "status does not warn"
	# it is over with the overload
	quiet_calls 5 's/Call-ID: /&late-/; s/branch=z9hG4bK/&late/'
	stats
	expect "signed calls of the quiet trunk" $((signed + 5)) "$(calls_of_trunk quiet)"
}

# Two that flood have the same share, whoever came first.
test_equal_shares() {
	begin
	trunk_add first $CARRIER4
	trunk_add second $OTHER4
	flood_of first $CARRIER4
	sleep 0.5
	flood_of second $OTHER4
	sleep 0.5
	# the median of three turns: whoever gets no processor to send does not get its share meanwhile
	local a b parts=()
	for _ in 1 2 3; do
		a=$(calls_of_trunk first)
		b=$(calls_of_trunk second)
		sleep 3
		a=$(($(calls_of_trunk first) - a))
		b=$(($(calls_of_trunk second) - b))
		at_least "calls of the first" 1000 "$a"
		parts+=($((b * 100 / a)))
	done
	stop floodfirst && stop floodsecond
	within "calls of the second, percent of the first (${parts[*]})" 100 25 "$(printf '%s\n' "${parts[@]}" | sort -n | sed -n 2p)"
	stats
	at_least "over their share" 1000 "$(xdp_count fair_share)"
}

run_tests "$@"

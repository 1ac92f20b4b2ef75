#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# One NIC for both sides: what comes from the carrier is told by its source address, or by the MAC of a next hop.
export LAB_TOPOLOGY=stick
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

frames() { python3 "$HERE/frames.py" "$@"; }
mac_of() { ip -n "$PREFIX-$1" -j link show "$2" | jq -r '.[0].address'; } # NS NIC

hops() { # MACs that XDP takes for the carrier's, sorted
	bpftool -j map dump pinned "$(echo /run/$PREFIX-lab/bpf/v*/hops)" | python3 -c '
import json, sys
print(*sorted(":".join("%02x" % int(b, 16) for b in e["key"][:6]) for e in json.load(sys.stdin)))'
}
has_hops() { [ "$(hops)" = "$*" ]; }
expect_hops() { wait_for 5 has_hops "$@" || fail "next hops in XDP: $(hops), expected $*; $(sipseal -j status | jq -c .topology)"; }

count_of() { stats; xdp_count "$1"; } # REASON

# ---- calls -------------------------------------------------------------------------------------------
outbound() { # CORE CARRIER FAST_PATH
	FAST_PATH=$3 start_gateway
	captures_start
	uas carrier_call "$2" -m 3
	uac pbx_call "$1" "$2" -m 3 -r 20
	stop uas
	uas carrier_options "$2" -m 1
	uac pbx_options "$1" "$2"
	captures_stop
	check_calls --attest A --added Identity Date P-Asserted-Identity Privacy
	local f
	for f in "$T"/identity.*.txt; do secsipidx_verify "$f"; done
	stats
	expect "signed" 3 "$(signer_count signed)"
	expect "frames lost" 0 "$(signer_value frames_lost)"
	expect_hops "$(mac_of carrier carr0)"
}

test_outbound_ipv4_forward() { outbound $CORE4 $CARRIER4 forward; }
test_outbound_ipv6_forward() { outbound $CORE6 $CARRIER6 forward; }
test_outbound_ipv4_kernel() { outbound $CORE4 $CARRIER4 kernel; }
test_outbound_ipv6_kernel() { outbound $CORE6 $CARRIER6 kernel; }

test_inbound() {
	inbound_start
	captures_start
	verified_call
}

# ---- who comes from the carrier ----------------------------------------------------------------------
forged() { # CALL-ID [FRAMES.PY-ARGUMENT...] : the carrier's machine sends what looks like a call of the core
	local id=$1
	shift
	invite_file "$T/$id.sip" "$id"
	in_ns carrier python3 "$HERE/frames.py" udp carr0 "$(mac_of gw gw0)" $CORE4:5070 $CARRIER4:5060 "$T/$id.sip" "$@"
}

test_forged_source() {
	start_gateway
	captures_start
	udp_sink $CARRIER4:5060
	expect_hops "$(mac_of carrier carr0)"
	send_invite true
	expect_seen true "signed 1"
	forged forged
	wait_for 5 eval '[ $(count_of wrong_side) = 1 ]' || fail "wrong_side: $(count_of wrong_side)"
	sleep 0.2
	captures_stop
	stats
	expect "signed" 1 "$(signer_count signed)"
	case $(seen forged) in *' 1'|*' 2') ;; *) fail "forged at the carrier: $(seen forged)" ;; esac
	case $(seen forged) in unsigned*) ;; *) fail "forged was signed: $(seen forged)" ;; esac
}

# A next hop that gets another MAC: the kernel learns it, and XDP with it; the old one is nobody any more.
test_moved() {
	local old new=02:00:00:00:00:77
	start_gateway
	captures_start
	udp_sink $CARRIER4:5060
	old=$(mac_of carrier carr0)
	expect_hops "$old"
	ip -n "$PREFIX-carrier" link set carr0 address $new
	ip -n "$PREFIX-carrier" neigh flush all
	# it asks for us, as a machine does that starts anew
	in_ns carrier python3 "$HERE/udp.py" rtp $CARRIER4:6000 $CORE4:7000 1
	in_ns carrier python3 "$HERE/udp.py" rtp "[$CARRIER6]:6000" "[$CORE6]:7000" 1
	expect_hops $new
	forged forged
	wait_for 5 eval '[ $(count_of wrong_side) = 1 ]' || fail "wrong_side: $(count_of wrong_side)"
	send_invite true
	expect_seen true "signed 1"
	captures_stop
	stats
	expect "signed" 1 "$(signer_count signed)"
}

# ---- what is live ------------------------------------------------------------------------------------
FAR=198.51.100.10
add_far() { # [KEY=VALUE...]
	sipseal trunk add far carrier.peers=$FAR:5060 attestation=none "$@"
}

next_hops() { sipseal -j status | jq -r '"\(.topology.next_hops) \(.topology.unresolved)"'; }
has_next_hops() { [ "$(next_hops)" = "$1" ]; }
expect_next_hops() { wait_for 5 has_next_hops "$1" || fail "next hops, unresolved: $(next_hops), expected $1"; }

test_trunks_and_routes() {
	ip -n "$PREFIX-gw" route add 198.51.100.0/24 via 10.66.2.99
	start_gateway
	expect_next_hops "2 0" # one of IPv4, one of IPv6
	exits 5 add_far
	grep -q 'core.peers.*is missing.*side both' "$T/err" || { cat "$T/err"; fail "core.peers is not asked for"; }
	add_far core.peers=10.66.1.0/24
	expect "at once" "3 1" "$(next_hops)"
	sipseal -j status | jq -e '.warnings[] | select(.code == "hops_unresolved") | .text | test("10.66.2.99")' >/dev/null ||
		fail "no warning of 10.66.2.99"
	# the router comes up
	ip -n "$PREFIX-carrier" addr add 10.66.2.99/24 dev carr0
	expect_next_hops "3 0"
	expect_hops "$(mac_of carrier carr0)"
	# another way: the same router as for the first trunk
	ip -n "$PREFIX-gw" route replace 198.51.100.0/24 via $CARRIER4
	expect_next_hops "2 0"
	# two ways at a time
	ip -n "$PREFIX-gw" route replace 198.51.100.0/24 nexthop via $CARRIER4 nexthop via 10.66.2.99
	expect_next_hops "3 0"
	sipseal trunk remove far
	expect "at once" "2 0" "$(next_hops)"
}

# By the core's own router the carrier is not reached: its MAC stays of the core side.
test_other_hosts() {
	start_gateway
	in_ns core python3 "$HERE/udp.py" rtp $CORE4:6000 $CARRIER4:7000 1
	expect_hops "$(mac_of carrier carr0)"
	sipseal trunk add range carrier.peers=10.66.1.128/25 attestation=none core.peers=10.66.1.0/25
	ip -n "$PREFIX-core" addr add 10.66.1.200/24 dev core0
	# a peer that is a neighbour: known when it is one
	expect_hops "$(mac_of carrier carr0)"
	in_ns core python3 "$HERE/udp.py" rtp 10.66.1.200:6000 10.66.1.1:7000 1
	in_ns gw python3 "$HERE/udp.py" rtp 10.66.1.1:6000 10.66.1.200:7000 1
	expect_hops $(printf '%s\n' "$(mac_of carrier carr0)" "$(mac_of core core0)" | sort)
}

run_tests "$@"

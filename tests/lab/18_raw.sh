#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The first INVITE ever: the neighbour is unknown, and it arrives signed all the same.
. "$(dirname "$0")/lib.sh"

# What leaves unresolved keeps to the MTU of the route, not only of the NIC: nothing else would ever resolve
# the neighbour.
route_mtu() { # FAMILY CORE CARRIER
	start_gateway
	capture_start carrier carrier carr0
	udp_sink "$(host_of "$3"):5060"
	in_ns gw ip "$1" route replace "$3" dev gwp0 mtu lock 1300
	in_ns gw ip "$1" neigh flush dev gwp0
	invite_file "$T/a.sip" a
	sed -i "s/^Max-Forwards.*/&\nSubject: $(printf '%0600d' 0)\r/" "$T/a.sip"
	send_files "$(host_of "$2"):5070" "$(host_of "$3"):5060" "$T/a.sip"
	expect_seen a "signed 1"
	stats
	expect "sent by the raw socket" 1 "$(signer_value sent_raw)"
	expect "fragments" 2 "$(signer_value sent_fragments)"
}

test_route_mtu_ipv4() { route_mtu -4 $CORE4 $CARRIER4; }
test_route_mtu_ipv6() { route_mtu -6 $CORE6 $CARRIER6; }

first_invite() { # CORE CARRIER
	start_gateway
	captures_start
	uas carrier_invite "$2" -m 1
	in_ns gw ip neigh flush dev gwp0
	in_ns gw ip -6 neigh flush dev gwp0
	uac pbx_invite "$1" "$2"
	captures_stop
	check_calls --added Identity
	# not by a retransmission of the PBX
	expect "INVITEs that were needed" 1 "$(calls_value invites)"
	secsipidx_verify "$T/identity.0.txt"
	stats
	expect "sent by the raw socket" 1 "$(signer_value sent_raw)"
}

test_ipv4() { first_invite $CORE4 $CARRIER4; }
test_ipv6() { first_invite $CORE6 $CARRIER6; }

is_found_again() {
	send_invite moved # from the core to the carrier there is always traffic
	! in_ns gw ip neigh show dev gwp0 | grep -q "^$CARRIER4 .*02:00:00:00:00:99" &&
		in_ns gw ip neigh show dev gwp0 | grep -q "^$CARRIER4 .*lladdr"
}

# A stale neighbour counts as good for XDP and AF_XDP, which never make the kernel look after it.
test_next_hop_that_moved() {
	start_gateway
	udp_sink $CARRIER4:5060
	in_ns gw ip neigh replace $CARRIER4 lladdr 02:00:00:00:00:99 dev gwp0 nud stale
	send_invite first
	wait_for 30 is_found_again || fail "still sent to the old MAC: $(in_ns gw ip neigh show dev gwp0)"
}

run_tests "$@"

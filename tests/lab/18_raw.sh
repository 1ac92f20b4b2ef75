#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The first INVITE ever: the neighbour is unknown, and it arrives signed all the same.
. "$(dirname "$0")/lib.sh"

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

run_tests "$@"

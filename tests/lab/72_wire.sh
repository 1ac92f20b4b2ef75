#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A bump in the wire: calls are signed and verified, and everything else crosses as it came.
export LAB_TOPOLOGY=wire
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

macs_of() { # NS NIC
	ip -n "$PREFIX-$1" -j link show "$2" | jq -r '.[0].address'
}

is_promiscuous() { ip -n "$PREFIX-gw" -d -j link show "$1" | jq -e '.[0].flags | index("PROMISC")' >/dev/null; } # NIC
ipv6_is_off() { in_ns gw cat "/proc/sys/net/ipv6/conf/$1/disable_ipv6"; } # NIC

test_calls() {
	start_gateway
	grep -q 'event=topology mode=wire' "$T/gateway.log" || fail "the log does not name the mode"
	captures_start
	for to in $CARRIER4 $CARRIER6; do
		from=$CORE4
		[ $to = $CARRIER4 ] || from=$CORE6
		uas carrier_call $to -m 1
		uac pbx_call $from $to
		stop uas
	done
	captures_stop
	check_calls --added Identity
}
run_tests "$@"

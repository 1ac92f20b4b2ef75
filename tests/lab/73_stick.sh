#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# One NIC for both sides: what comes from the carrier is told by its source address, or by the MAC of a next hop.
export LAB_TOPOLOGY=stick
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

test_calls() {
	start_gateway
	captures_start
	for to in $CARRIER4 $CARRIER6; do
		from=$CORE4
		[ $to = $CARRIER4 ] || from=$CORE6
		uas carrier_call $to -m 1
		uac pbx_call $from $to
		stop uas
	done
	captures_stop
	check_calls --attest A --added Identity Date P-Asserted-Identity Privacy
	cat $T/gateway.log
	sipseal -j status | jq '.topology, .warnings'
}
run_tests "$@"

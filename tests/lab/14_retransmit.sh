#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Retransmissions leave with the same bytes and cost no second signature.
. "$(dirname "$0")/lib.sh"

copies() { # COUNT of distinct INVITEs
	start_gateway
	captures_start
	udp_sink $CARRIER4:5060
	local i files=()
	for i in $(seq "$1"); do
		invite_file "$T/r$i.sip" "r$i"
		files+=("$T/r$i.sip")
	done
	# each copy in another second: an iat made anew would show
	send_files $CORE4:5070 $CARRIER4:5060 "${files[@]}"
	sleep 1.1
	send_files $CORE4:5070 $CARRIER4:5060 "${files[@]}"
	sleep 1.1
	send_files $CORE4:5070 $CARRIER4:5060 "${files[@]}"
	captures_stop
	python3 "$HERE/check_copies.py" "$T/core.pcap" "$T/carrier.pcap" || fail "copies differ"
	stats
	expect "signatures" "$1" "$(signer_value signatures)"
	expect "signed" "$1" "$(signer_count signed)"
	expect "retransmission" $((2 * $1)) "$(signer_count retransmission)"
}

test_three_copies_of_one() { copies 1; }
test_three_copies_of_many() { copies 20; }

test_other_branch_is_signed_anew() {
	start_gateway
	captures_start
	udp_sink $CARRIER4:5060
	invite_file "$T/a.sip" same
	sed 's/branch=z9hG4bKsame/branch=z9hG4bKother/' "$T/a.sip" >"$T/b.sip"
	send_files $CORE4:5070 $CARRIER4:5060 "$T/a.sip" "$T/b.sip"
	captures_stop
	expect "at the carrier" "signed 2" "$(seen same)"
	stats
	expect "signatures" 2 "$(signer_value signatures)"
}

run_tests "$@"

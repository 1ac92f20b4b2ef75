#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Generic XDP, trunks that only observe, and regulatory.enabled false.
. "$(dirname "$0")/lib.sh"

calls() { # CORE CARRIER
	captures_start
	uas carrier_call "$2" -m 2
	uac pbx_call "$1" "$2" -m 2
	captures_stop
}

configured() {
	make_certs "$T/sti"
	gateway_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
}

generic() { # FAST_PATH
	XDP_MODE=generic FAST_PATH=$1 configured
	in_ns gw ip link show gwc0 >"$T/link"
	grep -q xdpgeneric "$T/link" || fail "not attached in generic mode"
	calls $CORE4 $CARRIER4
	check_calls --added Identity
	calls $CORE6 $CARRIER6
	check_calls --added Identity
	stats
	expect "signatures" 4 "$(signer_value signatures)"
}

test_generic_forward() { generic forward; }
test_generic_kernel() { generic kernel; }

test_auto_keeps_to_the_kernel_on_veth() {
	FAST_PATH=auto configured
	calls $CORE4 $CARRIER4
	check_calls --added Identity
	sipseal status -j >"$T/status.json"
	grep -q veth "$T/status.json" || fail "status does not say why: $(cat "$T/status.json")"
	stats
	expect "forwarded by XDP" 0 "$(xdp_count forwarded)"
}

test_observe() {
	TRUNK="    mode: observe" configured
	calls $CORE4 $CARRIER4
	check_calls --same
	stats
	expect "observe" 2 "$(signer_count observe)"
	expect "signed" 0 "$(signer_count signed)"
}

test_regulatory_off() {
	REGULATORY=false configured
	calls $CORE4 $CARRIER4
	check_calls --same
	stats
	expect "seen by the signer" 0 "$(signer_total)"
	at_least "regulatory_off" 2 "$(xdp_count regulatory_off)"
}

run_tests "$@"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Malformed and hostile messages: each passes unchanged (or is edited within the rules, where it is legal
# after all), or is dropped and counted; the gateway lives and goes on signing.
. "$(dirname "$0")/lib.sh"

drops() { # sum of all reasons that mean "dropped"
	jq '[(.interfaces[].packets, .signer.reasons) | to_entries[] |
		select(.key | test("_dropped$|^(stale_frame|unknown_generation|unknown_trunk|bad_metadata|bad_frame|no_frame|number_refused)$"))
		| .value] | add // 0' "$T/stats.json"
}

test_all_files() {
	local files=("$TOP"/tests/data/hostile/*.sip)
	[ -e "${files[0]}" ] || fail "tests/data/hostile is empty"
	at_least "hostile messages" 40 ${#files[@]}
	start_gateway
	captures_start
	udp_sink $CARRIER4:5060
	send_files $CORE4:5070 $CARRIER4:5060 --gap 10 "${files[@]}"
	captures_stop
	python3 "$HERE/check_hostile.py" "$T/core.pcap" "$T/carrier.pcap" >"$T/hostile.txt" || { cat "$T/hostile.txt"; exit 1; }
	cat "$T/hostile.txt"
	stats
	local missing
	missing=$(sed -n 's/.*missing_frames=\([0-9]*\)$/\1/p' "$T/hostile.txt")
	expect "dropped by the counters" "$missing" "$(drops)"
	expect "seen by the signer" "$(xdp_count steered)" "$(signer_total)"
	expect "frames lost" 0 "$(signer_value frames_lost)"
	expect "signer restarts" 0 "$(signer_value restarts)"
	captures_start
	send_invite after
	expect_seen after "signed 1"
}

run_tests "$@"

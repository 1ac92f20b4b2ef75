#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A trunk with a location: multipart, PIDF-LO, and output in fragments.
. "$(dirname "$0")/lib.sh"

location_trunk() { # LINES of geolocation
	TRUNK="    extras:
      geolocation:
        default_civic_address: { country: US, region: CA, city: San Francisco, street: 1 Market Street, postal: 94105 }
        $1" gateway_yaml >"$T/sipseal.yaml"
	make_certs "$T/sti"
	start_gateway "$T/sipseal.yaml"
}

xpath() { # FILE LOCAL-NAME
	xmllint --xpath "string(//*[local-name()='$2'])" "$1"
}

located_call() { # CORE CARRIER PIDF
	location_trunk "pidf: $3"
	captures_start
	uas carrier_call "$2" -m 2
	uac pbx_call "$1" "$2" -m 2
	captures_stop
	check_calls --location --location-routing --added Identity P-Asserted-Identity
	expect "INVITE transactions" 2 "$(calls_value transactions)"
	expect "fragmented" "$(calls_value invites)" "$(calls_value fragmented)"
	secsipidx_verify "$T/identity.0.txt"
	xmllint --noout "$T"/pidf.*.xml || fail "PIDF-LO is not well-formed"
	expect "country" US "$(xpath "$T/pidf.0.xml" country)"
	expect "A1" CA "$(xpath "$T/pidf.0.xml" A1)"
	expect "A3" "San Francisco" "$(xpath "$T/pidf.0.xml" A3)"
	expect "PC" 94105 "$(xpath "$T/pidf.0.xml" PC)"
	expect "HNO" 1 "$(xpath "$T/pidf.0.xml" HNO)"
	stats
	at_least "sent in fragments" 2 "$(signer_value sent_fragments)"
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

test_rfc_ipv4() {
	located_call $CORE4 $CARRIER4 rfc
	expect "RD" "Market Street" "$(xpath "$T/pidf.0.xml" RD)"
	xmllint --noout --relaxng "$TOP/tests/data/location/pidf-lo.rng" "$T"/pidf.*.xml || fail "PIDF-LO is not valid"
}

test_rfc_ipv6() {
	located_call $CORE6 $CARRIER6 rfc
	xmllint --noout --relaxng "$TOP/tests/data/location/pidf-lo.rng" "$T"/pidf.*.xml || fail "PIDF-LO is not valid"
}

# The smallest link that IPv6 allows: every fragment fits.
small_mtu() { # CORE CARRIER
	in_ns gw ip link set gwp0 mtu 1280
	in_ns carrier ip link set carr0 mtu 1280
	located_call "$1" "$2" rfc
	expect "longest frame" 1 "$(tshark -r "$T/carrier.pcap" -T fields -e frame.len 2>/dev/null |
		awk '$1 > m { m = $1 } END { print m <= 1294 }')"
}

test_small_mtu_ipv4() { small_mtu $CORE4 $CARRIER4; }
test_small_mtu_ipv6() { small_mtu $CORE6 $CARRIER6; }

test_legacy() {
	located_call $CORE4 $CARRIER4 legacy
	expect "A6" "Market Street" "$(xpath "$T/pidf.0.xml" A6)"
}

test_emergency_only() {
	location_trunk "attach: emergency"
	captures_start
	uas carrier_invite $CARRIER4 -m 1
	uac pbx_invite $CORE4 $CARRIER4
	captures_stop
	check_calls --added Identity
}

run_tests "$@"

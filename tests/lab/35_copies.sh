#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Retransmissions once more: with a location (a body that is made anew has another id), over IPv6, and after
# a time in which timestamps move on.
. "$(dirname "$0")/lib.sh"

begin() { # [LINES of the trunk]
	make_certs "$T/sti"
	TRUNK=${1:-} gateway_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	captures_start
}

LOCATION='    extras:
      geolocation:
        default_civic_address: { country: US, region: CA, city: San Francisco, street: 1 Market Street, postal: 94105 }'

with_body() { # FILE
	python3 - "$1" <<-P
		import sys
		data = open(sys.argv[1], "rb").read()
		sdp = b"v=0\r\no=- 1 1 IN IP4 10.66.1.2\r\ns=-\r\nc=IN IP4 10.66.1.2\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\n"
		data = data.replace(b"Content-Length: 0\r\n", b"Content-Type: application/sdp\r\nContent-Length: %d\r\n" % len(sdp))
		open(sys.argv[1], "wb").write(data + sdp)
	P
}

copies() { # SRC DST GAP...
	local src=$1 dst=$2 gap
	shift 2
	udp_sink "$dst:5060"
	invite_file "$T/c.sip" copy
	with_body "$T/c.sip"
	send_files "$src:5070" "$dst:5060" "$T/c.sip"
	for gap in "$@"; do
		sleep "$gap"
		send_files "$src:5070" "$dst:5060" "$T/c.sip"
	done
	captures_stop
	expect "at the carrier" "signed $(($# + 1))" "$(seen copy)"
	python3 "$HERE/check_copies.py" "$T/core.pcap" "$T/carrier.pcap" || fail "copies differ"
	stats
	expect "signatures" 1 "$(signer_value signatures)"
	expect "retransmission" $# "$(signer_count retransmission)"
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

test_location_ipv4() {
	begin "$LOCATION"
	copies $CORE4 $CARRIER4 1.1 1.1
	check_calls --location --added Identity
	at_least "in fragments" 3 "$(calls_value fragmented)"
}

test_location_ipv6() {
	begin "$LOCATION"
	copies "[$CORE6]" "[$CARRIER6]" 1.1
	check_calls --location --added Identity
}

test_ipv6_after_ten_seconds() {
	begin
	copies "[$CORE6]" "[$CARRIER6]" 0.5 10
}

test_changed_body_is_signed_anew() {
	begin
	udp_sink $CARRIER4:5060
	invite_file "$T/c.sip" copy
	with_body "$T/c.sip"
	sed 's/audio 6000/audio 6002/' "$T/c.sip" >"$T/d.sip"
	send_files $CORE4:5070 $CARRIER4:5060 "$T/c.sip" "$T/d.sip"
	captures_stop
	check_calls --added Identity
	stats
	expect "signatures" 2 "$(signer_value signatures)"
}

run_tests "$@"

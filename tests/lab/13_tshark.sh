#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tshark, a third reader, dissects what we send without a malformed or expert-error mark.
. "$(dirname "$0")/lib.sh"

dissect() { # FILTER -> packets that match
	tshark -r "$T/carrier.pcap" -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
		-Y "$1" -T fields -e frame.number 2>"$T/tshark.err" | wc -l
}

judged() { # CORE CARRIER
	captures_start
	uas carrier_call "$2" -m 3
	uac pbx_call "$1" "$2" -m 3
	captures_stop
	at_least "INVITEs with an Identity" 3 "$(dissect 'sip.Method == "INVITE" && sip.Identity')"
	expect "malformed" 0 "$(dissect 'sip && _ws.malformed')"
	expect "expert errors" 0 "$(dissect 'sip && _ws.expert.severity == "Error"')"
	expect "bad checksums" 0 "$(dissect 'udp.checksum.status == "Bad" || ip.checksum.status == "Bad"')"
}

test_signed_ipv4() { start_gateway; judged $CORE4 $CARRIER4; }
test_signed_ipv6() { start_gateway; judged $CORE6 $CARRIER6; }

test_with_location() {
	make_certs "$T/sti"
	TRUNK="    extras:
      geolocation:
        default_civic_address: { country: US, region: CA, city: San Francisco, street: 1 Market Street, postal: 94105 }" \
		gateway_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	judged $CORE4 $CARRIER4
	at_least "multipart bodies" 3 "$(dissect 'sip.Method == "INVITE" && mime_multipart && xml')"
}

run_tests "$@"

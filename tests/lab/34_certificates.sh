#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Certificates of single trunks: each call is signed by its own or by none, and what cannot be signed
# passes or is refused as the trunk says.
. "$(dirname "$0")/lib.sh"
. "$HERE/certlib.sh"
OTHER4=10.66.2.9
OWN='{ cert_path: own/chain.pem, key_path: own/key.pem, x5u: "https://own.example/c.pem" }'

two_trunks() { # CERTIFICATES of the second trunk, MORE
	[ -d "$T/sti" ] || make_certs "$T/sti"
	[ -d "$T/sti/own" ] || make_certs "$T/sti/own"
	gateway_yaml >"$T/sipseal.yaml"
	cat >>"$T/sipseal.yaml" <<-E
	  - name: own
	    carrier: { peers: ["$OTHER4:5060"] }
	    certificates: $1
	    attestation: B
	    default_country_code: "1"
	${2:-}
	E
	in_ns carrier ip addr add $OTHER4/24 dev carr0
}

test_each_its_own() {
	two_trunks "$OWN"
	start_gateway "$T/sipseal.yaml"
	captures_start
	udp_sink $CARRIER4:5060 $OTHER4:5060
	invite_to common $CARRIER4
	invite_to special $OTHER4
	expect_seen common "signed 1"
	expect_seen special "signed 1"
	identity_of common "$T/common"
	identity_of special "$T/special"
	grep -q "info=<$X5U>" "$T/common" || fail "x5u of the gateway: $(cat "$T/common")"
	grep -q "info=<https://own.example/c.pem>" "$T/special" || fail "x5u of the trunk: $(cat "$T/special")"
	verifies_with "$T/sti" "$T/common" || fail "the gateway's certificate does not verify"
	verifies_with "$T/sti/own" "$T/special" || fail "the trunk's certificate does not verify"
	! verifies_with "$T/sti" "$T/special" || fail "the trunk's call was signed by the gateway's key"
}

refused_to_start() { # PATTERN
	local rc=0
	gateway_start "$T/sipseal.yaml"
	wait_exit gateway 10 || rc=$?
	cat "$T/gateway.log"
	expect "exit status" 5 $rc
	grep -qE "$1" "$T/gateway.log" || fail "the message does not say '$1'"
	expect "NICs with a program" "" "$(attached)"
}

test_broken_key_of_a_trunk() {
	two_trunks "{ cert_path: own/chain.pem, key_path: key.pem, x5u: \"https://own.example/c.pem\" }"
	refused_to_start "key.pem.*match"
}

test_missing_certificate_of_a_trunk() {
	two_trunks "{ cert_path: own/none.pem, key_path: own/key.pem, x5u: \"https://own.example/c.pem\" }"
	refused_to_start own/none.pem
}

# Only a part of the three is the trunk's own: nothing is filled in from the gateway's.
test_half_a_certificate() {
	two_trunks "{ cert_path: own/chain.pem, key_path: own/key.pem }"
	refused_to_start "trunks\[1\].*x5u"
}

# A certificate that ends a few seconds after the start.
short_lived() { # SECONDS
	self_signed "$T/sti/own" prime256v1 20200101000000Z "$(date -u -d "+$1 seconds" +%Y%m%d%H%M%SZ)" "$TNAUTH"
}

answers() { # -> status codes that came back to the core
	tshark -r "$T/core.pcap" -Y sip.Status-Code -T fields -e sip.Status-Code -e sip.Call-ID 2>/dev/null |
		sort | tr '\t\n' ' ;'
}

expired() { # ON_UNSIGNABLE
	two_trunks "$OWN" "    on_unsignable: $1"
	short_lived 4
	start_gateway "$T/sipseal.yaml"
	captures_start
	udp_sink $CARRIER4:5060 $OTHER4:5060
	invite_to early $OTHER4
	expect_seen early "signed 1"
	sleep 4.5
	invite_to late $OTHER4
	invite_to emergency $OTHER4 's/^INVITE [^ ]*/INVITE sip:911@10.66.2.9/'
	invite_to common $CARRIER4
	expect_seen common "signed 1"
	expect_seen emergency "unsigned 1"
	stats
	# the emergency call has a word of its own only where another would have been refused
	local refused=0
	[ "$1" = pass ] || refused=1
	expect "certificate_invalid" $((2 - refused)) "$(signer_count certificate_invalid)"
	expect "emergency_passed" $refused "$(signer_count emergency_passed)"
	sipseal status >"$T/status.txt" || :
	cat "$T/status.txt"
	grep -qi 'expired' "$T/status.txt" || fail "status does not say that the certificate is expired"
}

test_expired_pass() {
	expired pass
	expect_seen late "unsigned 1"
	expect "answers" "" "$(answers)"
}

test_expired_reject() {
	expired reject
	expect_seen late absent
	expect "answers" "503 late;" "$(answers)"
}

test_number_refused() {
	two_trunks "$OWN" $'    numbers: ["+1212*"]\n    attestation_other: reject'
	start_gateway "$T/sipseal.yaml"
	captures_start
	udp_sink $OTHER4:5060
	invite_to outside $OTHER4
	invite_to inside $OTHER4 's/+18005550100/+12125550100/'
	invite_to emergency $OTHER4 's/^INVITE [^ ]*/INVITE sip:911@10.66.2.9/'
	expect_seen inside "signed 1"
	expect_seen emergency "unsigned 1" # an emergency call is never refused
	expect_seen outside absent
	expect "answers" "403 outside;" "$(answers)"
	stats
	expect "number_refused" 1 "$(signer_count number_refused)"
	expect "emergency_passed" 1 "$(signer_count emergency_passed)"
}

# The answer comes from the carrier's address, once per copy, with the tag that all copies share.
test_refused_ipv6() {
	make_certs "$T/sti"
	TRUNK="    attestation_other: reject" gateway_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	captures_start
	udp_sink "[$CARRIER6]:5060"
	invite_file "$T/out.sip" outside
	sed -i 's/+18005550100/+19995550100/; s/5070;branch/5071;branch/' "$T/out.sip"
	send_files "[$CORE6]:5071" "[$CARRIER6]:5060" --repeat 2 "$T/out.sip"
	expect_seen outside absent
	sleep 0.3
	expect "answers" "403 outside;403 outside;" "$(answers)"
	expect "their source" "$CARRIER6 5060 5071" \
		"$(tshark -r "$T/core.pcap" -Y sip.Status-Code -T fields -e ipv6.src -e udp.srcport -e udp.dstport \
			2>/dev/null | sort -u | tr '\t' ' ')"
	expect "To tags" 1 "$(tshark -r "$T/core.pcap" -Y sip.Status-Code -T fields -e sip.to.tag 2>/dev/null |
		sort -u | wc -l)"
}

# A Date that is off is never repaired: the call is not signed.
dated() { # ON_UNSIGNABLE DATE REASON
	two_trunks "$OWN" "    on_unsignable: $1"
	start_gateway "$T/sipseal.yaml"
	captures_start
	udp_sink $OTHER4:5060
	invite_to dated $OTHER4 "s/^Max-Forwards/Date: $2\r\n&/"
	invite_to fresh $OTHER4 "s/^Max-Forwards/Date: $(LC_ALL=C date -u '+%a, %d %b %Y %H:%M:%S GMT')\r\n&/"
	expect_seen fresh "signed 1"
	stats
	expect "$3" 1 "$(signer_count "$3")"
}

test_stale_date_pass() {
	dated pass 'Thu, 01 Jan 2026 00:00:00 GMT' stale_date
	expect_seen dated "unsigned 1"
}

test_stale_date_reject() {
	dated reject 'Thu, 01 Jan 2026 00:00:00 GMT' stale_date
	expect_seen dated absent
	expect "answers" "503 dated;" "$(answers)"
}

test_bad_date() {
	dated pass 'yesterday' bad_date
	expect_seen dated "unsigned 1"
}

run_tests "$@"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Whole calls: what is signed, what stays as it was, and which way it went.
. "$(dirname "$0")/lib.sh"
export LAB_NEIGH=permanent # no packet takes another way because a neighbour is new: exact counts

CALLS=5

traffic() { # CORE CARRIER : calls with hold, REGISTER with digest, OPTIONS, RTP both ways
	uas carrier_call "$2" -m $CALLS
	uac pbx_call "$1" "$2" -m $CALLS -r 20
	stop uas
	uas carrier_register "$2" -m 1
	uac pbx_register "$1" "$2"
	stop uas
	uas carrier_options "$2" -m 1
	uac pbx_options "$1" "$2"
	stop uas
	# somebody listens: "port unreachable" would be forwarded, too, and spoil the count
	sink_at core "$(host_of "$1"):6000"
	sink_at carrier "$(host_of "$2"):7000"
	in_ns core python3 "$HERE/udp.py" rtp "$(host_of "$1"):6000" "$(host_of "$2"):7000" 50
	in_ns carrier python3 "$HERE/udp.py" rtp "$(host_of "$2"):7000" "$(host_of "$1"):6000" 50
}

verified_identities() { # COUNT
	local n=0 f
	for f in "$T"/identity.*.txt; do
		secsipidx_verify "$f"
		n=$((n + 1))
	done
	at_least "verified Identities" "$1" $n
}

whole_call() { # CORE CARRIER FAST_PATH
	FAST_PATH=$3 gateway_yaml >"$T/sipseal.yaml"
	make_certs "$T/sti"
	start_gateway "$T/sipseal.yaml"
	captures_start
	traffic "$1" "$2"
	captures_stop
	check_calls --attest A --added Identity Date P-Asserted-Identity Privacy
	expect "INVITE transactions" $CALLS "$(calls_value transactions)"
	verified_identities $CALLS
	stats
	expect "signatures" $CALLS "$(signer_value signatures)"
	expect "signed" $CALLS "$(signer_count signed)"
	expect "frames lost" 0 "$(signer_value frames_lost)"
	# the signer saw the initial INVITEs of core and nothing else, no re-INVITE either
	local invites rest
	invites=$(calls_value invites)
	rest=$(($(calls_value same) - $(calls_value same_invites)))
	expect "steered" $invites "$(xdp_count steered)"
	expect "seen by the signer" $invites "$(signer_total)"
	at_least "re-INVITEs" 1 "$(calls_value same_invites)"
	expect "in_dialog" "$(calls_value same_invites)" "$(xdp_count in_dialog)"
	case $3 in
	forward) expect "forwarded by XDP" $rest "$(xdp_count forwarded)" ;;
	kernel)
		expect "forwarded by XDP" 0 "$(xdp_count forwarded)"
		at_least "left to the kernel" $rest "$(xdp_count kernel)" ;;
	esac
}

test_ipv4_forward() { whole_call $CORE4 $CARRIER4 forward; }
test_ipv6_forward() { whole_call $CORE6 $CARRIER6 forward; }
test_ipv4_kernel() { whole_call $CORE4 $CARRIER4 kernel; }
test_ipv6_kernel() { whole_call $CORE6 $CARRIER6 kernel; }
# a worker that never sleeps signs for itself in between: nobody sees or counts that
test_spin() { IDLE=spin whole_call $CORE4 $CARRIER4 forward; }

one_invite() { # ARGUMENT... of check_calls : one INVITE (environment as for uac) through a fresh gateway
	start_gateway
	captures_start
	uas carrier_invite $CARRIER4 -m 1
	uac pbx_invite $CORE4 $CARRIER4
	captures_stop
	check_calls "$@"
	stats
}

test_pai_of_the_pbx() {
	EXTRA=$'\r\nP-Asserted-Identity: "Desk" <sip:+18005550123@10.66.1.2>' one_invite --added Identity P-Asserted-Identity
	grep -q '^P-Asserted-Identity: <sip:+18005550123@example.net>' "$T/invite.0.sip" || fail "PAI is not ours"
	verified_identities 1
}

test_privacy_id() {
	EXTRA=$'\r\nP-Asserted-Identity: <sip:+18005550100@10.66.1.2>\r\nPrivacy: id' \
		one_invite --added Identity --removed P-Asserted-Identity
	verified_identities 1
}

test_remote_party_id() {
	EXTRA=$'\r\nRemote-Party-ID: <sip:+18005550100@10.66.1.2>;privacy=full' \
		one_invite --added Identity Privacy --removed Remote-Party-ID P-Asserted-Identity
	verified_identities 1
}

test_anonymous_without_number() {
	FROM='"Anonymous" <sip:anonymous@anonymous.invalid>' one_invite --unsigned
	expect "restricted_unsigned" 1 "$(signer_count restricted_unsigned)"
	expect "signatures" 0 "$(signer_value signatures)"
}

test_emergency_number() {
	RURI="sip:911@$CARRIER4;user=phone" TO="<sip:911@$CARRIER4;user=phone>" one_invite --added Identity
	verified_identities 1
}

test_emergency_urn() {
	RURI=urn:service:sos TO='<urn:service:sos>' one_invite --added Identity
	verified_identities 1
}

run_tests "$@"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A Kamailio at the carrier verifies with secsipid: 200 for what we sign, 428 and 438 for the rest.
. "$(dirname "$0")/lib.sh"

kamailio_start() { # ADDRESS
	mkdir -p "$T/kamailio"
	sed -e "s|@ADDRESS@|$(host_of "$1")|; s|@STI@|$T/sti|" "$HERE/kamailio.cfg" >"$T/kamailio.cfg"
	bg kamailio carrier kamailio -DD -E -m 32 -M 8 -Y "$T/kamailio" -P "$T/kamailio/pid" -f "$T/kamailio.cfg"
	wait_for 10 has_port carrier 5060 || { cat "$T/kamailio.log"; fail "Kamailio did not start"; }
}

answer_of() { # FROM TO : status code of the answer to one INVITE
	uac pbx_verified "$1" "$2" -trace_msg -message_file "$T/uac.msg"
	grep -a -m 1 -o '^SIP/2.0 [0-9]*' "$T/uac.msg" | cut -d' ' -f2
}

# Kamailio itself: it must be able to refuse, or its 200 says nothing.
test_verifier_refuses() {
	make_certs "$T/sti"
	kamailio_start $CARRIER4
	expect "no Identity" 428 "$(answer_of $CORE4 $CARRIER4)"
	local id
	id=$(secsipidx -sign-full -orig-tn ${CALLER#+} -dest-tn ${CALLED#+} -attest A -x5u "$X5U" -k "$T/sti/key.pem")
	expect "good Identity" 200 "$(EXTRA=$'\r\n'"Identity: $id" answer_of $CORE4 $CARRIER4)"
	id=${id/./.X}
	expect "spoilt Identity" 438 "$(EXTRA=$'\r\n'"Identity: $id" answer_of $CORE4 $CARRIER4)"
}

verified() { # CORE CARRIER
	start_gateway
	kamailio_start "$2"
	expect "Kamailio's answer" 200 "$(answer_of "$1" "$2")"
	stats
	expect "signatures" 1 "$(signer_value signatures)"
}

test_ipv4() { verified $CORE4 $CARRIER4; }
test_ipv6() { verified $CORE6 $CARRIER6; }

test_regulatory_off_is_refused() {
	make_certs "$T/sti"
	REGULATORY=false gateway_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	kamailio_start $CARRIER4
	expect "Kamailio's answer" 428 "$(answer_of $CORE4 $CARRIER4)"
}

run_tests "$@"

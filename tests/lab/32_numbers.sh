#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Where the numbers come from, in which form they are signed, and with which attestation.
. "$(dirname "$0")/lib.sh"

test_orig_from_ppi() {
	EXTRA=$'\r\nP-Preferred-Identity: <sip:+18005550188@10.66.1.2>' TRUNK="    orig_from: [ppi, from]" claims_of_call
	claim orig 18005550188
	claim pai "<sip:+18005550188@example.net>"
	identity_verified
}

test_orig_from_rpid() {
	EXTRA=$'\r\nRemote-Party-ID: <sip:+18005550199@10.66.1.2>;party=calling' \
		TRUNK="    orig_from: [rpid, from]" claims_of_call
	claim orig 18005550199
	claim pai "<sip:+18005550199@example.net>"
	identity_verified
}

test_dest_from_request_uri() {
	RURI="sip:+12155550199@$CARRIER4" TRUNK="    dest_from: [request_uri, to]" claims_of_call
	claim dest '{"tn":["12155550199"]}'
	identity_verified
}

test_dest_skips_a_name() {
	TO="<sip:bob@$CARRIER4>" claims_of_call
	claim dest '{"tn":["12155551213"]}'
	identity_verified
}

test_number_rules() {
	FROM="<sip:98005550100@$CORE4>" RURI="sip:011442079460018@$CARRIER4" TO="<sip:011442079460018@$CARRIER4>" \
		TRUNK='    number_rules: [{ prefix: "011", replace: "+" }, { prefix: "9", replace: "+1" }]' claims_of_call
	claim orig 18005550100
	claim dest '{"tn":["442079460018"]}'
	identity_verified
}

test_national_numbers_escapes_parameters() {
	FROM="\"X\" <sip:%2B1-800-555-0100;npdi;rn=+18005550000@$CORE4;user=phone>" \
		TO="<sip:(215)555-1213@$CARRIER4;user=phone>" claims_of_call
	claim orig 18005550100
	claim dest '{"tn":["12155551213"]}'
	identity_verified
}

test_outside_the_numbers() {
	FROM="<sip:+19995550100@$CORE4>" WITHOUT=pai TRUNK='    attestation_other: C' claims_of_call
	claim orig 19995550100
	claim attest C
	claim pai ""
	identity_verified
}

test_outside_with_default_number() {
	FROM="<sip:+19995550100@$CORE4>" WITHOUT=pai \
		TRUNK='    pai: { mode: set, domain: example.net, default_number: "+18005550111" }' claims_of_call
	claim pai "<sip:+18005550111@example.net>"
	claim orig 18005550111
	# From shows a number outside
	claim attest B
	identity_verified
}

test_service_number_is_never_orig() {
	FROM="<sip:911@$CORE4>" claims_of_call
	claim identity ""
	expect "no_orig" 1 "$(signer_count no_orig)"
}

test_attestation_none() {
	WITHOUT=attestation TRUNK="    attestation: none" claims_of_call
	claim identity ""
	claim pai "<sip:+18005550100@example.net>"
	expect "attestation_none" 1 "$(signer_count attestation_none)"
}

test_origid_text_and_per_call() {
	TRUNK="    origid: 123e4567-e89b-42d3-a456-426655440000" claims_of_call
	claim origid 123e4567-e89b-42d3-a456-426655440000
}

run_tests "$@"

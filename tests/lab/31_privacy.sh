#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# P-Asserted-Identity and Privacy: what is shown, what is hidden, what is signed.
. "$(dirname "$0")/lib.sh"

ANONYMOUS='"Anonymous" <sip:anonymous@anonymous.invalid>'
PAI=$'\r\nP-Asserted-Identity: <sip:+18005550123@10.66.1.2>'

test_plain_call() {
	claims_of_call
	claim pai "<sip:+18005550100@example.net>"
	claim privacy none
	claim orig 18005550100
	claim attest A
	identity_verified
}

test_privacy_of_the_pbx_stays() {
	EXTRA=$'\r\nPrivacy: none' claims_of_call
	claim privacy none
	claim pai "<sip:+18005550100@example.net>"
}

test_privacy_user_stays() {
	EXTRA=$'\r\nPrivacy: user;critical' claims_of_call
	claim privacy "user;critical"
	identity_verified
}

test_no_privacy_none() {
	WITHOUT=pai TRUNK="    pai: { mode: set, domain: example.net, add_privacy_none: false }" claims_of_call
	claim privacy ""
	claim pai "<sip:+18005550100@example.net>"
}

test_privacy_always() {
	TRUNK="    privacy: id" claims_of_call
	claim privacy id
	claim pai ""
	claim orig 18005550100
	identity_verified
}

test_privacy_always_kept() {
	WITHOUT=pai TRUNK=$'    privacy: id\n    pai: { mode: set, domain: example.net, restricted: keep }' claims_of_call
	claim privacy id
	claim pai "<sip:+18005550100@example.net>"
	identity_verified
}

test_anonymous_kept() {
	FROM=$ANONYMOUS EXTRA=$PAI$'\r\nPrivacy: id' \
		WITHOUT=pai TRUNK="    pai: { mode: set, domain: example.net, restricted: keep }" claims_of_call
	claim privacy id
	claim pai "<sip:+18005550123@example.net>"
	claim orig 18005550123
	identity_verified
}

test_anonymous_removed() {
	FROM=$ANONYMOUS EXTRA=$PAI$'\r\nP-Preferred-Identity: <sip:+18005550123@10.66.1.2>\r\nPrivacy: id' claims_of_call
	claim privacy id
	claim pai ""
	claim ppi ""
	claim identity ""
	expect "restricted_unsigned" 1 "$(signer_count restricted_unsigned)"
}

test_pai_keep() {
	EXTRA=$'\r\nP-Asserted-Identity: "Desk 7" <tel:+18005550177>' \
		WITHOUT=pai TRUNK="    pai: { mode: keep }" claims_of_call
	claim pai '"Desk 7" <tel:+18005550177>'
	claim privacy ""
	claim orig 18005550177
	identity_verified
}

test_pai_off() {
	EXTRA=$'\r\nP-Preferred-Identity: <sip:+18005550177@10.66.1.2>' \
		WITHOUT=pai TRUNK="    pai: { mode: \"off\" }" claims_of_call
	claim pai ""
	claim ppi "<sip:+18005550177@10.66.1.2>"
	claim privacy ""
	claim orig 18005550100
	identity_verified
}

test_ppi_leaves_where_pai_is_set() {
	EXTRA=$'\r\nP-Preferred-Identity: <sip:+18005550100@10.66.1.2>' claims_of_call
	claim ppi ""
	claim pai "<sip:+18005550100@example.net>"
}

run_tests "$@"

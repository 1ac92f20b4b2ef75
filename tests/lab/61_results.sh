#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What each kind of Identity comes to, from the wire: the result, its reason, and the answer of a trunk that refuses.
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

results() { # [ARGUMENT...] of incall.py : a table of results.py through both trunks
	python3 "$HERE/results.py" "$IN_CALLER" "$STRICT4" >"$T/table.txt"
	calls "$@" "$T/table.txt"
}

# One run of the gateway for all rows of the table of results (RFC 8224 s6.2.2).
test_results() {
	make_chains
	more_chains
	make_crl "$T/ca" "$T/sti/crl.pem" revoked
	CRL='{ path: crl.pem }' FETCH_MS=250 VERIFY='{ verstat: pai, wait_ms: 1500 }' \
		STRICT='{ on_failure: reject, on_missing: reject, wait_ms: 1500 }' inbound_start
	served() { echo "key=$T/keys/$1.pem x5u=$WEB/$1.pem"; }
	results --timeout 2.5 <<-X
	# a row that is good in every respect
	good          | | STIR_VERIFIED verified -
	b             | attest=B | STIR_VERIFIED verified -
	spc           | $(served spc) | STIR_VERIFIED verified -
	der           | key=$T/keys/spc.pem x5u=$WEB/direct.der | STIR_VERIFIED verified -
	range         | $(served range) | STIR_VERIFIED verified -
	html          | x5u=$WEB/html/chain.pem | STIR_VERIFIED verified -
	with_claim    | $(served must) payload='{"rcd":{"nam":"Bob"}}' | STIR_VERIFIED verified -
	second        | tamper=signature behind='origid=2' | STIR_VERIFIED verified -
	other_type    | before='ppt=rph' | STIR_VERIFIED verified -
	# none, or none that is understood
	missing       | id=none | STIR_MISSING identity_missing 428
	unsupported   | ppt=rph | STIR_MISSING ppt_unsupported 428
	# the certificate cannot be had
	http          | x5u=http://$CARRIER4/chain.pem | STIR_FAILED x5u_refused 436
	query         | x5u=$X5U?a=b | STIR_FAILED x5u_refused 436
	user          | x5u=https://a@$CARRIER4:8443/chain.pem | STIR_FAILED x5u_refused 436
	not_found     | x5u=$WEB/u/1.pem | STIR_FAILED fetch_failed 436
	redirect      | x5u=$WEB/status302 | STIR_FAILED fetch_failed 436
	large         | x5u=$WEB/big | STIR_FAILED fetch_failed 436
	headers       | x5u=$WEB/headers | STIR_FAILED fetch_failed 436
	other_name    | x5u=https://$CARRIER4:8444/chain.pem | STIR_FAILED fetch_failed 436
	unknown_web   | x5u=https://$CARRIER4:8445/chain.pem | STIR_FAILED fetch_failed 436
	error         | x5u=$WEB/status500 | STIR_FAILED certificate_unreachable (436)
	refused       | x5u=https://$CARRIER4:8449/chain.pem | STIR_FAILED certificate_unreachable (436)
	hangs         | x5u=$WEB/hang | STIR_FAILED certificate_unreachable (436)
	no_route      | x5u=https://192.0.2.1/chain.pem | STIR_FAILED certificate_unreachable (436)
	# the certificate is not one to believe
	stranger      | $(served stranger) | STIR_FAILED certificate_untrusted 437
	no_chain      | x5u=$WEB/leaf.pem | STIR_FAILED certificate_untrusted 437
	expired       | $(served expired) | STIR_FAILED certificate_expired 437
	revoked       | $(served revoked) | STIR_FAILED certificate_revoked 437
	text          | x5u=$WEB/text.pem | STIR_FAILED certificate_bad 437
	garbage       | x5u=$WEB/garbage.pem | STIR_FAILED certificate_bad 437
	no_tnauthlist | $(served bare) | STIR_FAILED certificate_bad 437
	broken_list   | $(served broken) | STIR_FAILED certificate_bad 437
	usage         | $(served usage) | STIR_FAILED certificate_bad 437
	p384          | $(served p384) | STIR_FAILED certificate_bad 437
	other_number  | $(served other) | STIR_FAILED number_unauthorized 437
	claim_missing | $(served must) | STIR_FAILED number_unauthorized 437
	alg_none      | alg=none | STIR_FAILED alg_unsupported 437
	hs256         | alg=HS256 | STIR_FAILED alg_unsupported 437
	# what is signed is not so, or not signed
	signature     | tamper=signature | STIR_FAILED signature_bad 438
	payload       | tamper=payload | STIR_FAILED * 438
	other_key     | key=$T/keys/spc.pem | STIR_FAILED signature_bad 438
	zero          | tamper=zero | STIR_FAILED signature_bad 438
	short         | tamper=short | STIR_FAILED passport_syntax 438
	der_signature | tamper=der | STIR_FAILED passport_syntax 438
	orig          | orig=12155551214 | STIR_FAILED orig_mismatch 438
	dest          | dest=18005550101 | STIR_FAILED dest_mismatch 438
	no_attest     | payload='{"attest":null}' | STIR_FAILED passport_syntax 438
	attest_d      | attest=D | STIR_FAILED passport_syntax 438
	no_json       | payload_raw='{"attest":' | STIR_FAILED passport_syntax 438
	info          | info=$WEB/spc.pem | STIR_FAILED passport_syntax 438
	no_info       | params=';alg=ES256;ppt=shaken' | STIR_FAILED identity_syntax 438
	nonsense      | id=nonsense | STIR_FAILED identity_syntax 438
	div_alone     | ppt=div payload='{"div":{"tn":"18005550199"}}' | STIR_FAILED * 438
	# too old, or from the future
	stale         | iat=-61 | STIR_FAILED passport_stale 403
	stale_date    | date=-61 | STIR_FAILED passport_stale 403
	future        | iat=+60 | STIR_FAILED passport_stale 403
	# of several, the last stage that was reached
	two_faults    | iat=-100 behind='tamper=signature' | STIR_FAILED signature_bad 438
	X
	sipseal -j events >"$T/events.ndjson"
	python3 "$HERE/check_events.py" "$T/events.ndjson" >"$T/figures" || { cat "$T/figures"; fail "events"; }
	expect "events" "$(sed -n 's/^calls=\([0-9]*\) .*/\1/p' "$T/calls.txt")" "$(sed -n 's/^events=\([0-9]*\) .*/\1/p' "$T/figures")"
	stats
	expect "signer restarts" 0 "$(signer_value restarts)"
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

# The INVITE of a document that shows what signed INVITEs look like.  It is none: the token is folded in the middle and
# ends in the word <sig>, the JOSE header says "ppc" for "ppt", and its x5u is not that of the row.
SAMPLE='eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0Iiwic\r\n HBjIjoic2hha2VuIiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbG\r\n UvY2VydHMvc3RpL3RuIn0.eyJhdHRlc3QiOiJBIiwiZGVzdCI6eyJ0\r\n biI6WyIxNTU1MTIzNDU2NyJdfSwiaWF0IjoxNzM0MDAwMDAwLCJvcm\r\n lnIjp7InRuIjoiMTgwMDU1NTAxMDAifSwib3JpZ2lkIjoiYWNtZS0\r\n yMDI2LTA0In0'
test_sample() {
	inbound_start
	local keys='ruri=sip:+15551234567@carrier.example;user=phone' tail=';info=<https://cert.clutchcall.dev/sti.pem>;alg=ES256;ppt=shaken'
	keys="'$keys' 'from=\"ACME Support\" <sip:+18005550100@clutchcall.dev>' 'to=<sip:+15551234567@carrier.example>'"
	local flat=${SAMPLE//\\r\\n /} sig
	sig=$(printf 'A%.0s' {1..86})
	expect "its claims" '{"attest":"A","dest":{"tn":["15551234567"]},"iat":1734000000,"orig":{"tn":"18005550100"},"origid":"acme-2026-04"}' \
		"$(cut -d. -f2 <<<"$flat" | tr '_-' '/+' | base64 -d 2>/dev/null || :)"
	calls <<-X
	sample $keys 'id=$SAMPLE.<sig>$tail' => wire=passed status=STIR_FAILED reason=identity_syntax mark=STIR_FAILED;reason=identity_syntax;code=438
	flat $keys 'id=$flat.<sig>$tail' => wire=passed status=STIR_FAILED reason=identity_syntax
	signed $keys 'id=$flat.$sig$tail' => wire=passed status=STIR_FAILED reason=passport_syntax
	* src=$STRICT4
	refused $keys 'id=$SAMPLE.<sig>$tail' => wire=refused code=438 status=STIR_FAILED reason=identity_syntax
	X
}

# A refusal: one answer for each copy, always the same; and IPv6.
test_refusals() {
	in_ns carrier ip addr replace fd66:2::11/64 dev carr0 nodad
	MORE_TRUNKS='  - { name: six, carrier: { peers: ["[fd66:2::11]:5060"] }, attestation: B, default_country_code: "1",
      verification: { on_missing: reject } }'
	inbound_start
	warm
	calls <<-X
	* src=$STRICT4
	copies id=none copies=5 => wire=refused answers=5 leaves=0 code=428
	port id=none port=5099 => wire=refused code=428
	emergency id=none ruri=urn:service:sos to='<urn:service:sos>' => wire=passed status=STIR_MISSING mark=STIR_MISSING
	number id=none ruri=sip:911@$CORE4 to=911 => wire=passed status=STIR_MISSING emergency=true
	callback id=none row='Priority: psap-callback' => wire=passed status=STIR_MISSING
	esnet tamper=signature row='Resource-Priority: wps.3, ESNET.1' => wire=passed status=STIR_FAILED reason=signature_bad
	not_callback id=none row='Priority: urgent' => wire=refused code=428
	dialog id=none totag=abc => wire=passed same=yes event=no
	six id=none src=fd66:2::11 dst=$CORE6 => wire=refused code=428 trunk=six
	good => wire=passed status=STIR_VERIFIED attest=A orig=12155551213 dest=18005550100 spc=1234
	X
}

run_tests "$@"

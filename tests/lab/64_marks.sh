#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What the PBX sees: our marks, never somebody else's, and nothing that was let through may carry one.
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

# marked ADDRESS-NUMBER VERIFICATION : one trunk more
marked() {
	printf '  - { name: t%s, carrier: { peers: ["10.66.2.%s:5060"] }, attestation: B, default_country_code: "1", verification: %s }\n' "$1" "$1" "$2"
}

begin() { # TRUNK...
	local n
	for n in 30 31 32 33 34 35 36 37; do in_ns carrier ip addr replace 10.66.2.$n/24 dev carr0; done
	MORE_TRUNKS=$(printf '%s\n' "$@") inbound_start
	warm
}

ORIGID=123e4567-e89b-42d3-a456-426655440000
GOOD="STIR_VERIFIED;attest=A;origid=$ORIGID"
PASSED=verstat=TN-Validation-Passed FAILED=verstat=TN-Validation-Failed NONE=verstat=No-TN-Validation

test_marks_from_outside() {
	begin
	local row n=0
	for row in 'X-STIR-Result: STIR_VERIFIED;attest=A' 'x-stir-result : STIR_VERIFIED' 'X-STIR-Attest: A' 'X-Stir-Anything:\r\n x' \
		'Attestation-Info: A' 'ATTESTATION-INFO\t:\r\n\tA' 'Origination-Id: 1' 'P-Attestation-Indicator: A' 'P-Origination-ID: 1' \
		'X-STIR-Result: a\r\nX-STIR-Result: b\r\nX-STIR-Result: c'; do
		n=$((n + 1))
		echo "good$n row='$row' => wire=passed mark=$GOOD"
		echo "none$n id=none row='$row' => wire=passed mark=STIR_MISSING"
		echo "sos$n id=none ruri=urn:service:sos row='$row' => wire=passed mark=STIR_MISSING"
		echo "bad$n tamper=signature row='$row' => wire=passed mark=STIR_FAILED;reason=signature_bad;code=438"
	done >"$T/marks.txt"
	calls "$T/marks.txt"
	! grep -ail -e 'attestation' -e 'origination' -e 'x-stir-a' -e p-attestation "$T"/*.out || fail "a mark from outside is left"
	expect "rows of the result in each" 1 "$(grep -aic '^x-stir-result' "$T"/*.out | cut -d: -f2 | sort -u)"
}

test_verstat() {
	begin "$(marked 30 '{ verstat: off }')" "$(marked 31 '{ verstat: from }')" "$(marked 32 '{ verstat: pai }')" \
		"$(marked 33 '{ verstat: pai, carrier_verstat: strip }')"
	local f='"Bob" <sip:+12155551213@h.example;user=phone>;tag=1'
	calls <<-X
	* src=10.66.2.31 from='$f' pai=+12155551213
	from_good => from='"Bob" <sip:+12155551213;$PASSED@h.example;user=phone>;tag=1' pai=<sip:+12155551213@10.66.2.31>
	from_bad tamper=signature => from='"Bob" <sip:+12155551213;$FAILED@h.example;user=phone>;tag=1'
	from_none id=none => from='"Bob" <sip:+12155551213;$NONE@h.example;user=phone>;tag=1'
	from_unreachable x5u=$WEB/u/1 => from='$f' reason=fetch_failed
	from_addr_spec from='sip:+12155551213@h.example;tag=1' => from='<sip:+12155551213;$PASSED@h.example>;tag=1'
	from_params from='<sip:+12155551213;npdi;rn=+12155550000@h.example>;tag=1' => from='<sip:+12155551213;npdi;rn=+12155550000;$PASSED@h.example>;tag=1'
	from_password from='<sip:+12155551213:pw@h.example>;tag=1' => from='<sip:+12155551213;$PASSED:pw@h.example>;tag=1'
	from_tel from='<tel:+12155551213>;tag=1' => from='<tel:+12155551213;$PASSED>;tag=1'
	from_theirs from='<sip:+12155551213;$FAILED@h.example>;tag=1' => from='<sip:+12155551213;$PASSED@h.example>;tag=1'
	* src=10.66.2.32 from='$f'
	pai_good pai=+12155551213 => from='$f' pai=<sip:+12155551213;$PASSED@10.66.2.32>
	pai_two pai='<sip:+12155551213@a.example>, <tel:+12155551213>' => pai='<sip:+12155551213;$PASSED@a.example>, <tel:+12155551213;$PASSED>'
	pai_bad pai=+12155551213 tamper=signature => pai=<sip:+12155551213;$FAILED@10.66.2.32>
	pai_none pai=+12155551213 id=none => pai=<sip:+12155551213;$NONE@10.66.2.32>
	pai_absent => from='$f' pai=
	pai_no_number pai=<sip:bob@h.example> => pai=<sip:bob@h.example>
	* src=10.66.2.30
	# no verdict of ours: theirs stays; with one it goes
	keep_none pai='<sip:+12155551213;$PASSED@a.example>' id=none => pai='<sip:+12155551213;$PASSED@a.example>'
	keep_unreachable pai='<sip:+12155551213;$PASSED@a.example>' x5u=$WEB/u/1 => pai='<sip:+12155551213;$PASSED@a.example>'
	keep_good pai='<sip:+12155551213;$PASSED@a.example>' => pai='<sip:+12155551213@a.example>'
	keep_bad pai='<tel:+12155551213;verstat=tn-validation-passed>' tamper=signature => pai='<tel:+12155551213>'
	keep_from from='<sip:+12155551213;VERSTAT=TN-Validation-Passed;npdi@a.example>;tag=1' => from='<sip:+12155551213;npdi@a.example>;tag=1'
	* src=10.66.2.33
	strip_none pai='<sip:+12155551213;$PASSED@a.example>' id=none => pai='<sip:+12155551213;$NONE@a.example>'
	strip_unreachable pai='<sip:+12155551213;$PASSED@a.example>' x5u=$WEB/u/1 => pai='<sip:+12155551213@a.example>'
	strip_from from='<sip:+12155551213;$PASSED@a.example>;tag=1' id=none => from='<sip:+12155551213@a.example>;tag=1'
	X
	# of a third row, too
	calls <<-X
	ppi src=10.66.2.33 id=none row='P-Preferred-Identity: <sip:+12155551213;$PASSED@a.example>' => wire=passed status=STIR_MISSING
	X
	! grep -aq Passed "$T/ppi.out" || fail "verstat in P-Preferred-Identity is left"
}

test_labels_and_names() {
	begin "$(marked 34 '{ display_label: { A: "[A]", B: "[B]", failed: "[spam?]", missing: "[?]" } }')" "$(marked 35 '{ trust_pai: false }')" \
		"$(marked 36 '{ result_header: X-Lab-Result }')" "$(marked 37 '{ result_header: off }')"
	calls <<-X
	* src=10.66.2.34
	label_a from='"Bob" <sip:+12155551213@h>;tag=1' => from='"[A] Bob" <sip:+12155551213@h>;tag=1'
	label_b attest=B from='Bob Builder <sip:+12155551213@h>;tag=1' => from='"[B] Bob Builder" <sip:+12155551213@h>;tag=1'
	label_c attest=C from='"Bob" <sip:+12155551213@h>;tag=1' => from='"Bob" <sip:+12155551213@h>;tag=1'
	label_none id=none from='<sip:+12155551213@h>;tag=1' => from='"[?]" <sip:+12155551213@h>;tag=1'
	label_failed tamper=signature from='"a \"b\" c" <sip:+12155551213@h>;tag=1' => from='"[spam?] a \"b\" c" <sip:+12155551213@h>;tag=1'
	label_addr from='sip:+12155551213@h;tag=1' => from='"[A]" <sip:+12155551213@h>;tag=1'
	label_pai from='"Bob" <sip:+12155551213@h>;tag=1' pai='"Rob" <sip:+12155551213@h>' => from='"Bob" <sip:+12155551213@h>;tag=1' pai='"[A] Rob" <sip:+12155551213@h>'
	* src=10.66.2.35
	untrusted pai=+12155551213 => pai= status=STIR_VERIFIED removed=p-asserted-identity
	untrusted_liar pai=+12155551213 from=+12155551299 => pai= status=STIR_FAILED reason=orig_mismatch
	untrusted_sos pai=+12155551213 ruri=urn:service:sos id=none => pai=<sip:+12155551213@10.66.2.35>
	untrusted_callback pai=+12155551213 row='Priority: psap-callback' id=none => pai=<sip:+12155551213@10.66.2.35>
	* src=10.66.2.37
	off => same=yes status=STIR_VERIFIED
	off_mark row='X-STIR-Result: STIR_VERIFIED' => mark= status=STIR_VERIFIED removed=x-stir-result
	X
	calls --result-header X-Lab-Result <<-X
	* src=10.66.2.36
	custom => mark=$GOOD
	custom_theirs row='x-lab-RESULT : STIR_VERIFIED' id=none => mark=STIR_MISSING
	custom_stir row='X-STIR-Result: STIR_VERIFIED' => mark=$GOOD
	X
}

# Every kind of message that we do not edit: as it is, it passes byte for byte; with a mark it is dropped.
test_forged() {
	begin "$(marked 36 '{ result_header: X-Lab-Result, carrier_verstat: strip }')"
	python3 "$HERE/check_forged.py" --prefix "$PREFIX" --data "$TOP/tests/data/hostile" >"$T/forged.txt" ||
		{ cat "$T/forged.txt"; fail "$(grep -m 1 -o 'FAIL: .*' "$T/forged.txt")"; }
	cat "$T/forged.txt"
	stats
	expect "forged_mark" "$(sed -n 's/.* dropped=\([0-9]*\).*/\1/p' "$T/forged.txt")" "$(signer_count forged_mark)"
	at_least "kinds of messages" 50 "$(sed -n 's/^kinds=\([0-9]*\).*/\1/p' "$T/forged.txt")"
	expect "signer restarts" 0 "$(signer_value restarts)"
	# by every mark; of what cannot be parsed, there is an event without a Call-ID
	local before
	before=$(signer_count forged_mark)
	local lf='/Max-Forwards: 70\r/Max-Forwards: 70/' # a bare LF: never edited
	calls --timeout 0.5 <<-X
	* id=none sub='$lf'
	plain => wire=passed same=yes
	m1 row='X-STIR-Result: STIR_VERIFIED' => wire=dropped
	m2 row='x-stir-result\t : x' => wire=dropped
	m3 row='Attestation-Info: A' => wire=dropped
	m4 row='ORIGINATION-ID: A' => wire=dropped
	m5 row='P-Attestation-Indicator: A' => wire=dropped
	m6 row='p-origination-id:A' => wire=dropped
	m7 from='<sip:+12155551213;verstat=TN-Validation-Passed@h>' => wire=dropped
	m8 pai='<tel:+12155551213;VerStat=TN-Validation-Passed>' => wire=dropped
	body sub='/a=sendrecv\r\n/X-STIR-Result: x\n/' => wire=passed same=yes
	sos ruri=urn:service:sos row='X-STIR-Result: STIR_VERIFIED' => wire=passed same=yes
	custom src=10.66.2.36 row='X-lab-result: x' => wire=dropped
	* id=none totag=abc
	d0 => wire=passed same=yes event=no
	d1 row='X-STIR-Result: STIR_VERIFIED' => wire=dropped reason=forged_mark
	d2 row='Attestation-Info: A' => wire=dropped reason=forged_mark
	# a carrier that is believed may say verstat in a dialog as well
	d3 from='<sip:+12155551213;verstat=TN-Validation-Passed@h>' => wire=passed same=yes event=no
	d4 src=10.66.2.36 from='<sip:+12155551213;verstat=TN-Validation-Passed@h>' => wire=dropped reason=forged_mark
	d5 src=10.66.2.36 row='X-Lab-Result: x' => wire=dropped reason=forged_mark
	X
	stats
	expect "forged_mark" $((before + 9 + 4)) "$(signer_count forged_mark)"
	expect "event of one" "STIR_FAILED inbound acme" \
		"$(sipseal -j events | jq -rs '[.[] | select(.reason == "forged_mark" and .call_id == null)][-2] | "\(.status) \(.direction) \(.trunk)"')"
}

run_tests "$@"

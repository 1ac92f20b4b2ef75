#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A call that carries an Identity of another implementation already.
. "$(dirname "$0")/lib.sh"

foreign_identity() { # ORIG
	secsipidx -sign-full -orig-tn "$1" -dest-tn 12155551213 -attest B -x5u $X5U -k "$T/sti/key.pem" \
		>"$T/foreign" 2>&1 || { cat "$T/foreign"; fail "secsipidx does not sign"; }
	cat "$T/foreign"
}

existing() { # POLICY ORIG COUNT-OF-ROWS COUNTER
	make_certs "$T/sti"
	EXTRA=$'\r\nIdentity: '$(foreign_identity "$2") TRUNK="    existing_identity: $1" claims_of_call
	claim rows "$3"
	expect "$4" 1 "$(signer_count "$4")"
	claim first_identity "$(cat "$T/foreign")"
	expect "signer restarts" 0 "$(signer_value restarts)"
}

test_check_good() { existing check 18005550100 1 already_signed; }
test_check_other_number() { existing check 18005550101 2 signed; }
test_trust() { existing trust 18005550101 1 already_signed; }
test_ignore() { existing ignore 18005550100 2 signed; }

# What is no PASSporT, one that is stale, one by another name: signed beside it, and the signer lives.
test_check_not_good() {
	start_gateway
	captures_start
	udp_sink $CARRIER4:5060
	local i row files=()
	b64() { printf %s "$1" | base64 -w0 | tr '+/' '-_' | tr -d =; }
	local good='{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://a.example/b"}'
	local tail=";info=<https://a.example/b>;alg=ES256;ppt=shaken"
	local sig=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
	local claims='"attest":"A","dest":{"tn":["12155551213"]},"orig":{"tn":"18005550100"},"origid":"x"'
	local rows=("x" "a.b.c$tail" "$(b64 "$good").$(b64 '{"attest":"A"').$sig$tail"
		"$(b64 "$good").$(b64 '[[[[[[[[[[[[').$sig$tail" "$(b64 "$good").$(b64 "{\"iat\":1,$claims}").$sig$tail"
		"$(b64 "$good").$(b64 '{"attest":1e999,"dest":{"tn":[1.5]},"iat":"\u0000","orig":{}}').$sig$tail"
		"$(b64 '{"ppt":"div"}').$(b64 '{}').$sig;info=<https://a.example/b>;ppt=div")
	for i in "${!rows[@]}"; do
		row=${rows[$i]}
		invite_file "$T/i$i.sip" "i$i"
		sed -i "s|^Max-Forwards|Identity: ${row//&/\\&}\r\n&|" "$T/i$i.sip"
		files+=("$T/i$i.sip")
	done
	send_files $CORE4:5070 $CARRIER4:5060 "${files[@]}"
	for i in "${!rows[@]}"; do expect_seen "i$i" "signed 1"; done
	stats
	expect "signed" ${#rows[@]} "$(signer_count signed)"
	expect "signer restarts" 0 "$(signer_value restarts)"
}

run_tests "$@"

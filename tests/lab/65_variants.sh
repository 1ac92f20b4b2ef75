#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Where verifiers disagree: what we say to each form of Identity (docs/inbound.md has the reasons).
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

ok() { echo "wire=passed status=STIR_VERIFIED reason=verified mark=STIR_VERIFIED;*"; }
bad() { echo "wire=passed status=STIR_FAILED reason=$2 mark=STIR_FAILED;reason=$2;code=$1"; } # CODE REASON

test_variants() {
	local now
	inbound_start
	warm
	now=$(date +%s)
	calls <<-X
	valid => $(ok)
	ppt_quoted params=';info=<{info}>;alg=ES256;ppt="shaken"' => $(ok)
	all_quoted params=';info=<{info}>;alg="ES256";ppt="shaken"' => $(ok)
	other_order params=';ppt=shaken;alg=ES256;info=<{info}>' => $(ok)
	upper_case params=';INFO=<{info}>;ALG=ES256;PPT=shaken' => $(ok)
	more_parameters params=';info=<{info}>;alg=ES256;ppt=shaken;x=y;z' => $(ok)
	info_alone params=';info=<{info}>' => $(ok)
	no_parameters params= => $(bad 438 identity_syntax)
	blanks params=' ; info=<{info}> ; alg=ES256 ; ppt=shaken' => $(ok)
	folded params='\r\n ;info=<{info}>\r\n\t;alg=ES256;ppt=shaken' => $(ok)
	blanks_at_equal params=';info = <{info}>;alg = ES256' => $(ok)
	folded_in_token id=none row='Identity: $(python3 "$HERE/passport.py" key="$T/sti/key.pem" x5u="$X5U" | sed 's/./&\\r\\n /40')' => $(bad 438 identity_syntax)
	payload_changed tamper=payload => $(bad 438 signature_bad)
	signature_changed tamper=signature => $(bad 438 signature_bad)
	two_hours_old iat=-7200 => $(bad 403 passport_stale)
	two_hours_ahead iat=+7200 => $(bad 403 passport_stale)
	from_differs orig=12155551299 => $(bad 438 orig_mismatch)
	to_differs dest=18005550199 => $(bad 438 dest_mismatch)
	from_tel from='<tel:+12155551213>' => $(ok)
	anonymous_pai from='"Anonymous" <sip:anonymous@anonymous.invalid>' pai=+12155551213 => $(ok)
	pai_differs pai=+12155551299 => $(bad 438 orig_mismatch)
	separators from='<sip:+1-215-555-1213@$CARRIER4>' to='<tel:+1(800)555.0100>' => $(ok)
	escaped from='<sip:%2B12155551213@$CARRIER4>' => $(ok)
	user_parameters from='<sip:+12155551213;npdi;rn=+12155550000@$CARRIER4>' => $(ok)
	orig_plus orig=+12155551213 => $(ok)
	dest_plus dest=+18005550100 => $(ok)
	orig_dashes orig=1-215-555-1213 => $(bad 438 orig_mismatch)
	two_dest dest=12125550000,18005550100 => $(ok)
	dest_uri_beside dest=18005550100 dest_uri=sip:a@b.example => $(ok)
	claim_rcd payload='{"rcd":{"nam":"Bob"}}' => $(ok)
	claim_mky payload='{"mky":[{"alg":"sha-256","dig":"00"}]}' => $(ok)
	other_key_order order=reverse => $(ok)
	white_space spaces=yes => $(ok)
	attest_d attest=D => $(bad 438 passport_syntax)
	no_origid payload='{"origid":null}' => $(bad 438 passport_syntax)
	alg_none alg=none => $(bad 437 alg_unsupported)
	alg_none_signed header='{"alg":"none"}' => $(bad 437 alg_unsupported)
	no_ppt_inside header='{"ppt":null}' => $(bad 438 passport_syntax)
	no_typ header='{"typ":null}' => $(bad 438 passport_syntax)
	crit header='{"crit":["x"],"x":1}' => $(bad 438 passport_syntax)
	info_differs info=$WEB/any/x => $(bad 438 passport_syntax)
	http x5u=http://$CARRIER4:8443/chain.pem => $(bad 436 x5u_refused)
	iat_text payload='{"iat":"1734000000"}' => $(bad 438 passport_syntax)
	twice_a_member payload_raw='{"attest":"A","attest":"A","dest":{"tn":["18005550100"]},"iat":$(date +%s),"orig":{"tn":"12155551213"},"origid":"1"}' => $(bad 438 passport_syntax)
	div_and_shaken iat=$now dest=18005550111 behind='ppt=div iat=$now payload={\"div\":{\"tn\":\"18005550111\"}}' => $(ok) diverted=true
	shaken_and_div iat=$now dest=18005550111 before='ppt=div iat=$now payload={\"div\":{\"tn\":\"18005550111\"}}' => $(ok) diverted=true
	div_forged iat=$now dest=18005550111 behind='ppt=div iat=$now tamper=signature payload={\"div\":{\"tn\":\"18005550111\"}}' => wire=passed status=STIR_FAILED
	bad_then_good before='tamper=signature' => $(ok)
	good_then_bad behind='tamper=signature' => $(ok)
	joined before='tamper=signature' join=yes => $(ok)
	compact_name idname=y => $(ok)
	odd_name idname='iDENTITY ' => $(ok)
	none id=none => wire=passed status=STIR_MISSING mark=STIR_MISSING
	rph_alone ppt=rph => wire=passed status=STIR_MISSING reason=ppt_unsupported mark=STIR_MISSING
	date_old date=-7200 => $(bad 403 passport_stale)
	date_good date=-5 => $(ok)
	date_nonsense date=yesterday => $(bad 403 passport_stale)
	high_s tamper=high_s => $(ok)
	baseline ppt= => wire=passed status=STIR_VERIFIED mark=STIR_VERIFIED attest=null
	baseline_compact ppt= form=compact iat=$now 'date=$(LC_ALL=C date -u -d @$now '+%a, %d %b %Y %H:%M:%S GMT')' => wire=passed status=STIR_VERIFIED mark=STIR_VERIFIED
	baseline_other ppt= form=compact iat=$((now - 1)) 'date=$(LC_ALL=C date -u -d @$now '+%a, %d %b %Y %H:%M:%S GMT')' => $(bad 438 signature_bad)
	shaken_compact form=compact date=+0 => $(bad 438 '*')
	nine_rows id=none row='$(for i in 1 2 3 4 5 6 7 8 9; do printf 'Identity: x%s\\r\\n' $i; done)X: y' => $(bad 438 identity_syntax)
	X
	expect "requests at the server" 1 "$(hits /chain.pem)"
}

# What another implementation makes, with a token that it builds from JSON as it is given.
test_secsipidx_tokens() {
	inbound_start
	warm
	local now token
	now=$(date +%s)
	make() { # ARGUMENT...
		secsipidx -sign -orig-id 4437c7eb-8f7a-4f0e-a863-f53a0e60251a "$@" -x5u "$X5U" -k "$T/sti/key.pem"
	}
	token=$(make -orig-tn ${IN_CALLER#+} -dest-tn ${IN_CALLED#+} -attest C)
	calls <<-X
	plain 'id=$token;info=<$X5U>;alg=ES256;ppt=shaken' => $(ok) attest=C origid=4437c7eb-8f7a-4f0e-a863-f53a0e60251a
	other 'id=$token;info=<$X5U>;alg=ES256;ppt=shaken' from=+12155551299 => $(bad 438 orig_mismatch)
	X
	token=$(make -header '{"x5u":"'$X5U'", "typ":"passport","ppt":"shaken","alg":"ES256"}' \
		-payload '{ "origid":"a", "orig":{"tn":"12155551213"},"iat":'$now',"dest":{"tn":["18005550100"]},"attest":"A"}')
	calls <<-X
	free 'id=$token;info=<$X5U>' => $(ok) attest=A origid=a
	X
	token=$(make -orig-tn ${IN_CALLER#+} -dest-tn ${IN_CALLED#+} -attest A -iat $((now - 7200)))
	calls <<-X
	old 'id=$token;info=<$X5U>;ppt=shaken' => $(bad 403 passport_stale)
	X
}

# One PASSporT, two calls.
test_replay() {
	MORE_TRUNKS='  - { name: lax, carrier: { peers: ["10.66.2.21:5060"] }, attestation: B, verification: { replay: ignore }, default_country_code: "1" }' inbound_start
	in_ns carrier ip addr replace 10.66.2.21/24 dev carr0
	warm
	local id
	id=$(python3 "$HERE/passport.py" key="$T/sti/key.pem" x5u="$X5U")
	calls <<-X
	first 'id=$id' copies=2 => $(ok) leaves=2
	fork 'id=$id' callid=first branch=other => wire=passed status=STIR_VERIFIED
	again 'id=$id' => $(bad 438 replayed)
	other src=$STRICT4 'id=$id' => wire=refused code=438 reason=replayed
	lax src=10.66.2.21 'id=$id' => wire=passed status=STIR_VERIFIED
	X
}

run_tests "$@"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Calls that others have signed - secsipidx, Kamailio's secsipid, and a sipseal - reach the core verified and marked.
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"
export LAB_NEIGH=permanent # what leaves goes by AF_XDP; without, as in the other files, mostly by the raw socket

verified_at_core() { # ATTEST [STATUS] : the one INVITE at the core says so, and its event, and tshark finds nothing odd
	captures_stop
	local mark
	mark=$(marks_at_core | sort -u)
	case $mark in
	"STIR_VERIFIED;attest=$1;origid="*) ;;
	*) fail "X-STIR-Result at the core: ${mark:-none}" ;;
	esac
	expect "event" "inbound STIR_VERIFIED verified $1 ${IN_CALLER#+} ${IN_CALLED#+} 1234 $X5U acme" \
		"$(sipseal -j events | jq -rs '[.[] | select(.direction == "inbound")][-1] |
			"\(.direction) \(.status) \(.reason) \(.attest) \(.orig) \(.dest) \(.spc) \(.x5u) \(.trunk)"')"
	expect "origid" "${mark#*origid=}" "$(sipseal -j events | jq -rs '[.[] | select(.direction == "inbound")][-1].origid')"
	for_tshark core carrier
}

for_tshark() { # CAPTURE... : no malformed packet, no wrong checksum
	local name
	for name in "$@"; do
		tshark -r "$T/$name.pcap" -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE \
			-Y '_ws.malformed || udp.checksum.status == 0 || ip.checksum.status == 0' 2>/dev/null >"$T/odd.txt"
		[ ! -s "$T/odd.txt" ] || { cat "$T/odd.txt"; fail "odd packets in $name.pcap"; }
	done
}

test_secsipidx() {
	inbound_start
	captures_start
	local id
	id=$(secsipidx -sign-full -orig-tn ${IN_CALLER#+} -dest-tn ${IN_CALLED#+} -attest A -x5u "$X5U" -k "$T/sti/key.pem")
	EXTRA=$'\r\n'"Identity: $id" inbound_call
	verified_at_core A
	expect "requests at the server" 1 "$(hits /chain.pem)"
}

# Behind the gateway's back the same INVITE, a number changed: no foreign signature covers it.
test_secsipidx_spoofed() {
	inbound_start
	captures_start
	local id
	id=$(secsipidx -sign-full -orig-tn 19995550100 -dest-tn ${IN_CALLED#+} -attest A -x5u "$X5U" -k "$T/sti/key.pem")
	EXTRA=$'\r\n'"Identity: $id" inbound_call
	captures_stop
	expect "mark" "STIR_FAILED;reason=orig_mismatch;code=438" "$(marks_at_core | sort -u)"
}

KAMAILIO4=10.66.2.12
test_kamailio() {
	MORE_TRUNKS="  - { name: kamailio, carrier: { peers: [\"$KAMAILIO4:5060\"] }, attestation: B, default_country_code: \"1\" }" inbound_start
	in_ns carrier ip addr replace $KAMAILIO4/24 dev carr0
	mkdir -p "$T/kamailio"
	sed -e "s|@ADDRESS@|$KAMAILIO4|; s|@X5U@|$X5U|; s|@KEY@|$T/sti/key.pem|" "$HERE/kamailio_signer.cfg" >"$T/kamailio.cfg"
	bg kamailio carrier kamailio -DD -E -m 32 -M 8 -Y "$T/kamailio" -P "$T/kamailio/pid" -f "$T/kamailio.cfg"
	wait_for 10 has_port carrier 5060 || { cat "$T/kamailio.log"; fail "Kamailio did not start"; }
	captures_start
	inbound_call -rsa $KAMAILIO4:5060
	captures_stop
	expect "event" "kamailio STIR_VERIFIED verified B 1234" \
		"$(sipseal -j events | jq -rs '.[-1] | "\(.trunk) \(.status) \(.reason) \(.attest) \(.spc)"')"
	case $(marks_at_core | sort -u) in "STIR_VERIFIED;attest=B;origid="*) ;; *) fail "mark: $(marks_at_core)" ;; esac
	for_tshark core
}

# What a gateway signs, another one verifies: `explain` gives the bytes that would leave.
test_own() {
	inbound_start
	python3 "$HERE/invite.py" "$T/out.sip" own from=+18005550100 to=+12155551213
	"$SIPSEAL" explain -c "$T/sipseal.yaml" --key "$T/sti/key.pem" --from $CORE4:5070 --to $CARRIER4:5060 --output sip "$T/out.sip" >"$T/signed.sip" ||
		fail "explain"
	local id
	id=$(sed -n 's/^Identity: \(.*\)\r$/\1/p' "$T/signed.sip")
	[ -n "$id" ] || { cat "$T/signed.sip"; fail "not signed"; }
	calls <<-X
	own from=+18005550100 to=+12155551213 ruri=sip:+12155551213@$CORE4 'id=$id' => wire=passed status=STIR_VERIFIED attest=A orig=18005550100
	back 'id=$id' => wire=passed status=STIR_FAILED reason=orig_mismatch
	X
	# and it is an answer to the call of the other direction, through the same gateway
	captures_start
	udp_sink $CARRIER4:5060
	send_files $CORE4:5070 $CARRIER4:5060 "$T/out.sip"
	expect_seen own "signed 1"
}

# A whole call with hold: one INVITE is judged, all else crosses byte for byte; counters agree.
test_whole_call() {
	inbound_start
	captures_start
	local id
	id=$(python3 "$HERE/passport.py" key="$T/sti/key.pem" x5u="$X5U")
	bg uas core timeout 60 sipp -sf "$HERE/sipp/carrier_call.xml" -i $CORE4 -p 5060 -nostdin -m 1
	wait_for 5 has_port core 5060 || fail "sipp did not start at the core"
	( cd "$T" && in_ns carrier timeout 30 sipp "$CORE4:5060" -sf "$HERE/sipp/pbx_call.xml" -i $CARRIER4 -p 5060 -nostdin -m 1 \
		-recv_timeout 5000 -trace_err -error_file "$T/uac.err" -key caller "$IN_CALLER" -key ruri "sip:$IN_CALLED@$CORE4" \
		-key from "<sip:$IN_CALLER@$CARRIER4>" -key to "<sip:$IN_CALLED@$CORE4>" -key extra $'\r\n'"Identity: $id" ) >"$T/uac.log" 2>&1 ||
		{ cat "$T/uac.err"; fail "the call"; }
	verified_at_core A
	expect "events" 1 "$(sipseal -j events | wc -l)"
	python3 "$HERE/check_inbound.py" "$T/carrier.pcap" "$T/core.pcap" || fail "something else has changed"
	stats
	expect "verified" 1 "$(signer_count verified)"
	at_least "re-INVITEs in dialog" 1 $(($(signer_count in_dialog) + $(xdp_count in_dialog)))
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

# IPv6, the same trunk.
test_ipv6() {
	inbound_start
	calls <<-X
	six src=$CARRIER6 dst=$CORE6 => wire=passed status=STIR_VERIFIED trunk=acme source=[$CARRIER6]:5060
	X
}

# With our mark it does not fit a frame any more: it leaves in fragments, byte for byte what it should be.
test_large() {
	inbound_start
	warm
	captures_start
	local pad
	pad=$(printf 'x%.0s' {1..545})
	calls <<-X
	four row='X-Pad: $pad' => wire=passed status=STIR_VERIFIED same=no
	six src=$CARRIER6 dst=$CORE6 row='X-Pad: ${pad:80}' => wire=passed status=STIR_VERIFIED same=no
	X
	captures_stop
	local name
	for name in four six; do
		[ "$(stat -c %s "$T/$name.in")" -le 1472 ] && [ "$(stat -c %s "$T/$name.out")" -gt 1472 ] ||
			fail "$name: $(stat -c %s "$T/$name.in") bytes, then $(stat -c %s "$T/$name.out"): not what is to be tested"
	done
	python3 "$HERE/check_inbound.py" "$T/carrier.pcap" "$T/core.pcap" || fail "not as it was sent"
	for_tshark core
	stats
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

# Generic XDP, the kernel's fast path.
test_generic() {
	XDP_MODE=generic FAST_PATH=kernel inbound_start
	calls <<-X
	one => wire=passed status=STIR_VERIFIED
	two => wire=passed status=STIR_VERIFIED ms<200
	none src=$STRICT4 id=none => wire=refused code=428
	dialog totag=x id=none => wire=passed same=yes
	X
}

# Off: nothing is touched, whatever it carries; no fetcher without anchors.
test_off() {
	VERIFY='{ enabled: false }' inbound_start
	calls <<-X
	off row='X-STIR-Result: STIR_VERIFIED' => wire=passed same=yes event=no
	X
	stats
	expect "in the kernel" 1 "$(xdp_count inbound_unverified)"
	sipseal regulatory off >/dev/null
	calls <<-X
	* src=$STRICT4
	regulatory id=none => wire=passed same=yes event=no
	X
	expect "requests at the server" 0 "$(hits /chain.pem)"
}

test_observe() {
	MORE_TRUNKS='    mode: observe' inbound_start
	calls <<-X
	* src=$STRICT4
	good row='X-STIR-Result: STIR_FAILED' => wire=passed same=yes reason=observe
	bad tamper=signature => wire=passed same=yes reason=observe
	none id=none => wire=passed same=yes reason=observe
	X
	warm
	calls <<-X
	* src=$STRICT4
	good2 => wire=passed same=yes reason=observe status=STIR_VERIFIED
	bad2 tamper=signature => wire=passed same=yes reason=observe status=STIR_FAILED
	X
	expect "observed" "STIR_FAILED signature_bad 438" "$(event bad2 '.observed | "\(.status) \(.reason) \(.response)"')"
	expect "observed" "STIR_MISSING identity_missing 428" "$(event none '.observed | "\(.status) \(.reason) \(.response)"')"
}

run_tests "$@"

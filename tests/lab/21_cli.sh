#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The command line against a running daemon, and without one: output, exit codes, the same words as explain.
. "$(dirname "$0")/lib.sh"

test_with_a_daemon() {
	start_gateway
	for cmd in "" status stats "trunk list" "trunk show acme"; do
		exits 0 sipseal $cmd
		[ -s "$T/out" ] || fail "'$cmd' prints nothing"
		! grep -q $'\033' "$T/out" || fail "'$cmd' prints colour into a file"
	done
	for cmd in status stats "trunk list" "trunk show acme"; do
		exits 0 sipseal -j $cmd
		jq -e . "$T/out" >/dev/null || fail "'$cmd -j' is no JSON"
	done
	exits 4 sipseal trunk show nosuch
	grep -q nosuch "$T/err" || fail "the trunk is not named"
	exits 2 sipseal trunk
	exits 2 sipseal nosuch
	exits 2 sipseal status --nosuch
}

test_without_a_daemon() {
	make_certs "$T/sti"
	gateway_yaml >"$T/sipseal.yaml"
	exits 3 sipseal status
	grep -q "$T/control.sock" "$T/err" || fail "the socket is not named"
	exits 3 "$SIPSEAL" -s "$T/$(printf 'a%.0s' {1..120})" status # longer than the address of a socket
	exits 0 sipseal --help
	exits 0 sipseal --version
	for cmd in status stats "trunk list" "trunk show" "config check" "cert check" "cert lab" explain; do
		exits 0 sipseal $cmd --help
		grep -q "^Usage: sipseal .*$cmd" "$T/out" || fail "'$cmd --help' does not say how"
		exits 0 sipseal $cmd --version
		grep -q '^sipseal [0-9]' "$T/out" || fail "'$cmd --version' does not say which"
	done
	exits 0 sipseal config check "$T/sipseal.yaml"
	sed -i 's/attestation: A/attestation: Z/' "$T/sipseal.yaml"
	exits 5 sipseal config check "$T/sipseal.yaml"
	exits 0 sipseal cert check "$T/sti/chain.pem" --anchors "$T/sti/anchors.pem"
	exits 5 sipseal cert check "$T/sti/leaf.pem" --at 2090-01-01T00:00:00Z
}

# explain runs the code of the signer: what it prints is what the wire shows (iat and signature apart).
test_explain_says_what_happens() {
	start_gateway
	captures_start
	udp_sink $CARRIER4:5060
	send_invite said
	expect_seen said "signed 1"
	captures_stop
	check_calls --added Identity
	exits 0 sipseal explain -c "$T/sipseal.yaml" --key "$T/sti/key.pem" --from $CORE4:5070 --to $CARRIER4:5060 --output sip "$T/said.sip"
	local fixed='s/^(Identity: [^.]*)\.[^;]*/\1/; s/^Date: .*GMT/Date/'
	diff <(sed -E "$fixed" "$T/invite.0.sip") <(sed -E "$fixed" "$T/out") || fail "explain says something else"
	exits 0 sipseal explain -j -c "$T/sipseal.yaml" --from $CORE4:5070 --to $CARRIER4:5060 - <"$T/said.sip"
	expect "verdict" sign "$(jq -r .verdict "$T/out")"
	expect "reason" signed "$(jq -r .reason "$T/out")"
	expect "trunk" acme "$(jq -r .trunk "$T/out")"
	exits 0 sipseal explain -j -c "$T/sipseal.yaml" --from $CARRIER4:5060 --to $CORE4:5070 "$T/said.sip"
	expect "verdict of an inbound call" pass "$(jq -r .verdict "$T/out")"
}

run_tests "$@"

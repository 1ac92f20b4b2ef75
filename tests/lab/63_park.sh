#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# An INVITE whose certificate is not known waits for it, never longer than wait_ms; what may not wait does not.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

play() { # NAME... of park.py
	local s
	VERIFY='{ verstat: pai, wait_ms: 400 }' STRICT='{ on_failure: reject, on_missing: reject, wait_ms: 400 }' inbound_start
	in_ns carrier ip addr replace 10.66.2.20/24 dev carr0
	for s in "$@"; do
		python3 "$HERE/park.py" --prefix "$PREFIX" --control "$T/control.sock" --key "$T/sti/key.pem" --server "$WEB" \
			--sipseal "$SIPSEAL" "$s" ||
			fail "$s: $(sipseal stats | head -40)"
	done
	stats
}

scenario() { # NAME... : and nothing is left over
	play "$@"
	expect "signer restarts" 0 "$(signer_value restarts)"
	expect "frames lost" 0 "$(signer_value frames_lost)"
	expect "parked now" 0 "$(jq '.signer.parked // 0' "$T/stats.json")"
	expect "seen by the signer" "$(xdp_count steered)" "$(signer_total)"
}

test_waits() {
	scenario waits
	expect "absorbed copies" 3 "$(signer_count absorbed)"
	expect "waited" true "$(event waits .waited)"
	expect "requests at the server" 1 "$(hits /slow250/chain.pem)"
}

test_too_slow() { scenario too_slow never_refused; }

test_cancelled() {
	scenario cancelled cancelled_other
	at_least "CANCELs" 4 "$(signer_count cancel)"
}

test_nobody_waits() { scenario nobody_waits; }
test_many() { scenario many; }
test_changed() { scenario changed; }

test_killed() {
	play killed
	expect "signer restarts" 1 "$(signer_value restarts)"
}

# wait_ms 0: nobody waits, and CANCELs do not go to the signer.
test_wait_0() {
	VERIFY='{ wait_ms: 0 }' inbound_start
	calls <<-X
	one => wire=passed status=STIR_FAILED reason=certificate_pending ms<200
	cancel method=CANCEL id=none => wire=passed same=yes event=no
	X
	wait_for 3 is_known "$X5U" || fail "the certificate did not come"
	calls <<-X
	two => wire=passed status=STIR_VERIFIED ms<200
	X
	stats
	expect "CANCELs at the signer" 0 "$(signer_count cancel)"
}

run_tests "$@"

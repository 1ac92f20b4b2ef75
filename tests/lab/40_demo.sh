#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The demonstration, as a newcomer starts it: it shows a signed call, verified by somebody else, and calls back with their
# results, and leaves nothing behind.
. "$(dirname "$0")/lib.sh"

left_behind() { # namespaces, mounts and processes of a demo
	ip netns list | grep sipseal-demo
	grep sipseal-demo /proc/mounts
	ls -d /tmp/sipseal-demo.* 2>/dev/null
}

test_demo() {
	left_behind >"$T/before" || :
	O=$O timeout 120 "$TOP/scripts/demo.sh" >"$T/demo.log" 2>&1 || { cat "$T/demo.log"; fail "demo.sh: status $?"; }
	cat "$T/demo.log"
	grep -qx '   ok' "$T/demo.log" || fail "secsipidx did not say ok"
	grep -q '"attest": "A"' "$T/demo.log" || fail "no PASSporT is shown"
	grep -q '<cl:country>US</cl:country>' "$T/demo.log" || fail "no location is shown"
	grep -Eq 'signatures made: +1$' "$T/demo.log" || fail "not one signature"
	grep -Eq 'frames lost: +0$' "$T/demo.log" || fail "frames were lost"
	# the calls back: each with its own result
	local name
	for name in 'verified +STIR_VERIFIED;attest=A;origid=[^ ]* +STIR_VERIFIED +verified +A ' \
		'forged-number +STIR_FAILED;reason=orig_mismatch;code=438 +STIR_FAILED +orig_mismatch ' \
		'forged-signature +STIR_FAILED;reason=signature_bad;code=438 +STIR_FAILED +signature_bad ' \
		'stale +STIR_FAILED;reason=passport_stale;code=403 +STIR_FAILED +passport_stale ' \
		'missing +STIR_MISSING +STIR_MISSING +identity_missing '; do
		grep -Eq "^ *$name" "$T/demo.log" || fail "no line of the table: $name"
	done
	grep -Eq 'that were verified: +1$' "$T/demo.log" || fail "not one call was verified"
	left_behind >"$T/after" || :
	cmp -s "$T/before" "$T/after" || fail "left behind: $(cat "$T/after")"
}

run_tests "$@"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The demonstration, as a newcomer starts it: it shows a signed call, verified by somebody else, and leaves
# nothing behind.
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
	left_behind >"$T/after" || :
	cmp -s "$T/before" "$T/after" || fail "left behind: $(cat "$T/after")"
}

run_tests "$@"

# shellcheck shell=bash disable=SC2034,SC2086,SC2119
# SPDX-License-Identifier: BSD-2-Clause
# fraglib.sh - calls in fragments.  Source it behind lib.sh.
. "$HERE/inboundlib.sh"

frag_start() { # environment as for inbound_start: a gateway that signs and verifies, and knows the certificate
	inbound_start
	warm
}

frags() { # SCENARIO... of fragments.py; what it says in $T/frags.txt
	python3 "$HERE/fragments.py" --prefix "$PREFIX" --control "$T/control.sock" --key "$T/sti/key.pem" --x5u "$X5U" --save "$T" \
		${FRAGS:-} "$@" >"$T/frags.txt" 2>&1 || { cat "$T/frags.txt"; sipseal stats | head -40; fail "$*: $(grep -o 'FAIL: .*' "$T/frags.txt")"; }
	cat "$T/frags.txt"
	stats
}

frags_value() { sed -n "s/.*\b$1=\([0-9,]*\).*/\1/p" "$T/frags.txt"; } # KEY

all_verified() { # by an implementation that shares nothing with ours: every Identity that came to the carrier
	local f n=0
	for f in "$T"/*.identity; do
		secsipidx_verify "$f"
		n=$((n + 1))
	done
	expect "Identity rows" "$1" $n
}

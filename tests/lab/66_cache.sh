#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Certificates of callers as the operator sees them: prefetched, shown, forgotten, revoked, judged by other anchors; what status
# says of clocks, hits and servers; explain without a network.
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

entry() { # URL JQ
	sipseal -j cert cache show "$1" | jq -r "$2"
}
verification() { sipseal -j status | jq -r ".verification | $1"; } # JQ
is_bad() { [ "$(entry "$1" .state 2>/dev/null)" = bad ]; }

test_prefetch_and_flush() {
	inbound_start
	printf '# of our partners\n%s\n\n%s\n%s\n' "$X5U" "$WEB/any/two" "$WEB/u/none" >"$T/urls.txt"
	exits 1 sipseal cert prefetch "$T/urls.txt"
	grep -q "$WEB/u/none" "$T/out" "$T/err" || { cat "$T/out" "$T/err"; fail "which one failed?"; }
	expect "requests" "1 1 1" "$(hits /chain.pem) $(hits /any/two) $(hits /u/none)"
	calls <<-X
	known => wire=passed status=STIR_VERIFIED ms<200
	two x5u=$WEB/any/two => wire=passed status=STIR_VERIFIED ms<200
	X
	sipseal cert cache list >"$T/list.txt" || fail "cert cache list"
	grep -q "^good .* 1234 .* yes *$X5U" "$T/list.txt" || { cat "$T/list.txt"; fail "no line of it"; }
	grep -q "^bad *fetch_failed .*$WEB/u/none" "$T/list.txt" || { cat "$T/list.txt"; fail "no line of the one that failed"; }
	expect "entry" "good 1234 true null" "$(entry "$X5U" '"\(.state) \(.spc) \(.stored) \(.reason)"')"
	expect "entry" "bad fetch_failed 436 false" "$(entry "$WEB/u/none" '"\(.state) \(.reason) \(.code) \(.stored)"')"
	exits 4 sipseal cert cache show "$WEB/never/seen"
	exits 0 sipseal cert cache flush "$X5U"
	exits 4 sipseal cert cache show "$X5U"
	calls <<-X
	again => wire=passed status=STIR_VERIFIED waited=true
	X
	expect "requests" "2 1" "$(hits /chain.pem) $(hits /any/two)"
	sleep 0.3
	at_least "files on disk" 2 "$(find "$T/cache" -type f | wc -l)"
	exits 0 sipseal cert cache flush
	expect "entries" 0 "$(sipseal -j cert cache list | jq .total)"
	expect "files on disk" 0 "$(find "$T/cache" -type f | wc -l)"
	# URLs that are never fetched
	exits 1 sipseal cert prefetch http://$CARRIER4/chain.pem
	exits 1 sipseal cert prefetch "$X5U?a=b"
	expect "requests" 2 "$(hits '/chain.pem.*')"
}

# A directory that is not there is made, for the fetcher alone; none costs nothing but the disk.
test_cache_directory() {
	CACHE=$T/made inbound_start
	calls <<-X
	one => wire=passed status=STIR_VERIFIED
	X
	stored() { [ "$(find "$T/made" -type f | wc -l)" = 1 ]; }
	wait_for 2 stored || fail "nothing is in it"
	expect "its mode" 700 "$(stat -c %a "$T/made")"
	expect "its owner" "$(verification .fetcher.uid)" "$(stat -c %u "$T/made")"
	stop gateway
	CACHE= inbound_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	calls <<-X
	two => wire=passed status=STIR_VERIFIED waited=true
	X
	expect "requests" 2 "$(hits /chain.pem)"
	expect "stored" 0 "$(verification .cache.stored)"
}

# The server changes its answer: what is good stays until it is over or forgotten.
test_changed_answer() {
	inbound_start
	local url=$WEB/turn1/chain.pem/garbage.pem
	echo nothing >"$T/www/garbage.pem"
	warm "$url"
	calls <<-X
	first x5u=$url => wire=passed status=STIR_VERIFIED ms<200
	X
	sipseal cert prefetch "$url" >/dev/null 2>&1 || :
	calls <<-X
	second x5u=$url => wire=passed status=STIR_VERIFIED ms<200
	X
	sipseal cert cache flush "$url" >/dev/null
	calls <<-X
	third x5u=$url => wire=passed status=STIR_FAILED reason=certificate_bad
	X
}

test_crl_file() {
	make_chains
	more_chains
	make_crl "$T/ca" "$T/sti/crl.pem" revoked
	CRL='{ path: crl.pem, policy: hard }' inbound_start
	calls <<-X
	revoked key=$T/keys/revoked.pem x5u=$WEB/revoked.pem => wire=passed status=STIR_FAILED reason=certificate_revoked
	spc key=$T/keys/spc.pem x5u=$WEB/spc.pem => wire=passed status=STIR_VERIFIED
	X
	expect "CRL" "hard null" "$(verification '.crl | "\(.policy) \(.error)"')"
	at_least "CRL, days left" 6 $((($(date -d "$(verification .crl.next_update)" +%s) - $(date +%s)) / 86400))
	# a new list: what was good is revoked, without a restart and without a fetch
	make_crl "$T/ca" "$T/sti/crl.pem" revoked spc
	sipseal cert reload >"$T/out" 2>&1 || { cat "$T/out"; fail "cert reload"; }
	calls <<-X
	spc2 key=$T/keys/spc.pem x5u=$WEB/spc.pem => wire=passed status=STIR_FAILED reason=certificate_revoked
	X
	expect "requests" 1 "$(hits /spc.pem)"
	# one that is damaged is refused, and the former one holds
	echo nonsense >"$T/sti/crl.pem"
	exits 5 sipseal cert reload
	sleep 1 # the signer asks for the same URL once per second
	calls <<-X
	spc3 key=$T/keys/spc.pem x5u=$WEB/spc.pem => wire=passed status=STIR_FAILED reason=certificate_revoked
	X
}

test_crl_url() {
	make_chains
	more_chains
	CRL="{ url: \"$WEB/crl.pem\", policy: hard }" inbound_start
	# there is none yet: hard means that nobody is believed
	calls <<-X
	none key=$T/keys/spc.pem x5u=$WEB/spc.pem => wire=passed status=STIR_FAILED reason=certificate_revoked
	X
	at_least "warnings of it" 1 "$(sipseal -j status | jq '[.warnings[] | select(.code == "crl_missing" and .level == "critical")] | length')"
	make_crl "$T/ca" "$T/www/crl.pem" revoked
	sipseal cert reload >"$T/out" 2>&1 || { cat "$T/out"; fail "cert reload"; }
	has_crl() { [ "$(verification .crl.at)" != null ]; }
	wait_for 10 has_crl || { sipseal -j status | jq .verification.crl; fail "the CRL is not fetched"; }
	sipseal cert cache flush >/dev/null
	sleep 1 # the signer asks for the same URL once per second
	calls <<-X
	spc key=$T/keys/spc.pem x5u=$WEB/spc.pem => wire=passed status=STIR_VERIFIED
	revoked key=$T/keys/revoked.pem x5u=$WEB/revoked.pem => wire=passed status=STIR_FAILED reason=certificate_revoked
	X
}

test_anchors_reload() {
	make_chains
	more_chains
	inbound_start
	calls <<-X
	spc key=$T/keys/spc.pem x5u=$WEB/spc.pem => wire=passed status=STIR_VERIFIED
	lab => wire=passed status=STIR_VERIFIED
	X
	mv "$T/sti/anchors/ca.pem" "$T/ca.away"
	sipseal cert reload >"$T/out" 2>&1 || { cat "$T/out"; fail "cert reload"; }
	calls <<-X
	spc2 key=$T/keys/spc.pem x5u=$WEB/spc.pem => wire=passed status=STIR_FAILED reason=certificate_untrusted
	lab2 => wire=passed status=STIR_VERIFIED ms<200
	X
	# none at all is refused whole
	mv "$T/sti/anchors/lab.pem" "$T/lab.away"
	exits 5 sipseal cert reload
	calls <<-X
	lab3 => wire=passed status=STIR_VERIFIED ms<200
	X
}

test_status() {
	inbound_start
	calls <<-X
	one iat=-20 => status=STIR_VERIFIED
	two iat=-20 => status=STIR_VERIFIED
	three iat=-20 => status=STIR_VERIFIED
	stale iat=-140 => status=STIR_FAILED
	bad1 x5u=$WEB/u/1 => status=STIR_FAILED
	bad2 x5u=$WEB/u/2 => status=STIR_FAILED
	bad3 x5u=https://$CARRIER4:8444/chain.pem => status=STIR_FAILED
	bad4 x5u=https://10.66.2.77:8443/x => status=STIR_FAILED
	* src=$STRICT4
	ahead iat=+8 => status=STIR_VERIFIED
	X
	sleep 2 # the last server has not answered by then
	sipseal -j status >"$T/status.json"
	local skew
	skew=$(verification '.clock_skew[] | select(.trunk == "acme") | .mean_ms')
	# a mean that moves: one call that is stale does not say much
	[ "$skew" -ge 21000 ] && [ "$skew" -le 60000 ] || fail "skew of acme: $skew ms"
	expect "the worst" "20000 140000" "$(verification '.clock_skew[] | select(.trunk == "acme") | "\(.min_ms - .min_ms % 1000) \(.max_ms - .max_ms % 1000)"')"
	skew=$(verification '.clock_skew[] | select(.trunk == "strict") | .mean_ms')
	[ "$skew" -ge -8000 ] && [ "$skew" -le -6000 ] || fail "skew of strict: $skew ms"
	expect "trunks" "2 0 0" "$(verification '.trunks | "\(.verifying) \(.off) \(.without_anchors)"')"
	expect "good" 1 "$(verification .cache.good)"
	expect "hits" 3 "$(verification .cache.hits)"
	expect "hit rate" true "$(verification '.cache.hit_rate > 0.2 and .cache.hit_rate < 0.7')"
	at_least "failures of the server" 3 "$(verification '[.hosts[] | select(.host == "'$CARRIER4'") | .failed] | add // 0')"
	at_least "failures of the other" 1 "$(verification '[.hosts[] | select(.host == "10.66.2.77") | .failed] | add // 0')"
	sipseal status >"$T/status.txt" || fail "status"
	grep -q "$CARRIER4" "$T/status.txt" || { cat "$T/status.txt"; fail "the server is not shown"; }
	sipseal trunk show acme >/dev/null || fail "trunk show"
}

# Without daemon, network and root: the same verdicts as on the wire.
test_explain() {
	make_chains
	local now
	now=$(date +%s)
	inbound_yaml >"$T/sipseal.yaml"
	one() { # NAME [KEY=VALUE...] of passport.py
		local name=$1
		shift
		python3 - "$T/$name.sip" "$name" "$@" <<-P
			import sys
			sys.path.insert(0, "$HERE")
			import incall
			keys = dict(a.split("=", 1) for a in sys.argv[3:])
			with open(sys.argv[1], "wb") as f:
			    f.write(incall.message(sys.argv[2], keys, {"key": "$T/sti/key.pem", "x5u": "$X5U"}))
		P
	}
	told() { # FILE [ARGUMENT...] -> what explain says
		local file=$1
		shift
		"$SIPSEAL" -j explain -c "$T/sipseal.yaml" --from $CARRIER4:5060 --to $CORE4:5060 "$@" "$T/$file.sip" |
			jq -r '"\(.direction) \(.trunk) \(.verdict) \(.reason) \(.attest)"'
	}
	one good iat=$now
	one bad iat=$now tamper=signature
	one none id=none
	expect "good" "inbound acme verify verified A" "$(told good --cert "$T/sti/chain.pem")"
	expect "stale" "inbound acme verify passport_stale A" "$(told good --cert "$T/sti/chain.pem" --at $((now + 100)))"
	expect "bad" "inbound acme verify signature_bad A" "$(told bad --cert "$T/sti/chain.pem")"
	expect "none" "inbound acme verify identity_missing null" "$(told none)"
	expect "not known" "inbound acme verify certificate_pending A" "$(told good)"
	expect "core to carrier of the same" "outbound" \
		"$("$SIPSEAL" -j explain -c "$T/sipseal.yaml" --from $CORE4:5060 --to $CARRIER4:5060 "$T/none.sip" | jq -r .direction)"
	# the cache on disk does as well; and its bytes are those of the wire
	inbound_start
	warm
	stop gateway
	expect "from the disk" "inbound acme verify verified A" "$(told good --at $now)"
	start_gateway "$T/sipseal.yaml"
	calls <<-X
	good file=$T/good.sip => wire=passed status=STIR_VERIFIED
	X
	"$SIPSEAL" explain -c "$T/sipseal.yaml" --cert "$T/sti/chain.pem" --from $CARRIER4:5060 --to $CORE4:5060 --output sip "$T/good.sip" >"$T/explained"
	cmp "$T/explained" "$T/good.out" || fail "explain and the wire differ"
}

run_tests "$@"

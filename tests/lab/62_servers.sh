#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Servers of certificates that are bad in every way: nobody else's call fails or waits for them.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

# good_calls NAME SECONDS RATE : calls with a certificate that is known, while something else happens; figures in
# $T/NAME.txt: sent, verified, waited_ms (the longest)
good_start() {
	bg "good$1" core python3 "$HERE/goodcalls.py" --prefix "$PREFIX" --key "$T/sti/key.pem" --x5u "$X5U" --seconds "$2" --rate "$3" \
		--prefixid "$1" --src 10.66.2.20
}
good_end() { # NAME LIMIT-MS
	wait_for 30 is_dead "$(pid_of "good$1")" || fail "good calls do not end"
	cat "$T/good$1.log"
	local sent verified
	sent=$(sed -n 's/^sent=\([0-9]*\) .*/\1/p' "$T/good$1.log")
	verified=$(sed -n 's/.* verified=\([0-9]*\) .*/\1/p' "$T/good$1.log")
	at_least "good calls" 50 "${sent:-0}"
	expect "good calls that were verified" "$sent" "$verified"
	local longest
	longest=$(sed -n 's/.* longest_ms=\([0-9]*\).*/\1/p' "$T/good$1.log")
	[ "$longest" -le "$2" ] || fail "a good call waited for $longest ms"
}

WAIT=300
begin() {
	in_ns carrier ip addr replace 10.66.2.20/24 dev carr0
	MORE_TRUNKS="  - { name: good, carrier: { peers: [\"10.66.2.20:5060\"] }, attestation: B, default_country_code: \"1\" }" \
		VERIFY="{ wait_ms: $WAIT }" STRICT="{ on_failure: reject, on_missing: reject, wait_ms: $WAIT }" inbound_start
	warm
}

# Each bad server, asked by a call of its own while good calls go on.  None of them is refused for the server's
# slowness, none waits for longer than wait_ms and what a busy machine takes.
test_bad_servers() {
	begin
	local slack=$((WAIT + 150)) p n=0
	good_start a 12 20
	{
		for p in hang drip big status302 status404 status500 headers close short html/text.pem u/1 slow1000/chain.pem; do
			n=$((n + 1))
			echo "b$n x5u=$WEB/$p => wire=passed status=STIR_FAILED ms<$slack"
			echo "c$n x5u=$WEB/$p => wire=passed status=STIR_FAILED ms<$slack"
		done
		for p in 8444 8445 8446 8449; do
			echo "p$p x5u=https://$CARRIER4:$p/chain.pem => wire=passed status=STIR_FAILED ms<$slack"
		done
		echo "none x5u=https://10.66.2.250:8443/chain.pem => wire=passed status=STIR_FAILED ms<$slack"
		# what is slow is not refused for it, where all else is
		echo "r1 src=$STRICT4 x5u=$WEB/hang => wire=passed status=STIR_FAILED ms<$slack"
		echo "r2 src=$STRICT4 x5u=$WEB/slow1000/chain.pem => wire=passed ms<$slack"
		echo "r3 src=$STRICT4 x5u=$WEB/u/1 => wire=refused code=436"
	} >"$T/bad.txt"
	calls --timeout 2 "$T/bad.txt"
	good_end a 200
	expect "redirects that were followed" 1 "$(hits /chain.pem)"
	stats
	expect "signer restarts" 0 "$(signer_value restarts)"
}

# A URL that nobody has seen in each INVITE.
test_unique_urls() {
	begin
	good_start a 8 20
	python3 "$HERE/goodcalls.py" --prefix "$PREFIX" --key "$T/sti/key.pem" --x5u "$WEB/u/%d.pem" --seconds 6 --rate 300 --prefixid u \
		--src $CARRIER4 >"$T/unique.log" || { cat "$T/unique.log"; fail "the flood"; }
	cat "$T/unique.log"
	good_end a 200
	local sent failed asked
	sent=$(sed -n 's/^sent=\([0-9]*\) .*/\1/p' "$T/unique.log")
	failed=$(sed -n 's/.* passed=\([0-9]*\) .*/\1/p' "$T/unique.log")
	at_least "INVITEs of the flood" 1000 "$sent"
	expect "INVITEs that left" "$sent" "$failed"
	# one connection for each would make the gateway the tool of an attack on that server
	asked=$(grep -c ' /u/' "$T/web.log")
	[ "$asked" -le 200 ] || fail "$asked requests for $sent INVITEs"
	at_least "requests" 5 "$asked"
	calls <<-X
	after => wire=passed status=STIR_VERIFIED
	X
	expect "requests for the good one" 1 "$(hits /chain.pem)"
}

# The server dies: what is known goes on.
test_server_dead() {
	begin
	stop server KILL
	calls <<-X
	known => wire=passed status=STIR_VERIFIED ms<200
	unknown x5u=$WEB/any/x => wire=passed status=STIR_FAILED ms<$((WAIT + 150))
	X
}

# Private addresses are not for strangers to reach, by number, by name, or by a name that changes its answer.
PUBLIC4=20.30.40.50
test_private_addresses() {
	make_chains
	in_ns carrier ip addr replace $PUBLIC4/32 dev carr0
	in_ns gw ip route replace $PUBLIC4/32 via $CARRIER4
	dns_start good.lab.example=$PUBLIC4 private.lab.example=$CARRIER4 loop.lab.example=127.0.0.1 cloud.lab.example=169.254.169.254 \
		six.lab.example=::1 own.lab.example=10.66.2.1 'turns.lab.example=10.66.2.2|127.0.0.1' hang.lab.example=none
	server_start
	PRIVATE=false VERIFY='{ wait_ms: 800 }' FETCH_MS=600 inbound_start
	calls --timeout 1.5 <<-X
	number x5u=$X5U => wire=passed status=STIR_FAILED reason=x5u_refused
	private x5u=https://private.lab.example:8443/chain.pem => wire=passed status=STIR_FAILED reason=x5u_refused
	loop x5u=https://loop.lab.example/chain.pem => wire=passed status=STIR_FAILED reason=x5u_refused
	cloud x5u=https://cloud.lab.example/latest => wire=passed status=STIR_FAILED reason=x5u_refused
	own x5u=https://own.lab.example:8443/chain.pem => wire=passed status=STIR_FAILED reason=x5u_refused
	turns x5u=https://turns.lab.example:8443/chain.pem => wire=passed status=STIR_FAILED reason=x5u_refused
	port x5u=https://good.lab.example:8444/chain.pem => wire=passed status=STIR_FAILED reason=x5u_refused
	nobody x5u=https://nobody.lab.example/chain.pem => wire=passed status=STIR_FAILED reason=certificate_unreachable
	hung x5u=https://hang.lab.example/chain.pem => wire=passed status=STIR_FAILED reason=certificate_*
	X
	expect "connections" 0 "$(hits -)"
	calls <<-X
	good x5u=https://good.lab.example:8443/chain.pem => wire=passed status=STIR_VERIFIED
	X
	expect "requests" 1 "$(hits /chain.pem)"
}

# The fetcher is killed: calls whose certificate is known do not notice, and the next one asks no server for it again.
test_fetcher_killed() {
	begin
	local old
	old=$(fetcher_pid)
	good_start a 5 20
	sleep 1
	kill -KILL "$old"
	calls <<-X
	gone => wire=passed status=STIR_VERIFIED ms<200
	X
	new_fetcher() { fetcher_is_up && [ "$(fetcher_pid)" != "$old" ]; }
	wait_for 10 new_fetcher || fail "no new fetcher"
	good_end a 200
	wait_for 5 is_known "$X5U" || fail "the new one does not know it"
	calls <<-X
	back => wire=passed status=STIR_VERIFIED ms<200
	new x5u=$WEB/any/new => wire=passed status=STIR_VERIFIED
	X
	expect "requests for it" 1 "$(hits /chain.pem)"
	expect "restarts" 1 "$(sipseal -j status | jq '[.. | objects | .restarts? // empty] | add')"
}

# A fetcher that cannot start stops no call; and when it can, it does.
test_fetcher_cannot_start() {
	make_chains
	server_start
	in_ns carrier ip addr replace $STRICT4/24 dev carr0
	HTTPS_CA=$T/later.pem inbound_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	warned() { sipseal -j status | jq -e 'any(.warnings[]; .code == "fetcher_down")' >/dev/null; }
	wait_for 5 warned || fail "no warning of it"
	calls <<-X
	tag => wire=passed status=STIR_FAILED reason=certificate_pending ms<600
	strict src=$STRICT4 => wire=passed status=STIR_FAILED reason=certificate_pending
	missing src=$STRICT4 id=none => wire=refused code=428
	X
	cp "$T/web/ca.pem" "$T/later.pem"
	is_up() { sipseal -j status | jq -e .verification.fetcher.up >/dev/null; }
	wait_for 15 is_up || fail "it does not come up"
	sleep 1.1 # the signer asks for the same URL once per second
	calls <<-X
	later => wire=passed status=STIR_VERIFIED
	X
	! warned || fail "the warning stays"
}

# The whole service starts anew, the server is away: the disk has it.
test_service_restarted() {
	begin
	stop server
	stop gateway
	start_gateway "$T/sipseal.yaml"
	calls <<-X
	first => wire=passed status=STIR_VERIFIED ms<200
	X
	expect "requests" 1 "$(hits /chain.pem)"
	# and a file that somebody changed is not believed
	stop gateway
	local f
	for f in "$T"/cache/*; do printf X | dd of="$f" bs=1 seek=600 conv=notrunc status=none; done
	start_gateway "$T/sipseal.yaml"
	calls <<-X
	second => wire=passed status=STIR_FAILED reason=certificate_*
	X
}

run_tests "$@"

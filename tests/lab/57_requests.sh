#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What no honest client asks of the control socket: it is refused, tells nothing, and the gateway goes on.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"

SECRET=fbb2c1e05d77
USER_ID=47001 GROUP_ID=47002 # nobody here has them

begin() {
	start_gateway
	capture_start carrier carrier carr0
	udp_sink $CARRIER4:5060
	send_invite first
	expect_seen first "signed 1"
	ls -lR "$T/trunks.d" "$T/sti" >"$T/files"
}

# The same process, nothing new on disk, and the next call is signed.
goes_on() {
	is_alive "$(pid_of gateway)" || fail "the gateway ended"
	ls -lR "$T/trunks.d" "$T/sti" | diff "$T/files" - || fail "files have changed"
	expect "trunks" '["acme"]' "$(sipseal -j trunk list | jq -c '[.trunks[].name]')"
	send_invite "last$RANDOM$RANDOM" # another one each time
	stats
	expect "signer restarts" 0 "$(signer_value restarts)"
	expect "frames lost" 0 "$(signer_value frames_lost)"
	at_least "signatures" 2 "$(signer_value signatures)"
	log_is_ours
}

log_is_ours() { # each line begins as ours do, and holds no control characters
	# of the configuration it says only before, by its place in the file
	sed '/event=ready/q' "$T/gateway.log" | grep -vaE '^/[^ ]*/sipseal.yaml:[0-9]+:[0-9]+: warning: ' >"$T/log" || :
	sed '1,/event=ready/d' "$T/gateway.log" >>"$T/log"
	! grep -vaE '^sipseal(d|-signer|-fetcher): (err|warning|notice|info|debug): event=[a-z_0-9]+( |$)' "$T/log" ||
		fail "such lines are not ours"
	! grep -aP '[^\x20-\x7e]' "$T/gateway.log" || fail "the log holds control characters"
	! grep -a 'event=forged' "$T/gateway.log" | grep -avE 'name=[^ ]*event' || fail "a line was forged"
	! grep -aE '^[^ ]* [^ ]* event=forged' "$T/gateway.log" || fail "a line was forged"
}

test_requests() {
	begin
	python3 "$HERE/rawhttp.py" cases "$T/control.sock" || exit 1
	goes_on
}

answers_within() { # MS : status, five times, while something else goes on
	local i start ms
	for i in 1 2 3 4 5; do
		start=$(date +%s%N)
		exits 0 sipseal status
		ms=$((($(date +%s%N) - start) / 1000000))
		echo "status $i: $ms ms"
		[ "$ms" -le "$1" ] || fail "status took $ms ms"
	done
}

is_ready() { grep -qs ready "$T/$1.log"; }

test_slow_body() {
	begin
	bg slow gw python3 "$HERE/rawhttp.py" slow "$T/control.sock"
	wait_for 5 is_ready slow || fail "slow: $(cat "$T/slow.log")"
	answers_within 1000
	wait_exit slow 14 || fail "slow: $(cat "$T/slow.log")"
	at_least "seconds until it was ended" 8 "$(sed -n 's/^ended after \([0-9]*\) s/\1/p' "$T/slow.log")"
	goes_on
}

test_half_open() {
	begin
	answers_within 1000
	bg half gw python3 "$HERE/rawhttp.py" half "$T/control.sock" 100
	wait_for 5 is_ready half || fail "half: $(cat "$T/half.log")"
	answers_within 1000
	goes_on
	stop half
	answers_within 1000
}

# ---- paths ----------------------------------------------------------------------------------------------
make_traps() {
	mkdir -p "$T/outside" "$T/sti/dir"
	cp "$T/sti/chain.pem" "$T/outside/cert.pem"
	cp "$T/sti/key.pem" "$T/outside/key.pem"
	echo "root:$SECRET:1" >"$T/outside/secret"
	printf '+13035550100\n%s\n' $SECRET >"$T/outside/numbers"
	cp "$T/outside/secret" "$T/outside/numbers" "$T/sti"
	chmod 600 "$T"/outside/* "$T/sti/secret" "$T/sti/numbers"
	install -m 640 "$T/sti/key.pem" "$T/sti/key640.pem"
	install -m 604 "$T/sti/key.pem" "$T/sti/key604.pem"
	install -o $USER_ID -m 600 "$T/sti/key.pem" "$T/sti/foreign.pem"
	ln -s ../outside/secret "$T/sti/link"
	ln -s "$T/outside/key.pem" "$T/sti/absolute"
	ln -s ../outside "$T/sti/door"
	ln -s loop "$T/sti/loop"
	ln -s /proc/self/environ "$T/sti/magic"
	ln -s /dev/zero "$T/sti/zero"
	mkfifo "$T/sti/fifo"
	mknod "$T/sti/device" c 1 5
	mknod "$T/sti/disk" b 7 0
	ls -lR "$T/trunks.d" "$T/sti" >"$T/files"
}

trap_body() { # KEY PATH
	case $1 in
	numbers_file) jq -nc --arg p "$2" '{numbers_file: $p}' ;;
	cert_path) jq -nc --arg p "$2" '{certificates: {cert_path: $p, key_path: "key.pem", x5u: "https://cert.example/a.pem"}}' ;;
	key_path) jq -nc --arg p "$2" '{certificates: {cert_path: "chain.pem", key_path: $p, x5u: "https://cert.example/a.pem"}}' ;;
	esac | jq -c --arg p "$CARRIER4:5063" '. + {name: "trap", carrier: {peers: [$p]}, attestation: "A"}'
}

refused_path() { # KEY PATH
	local start ms status
	start=$(date +%s%N)
	status=$(api POST /v1/trunks "$(trap_body "$1" "$2")")
	ms=$((($(date +%s%N) - start) / 1000000))
	case $status in
	422|403) ;;
	*) cat "$T/api.json"; echo; fail "$1 $2: status $status" ;;
	esac
	[ $ms -lt 2000 ] || fail "$1 $2: took $ms ms"
	grep -q "$1" "$T/api.json" || { cat "$T/api.json"; echo; fail "$1 $2: the key is not named"; }
	tells_nothing "$1 $2"
}

tells_nothing() { # WHAT
	! grep -aE "$SECRET|BEGIN|PRIVATE|root:" "$T/api.json" "$T/gateway.log" || fail "$1: an answer or the log quotes the file"
}

test_paths() {
	begin
	make_traps
	local key path
	for key in cert_path key_path numbers_file; do
		for path in ../outside/secret ../outside/cert.pem ../outside/key.pem dir/../../outside/secret "$T/outside/secret" \
			/etc/shadow /proc/self/environ /dev/zero link absolute door/secret door/key.pem loop magic zero fifo \
			device disk dir . ./ secret nosuch key.pem/more "$(printf 'a%.0s' {1..5000})" $'line\nevent=forged' $'\033[2J'; do
			refused_path $key "$path"
		done
	done
	for path in key640.pem key604.pem foreign.pem; do
		refused_path key_path $path
	done
	refused_path cert_path key.pem # holds a key
	refused_path key_path chain.pem
	refused_path numbers_file numbers
	expect "line that is wrong" 2 "$(jq '.error.errors[0].line' "$T/api.json")"
	goes_on
	# the same paths are good where they are as they should be: it is not all refused
	printf '+13035550100\n' >"$T/sti/numbers"
	expect "a good file" 201 "$(api POST /v1/trunks "$(trap_body numbers_file numbers)")"
	expect "its path" numbers "$(sipseal -j trunk export trap | jq -r .numbers_file)"
	expect "PATCH to a trap" 422 "$(api PATCH /v1/trunks/trap '{"numbers_file":"../outside/numbers"}')"
	expect "PATCH to a trap" 422 "$(api PATCH /v1/trunks/trap '{"certificates.cert_path":"chain.pem","certificates.key_path":"key640.pem"}')"
	expect "DELETE" 200 "$(api DELETE /v1/trunks/trap)"
	tells_nothing "PATCH"
}

# A file that was good when the trunk was added, and is something else when it is read again.
test_files_that_change() {
	begin
	make_traps
	cp "$T/sti/chain.pem" "$T/sti/own.pem"
	install -m 600 "$T/sti/key.pem" "$T/sti/own.key"
	exits 0 sipseal trunk add own "carrier.peers=$CARRIER4:5064" attestation=B pai.mode=off default_country_code=1 \
		certificates.cert_path=own.pem certificates.key_path=own.key certificates.x5u=https://cert.example/own.pem
	local trap_
	for trap_ in link fifo zero dir; do
		rm -rf "$T/sti/own.key"
		cp -a "$T/sti/$trap_" "$T/sti/own.key"
		expect "reload of $trap_" 422 "$(timeout 5 cat <(api POST /v1/certificates/reload))"
		tells_nothing "reload of $trap_"
	done
	rm -rf "$T/sti/own.key"
	invite_file "$T/own.sip" own
	send_files "$CORE4:5070" "$CARRIER4:5064" "$T/own.sip"
	expect_seen own "signed 1" # the key that was loaded
	exits 0 sipseal trunk remove own
	rm "$T/sti/own.pem"
	log_is_ours
}

# ---- who may --------------------------------------------------------------------------------------------
# start_with_group - a gateway that knows a group sipseal, whatever this machine has
start_with_group() {
	cp /etc/group "$T/group"
	sed -i '/^sipseal:/d' "$T/group"
	echo "sipseal:x:$GROUP_ID:" >>"$T/group"
	chmod 711 "$T"
	make_certs "$T/sti"
	gateway_yaml >"$T/sipseal.yaml"
	# shellcheck disable=SC2016
	gateway_start "$T/sipseal.yaml" unshare --mount sh -c 'mount --bind "$0" /etc/group && exec "$@"' "$T/group"
	wait_for 10 gateway_is_ready || fail "gateway did not get ready within 10 s"
	is_alive "$(pid_of gateway)" || { cat "$T/gateway.log"; fail "gateway ended at start"; }
}

as() { # UID GID COMMAND...
	setpriv --reuid="$1" --regid="$2" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all -- "${@:3}"
}

curl_as() { # UID GID ARGUMENT... : the HTTP status, 000 where nobody answers
	as "$1" "$2" curl -sg --max-time 5 --unix-socket "$T/control.sock" -w '\n%{http_code}\n' "${@:3}" >"$T/as" 2>&1 || :
	tail -n 1 "$T/as"
}

test_who_may_connect() {
	start_with_group
	capture_start carrier carrier carr0
	udp_sink $CARRIER4:5060 $CARRIER4:5065
	expect "mode and group of the socket" "660 0 $GROUP_ID" "$(stat -c '%a %u %g' "$T/control.sock")"
	expect "another user" 000 "$(curl_as $USER_ID $USER_ID http://localhost/v1/status)"
	install -m 755 "$SIPSEAL" "$T/sipseal"
	exits 3 as $USER_ID $USER_ID "$T/sipseal" -s "$T/control.sock" status
	grep -q 'permission denied' "$T/err" || fail "the CLI does not say why: $(cat "$T/err")"
	expect "nobody" 000 "$(curl_as 65534 65534 http://localhost/v1/status)"
	expect "a member" 200 "$(curl_as $USER_ID $GROUP_ID http://localhost/v1/status)"
	expect "a change" 201 "$(curl_as $USER_ID $GROUP_ID http://localhost/v1/trunks -d \
		"{\"name\":\"member\",\"carrier\":{\"peers\":[\"$CARRIER4:5065\"]},\"attestation\":\"B\",\"pai.mode\":\"off\"}")"
	grep -q "event=change what=trunk_add name=member uid=$USER_ID pid=[0-9]* generation=[0-9]* result=ok" "$T/gateway.log" ||
		fail "the uid is not in the log"
	expect "owner of the file" 0 "$(stat -c %u "$T/trunks.d/member.yaml")"
	expect "another trunk" 404 "$(curl_as $USER_ID $GROUP_ID -X DELETE 'http://localhost/v1/trunks/a%20uid=0%0aevent=forged')"
	grep -q "name=a.x20uid.x3d0.x0aevent.x3dforged uid=$USER_ID " "$T/gateway.log" || fail "a name is not escaped in the log"
	log_is_ours
}

# What a member could not read or use himself, the gateway does not read or use for him.
test_a_member_gets_no_more_than_he_has() {
	start_with_group
	local status body path
	install -d -m 750 "$T/sti/tenant"
	install -m 600 "$T/sti/key.pem" "$T/sti/tenant/key.pem"
	install -m 644 "$T/sti/chain.pem" "$T/sti/tenant/chain.pem"
	printf '+1303555%s\n' 0100 0101 >"$T/sti/tenant/numbers"
	install -m 600 "$T/sti/tenant/numbers" "$T/sti/numbers"
	ln -s tenant/numbers "$T/sti/link"
	chmod 755 "$T/sti"
	for path in tenant/numbers numbers link; do
		body="{\"name\":\"m\",\"carrier\":{\"peers\":[\"192.0.2.1:5060\"]},\"attestation\":\"A\",\"numbers_file\":\"$path\"}"
		expect "numbers_file $path" 403 "$(curl_as $USER_ID $GROUP_ID http://localhost/v1/trunks -d "$body")"
		! grep -q 1303555 "$T/as" || fail "numbers are shown"
	done
	body='{"name":"m","carrier":{"peers":["192.0.2.1:5060"]},"attestation":"A","certificates":{"cert_path":"tenant/chain.pem",'
	body+='"key_path":"tenant/key.pem","x5u":"https://cert.example/t.pem"}}'
	expect "a key behind a closed directory" 403 "$(curl_as $USER_ID $GROUP_ID http://localhost/v1/trunks -d "$body")"
	grep -q '"code":"forbidden"' "$T/as" || fail "$(cat "$T/as")"
	expect "root" 201 "$(api POST /v1/trunks "$body")"
	expect "change of a trunk with a foreign key" 403 "$(curl_as $USER_ID $GROUP_ID -X PATCH http://localhost/v1/trunks/m -d '{"carrier.peers":["192.0.2.2:5060"]}')"
	expect "removal of a trunk with a foreign key" 403 "$(curl_as $USER_ID $GROUP_ID -X DELETE http://localhost/v1/trunks/m)"
	chgrp $GROUP_ID "$T/sti/tenant" # now it is his
	expect "change by a tenant" 200 "$(curl_as $USER_ID $GROUP_ID -X PATCH http://localhost/v1/trunks/m -d '{"carrier.peers":["192.0.2.2:5060"]}')"
	log_is_ours
}

run_tests "$@"

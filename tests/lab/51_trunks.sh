#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Trunks, defaults and switches change on a running gateway: by the command line, by curl, by files.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"

MARK=$(sed -n 's/^#define STORE_MARK "\(.*\)\\n"$/\1/p' "$TOP/user/config/store.h")
DIR=trunks.d

# begin - a gateway without trunks, and everything that a port of the carrier receives.  What comes by standard
# input goes to the end of the configuration.
begin() {
	make_certs "$T/sti"
	{ gateway_yaml | sed '/^trunks:/,$d'; cat; } >"$T/sipseal.yaml" </dev/stdin
	start_gateway "$T/sipseal.yaml"
	capture_start carrier carrier carr0
	udp_sink "$CARRIER4":506{0..9}
}

restart() {
	stop gateway
	start_gateway "$T/sipseal.yaml"
}

add() { # NAME PORT ATTESTATION [KEY=VALUE...] : a trunk at a port of the carrier
	local name=$1 port=$2 attestation=$3
	shift 3
	exits 0 sipseal trunk add "$name" "carrier.peers=$CARRIER4:$port" "attestation=$attestation" \
		numbers=+1800555* default_country_code=1 pai.mode=off "$@"
}

body() { # NAME PORT ATTESTATION : the same for curl
	printf '{"name":"%s","carrier":{"peers":["%s:%s"]},"attestation":"%s","numbers":["+1800555*"],' "$1" "$CARRIER4" "$2" "$3"
	printf '"default_country_code":1,"pai.mode":"off"}\n'
}

hand() { # NAME PORT ATTESTATION : a file as an operator would write it
	printf '# by hand\nname: %s\ncarrier: { peers: ["%s:%s"] }\nattestation: %s\nnumbers: ["+1800555*"]\npai: { mode: off }\n' \
		"$1" "$CARRIER4" "$2" "$3" >"$T/$DIR/$1.yaml"
}

invite() { # CALL-ID PORT [REQUEST-URI]
	invite_file "$T/$1.sip" "$1" "${@:3}"
	send_files "$CORE4:5070" "$CARRIER4:$2" "$T/$1.sip"
}

claim_is() { [ "$(seen "$1" "$2")" = "$3" ]; }

expect_claim() { # CALL-ID KEY WANTED
	wait_for 2 claim_is "$@" || fail "$1 at the carrier: $2 is '$(seen "$1" "$2")', expected '$3'"
}

expect_same_bytes() { # CALL-ID
	wait_for 2 is_seen "$1" "unsigned 1" || fail "$1 at the carrier: $(seen "$1"), expected unsigned 1"
	seen "$1" raw | cmp - "$T/$1.sip" || fail "$1 has changed on its way"
}

signs() { # CALL-ID PORT ATTESTATION : the next INVITE, at once
	invite "$1" "$2"
	expect_claim "$1" attest "$3"
}

generation() { sipseal -j status | jq .generation; }
trunk_file() { echo "$T/$DIR/$1.yaml"; }
id_of() { stat -c '%i %Y %Z %s' "$1"; } # a file that was written has other ones

# show - a trunk without what differs between two of them
show() { sipseal -j trunk show "$1" | jq -S 'del(.name, .carrier, .origid, .state.slot, .state.file, .state.credential.expires_in_s)'; }

reload() { exits "${1:-0}" sipseal -j config reload; }
diff_of() { jq -Sc '{added, removed, changed, gateway}' "$T/out"; }

# ---- add, set, show, list, remove, export ---------------------------------------------------------------
same_answers() { # of the two ways to read
	sipseal -j trunk show "$1" | jq -S 'del(.state.credential.expires_in_s)' >"$T/a"
	expect "GET of $1" 200 "$(api GET "/v1/trunks/$1")"
	jq -S 'del(.state.credential.expires_in_s)' "$T/api.json" | diff "$T/a" - || fail "trunk show $1 and curl differ"
	sipseal -j trunk list | jq -S . >"$T/a"
	expect "GET of all" 200 "$(api GET /v1/trunks)"
	jq -S . "$T/api.json" | diff "$T/a" - || fail "trunk list and curl differ"
	sipseal -j trunk export "$1" | jq -S . >"$T/a"
	expect "export of $1" 200 "$(api GET "/v1/trunks/$1?export=1")"
	jq -S . "$T/api.json" | diff "$T/a" - || fail "trunk export $1 and curl differ"
}

same_trunks() { # of the two ways to change
	same_answers one
	same_answers two
	diff <(show one) <(show two) || fail "one and two differ"
	diff <(sed 's/one/X/; s/:5061/:P/' "$(trunk_file one)") <(sed 's/two/X/; s/:5062/:P/' "$(trunk_file two)") ||
		fail "the files of one and two differ"
}

answers() { # what add, set and remove say by -j, and what curl got
	diff <(jq -S 'keys' "$T/out") <(jq -S 'keys' "$T/api.json") || fail "the answers differ"
	at_least "generation of the second" $(($(jq .generation "$T/out") + 1)) "$(jq .generation "$T/api.json")"
}

test_cli_and_curl_agree() {
	begin </dev/null
	exits 0 sipseal -j trunk add one "carrier.peers=$CARRIER4:5061" attestation=A numbers=+1800555* \
		default_country_code=1 pai.mode=off
	expect "POST" 201 "$(api POST /v1/trunks "$(body two 5062 A)")"
	answers
	same_trunks
	expect "first line of the file" "$MARK" "$(head -n 1 "$(trunk_file one)")"
	expect "mode of the file" 640 "$(stat -c %a "$(trunk_file one)")"
	signs one-1 5061 A
	signs two-1 5062 A
	exits 0 sipseal -j trunk set one attestation=B pai.mode=set pai.domain=example.net 'numbers=["+1800555*","+13035550100"]'
	expect "PATCH" 200 "$(api PATCH /v1/trunks/two \
		'{"attestation":"B","pai":{"mode":"set","domain":"example.net"},"numbers":["+1800555*","+13035550100"]}')"
	answers
	same_trunks
	signs one-2 5061 B
	signs two-2 5062 B
	exits 0 sipseal -j trunk set one --unset default_country_code --unset pai.domain pai.mode=off
	expect "PATCH to null" 200 "$(api PATCH /v1/trunks/two '{"default_country_code":null,"pai":{"domain":null,"mode":"off"}}')"
	answers
	same_trunks
	expect "a key that was taken back" null "$(sipseal -j trunk export one | jq .default_country_code)"
	exits 0 sipseal -j trunk remove one
	expect "DELETE" 200 "$(api DELETE /v1/trunks/two)"
	answers
	expect "trunks left" 0 "$(sipseal -j trunk list | jq '.trunks | length')"
	expect "files left" "" "$(find "$T/$DIR" -mindepth 1)"
	invite gone-1 5061
	invite gone-2 5062
	expect_seen gone-1 "unsigned 1"
	expect_seen gone-2 "unsigned 1"
}

test_live_when_the_call_returns() {
	begin </dev/null
	local i
	for i in $(seq 5); do
		add fast 5061 A
		invite "a$i" 5061
		exits 0 sipseal trunk set fast attestation=C
		invite "c$i" 5061
		exits 0 sipseal trunk remove fast
		invite "u$i" 5061
	done
	expect_seen u5 "unsigned 1"
	for i in $(seq 5); do
		expect_claim "a$i" attest A
		expect_claim "c$i" attest C
		expect_seen "u$i" "unsigned 1"
	done
}

test_restart_and_export() {
	begin </dev/null
	add kept 5061 A 'number_rules=[{"prefix":"00","replace":"+"}]' max_cps=500
	show kept >"$T/before"
	local origid
	origid=$(sipseal -j trunk show kept | jq -r .origid)
	signs kept-1 5061 A
	expect_claim kept-1 origid "$origid"
	cp "$(trunk_file kept)" "$T/kept.file"
	restart
	show kept | jq 'del(.state)' | diff <(jq 'del(.state)' "$T/before") - || fail "the trunk is another one after a restart"
	signs kept-2 5061 A
	expect_claim kept-2 origid "$origid"
	for form in yaml json; do
		if [ $form = json ]; then exits 0 sipseal -j trunk export kept; else exits 0 sipseal trunk export kept; fi
		mv "$T/out" "$T/kept.$form"
		exits 0 sipseal trunk remove kept
		exits 0 sipseal trunk add -f "$T/kept.$form"
		cmp "$T/kept.file" "$(trunk_file kept)" || fail "added again from $form, the file is another one"
		signs "kept-$form" 5061 A
	done
	# a trunk file is such an export, too
	exits 0 sipseal trunk remove kept
	exits 0 sipseal trunk add -f "$T/kept.file"
	cmp "$T/kept.file" "$(trunk_file kept)" || fail "added again from its file, that is another one"
}

# ---- what is refused ------------------------------------------------------------------------------------
unchanged() { # NAME : since the last call of remember
	expect "file of $1" "$(cat "$T/file.id")" "$(id_of "$(trunk_file "$1")")"
	expect "generation" "$(cat "$T/generation")" "$(generation)"
	show "$1" | diff "$T/shown" - || fail "$1 has changed"
}

remember() { # NAME
	id_of "$(trunk_file "$1")" >"$T/file.id"
	generation >"$T/generation"
	show "$1" >"$T/shown"
}

names() { # FILE WORD... : each of them stands there
	local file=$1 word
	shift
	for word; do grep -qF -e "$word" "$file" || { cat "$file"; fail "'$word' is not said"; }; done
}

error_is() { # STATUS CODE METHOD PATH [JSON]
	local status=$1 code=$2
	shift 2
	expect "status of $1 $2" "$status" "$(api "$@")"
	expect "code of $1 $2" "$code" "$(jq -r .error.code "$T/api.json")"
	[ "$(jq -r '.error.message | length' "$T/api.json")" -gt 5 ] || fail "no message"
}

test_refused_as_a_whole() {
	begin </dev/null
	add good 5061 A
	remember good
	exits 5 sipseal trunk set good attestation=Z mode=watch max_cps=many pai.mode=keep carrier.peers=nowhere colour=red
	names "$T/err" attestation mode max_cps 'carrier.peers' colour 'A, B, C' 'enforce, observe'
	unchanged good
	error_is 422 invalid PATCH /v1/trunks/good '{"attestation":"Z","mode":"watch","max_cps":-1,"pai":{"mode":"keep"},"colour":"red"}'
	expect "keys that are wrong" '["attestation","colour","max_cps","mode"]' "$(jq -c '[.error.errors[].key] | sort' "$T/api.json")"
	expect "entries without what is wrong" 0 "$(jq '[.error.errors[] | select((.message | length) < 5)] | length' "$T/api.json")"
	expect "entries that say what is allowed" 4 "$(jq '[.error.errors[] | select(.allowed)] | length' "$T/api.json")"
	unchanged good
	exits 5 sipseal trunk set good name=better
	names "$T/err" name
	exits 5 sipseal trunk set good extras.attestation=B
	unchanged good
	exits 5 sipseal trunk add bad "carrier.peers=$CARRIER4:5062"
	names "$T/err" attestation
	exits 5 sipseal trunk add '../bad' "carrier.peers=$CARRIER4:5062" attestation=A
	exits 5 sipseal trunk add good "carrier.peers=$CARRIER4:5062" attestation=A
	names "$T/err" good "$(trunk_file good)"
	error_is 409 exists POST /v1/trunks "$(body good 5062 A)"
	error_is 422 invalid POST /v1/trunks '{"name":"bad"}'
	error_is 422 invalid POST /v1/trunks
	expect "trunks" '["good"]' "$(sipseal -j trunk list | jq -c '[.trunks[].name]')"
	expect "files" "good.yaml" "$(ls -A "$T/$DIR")"
	unchanged good
	for word in "show nosuch" "set nosuch mode=observe" "remove nosuch" "export nosuch"; do
		# shellcheck disable=SC2086
		exits 4 sipseal trunk $word
		names "$T/err" nosuch
	done
	error_is 404 no_such_trunk GET /v1/trunks/nosuch
	error_is 404 no_such_trunk PATCH /v1/trunks/nosuch '{"mode":"observe"}'
	error_is 404 no_such_trunk DELETE /v1/trunks/nosuch
	signs still 5061 A
}

test_overlap() {
	begin </dev/null
	add first 5061 A
	exits 5 sipseal trunk add second "carrier.peers=$CARRIER4:5061" attestation=B
	names "$T/err" first second core.peers
	error_is 409 overlap POST /v1/trunks "$(body second 5061 B)"
	jq -r .error.message "$T/api.json" >"$T/err"
	jq -r '.error.errors[].message' "$T/api.json" >>"$T/err"
	names "$T/err" first second
	[ ! -e "$(trunk_file second)" ] || fail "the file of a refused trunk is there"
	add second 5062 B
	remember second
	exits 5 sipseal trunk set second "carrier.peers=[\"$CARRIER4:5061\"]"
	names "$T/err" first second
	unchanged second
	# another customer of the same carrier
	exits 0 sipseal trunk set second "carrier.peers=[\"$CARRIER4:5061\"]" core.peers=10.66.1.0/24
	signs cust 5061 B
	exits 5 sipseal trunk add third "carrier.peers=$CARRIER4:5061" core.peers=10.66.1.0/24 attestation=C
	names "$T/err" second third
}

# ---- files of an operator -------------------------------------------------------------------------------
hands_off() { # NAME FILE : neither set nor remove touches it
	local id
	id=$(id_of "$2")
	exits 5 sipseal trunk set "$1" attestation=C
	names "$T/err" "$2"
	exits 5 sipseal trunk remove "$1"
	names "$T/err" "$2"
	error_is 409 hand_written PATCH "/v1/trunks/$1" '{"attestation":"C"}'
	names "$T/api.json" "$2"
	error_is 409 hand_written DELETE "/v1/trunks/$1"
	names "$T/api.json" "$2"
	expect "the file" "$id" "$(id_of "$2")"
}

test_hand_written() {
	mkdir -p "$T/$DIR"
	hand byhand 5061 B
	begin <<-X
	trunks:
	  - { name: inmain, carrier: { peers: ["$CARRIER4:5062"] }, attestation: C }
	X
	hands_off byhand "$(trunk_file byhand)"
	hands_off inmain "$T/sipseal.yaml"
	signs byhand 5061 B
	signs inmain 5062 C
	# one that nobody has loaded yet
	hand later 5063 B
	error_is 409 hand_written POST /v1/trunks "$(body later 5063 A)"
	names "$T/api.json" "$(trunk_file later)"
	expect "its first line" "# by hand" "$(head -n 1 "$(trunk_file later)")"
	exits 0 sipseal trunk export byhand # reading is free
	same_answers byhand
}

test_taken_over_by_hand() {
	begin </dev/null
	add mine 5061 A
	sed -i 1d "$(trunk_file mine)"
	hands_off mine "$(trunk_file mine)"
	signs mine-1 5061 A
	reload
	expect "difference" '{"added":[],"changed":[{"keys":[{"from":true,"key":"managed","to":false}],"name":"mine"}],"gateway":[],"removed":[]}' "$(diff_of)"
	expect "managed" false "$(sipseal -j trunk show mine | jq .state.managed)"
	hands_off mine "$(trunk_file mine)"
	sed -i 's/^attestation: .*/attestation: B/' "$(trunk_file mine)"
	reload
	signs mine-2 5061 B
	# and back: what has the line is ours
	sed -i "1i $MARK" "$(trunk_file mine)"
	reload
	exits 0 sipseal trunk set mine attestation=C
	signs mine-3 5061 C
}

test_changed_on_disk() {
	begin </dev/null
	add one 5061 A
	sed -i 's/^attestation: .*/attestation: B/' "$(trunk_file one)"
	remember one
	exits 5 sipseal trunk set one mode=observe
	names "$T/err" changed_on_disk "$(trunk_file one)" reload
	error_is 409 changed_on_disk PATCH /v1/trunks/one '{"mode":"observe"}'
	unchanged one
	signs before 5061 A
	reload
	signs after 5061 B
	exits 0 sipseal trunk set one attestation=C
	signs later 5061 C
	rm "$(trunk_file one)"
	exits 5 sipseal trunk set one mode=observe
	names "$T/err" changed_on_disk
	signs gone 5061 C
	exits 0 sipseal trunk remove one # the end that both want
	expect_seen gone "signed 1"
	reload
	expect "difference" '{"added":[],"changed":[],"gateway":[],"removed":[]}' "$(diff_of)"
}

# ---- reload ---------------------------------------------------------------------------------------------
test_reload_shows_what_it_does() {
	mkdir -p "$T/$DIR"
	hand goes 5063 B
	begin </dev/null
	add ours 5061 A
	add same 5064 A
	hand comes 5062 C
	rm "$(trunk_file goes)"
	sed -i 's/^attestation: .*/attestation: B/; s/^mode: .*//; $a mode: observe' "$(trunk_file ours)"
	sed -i 's/on_signer_failure: drop/on_signer_failure: pass/' "$T/sipseal.yaml"
	local generation want
	generation=$(generation)
	want='{"added":["comes"],"changed":[{"keys":[{"from":"enforce","key":"mode","to":"observe"},'
	want+='{"from":"A","key":"attestation","to":"B"}],"name":"ours"}],'
	want+='"gateway":[{"from":"drop","key":"gateway.on_signer_failure","to":"pass"}],"removed":["goes"]}'
	want=$(jq -Sc '.changed[].keys |= sort_by(.key)' <<<"$want")
	sorted() { jq -Sc '{added, removed, changed, gateway} | .changed[].keys |= sort_by(.key)' "$1"; }
	exits 0 sipseal -j config reload --dry-run
	expect "difference of the dry run" "$want" "$(sorted "$T/out")"
	expect "applied" false "$(jq .applied "$T/out")"
	expect "dry run by curl" 200 "$(api POST /v1/config/reload '{"dry_run":true}')"
	expect "difference by curl" "$want" "$(sorted "$T/api.json")"
	exits 0 sipseal config reload --dry-run
	names "$T/out" '+ trunk comes' '- trunk goes' '~ trunk ours' 'mode: "enforce" -> "observe"' 'attestation: "A" -> "B"' \
		'gateway.on_signer_failure: "drop" -> "pass"' 'nothing was applied'
	! grep -q 'trunk same' "$T/out" || fail "a trunk is shown that has not changed"
	expect "generation" "$generation" "$(generation)"
	signs dry-ours 5061 A
	signs dry-goes 5063 B
	invite dry-comes 5062
	expect_seen dry-comes "unsigned 1"
	reload
	expect "difference" "$want" "$(sorted "$T/out")"
	expect "applied" true "$(jq .applied "$T/out")"
	expect "generation" $((generation + 1)) "$(generation)"
	expect "on_signer_failure" pass "$(sipseal -j status | jq -r .on_signer_failure)"
	invite ours 5061
	expect_same_bytes ours
	signs comes 5062 C
	signs same 5064 A
	invite goes 5063
	expect_seen goes "unsigned 1"
	exits 0 sipseal config reload
	names "$T/out" 'nothing differs'
	kill -STOP "$(signer_pid)" # on_signer_failure is what it says
	sleep 0.7
	invite stopped 5064
	expect_same_bytes stopped
	kill -CONT "$(signer_pid)"
}

test_restart_only() {
	sums_are_not_kept "XDP is generic for a while, and the kernel counts that elsewhere"
	begin </dev/null
	add one 5061 A
	sed -i 's/umem_frames: .*/umem_frames: 2048/; s/heartbeat_ms: .*/heartbeat_ms: 700/; s/xdp_mode: .*/xdp_mode: generic/' "$T/sipseal.yaml"
	hand two 5062 B
	local way
	for way in "" --dry-run; do
		# shellcheck disable=SC2086
		exits 5 sipseal config reload $way
		names "$T/err" restart_required gateway.umem_frames gateway.xdp_mode
		! grep -q heartbeat_ms "$T/err" || fail "heartbeat_ms needs no restart"
	done
	error_is 409 restart_required POST /v1/config/reload
	expect "keys" '["gateway.umem_frames","gateway.xdp_mode"]' "$(jq -c '[.error.errors[].key] | sort' "$T/api.json")"
	invite two 5062
	expect_seen two "unsigned 1" # nothing was applied
	signs one 5061 A
	restart
	signs two-then 5062 B
	expect "xdp mode" generic "$(sipseal -j status | jq -r '.interfaces[0].xdp')"
}

bad() { # WORD... : the reload is refused with them, and nothing has happened
	reload 5
	names "$T/err" "$@"
	expect "generation" "$(cat "$T/generation")" "$(generation)"
	expect "trunks" '["good"]' "$(sipseal -j trunk list | jq -c '[.trunks[].name]')"
	is_alive "$(pid_of gateway)" || fail "the gateway ended"
}

test_bad_configuration() {
	begin </dev/null
	add good 5061 A
	generation >"$T/generation"
	cp "$T/sipseal.yaml" "$T/sipseal.good"
	hand new 5062 B # good by itself
	printf 'name: broken\ncarrier: [\n' >"$T/$DIR/broken.yaml"
	bad "$T/$DIR/broken.yaml"
	expect "a line is named" true "$(api POST /v1/config/reload >/dev/null; jq '[.error.errors[] | select(.line > 0)] | length > 0' "$T/api.json")"
	printf 'name: broken\nattestation: Q\ncolour: red\n' >"$T/$DIR/broken.yaml"
	bad "$T/$DIR/broken.yaml:2:14: attestation: " colour carrier
	rm "$T/$DIR/broken.yaml"
	hand clash 5061 B
	bad good clash
	rm "$T/$DIR/clash.yaml"
	sed -i 's/on_signer_failure: drop/on_signer_failure: maybe/' "$T/sipseal.yaml"
	bad on_signer_failure maybe 'allowed: pass, drop'
	rm "$T/sipseal.yaml"
	bad sipseal.yaml
	cp "$T/sipseal.good" "$T/sipseal.yaml"
	mv "$T/sti/key.pem" "$T/sti/key.away"
	bad key.pem
	openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt >"$T/sti/key.pem" 2>/dev/null
	chmod 600 "$T/sti/key.pem"
	bad key
	signs good-1 5061 A
	mv "$T/sti/key.away" "$T/sti/key.pem"
	reload
	signs new-1 5062 B
	signs good-2 5061 A
}

logged() { grep -q "$1" "$T/gateway.log"; }

test_sighup() {
	begin </dev/null
	add one 5061 A
	sed -i 's/^attestation: .*/attestation: B/' "$(trunk_file one)"
	hand two 5062 C
	kill -HUP "$(pid_of gateway)"
	wait_for 3 logged 'event=reload result=' || fail "nothing is logged"
	signs one-1 5061 B
	signs two-1 5062 C
	sed -i 's/^attestation: .*/attestation: Q/' "$(trunk_file one)"
	rm "$(trunk_file two)"
	kill -HUP "$(pid_of gateway)"
	wait_for 3 logged 'event=reload_refused' || fail "the refusal is not logged"
	logged "one.yaml:[0-9]*:[0-9]*: attestation" || fail "the log does not say what is wrong"
	signs one-2 5061 B
	signs two-2 5062 C
}

# ---- switched live --------------------------------------------------------------------------------------
test_defaults_and_extras() {
	begin <<-X
	defaults: { attestation: B, pai: { mode: off }, origid: shared }
	X
	exits 0 sipseal trunk add plain "carrier.peers=$CARRIER4:5061"
	exits 0 sipseal trunk add own "carrier.peers=$CARRIER4:5062" attestation=C origid=own
	exits 0 sipseal trunk add extra "carrier.peers=$CARRIER4:5063" extras.attestation=A
	signs plain-1 5061 B
	expect_claim plain-1 origid shared
	signs own-1 5062 C
	expect_claim own-1 origid own
	signs extra-1 5063 A
	expect "what the trunk itself says" '{"name":"plain","carrier":{"peers":["'"$CARRIER4"':5061"]}}' "$(sipseal -j trunk export plain | jq -c .)"
	sed -i 's/^defaults: .*/defaults: { attestation: C, pai: { mode: off }, origid: other }/' "$T/sipseal.yaml"
	reload
	expect "trunks that change" '["extra","plain"]' "$(jq -c '[.changed[] | select(.keys | length > 0) | .name]' "$T/out")"
	signs plain-2 5061 C
	expect_claim plain-2 origid other
	signs own-2 5062 C
	expect_claim own-2 origid own
	signs extra-2 5063 A
	exits 0 sipseal trunk set plain extras.attestation=A
	signs plain-3 5061 A
	exits 0 sipseal trunk set plain --unset extras.attestation
	signs plain-4 5061 C
}

test_numbers_file() {
	begin </dev/null
	mkdir "$T/sti/lists"
	printf '+1800555*\n' >"$T/sti/lists/acme"
	exits 0 sipseal trunk add acme "carrier.peers=$CARRIER4:5061" attestation=A pai.mode=off attestation_other=C numbers_file=lists/acme
	signs inside 5061 A
	printf '# sold\n+13035550100-+13035550199\n' >"$T/sti/lists/acme"
	signs not-yet 5061 A
	exits 5 sipseal trunk set acme attestation_other=B
	names "$T/err" changed_on_disk
	exits 0 sipseal -j config reload --dry-run
	expect "trunk that changes" '["acme"]' "$(jq -c '[.changed[].name]' "$T/out")"
	signs not-by-dry-run 5061 A
	reload
	signs outside 5061 C
	exits 0 sipseal trunk set acme attestation_other=B
	signs other 5061 B
	printf '+1800555*\nrubbish\n' >"$T/sti/lists/acme"
	reload 5
	names "$T/err" lists/acme
	signs still 5061 B
	exits 0 sipseal -j trunk show acme
	expect "numbers" 1 "$(jq .state.numbers_count "$T/out")"
}

test_mode() {
	begin </dev/null
	local i
	add acme 5061 A
	add other 5062 B
	for i in 1 2; do
		signs "on$i" 5061 A
		exits 0 sipseal trunk set acme mode=observe
		invite "off$i" 5061
		expect_same_bytes "off$i"
		signs "other$i" 5062 B
		exits 0 sipseal trunk set acme mode=enforce
	done
	exits 0 sipseal -j trunk show acme
	expect "observed" 2 "$(jq .state.calls.observed "$T/out")"
	signs last 5061 A
}

burst() { # PREFIX PORT COUNT : INVITEs at once
	local i files=()
	for i in $(seq "$3"); do
		invite_file "$T/$1$i.sip" "$1$i"
		files+=("$T/$1$i.sip")
	done
	send_files "$CORE4:5070" "$CARRIER4:$2" --gap 1 "${files[@]}"
}

arrived() { seen "$1" count; } # PREFIX

test_max_cps() {
	begin </dev/null
	local n
	add slow 5061 A
	add free 5062 B
	burst before 5061 20
	exits 0 sipseal trunk set slow max_cps=3
	burst slow 5061 20
	invite emergency 5061 "sip:911@$CARRIER4"
	burst free 5062 20
	expect_seen free20 "signed 1"
	[ "$(seen emergency)" != absent ] || fail "an emergency call was limited"
	expect "INVITEs before the limit" 20 "$(arrived before)"
	n=$(arrived slow)
	echo "$n of 20 within the limit"
	at_least "INVITEs within the limit" 3 "$n"
	at_least "INVITEs beyond it" 14 $((20 - n))
	expect "INVITEs of the other trunk" 20 "$(arrived free)"
	stats
	expect "rate_limited" $((20 - n)) "$(xdp_count rate_limited)"
	exits 0 sipseal trunk set slow --unset max_cps
	burst after 5061 20
	expect_seen after20 "signed 1"
	expect "INVITEs without the limit" 20 "$(arrived after)"
	stats
	expect "rate_limited then" $((20 - n)) "$(xdp_count rate_limited)"
}

# ---- regulatory -----------------------------------------------------------------------------------------
loud() { # what nobody overlooks
	exits 0 sipseal status
	names "$T/out" 'OFF: NOTHING IS SIGNED'
	sipseal -j status >"$T/status.json"
	expect "regulatory_enabled" false "$(jq .regulatory_enabled "$T/status.json")"
	expect "alarm" '"critical"' "$(jq '.warnings[] | select(.code == "regulatory_off") | .level' "$T/status.json")"
	in_ns gw curl -s http://127.0.0.1:9497/metrics >"$T/metrics"
	names "$T/metrics" 'sipseal_regulatory_enabled 0'
}

silent() {
	exits 0 sipseal status
	! grep -q 'NOTHING' "$T/out" || fail "status says that nothing is signed"
	expect "alarms" 0 "$(sipseal -j status | jq '[.warnings[] | select(.code == "regulatory_off")] | length')"
}

test_regulatory() {
	begin </dev/null
	stop gateway
	sed -i 's/metrics: off/metrics: 127.0.0.1:9497/' "$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	add acme 5061 A
	signs on-1 5061 A
	silent
	exits 0 sipseal regulatory off
	names "$T/out" OFF
	invite off-1 5061
	expect_same_bytes off-1
	loud
	expect "GET" 200 "$(api GET /v1/regulatory)"
	expect "who" '[false,"request","critical"]' "$(jq -c '[.enabled, .by, .warning.level]' "$T/api.json")"
	exits 0 sipseal trunk set acme attestation=B # other changes go on, and do not switch it
	reload
	names "$T/out" regulatory.enabled
	invite off-2 5061
	expect_same_bytes off-2
	logged 'event=regulatory enabled=false' || fail "the log does not say it"
	logged 'what=regulatory_off uid=0' || fail "the log does not say who"
	expect "PATCH" 200 "$(api PATCH /v1/regulatory '{"enabled":true}')"
	signs on-2 5061 B
	silent
	error_is 422 invalid PATCH /v1/regulatory '{"enabled":"no"}'
	error_is 422 invalid PATCH /v1/regulatory '{}'
	exits 0 sipseal regulatory off
	restart
	signs on-3 5061 B # as the file says
	silent
	sed -i 's/enabled: true/enabled: false/' "$T/sipseal.yaml"
	restart
	loud
	wait_for 3 logged 'event=regulatory_off' || fail "the log has no alarm"
	exits 0 sipseal regulatory on
	signs on-4 5061 B
	restart
	invite off-3 5061
	expect_same_bytes off-3
}

# ---- slots ----------------------------------------------------------------------------------------------
fresh() { # NAME : nothing of the trunk that had the slot before
	sipseal -j trunk show "$1" >"$T/fresh"
	expect "calls of $1" '[0,0,0,0]' "$(jq -c '.state.calls | [.signed, .unsigned, .rejected, .dropped]' "$T/fresh")"
	expect "reasons of $1" '{}' "$(jq -c .state.reasons "$T/fresh")"
	[ -z "$(sipseal -j events --trunk "$1")" ] || fail "$1 has events before its first call"
}

slot_of() { sipseal -j trunk show "$1" | jq .state.slot; }

events_of() { sipseal -j events --trunk "$1" | jq -rc '[.trunk, .call_id, .attest]'; }
has_events() { [ -n "$(events_of "$1")" ]; }

test_slots_are_used_again() {
	begin </dev/null
	local i old letter removed
	add first 5061 A
	signs first-1 5061 A
	signs first-2 5061 A
	wait_for 2 has_events first || fail "no event of the first trunk"
	expect "signed" 2 "$(sipseal -j trunk show first | jq .state.calls.signed)"
	old=$(slot_of first)
	exits 0 sipseal trunk remove first
	removed=$SECONDS
	for i in $(seq 30); do
		letter=$(cut -c $((i % 3 + 1)) <<<ABC)
		add "n$i" 5061 "$letter"
		fresh "n$i"
		if [ $((i % 5)) = 0 ]; then
			signs "call$i" 5061 "$letter"
			wait_for 2 has_events "n$i" || fail "no event of n$i"
			expect "events" "[\"n$i\",\"call$i\",\"$letter\"]" "$(events_of "n$i")"
			expect "signed" 1 "$(sipseal -j trunk show "n$i" | jq .state.calls.signed)"
		fi
		exits 0 sipseal trunk remove "n$i"
	done
	while [ $SECONDS -lt $((removed + 66)) ]; do sleep 1; done # a slot rests for so long, for the replay cache
	for i in $(seq 40); do
		add "again$i" 506$((i % 10)) C "core.peers=10.9.$i.0/24"
		[ "$(slot_of "again$i")" != "$old" ] || break
	done
	expect "slot of again$i" "$old" "$(slot_of "again$i")"
	fresh "again$i"
	exits 0 sipseal trunk set "again$i" core.peers=10.66.1.0/24
	signs reused 506$((i % 10)) C
	wait_for 2 has_events "again$i" || fail "no event of again$i"
	expect "events" "[\"again$i\",\"reused\",\"C\"]" "$(events_of "again$i")"
	expect "signed" 1 "$(sipseal -j trunk show "again$i" | jq .state.calls.signed)"
}

run_tests "$@"

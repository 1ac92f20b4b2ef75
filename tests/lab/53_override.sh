#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A location for one call, or for a calling number: set before the INVITE leaves, used once, told in the event.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"

# as an SDK's ExecuteDialplan has it
APP_ARGS='{
  "geolocation": {
    "civic_address": {
      "country": "US",
      "region":  "NY",
      "city":    "New York",
      "street":  "350 Fifth Avenue",
      "postal":  "10118"
    }
  }
}'
NY='country=US,region=NY,city=New York,street=350 Fifth Avenue'
DEFAULT='    extras:
      geolocation:
        default_civic_address: { country: US, region: CA, city: San Francisco, street: 1 Market Street, postal: 94105 }'

begin() { # [LINES of the trunk]
	[ -d "$T/sti" ] || make_certs "$T/sti"
	TRUNK=${1:-} gateway_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	captures_start
	udp_sink $CARRIER4:5060
}

call() { # CALL-ID [KEY=VALUE...] of invite.py : one INVITE
	python3 "$HERE/invite.py" "$T/call.sip" "$@"
	send_files $CORE4:5070 $CARRIER4:5060 "$T/call.sip"
}

location() { # CALL-ID -> absent, none, N copies; the PIDF-LO in $T/pidf.xml
	rm -f "$T/pidf.xml"
	python3 "$HERE/location.py" "$T/core.pcap" "$T/carrier.pcap" "$1" "$T/pidf.xml"
}

is_location() { [ "$(location "$1")" = "$2" ]; }

expect_location() { # CALL-ID WANTED [TOWN STREET NUMBER]
	wait_for 2 is_location "$1" "$2" || fail "location of $1: $(location "$1"), expected $2"
	[ $# -gt 2 ] || return 0
	expect "town of $1" "$3" "$(xpath A3)"
	expect "street of $1" "$4 $5" "$(xpath HNO) $(xpath RD)"
	xmllint --noout --relaxng "$TOP/tests/data/location/pidf-lo.rng" "$T/pidf.xml" || fail "PIDF-LO of $1 is not valid"
}
new_york() { expect_location "$1" "${2:-1 copies}" "New York" 350 "Fifth Avenue"; }
san_francisco() { expect_location "$1" "1 copies" "San Francisco" 1 "Market Street"; }

xpath() { xmllint --xpath "string(//*[local-name()='$1'])" "$T/pidf.xml"; } # LOCAL-NAME

event() { # CALL-ID JQ -> of its last event
	sipseal -j events | jq -rs --arg id "$1" "[.[] | select(.call_id == \$id)][-1] | $2"
}
has_event() { [ "$(event "$1" .call_id)" = "$1" ]; }

override() { # WHOM VALUE [LIFETIME] : by curl -> id
	local status
	status=$(api POST /v1/dialplan "$(jq -n --arg whom "$1" --arg value "$2" --argjson args "$APP_ARGS" --arg s "${3:-60}" \
		'{($whom): $value, action: "ANSWER", app_args: $args, lifetime_s: ($s | tonumber)}')")
	[ "$status" = 200 ] || { cat "$T/api.json"; fail "override for $2: $status"; } >&2
	jq .id "$T/api.json"
}

waiting() { sipseal -j status | jq .overrides; }
nothing_waits() { [ "$(waiting)" = 0 ]; }

overrides_of() { # CALL-ID -> of all its events
	sipseal -j events | jq -rs --arg id "$1" '[.[] | select(.call_id == $id) | .override | tostring] | join(" ")'
}

test_one_call() {
	local id i
	begin
	expect "status of curl" 200 "$(api POST /v1/dialplan \
		"{\"call_id\": \"ny@pbx\", \"action\": \"ANSWER\", \"app_args\": $APP_ARGS}")"
	id=$(jq .id "$T/api.json")
	expect "whom" ny@pbx "$(jq -r .call_id "$T/api.json")"
	expect "it waits" 1 "$(waiting)"
	call other@pbx
	expect_location other@pbx none
	call ny@pbx
	new_york ny@pbx
	expect "the rest of the address" "US NY 10118" "$(xpath country) $(xpath A1) $(xpath PC)"
	expect "event" "SIGNED $id attached" "$(event ny@pbx '"\(.status) \(.override) \(.location)"')"
	expect "event of the other" "SIGNED null null" "$(event other@pbx '"\(.status) \(.override) \(.location)"')"
	sipseal events | grep -q "ny@pbx.*(override)" || fail "events do not say override: $(sipseal events)"
	python3 "$HERE/look.py" "$T/carrier.pcap" ny@pbx raw | sed -n 's/^Identity: //p' | tr -d '\r\n' >"$T/identity"
	secsipidx_verify "$T/identity"
	# used once, also by INVITEs that come at the same moment
	id=$(override call_id twice@pbx)
	for i in 1 2 3 4; do python3 "$HERE/invite.py" "$T/twice$i.sip" twice@pbx "cseq=$i"; done
	send_files $CORE4:5070 $CARRIER4:5060 --gap 0 "$T"/twice?.sip
	wait_for 2 eval '[ "$(overrides_of twice@pbx | wc -w)" = 4 ]' || fail "events: $(overrides_of twice@pbx)"
	expect "overrides of four INVITEs" "$id null null null" "$(overrides_of twice@pbx)"
	expect "with a location at the carrier" 1 "$(tshark -r "$T/carrier.pcap" -Y 'sip.Call-ID == "twice@pbx"' \
		-T fields -e sip.Geolocation 2>/dev/null | grep -c cid)"
	call ny@pbx cseq=2
	wait_for 2 eval '[ "$(event ny@pbx .override)" = null ]' || fail "used twice: $(event ny@pbx .)"
	wait_for 3 nothing_waits || fail "$(waiting) wait"
}

test_app_args_as_text() {
	begin
	expect "status of curl" 200 "$(api POST /v1/dialplan "$(jq -n --arg args "$APP_ARGS" \
		'{call_id: "text@pbx", action: "ANSWER", app_args: $args}')")"
	call text@pbx
	new_york text@pbx
}

test_command_line() {
	begin "$DEFAULT"
	exits 0 sipseal call override one@pbx --geolocation "$NY,postal=10118"
	grep -q "location set for call one@pbx until 20.*, used once" "$T/out" || fail "what it says: $(cat "$T/out")"
	exits 0 sipseal -j call override two@pbx --app-args "$APP_ARGS" --lifetime 30
	expect "json" "two@pbx true" "$(jq -r '"\(.call_id) \(.id > 0)"' "$T/out")"
	exits 5 sipseal call override three@pbx --geolocation 'country=USA'
	grep -q "app_args.geolocation.civic_address.country" "$T/err" || fail "the key is not named: $(cat "$T/err")"
	exits 2 sipseal call override three@pbx --app-args '{'
	call zero@pbx
	san_francisco zero@pbx
	call one@pbx
	new_york one@pbx
	call three@pbx
	san_francisco three@pbx
	call two@pbx
	new_york two@pbx
	call one@pbx cseq=2
	wait_for 2 eval '[ "$(event one@pbx .override)" = null ]' || fail "used twice"
	expect "location of the next one" attached "$(event one@pbx .location)" # the trunk's own
}

test_calling_number() {
	local id
	begin
	id=$(override calling_number "+1 (800) 555-0100" 3) # seconds
	expect "whom" "+18005550100" "$(jq -r .calling_number "$T/api.json")"
	call n1
	call n2
	call else from=+18005550101
	new_york n1
	new_york n2
	expect_location else none
	expect "event" "$id" "$(event n2 .override)"
	sleep 3.2
	call n3
	expect_location n3 none
	expect "event" null "$(event n3 .override)"
	wait_for 2 nothing_waits || fail "$(waiting) wait"
	# one for the call comes before that for its number
	APP_ARGS=${APP_ARGS/New York/Albany} override calling_number +18005550100 >"$T/id"
	override call_id n4 >"$T/id"
	call n4
	call n5
	new_york n4
	expect_location n5 "1 copies" Albany 350 "Fifth Avenue"
}

test_too_late() {
	begin
	call gone@pbx
	expect_seen gone@pbx "signed 1"
	expect "status of curl" 409 "$(api POST /v1/dialplan \
		"{\"call_id\": \"gone@pbx\", \"action\": \"ANSWER\", \"app_args\": $APP_ARGS}")"
	expect "code" call_left "$(jq -r .error.code "$T/api.json")"
	exits 5 sipseal call override gone@pbx --geolocation "$NY"
	grep -q call_left "$T/err" || fail "the message does not say why: $(cat "$T/err")"
	expect "waiting" 0 "$(waiting)"
	call gone@pbx cseq=2
	sleep 0.3
	expect "events with an override" 0 "$(sipseal -j events | jq -s '[.[] | select(.override)] | length')"
	# the moment in which it leaves: set or refused, as the call shows
	local i said
	for i in $(seq 20); do
		python3 "$HERE/invite.py" "$T/race$i.sip" "race$i"
		( send_files $CORE4:5070 $CARRIER4:5060 "$T/race$i.sip" ) &
		sleep "0.0$((i % 10))"
		said=$(api POST /v1/dialplan "{\"call_id\": \"race$i\", \"action\": \"ANSWER\", \"app_args\": $APP_ARGS}")
		wait $!
		wait_for 2 has_event "race$i" || fail "no event of race$i"
		case $said in
		200) expect "race$i, set in time" attached "$(event "race$i" .location)" ;;
		409) expect "race$i, too late" null "$(event "race$i" .location)" ;;
		*) fail "race$i: status $said" ;;
		esac
		echo "race$i: $said"
	done
}

wrong() { # BODY KEY
	expect "status of $1" 422 "$(api POST /v1/dialplan "$1")"
	expect "code of $1" invalid "$(jq -r .error.code "$T/api.json")"
	expect "key of $1" "$2" "$(jq -r '.error.errors[0].key' "$T/api.json")"
	jq -e '.error.errors[0].message | length > 5' "$T/api.json" >/dev/null || fail "no message for $1"
}

test_wrong_json() {
	begin
	local c='"call_id": "w@pbx"' a='"action": "ANSWER"' g='"app_args": {"geolocation": {"civic_address": {"country": "US"}}}'
	local p=app_args.geolocation.civic_address
	wrong "{$a, $g}" call_id
	wrong "{$c, $g}" action
	wrong "{$c, $a}" app_args
	wrong "{$c, \"calling_number\": \"+18005550100\", $a, $g}" calling_number
	wrong "{$c, \"action\": \"HANGUP\", $g}" action
	wrong "{$c, \"action\": \"answer\", $g}" action
	wrong "{$c, $a, $g, \"lifetime\": 5}" lifetime
	wrong "{$c, $a, $g, \"lifetime_s\": 0}" lifetime_s
	wrong "{$c, $a, $g, \"lifetime_s\": 86401}" lifetime_s
	wrong "{$c, $a, $g, \"lifetime_s\": \"5\"}" lifetime_s
	wrong "{\"call_id\": 5, $a, $g}" call_id
	wrong "{\"calling_number\": \"18005550100\", $a, $g}" calling_number
	wrong "{\"calling_number\": \"+1800sales\", $a, $g}" calling_number
	wrong "{$c, $a, \"app_args\": \"{\"}" app_args
	wrong "{$c, $a, \"app_args\": \"[]\"}" app_args
	wrong "{$c, $a, \"app_args\": []}" app_args
	wrong "{$c, $a, \"app_args\": {}}" app_args.geolocation
	wrong "{$c, $a, \"app_args\": {\"geo\": {}}}" app_args.geo
	wrong "{$c, $a, \"app_args\": {\"geolocation\": {}}}" $p
	wrong "{$c, $a, \"app_args\": {\"geolocation\": {\"civic_address\": {}}}}" $p.country
	wrong "{$c, $a, \"app_args\": {\"geolocation\": {\"civic_address\": {\"country\": \"USA\"}}}}" $p.country
	wrong "{$c, $a, \"app_args\": {\"geolocation\": {\"civic_address\": {\"country\": \"US\", \"town\": \"x\"}}}}" $p.town
	wrong "{$c, $a, \"app_args\": {\"geolocation\": {\"civic_address\": {\"country\": \"US\", \"region\": \"NY\", \"city\": true}}}}" $p.city
	wrong "{$c, $a, \"app_args\": {\"geolocation\": {\"civic_address\": {\"country\": \"US\", \"region\": \"NY\", \"street\": \"1 Y\", \"city\": \"$(printf 'x%.0s' $(seq 129))\"}}}}" $p.city
	wrong "{$c, $a, \"app_args\": {\"geolocation\": {\"civic_address\": {\"country\": \"US\", \"region\": \"NY\", \"street\": \"1 Y\", \"city\": \"a\\u0007b\"}}}}" $p.city
	expect "broken JSON" 400 "$(api POST /v1/dialplan "{$c, $a, $g")"
	expect "a key twice" 400 "$(api POST /v1/dialplan "{$c, $c, $a, $g}")"
	expect "waiting" 0 "$(waiting)"
	# markup is an address like any other
	expect "markup" 200 "$(api POST /v1/dialplan \
		"{$c, $a, \"app_args\": {\"geolocation\": {\"civic_address\": {\"country\": \"US\", \"region\": \"NY\", \"street\": \"1 Y\", \"city\": \"<A&B> \\\"C\\\" Zürich\"}}}}")"
	call w@pbx
	expect_location w@pbx "1 copies"
	expect "town" '<A&B> "C" Zürich' "$(xpath A3)"
}

fill() { python3 "$HERE/fill_overrides.py" "$T/control.sock" "$@"; } # FIRST COUNT LIFETIME

test_bounded() {
	begin
	local since=$SECONDS
	expect "many for an hour" "24 ok" "$(fill 0 24 3600)"
	expect "many for 10 s" "1000 ok" "$(fill 24 1000 10)"
	expect "one more" "0 507 too_many" "$(fill 2000 1 10)"
	[ $((SECONDS - since)) -lt 10 ] || skip "the machine is too slow for it"
	expect "waiting" 1024 "$(waiting)"
	expect "one that is there, once more" "1 ok" "$(fill 7 1 3600)"
	exits 5 sipseal call override more --geolocation "$NY"
	grep -q too_many "$T/err" || fail "the message does not say why: $(cat "$T/err")"
	# a full table serves all the same, and what is used makes room
	call fill-7
	expect_location fill-7 "1 copies"
	expect "the unit" 7 "$(xpath UNIT)"
	expect "one more" "1 ok" "$(fill 2000 1 10)"
	sleep $((since + 13 - SECONDS))
	expect "waiting, the rest is over" 23 "$(waiting)"
	call fill-500
	expect_location fill-500 none
	expect "as many again" "1001 ok" "$(fill 3000 1001 60)"
	call fill-23
	expect_location fill-23 "1 copies"
	expect "the unit" 23 "$(xpath UNIT)"
}

signer_runs() { # PID : another one than that
	sipseal -j status | jq -e --arg pid "$1" \
		'.signer | .state == "running" and .pid != 0 and .pid != ($pid | tonumber)' >"$T/signer_runs"
}

test_signer_dies() {
	local pid
	begin
	override call_id used >"$T/id"
	override call_id waits >"$T/id"
	override calling_number +18005550177 >"$T/id"
	call used
	new_york used
	pid=$(signer_pid)
	kill -KILL "$pid"
	wait_for 10 signer_runs "$pid" || fail "no signer runs"
	call waits
	new_york waits
	call number from=+18005550177
	new_york number
	call used cseq=2
	wait_for 2 eval '[ "$(event used .override)" = null ]' || fail "used twice"
	expect "409 as before" 409 "$(api POST /v1/dialplan \
		"{\"call_id\": \"used\", \"action\": \"ANSWER\", \"app_args\": $APP_ARGS}")"
}

# Copies are the same bytes, whatever was set meanwhile, and make no event.
test_retransmissions() {
	begin "$DEFAULT"
	override call_id again >"$T/id"
	call again
	new_york again
	override calling_number +18005550100 >"$T/id"
	send_files $CORE4:5070 $CARRIER4:5060 --repeat 3 "$T/call.sip"
	sleep 1.2
	send_files $CORE4:5070 $CARRIER4:5060 "$T/call.sip"
	new_york again "5 copies"
	expect "events" 1 "$(sipseal -j events | jq -s '[.[] | select(.call_id == "again")] | length')"
	stats
	expect "signatures" 1 "$(signer_value signatures)"
}

named() { # CALL-ID : is taken and found
	override call_id "$1" >"$T/id"
	expect "whom" "$1" "$(jq -r .call_id "$T/api.json")"
	call "${1//\\/\\\\}"
	new_york "$1"
	exits 5 sipseal call override --geolocation "$NY" -- "$1" # it has left, whatever it is called
	grep -q call_left "$T/err" || fail "not for that reason: $(cat "$T/err")"
}

not_named() { # JSON-TEXT
	expect "status of $1" "${2:-422}" "$(api POST /v1/dialplan "{\"call_id\": \"$1\", \"action\": \"ANSWER\", \"app_args\": $APP_ARGS}")"
}

test_hostile_call_ids() {
	local long
	begin
	long=$(printf 'x%.0s' $(seq 250))
	named "a\"b'c\\d<e>{f}[g]%00~\`@h"
	named "${long}@1234" # 255
	named "y${long}@1234" # 256, the most
	named "-j"
	named '$(reboot);&|'
	not_named "y${long}@12345"
	not_named ""
	not_named "a b"
	not_named "Zürich@pbx"
	not_named 'a\u001b[31m'
	not_named 'a\r\nX: y'
	not_named 'a\u0000b' 400
	not_named 'a\ud800b' 400
	exits 5 sipseal call override "a b" --geolocation "$NY"
	exits 2 sipseal call override $'\xff\xfe' --geolocation "$NY"
	expect "waiting" 0 "$(wait_for 3 nothing_waits; waiting)"
	# what cannot be named is no harm where it comes
	call 'Z\xc3\xbcrich\xff\x1b[31m@pbx'
	call after
	expect_location after none
	! LC_ALL=C grep -q '[^ -~]' "$T/gateway.log" || fail "the log has other bytes than text"
	sipseal events >"$T/events.txt"
	! LC_ALL=C grep -q '[^ -~]' "$T/events.txt" || fail "the output has other bytes than text"
}

run_tests "$@"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# sipseal capture: INVITEs before and after with what became of them, in a file that tshark reads.
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"
. "$HERE/loadlib.sh"
RATE=${RATE:-300}

OTHER4=10.66.2.12
begin() { # two trunks that sign, and `strict`, which refuses
	MORE_TRUNKS="  - { name: other, carrier: { peers: [\"$OTHER4:5060\"] }, attestation: B, default_country_code: \"1\" }"
	if [ "${1:-}" = inbound ]; then
		MORE_TRUNKS=$MORE_TRUNKS inbound_start
	else
		{ gateway_yaml; echo "$MORE_TRUNKS"; } >"$T/sipseal.yaml"
		[ -d "$T/sti" ] || make_certs "$T/sti"
		start_gateway "$T/sipseal.yaml"
	fi
	in_ns carrier ip addr replace $OTHER4/24 dev carr0
	udp_sink "$CARRIER4:5060" "$OTHER4:5060"
}

capture() { # NAME ARGUMENT... : in the background, until it is there
	local name=$1 before
	shift
	before=$(readers)
	bg "$name" gw "$SIPSEAL" -s "$T/control.sock" capture "$@"
	wait_for 5 eval "[ \$(readers) = $((before + 1)) ]" || { cat "$T/$name.log"; fail "capture $name did not start"; }
}
readers() { sipseal -j status | jq .capture.readers; }
invites() { sipseal -j status | jq .capture.invites; }
has_invites() { [ "$(invites)" -ge "$1" ]; }

ends() { # NAME [SIGNAL] : cleanly
	[ $# = 1 ] || kill -"$2" "$(pid_of "$1")"
	local rc=0
	wait_exit "$1" 5 || rc=$?
	expect "exit status of $1: $(cat "$T/$1.log")" 0 $rc
}

call() { # HOST CALL-ID [KEY=VALUE...]
	local host=$1
	shift
	python3 "$HERE/invite.py" "$T/call.sip" "$@" "host=$host"
	send_files $CORE4:5070 "$host:5060" "$T/call.sip"
}

shown() { # FILE FIELD... -> of each packet, separated by |
	local file=$1 field args=()
	shift
	for field in "$@"; do args+=(-e "$field"); done
	tshark -n -r "$file" -d udp.port==5060,sip -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -T fields -E separator='|' "${args[@]}" 2>"$T/tshark.err"
}
comments() { shown "$1" sip.Call-ID frame.comment | sed 's/ invite=[0-9.]*//'; }

is_sound() { # FILE : whole, and nothing odd in it
	capinfos "$1" >"$T/capinfos.txt" 2>&1 || { cat "$T/capinfos.txt"; fail "capinfos $1"; }
	tshark -n -r "$1" -d udp.port==5060,sip -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
		-Y '_ws.malformed || udp.checksum.status == 0 || ip.checksum.status == 0' >"$T/odd.txt" 2>&1
	sed -i '/^Running as user/d' "$T/odd.txt"
	[ ! -s "$T/odd.txt" ] || { cat "$T/odd.txt"; fail "odd packets in $1"; }
}

test_signed() {
	begin
	captures_start
	capture one -w "$T/one.pcapng"
	call $CARRIER4 first
	call $OTHER4 second
	wait_for 3 has_invites 2 || fail "of 2 INVITEs $(invites) were captured"
	ends one INT
	expect "what it says" "2 INVITEs in 4 packets, 0 lost" "$(cat "$T/one.log")"
	is_sound "$T/one.pcapng"
	expect "mode of the file" 600 "$(stat -c %a "$T/one.pcapng")"
	expect "packets" "first|trunk=acme direction=outbound stage=before verdict=sign reason=signed
first|trunk=acme direction=outbound stage=after verdict=sign reason=signed
second|trunk=other direction=outbound stage=before verdict=sign reason=signed
second|trunk=other direction=outbound stage=after verdict=sign reason=signed" "$(comments "$T/one.pcapng")"
	expect "packets with an Identity" "2 4" \
		"$(tshark -n -r "$T/one.pcapng" -d udp.port==5060,sip -Y 'sip.Identity' -T fields -e frame.number 2>/dev/null | xargs)"
	expect "ids of pairs" 2 "$(shown "$T/one.pcapng" frame.packet_id | sort -u | wc -l)"
	expect "by which NIC it came" "gwc0|core" "$(shown "$T/one.pcapng" frame.interface_name frame.interface_description | head -n 1)"
	# before is what the core sent, after is what the carrier got
	captures_stop
	local i side
	for i in first second; do
		for side in "core before" "carrier after"; do
			set -- $side
			expect "bytes of $i at the $1" "$(payload "$T/$1.pcap" "sip.Call-ID == \"$i\"")" \
				"$(payload "$T/one.pcapng" "sip.Call-ID == \"$i\" && frame.comment contains \"stage=$2\"")"
		done
	done
	expect "captures that run" 0 "$(readers)"
}
payload() { tshark -n -r "$1" -d udp.port==5060,sip -Y "$2" -T fields -e udp.payload 2>/dev/null; } # FILE FILTER

test_inbound() {
	begin inbound
	warm
	capture in -w "$T/in.pcapng"
	capture strict -w "$T/strict.pcapng" --trunk strict
	calls <<-X
	good => wire=passed status=STIR_VERIFIED
	bare src=$STRICT4 id=none => wire=refused code=428
	X
	wait_for 3 has_invites 2 || fail "$(invites) were captured"
	ends in TERM
	ends strict INT
	is_sound "$T/in.pcapng"
	expect "packets" "good|trunk=acme direction=inbound stage=before verdict=verify reason=verified
good|trunk=acme direction=inbound stage=after verdict=verify reason=verified
bare|trunk=strict direction=inbound stage=before verdict=reject reason=identity_missing
bare|trunk=strict direction=inbound stage=answer verdict=reject reason=identity_missing" "$(comments "$T/in.pcapng")"
	expect "the answer" "428|$STRICT4" "$(shown "$T/in.pcapng" sip.Status-Code ip.dst | tail -n 1)"
	expect "of strict alone" "$(comments "$T/in.pcapng" | tail -n 2)" "$(comments "$T/strict.pcapng")"
}

test_trunk() {
	begin
	capture one -w "$T/one.pcapng" --trunk other
	call $CARRIER4 acme1
	call $OTHER4 other1
	wait_for 3 has_invites 1 || fail "nothing was captured"
	sleep 0.2
	expect "INVITEs that the signer told of" 1 "$(invites)" # the others cost nothing
	ends one INT
	expect "Call-IDs" other1 "$(shown "$T/one.pcapng" sip.Call-ID | sort -u)"
	exits 4 sipseal capture -w "$T/none.pcapng" --trunk nobody
	grep -q "nobody: 'sipseal trunk list'" "$T/err" || fail "the trunk is not named: $(cat "$T/err")"
	[ ! -e "$T/none.pcapng" ] || fail "a file of nothing"
	# one that is removed meanwhile
	sipseal trunk add late carrier.peers=192.0.2.1:5060 attestation=C >/dev/null
	capture two -w "$T/two.pcapng" --trunk late
	sipseal trunk remove late >/dev/null
	local rc=0
	wait_exit two 5 || rc=$?
	expect "exit status" 1 $rc
	grep -q "the trunk was removed" "$T/two.log" || fail "it does not say why: $(cat "$T/two.log")"
	is_sound "$T/two.pcapng"
}

test_ends() {
	begin
	local i
	capture count -w "$T/count.pcapng" --count 2
	for i in 1 2 3; do call $CARRIER4 "c$i"; done
	ends count
	expect "Call-IDs" "c1 c2" "$(shown "$T/count.pcapng" sip.Call-ID | uniq | xargs)"
	echo old >"$T/seconds.pcapng"
	exits 0 sipseal -j capture -w "$T/seconds.pcapng" --seconds 1
	expect "summary" "0 0 0 $T/seconds.pcapng" "$(jq -r '"\(.invites) \(.packets) \(.lost) \(.file)"' "$T/out")"
	is_sound "$T/seconds.pcapng"
	exits 1 sipseal capture -w "$T/no/such" --seconds 1
	exits 2 sipseal capture
	exits 2 sipseal capture -w x --count 0
	exits 2 sipseal -j capture -w -
	exits 3 "$SIPSEAL" -s "$T/nobody.sock" capture -w "$T/x"
	[ ! -e "$T/x" ] || fail "a file of nothing"
	expect "status of a bad query" "400 bad_query" "$(api GET '/v1/capture?count=0') $(jq -r .error.code "$T/api.json")"
	for i in 1 2 3 4; do capture "r$i" -w "$T/r$i.pcapng"; done
	exits 1 sipseal capture -w "$T/r5.pcapng"
	grep -q too_many_captures "$T/err" || fail "the fifth: $(cat "$T/err")"
	expect "type" "application/x-pcapng" "$(stop r1; wait_for 5 eval '[ "$(readers)" = 3 ]'; in_ns gw curl -s --unix-socket "$T/control.sock" \
		-o /dev/null -w '%{content_type}' 'http://localhost/v1/capture?seconds=1')"
	# the daemon's end is the stream's; what came is whole
	call $CARRIER4 last
	sleep 0.3
	stop gateway
	local rc=0
	wait_exit r2 5 || rc=$?
	expect "exit status" 3 $rc
	is_sound "$T/r2.pcapng"
	expect "Call-IDs" last "$(shown "$T/r2.pcapng" sip.Call-ID | uniq)"
}

test_pipe() {
	begin
	bg pipe gw sh -c "'$SIPSEAL' -s '$T/control.sock' capture -w - --count 1 2>'$T/pipe.err' |
		tshark -l -n -r - -d udp.port==5060,sip -T fields -e sip.Method -e frame.comment 2>/dev/null"
	wait_for 5 eval '[ "$(readers)" = 1 ]' || fail "it did not start"
	call $CARRIER4 piped
	wait_for 5 is_dead "$(pid_of pipe)" || fail "it did not end"
	expect "what tshark read" "INVITE trunk=acme direction=outbound stage=before verdict=sign reason=signed invite=N.0
INVITE trunk=acme direction=outbound stage=after verdict=sign reason=signed invite=N.0" "$(tr '\t' ' ' <"$T/pipe.log" | sed 's/invite=[0-9]*/invite=N/')"
	expect "what it says" "1 INVITE in 2 packets, 0 lost" "$(cat "$T/pipe.err")"
}

# The next signer's INVITEs follow in the same file.
test_signer_killed() {
	begin
	capture one -w "$T/one.pcapng"
	call $CARRIER4 before
	wait_for 3 has_invites 1 || fail "nothing was captured"
	local old
	old=$(signer_pid)
	kill -KILL "$old"
	wait_for 10 eval "[ \"\$(signer_pid)\" != $old ] && [ -n \"\$(signer_pid)\" ] && sipseal -j status | jq -e '.signer.running // .signer.pid' >/dev/null" ||
		fail "no new signer"
	wait_for 10 passes || fail "no INVITE is signed any more"
	wait_for 3 has_invites 2 || fail "$(invites) were captured"
	ends one INT
	is_sound "$T/one.pcapng"
	expect "first" before "$(shown "$T/one.pcapng" sip.Call-ID | head -n 1)"
	expect "last" "again|trunk=acme direction=outbound stage=after verdict=sign reason=signed" "$(comments "$T/one.pcapng" | tail -n 1)"
	expect "captures that run" 0 "$(readers)"
}
passes() { call $CARRIER4 again; sleep 0.2; has_invites 2; }

# Under load one reader stands still: it loses INVITEs and says how many, the other one and the calls lose nothing.
test_slow_reader() {
	make_certs "$T/sti"
	start_gateway
	capture slow -w "$T/slow.pcapng"
	capture good -w "$T/good.pcapng"
	kill -STOP "$(pid_of slow)"
	load_start v4 $CORE4 $CARRIER4 "$RATE"
	wait_for 40 eval '[ "$(sipseal -j status | jq .capture.lost_reader)" -gt 100 ]' || fail "nothing was lost"
	load_stop v4
	kill -CONT "$(pid_of slow)"
	local calls
	calls=$(load_value v4 TotalCallCreated)
	wait_for 3 has_invites "$calls" || fail "of $calls $(invites) were captured"
	sleep 1.5 # statistics come once a second
	ends slow INT
	ends good INT
	expect "the good one" "$calls INVITEs in $((2 * calls)) packets, 0 lost" "$(cat "$T/good.log")"
	is_sound "$T/good.pcapng"
	is_sound "$T/slow.pcapng"
	at_least "lost by the slow one" 100 "$(sed -n 's/.* packets, \([0-9]*\) lost/\1/p' "$T/slow.log")"
	expect "what it got, with those lost" "$calls" "$(sed -n 's/^\([0-9]*\) INVITEs in .* packets, \([0-9]*\) lost/\1 + \2/p' "$T/slow.log" | xargs expr)"
	stats
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

run_tests "$@"

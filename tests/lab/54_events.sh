#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# CallEvents: one for each INVITE, as JSON, to those who follow and to a file; readers lose events, calls lose nothing.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"
. "$HERE/loadlib.sh"
RATE=${RATE:-300}
HOST=10.66.2 # .2 is the trunk acme; .11 and up are others

begin() { # [LINES of control]
	[ -d "$T/sti" ] || make_certs "$T/sti"
	# a busy machine may let a worker stand for longer than 500 ms: what is dropped then is told, and told again
	HEARTBEAT_MS=${HEARTBEAT_MS:-5000} gateway_yaml >"$T/sipseal.yaml"
	[ $# = 0 ] || sed -i "s|^  metrics: off|&\n  $1|" "$T/sipseal.yaml"
	more_trunks >>"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
}

more_trunks() {
	cat <<-X
	  - { name: any, carrier: { peers: ["$HOST.11:5060"] }, attestation: A, default_country_code: "1", origid: any-1 }
	  - { name: none, carrier: { peers: ["$HOST.12:5060"] }, attestation: none }
	  - { name: partial, carrier: { peers: ["$HOST.13:5060"] }, attestation: B, default_country_code: "1" }
	  - { name: strict, carrier: { peers: ["$HOST.14:5060"] }, attestation: A, numbers: ["+1800555*"], attestation_other: reject }
	  - { name: watch, carrier: { peers: ["$HOST.15:5060"] }, attestation: A, numbers: ["+1800555*"], mode: observe,
	      attestation_other: reject }
	X
}

hosts() {
	local n sinks=("$CARRIER4:5060" "[$CARRIER6]:5060")
	for n in 11 12 13 14 15; do
		in_ns carrier ip addr add "$HOST.$n/24" dev carr0
		sinks+=("$HOST.$n:5060")
	done
	udp_sink "${sinks[@]}"
}

call() { # HOST-NUMBER CALL-ID [KEY=VALUE...] of invite.py
	local n=$1
	shift
	python3 "$HERE/invite.py" "$T/call.sip" "$@" "host=$HOST.$n"
	send_files $CORE4:5070 "$HOST.$n:5060" "$T/call.sip"
}

event() { # CALL-ID JQ -> of its last event
	sipseal -j events | jq -rs --arg id "$1" "[.[] | select(.call_id == \$id)][-1] | $2"
}
has_event() { [ "$(event "$1" .call_id)" = "$1" ]; }

expect_event() { # CALL-ID STATUS REASON ATTEST WHY
	wait_for 2 has_event "$1" || fail "no event of $1"
	expect "event of $1" "$2 $3 $4 $5" "$(event "$1" '"\(.status) \(.reason) \(.attest) \(.attest_why)"')"
}

events_in() { # FILE [ARGUMENT...] : checked; figures in $T/figures
	python3 "$HERE/check_events.py" "$@" >"$T/figures" || { cat "$T/figures"; exit 1; }
	cat "$T/figures"
}
figure() { sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" "$T/figures"; }

count_in() { python3 "$HERE/check_events.py" "$1" 2>&1 | sed -n 's/^events=\([0-9]*\).*/\1/p'; } # FILE
has_events() { [ "$(count_in "$1")" = "$2" ]; } # FILE COUNT

follow() { # NAME [QUERY] : curl follows into $T/NAME.ndjson
	bg "$1" gw sh -c "exec curl -sSN --unix-socket '$T/control.sock' -o '$T/$1.ndjson' 'http://localhost/v1/events?follow=1${2:-}'"
}
followers() { [ "$(sipseal -j status | jq .events.followers)" = "$1" ]; }

flood() { # COUNT RATE
	in_ns core "$O/bench/sipflood" --from $CORE4 --to $CARRIER4:5060 --count "$1" --rate "$2" >"$T/flood.json" || fail "sipflood"
}


# ---- what an event says ----------------------------------------------------------------------------
test_fields() {
	begin
	hosts
	captures_start
	call 2 signed
	expect_event signed SIGNED signed A number_inside
	expect "numbers" "18005550100 12155551213" "$(event signed '"\(.orig) \(.dest)"')"
	expect "addresses" "$CORE4:5070 $CARRIER4:5060" "$(event signed '"\(.source) \(.destination)"')"
	expect "trunk, x5u" "acme $X5U" "$(event signed '"\(.trunk) \(.x5u)"')"
	expect "origid is that of the Identity" "$(seen signed origid)" "$(event signed .origid)"
	expect "generation" "$(sipseal -j status | jq .generation)" "$(event signed .generation)"
	call 2 outside from=+12125550100
	expect_event outside SIGNED signed B number_outside
	call 11 any from=2125550100
	expect_event any SIGNED signed A any_number
	expect "orig, origid" "12125550100 any-1" "$(event any '"\(.orig) \(.origid)"')"
	call 12 none
	expect_event none UNSIGNED attestation_none null trunk
	call 13 partial
	expect_event partial SIGNED signed B trunk
	call 14 strict from=+12125550100
	expect_event strict REJECTED number_refused null number_outside
	expect "response" 403 "$(event strict .response)"
	call 2 unsigned from=front-desk
	expect_event unsigned UNSIGNED no_orig null null
	expect "orig" null "$(event unsigned .orig)"
	call 2 stale "extra=Date: Thu, 01 Jan 2026 00:00:00 GMT"
	expect "stale" "UNSIGNED stale_date" "$(wait_for 2 has_event stale; event stale '"\(.status) \(.reason)"')"
	call 2 restricted "extra=Privacy: id"
	expect_event restricted SIGNED signed A number_inside
	expect "restricted" true "$(event restricted .restricted)"
	call 2 anonymous "extra=Privacy: id" from=anonymous
	expect "anonymous" "UNSIGNED restricted_unsigned true" \
		"$(wait_for 2 has_event anonymous; event anonymous '"\(.status) \(.reason) \(.restricted)"')"
	call 2 sos ruri=urn:service:sos to=911
	wait_for 2 has_event sos || fail "no event of sos"
	expect "emergency, dest" "true 911" "$(event sos '"\(.emergency) \(.dest)"')"
	[ "$(event sos .status)" != REJECTED ] || fail "an emergency call was refused"
	events_of_observe
	python3 "$HERE/invite.py" "$T/call.sip" ipv6 "host=[$CARRIER6]"
	send_files "[$CORE6]:5070" "[$CARRIER6]:5060" "$T/call.sip"
	expect_event ipv6 SIGNED signed A number_inside
	expect "addresses" "[$CORE6]:5070 [$CARRIER6]:5060" "$(event ipv6 '"\(.source) \(.destination)"')"
	sipseal -j events >"$T/all"
	events_in "$T/all"
	expect "events" 14 "$(figure events)"
	expect "by trunk" "any" "$(sipseal -j events --trunk any | jq -r .call_id)"
	exits 4 sipseal events --trunk nobody
	expect "status of curl" 200 "$(api GET /v1/events)"
	cmp "$T/all" "$T/api.json" || fail "curl gets something else"
	expect "its type" "application/x-ndjson" \
		"$(curl -s --unix-socket "$T/control.sock" -o /dev/null -w '%{content_type}' http://localhost/v1/events)"
}

# What was not done stands apart from what was.
events_of_observe() {
	call 15 watched
	expect_event watched UNSIGNED observe null null
	expect "observed" "SIGNED signed A number_inside $X5U" \
		"$(event watched '.observed | "\(.status) \(.reason) \(.attest) \(.attest_why) \(.x5u)"')"
	expect "observed origid" true "$(event watched '.observed.origid | length > 0')"
	expect_seen watched "unsigned 1"
	call 15 refuse from=+12125550100
	expect_event refuse UNSIGNED observe null null
	expect "observed" "REJECTED number_refused 403" "$(event refuse '.observed | "\(.status) \(.reason) \(.response)"')"
	expect_seen refuse "unsigned 1"
}

test_no_event_for() {
	begin
	captures_start
	udp_sink $CARRIER4:5060
	call 2 once
	send_files $CORE4:5070 $CARRIER4:5060 --repeat 3 "$T/call.sip" # retransmissions
	send_options ping
	python3 "$HERE/invite.py" "$T/call.sip" hold
	sed -i 's/^To: .*>/&;tag=2/' "$T/call.sip"
	send_files $CORE4:5070 $CARRIER4:5060 "$T/call.sip" # within a dialog
	expect_seen once "signed 4"
	expect_seen hold "unsigned 1"
	sleep 0.3
	sipseal -j events >"$T/all"
	events_in "$T/all"
	expect "events" 1 "$(figure events)"
	expect "generation of the next" "$(sipseal trunk add late carrier.peers=192.0.2.1:5060 attestation=C >/dev/null
		sipseal -j status | jq .generation)" "$(call 2 next; wait_for 2 has_event next; event next .generation)"
}

# ---- readers ---------------------------------------------------------------------------------------
test_followers() {
	begin
	hosts
	call 2 before
	wait_for 2 has_event before || fail "no event"
	follow one
	follow two
	follow three "&trunk=any"
	bg text gw "$SIPSEAL" -s "$T/control.sock" events --follow
	bg json gw "$SIPSEAL" -s "$T/control.sock" -j events --follow --trunk acme
	wait_for 5 followers 5 || fail "not all follow"
	local i
	for i in $(seq 10); do call 2 "acme$i"; call 11 "any$i"; done
	wait_for 2 has_events "$T/one.ndjson" 20 || fail "of 20 events $(count_in "$T/one.ndjson") came"
	events_in "$T/one.ndjson"
	expect "from before" 0 "$(grep -c before "$T/one.ndjson" || :)"
	cmp "$T/one.ndjson" "$T/two.ndjson" || fail "followers see different events"
	wait_for 2 has_events "$T/three.ndjson" 10 || fail "one of a trunk saw $(count_in "$T/three.ndjson") events"
	expect "other trunks" "" "$(jq -r 'select(.trunk != "any") | .trunk' "$T/three.ndjson")"
	wait_for 2 has_events "$T/json.log" 10 || fail "sipseal -j saw $(count_in "$T/json.log") events"
	expect "lines of text" 20 "$(grep -c ' SIGNED .* -> ' "$T/text.log")"
	# eight of one user; who goes makes room
	follow six && follow seven && follow eight
	wait_for 5 followers 8 || fail "not all follow"
	expect "the ninth" "503 too_many_streams" "$(api GET '/v1/events?follow=1') $(jq -r .error.code "$T/api.json")"
	stop one && stop six
	wait_for 5 followers 6 || fail "those who went are still counted"
	call 2 last
	wait_for 2 grep -qs '"call_id":"last"' "$T/two.ndjson" || fail "the others get no more events"
	# the end of the daemon is the end of the stream
	stop gateway
	wait_for 3 is_dead "$(pid_of text)" || fail "a follower hangs"
}

# One follower stands still for longer than its queue lasts: it loses events and is told, nobody else loses anything.
test_slow_reader() {
	begin
	follow slow
	follow good
	wait_for 5 followers 2 || fail "not all follow"
	kill -STOP "$(pid_of slow)"
	load_start v4 $CORE4 $CARRIER4 "$RATE"
	wait_for 40 eval '[ "$(sipseal -j status | jq .events.dropped_reader)" -gt 300 ]' || fail "nothing was lost"
	kill -CONT "$(pid_of slow)"
	sleep 1
	load_stop v4
	local calls
	calls=$(load_value v4 TotalCallCreated)
	wait_for 5 has_events "$T/good.ndjson" "$calls" || fail "of $calls events $(count_in "$T/good.ndjson") came"
	events_in "$T/good.ndjson"
	expect "figures of the good one" "$calls $calls 0 0" "$(figure events) $(figure signed) $(figure dropped) $(figure twice)"
	sleep 0.5
	events_in "$T/slow.ndjson"
	at_least "lost events that it was told of" 300 "$(figure dropped)"
	expect "events of the slow one, with those lost" "$calls" $(($(figure events) + $(figure dropped)))
	expect "lost, by status" "$(figure dropped)" "$(sipseal -j status | jq .events.dropped_reader)"
	stats
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

# ---- the file --------------------------------------------------------------------------------------
# Renamed and reopened under load, as logrotate does.
test_file() {
	begin "events_file: $T/events.ndjson"
	expect "mode of the file" 640 "$(stat -c %a "$T/events.ndjson")"
	load_start v4 $CORE4 $CARRIER4 "$RATE"
	local i calls
	for i in 1 2 3; do
		sleep 1
		mv "$T/events.ndjson" "$T/events.$i"
		sleep 0.2
		kill -HUP "$(pid_of gateway)"
		wait_for 3 test -e "$T/events.ndjson" || fail "the file was not opened again"
	done
	load_stop v4
	calls=$(load_value v4 TotalCallCreated)
	for i in $(seq 20); do python3 "$HERE/invite.py" "$T/last$i.sip" "last$i"; done
	send_files $CORE4:5080 $CARRIER4:5060 --gap 0 "$T"/last*.sip
	stop gateway # at once: the last events are written
	calls=$((calls + 20))
	for i in 1 2 3; do at_least "events of the part $i" 100 "$(count_in "$T/events.$i")"; done
	cat "$T"/events.[123] "$T/events.ndjson" >"$T/all"
	events_in "$T/all"
	expect "figures" "$calls $calls 0" "$(figure events) $(figure signed) $(figure twice)"
}

test_file_refused() {
	make_certs "$T/sti"
	gateway_yaml | sed "s|^  metrics: off|&\n  events_file: $T/pipe|" >"$T/sipseal.yaml"
	mkfifo "$T/pipe"
	gateway_start "$T/sipseal.yaml"
	local rc=0
	wait_exit gateway 10 || rc=$?
	[ $rc != 0 ] || fail "a pipe was taken for a file"
	grep -q "pipe" "$T/gateway.log" || fail "the message does not name the file: $(cat "$T/gateway.log")"
}

test_disk_full() {
	mkdir "$T/small"
	mount -t tmpfs -o size=64k tmpfs "$T/small"
	# shellcheck disable=SC2064
	trap "umount -l '$T/small'" EXIT
	begin "events_file: $T/small/events.ndjson"
	follow good
	wait_for 5 followers 1 || fail "nobody follows"
	load_start v4 $CORE4 $CARRIER4 "$RATE"
	wait_for 10 eval '[ "$(sipseal -j status | jq .events.dropped_file)" -gt 100 ]' || fail "nothing was lost"
	at_least "events before it was full" 50 "$(count_in "$T/small/events.ndjson")"
	mv "$T/small/events.ndjson" "$T/full.ndjson"
	kill -HUP "$(pid_of gateway)"
	sleep 0.1 # some more, which have room again
	load_stop v4
	sleep 0.3
	local calls
	calls=$(load_value v4 TotalCallCreated)
	expect "lines in the log" 1 "$(grep -c "event=events_file_lost file=$T/small/events.ndjson .*No space left" "$T/gateway.log")"
	expect "figures of a follower" "events=$calls signed=$calls unsigned=0 rejected=0 dropped=0 twice=0" "$(events_in "$T/good.ndjson")"
	at_least "events after that" 10 "$(count_in "$T/small/events.ndjson")"
	cat "$T/full.ndjson" "$T/small/events.ndjson" >"$T/all"
	events_in "$T/all"
	expect "written and lost" "$calls" $(($(figure events) + $(sipseal -j status | jq .events.dropped_file)))
	expect "written twice" 0 "$(figure twice)"
}

# ---- hostile bytes ---------------------------------------------------------------------------------
printable() { ! LC_ALL=C grep -q '[^ -~]' "$1" || fail "$1 has other bytes than text: $(LC_ALL=C grep -m 1 '[^ -~]' "$1" | od -c | head -5)"; }

test_hostile_bytes() {
	begin "events_file: $T/events.ndjson"
	captures_start
	udp_sink $CARRIER4:5060
	follow curl
	bg text gw "$SIPSEAL" -s "$T/control.sock" events --follow
	bg json gw "$SIPSEAL" -s "$T/control.sock" -j events --follow
	wait_for 5 followers 3 || fail "not all follow"
	local n=0 id files=() long
	long=$(printf 'y%.0s' $(seq 300))
	while IFS= read -r id; do
		n=$((n + 1))
		python3 "$HERE/invite.py" "$T/h$n.sip" "$id" "branch=h$n"
		files+=("$T/h$n.sip")
	done <<-'X'
	plain
	quote"quote\\back\\"},{"x":"
	\x1b[31mred\x1b[0m\x1b]0;title\x07
	\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f\x10\x1f\x7f
	\x80\x81\xfe\xff\xc3\x28\xa0\xa1\xe2\x28\xa1\xf0\x28\x8c\xbc
	Z\xc3\xbcrich\xe2\x80\xae\xe2\x80\xa8
	\\x1b[31m
	\xed\xa0\x80\xf4\x90\x80\x80
	<script>alert(1)</script>$(id)`id`;'
	X
	for id in "${long:0:191}a" "${long:0:191}\\xff" "${long:0:192}b" "${long:0:191}\\xfftail"; do
		n=$((n + 1))
		python3 "$HERE/invite.py" "$T/h$n.sip" "$id" "branch=h$n"
		files+=("$T/h$n.sip")
	done
	raw_call_ids "${files[@]}" >"$T/raw"
	at_least "Call-IDs that can be read back" 11 "$(wc -l <"$T/raw")"
	# in numbers, display names and the rest of the message
	for id in 'from=+1800\x1b[31m5550100' 'from=+1800"5550100' 'from=%00%1b%22' 'to=+1215\xff5551213' 'to=\\x00\x01"' \
		'display="\x1b[31m\xff" ' 'extra=P-Asserted-Identity: <sip:+1\x1b\xff@x>' 'ruri=sip:\x1b\xff"@10.66.2.2'; do
		n=$((n + 1))
		python3 "$HERE/invite.py" "$T/h$n.sip" "number$n" "branch=h$n" "$id"
		files+=("$T/h$n.sip")
	done
	send_files $CORE4:5070 $CARRIER4:5060 "${files[@]}"
	wait_for 3 has_events "$T/events.ndjson" $n || fail "of $n events $(count_in "$T/events.ndjson") came"
	sipseal -j events >"$T/recent.ndjson"
	for id in events.ndjson curl.ndjson json.log recent.ndjson; do
		events_in "$T/$id" --raw "$T/raw"
		expect "events in $id" $n "$(figure events)"
	done
	expect "marked as cut" 2 "$(jq -s 'map(select(.call_id_cut)) | length' "$T/events.ndjson")"
	sipseal events >"$T/recent.txt"
	expect "lines of text" $n "$(wc -l <"$T/recent.txt")"
	wait_for 2 eval "[ \$(wc -l <'$T/text.log') = $n ]" || fail "lines of text that followed: $(wc -l <"$T/text.log")"
	printable "$T/recent.txt"
	printable "$T/text.log"
	printable "$T/gateway.log"
	# none was lost on the way, whatever was in it
	stats
	expect "INVITEs of the signer" $n "$(signer_total)"
}

# raw_call_ids FILE... -> Call-IDs as sent, in hex, of at most 192 bytes
raw_call_ids() {
	python3 - "$@" <<-'P'
		import re, sys
		for name in sys.argv[1:]:
		    value = re.search(rb"\r\nCall-ID: (.*?)\r\n", open(name, "rb").read(), re.S)[1]
		    if len(value) <= 192:
		        print(value.hex())
	P
}

# ---- cost and faults -------------------------------------------------------------------------------
# The signer makes no system call for an event: what it does per call is to poll, to send, and OpenSSL's getpid().
test_no_system_calls() {
	command -v strace >/dev/null || skip "no strace"
	bench_programs sipflood
	begin "events_file: $T/events.ndjson"
	udp_sink $CARRIER4:5060
	follow good
	wait_for 5 followers 1 || fail "nobody follows"
	bg strace gw strace -f -c -U name,calls -o "$T/strace.txt" -p "$(signer_pid)"
	wait_for 5 grep -qs attached "$T/strace.log" || fail "strace: $(cat "$T/strace.log")"
	flood 1000 500
	wait_for 5 has_events "$T/good.ndjson" 1000 || fail "of 1000 events $(count_in "$T/good.ndjson") came"
	stop strace INT
	cat "$T/strace.txt"
	at_least "sendto, a batch each, so that it was seen at all" 16 "$(calls_of sendto)"
	[ "$(calls_of sendto)" -le 1100 ] || fail "more than one send per call: $(calls_of sendto)"
	local name
	for name in write writev sendmsg pwrite64 futex mmap munmap brk mprotect madvise; do
		[ "$(calls_of $name)" -le 20 ] || fail "$name: $(calls_of $name) for 1000 calls"
	done
	expect "others" "" "$(awk 'NF == 2 && $1 ~ /^[a-z]/ { print $1 }' "$T/strace.txt" | grep -vxE \
		'syscall|total|poll|ppoll|sendto|getpid|getsockopt|getrandom|clock_gettime|futex|mmap|munmap|brk|mprotect|madvise|restart_syscall|write|sendmsg|recvmsg' || :)"
}

calls_of() { awk -v n="$1" '$1 == n { c = $2 } END { print c + 0 }' "$T/strace.txt"; } # SYSCALL

# What left before the signer died is told, and what leaves after that follows.  What was told may still have stood in
# the tx ring when it died: a batch of 64 at most.
test_signer_dies() {
	bench_programs sipflood
	begin "events_file: $T/events.ndjson"
	capture_start carrier carrier carr0
	udp_sink $CARRIER4:5060
	follow good
	wait_for 5 followers 1 || fail "nobody follows"
	local round pid
	for round in 1 2 3; do
		pid=$(signer_pid)
		flood 200 2000 # over within the time between two turns of the daemon
		kill -KILL "$pid"
		wait_for 10 signer_runs "$pid" || fail "no signer runs"
		call 2 "after$round"
		wait_for 2 has_event "after$round" || fail "no event after round $round"
	done
	sleep 0.3
	tshark -r "$T/carrier.pcap" -Y 'sip.Method == "INVITE"' -T fields -e sip.Call-ID 2>/dev/null | sort -u >"$T/arrived"
	at_least "INVITEs that arrived" 300 "$(wc -l <"$T/arrived")"
	events_in "$T/events.ndjson"
	expect "told twice" 0 "$(figure twice)"
	jq -r 'select(.status == "SIGNED") | .call_id' "$T/events.ndjson" | sort >"$T/told"
	expect "arrived and not told" "" "$(comm -23 "$T/arrived" "$T/told" | head -n 3)"
	[ "$(comm -13 "$T/arrived" "$T/told" | wc -l)" -le 192 ] || fail "told and not arrived: $(comm -13 "$T/arrived" "$T/told" | wc -l)"
	cmp "$T/events.ndjson" "$T/good.ndjson" || fail "the follower saw something else"
	expect "broken events" "0 0" "$(sipseal -j status | jq -r '.events | "\(.invalid) \(.dropped_ring)"')"
}

signer_runs() { # PID : another one than that
	sipseal -j status | jq -e --arg pid "$1" \
		'.signer | .state == "running" and .pid != 0 and .pid != ($pid | tonumber)' >"$T/signer_runs"
}

run_tests "$@"

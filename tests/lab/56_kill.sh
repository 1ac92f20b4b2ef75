#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# sipseald is killed while trunks are written: none is lost, none is half there, and calls go on.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"

if [ "${SCALE:-ci}" = full ]; then ROUNDS=100; else ROUNDS=15; fi
SEED=${SEED:-$$}

MARK=$(sed -n 's/^#define STORE_MARK "\(.*\)\\n"$/\1/p' "$TOP/user/config/store.h")

begin() {
	echo "SEED=$SEED"
	start_gateway
	capture_start carrier carrier carr0
}

writer() { python3 "$HERE/writer.py" "$1" "$T/control.sock" "$T/writer.json" "${@:2}"; }
has_begun() { [ -s "$T/writer.json" ]; }

signer_has_gone() { ! ip netns pids "$PREFIX-gw" | grep -qvxF "$(cat "$T/pids")"; }

# What a restart would read: whole files, good as they are.
files_are_whole() {
	local f n=0
	exits 0 "$SIPSEAL" -j config check "$T/sipseal.yaml"
	for f in "$T"/trunks.d/*.yaml; do
		[ -e "$f" ] || continue
		expect "first line of $f" "$MARK" "$(head -n 1 "$f")"
		expect "last byte of $f" "" "$(tail -c 1 "$f")"
		n=$((n + 1))
	done
	expect "trunks that are read" $((n + 1)) "$(jq .trunks "$T/out")"
}

# The program and its fast path stay; nothing that should be signed leaves unsigned.
goes_on_without_daemon() { # ROUND
	expect "NICs with a program" "gwc0 gwp0" "$(attached | xargs)"
	wait_for 3 signer_has_gone || fail "a process is left: $(ip netns pids "$PREFIX-gw")"
	send_options "options-$1"
	send_invite "down-$1"
	expect_seen "options-$1" "unsigned 1"
	expect "an INVITE without signer" absent "$(seen "down-$1")"
}

start_again() { # ROUND
	start_gateway "$T/sipseal.yaml"
	expect "files that a crash left" "" "$(find "$T/trunks.d" "$T/state" -name '.*' -o -name '*.tmp' -o -name '*.new')"
	writer check || exit 1
	send_invite "again-$1"
	expect_seen "again-$1" "signed 1"
}

killed() {
	stop_pid "$(pid_of gateway)" KILL
	is_dead "$(pid_of gateway)" || fail "the daemon lives"
}

after_the_kill() { # ROUND
	files_are_whole
	goes_on_without_daemon "$1"
	start_again "$1"
}

calls_start() { # COUNT
	uas carrier_invite $CARRIER4 -p 5062
	wait_for 5 has_port carrier 5062 || fail "sipp did not start at the carrier"
	bg uac core sh -c "cd '$T' && exec sipp '$CARRIER4:5062' -sf '$HERE/sipp/pbx_invite.xml' -i $CORE4 -p 5072 -nostdin \
		-r 40 -m $1 -key caller $CALLER -key ruri 'sip:$CALLED@$CARRIER4;user=phone' \
		-key from '<sip:$CALLER@$CORE4;user=phone>' -key to '<sip:$CALLED@$CARRIER4;user=phone>' -key extra ''"
}

calls_complete() {
	wait_exit uac 40 || { tail -n 40 "$T/uac.log"; fail "not all calls were completed"; }
	stop uas
}

test_killed_while_trunks_are_written() {
	begin
	udp_sink $CARRIER4:5060
	sipseal trunk add calls "carrier.peers=$CARRIER4:5062" attestation=B pai.mode=off default_country_code=1
	local i
	RANDOM=$SEED
	for i in $(seq $ROUNDS); do
		rm -f "$T/writer.json"
		[ $((i % 5)) != 1 ] || calls_start 120
		bg writer gw python3 "$HERE/writer.py" write "$T/control.sock" "$T/writer.json" $((SEED + i))
		wait_for 5 has_begun || fail "the writer does not begin: $(cat "$T/writer.log")"
		sleep "0.$(printf %03d $((RANDOM % 400)))"
		killed
		wait_exit writer 5 || { cat "$T/writer.log"; fail "round $i: the writer was refused"; }
		if [ $((i % 5)) = 1 ]; then # calls wait for the restart, by their retransmissions
			files_are_whole
			start_again "$i"
			calls_complete
		else
			after_the_kill "$i"
		fi
	done
	stats
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

is_attached() { grep -qs attached "$T/strace.log"; }

# One operation, and the kill at the n-th call of one kind.
killed_at() { # OPERATION SYSCALL N
	rm -f "$T/writer.json"*
	bg writer gw python3 "$HERE/writer.py" write "$T/control.sock" "$T/writer.json" $((SEED + steps)) "$1"
	wait_for 5 has_begun || fail "the writer does not begin: $(cat "$T/writer.log")"
	bg strace gw strace -p "$(pid_of gateway)" -o "$T/strace.out" -e "trace=$2" -e "inject=$2:signal=KILL:when=$3"
	wait_for 5 is_attached || fail "strace does not attach: $(cat "$T/strace.log")"
	touch "$T/writer.json.go"
	wait_exit writer 10 || { cat "$T/writer.log"; fail "the writer was refused"; }
	steps=$((steps + 1))
	if wait_for 0 is_dead "$(pid_of gateway)"; then
		hits=$((hits + 1))
		echo "$1, killed at $2 $3:"
	else
		killed
		echo "$1, killed behind it ($2 $3 did not come):"
	fi
	stop strace
}

test_killed_at_every_step() {
	command -v strace >/dev/null || skip "no strace"
	begin
	udp_sink $CARRIER4:5060
	local op at hits=0 steps=0
	for op in add set remove; do
		for at in openat:1 openat:2 write:1 write:2 fchmod:1 fsync:1 rename:1 unlink:1 fsync:2 membarrier:1 sendmsg:1; do
			case $op:$at in remove:rename:*|remove:fchmod:*|remove:fsync:2|add:unlink:*|set:unlink:*) continue ;; esac
			killed_at $op "${at%:*}" "${at#*:}"
			files_are_whole
			start_again $steps
		done
	done
	echo "$hits of $steps steps"
	at_least "steps at which it was killed" 20 $hits
}

run_tests "$@"

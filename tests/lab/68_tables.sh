#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Keys that come often: each worker verifies by a table from some thousand calls on, and finds the same as before.
export LAB_QUEUES=2
# a worker that stands still on a busy machine loses nothing here
export UMEM_FRAMES=8192 HEARTBEAT_MS=5000
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

CALLS=4400 # per worker: it asks for a table after 2,048 good ones and, where there was none yet, after 4,096
RATE=450   # per second and sender, of whom each has a processor

from_processor() { # N COMMAND... : what this sends comes by rx queue N
	local cpu=$1
	shift
	(
		taskset -pc "$cpu" "$BASHPID" >/dev/null
		"$@"
	)
}

by_table() { sipseal -j stats | jq ".signer.per_worker[$1].verified_by_table"; } # WORKER

# The numbers of another call, a signature that was changed, one made with another key: as without a table.
faults() { # NAME
	calls <<-X
	$1-good => wire=passed status=STIR_VERIFIED
	$1-payload tamper=payload => wire=passed status=STIR_FAILED
	$1-signature tamper=signature => wire=passed status=STIR_FAILED reason=signature_bad
	$1-zero tamper=zero => wire=passed status=STIR_FAILED reason=signature_bad
	$1-key key=$T/other.pem => wire=passed status=STIR_FAILED reason=signature_bad
	$1-again => wire=passed status=STIR_VERIFIED
	X
}

test_two_workers() {
	local cpu before
	many_workers 2
	inbound_start
	spread_queues carrier carr0
	warm
	openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt >"$T/other.pem"
	for cpu in 0 1; do
		bg "often$cpu" carrier taskset -c $cpu python3 "$HERE/goodcalls.py" --prefix "$PREFIX" --key "$T/sti/key.pem" --x5u "$X5U" \
			--seconds $((CALLS / RATE + 1)) --rate $RATE --prefixid "often$cpu" --src $STRICT4
	done
	for cpu in 0 1; do
		wait_exit often$cpu 60 || { cat "$T/often$cpu.log"; fail "goodcalls.py"; }
		grep -E '^sent=([0-9]+) passed=\1 verified=\1 ' "$T/often$cpu.log" || { cat "$T/often$cpu.log"; fail "not all were verified"; }
	done
	sleep 1.2 # workers tell once per second
	for cpu in 0 1; do
		before=$(by_table $cpu)
		at_least "calls that worker $cpu verified by a table" 100 "$before"
		from_processor $cpu faults "cpu$cpu"
		sleep 1.2
		# the one with the changed payload fails before its signature is looked at, or by it
		at_least "of the faulty ones" 5 $(($(by_table $cpu) - before))
	done
	stats
	expect "signer restarts" 0 "$(signer_value restarts)"
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

run_tests "$@"

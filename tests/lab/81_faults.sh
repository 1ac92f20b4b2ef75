#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Processes are killed, stopped and restarted under load: retransmission completes every call, none leaves unsigned,
# and of a stream of numbered packets beside them none is lost.
. "$(dirname "$0")/lib.sh"
. "$HERE/loadlib.sh"
. "$HERE/faultlib.sh"

if [ "${SCALE:-ci}" = full ]; then
	SIGNERS=20 DAEMONS=20 RESTARTS=10 STOPS=5 RATE=${RATE:-500}
else
	SIGNERS=4 DAEMONS=4 RESTARTS=2 STOPS=1 RATE=${RATE:-120}
fi

begin() { # FAST_PATH
	make_certs "$T/sti"
	FAST_PATH=$1 gateway_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	capture_start core core core0 "$INVITES"
	capture_start carrier carrier carr0 "$INVITES"
	stream_start
	load_start v4 $CORE4 $CARRIER4 "$RATE"
	sleep 1
}

end() {
	calls_end
	tail -n 1 "$T/sums"
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

kill_signer() {
	local n
	n=$(restarts)
	kill -KILL "$(signer_pid)"
	wait_for 10 has_restarted "$n" || fail "the signer was not started again"
}

kill_daemon() {
	kill -KILL "$(pid_of gateway)"
	wait_for 5 is_dead "$(pid_of gateway)" || fail "the daemon lives"
	start_gateway "$T/sipseal.yaml"
}

kill_both() {
	local signer
	signer=$(signer_pid)
	kill -KILL "$signer" "$(pid_of gateway)"
	wait_for 5 is_dead "$(pid_of gateway)" || fail "the daemon lives"
	start_gateway "$T/sipseal.yaml"
}

restart_service() { # as systemd does it
	stop gateway
	start_gateway "$T/sipseal.yaml"
}

stop_signer() {
	local pid
	pid=$(signer_pid)
	kill -STOP "$pid"
	sleep 1.5
	kill -CONT "$pid"
}

times() { # N COMMAND...
	local i n=$1
	shift
	for ((i = 0; i < n; i++)); do
		"$@"
		sleep 1.2 # it is there for longer than it is away
	done
}

test_forward() {
	begin forward
	times $SIGNERS kill_signer
	times $STOPS stop_signer
	times $DAEMONS kill_daemon
	times $RESTARTS restart_service
	times 1 kill_both
	end
}

test_kernel() {
	begin kernel
	times 1 kill_signer
	times 1 kill_both
	times 1 restart_service
	end
}

run_tests "$@"

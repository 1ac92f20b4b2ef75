#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The service is restarted, also as another ABI version, and killed at any moment of its start: calls complete, no packet of
# a numbered stream is lost, and nothing is left that the next start does not adopt or clean.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"
. "$HERE/loadlib.sh"
. "$HERE/faultlib.sh"

OTHER_ABI=99
ABI=$(sed -n 's/^#define SIPSEAL_ABI_VERSION \([0-9]*\)$/\1/p' "$TOP/bpf/abi.h")
if [ "${SCALE:-ci}" = full ]; then STEP=1 RATE=${RATE:-300}; else STEP=45 RATE=${RATE:-80}; fi

# Unoptimised, that is quick; kept in the build directory.
other_build() {
	nice -n 5 make -s -C "$TOP" -j2 O="$O/abi$OTHER_ABI" OTHER_ABI=$OTHER_ABI CFLAGS=-O0 "${O#"$TOP"/}/abi$OTHER_ABI/sipseald" \
		"${O#"$TOP"/}/abi$OTHER_ABI/sipseal-signer" >"$T/make.log" 2>&1 || { cat "$T/make.log"; fail "the other version does not build"; }
	ln -sf "$O/sipseal-fetcher" "$O/abi$OTHER_ABI/"
}

use() { # VERSION : what gateway_start starts
	case $1 in
	$ABI) SIPSEALD=$O/sipseald LIBEXEC=$O ;;
	*) SIPSEALD=$O/abi$1/sipseald LIBEXEC=$O/abi$1 ;;
	esac
}

versions() { (cd "$BPF" && echo v*); } # of which there are pins
expect_version() { expect "directories of pins" "v$1" "$(versions)"; }

begin() {
	BPF=/run/$PREFIX-lab/bpf
	[ -d "$T/sti" ] || make_certs "$T/sti"
	FAST_PATH=forward gateway_yaml >"$T/sipseal.yaml"
}

change_to() { # VERSION [SIGNAL]
	stop gateway "${2:-TERM}"
	use "$1"
	start_gateway "$T/sipseal.yaml"
	expect_version "$1"
	sleep 0.7
}

detached() { # --detach leaves nothing
	inv_detached
	in_ns gw "$SIPSEALD" --detach --bpffs "$BPF" >"$T/detach.log" 2>&1 || { cat "$T/detach.log"; fail "sipseald --detach"; }
	expect "NICs with a program" "" "$(attached)"
	expect "pins" "" "$(ls "$BPF" | grep -v "\.debug$" || :)" # the kernel's own
}

test_upgrade_under_load() {
	begin
	other_build
	start_gateway "$T/sipseal.yaml"
	expect_version "$ABI"
	capture_start core core core0 "$INVITES"
	capture_start carrier carrier carr0 "$INVITES"
	stream_start
	load_start v4 $CORE4 $CARRIER4 "$RATE"
	sleep 1
	change_to "$ABI"
	change_to $OTHER_ABI
	change_to $OTHER_ABI
	change_to "$ABI"
	change_to $OTHER_ABI KILL
	change_to "$ABI" KILL
	calls_end
	stop gateway
	detached
}

# ---- kill -9 at the n-th call of a start ----------------------------------------------------------------------
# starts_killed CALL N -> 1 if there are not so many calls
starts_killed() {
	gateway_start "$T/sipseal.yaml" strace -D -o /dev/null -e "trace=$1" -e "inject=$1:signal=KILL:when=$2"
	wait_for 10 gateway_is_ready
	sleep 0.1
	is_alive "$(pid_of gateway)" || return 0
	stop gateway
	return 1
}

# What crosses without a daemon: everything but INVITEs, whatever is attached and pinned.
still_crosses() { # NAME
	send_options "$1"
	expect_seen "$1" "unsigned 1"
}

killed_at() { # NAME CALL N VERSION-AFTERWARDS
	starts_killed "$2" "$3" || return 1
	moments=$((moments + 1))
	still_crosses "$1-options"
	use "$4"
	start_gateway "$T/sipseal.yaml"
	expect_version "$4"
	send_invite "$1-signed"
	expect_seen "$1-signed" "signed 1"
}

observers_start() {
	udp_sink $CARRIER4:5060
	capture_start carrier carrier carr0 'udp port 5060'
}

# On a bare machine.
test_first_start_is_killed() {
	local n moments=0
	command -v strace >/dev/null || skip "no strace"
	begin
	observers_start
	for ((n = 1 + RANDOM % STEP; n < 400; n += STEP)); do
		use "$ABI"
		killed_at "first$n" bpf $n "$ABI" || break
		stop gateway
		detached
	done
	at_least "moments" 3 $moments
	report "first start: killed at $moments moments, the last one bpf(2) call $((n - STEP))"
}

# Over the pins of the other version; then that one or this one is started again.
test_upgrade_is_killed() {
	local n moments=0 version next
	command -v strace >/dev/null || skip "no strace"
	begin
	other_build
	observers_start
	start_gateway "$T/sipseal.yaml"
	version=$ABI
	for ((n = 1 + RANDOM % STEP; n < 400; n += STEP)); do
		next=$((version == ABI ? OTHER_ABI : ABI))
		stop gateway
		use $next
		killed_at "upgrade$n" bpf $n $((moments % 3 == 2 ? version : next)) || break
		[ $((moments % 3)) = 0 ] || version=$next # moments was counted up
	done
	at_least "moments" 3 $moments
	report "upgrade: killed at $moments moments, the last one bpf(2) call $((n - STEP))"
}

# A second --detach removes what a first one that was killed has left; so does a start.
test_detach_is_killed() {
	local n
	command -v strace >/dev/null || skip "no strace"
	begin
	observers_start
	for n in 1 2 3 7 14; do
		use "$ABI"
		start_gateway "$T/sipseal.yaml"
		stop gateway
		inv_detached
		in_ns gw strace -o /dev/null -e trace=unlink,unlinkat,rmdir -e "inject=unlink,rmdir:signal=KILL:when=$n" \
			"$SIPSEALD" --detach --bpffs "$BPF" >"$T/detach.log" 2>&1 && fail "--detach was not killed at $n"
		still_crosses "detach$n"
		if [ $((n % 2)) = 0 ]; then
			start_gateway "$T/sipseal.yaml"
			stop gateway
		fi
		detached
	done
}

run_tests "$@"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# 50,000 hostile packets per second from both sides: fragments that never become complete, spoofed INVITEs, INVITEs of
# 64 kB, random frames.  Calls of the trunks that behave go on, memory stays within its bound, every packet has its reason.
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

if [ "${SCALE:-ci}" = full ]; then SECONDS_OF=60; else SECONDS_OF=${HOSTILE_SECONDS:-8}; fi
RATE=${RATE:-50000}
CPS=${CPS:-40}                       # good calls per second, each way
OTHER4=10.66.2.12 OTHER6=fd66:2::12  # the peer of the trunk that is attacked, and in whose name
STRANGER4=10.66.2.30                 # of no trunk
CORE_OTHER4=10.66.1.40
# docs/operations.md: what a signer may take beside its UMEM, per worker, and for all of them
BOUND_WORKER_KB=$((80 * 1024)) BOUND_KB=$((27 * 1024))

mac_of() { in_ns "$1" ip -j link show "$2" | jq -r ".[0].address"; } # NS NIC

# Hosts that take all and answer nothing: the neighbour is there, the address is nobody's.
nobody() { # NIC MAC ADDRESS...
	local nic=$1 mac=$2 a
	shift 2
	for a in "$@"; do in_ns gw ip neigh replace "$a" lladdr "$mac" dev "$nic" nud permanent; done
}

begin() {
	bench_programs hostile
	MORE_TRUNKS="  - { name: other, carrier: { peers: [\"$OTHER4:5060\", \"[$OTHER6]:5060\"] }, attestation: B,
      default_country_code: \"1\", verification: { enabled: true } }"
	MORE_TRUNKS=$MORE_TRUNKS inbound_start
	nobody gwp0 "$(mac_of carrier carr0)" $OTHER4 $OTHER6 $STRANGER4
	nobody gwc0 "$(mac_of core core0)" $CORE_OTHER4
}

sipp_calls() { # NAME NS FROM UAS-NS TO PORT CALLER CALLED : CPS calls per second for some seconds longer than the attack
	local name=$1 ns=$2 from=$3 uas_ns=$4 to=$5 port=$6
	bg "uas$name" "$uas_ns" sipp -sf "$HERE/sipp/carrier_invite.xml" -i "$to" -p "$port" -nostdin
	wait_for 5 has_port "$uas_ns" "$port" || fail "sipp did not start in $uas_ns"
	bg "uac$name" "$ns" sh -c "cd '$T' && exec sipp '$to:$port' -sf '$HERE/sipp/pbx_invite.xml' -i '$from' -p 5070 -nostdin \
		-r $CPS -l 20000 -m $((CPS * (SECONDS_OF + 3))) -trace_stat -stf '$T/$name.csv' -fd 1 -trace_err -error_file '$T/$name.err' \
		-key caller $7 -key ruri 'sip:$8@$to;user=phone' -key from '<sip:$7@$from;user=phone>' -key to '<sip:$8@$to;user=phone>' -key extra ''"
}

sipp_value() { awk -F';' -v head="$2" 'NR == 1 { for (i = 1; i <= NF; i++) h[$i] = i } END { print $h[head] }' "$T/$1.csv"; } # NAME HEAD

calls_ok() { # NAME : 99.9 % complete
	wait_for 45 is_dead "$(pid_of "uac$1")" || fail "calls of $1 do not end"
	local all good
	all=$(sipp_value "$1" TotalCallCreated) good=$(sipp_value "$1" 'SuccessfulCall(C)')
	echo "# $1: $good of $all calls complete, $(sipp_value "$1" 'Retransmissions(C)') retransmissions"
	[ "$all" -ge $((CPS * SECONDS_OF)) ] || fail "$1: only $all calls were made"
	[ $((good * 1000)) -ge $((all * 999)) ] || fail "$1: $good of $all calls complete"
}

attack() { # NAME NS NIC GATEWAY-NIC RATE ARGUMENT...
	local name=$1 ns=$2 nic=$3 gw_nic=$4 rate=$5
	shift 5
	bg "$name" "$ns" "$O/bench/hostile" --nic "$nic" --mac "$(mac_of gw "$gw_nic")" --rate "$rate" --seconds "$SECONDS_OF" "$@"
}

attack_end() { # NAME
	wait_exit "$1" $((SECONDS_OF + 15)) || { cat "$T/$1.log"; fail "$1"; }
	echo "# $1: $(cat "$T/$1.log")"
}

rss() { sed -n "s/^$2:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$1/status"; } # PID VmRSS|VmHWM

test_hostile_traffic() {
	begin
	local signer daemon fetcher before workers bound
	signer=$(signer_pid) daemon=$(pid_of gateway) fetcher=$(fetcher_pid)
	sipp_calls out core $CORE4 carrier $CARRIER4 5060 $CALLER $CALLED
	sipp_calls in carrier $CARRIER4 core $CORE4 5080 $IN_CALLER $IN_CALLED
	sleep 1
	before="$(rss "$signer" VmRSS) $(rss "$daemon" VmRSS) $(rss "$fetcher" VmRSS)"
	attack outbound core core0 gwc0 $((RATE * 7 / 10)) --to $OTHER4 --to6 $OTHER6 --stranger $STRANGER4 --seed 1
	attack inbound carrier carr0 gwp0 $((RATE * 3 / 10)) --to $CORE_OTHER4 --from $OTHER4 --seed 2
	attack_end outbound
	attack_end inbound
	calls_ok out
	calls_ok in
	echo "# kB before: $before; at most: signer $(rss "$signer" VmHWM), daemon $(rss "$daemon" VmHWM), fetcher $(rss "$fetcher" VmHWM)"
	inv_sums || fail "sums"
	stats
	sipseal stats >"$T/stats.txt"
	sed 's/^/# /' "$T/stats.txt" | grep -v ' invites'
	workers=$(sipseal status -j | jq .signer.workers)
	bound=$((BOUND_KB + workers * (BOUND_WORKER_KB + 4 * 1024)))
	[ "$(rss "$signer" VmHWM)" -le $bound ] || fail "the signer took $(rss "$signer" VmHWM) kB, bound $bound"
	[ "$(rss "$daemon" VmHWM)" -le $((64 * 1024)) ] || fail "the daemon took $(rss "$daemon" VmHWM) kB"
	expect "signer restarts" 0 "$(signer_value restarts)"
	expect "signer" "$signer" "$(signer_pid)"
	at_least "hostile packets per second" $((RATE * 8 / 10)) "$(jq -s 'map(.rate) | add | floor' "$T/outbound.log" "$T/inbound.log")"
}

run_tests "$@"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Everything at once for SOAK_SECONDS (60; `make soak`: 600): calls both ways, IPv4 and IPv6, with locations, in fragments;
# reloads, changes of trunks, captures.  No call fails, memory is flat, every packet has a reason that is explained, the sums
# hold.  SOAK_DIR: where soak.csv and, with gnuplot, soak.svg go; SOAK_PROGRESS=1: a line every five seconds.
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

SOAK_SECONDS=${SOAK_SECONDS:-60}
SCALE_CPS=${SCALE_CPS:-1}
LOCATED4=10.66.2.14 OTHER4=10.66.2.12 # OTHER4: takes all and answers nothing
VERIFIED_PORT=6430                    # of goodcalls.py: 6000 + the sum of the bytes of "soak"
exec 3>&1

begin() {
	bench_programs hostile sipflood
	MORE_TRUNKS="  - name: located
    carrier: { peers: [\"$LOCATED4:5060\"] }
    attestation: A
    default_country_code: \"1\"
    numbers: [\"+1800555*\"]
    extras: { geolocation: { default_civic_address: { country: US, region: CA, city: San Francisco, street: 1 Market Street } } }
  - { name: other, carrier: { peers: [\"$OTHER4:5060\"] }, attestation: B, default_country_code: \"1\" }"
	MORE_TRUNKS=$MORE_TRUNKS HEARTBEAT_MS=2000 inbound_start
	in_ns carrier ip addr replace $LOCATED4/24 dev carr0
	in_ns gw ip neigh replace $OTHER4 lladdr "$(in_ns carrier ip -j link show carr0 | jq -r '.[0].address')" dev gwp0 nud permanent
	warm
}

# Caches that hold what was seen take their whole size by many different INVITEs, not by many calls.
fill_caches() {
	bg fill core "$O/bench/hostile" --nic core0 --mac "$(in_ns gw ip -j link show gwc0 | jq -r '.[0].address')" --to $OTHER4 \
		--mix spoof=1 --rate 8000 --seconds 12
	in_ns carrier "$O/bench/sipflood" --from $STRICT4 --to $CORE4:$VERIFIED_PORT --count 10000 --rate 3000 --key "$T/sti/key.pem" \
		--x5u "$X5U" >"$T/sipflood.log" || fail "sipflood"
	wait_exit fill 25 || fail "hostile: $(cat "$T/fill.log")"
}

uas_at() { # NAME NS SCENARIO ADDRESS PORT
	bg "uas$1" "$2" sipp -sf "$HERE/sipp/$3.xml" -i "$4" -p "$5" -nostdin
	wait_for 5 has_port "$2" "$5" || { tail -n 5 "$T/uas$1.log"; fail "sipp did not start in $2"; }
}

RUNS=()
run_calls() { # NAME NS SCENARIO FROM TO:PORT PORT CALLS/S CALLER CALLED [EXTRA]
	local name=$1 cps=$((SCALE_CPS * $7)) host
	host=${5%:*}
	RUNS+=("$name")
	bg "uac$name" "$2" sh -c "cd '$T' && exec sipp '$5' -sf '$HERE/sipp/$3.xml' -i '$4' -p $6 -nostdin -r $cps -l 20000 \
		-m $((cps * SOAK_SECONDS)) -trace_stat -stf '$T/$name.csv' -fd 1 -trace_err -error_file '$T/$name.err' \
		-key caller $8 -key ruri 'sip:$9@$host;user=phone' -key from '<sip:$8@$(host_of "$4");user=phone>' \
		-key to '<sip:$9@$host;user=phone>' -key extra '${10:-}'"
}

calls_are_done() { # NAME : none has failed
	wait_for 45 is_dead "$(pid_of "uac$1")" || fail "calls of $1 do not end"
	local all failed
	all=$(value "$1" TotalCallCreated) failed=$(value "$1" 'FailedCall(C)')
	echo "# calls $1: $all, failed $failed, retransmissions $(value "$1" 'Retransmissions(C)')"
	[ "$failed" = 0 ] || { tail -c 600 "$T/$1.err"; fail "$failed calls of $1 failed"; }
}
value() { awk -F';' -v head="$2" 'NR == 1 { for (i = 1; i <= NF; i++) h[$i] = i } END { print $h[head] }' "$T/$1.csv"; } # NAME HEAD

plot() {
	command -v gnuplot >/dev/null || { echo "# no gnuplot: no plot"; return 0; }
	gnuplot <<-X || echo "# gnuplot failed"
	set terminal svg size 900,600 background "white"
	set output "$1/soak.svg"
	set datafile separator ","
	set key outside
	set multiplot layout 2,1
	set ylabel "resident memory, MiB"
	set yrange [0:*]
	plot for [p in "daemon signer fetcher"] "$1/soak.csv" using "s":(column(p)/1024) with lines title p
	set ylabel "calls"
	set xlabel "seconds"
	plot for [p in "signed verified missing whole"] "$1/soak.csv" using "s":p with lines title p
	X
}

test_soak() {
	begin
	local out=${SOAK_DIR:-$T/soak} pad name
	pad="\\r\\nX-Padding: $(printf '%03500d' 0)"
	pad=$(printf "$pad")
	mkdir -p "$out"
	fill_caches
	uas_at out carrier carrier_call $CARRIER4 5060
	uas_at six carrier carrier_invite $CARRIER6 5060
	uas_at located carrier carrier_invite $LOCATED4 5060
	uas_at in core carrier_invite $CORE4 5080
	run_calls out core pbx_call $CORE4 $CARRIER4:5060 5070 10 $CALLER $CALLED
	run_calls six core pbx_invite $CORE6 "[$CARRIER6]:5060" 5070 5 $CALLER $CALLED
	run_calls located core pbx_invite $CORE4 $LOCATED4:5060 5071 5 $CALLER $CALLED
	run_calls large core pbx_invite $CORE4 $CARRIER4:5060 5072 4 $CALLER $CALLED "$pad"
	run_calls in carrier pbx_invite $CARRIER4 $CORE4:5080 5073 5 $IN_CALLER $IN_CALLED
	run_calls inlarge carrier pbx_invite $CARRIER4 $CORE4:5080 5074 4 $IN_CALLER $IN_CALLED "$pad"
	bg verified gw python3 "$HERE/goodcalls.py" --prefix "$PREFIX" --key "$T/sti/key.pem" --x5u "$X5U" --prefixid soak --src $STRICT4 \
		--seconds "$SOAK_SECONDS" --rate $((5 * SCALE_CPS))
	local rc=0
	python3 "$HERE/soak.py" --control "$T/control.sock" --config "$T/sipseal.yaml" --sipseal "$SIPSEAL" --seconds "$SOAK_SECONDS" \
		--pids "$(pid_of gateway)" "$(signer_pid)" "$(fetcher_pid)" --out "$out" ${SOAK_PROGRESS:+--progress} >"$T/soak.txt" 2>&1 || rc=$?
	[ ! -s "$out/soak.csv" ] || plot "$out"
	grep -v '^FAIL' "$T/soak.txt" || :
	for name in "${RUNS[@]}"; do calls_are_done "$name"; done
	wait_exit verified 15 || { cat "$T/verified.log"; fail "goodcalls.py"; }
	echo "# calls verified: $(cat "$T/verified.log")"
	expect "calls with an Identity that were not verified" 0 \
		"$(sed -n 's/^sent=\([0-9]*\) .* verified=\([0-9]*\) .*/\1 - \2/p' "$T/verified.log" | xargs expr || :)"
	if [ $rc != 0 ]; then
		sipseal stats
		grep '^FAIL' "$T/soak.txt" || fail "soak.py: status $rc"
		exit 1
	fi
}

run_tests "$@"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Thousands of random changes, good ones and bad ones, while calls go on.
. "$(dirname "$0")/lib.sh"

if [ "${SCALE:-ci}" = full ]; then CHANGES=10000 LIMIT=600; else CHANGES=${CHANGES:-400} LIMIT=120; fi
RATE=${RATE:-200}
SEED=${SEED:-$$}

pool() { # N : pairs of the lab as pool/SERIAL.pem and .key
	local serial
	mkdir -p "$T/pool" "$T/certs" "$T/sti"
	for _ in $(seq "$1"); do
		rm -rf "$T/made"
		make_certs "$T/made"
		serial=$(openssl x509 -in "$T/made/leaf.pem" -noout -serial | cut -d= -f2 | tr A-F a-f)
		cp "$T/made/leaf.pem" "$T/certs/$serial.pem"
		cp "$T/made/chain.pem" "$T/pool/$serial.pem"
		cp "$T/made/key.pem" "$T/pool/$serial.key"
	done
	install -m 600 "$T/pool/$serial.key" "$T/sti/foreign.key" # of no certificate that is used
	rm "$T/pool/$serial".*
	serial=$(basename -s .pem "$T"/pool/*.pem | head -n 1)
	for name in main one two; do
		install -m 644 "$T/pool/$serial.pem" "$T/sti/$name.pem"
		install -m 600 "$T/pool/$serial.key" "$T/sti/$name.key"
	done
}

begin() {
	echo "SEED=$SEED"
	pool 6
	HEARTBEAT_MS=5000 X5U='https://cert.example/{serial}.pem' CERT=main.pem KEY=main.key gateway_yaml | sed '/^trunks:/,$d' >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	sipseal trunk add acme carrier.peers="$CARRIER4:5060" attestation=A numbers=+1800555* origid=first \
		pai.mode=off default_country_code=1
}

load_start() {
	bg uas carrier sipp -sf "$HERE/sipp/carrier_invite.xml" -i $CARRIER4 -p 5060 -nostdin
	wait_for 5 has_port carrier 5060 || fail "sipp did not start at the carrier"
	bg uac core sh -c "cd '$T' && exec sipp '$CARRIER4:5060' -sf '$HERE/sipp/pbx_invite.xml' -i $CORE4 -p 5070 -nostdin \
		-r $RATE -l 20000 -m 1000000 -trace_stat -stf '$T/uac.csv' -fd 1 \
		-key caller $CALLER -key ruri 'sip:$CALLED@$CARRIER4;user=phone' \
		-key from '<sip:$CALLER@$CORE4;user=phone>' -key to '<sip:$CALLED@$CARRIER4;user=phone>' -key extra ''"
}

load_stop() {
	kill -USR1 "$(pid_of uac)"
	wait_for 20 is_dead "$(pid_of uac)" || fail "the calls do not end"
	expect "failed calls" 0 "$(awk -F';' 'NR == 1 { for (i = 1; i <= NF; i++) h[$i] = i } END { print $h["FailedCall(C)"] }' "$T/uac.csv")"
}

test_random_changes() {
	begin
	captures_start
	load_start
	sleep 1
	python3 "$HERE/churn.py" "$T/control.sock" "$T" "$CHANGES" "$SEED" "$LIMIT" "$(pid_of gateway)" || exit 1
	sleep 0.5
	load_stop
	captures_stop
	python3 "$HERE/check_live.py" "$T/core.pcap" "$T/carrier.pcap" --certs "$T/certs" --pairs A=first,B=second || exit 1
	stats
	for i in unknown_generation unknown_trunk stale_frame certificate_missing certificate_invalid sign_failed no_frame \
		attestation_none; do
		expect "$i" 0 "$(signer_count $i)"
	done
	expect "frames lost" 0 "$(signer_value frames_lost)"
	expect "signer restarts" 0 "$(signer_value restarts)"
}

run_tests "$@"

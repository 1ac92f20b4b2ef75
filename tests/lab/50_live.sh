#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Trunks, certificates and policy change on a gateway under load, and no call notices.
. "$(dirname "$0")/lib.sh"
. "$HERE/loadlib.sh"

if [ "${SCALE:-ci}" = full ]; then CHANGES=1000 SWAPS=100 RELOADS=20; else CHANGES=100 SWAPS=10 RELOADS=3; fi
RATE=${RATE:-300}

# new_certificate DIR NAME : another leaf and key of the lab, as DIR/NAME.pem and NAME.key, and in certs/SERIAL.pem
new_certificate() {
	local dir=$T/made serial
	rm -rf "$dir"
	make_certs "$dir"
	serial=$(openssl x509 -in "$dir/leaf.pem" -noout -serial | cut -d= -f2 | tr A-F a-f)
	mkdir -p "$T/certs" "$T/chains"
	cp "$dir/leaf.pem" "$T/certs/$serial.pem"
	cp "$dir/root.pem" "$T/chains/$serial.root"
	cp "$dir/intermediate.pem" "$T/chains/$serial.inter"
	# each file is replaced as a whole; the pair is only used once both are there
	install -m 644 "$dir/chain.pem" "$1/$2.pem.new" && mv "$1/$2.pem.new" "$1/$2.pem"
	install -m 600 "$dir/key.pem" "$1/$2.key.new" && mv "$1/$2.key.new" "$1/$2.key"
	echo "$serial"
}

live_yaml() {
	HEARTBEAT_MS=5000 CERT=main.pem KEY=main.key X5U='https://cert.example/{serial}.pem' gateway_yaml | sed '/^trunks:/,$d'
}

# acme: IPv4, the gateway's certificate, {serial}; other: IPv6, its own certificate under one URL
add_trunks() {
	sipseal trunk add acme carrier.peers="$CARRIER4:5060" attestation=A numbers=+1800555* origid=first \
		pai.mode=off default_country_code=1
	sipseal trunk add other carrier.peers="[\"[$CARRIER6]:5060\"]" attestation=B origid=other pai.mode=off \
		certificates.cert_path=other.pem certificates.key_path=other.key \
		certificates.x5u=https://cert.example/other.pem
}

swap() { # NAME : certificate and key of the gateway (main) or of trunk other
	local before serial
	serial=$(new_certificate "$T/sti" "$1")
	before=$(date +%s.%N)
	if [ "$1" = other ]; then sipseal cert reload --trunk other; else sipseal cert reload; fi >"$T/reload.log" 2>&1 ||
		{ cat "$T/reload.log"; fail "cert reload"; }
	[ "$1" != other ] || echo "$before $(date +%s.%N) $serial" >>"$T/swaps"
}

# What is changed together must be seen together: attest A with origid first, B with second.
change() { # NUMBER
	case $(($1 % 4)) in
	0) sipseal trunk add "t$1" carrier.peers="192.0.2.$(($1 % 200 + 1)):5060" attestation=A numbers=+1303555* ;;
	1) sipseal trunk set acme attestation=B origid=second ;;
	2) sipseal trunk set acme attestation=A origid=first ;;
	3) sipseal trunk remove "t$(($1 - 3))" ;;
	esac >"$T/change.log" 2>&1 || { cat "$T/change.log"; fail "change $1"; }
}

# A file of an operator, which a reload finds changed.
hand_written() { # NUMBER
	cat >"$T/trunks.d/hand.yaml" <<-X
	name: hand
	carrier: { peers: ["192.0.2.250:5060"] }
	attestation: A
	numbers: ["+1303556$(printf %04d "$1")"]
	X
}

secsipidx_samples() {
	local f serial n=0
	for f in "$T"/samples/*.identity; do
		serial=$(cat "${f%.identity}.serial")
		secsipidx -check -fidentity "$f" -p "$T/certs/$serial.pem" -expire 3600 -cert-verify 13 \
			-ca-file "$T/chains/$serial.root" -ca-inter "$T/chains/$serial.inter" >"$T/secsipidx.log" 2>&1 ||
			{ cat "$T/secsipidx.log"; fail "secsipidx refuses $f"; }
		n=$((n + 1))
	done
	at_least "samples for secsipidx" 5 $n
}

test_changes_under_load() {
	local i before
	mkdir -p "$T/sti" "$T/samples"
	new_certificate "$T/sti" main >/dev/null
	before=$(date +%s)
	echo "$((before - 1)) $before $(new_certificate "$T/sti" other)" >"$T/swaps"
	live_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	add_trunks
	captures_start
	load_start v4 $CORE4 $CARRIER4 "$RATE"
	load_start v6 $CORE6 $CARRIER6 30
	sleep 1
	for i in $(seq 0 $((CHANGES - 1))); do
		change "$i"
		if [ $((i % (CHANGES / SWAPS))) = 5 ]; then
			if [ $((i / (CHANGES / SWAPS) % 2)) = 0 ]; then swap main; else swap other; fi
		fi
		if [ $((i % (CHANGES / RELOADS + 1))) = 20 ]; then
			hand_written "$i"
			sipseal config reload >"$T/reload.log" 2>&1 || { cat "$T/reload.log"; fail "config reload"; }
			cat "$T/reload.log"
		fi
	done
	sleep 0.5
	load_stop v4
	load_stop v6
	captures_stop
	python3 "$HERE/check_live.py" "$T/core.pcap" "$T/carrier.pcap" --certs "$T/certs" --swaps "$T/swaps" \
		--pairs A=first,B=second --samples "$T/samples" || exit 1
	secsipidx_samples
	stats
	for i in unknown_generation unknown_trunk stale_frame certificate_missing sign_failed no_frame; do
		expect "$i" 0 "$(signer_count $i)"
	done
	expect "INVITEs dropped by XDP" 0 "$(xdp_count signer_down_dropped)"
	expect "frames lost" 0 "$(signer_value frames_lost)"
	expect "signer restarts" 0 "$(signer_value restarts)"
	sipseal status
}

run_tests "$@"

#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Whatever is wrong at start is named, ends with the right status, and leaves nothing behind.
. "$(dirname "$0")/lib.sh"

pins() { find "/run/$PREFIX-lab/bpf" -mindepth 1 ! -name '*.debug'; } # the kernel puts *.debug there itself

refused() { # STATUS WORD [PROGRAM PREFIX...] : with $T/sipseal.yaml
	local status=$1 word=$2 rc=0
	shift 2
	grep "$PREFIX" /proc/mounts >"$T/mounts.before" || :
	ip netns pids "$PREFIX-gw" >"$T/pids.before"
	gateway_start "$T/sipseal.yaml" "$@"
	wait_exit gateway 10 || rc=$?
	cat "$T/gateway.log"
	case $rc in $status) ;; *) fail "exit status $rc, expected $status" ;; esac
	grep -qiE -- "$word" "$T/gateway.log" || fail "the message does not say '$word'"
	expect "NICs with a program" "" "$(attached)"
	expect "pins left" "" "$(pins)"
	expect "processes left" "$(cat "$T/pids.before")" "$(ip netns pids "$PREFIX-gw")"
	[ ! -e "$T/control.sock" ] || fail "the control socket was left"
	grep "$PREFIX" /proc/mounts >"$T/mounts.after" || :
	cmp -s "$T/mounts.before" "$T/mounts.after" || fail "mounts changed"
}

good() {
	make_certs "$T/sti"
	gateway_yaml >"$T/sipseal.yaml"
}

test_unknown_key_and_more() {
	good
	sed -i 's/attestation: A/attestation: D\n    colour: red/; s/on_signer_failure: drop/on_signer_failure: maybe/' "$T/sipseal.yaml"
	refused 5 'sipseal.yaml:[0-9]+:[0-9]+: .*attestation'
	grep -qE 'sipseal.yaml:[0-9]+:[0-9]+: .*colour' "$T/gateway.log" || fail "the second error is not reported"
	grep -qE 'sipseal.yaml:[0-9]+:[0-9]+: .*on_signer_failure.*drop' "$T/gateway.log" || fail "what is allowed is not said"
}

test_no_file() {
	make_certs "$T/sti"
	rm -f "$T/sipseal.yaml"
	refused 5 'sipseal.yaml.*(No such file|not found|ENOENT|does not exist)'
}

test_no_yaml() {
	good
	printf 'gateway: [\n' >"$T/sipseal.yaml"
	refused 5 'sipseal.yaml:[0-9]+'
}

test_key_mode() {
	good
	chmod 644 "$T/sti/key.pem"
	refused 5 'key.*(mode|group|permission|0600|others)'
}

test_key_of_another_certificate() {
	good
	openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt >"$T/sti/key.pem" 2>/dev/null
	refused 5 'key.*(match|belong|fit)'
}

test_no_key() {
	good
	rm "$T/sti/key.pem"
	refused 5 'key'
}

test_key_outside_root() {
	good
	mv "$T/sti/key.pem" "$T/key.pem"
	ln -s ../key.pem "$T/sti/key.pem"
	refused 5 'key'
}

test_expired_certificate() {
	good
	self_signed "$T/sti" prime256v1 20200101000000Z 20200201000000Z "$TNAUTH"
	refused 5 'expired'
}

test_certificate_of_the_future() {
	good
	self_signed "$T/sti" prime256v1 20900101000000Z 20910101000000Z "$TNAUTH"
	refused 5 'not.yet.valid'
}

test_wrong_curve() {
	good
	self_signed "$T/sti" secp384r1 20200101000000Z 20900101000000Z "$TNAUTH"
	refused 5 'P-256'
}

test_no_tnauthlist() {
	good
	self_signed "$T/sti" prime256v1 20200101000000Z 20900101000000Z ''
	refused 5 'TNAuthList'
}

test_missing_nic() {
	good
	sed -i 's/gwp0/nosuch0/' "$T/sipseal.yaml"
	refused '[15]' nosuch0
}

test_no_bpffs() {
	good
	sed -i "s|bpffs: .*|bpffs: $T/nobpf|" "$T/sipseal.yaml"
	mkdir "$T/nobpf"
	refused 1 'bpffs.*mount|mount.*bpf'
}

# Pins in a bpffs that nobody else sees would go with the daemon, and the program with them.
test_private_bpffs() {
	good
	mkdir "$T/own"
	sed -i "s|bpffs: .*|bpffs: $T/own|" "$T/sipseal.yaml"
	# shellcheck disable=SC2016
	refused 1 'own.*mount namespace' unshare --mount --propagation private \
		sh -c 'mount -t bpf bpf "$0" && exec "$@"' "$T/own"
}

test_no_signer_program() {
	good
	mkdir "$T/libexec"
	LIBEXEC=$T/libexec refused 1 'sipseal-signer'
	cp /bin/true "$T/libexec/sipseal-signer"
	LIBEXEC=$T/libexec refused 1 'signer has ended'
	chmod 644 "$T/libexec/sipseal-signer"
	LIBEXEC=$T/libexec refused 1 'sipseal-signer.*0755'
}

# ---- inbound verification ------------------------------------------------------------------------------
with_anchors() { # YAML behind certificates
	good
	mkdir -p "$T/sti/anchors" "$T/cache"
	cp "$T/sti/root.pem" "$T/sti/anchors/"
	sed -i "s|^  x5u: .*|&\n  trust_anchors: anchors\n$1|" "$T/sipseal.yaml"
}

test_verification_without_anchors() {
	good
	echo '    verification: { enabled: true }' >>"$T/sipseal.yaml"
	refused 5 'sipseal.yaml:[0-9]+:[0-9]+: .*trust_anchors'
}

test_no_anchor_in_the_directory() {
	with_anchors 'fetch: { cache_dir: "" }'
	echo "no certificate" >"$T/sti/anchors/root.pem"
	refused 5 'trust_anchors.*certificate'
}

test_no_fetcher_program() {
	with_anchors 'fetch: { cache_dir: "" }'
	mkdir "$T/libexec"
	cp "$LIBEXEC/sipseal-signer" "$T/libexec/"
	LIBEXEC=$T/libexec refused 1 'sipseal-fetcher'
}

test_mark_of_a_real_header() {
	with_anchors 'fetch: { cache_dir: "" }'
	echo '    verification: { result_header: Via }' >>"$T/sipseal.yaml"
	refused 5 'result_header.*'
}

test_control_socket_impossible() {
	good
	sed -i "s|socket: .*|socket: $T/nosuch/control.sock|" "$T/sipseal.yaml"
	refused 1 'control.socket.*directory'
}

taken() { [ -n "$(in_ns gw ss -Hltn 'sport = :9497')" ]; }

test_metrics_port_taken() {
	good
	sed -i 's|metrics: .*|metrics: 127.0.0.1:9497|' "$T/sipseal.yaml"
	in_ns gw ip link set lo up
	bg taker gw python3 -m http.server --bind 127.0.0.1 9497
	wait_for 5 taken || fail "nobody took the port: $(cat "$T/taker.log")"
	refused 1 'metrics.*9497.*another port'
}

# The first one goes on as if nothing had happened, whatever the second would share with it.
test_second_daemon() {
	start_gateway
	capture_start carrier carrier carr0
	udp_sink "$CARRIER4:5060"
	local first rc=0
	first=$(pid_of gateway)
	sed "s|control.sock|control2.sock|" "$T/sipseal.yaml" >"$T/second.yaml"
	in_ns gw timeout 10 "$SIPSEALD" -c "$T/second.yaml" --state-dir "$T/state" --libexec "$LIBEXEC" \
		>"$T/second.log" 2>&1 || rc=$?
	cat "$T/second.log"
	expect "exit status" 1 $rc
	grep -q "another sipseald" "$T/second.log" || fail "the first one is not named"
	[ ! -e "$T/control2.sock" ] || fail "the control socket of the second was left"
	rc=0
	in_ns gw "$SIPSEALD" --detach -c "$T/sipseal.yaml" >"$T/second.log" 2>&1 || rc=$?
	expect "exit status of --detach beside it" 1 $rc
	is_alive "$first" || fail "the first daemon ended"
	send_invite after
	expect_seen after "signed 1"
	stats
}

test_missing_capability() {
	good
	local cap
	for cap in net_admin net_raw; do
		: >"$T/gateway.log"
		refused 1 "cap_$cap" setpriv --bounding-set "-$cap" --
	done
}

test_foreign_xdp_program() {
	good
	# not `ip link set xdp obj`: that takes the first bpffs it finds, or mounts one, for directories of its own
	bench_programs xdpdrop
	bg foreign gw "$O/bench/xdpdrop" gwp0
	wait_for 5 grep -qs ready "$T/foreign.log" || fail "xdpdrop: $(cat "$T/foreign.log")"
	local rc=0
	gateway_start "$T/sipseal.yaml"
	wait_exit gateway 10 || rc=$?
	cat "$T/gateway.log"
	expect "exit status" 1 $rc
	grep -q gwp0 "$T/gateway.log" || fail "the NIC is not named"
	expect "NICs with a program" gwp0 "$(attached)"
	expect "pins left" "" "$(pins)"
}

run_tests "$@"

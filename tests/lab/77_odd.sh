#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Odd neighbours: what would lose packets or calls without a word is found at start or in counters, and said with the remedy.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"

configured() {
	make_certs "$T/sti"
	gateway_yaml >"$T/sipseal.yaml"
}

refused() { # WORDS... : it does not start, and says all of them; nothing stays on the NICs
	local word
	gateway_start "$T/sipseal.yaml"
	wait_for 10 is_dead "$(pid_of gateway)" || fail "it runs"
	for word in "$@"; do
		grep -F 'event=start' "$T/gateway.log" | grep -qF -e "$word" || fail "not said: $word: $(grep event=start "$T/gateway.log")"
	done
}

warning() { # CODE -> text
	sipseal -j status | jq -r --arg c "$1" '.warnings[] | select(.code == $c) | .text'
}

said() { # CODE WORDS... : by status; and in the log where that is looked at at start
	local code=$1 text word
	shift
	text=$(warning "$code")
	[ -n "$text" ] || fail "status does not say $code: $(sipseal -j status | jq -c .warnings)"
	for word in "$@"; do
		case $text in *"$word"*) ;; *) fail "$code: no \"$word\" in: $text" ;; esac
	done
}

calls() {
	captures_start
	uas carrier_call $CARRIER4 -m 2
	uac pbx_call $CORE4 $CARRIER4 -m 2
	captures_stop
	check_calls --added Identity
}

# ---- another XDP program -----------------------------------------------------------------------------
other_program() { # NIC MODE (xdpdrv, xdpgeneric): XDP_PASS by the name of bystander
	cat >"$T/bystander.bpf.c" <<-'X'
	#include <linux/bpf.h>
	__attribute__((section("xdp"), used)) int bystander(struct xdp_md *ctx) { return ctx ? XDP_PASS : XDP_ABORTED; }
	char _license[] __attribute__((section("license"), used)) = "GPL";
	X
	clang -O2 -g -target bpf -I"/usr/include/$(uname -m)-linux-gnu" -c "$T/bystander.bpf.c" -o "$T/bystander.o"
	bpftool prog load "$T/bystander.o" "/run/$PREFIX-lab/bpf/bystander" type xdp
	in_ns gw bpftool net attach "$2" pinned "/run/$PREFIX-lab/bpf/bystander" dev "$1"
}

taken() { # MODE of the other one
	configured
	other_program gwp0 "$1"
	refused 'interface=gwp0' 'another XDP program' '"bystander"' "ip link set dev gwp0 ${1%drv} off"
	expect "the other program is still there" gwp0 "$(attached)"
	in_ns gw ip link set dev gwp0 "${1%drv}" off
	sums_are_not_kept "the other program was shown packets, too"
	start_gateway "$T/sipseal.yaml" # the remedy
}

test_other_program_native() { taken xdpdrv; }
test_other_program_generic() { taken xdpgeneric; }

# ---- native XDP refuses ------------------------------------------------------------------------------
jumbo() { # XDP_MODE
	XDP_MODE=$1 configured
	in_ns carrier ip link set carr0 mtu 9000
	in_ns gw ip link set gwp0 mtu 9000
	refused 'interface=gwp0' 'native XDP refuses the MTU' 'lower it, or use xdp_mode generic'
	expect "NICs with XDP" "" "$(attached)"
	in_ns carrier ip link set carr0 mtu 1500
	in_ns gw ip link set gwp0 mtu 1500
	start_gateway "$T/sipseal.yaml" # the remedy
	calls
}

test_mtu_native() { jumbo native; }
test_mtu_auto() { jumbo auto; }

test_mtu_other_remedy() {
	XDP_MODE=generic configured
	in_ns carrier ip link set carr0 mtu 9000
	in_ns gw ip link set gwp0 mtu 9000
	start_gateway "$T/sipseal.yaml"
	calls
}

test_fewer_queues_than_the_peer() {
	configured
	in_ns gw ethtool -L gwp0 rx 2
	refused 'interface=gwp0' 'as many rx queues as the peer has tx queues' 'ethtool -L' 'xdp_mode generic'
	expect "NICs with XDP" "" "$(attached)"
	in_ns gw ethtool -L gwp0 rx 4
	start_gateway "$T/sipseal.yaml"
}

# ---- a far end without NAPI ----------------------------------------------------------------------------
# It is in this namespace, as that of a virtual machine or container's bridge would be: seen, named, and mended.
test_veth_far_end_here() {
	configured
	in_ns gw ip link add gwx0 numtxqueues 4 numrxqueues 4 type veth peer name gwx1 numtxqueues 4 numrxqueues 4
	in_ns gw ip link set gwx0 up
	in_ns gw ip link set gwx1 up
	sed -i 's/gwc0, side: core/gwx0, side: core/' "$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	said veth_far_end 'gwx0' 'lost there without a trace' 'ethtool -K gwx1 gro on' 'fast_path: kernel'
	grep -q 'event=oddity interface=gwx0 code=veth_far_end .*ethtool -K gwx1 gro on' "$T/gateway.log" || fail "the log does not say it"
	in_ns gw "$SIPSEALD" --check -c "$T/sipseal.yaml" >"$T/check.txt" 2>&1 || { cat "$T/check.txt"; fail "--check"; }
	grep -q '^warning: gwx0 .*ethtool -K gwx1 gro on' "$T/check.txt" || fail "--check does not say it: $(cat "$T/check.txt")"
	in_ns gw ethtool -K gwx1 gro on
	expect "after the remedy" "" "$(warning veth_far_end)"
}

# In another namespace it cannot be asked.  That it loses packets is shown, and that the remedy mends it.
options_arrive() { # CALL-ID -> yes or no
	send_options "$1"
	sleep 0.2
	if [ "$(seen "$1")" = absent ]; then echo no; else echo yes; fi
}

test_veth_far_end_elsewhere() {
	configured
	start_gateway "$T/sipseal.yaml"
	capture_start carrier carrier carr0
	udp_sink $CARRIER4:5060
	expect "with GRO" yes "$(options_arrive a)"
	in_ns carrier ethtool -K carr0 gro off
	expect "without" no "$(options_arrive b)"
	said veth_far_end_unseen gwp0 'another network namespace' 'ethtool -K NIC gro on' 'fast_path: kernel'
	in_ns carrier ethtool -K carr0 gro on
	expect "with GRO again" yes "$(options_arrive c)"
}

# fast_path kernel redirects nothing: no far end matters, and nothing is said.
test_veth_far_end_kernel() {
	FAST_PATH=kernel configured
	in_ns carrier ethtool -K carr0 gro off
	in_ns core ethtool -K core0 gro off
	start_gateway "$T/sipseal.yaml"
	calls
	expect "warnings" "" "$(warning veth_far_end_unseen)$(warning veth_far_end)"
}

# ---- checksums that nobody finished -----------------------------------------------------------------------
test_partial_checksums() {
	configured
	in_ns core ethtool -K core0 tx on >/dev/null
	start_gateway "$T/sipseal.yaml"
	capture_start carrier carrier carr0
	udp_sink $CARRIER4:5060
	send_options first # the kernel finds the neighbour
	expect_seen first "unsigned 1"
	send_options a
	expect_seen a "unsigned 1"
	send_invite b
	expect_seen b "signed 1"
	local i
	for i in 1 2 3 4 5 6 7 8; do send_options "more$i"; done # one is no warning: a right one may look like it
	expect_seen more8 "unsigned 1"
	stats
	at_least "partial_checksum" 8 "$(xdp_count partial_checksum)"
	said partial_checksum 'UDP checksum' 'ethtool -K' 'tx off'
}

# ---- tags out of sight -----------------------------------------------------------------------------------
# A bridge that hides tags would lose them; where nothing is tagged there is nothing to say.
test_hidden_tags() {
	configured
	start_gateway "$T/sipseal.yaml"
	expect "mode routed, no VLAN devices" "" "$(warning vlan_tags_hidden)"
	stop_gateway
	in_ns gw ethtool -k gwp0 | grep -q '^rx-vlan-offload: on' || skip "this veth has no rx-vlan-offload"
	sed -i 's/mode: routed/mode: wire/; s/fast_path: forward/fast_path: auto/' "$T/sipseal.yaml"
	in_ns gw "$SIPSEALD" --check -c "$T/sipseal.yaml" >"$T/check.txt" 2>&1 || { cat "$T/check.txt"; fail "--check"; }
	grep -q '^warning: gwp0 takes VLAN tags out .*without their tag: ethtool -K gwp0 rxvlan off' "$T/check.txt" ||
		fail "--check does not say it: $(cat "$T/check.txt")"
	in_ns gw ethtool -K gwp0 rxvlan off >/dev/null
	in_ns gw "$SIPSEALD" --check -c "$T/sipseal.yaml" >"$T/check.txt" 2>&1 || fail "--check"
	! grep -q '^warning: gwp0 takes' "$T/check.txt" || fail "said after the remedy"
}

# ---- what the mode decides ---------------------------------------------------------------------------------
# A start in modes wire and host asks nobody who forwards: --check says the same, and no remedy that the mode refuses.
checked() { # --check of $T/sipseal.yaml, in $T/check.txt
	in_ns gw "$SIPSEALD" --check -c "$T/sipseal.yaml" >"$T/check.txt" 2>&1 || { cat "$T/check.txt"; fail "--check"; }
}

test_check_of_other_modes() {
	configured
	sed -i 's/mode: routed/mode: wire/; s/fast_path: forward/fast_path: auto/' "$T/sipseal.yaml"
	checked
	grep -q '^fast path: forward (mode wire' "$T/check.txt" || fail "mode wire: $(cat "$T/check.txt")"
	grep -q '^notice: gwp0 is a veth whose far end' "$T/check.txt" || fail "mode wire: $(cat "$T/check.txt")"
	! grep -q 'fast_path: kernel' "$T/check.txt" || fail "a remedy that mode wire refuses: $(cat "$T/check.txt")"
	sed -i 's/mode: wire/mode: host/; /name: gwc0, side: core/d' "$T/sipseal.yaml"
	checked
	grep -q '^fast path: kernel (mode host' "$T/check.txt" || fail "mode host: $(cat "$T/check.txt")"
	! grep -qE '^(warning|notice): ' "$T/check.txt" || fail "mode host without VLAN devices: $(cat "$T/check.txt")"
}

# ---- a link that is gone -------------------------------------------------------------------------------
# The NIC itself is up: the far end is not.
test_link_down() {
	configured
	start_gateway "$T/sipseal.yaml"
	udp_sink $CARRIER4:5060
	send_invite before
	expect "with a link" "" "$(warning interface_down)"
	in_ns carrier ip link set carr0 down
	said interface_down 'interface gwp0 has no link' 'far end'
	in_ns carrier ip link set carr0 up
	expect "after the remedy" "" "$(warning interface_down)"
	lab up # addresses and routes that went with the link
}

# ---- a NIC that is gone --------------------------------------------------------------------------------
is_gone_said() { [ -n "$(warning interface_gone)" ]; }

test_nic_that_vanishes() {
	configured
	start_gateway "$T/sipseal.yaml"
	in_ns gw ip link del gwp0
	wait_for 5 is_gone_said || fail "status does not say it"
	said interface_gone 'interface gwp0 is gone' 'restart sipseald'
	is_alive "$(pid_of gateway)" || fail "the daemon ended"
	lab up # it is back, as another one
	said interface_gone 'interface gwp0 is gone'
	stop gateway
	start_gateway "$T/sipseal.yaml" # the remedy
	expect "interface_gone" "" "$(warning interface_gone)"
	calls
}

test_nic_that_is_not_there() {
	configured
	sed -i 's/gwp0/nosuch0/' "$T/sipseal.yaml"
	refused 'interface nosuch0: there is none' 'gwp0'
	in_ns gw "$SIPSEALD" --check -c "$T/sipseal.yaml" >"$T/check.txt" 2>&1 || { cat "$T/check.txt"; fail "--check"; }
	grep -q '^notice: not looked at: interface nosuch0' "$T/check.txt" || fail "--check: $(cat "$T/check.txt")"
}

run_tests "$@"

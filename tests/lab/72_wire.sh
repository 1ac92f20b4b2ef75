#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A bump in the wire: calls are signed and verified, and everything else crosses as it came.
export LAB_TOPOLOGY=wire
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"

frames() { python3 "$HERE/frames.py" "$@"; }
nic_json() { ip -n "$PREFIX-gw" -d -j link show "$1"; }
mac_of() { ip -n "$PREFIX-$1" -j link show "$2" | jq -r '.[0].address'; } # NS NIC
is_promisc() { nic_json "$1" | jq -r '.[0].flags | index("PROMISC") != null'; }
ipv6_off() { in_ns gw cat "/proc/sys/net/ipv6/conf/$1/disable_ipv6"; }
rxvlan() { in_ns gw ethtool -k "$1" | sed -n 's/^rx-vlan-offload: \(o[nf]*\).*/\1/p'; }
settings() { local n; for n in gwc0 gwp0; do echo "$(is_promisc $n) $(ipv6_off $n) $(rxvlan $n)"; done | xargs; }

all_captures() { # also what is no IP
	capture_start core core core0 'greater 1'
	capture_start carrier carrier carr0 'greater 1'
	local mac
	mac=$(mac_of core core0)
	in_ns core python3 "$HERE/frames.py" send core0 "020000000001${mac//:/}88b6"
	mac=$(mac_of carrier carr0)
	in_ns carrier python3 "$HERE/frames.py" send carr0 "020000000001${mac//:/}88b6"
}

# Whatever a host has sent, INVITEs aside, has come to the other one, byte by byte: MACs and TTL among them.
nothing_lost() {
	local n
	n=$(frames lost "$T/core.pcap" "$T/carrier.pcap" "$(mac_of core core0)")
	expect "frames of the core that did not arrive" 0 "${n%% *}"
	n=$(frames lost "$T/carrier.pcap" "$T/core.pcap" "$(mac_of carrier carr0)")
	expect "frames of the carrier that did not arrive" 0 "${n%% *}"
	echo "frames: $n"
}

# ---- calls -------------------------------------------------------------------------------------------
outbound() { # CORE CARRIER
	start_gateway
	all_captures
	uas carrier_call "$2" -m 3
	uac pbx_call "$1" "$2" -m 3 -r 20
	stop uas
	uas carrier_register "$2" -m 1
	uac pbx_register "$1" "$2"
	stop uas
	uas carrier_options "$2" -m 1
	uac pbx_options "$1" "$2"
	captures_stop
	check_calls --attest A --added Identity Date P-Asserted-Identity Privacy
	local f
	for f in "$T"/identity.*.txt; do secsipidx_verify "$f"; done
	nothing_lost
	expect "frame of the INVITE" "$(mac_of carrier carr0) $(mac_of core core0) 64" \
		"$(frames invite "$T/carrier.pcap" 'INVITE sip:')"
	stats
	expect "signed" "$(calls_value invites)" "$(($(signer_count signed) + $(signer_count replayed)))"
	expect "left to the kernel" 0 "$(xdp_count kernel)"
	at_least "crossed" 20 "$(xdp_count forwarded)"
	# who asked found the other one, through us
	expect "neighbour of the core" "$(mac_of carrier carr0)" "$(ip -n "$PREFIX-core" -j neigh show "$2" | jq -r '.[0].lladdr')"
	expect "mode" wire "$(sipseal -j status | jq -r .mode)"
}

test_outbound_ipv4() { outbound $CORE4 $CARRIER4; }
test_outbound_ipv6() { outbound $CORE6 $CARRIER6; }

# Certificates are fetched by another way than the wire, here over the loopback of the gateway's machine.
test_inbound() {
	WEB=https://127.0.0.1:8443 X5U=https://127.0.0.1:8443/chain.pem SERVER_NS=gw CARRIER4=127.0.0.1 make_chains
	X5U=https://127.0.0.1:8443/chain.pem
	SERVER_NS=gw inbound_start
	all_captures
	verified_call
	nothing_lost
	expect "frame of the INVITE" "$(mac_of core core0) $(mac_of carrier carr0) 64" "$(frames invite "$T/core.pcap" 'INVITE sip:')"
}

# A refusal goes back to who asked: out of the NIC that the INVITE came in on, tagged as it was.
test_refused_call() {
	in_ns core ethtool -K core0 txvlan off >/dev/null
	TRUNK="    attestation_other: reject" start_gateway
	all_captures
	udp_sink $CARRIER4:5060
	local tags
	for tags in "" "--tag 8100.100"; do
		invite_file "$T/out.sip" "outside${tags:+-tagged}"
		sed -i 's/+18005550100/+19995550100/' "$T/out.sip"
		in_ns core python3 "$HERE/frames.py" udp core0 "$(mac_of carrier carr0)" $CORE4:5070 $CARRIER4:5060 "$T/out.sip" $tags
		sleep 0.3
	done
	captures_stop
	expect "at the carrier" "absent absent" "$(seen outside) $(seen outside-tagged)"
	expect "answers" "403 outside $(mac_of core core0)  403 outside-tagged $(mac_of core core0) 100" \
		"$(tshark -r "$T/core.pcap" -Y "sip.Status-Code && !icmp" -T fields -E separator=' ' -e sip.Status-Code -e sip.Call-ID -e eth.dst -e vlan.id 2>/dev/null | paste -sd' ')"
	stats
	expect "number_refused" 2 "$(signer_count number_refused)"
}

# ---- what is no call ---------------------------------------------------------------------------------
LLDP=0180c200000e02000000000188cc0207040200000000010403056574683006020078000000000000000000000000000000000000000000000000000000
UNKNOWN=02000000000202000000000188b5$(printf '%046d' 7)
RUNT=02000000000202000000000108004500

crossing() { # once each way
	in_ns core python3 "$HERE/frames.py" send core0 $LLDP $UNKNOWN $RUNT
	in_ns carrier python3 "$HERE/frames.py" send carr0 $LLDP $UNKNOWN $RUNT
	ip -n "$PREFIX-core" neigh flush all
	ip -n "$PREFIX-carrier" neigh flush all
	udp_sink $CARRIER4:7000 "[$CARRIER6]:7000"
	in_ns core python3 "$HERE/udp.py" rtp $CORE4:6000 $CARRIER4:7000 5
	in_ns core python3 "$HERE/udp.py" rtp "[$CORE6]:6000" "[$CARRIER6]:7000" 5
	stop sink-carrier
}

has_crossed() {
	local name
	for name in core carrier; do
		expect "LLDP, unknown and short at the $name" "2 2 2" "$(frames count "$T/$name.pcap" $LLDP $UNKNOWN $RUNT | sed 's/^1$/1 (only its own)/' | xargs)"
	done
	at_least "RTP" 10 "$(tshark -r "$T/carrier.pcap" -Y 'udp.dstport == 7000' 2>/dev/null | wc -l)"
	at_least "ARP" 2 "$(tshark -r "$T/carrier.pcap" -Y 'arp' 2>/dev/null | wc -l)"
	at_least "ND" 2 "$(tshark -r "$T/carrier.pcap" -Y 'icmpv6.type == 135 || icmpv6.type == 136' 2>/dev/null | wc -l)"
	nothing_lost
}

test_everything_crosses() {
	start_gateway
	all_captures
	crossing
	captures_stop
	has_crossed
	stats
	at_least "no IP" 6 "$(xdp_count not_ip)"
}

tagged() { # CALL-ID FRAMES.PY-ARGUMENT...
	local id=$1
	shift
	invite_file "$T/$id.sip" "$id"
	in_ns core python3 "$HERE/frames.py" udp core0 "$(mac_of carrier carr0)" $CORE4:5070 $CARRIER4:5060 "$T/$id.sip" "$@"
	expect_seen "$id" "signed 1"
	id=$(frames invite "$T/carrier.pcap" "Call-ID: $id")
	echo "${id#* * }"
}

test_tags_and_ttl() {
	in_ns core ethtool -K core0 txvlan off >/dev/null
	start_gateway
	all_captures
	expect "no tag, TTL 1" "1" "$(tagged last-hop --ttl 1)"
	expect "VLAN" "8100.100 64" "$(tagged vlan --tag 8100.100)"
	expect "QinQ" "88a8.200 8100.100 7" "$(tagged qinq --tag 88a8.200 --tag 8100.100 --ttl 7)"
	captures_stop
	stats
	expect "signed" 3 "$(signer_count signed)"
	expect "frames lost" 0 "$(signer_value frames_lost)"
}

long_file() { # FILE BYTES : makes an INVITE longer
	python3 - "$1" "$2" <<-P
		import sys
		data = open(sys.argv[1], "rb").read()
		open(sys.argv[1], "wb").write(data.replace(b"Max-Forwards", b"Subject: " + b"x" * int(sys.argv[2]) + b"\r\nMax-Forwards"))
	P
}

# An INVITE in fragments is signed; what else comes in fragments crosses as it came.
test_fragments() {
	start_gateway
	all_captures
	udp_sink $CARRIER4:5060 $CARRIER4:7000
	invite_file "$T/long.sip" long
	long_file "$T/long.sip" 4000
	send_files $CORE4:5070 $CARRIER4:5060 "$T/long.sip"
	expect_seen long "signed 1"
	captures_stop
	rm "$T"/*.pcap
	all_captures
	send_files $CORE4:5071 $CARRIER4:7000 "$T/long.sip" "$T/long.sip"
	sleep 0.3
	captures_stop
	# of three fragments each, the first one is no INVITE to `lost` either
	expect "as they were sent" "$(tshark -r "$T/core.pcap" -Y 'ip.flags.mf == 1 || ip.frag_offset > 0' -x 2>/dev/null | sort)" \
		"$(tshark -r "$T/carrier.pcap" -Y 'ip.flags.mf == 1 || ip.frag_offset > 0' -x 2>/dev/null | sort)"
	at_least "fragments" 6 "$(tshark -r "$T/carrier.pcap" -Y 'ip.flags.mf == 1 || ip.frag_offset > 0' 2>/dev/null | wc -l)"
}

# ---- without a signer --------------------------------------------------------------------------------
without_signer() { # POLICY WANTED
	ON_FAILURE=$1 start_gateway
	stop gateway KILL
	sleep 0.7 # the heartbeat is old
	all_captures
	crossing
	udp_sink $CARRIER4:5060
	send_invite gone
	send_invite sos urn:service:sos
	expect_seen sos "unsigned 1"
	[ "$2" = absent ] || expect_seen gone "$2"
	expect "INVITE at the carrier" "$2" "$(seen gone)"
	captures_stop
	has_crossed
}

test_killed_drop() { without_signer drop absent; }
test_killed_pass() { without_signer pass "unsigned 1"; }

# ---- what is done to the NICs ------------------------------------------------------------------------
test_settings() {
	local before
	before=$(settings)
	expect "before" "false 0 on false 0 on" "$before"
	start_gateway
	expect "while it runs" "true 1 off true 1 off" "$(settings)"
	sipseal -j status | jq -r '.topology.interfaces.gwc0' | grep -q 'promiscuous, IPv6 off, rx-vlan-offload off' ||
		fail "status: $(sipseal -j status | jq -c .topology)"
	stop gateway KILL
	expect "after a crash" "true 1 off true 1 off" "$(settings)"
	start_gateway
	stop_gateway
	expect "after --detach" "$before" "$(settings)"
	[ ! -e "/run/$PREFIX-lab/bpf/wire" ] || fail "marks are left"
}

# What was so before us is not ours to take back.
test_settings_of_others() {
	ip -n "$PREFIX-gw" link set gwc0 promisc on
	in_ns gw sysctl -qw net.ipv6.conf.gwp0.disable_ipv6=1
	start_gateway
	stop_gateway
	expect "after --detach" "true 0 on false 1 on" "$(settings)"
}

# From elsewhere XDP goes, the settings cannot: that is no success, and the next one finishes it.
test_detach_elsewhere() {
	start_gateway
	stop gateway
	exits 1 in_ns core "$SIPSEALD" --detach --bpffs "/run/$PREFIX-lab/bpf"
	grep -q 'was set in another network namespace: detach there' "$T/err" || fail "it does not say why: $(cat "$T/err")"
	expect "after --detach elsewhere" "true 1 off true 1 off" "$(settings)"
	exits 0 in_ns gw "$SIPSEALD" --detach --bpffs "/run/$PREFIX-lab/bpf"
	expect "after --detach" "false 0 on false 0 on" "$(settings)"
}

# A start in another mode takes over, and takes back.
test_other_mode() {
	start_gateway
	stop gateway
	sed -i 's/mode: wire/mode: routed/' "$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	expect "in mode routed" "false 0 on false 0 on" "$(settings)"
	grep -q 'event=topology mode=routed' "$T/gateway.log" || fail "the log does not name the mode"
}

refused() { # PATTERN
	[ -d "$T/sti" ] || make_certs "$T/sti"
	gateway_yaml >"$T/sipseal.yaml"
	gateway_start "$T/sipseal.yaml"
	wait_exit gateway 10 && fail "it started"
	grep -qE "$1" "$T/gateway.log" || { cat "$T/gateway.log"; fail "the log does not say $1"; }
	expect "left behind" "false 0 on false 0 on" "$(settings)"
	[ ! -e "/run/$PREFIX-lab/bpf/wire" ] || fail "marks are left"
}

test_address() {
	ip -n "$PREFIX-gw" addr add 192.0.2.1/24 dev gwp0
	refused 'interface gwp0: has the address 192.0.2.1/24.*ip addr flush dev gwp0'
	ip -n "$PREFIX-gw" addr flush dev gwp0
	ip -n "$PREFIX-gw" addr add 2001:db8::1/64 dev gwc0 nodad
	refused 'interface gwc0: has the address 2001:db8::1/64.*ip addr flush dev gwc0'
}

# Everything is done to the NICs, and then a later step fails.
test_failed_start() {
	ip -n "$PREFIX-gw" link set gwp0 down
	refused 'gwp0 is down'
}

run_tests "$@"

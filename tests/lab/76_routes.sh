#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Neighbours and routes change under a gateway that runs: next hops move, routes get another next hop or another MTU, routers
# behind it say that packets are too big, netfilter has rules.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"

FAR4=10.66.3.2 FAR6=fd66:3::2         # behind the carrier's router
MAC=02:00:00:00:00:77

configured() {
	[ -d "$T/sti" ] || make_certs "$T/sti"
	gateway_yaml >"$T/sipseal.yaml"
}

# far_up MTU - a network behind `carrier`, which routes; its link has this MTU.  Gone with the test.
far_up() {
	trap far_down EXIT
	ip netns add "$PREFIX-far"
	ip -n "$PREFIX-carrier" link add carr1 type veth peer name far0 netns "$PREFIX-far"
	ip -n "$PREFIX-far" link set lo up
	in_ns far sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0
	ip -n "$PREFIX-carrier" link set carr1 mtu "$1" up
	ip -n "$PREFIX-far" link set far0 mtu "$1" up
	ip -n "$PREFIX-carrier" addr add 10.66.3.1/24 dev carr1
	ip -n "$PREFIX-carrier" addr add fd66:3::1/64 dev carr1 nodad
	ip -n "$PREFIX-far" addr add $FAR4/24 dev far0
	ip -n "$PREFIX-far" addr add $FAR6/64 dev far0 nodad
	ip -n "$PREFIX-far" route add default via 10.66.3.1
	ip -n "$PREFIX-far" route add default via fd66:3::1
	in_ns carrier sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	far_routes gw $CARRIER4 $CARRIER6
	far_routes core 10.66.1.1 fd66:1::1
}

far_routes() { # NS VIA4 VIA6
	ip -n "$PREFIX-$1" route replace 10.66.3.0/24 via "$2"
	ip -n "$PREFIX-$1" route replace fd66:3::/64 via "$3"
}

far_down() {
	ip -n "$PREFIX-carrier" link del carr1 2>/dev/null || :
	ip netns del "$PREFIX-far" 2>/dev/null || :
}

far_configured() { # the trunk's peers are there
	configured
	sed -i "s/\"$CARRIER4:5060\", \"\[$CARRIER6\]:5060\"/\"$FAR4:5060\", \"[$FAR6]:5060\"/" "$T/sipseal.yaml"
}

# padded_invite CALL-ID BYTES : with a Subject of that length
padded_invite() {
	invite_file "$T/$1.sip" "$1"
	sed -i "s/^Max-Forwards.*/&\nSubject: $(printf "%0$2d" 0)\r/" "$T/$1.sip"
}

# ---- next hops that move -----------------------------------------------------------------------------
known_mac() { in_ns gw ip neigh show "$CARRIER4" dev gwp0 | sed -n 's/.*lladdr \([0-9a-f:]*\).*/\1/p'; }

traffic_arrives() { # CALL-ID PREFIX: of both kinds, an INVITE and what is none
	n=$((n + 1))
	send_options "o$1$n"
	send_invite "i$1$n"
	sleep 0.2
	[ "$(seen "o$1$n")" = "unsigned 1" ] && [ "$(seen "i$1$n")" = "signed 1" ]
}

# The carrier's router is replaced: another MAC at the same address, and no word of it (no gratuitous ARP).  What XDP
# sends does not make the kernel look; the daemon does.  By default an entry is believed for 15 to 45 s before anybody
# looks; here for 1 to 3.
moved() { # FAST_PATH
	local n=0 began
	FAST_PATH=$1 configured
	in_ns gw sysctl -qw net.ipv4.neigh.gwp0.base_reachable_time_ms=2000
	start_gateway "$T/sipseal.yaml"
	capture_start carrier carrier carr0
	udp_sink $CARRIER4:5060
	wait_for 5 traffic_arrives before || fail "no traffic before"
	stop tcpdump-carrier INT # it would see frames for the old one, too
	in_ns carrier sysctl -qw net.ipv4.conf.all.arp_notify=0 net.ipv4.conf.carr0.arp_notify=0
	ip -n "$PREFIX-carrier" link set carr0 address $MAC
	capture_start carrier carrier carr0 "udp and ether dst $MAC"
	began=$SECONDS
	! traffic_arrives at_once || fail "the neighbour entry was renewed by itself: this shows nothing"
	wait_for 45 traffic_arrives after || fail "still lost after $((SECONDS - began)) s: $(in_ns gw ip neigh show dev gwp0)"
	echo "# fast path $1: a next hop with another MAC is found after $((SECONDS - began)) s"
	expect "MAC" $MAC "$(known_mac)"
}

test_next_hop_moves_forward() { moved forward; }
test_next_hop_moves_kernel() { moved kernel; }

# ---- routes that change ------------------------------------------------------------------------------
# Another next hop on the same link: at once, for INVITEs and for the rest, there and back.
route_changes() { # FAST_PATH
	local n=0
	FAST_PATH=$1 configured
	start_gateway "$T/sipseal.yaml"
	capture_start carrier carrier carr0
	udp_sink $CARRIER4:5060
	wait_for 5 traffic_arrives before || fail "no traffic before"
	in_ns gw ip neigh replace 10.66.2.9 lladdr $MAC dev gwp0 nud permanent
	in_ns gw ip route replace $CARRIER4/32 via 10.66.2.9 dev gwp0 # nobody has that MAC
	send_options other
	send_invite other2
	sleep 0.3
	tshark -r "$T/carrier.pcap" -Y "eth.dst == $MAC" -T fields -e sip.Method 2>/dev/null | sort -u >"$T/methods"
	expect "what goes to the new next hop" "INVITE OPTIONS" "$(tr '\n' ' ' <"$T/methods" | sed 's/ $//')"
	in_ns gw ip route del $CARRIER4/32
	traffic_arrives after || fail "not at once back"
	# no route at all: the kernel says so, and nothing is signed into the void
	in_ns gw ip route add unreachable $CARRIER4/32
	send_invite void
	sleep 0.2
	expect "without a route" absent "$(seen void)"
	in_ns gw ip route del unreachable $CARRIER4/32
	traffic_arrives again || fail "not at once back from unreachable"
}

test_route_changes_forward() { route_changes forward; }
test_route_changes_kernel() { route_changes kernel; }

# ---- MTU of a route ----------------------------------------------------------------------------------
fragments_of() { # FILTER -> sizes of the IP packets of INVITEs' fragments at the carrier, largest first
	tshark -r "$T/carrier.pcap" -o ip.defragment:FALSE -o ipv6.defragment:FALSE -Y "$1" -T fields -e frame.len 2>/dev/null |
		awk '{ print $1 - 14 }' | sort -rn
}

# An INVITE that is signed keeps to it, from the next one on; what is not ours follows the kernel's rules.
route_mtu() { # FAMILY CORE CARRIER FILTER
	configured
	start_gateway "$T/sipseal.yaml"
	capture_start carrier carrier carr0
	udp_sink "$(host_of "$3"):5060"
	padded_invite a 500
	send_files "$(host_of "$2"):5070" "$(host_of "$3"):5060" "$T/a.sip"
	expect_seen a "signed 1"
	stats
	expect "fragments by the NIC's MTU" 0 "$(signer_value sent_fragments)"
	in_ns gw ip "$1" route replace "$3" dev gwp0 mtu lock 1290
	padded_invite b 500
	send_files "$(host_of "$2"):5070" "$(host_of "$3"):5060" "$T/b.sip"
	expect_seen b "signed 1"
	stats
	expect "fragments by the route's MTU" 2 "$(signer_value sent_fragments)"
	[ "$(fragments_of "$4" | head -n 1)" -le 1290 ] || fail "larger than the MTU: $(fragments_of "$4" | head -n 1)"
	in_ns gw ip "$1" route del "$3" dev gwp0
	padded_invite c 500
	send_files "$(host_of "$2"):5070" "$(host_of "$3"):5060" "$T/c.sip"
	expect_seen c "signed 1"
	stats
	expect "fragments, the route is gone" 2 "$(signer_value sent_fragments)"
}

test_route_mtu_ipv4() { route_mtu -4 $CORE4 $CARRIER4 'ip.flags.mf == 1 || ip.frag_offset > 0'; }
test_route_mtu_ipv6() { route_mtu -6 $CORE6 $CARRIER6 'ipv6.fraghdr'; }

# ---- too big, says a router ----------------------------------------------------------------------------
# The signed INVITE does not fit the link behind the carrier's router, what the PBX sent does: the first is lost, and the
# next copy leaves in fragments that fit.  The PBX gets the error, too.
too_big() { # CORE FAR : in mode routed
	far_up 1300
	far_configured
	start_gateway "$T/sipseal.yaml"
	capture_start carrier far far0
	capture_start core core core0
	sink_at far "$(host_of "$2"):5060"
	padded_invite small 10
	send_files "$(host_of "$1"):5070" "$(host_of "$2"):5060" "$T/small.sip" "$T/small.sip"
	wait_for 3 is_there small || fail "a small INVITE does not arrive"
	padded_invite a 500 # fits 1300 as it is, and not when it is signed
	[ "$(stat -c %s "$T/a.sip")" -le 1200 ] || fail "too large by itself"
	send_files "$(host_of "$1"):5070" "$(host_of "$2"):5060" "$T/a.sip"
	sleep 0.5
	expect "first copy" absent "$(seen a)"
	wait_for 3 icmp_seen || fail "the PBX did not hear of it"
	send_files "$(host_of "$1"):5070" "$(host_of "$2"):5060" "$T/a.sip" # a retransmission
	wait_for 3 is_seen a "signed 1" || fail "second copy: $(seen a)"
	stats
	expect "fragments" 2 "$(signer_value sent_fragments)"
	# the next call at once
	padded_invite b 500
	send_files "$(host_of "$1"):5070" "$(host_of "$2"):5060" "$T/b.sip"
	wait_for 3 is_seen b "signed 1" || fail "next call: $(seen b)"
}

is_there() { [ "$(seen "$1")" != absent ]; }

icmp_seen() {
	[ -n "$(tshark -r "$T/core.pcap" -Y '(icmp.type == 3 && icmp.code == 4) || icmpv6.type == 2' 2>/dev/null)" ]
}

test_too_big_ipv4() { too_big $CORE4 $FAR4; }
test_too_big_ipv6() { too_big $CORE6 $FAR6; }

# What XDP has learned: "ADDRESS-OR-HEX MTU" per destination.  By the program, for other labs have maps of that name, too.
learned() {
	local prog map
	prog=$(in_ns gw bpftool -j net show dev gwp0 | jq '.[0].xdp[0].id // .[0].xdp[0].multi_attachments[0].prog.id')
	for map in $(bpftool -j prog show id "$prog" | jq '.map_ids[]'); do
		[ "$(bpftool -j map show id "$map" | jq -r .name)" != sipseal_pmtu ] || bpftool -j map dump id "$map"
	done | jq -r '.[] | .formatted | "\(.key | map(tostring) | join(".")) \(.value.mtu)"' | sed 's/^.*255\.255\.//' | sort
}

# Errors that anybody could have written: each is believed only where it quotes a UDP packet between addresses of the trunk and
# goes to the sender of that; and what it says has a floor.
test_forged_too_big() {
	configured
	start_gateway "$T/sipseal.yaml"
	send_options a # the kernel finds the neighbours
	too_big_says() { # OUTER-DST QUOTED-SRC QUOTED-DST PROTOCOL MTU
		in_ns carrier python3 - "$@" <<-'X'
		import socket, struct, sys
		outer, src, dst, proto, mtu = sys.argv[1:]
		quoted = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 1400, 1, 0x4000, 63, int(proto), 0, socket.inet_aton(src), socket.inet_aton(dst))
		data = struct.pack("!BBHHH", 3, 4, 0, 0, int(mtu)) + quoted + struct.pack("!HHHH", 5070, 5060, 1380, 0)
		s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
		s = (s & 0xffff) + (s >> 16)
		data = data[:2] + struct.pack("!H", ~(s + (s >> 16)) & 0xffff) + data[4:]
		socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).sendto(data, (outer, 0))
		X
	}
	too_big_says $CORE4 $CORE4 192.0.2.1 17 1000        # no peer of a trunk
	too_big_says $CORE4 10.66.1.9 $CARRIER4 17 1000     # not to the sender
	too_big_says $CORE4 $CORE4 $CARRIER4 6 1000         # TCP
	too_big_says $CORE4 $CORE4 $CARRIER4 17 0           # no size
	sleep 0.3
	expect "learned from these" "" "$(learned)"
	too_big_says $CORE4 $CORE4 $CARRIER4 17 1000
	sleep 0.3
	expect "learned" "$CARRIER4 1000" "$(learned)"
	too_big_says $CORE4 $CORE4 $CARRIER4 17 1400        # an error never raises it
	too_big_says $CORE4 $CORE4 $CARRIER4 17 68
	sleep 0.3
	expect "floor" "$CARRIER4 576" "$(learned)"
	# and calls go on, in smaller pieces
	capture_start carrier carrier carr0
	udp_sink $CARRIER4:5060
	send_invite b
	expect_seen b "signed 1"
}

# ---- fast_path: auto ---------------------------------------------------------------------------------
# On veth it is kernel whatever the rules are; which rules count, on NICs of other drivers, tests/bpf/test_fastpath.c has.
test_auto_says_what_it_did() {
	FAST_PATH=auto configured
	start_gateway "$T/sipseal.yaml"
	grep -q 'event=fast_path mode=kernel reason="veth driver on gwc0"' "$T/gateway.log" || fail "log: $(grep fast_path "$T/gateway.log")"
	sipseal -j status | jq -e '.fast_path | tostring | contains("veth driver on gwc0")' >"$T/why" ||
		fail "status: $(sipseal -j status | jq -c .fast_path)"
	in_ns gw "$SIPSEALD" --check -c "$T/sipseal.yaml" >"$T/check.txt" 2>&1 || { cat "$T/check.txt"; fail "--check"; }
	grep -q '^fast path: kernel (veth driver on gwc0)' "$T/check.txt" || fail "--check: $(cat "$T/check.txt")"
}

run_tests "$@"

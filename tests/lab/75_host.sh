#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Mode host: the PBX on the machine itself.  Its NIC has its transmit offloads on, as kernels have them by default.
export LAB_TOPOLOGY=host
. "$(dirname "$0")/lib.sh"
. "$HERE/inboundlib.sh"
export LAB_NEIGH=permanent

# The end where what may concern us comes in is the core of these tests; verified calls come to the PBX by lo.
NEAR=sipseal0 FAR=sipseal1

near_packets() { in_ns gw ip -s -j link show $NEAR | jq '.[0].stats64.tx.packets'; } # led to XDP so far

xdp_on() { # NIC REASON
	jq --arg n "$1" --arg r "$2" '[.interfaces[] | select(.name == $n) | .packets[$r] // 0] | add // 0' "$T/stats.json"
}

host_begin() { # [LINES of the gateway's configuration] : environment as for gateway_yaml
	[ -d "$T/sti" ] || make_certs "$T/sti"
	gateway_yaml | sed "s/^  umem_frames: .*/&${1:+\n  $1}/" >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	capture_start carrier carrier carr0
}

sound_at_carrier() { # no frame whose checksum a NIC would have had to complete
	tshark -r "$T/carrier.pcap" -o udp.check_checksum:TRUE -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE \
		-Y "ip.src == $CORE4 && sip && (_ws.malformed || udp.checksum.status == 0 || ip.checksum.status == 0)" 2>/dev/null >"$T/odd.txt"
	grep -v ICMP "$T/odd.txt" | grep INVITE && fail "odd packets at the carrier" || :
}

# ---- calls ---------------------------------------------------------------------------------------------
CALLS=3

# Calls with hold, REGISTER, OPTIONS and RTP.  Initial INVITEs come to the signer and leave by AF_XDP; what goes through
# the pair is exactly the requests that may concern us, each once: nothing loops.
calls_out() { # CORE CARRIER
	host_begin
	capture_start core gw $NEAR
	uas carrier_call "$2" -m $CALLS
	uac pbx_call "$1" "$2" -m $CALLS -r 20
	stop uas
	uas carrier_register "$2" -m 1
	uac pbx_register "$1" "$2"
	stop uas
	sink_at core "$(host_of "$1"):6000"
	sink_at carrier "$(host_of "$2"):7000"
	in_ns core python3 "$HERE/udp.py" rtp "$(host_of "$1"):6000" "$(host_of "$2"):7000" 50
	in_ns carrier python3 "$HERE/udp.py" rtp "$(host_of "$2"):7000" "$(host_of "$1"):6000" 50
	stats
	local again
	again=$(xdp_on $FAR in_dialog)
	expect "signed" $CALLS "$(signer_count signed)"
	expect "re-INVITEs" $CALLS "$again"
	expect "through the pair" $((CALLS + again)) "$(near_packets)"
	expect "sent by AF_XDP" $CALLS "$(signer_value sent_xsk)"
	expect "sent by the raw socket" 0 "$(signer_value sent_raw)"
	at_least "from the carrier, left to the kernel" 50 "$(xdp_on gwp0 kernel)"
	sleep 0.3
	stop tcpdump-core INT
	stop tcpdump-carrier INT
	sound_at_carrier
	for f in $(tshark -r "$T/carrier.pcap" -Y 'sip.Method == INVITE && sip.Identity' -T fields -e sip.Call-ID 2>/dev/null | sort -u); do
		echo "$f" >>"$T/ids.txt"
	done
	expect "calls signed at the carrier" $CALLS "$(wc -l <"$T/ids.txt")"
	tshark -r "$T/carrier.pcap" -Y 'sip.Method == INVITE && sip.Identity' -T fields -e sip.Identity 2>/dev/null | head -n 1 >"$T/identity.txt"
	secsipidx_verify "$T/identity.txt"
}

test_calls_out_ipv4() { calls_out $CORE4 $CARRIER4; }
test_calls_out_ipv6() { calls_out $CORE6 $CARRIER6; }

# From the carrier: verified, marked, and at the socket of the PBX, whatever address that is bound to and however strictly
# the kernel looks at where packets come from.
call_in() { # CORE CARRIER BOUND CALL-ID
	local id
	bg pbx gw python3 -u -c "
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in '$3' else socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('$3', 5060)); print('ready', flush=True)
while True:
    d, a = s.recvfrom(65535)
    print(a[0], a[1], len(d), [r.decode() for r in d.split(b'\r\n') if r.startswith((b'X-STIR', b'Call-ID'))], flush=True)
    s.sendto(b'SIP/2.0 486 Busy Here\r\nCall-ID: answer-$4\r\n\r\n', a)
"
	wait_for 5 grep -q ready "$T/pbx.log" || fail "no PBX: $(cat "$T/pbx.log")"
	id=$(secsipidx -sign-full -orig-tn ${IN_CALLER#+} -dest-tn ${IN_CALLED#+} -attest A -x5u "$X5U" -k "$T/sti/key.pem")
	python3 "$HERE/invite.py" "$T/in.sip" "$4" from=$IN_CALLER to=$IN_CALLED "extra=Identity: $id"
	in_ns carrier python3 "$HERE/udp.py" send "$(host_of "$2"):5060" "$(host_of "$1"):5060" "$T/in.sip"
	wait_for 3 grep -q "^$2 5060 .*STIR_VERIFIED;attest=A" "$T/pbx.log" || fail "at the PBX: $(cat "$T/pbx.log")"
	wait_for 3 is_seen "answer-$4" "unsigned 1" || fail "the answer of the PBX did not arrive"
	stop pbx
}

test_calls_in() {
	in_ns gw sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.gwp0.rp_filter=1 net.ipv4.conf.lo.rp_filter=1
	inbound_start
	warm
	capture_start carrier carrier carr0
	call_in $CORE4 $CARRIER4 $CORE4 a
	call_in $CORE4 $CARRIER4 0.0.0.0 b
	call_in $CORE6 $CARRIER6 $CORE6 c
	call_in $CORE6 $CARRIER6 :: d
	stats
	expect "steered" 4 "$(xdp_on gwp0 steered)"
	expect "verified" 4 "$(signer_count verified)"
	expect "sent by the raw socket" 4 "$(signer_value sent_raw)"
	expect "through the pair" 1 "$(near_packets)" # the SYN of the fetcher: its server has a peer's address
}

# Whole calls of sipp from the carrier.
test_sipp_in() {
	inbound_start
	warm
	capture_start core gw lo
	capture_start carrier carrier carr0
	local id
	id=$(secsipidx -sign-full -orig-tn ${IN_CALLER#+} -dest-tn ${IN_CALLED#+} -attest A -x5u "$X5U" -k "$T/sti/key.pem")
	EXTRA=$'\r\n'"Identity: $id" inbound_call
	sleep 0.3
	stop tcpdump-core INT
	stop tcpdump-carrier INT
	case $(marks_at_core) in "STIR_VERIFIED;attest=A;origid="*) ;; *) fail "marks: $(marks_at_core)" ;; esac
}

# ---- answers of our own ------------------------------------------------------------------------------------
refused_out() { # CORE CARRIER CALL-ID : 403, from the carrier's address, at the socket of the PBX
	invite_file "$T/out.sip" "$3"
	sed -i 's/+18005550100/+19995550100/; s/5070;branch/5071;branch/' "$T/out.sip"
	in_ns gw timeout 5 python3 -c "
import socket
s = socket.socket(socket.AF_INET6 if ':' in '$1' else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3); s.bind(('$1', 5071)); s.sendto(open('$T/out.sip', 'rb').read(), ('$2', 5060))
d, a = s.recvfrom(9000); print(d.split(b' ')[1].decode(), a[0], a[1])" >"$T/answer.txt" || fail "no answer at the PBX"
	expect "answer" "403 $2 5060" "$(cat "$T/answer.txt")"
	expect "at the carrier" absent "$(seen "$3")"
}

test_refused_out() {
	TRUNK="    attestation_other: reject" host_begin
	udp_sink $CARRIER4:5060 "[$CARRIER6]:5060"
	refused_out $CORE4 $CARRIER4 four
	refused_out $CORE6 $CARRIER6 six
}

test_refused_in() { # 428 to a carrier whose calls have to be signed
	inbound_start
	calls <<-X
	none dst=$CORE4 src=$STRICT4 ruri=sip:$IN_CALLED@$CORE4 from=$IN_CALLER to=$IN_CALLED id=none => wire=refused code=428
	X
}

# ---- what the stack does with large and many datagrams ---------------------------------------------------------
big_invite() { # FILE CALL-ID
	invite_file "$@"
	sed -i "s/^Max-Forwards.*/&\nSubject: $(printf '%03000d' 0)\r/" "$1"
}

# The stack cuts it, the pair leads the fragments to the signer, which puts them together.
fragments() { # CORE CARRIER CALL-ID COUNT
	big_invite "$T/big.sip" "$3"
	send_files "$(host_of "$1"):5070" "$(host_of "$2"):5060" "$T/big.sip"
	expect_seen "$3" "signed 1"
	expect "through the pair" "$4" "$(near_packets)"
	# not to a carrier peer: no business of ours
	send_files "$(host_of "$1"):5070" "$(host_of "${2%2}9"):5060" "$T/big.sip"
	expect "through the pair" "$4" "$(near_packets)"
}

test_fragments() {
	host_begin
	udp_sink $CARRIER4:5060 "[$CARRIER6]:5060"
	fragments $CORE4 $CARRIER4 four 3
	fragments $CORE6 $CARRIER6 six 6
	stats
	expect "fragments steered" 6 "$(xdp_on $FAR steered)"
	expect "signed" 2 "$(signer_count signed)"
	at_least "sent in fragments" 6 "$(signer_value sent_fragments)"
}

# One sendmsg, three datagrams, INVITEs behind one that is none: each is looked at.
gso() { # CORE CARRIER CALL-ID
	local i
	for i in 1 2 3; do invite_file "$T/g$i.sip" "$3$i"; done
	sed -i 's/INVITE/NOTIFY/' "$T/g1.sip"
	in_ns gw python3 "$HERE/udp.py" send "$(host_of "$1"):5070" "$(host_of "$2"):5060" --gso "$T/g1.sip" "$T/g2.sip" "$T/g3.sip"
	expect_seen "${3}1" "unsigned 1"
	expect_seen "${3}2" "signed 1"
	expect_seen "${3}3" "signed 1"
}

test_gso() {
	host_begin
	udp_sink $CARRIER4:5060 "[$CARRIER6]:5060"
	gso $CORE4 $CARRIER4 four
	gso $CORE6 $CARRIER6 six
	stats
	expect "INVITEs among them" 4 "$(xdp_on $FAR steered)"
	expect "others" 2 "$(xdp_on $FAR forwarded)"
}

# A carrier NIC without native XDP: the same.
test_generic() {
	XDP_MODE=generic host_begin
	udp_sink $CARRIER4:5060 "[$CARRIER6]:5060"
	send_invite small
	expect_seen small "signed 1"
	fragments $CORE4 $CARRIER4 large 4
	gso $CORE4 $CARRIER4 many
	sipseal status >"$T/status.txt"
	cat "$T/status.txt"
	grep -q 'gwp0.*generic' "$T/status.txt" || fail "not generic"
}

# ---- other traffic of the machine ------------------------------------------------------------------------------
test_other_traffic() {
	host_begin "other_transports: drop"
	udp_sink $CARRIER4:53 $CARRIER4:5060
	bg ssh carrier python3 -c "
import socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('$CARRIER4', 22)); s.listen(); print('ready', flush=True)
while True:
    c, _ = s.accept(); n = 0
    while n < 4000000:
        n += len(c.recv(65536))
    c.sendall(b'done'); c.close()"
	wait_for 5 grep -q ready "$T/ssh.log" || fail "no TCP server"
	in_ns gw timeout 20 python3 -c "
import socket
s = socket.create_connection(('$CARRIER4', 22), 3); s.settimeout(15)
s.sendall(bytes(4000000)); assert s.recv(10) == b'done'" || fail "TCP to port 22"
	# names, and a payload that is not for us at a port that is
	printf '\x12\x34\x01\x00' >"$T/dns"
	send_files $CORE4:5353 $CARRIER4:53 --repeat 20 "$T/dns"
	printf 'ACK sip:x SIP/2.0\r\n\r\n' >"$T/ack"
	send_files $CORE4:5070 $CARRIER4:5060 --repeat 20 "$T/ack"
	expect "through the pair, of all that" 1 "$(near_packets)" # the SYN: a carrier peer's address
	stats
	expect "by XDP" 1 "$(xdp_on $FAR forwarded)"
}

other_transport_tcp() { # POLICY WANTED COUNTER SECONDS
	host_begin "other_transports: $1"
	bg tcp carrier python3 -c "
import socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('$CARRIER4', 5060)); s.listen(); print('ready', flush=True)
while True: s.accept()"
	wait_for 5 grep -q ready "$T/tcp.log" || fail "no TCP server"
	local got=refused
	in_ns gw python3 -c "import socket; socket.create_connection(('$CARRIER4', 5060), $4)" 2>"$T/tcp.err" && got=connected
	expect "TCP to a SIP port" "$2" "$got"
	stats
	at_least "$3" 1 "$(xdp_on $FAR "$3")"
}

test_tcp_drop() { other_transport_tcp drop refused other_transport_dropped 1; }
test_tcp_pass() { other_transport_tcp pass connected other_transport 8; }

# ---- failure -----------------------------------------------------------------------------------------------------
signs_again() {
	local i
	for i in $(seq 40); do
		send_invite "again$i"
		sleep 0.25
		[ "$(seen "again$i")" != "signed 1" ] || return 0
	done
	fail "no INVITE was signed within 10 s"
}

without_signer() { # WANTED
	send_invite plain
	send_invite number sip:911@$CARRIER4
	send_invite urn urn:service:sos
	expect_seen number "unsigned 1"
	expect_seen urn "unsigned 1"
	sleep 0.2
	expect "plain INVITE at the carrier" "$1" "$(seen plain)"
}

near_ifindex() { in_ns gw ip -j link show $NEAR | jq '.[0].ifindex'; }

# Daemon and signer die: pair, tc and XDP go on; a restart adopts them.
killed() { # POLICY WANTED
	local signer before
	ON_FAILURE=$1 host_begin
	udp_sink $CARRIER4:5060
	send_invite before
	expect_seen before "signed 1"
	before=$(near_ifindex)
	signer=$(signer_pid)
	stop gateway KILL
	wait_for 5 is_dead "$signer" || fail "the signer outlived its daemon"
	sleep 0.7 # heartbeat_ms is 500
	without_signer "$2"
	start_gateway "$T/sipseal.yaml"
	grep -q 'event=host .*pair=adopted tc=replaced' "$T/gateway.log" || { cat "$T/gateway.log"; fail "not adopted"; }
	expect "the pair" "$before" "$(near_ifindex)"
	expect "tc programs" 1 "$(in_ns gw tc filter show dev gwp0 egress | grep -c sipseal_host)"
	send_invite after
	expect_seen after "signed 1"
}

test_killed_drop() { killed drop absent; }
test_killed_pass() { killed pass "unsigned 1"; }

test_signer_killed() {
	host_begin
	udp_sink $CARRIER4:5060
	send_invite before
	expect_seen before "signed 1"
	kill -KILL "$(signer_pid)"
	signs_again
}

# What somebody takes away comes back.
is_back() { in_ns gw tc filter show dev gwp0 egress | grep -q sipseal_host; }
test_tc_taken_away() {
	host_begin
	udp_sink $CARRIER4:5060
	in_ns gw tc qdisc del dev gwp0 clsact
	wait_for 5 is_back || fail "the tc program did not come back"
	grep -q 'event=host .*taken away' "$T/gateway.log" || fail "nothing is said"
	send_invite again
	expect_seen again "signed 1"
	in_ns gw ip link set gwp0 mtu 1400
	wait_for 5 grep -q 'event=host .*MTU 1400' "$T/gateway.log" || fail "the MTU is not followed"
}

leftovers() { # what is there of ours
	in_ns gw ip -br link | grep -o '^sipseal[01]' || :
	in_ns gw tc filter show dev gwp0 egress | grep -o sipseal_host || :
	in_ns gw tc qdisc show dev gwp0 | grep -o clsact || :
	attached
}

test_detach() {
	host_begin
	expect "while it runs" "clsact gwp0 sipseal0 sipseal1 sipseal_host" "$(leftovers | sort -u | paste -sd' ')"
	stop_gateway
	expect "left" "" "$(leftovers)"
	# a qdisc of others, with a filter of theirs, stays
	in_ns gw tc qdisc add dev gwp0 clsact
	start_gateway "$T/sipseal.yaml"
	stop_gateway
	expect "left" clsact "$(leftovers)"
	in_ns gw tc qdisc del dev gwp0 clsact
	# after a crash it is the same
	start_gateway "$T/sipseal.yaml"
	stop gateway KILL
	expect "stays" "clsact gwp0 sipseal0 sipseal1 sipseal_host" "$(leftovers | sort -u | paste -sd' ')"
	gateway_detach() { in_ns gw "$SIPSEALD" --detach --bpffs "/run/$PREFIX-lab/bpf"; }
	wait_for 5 gateway_detach || fail "sipseald --detach"
	expect "left" "" "$(leftovers)"
}

# In another mode nothing of this one is left.
test_other_mode() {
	host_begin
	stop gateway
	expect "stays" "clsact gwp0 sipseal0 sipseal1 sipseal_host" "$(leftovers | sort -u | paste -sd' ')"
	sums_are_not_kept "counters go by port, and port 0 is another NIC now"
	in_ns gw ip link add gwc0 numtxqueues 4 numrxqueues 4 type veth peer name core0 numtxqueues 4 numrxqueues 4
	in_ns gw ip link set gwc0 up
	in_ns gw ip link set core0 up
	LAB_TOPOLOGY=routed gateway_yaml >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	expect "left" "gwc0 gwp0" "$(leftovers | sort -u | paste -sd' ')"
}

# A start that fails leaves nothing, and names of others are not touched.
test_failed_start() {
	[ -d "$T/sti" ] || make_certs "$T/sti"
	gateway_yaml >"$T/sipseal.yaml"
	printf 'x' >"$T/sti/key.pem"
	gateway_start "$T/sipseal.yaml"
	wait_for 10 is_dead "$(pid_of gateway)" || fail "it started without a key"
	sums_are_not_kept "XDP was on the NIC in starts that failed"
	expect "left" "" "$(leftovers)"
	rm -r "$T/sti"
	make_certs "$T/sti"
	in_ns gw ip link add $NEAR type veth peer name other
	gateway_start "$T/sipseal.yaml"
	wait_for 10 is_dead "$(pid_of gateway)" || fail "it took the name of another interface"
	grep -q "another interface has one of them" "$T/gateway.log" || { cat "$T/gateway.log"; fail "the reason is not said"; }
	expect "left" "$NEAR" "$(leftovers)"
	in_ns gw ip link del $NEAR
	in_ns gw ip link set lo down
	gateway_start "$T/sipseal.yaml"
	wait_for 10 is_dead "$(pid_of gateway)" || fail "it started without lo"
	grep -q "lo is down" "$T/gateway.log" || { cat "$T/gateway.log"; fail "the reason is not said"; }
	in_ns gw ip link set lo up
	start_gateway "$T/sipseal.yaml" # and nothing of all that is in the way
}

run_tests "$@"

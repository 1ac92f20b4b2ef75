#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Ways in which an INVITE could get around the signer: IP options, extension headers, tags, fragments, odd ports and bytes,
# another peer, another transport.  Each is signed, dropped or passed as configured, and counted under a word of its own.
. "$(dirname "$0")/lib.sh"

begin() { # POLICY-LINES of the gateway, as sed commands on the configuration
	make_certs "$T/sti"
	gateway_yaml >"$T/sipseal.yaml"
	[ $# = 0 ] || sed -i "s/^  umem_frames/  $1\n&/" "$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	captures_start
}

expect_signed() { # CALL-ID
	expect_seen "$1" "signed 1"
	stats
	expect "signed" 1 "$(signer_count signed)"
}

fields() { # FIELD... -> of the INVITE at the carrier
	local args=() f
	for f in "$@"; do args+=(-e "$f"); done
	tshark -r "$T/carrier.pcap" -Y 'sip.Method == "INVITE"' -T fields "${args[@]}" 2>"$T/tshark.err"
}

test_ipv4_options() {
	begin
	udp_sink $CARRIER4:5060
	invite_file "$T/o.sip" options
	# router alert and three no-operations, end of list
	send_files $CORE4:5070 $CARRIER4:5060 --ip-options 9404000001010100 "$T/o.sip"
	expect_signed options
	captures_stop
	check_calls --added Identity
	expect "options at the carrier" "28 148,1,1,1,0" "$(fields ip.hdr_len ip.opt.type | tr '\t' ' ')"
}

test_ipv6_extension_headers() {
	begin
	udp_sink "[$CARRIER6]:5060"
	invite_file "$T/o.sip" options
	# hop-by-hop: padding of 6; destination options: an unknown one that is skipped (type 1e), 4 octets
	send_files "[$CORE6]:5070" "[$CARRIER6]:5060" --hop-options 0000010400000000 \
		--destination-options 00001e04a1b2c3d4 "$T/o.sip"
	expect_signed options
	captures_stop
	check_calls --added Identity
	expect "headers at the carrier" "0 60 17" "$(fields ipv6.nxt ipv6.hopopts.nxt ipv6.dstopts.nxt | tr '\t' ' ')"
	tshark -r "$T/carrier.pcap" -Y sip -x 2>/dev/null | grep -q '1e 04 a1 b2' || fail "the option was not kept"
}

# ---- frames as no socket would send them: a row per way ---------------------------------------------------
# way - one INVITE with the Call-ID NAME goes out as the arguments of oddframes.py say.  WANTED: what is seen of it at the other
# end, - for no matter; REASONS: all that it was counted under, each "word=n", sorted.  Ordinary traffic (ARP, ND) is not among them.
# Environment: FROM, TO; WORDS: sed commands on the message; DIRECTION: in, or out.
way() { # NAME WANTED REASONS [ARGUMENT...]
	local name=$1 wanted=$2 reasons=$3 ns=core nic=core0 gw_nic=gwc0 from=$CORE4:5070 to=$CARRIER4:5060
	shift 3
	if [ "${DIRECTION:-out}" = in ]; then ns=carrier nic=carr0 gw_nic=gwp0 from=$CARRIER4:5060 to=$CORE4:5060; fi
	invite_file "$T/$name.sip" "$name"
	[ -z "${WORDS:-}" ] || sed -i "$WORDS" "$T/$name.sip"
	stats
	reasons_now >"$T/before.json"
	in_ns $ns python3 "$HERE/oddframes.py" $nic "$(in_ns gw ip -j link show $gw_nic | jq -r ".[0].address")" "${FROM:-$from}" "${TO:-$to}" \
		--id $((++WAYS)) "$@" "$T/$name.sip"
	wait_for 2 is_counted "$reasons" || fail "$name: counted as $(reasons_since), expected $reasons"
	case $wanted in
	-) ;;
	absent) ABSENT+=" $name" ;;
	*) wait_for 2 arrives "$name" "$wanted" || fail "$name: $(arrived "$name"), expected $wanted" ;;
	esac
	case $wanted in un*) arrived "$name" raw | cmp - "$T/$name.sip" || fail "$name: not as it was sent" ;; esac
	echo "$name: $wanted, $reasons"
}
WAYS=0 ABSENT=

reasons_now() { # -> all words that were counted, of XDP and the signer, each with its number
	jq -c '[.interfaces[].packets, .signer.reasons | to_entries[]] | group_by(.key) | map({(.[0].key): map(.value) | add}) | add' \
		"$T/stats.json"
}

reasons_since() {
	stats
	reasons_now | jq -r --slurpfile a "$T/before.json" 'to_entries | map(.value -= ($a[0][.key] // 0)) | sort_by(.key) |
		map(select(.value != 0 and (.key | IN("not_ip", "kernel", "forwarded", "local", "no_neighbour") | not)) |
		"\(.key)=\(.value)") | join(" ")'
}

is_counted() { [ "$(reasons_since)" = "$1" ]; } # REASONS

arrived() { # NAME [KEY] -> as look.py tells it
	if [ "${DIRECTION:-out}" = in ]; then python3 "$HERE/look.py" "$T/core.pcap" "$1" "${2:-marked}"; else seen "$@"; fi
}

arrives() { [ "$(arrived "$1")" = "$2" ]; } # NAME WANTED

ways_end() { # and what should not have arrived has not
	local name
	captures_stop
	for name in $ABSENT; do expect "$name" absent "$(arrived "$name")"; done
}

begin_ways() { # POLICY : of all that has one; 10.66.1.9 is a core host of no trunk
	begin "other_transports: $1\n  unmatched_invite: $1\n  sip_ports: [5060, 5062]"
	udp_sink $CARRIER4:5060 "[$CARRIER6]:5060" $CARRIER4:5062 $CARRIER4:5099
}

WAYS_TRUNK="    core: { peers: [\"$CORE4\", \"$CORE6\"] }"
V6=([0]="[$CORE6]:5070" [1]="[$CARRIER6]:5060")
MAPPED=([0]="[::ffff:$CORE4]:5070" [1]="[::ffff:$CARRIER4]:5060")
SIGNED="signed=1 steered=1"

# What is signed whatever the policies are.
test_ways_signed() {
	ON_FAILURE=drop TRUNK=$WAYS_TRUNK begin_ways drop
	way plain "signed 1" "$SIGNED"
	FROM=$CORE4:1 way port1 "signed 1" "$SIGNED"
	FROM=$CORE4:65535 way port65535 "signed 1" "$SIGNED"
	WORDS='1s/^/\r\n\r\n/' way crlf "signed 1" "$SIGNED"
	# in fragments: the word in the second one, a part of the request line in the first, all as small as can be
	way second "signed 1" "reassembled=1 signed=1 steered=2" --cut 8
	way line "signed 1" "reassembled=1 signed=1 steered=2" --cut 24
	way word "signed 1" "reassembled=2 signed=1 steered=3" --cut 8,8
	way back "signed 1" "reassembled=2 signed=1 steered=3" --cut 16,80 --back
	way tiny "signed 1" "reassembled=34 signed=1 steered=35" --cut each=8
	FROM=${V6[0]} TO=${V6[1]} way second6 "signed 1" "reassembled=1 signed=1 steered=2" --cut 8
	FROM=${V6[0]} TO=${V6[1]} way headers6 "signed 1" "$SIGNED" --headers 3
	FROM=${V6[0]} TO=${V6[1]} way cut_headers6 "signed 1" "reassembled=1 signed=1 steered=2" --headers 2 --cut 24
	FROM=${V6[0]} TO=${V6[1]} way nine_cut6 "signed 1" "reassembled=1 signed=1 steered=2" --headers 9 --cut 88
	FROM=${V6[0]} TO=${V6[1]} way atomic6 "signed 1" "$SIGNED" --atomic
	ways_end
}

# What no policy decides: not an INVITE for the signer, or no business of a trunk.
test_ways_passed() {
	ON_FAILURE=drop TRUNK=$WAYS_TRUNK begin_ways drop
	WORDS='1s/INVITE/invite/' way lower "unsigned 1" "not_invite=1 steered=1"
	TO=$CARRIER4:5099 way odd_port "unsigned 1" ""
	WORDS='1s/INVITE/MESSAGE/; s/1 INVITE/1 MESSAGE/' way message "unsigned 1" "not_invite=1 reassembled=1 steered=2" --cut 64
	TO=$CARRIER4:5099 way odd_port_cut "unsigned 1" "reassembled=1 steered=2 unmatched_invite=1" --cut 64
	ways_end
}

# What the policies decide: on_signer_failure, unmatched_invite, other_transports.  A receiver of the lab takes no VLAN, no AH,
# no SCTP and no IPv4 in IPv6.
test_ways_dropped() {
	ON_FAILURE=drop TRUNK=$WAYS_TRUNK begin_ways drop
	way vlan absent "vlan_dropped=1" --tags 1
	FROM=${V6[0]} TO=${V6[1]} way qinq6 absent "vlan_dropped=1" --tags 2
	way vlan_cut absent "vlan_dropped=2" --tags 1 --cut 64
	FROM=${V6[0]} TO=${V6[1]} way nine6 absent "opaque_dropped=1" --headers 9
	FROM=${V6[0]} TO=${V6[1]} way nested6 absent "fragment_opaque_dropped=1 steered=1" --atomic --nested
	way ah_cut absent "fragment_opaque_dropped=2 steered=2" --ah --cut 64
	FROM=${MAPPED[0]} TO=${MAPPED[1]} way mapped absent "unmatched_invite_dropped=1"
	FROM=10.66.1.9:5060 way stranger absent "unmatched_invite_dropped=1"
	FROM=10.66.1.9:5060 way stranger_cut absent "unmatched_invite_dropped=1" --cut 64
	TO=$CARRIER4:5062 way sip_port absent "unmatched_invite_dropped=1"
	TO=$CARRIER4:5062 way sip_port_cut absent "reassembled=1 steered=2 unmatched_invite_dropped=1" --cut 64
	way sctp absent "other_transport_dropped=1" --sctp
	# the first one does not hold its headers (RFC 7112), the second one waits for it
	FROM=${V6[0]} TO=${V6[1]} way short6 absent "fragment_tiny=1 steered=2" --headers 1x2 --cut 8
	ways_end
}

test_ways_pass_policy() {
	ON_FAILURE=pass TRUNK=$WAYS_TRUNK begin_ways pass
	way vlan absent "vlan=1" --tags 1
	FROM=${V6[0]} TO=${V6[1]} way nine6 "unsigned 1" "opaque=1" --headers 9
	FROM=${V6[0]} TO=${V6[1]} way nested6 - "fragment_opaque=1 steered=1" --atomic --nested
	way ah_cut absent "fragment_opaque=2 steered=2" --ah --cut 64
	FROM=${MAPPED[0]} TO=${MAPPED[1]} way mapped absent "unmatched_invite=1"
	FROM=10.66.1.9:5060 way stranger "unsigned 1" "unmatched_invite=1"
	FROM=10.66.1.9:5060 way stranger_cut "unsigned 1" "unmatched_invite=1" --cut 64
	TO=$CARRIER4:5062 way sip_port "unsigned 1" "unmatched_invite=1"
	TO=$CARRIER4:5062 way sip_port_cut "unsigned 1" "reassembled=1 steered=2 unmatched_invite=1" --cut 64
	way sctp absent "other_transport=1" --sctp
	ways_end
}

# From the carrier: our result row says that the signer has seen it.
test_ways_inbound() {
	local gateway
	ON_FAILURE=drop TRUNK="$WAYS_TRUNK
    verification: { enabled: true }" gateway_yaml >"$T/sipseal.yaml"
	make_certs "$T/sti"
	gateway='s|^  x5u: .*|&\n  trust_anchors: anchors.pem\nfetch:\n  cache_dir: ""|; s/^  umem_frames/  unmatched_invite: drop\n&/'
	sed -i "$gateway" "$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	captures_start
	sink_at core $CORE4:5060 "[$CORE6]:5060" $CORE4:5099
	DIRECTION=in
	local v6=([0]="[$CARRIER6]:5060" [1]="[$CORE6]:5060") missing="identity_missing=1 steered=1"
	way in_plain "marked 1" "$missing"
	FROM=$CARRIER4:1 way in_port1 "marked 1" "$missing"
	TO=$CORE4:5099 way in_odd_port "marked 1" "$missing"
	WORDS='1s/^/\r\n\r\n/' way in_crlf "marked 1" "$missing"
	way in_second "marked 1" "identity_missing=1 reassembled=1 steered=2" --cut 8
	way in_tiny "marked 1" "identity_missing=1 reassembled=35 steered=36" --cut each=8
	TO=$CORE4:5099 way in_odd_port_cut "marked 1" "identity_missing=1 reassembled=1 steered=2" --cut 64
	FROM=${v6[0]} TO=${v6[1]} way in_headers6 "marked 1" "$missing" --headers 3
	FROM=${v6[0]} TO=${v6[1]} way in_atomic6 "marked 1" "$missing" --atomic
	WORDS='1s/INVITE/invite/' way in_lower "unmarked 1" "not_invite=1 steered=1"
	FROM=${v6[0]} TO=${v6[1]} way in_nine6 absent "opaque_dropped=1" --headers 9
	way in_vlan absent "vlan_dropped=1" --tags 1
	way in_ah_cut absent "fragment_opaque_dropped=2 steered=2" --ah --cut 64
	FROM="[::ffff:$CARRIER4]:5060" TO="[::ffff:$CORE4]:5060" way in_mapped absent "unmatched_invite_dropped=1"
	FROM=10.66.2.77:5060 way in_stranger absent "unmatched_invite_dropped=1"
	TO=10.66.1.9:5060 way in_unknown_core absent "unmatched_invite_dropped=1"
	TO=10.66.1.9:5060 way in_unknown_core_cut absent "unmatched_invite_dropped=1" --cut 64
	FROM=$CORE4:5060 TO=$CARRIER4:5060 way in_wrong_side absent "wrong_side=1"
	ways_end
}

unmatched() { # POLICY WANTED COUNTER
	in_ns carrier ip addr add 10.66.2.9/24 dev carr0
	begin "unmatched_invite: $1"
	udp_sink 10.66.2.9:5060 10.66.2.9:5099
	invite_file "$T/u.sip" unmatched
	invite_file "$T/v.sip" otherport
	send_files $CORE4:5070 10.66.2.9:5060 "$T/u.sip"
	send_files $CORE4:5070 10.66.2.9:5099 "$T/v.sip"
	expect_seen otherport "unsigned 1"
	[ "$2" = absent ] || expect_seen unmatched "$2"
	expect "at the carrier" "$2" "$(seen unmatched)"
	stats
	expect "$3" 1 "$(xdp_count "$3")"
	expect "seen by the signer" 0 "$(signer_total)"
	sipseal status >"$T/status.txt"
	grep -q '10\.66\.2\.9' "$T/status.txt" || { cat "$T/status.txt"; fail "status does not show the peer"; }
}

test_unmatched_pass() { unmatched pass "unsigned 1" unmatched_invite; }
test_unmatched_drop() { unmatched drop absent unmatched_invite_dropped; }

tcp_echo() { # ADDRESS PORT
	bg "tcp$2" carrier python3 -c "
import socket
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('$1', $2)); s.listen(); print('ready', flush=True)
while True:
    c, _ = s.accept(); c.sendall(c.recv(4096)); c.close()"
	wait_for 5 grep -qs ready "$T/tcp$2.log" || fail "no TCP server"
}

tcp_call() { # PORT
	in_ns core python3 -c "
import socket
s = socket.create_connection(('$CARRIER4', $1), 1); s.settimeout(1)
d = open('$T/t.sip', 'rb').read(); s.sendall(d); assert s.recv(4096) == d" 2>"$T/tcp_call.log"
}

other_transport() { # POLICY COUNTER
	begin "other_transports: $1"
	tcp_echo $CARRIER4 5060
	tcp_echo $CARRIER4 5099
	invite_file "$T/t.sip" tcp
	tcp_call 5099 || fail "TCP to another port does not get through: $(cat "$T/tcp_call.log")"
	case $1 in
	pass) tcp_call 5060 || fail "TCP does not get through: $(cat "$T/tcp_call.log")" ;;
	drop) ! tcp_call 5060 || fail "TCP gets through" ;;
	esac
	stats
	at_least "$2" 1 "$(xdp_count "$2")"
	sipseal status >"$T/status.txt"
	grep -qi 'transport\|TCP' "$T/status.txt" || { cat "$T/status.txt"; fail "status does not show it"; }
}

test_tcp_pass() { other_transport pass other_transport; }
test_tcp_drop() { other_transport drop other_transport_dropped; }

run_tests "$@"

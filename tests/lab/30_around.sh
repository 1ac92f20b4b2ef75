#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Ways in which an INVITE could get around the signer: IP options, extension headers, fragments, another
# peer, another transport.
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

fragmented() { # POLICY SRC DST SINK WANTED COUNTER
	ON_FAILURE=$1 begin
	udp_sink "$4:5060"
	invite_file "$T/o.sip" fragments
	python3 - "$T/o.sip" <<-P
		import sys
		data = open(sys.argv[1], "rb").read()
		open(sys.argv[1], "wb").write(data.replace(b"Max-Forwards", b"Subject: " + b"x" * 2000 + b"\r\nMax-Forwards"))
	P
	send_files "$2:5070" "$3:5060" "$T/o.sip"
	[ "$5" = absent ] || expect_seen fragments "$5"
	sleep 0.2
	expect "at the carrier" "$5" "$(seen fragments)"
	stats
	expect "$6" 2 "$(xdp_count "$6")"
	expect "seen by the signer" 0 "$(signer_total)"
	# fragments to somebody else are no business of the gateway
	send_files "$2:5070" "$3:5090" "$T/o.sip"
}

test_fragments_drop_ipv4() { fragmented drop $CORE4 $CARRIER4 $CARRIER4 absent fragment_dropped; }
test_fragments_pass_ipv4() { fragmented pass $CORE4 $CARRIER4 $CARRIER4 "unsigned 1" fragment; }
test_fragments_drop_ipv6() { fragmented drop "[$CORE6]" "[$CARRIER6]" "[$CARRIER6]" absent fragment_dropped; }
test_fragments_pass_ipv6() { fragmented pass "[$CORE6]" "[$CARRIER6]" "[$CARRIER6]" "unsigned 1" fragment; }

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

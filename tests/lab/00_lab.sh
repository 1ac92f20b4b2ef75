#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The lab and the observers themselves, over plain kernel forwarding: calls complete, every byte arrives
# as it was, and the checkers would notice if it did not.
. "$(dirname "$0")/lib.sh"

all_traffic() { # FROM TO
	uas carrier_call "$2" -m 1
	uac pbx_call "$1" "$2"
	stop uas
	uas carrier_register "$2" -m 1
	uac pbx_register "$1" "$2"
	stop uas
	uas carrier_options "$2" -m 1
	uac pbx_options "$1" "$2"
	stop uas
}

test_plain_ipv4() {
	captures_start
	all_traffic $CORE4 $CARRIER4
	in_ns core python3 "$HERE/udp.py" rtp $CORE4:6000 $CARRIER4:7000 20
	captures_stop
	check_calls --same
	# call 9 (INVITE 180 200 ACK, INVITE 200 ACK, BYE 200), REGISTER 4, OPTIONS 2; a slow start repeats some
	at_least "SIP messages" 15 "$(calls_value same_sip)"
}

test_plain_ipv6() {
	captures_start
	all_traffic $CORE6 $CARRIER6
	captures_stop
	check_calls --same
	at_least "SIP messages" 15 "$(calls_value same_sip)"
}

test_checker_notices() {
	captures_start
	udp_sink $CARRIER4:5060
	printf 'OPTIONS sip:a@b SIP/2.0\r\nCall-ID: x\r\n\r\n' >"$T/a.sip"
	send_files $CORE4:5070 $CARRIER4:5060 "$T/a.sip"
	captures_stop
	check_calls --same
	sed -i 's/Call-ID: x/Call-ID: y/' "$T/carrier.pcap"
	! python3 "$HERE/check_calls.py" "$T/core.pcap" "$T/carrier.pcap" --same >"$T/changed.txt" ||
		fail "a changed byte was not noticed"
	grep -q 'changed or' "$T/changed.txt" || { cat "$T/changed.txt"; fail "wrong reason"; }
}

test_up_and_down_twice() {
	lab up
	lab up
	lab status >"$T/status"
	grep -q "$CORE4/24" "$T/status" || fail "status does not show the address"
	lab down
	lab down
	lab status >"$T/status"
	expect "absent namespaces" 3 "$(grep -c absent "$T/status")"
	[ ! -e "/run/netns/$PREFIX-gw" ] || fail "down left a namespace"
	! grep -q "/run/$PREFIX-lab" /proc/mounts || fail "down left the bpffs"
}

# The same on one NIC at a switch: the gateway's kernel sends back what it has received there.
test_stick() {
	lab down
	LAB_TOPOLOGY=stick lab up
	captures_start
	all_traffic $CORE4 $CARRIER4
	all_traffic $CORE6 $CARRIER6
	captures_stop
	check_calls --same
	at_least "SIP messages" 30 "$(calls_value same_sip)"
}

# On the PBX itself: `core` is the gateway's machine.
test_host() {
	lab down
	LAB_TOPOLOGY=host lab up
	capture_start carrier carrier carr0
	all_traffic 10.66.2.1 $CARRIER4
	all_traffic fd66:2::1 $CARRIER6
	stop tcpdump-carrier INT
	at_least "SIP messages" 30 "$(tshark -r "$T/carrier.pcap" -Y sip 2>/dev/null | wc -l)"
	lab down
	[ ! -e "/run/netns/$PREFIX-core" ] || fail "down left the second name"
}

run_tests "$@"

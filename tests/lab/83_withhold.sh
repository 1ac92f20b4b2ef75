#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The gateway cannot sign and drops calls: after 3 s it withholds OPTIONS, too, so that a Kamailio in the core takes its
# other carrier, and comes back when the gateway does.
# lane: second (it waits more than it works)
. "$(dirname "$0")/lib.sh"

OTHER=$CORE4:5090 # a carrier that is not reached through the gateway

carriers_start() {
	bg carrier1 carrier sipp -sf "$HERE/sipp/carrier_any.xml" -i $CARRIER4 -p 5060 -nostdin
	bg carrier2 core sipp -sf "$HERE/sipp/carrier_any.xml" -i $CORE4 -p 5090 -nostdin
	wait_for 5 has_port carrier 5060 && wait_for 5 has_port core 5090 || fail "sipp did not start"
}

kamailio_start() {
	mkdir -p "$T/kamailio"
	printf '1 sip:%s 0 %d\n' "$CARRIER4:5060" 10 "$OTHER" 5 >"$T/carriers"
	sed -e "s|@ADDRESS@|$CORE4|; s|@LIST@|$T/carriers|" "$HERE/kamailio_dispatcher.cfg" >"$T/kamailio.cfg"
	bg kamailio core kamailio -DD -E -m 32 -M 8 -Y "$T/kamailio" -P "$T/kamailio/pid" -f "$T/kamailio.cfg"
	wait_for 10 has_port core 5060 || { cat "$T/kamailio.log"; fail "Kamailio did not start"; }
}

call() { # CARRIER that shall get it
	uac pbx_invite $CORE4 $CORE4
	expect "carrier of the call" "sip:$1" "$(sed -n 's/.*goes to //p' "$T/kamailio.log" | tail -n 1)"
}

says() { grep -q "$1 sip:$CARRIER4" "$T/kamailio.log"; } # down | up

begin() {
	make_certs "$T/sti"
	ON_FAILURE=drop gateway_yaml | sed "s|  heartbeat_ms:.*|&\n  withhold_options: $1|" >"$T/sipseal.yaml"
	start_gateway "$T/sipseal.yaml"
	capture_start carrier carrier carr0 'udp port 5060'
}

test_dispatcher() {
	local at took
	begin true
	carriers_start
	kamailio_start
	call $CARRIER4:5060
	at=$(date +%s%3N)
	stop gateway KILL
	sleep 2.5
	! says down || fail "a gateway that is away for a moment was taken for dead"
	wait_for 15 says down || { cat "$T/kamailio.log"; fail "Kamailio still takes the gateway for alive"; }
	took=$(($(date +%s%3N) - at))
	call $OTHER
	start_gateway "$T/sipseal.yaml"
	wait_for 15 says up || { cat "$T/kamailio.log"; fail "Kamailio does not come back"; }
	call $CARRIER4:5060
	stats
	at_least "OPTIONS withheld" 2 "$(xdp_count options_withheld)"
	report "inactive for the dispatcher after $took ms (pings each second, two missed); $(xdp_count options_withheld) OPTIONS withheld"
	stop tcpdump-carrier INT
	python3 - "$HERE" "$T/carrier.pcap" <<-X || fail "INVITEs at the carrier behind the gateway"
	import sys; sys.path.insert(0, sys.argv[1])
	import pcap, sipmsg
	m = [sipmsg.Message(d.payload) for d in pcap.datagrams(sys.argv[2])]
	m = [x for x in m if x.method == b"INVITE"]
	print(len(m), "INVITEs")
	sys.exit(not (len(m) == 2 and all(len(x.values("identity")) == 1 for x in m)))
	X
}

test_switched_off() {
	begin false
	udp_sink $CARRIER4:5060
	stop gateway KILL
	sleep 4
	send_options ping
	send_invite plain
	expect_seen ping "unsigned 1"
	expect "plain INVITE" absent "$(seen plain)"
}

run_tests "$@"

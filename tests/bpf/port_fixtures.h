/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_fixtures - ports that are not routed (modes wire and host), one NIC for both sides, OPTIONS that are withheld, UDP
 * checksums that the sender left to its NIC; see gateway_setup.h for the tables.
 */
#ifndef SIPSEAL_TEST_PORT_FIXTURES_H
#define SIPSEAL_TEST_PORT_FIXTURES_H

#include "fragment_fixtures.h"

#define BRIDGED SIPSEAL_META_F_BRIDGED
#define LOCALLY (SIPSEAL_META_F_RAW | SIPSEAL_META_F_BRIDGED)
#define ACROSS XDP_REDIRECT, SR_FORWARDED
#define NO_PEER XDP_DROP, SR_NO_PEER_PORT
#define WIRE_MTU .mtu = 1400
#define LO_MTU .mtu = 65535
#define HELD XDP_DROP, SR_OPTIONS_WITHHELD
#define GONE (CF_WITHHOLD | CF_GONE)
#define OPT .text = OPTIONS
#define LEFT_TO_KERNEL XDP_PASS, SR_PARTIAL_CHECKSUM

/* Fields that a fixture does not name are meant to be zero. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
static const struct fixture port_fixtures[] = {
	/* mode wire: no hop, no FIB, tags and MACs stay */
	{ "wire: INVITE", CORE, CF_BRIDGE, { PEER }, STEERED, 10, BRIDGED, WIRE_MTU },
	{ "wire: the same from the other end", CARRIER, CF_BRIDGE, { IN }, STEERED, 11, BRIDGED | INBOUND, WIRE_MTU },
	{ "wire: TTL 1", CORE, CF_BRIDGE, { PEER, .ttl = 1 }, STEERED, 10, BRIDGED, WIRE_MTU },
	{ "wire: hop limit 1, IPv6", CORE, CF_BRIDGE, { PEER6, .ttl = 1 }, STEERED, 50, BRIDGED, WIRE_MTU },
	{ "wire: no route", CORE, CF_BRIDGE, { TO("198.18.1.10") }, STEERED, 100, BRIDGED, WIRE_MTU },
	{ "wire: an address of this machine", CORE, CF_BRIDGE, { TO("203.0.113.1") }, STEERED, 80, BRIDGED, WIRE_MTU },
	{ "wire: neighbour unknown", CORE, CF_BRIDGE, { TO("203.0.113.99") }, STEERED, 60, BRIDGED, WIRE_MTU },
	{ "wire: group MAC", CORE, CF_BRIDGE, { PEER, .is_group_mac = true }, STEERED, 10, BRIDGED, WIRE_MTU },
	{ "wire: VLAN", CORE, CF_BRIDGE, { PEER, .tags = 1 }, STEERED, 10, BRIDGED, WIRE_MTU },
	{ "wire: QinQ, IPv6", CORE, CF_BRIDGE, { PEER6, .tags = 2 }, STEERED, 50, BRIDGED, WIRE_MTU },
	{ "wire: QinQ, inbound", CARRIER, CF_BRIDGE, { IN, .tags = 2 }, STEERED, 11, BRIDGED | INBOUND, WIRE_MTU },
	{ "wire: VLAN, fragment", CORE, CF_BRIDGE, { PEER, LAST, .tags = 1 }, STEERED, 10, BRIDGED | F_FRAGMENT, WIRE_MTU },
	{ "wire: fragment, IPv6, failure pass", CARRIER, CF_BRIDGE | CF_FAIL_PASS, { IN6, LAST6 }, STEERED, 50,
	  BRIDGED | F_IN | F_PASS, WIRE_MTU },
	{ "wire: emergency", CORE, CF_BRIDGE, { PEER, SOS }, STEERED, 10, BRIDGED | F_SOS, WIRE_MTU },
	{ "wire: CANCEL, VLAN", CARRIER, CF_BRIDGE, { IN, CANCEL, .tags = 1 }, STEERED, 11, BRIDGED | F_CANCEL, WIRE_MTU },
	{ "wire: over max_cps", CORE, CF_BRIDGE | CF_SPENT, { LIMITED }, OVER_CPS },

	/* mode wire: everything else crosses, whatever it is */
	{ "wire: OPTIONS", CORE, CF_BRIDGE, { PEER, OPT }, ACROSS },
	{ "wire: OPTIONS, fast path forward", CORE, CF_BRIDGE | CF_FORWARD, { PEER, OPT }, ACROSS },
	{ "wire: OPTIONS, TTL 1", CARRIER, CF_BRIDGE | CF_FORWARD, { IN, OPT, .ttl = 1 }, ACROSS },
	{ "wire: to an address of this machine", CORE, CF_BRIDGE | CF_FORWARD, { TO("203.0.113.1"), OPT }, ACROSS },
	{ "wire: multicast", CORE, CF_BRIDGE, { TO("224.0.0.5"), OPT, .is_group_mac = true }, ACROSS },
	{ "wire: IPv4 options", CORE, CF_BRIDGE | CF_FORWARD, { PEER, OPT, .options = 8 }, ACROSS },
	{ "wire: VLAN, OPTIONS", CORE, CF_BRIDGE | CF_FORWARD, { PEER, OPT, .tags = 1 }, ACROSS },
	{ "wire: TCP", CORE, CF_BRIDGE, { PEER, .proto = 6, .dport = 443 }, ACROSS },
	{ "wire: checksum left to a NIC", CORE, CF_BRIDGE | CF_FORWARD, { PEER, OPT, .sum = SUM_PARTIAL }, ACROSS },
	{ "wire: later fragment to others", CORE, CF_BRIDGE, { NOBODY, LAST }, ACROSS },
	{ "wire: ARP", CORE, CF_BRIDGE, { PEER, .ethertype = 0x0806 }, XDP_REDIRECT, SR_NOT_IP },
	{ "wire: LLDP", CARRIER, CF_BRIDGE, { PEER, .ethertype = 0x88cc, .is_group_mac = true }, XDP_REDIRECT, SR_NOT_IP },
	{ "wire: a frame with a length (STP)", CORE, CF_BRIDGE, { PEER, .ethertype = 38 }, XDP_REDIRECT, SR_NOT_IP },
	{ "wire: VLAN, ARP", CORE, CF_BRIDGE, { PEER, .tags = 1, .ethertype = 0x0806 }, XDP_REDIRECT, SR_VLAN_OTHER },
	{ "wire: three tags", CORE, CF_BRIDGE, { PEER, .tags = 3 }, XDP_REDIRECT, SR_VLAN_OTHER },
	{ "wire: malformed", CORE, CF_BRIDGE, { PEER, .version = 5 }, XDP_REDIRECT, SR_MALFORMED },
	{ "wire: unmatched", CORE, CF_BRIDGE, { NOBODY }, XDP_REDIRECT, SR_UNMATCHED_INVITE },
	{ "wire: unmatched, drop", CORE, CF_BRIDGE | CF_UNMATCHED_DROP, { NOBODY }, XDP_DROP, SR_UNMATCHED_INVITE_DROPPED },
	{ "wire: in a dialog", CORE, CF_BRIDGE, { PEER, IN_DIALOG }, XDP_REDIRECT, SR_DIALOG },
	{ "wire: regulatory off", CORE, CF_BRIDGE | CF_OFF, { PEER }, XDP_REDIRECT, SR_REGULATORY_OFF },
	{ "wire: wrong side", CARRIER, CF_BRIDGE, { PEER }, XDP_REDIRECT, SR_WRONG_SIDE },
	{ "wire: not verified", CARRIER, CF_BRIDGE, { FROM_PEER }, XDP_REDIRECT, SR_INBOUND_UNVERIFIED },
	{ "wire: other transport", CORE, CF_BRIDGE, { PEER, .proto = 6 }, XDP_REDIRECT, SR_OTHER_TRANSPORT },
	{ "wire: nine extension headers, pass", CORE, CF_BRIDGE | CF_FAIL_PASS, { PEER6, NINE }, XDP_REDIRECT, SR_OPAQUE },
	{ "wire: no socket", CORE, CF_BRIDGE | CF_NO_SOCKET, { PEER }, DOWN_DROP },
	{ "wire: no socket, pass", CORE, CF_BRIDGE | CF_NO_SOCKET | CF_FAIL_PASS, { PEER }, XDP_REDIRECT, SR_SIGNER_DOWN },
	{ "wire: no socket, VLAN", CORE, CF_BRIDGE | CF_NO_SOCKET, { PEER, .tags = 1 }, DOWN_DROP },
	{ "wire: no socket, fragment, VLAN", CORE, CF_BRIDGE | CF_NO_SOCKET, { PEER, LAST, .tags = 1 }, FRAGMENT_DIES },
	{ "wire: no socket, emergency", CORE, CF_BRIDGE | CF_NO_SOCKET, { PEER, SOS }, XDP_REDIRECT, SR_EMERGENCY_PASSED },
	{ "wire: no socket, emergency, VLAN", CORE, CF_BRIDGE | CF_NO_SOCKET, { PEER, SOS, .tags = 1 }, XDP_REDIRECT,
	  SR_EMERGENCY_PASSED },
	{ "wire: CANCEL, no socket", CARRIER, CF_BRIDGE | CF_NO_SOCKET, { IN, CANCEL }, ACROSS },
	{ "wire: nothing behind it", CORE, CF_BRIDGE | CF_NO_DEV, { PEER, OPT }, NO_PEER },
	{ "wire: nothing behind it, ARP", CORE, CF_BRIDGE | CF_NO_DEV, { PEER, .ethertype = 0x0806 }, NO_PEER },
	{ "wire: nothing behind the other one", CARRIER, CF_BRIDGE | CF_NO_DEV, { IN, OPT }, ACROSS },

	/* mode host: the carrier NIC belongs to the local stack */
	{ "host: INVITE", CARRIER, CF_LOCAL, { IN }, STEERED, 11, LOCALLY | INBOUND, LO_MTU },
	{ "host: INVITE, TTL 1", CARRIER, CF_LOCAL, { IN, .ttl = 1 }, STEERED, 11, LOCALLY | INBOUND, LO_MTU },
	{ "host: INVITE, to this machine", CARRIER, CF_LOCAL, { .src = "203.0.113.20", .dst = "10.0.1.1" }, STEERED, 20,
	  LOCALLY | INBOUND, LO_MTU },
	{ "host: INVITE, broadcast MAC", CARRIER, CF_LOCAL, { IN, .is_group_mac = true }, STEERED, 11, LOCALLY | INBOUND,
	  LO_MTU },
	{ "host: fragment", CARRIER, CF_LOCAL, { IN, LAST }, STEERED, 11, LOCALLY | F_IN, LO_MTU },
	{ "host: OPTIONS", CARRIER, CF_LOCAL, { IN, OPT }, UNTOUCHED },
	{ "host: OPTIONS, fast path forward", CARRIER, CF_LOCAL | CF_FORWARD, { IN, OPT }, UNTOUCHED },
	{ "host: ARP", CARRIER, CF_LOCAL, { IN, .ethertype = 0x0806 }, XDP_PASS, SR_NOT_IP },
	{ "host: VLAN", CARRIER, CF_LOCAL, { IN, .tags = 1 }, XDP_DROP, SR_VLAN_DROPPED },
	{ "host: no socket, pass", CARRIER, CF_LOCAL | CF_FORWARD | CF_NO_SOCKET | CF_FAIL_PASS, { IN }, XDP_PASS,
	  SR_SIGNER_DOWN },
	{ "host: no socket, emergency", CARRIER, CF_LOCAL | CF_FORWARD | CF_NO_SOCKET, { IN, SOS }, EMERGENCY_PASSES },

	/* one NIC for both sides: whose frame is told by its MAC or its source */
	{ "both: from the core", CORE, CF_BOTH, { PEER }, STEERED, 10, MAC10 },
	{ "both: from a hop of a carrier", CORE, CF_BOTH | CF_HOP, { PEER }, XDP_PASS, SR_WRONG_SIDE },
	{ "both: hop, but the NIC is of the core", CORE, CF_HOP, { PEER }, STEERED, 10, MAC10 },
	{ "both: hop of another NIC of both sides", CARRIER, CF_BOTH_CARRIER | CF_HOP, { PEER }, STEERED, 10, MAC10 },
	{ "both: hop of the other NIC of both sides", CARRIER, CF_BOTH_CARRIER, { PEER }, XDP_PASS, SR_WRONG_SIDE },
	{ "both: from nobody, drop", CORE, CF_BOTH | CF_UNMATCHED_DROP, { .src = "10.2.0.1", .dst = "203.0.113.10" }, XDP_DROP,
	  SR_UNMATCHED_INVITE_DROPPED },
	{ "both: core fragment", CORE, CF_BOTH, { PEER, LAST }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "both: core fragment from a carrier's hop", CORE, CF_BOTH | CF_HOP, { PEER, LAST }, UNTOUCHED },
	{ "both: inbound, by its source", CORE, CF_BOTH, { IN }, STEERED, 11, INBOUND, MAC200 },
	{ "both: inbound, from a carrier's hop", CORE, CF_BOTH | CF_HOP, { IN }, STEERED, 11, INBOUND, MAC200 },
	{ "both: inbound, IPv6, fragment", CORE, CF_BOTH, { IN6, LAST6 }, STEERED, 50, F_IN, MAC75 },
	{ "both: inbound, CANCEL", CORE, CF_BOTH, { IN, CANCEL }, STEERED, 11, F_CANCEL, MAC200 },
	{ "both: from a carrier that is no peer, by its hop", CORE, CF_BOTH | CF_HOP | CF_UNMATCHED_DROP,
	  { .src = "203.0.113.77", .dst = "10.0.1.5" }, XDP_DROP, SR_UNMATCHED_INVITE_DROPPED },
	{ "both: inbound, nine extension headers", CORE, CF_BOTH, { IN6, NINE }, XDP_DROP, SR_OPAQUE_DROPPED },
	{ "both: OPTIONS of a carrier, signer gone", CORE, GONE | CF_BOTH, { IN, OPT }, HELD },
	{ "both: OPTIONS of one that is not verified", CORE, GONE | CF_BOTH, { FROM_PEER, OPT }, UNTOUCHED },
	{ "both: TCP, drop", CORE, CF_BOTH | CF_OTHER_DROP, { PEER, .proto = 6 }, XDP_DROP, SR_OTHER_TRANSPORT_DROPPED },
	{ "both: TCP from a carrier's hop, drop", CORE, CF_BOTH | CF_HOP | CF_OTHER_DROP, { PEER, .proto = 6 }, UNTOUCHED },
	{ "both: CANCEL from the core", CORE, CF_BOTH, { PEER, CANCEL }, UNTOUCHED },
	{ "both: nine extension headers", CORE, CF_BOTH, { PEER6, NINE }, XDP_DROP, SR_OPAQUE_DROPPED },
	{ "both: v4-mapped, as a peer's", CORE, CF_BOTH, { .src = "::ffff:203.0.113.10", .dst = "2001:db8:2::10" }, XDP_PASS,
	  SR_UNMATCHED_INVITE },

	/* OPTIONS while INVITEs have been dropped for long */
	{ "OPTIONS, signer gone", CORE, GONE, { PEER, OPT }, HELD },
	{ "OPTIONS, signer gone, forward", CORE, GONE | CF_FORWARD, { PEER, OPT }, HELD },
	{ "OPTIONS, signer gone, any port", CORE, GONE, { PEER, OPT, .dport = 7777 }, HELD },
	{ "OPTIONS, signer gone, prefix", CORE, GONE, { TO("198.51.100.7"), OPT }, HELD },
	{ "OPTIONS, signer gone, IPv6", CORE, GONE, { PEER6, OPT }, HELD },
	{ "OPTIONS, signer gone, VLAN", CORE, GONE, { PEER, OPT, .tags = 1 }, HELD },
	{ "OPTIONS, signer gone, wire", CORE, GONE | CF_BRIDGE, { PEER, OPT }, HELD },
	{ "OPTIONS, signer gone, second queue", CORE, GONE | CF_QUEUE1, { PEER, OPT }, HELD },
	{ "OPTIONS behind CRLF, signer gone", CORE, GONE, { PEER, .text = CRLF4 OPTIONS }, HELD },
	{ "OPTIONS with a tab, signer gone", CORE, GONE, { PEER, .text = "OPTIONS\tsip:x@y SIP/2.0\r\n\r\n" }, HELD },
	{ "OPTIONS, inbound, signer gone", CARRIER, GONE, { IN, OPT }, HELD },
	{ "OPTIONS, inbound, INVITEs are not verified", CARRIER, GONE, { FROM_PEER, OPT }, UNTOUCHED },
	{ "OPTIONS, signer gone, NIC of both sides", CORE, GONE | CF_BOTH, { PEER, OPT }, HELD },
	{ "OPTIONS, signer gone, to others", CORE, GONE, { NOBODY, OPT }, UNTOUCHED },
	{ "OPTIONS, signer gone, another core", CORE, GONE, { .src = "10.2.0.1", .dst = "203.0.113.10", OPT }, UNTOUCHED },
	{ "OPTIONS, signer gone, v4-mapped", CORE, GONE, { .src = "::ffff:10.0.1.5", .dst = "::ffff:203.0.113.10", OPT },
	  UNTOUCHED },
	{ "OPTIONS, gone for less than 3 s", CORE, CF_WITHHOLD | CF_LONG_STALE, { PEER, OPT }, UNTOUCHED },
	{ "OPTIONS, signer alive", CORE, CF_WITHHOLD, { PEER, OPT }, UNTOUCHED },
	{ "OPTIONS, heartbeat ahead", CORE, CF_WITHHOLD | CF_FUTURE_BEAT, { PEER, OPT }, UNTOUCHED },
	{ "OPTIONS, no heartbeat ever", CORE, CF_WITHHOLD | CF_NO_BEAT, { PEER, OPT }, UNTOUCHED },
	{ "OPTIONS, signer gone, not withheld", CORE, CF_GONE, { PEER, OPT }, UNTOUCHED },
	{ "OPTIONS, signer gone, failure pass", CORE, GONE | CF_FAIL_PASS, { PEER, OPT }, UNTOUCHED },
	{ "OPTIONS, signer gone, regulatory off", CORE, GONE | CF_OFF, { PEER, OPT }, UNTOUCHED },
	{ "OPTION, signer gone", CORE, GONE, { PEER, .text = "OPTION sip:x@y SIP/2.0\r\n\r\n" }, UNTOUCHED },
	{ "OPTIONSX, signer gone", CORE, GONE, { PEER, .text = "OPTIONSX sip:x@y SIP/2.0\r\n\r\n" }, UNTOUCHED },
	{ "OPTIONS without blank, signer gone", CORE, GONE, { PEER, .text = "OPTIONS" }, UNTOUCHED },
	{ "OPTIONS in lower case, signer gone", CORE, GONE, { PEER, .text = "options sip:x@y SIP/2.0\r\n\r\n" }, UNTOUCHED },
	{ "answer, signer gone", CORE, GONE, { PEER, .text = "SIP/2.0 200 OK\r\nCSeq: 1 OPTIONS\r\n\r\n" }, UNTOUCHED },
	{ "INVITE, signer gone", CORE, GONE, { PEER }, DOWN_DROP },

	/* checksums that the sender left to its NIC: lost by a redirect, kept by the kernel */
	{ "checksum left to a NIC", CORE, CF_FORWARD, { PEER, OPT, .sum = SUM_PARTIAL }, LEFT_TO_KERNEL },
	{ "checksum left to a NIC, odd length", CORE, CF_FORWARD, { PEER, .text = "\x80sound", .dport = 20000, .sum = SUM_PARTIAL },
	  LEFT_TO_KERNEL },
	{ "checksum left to a NIC, IPv6", CORE, CF_FORWARD, { PEER6, OPT, .sum = SUM_PARTIAL }, LEFT_TO_KERNEL },
	{ "checksum left to a NIC, from the carrier", CARRIER, CF_FORWARD, { IN, OPT, .sum = SUM_PARTIAL }, LEFT_TO_KERNEL },
	{ "checksum left to a NIC, destination options", CORE, CF_FORWARD, { PEER6, OPT, .ext = { 60 }, .sum = SUM_PARTIAL },
	  LEFT_TO_KERNEL },
	{ "checksum left to a NIC, unmatched", CORE, CF_FORWARD, { .src = "10.2.0.1", .dst = "203.0.113.10", .sum = SUM_PARTIAL },
	  XDP_PASS, SR_UNMATCHED_INVITE },
	{ "checksum left to a NIC, in a dialog", CORE, CF_FORWARD, { PEER, IN_DIALOG, .sum = SUM_PARTIAL }, XDP_PASS,
	  SR_DIALOG },
	{ "checksum left to a NIC, INVITE", CORE, CF_FORWARD, { PEER, .sum = SUM_PARTIAL }, STEERED, 10, MAC10 },
	{ "checksum left to a NIC, fast path kernel", CORE, 0, { PEER, OPT, .sum = SUM_PARTIAL }, UNTOUCHED },
	{ "right checksum", CORE, CF_FORWARD, { PEER, OPT, .sum = SUM_RIGHT }, ACROSS },
	{ "right checksum, odd length", CORE, CF_FORWARD, { PEER, .text = "\x80sound", .dport = 20000, .sum = SUM_RIGHT }, ACROSS },
	{ "right checksum, IPv6", CORE, CF_FORWARD, { PEER6, OPT, .sum = SUM_RIGHT }, ACROSS },
	{ "no checksum", CORE, CF_FORWARD, { PEER, OPT }, ACROSS },
	{ "fragment that looks like it", CORE, CF_FORWARD, { .src = "10.2.0.1", .dst = "203.0.113.10", OPT, .frag = IPV4_MF,
	  .sum = SUM_PARTIAL }, ACROSS },
	{ "TCP that looks like it", CORE, CF_FORWARD, { PEER, .proto = 6, .dport = 443, .sum = SUM_PARTIAL }, ACROSS },
};
#pragma GCC diagnostic pop

#endif

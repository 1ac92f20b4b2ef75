/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fragment_fixtures - fragments of both directions; see gateway_setup.h for the tables.
 */
#ifndef SIPSEAL_TEST_FRAGMENT_FIXTURES_H
#define SIPSEAL_TEST_FRAGMENT_FIXTURES_H

#include "inbound_fixtures.h"

#define F_FRAGMENT SIPSEAL_META_F_FRAGMENT
#define F_FOREIGN (SIPSEAL_META_F_FRAGMENT | SIPSEAL_META_F_FOREIGN)
#define F_SOS SIPSEAL_META_F_EMERGENCY
#define F_PASS SIPSEAL_META_F_PASS
#define F_IN (SIPSEAL_META_F_FRAGMENT | SIPSEAL_META_F_INBOUND)
/* The first of a datagram with 900 bytes more, and a later one. */
#define FIRST .frag = IPV4_MF, .udp_len_delta = 900
#define LATER .frag = IPV4_MF | 100
#define LAST .frag = 100
#define FIRST6 .ext = { 44 }, .frag = 1, .udp_len_delta = 900
#define LAST6 .ext = { 44 }, .frag = 800
#define NOBODY TO("203.0.113.77")
#define FRAGMENT_PASSES XDP_PASS, SR_FRAGMENT
#define FRAGMENT_DIES XDP_DROP, SR_FRAGMENT_DROPPED
#define IN_UNVERIFIED FROM_PEER
/* Behind 20 bytes of AH, as sport and dport have it: UDP to port 5060, then an INVITE. */
#define AH_OF_UDP .proto = 51, .sport = 0x1103, .text = "\x13\xc4\x13\xc4\x02\x00\0\0INVITE sip:x@y SIP/2.0\r\n", .text_len = 32

/* Fields that a fixture does not name are meant to be zero. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
static const struct fixture fragment_fixtures[] = {
	/* outbound: by addresses, the first one by its port, too */
	{ "first", CORE, 0, { PEER, FIRST }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "first, fast path forward", CORE, CF_FORWARD, { PEER, FIRST }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "first, as long as the datagram says", CORE, 0, { PEER, .frag = IPV4_MF }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "first without the request line", CORE, 0, { PEER, FIRST, .text = "INVITE sip:x" }, STEERED, 10, F_FRAGMENT,
	  MAC10 },
	{ "first, but the word is in the second", CORE, 0, { PEER, FIRST, .text = "INVIT", .text_len = 5 }, STEERED, 10,
	  F_FRAGMENT, MAC10 },
	{ "first, nothing but UDP", CORE, 0, { PEER, FIRST, .text = "" }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "first, half of UDP", CORE, 0, { PEER, FIRST, .text = "", .cut = 4, .ip_len_delta = -4 }, STEERED, 10, F_FRAGMENT,
	  MAC10 },
	{ "first, no byte of UDP", CORE, 0, { PEER, FIRST, .text = "", .cut = 8, .ip_len_delta = -8 }, STEERED, 10,
	  F_FRAGMENT, MAC10 },
	{ "first of another method", CORE, 0, { PEER, FIRST, .text = OPTIONS }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "first in a dialog", CORE, 0, { PEER, FIRST, IN_DIALOG }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "first, IPv4 options", CORE, 0, { PEER, FIRST, .options = 12 }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "later", CORE, 0, { PEER, LATER }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "last", CORE, 0, { PEER, LAST }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "last, tiny", CORE, 0, { PEER, LAST, .text = "", .cut = 7, .ip_len_delta = -7 }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "later, failure pass", CORE, CF_FAIL_PASS, { PEER, LATER }, STEERED, 10, F_FRAGMENT | F_PASS, MAC10 },
	{ "first, failure pass", CORE, CF_FAIL_PASS, { PEER, FIRST }, STEERED, 10, F_FRAGMENT | F_PASS, MAC10 },
	{ "DF is no fragment", CORE, 0, { PEER, .frag = 0x4000 }, STEERED, 10, MAC10 },
	{ "longest core prefix", CORE, 0, { .src = "10.0.1.200", .dst = "203.0.113.10", LAST }, STEERED, 11, F_FRAGMENT,
	  MAC10 },
	{ "last, peer of another port", CORE, 0, { OTHER, LAST }, STEERED, 20, F_FRAGMENT, .dmac_tail = { 0, 0x20 } },
	{ "first, peer of another port", CORE, 0, { OTHER, FIRST, .dport = 5080 }, STEERED, 20, F_FRAGMENT,
	  .dmac_tail = { 0, 0x20 } },
	{ "first, peer of two ports", CORE, 0, { OTHER, FIRST, .dport = 5090 }, STEERED, 140, F_FRAGMENT,
	  .dmac_tail = { 0, 0x20 } },
	{ "to a prefix", CORE, 0, { TO("198.51.100.7"), LAST }, STEERED, 30, F_FRAGMENT, MAC10 },
	{ "last, neighbour unknown", CORE, 0, { TO("203.0.113.99"), LAST }, STEERED, 60, F_FRAGMENT | RAW },
	{ "last, route with an MTU", CORE, 0, { TO("198.18.0.10"), LAST }, STEERED, 90, F_FRAGMENT, 1300, MAC10 },
	{ "later, second queue", CORE, CF_QUEUE1, { PEER, LATER }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "later, TTL 1", CORE, 0, { PEER, LATER, .ttl = 1 }, XDP_PASS, SR_TTL },
	{ "last, to the gateway itself", CORE, 0, { TO("203.0.113.1"), LAST }, XDP_PASS, SR_LOCAL },

	/* to a port that no trunk has */
	{ "first of media", CORE, 0, { PEER, FIRST, .dport = 20000, .text = "media" }, STEERED, 10, F_FOREIGN | F_PASS,
	  MAC10 },
	{ "first of media, unmatched drop", CORE, CF_UNMATCHED_DROP, { PEER, FIRST, .dport = 20000 }, STEERED, 10,
	  F_FOREIGN | F_PASS, MAC10 },
	{ "first to another SIP port", CORE, 0, { PEER, FIRST, .dport = 5070 }, STEERED, 10, F_FOREIGN | F_PASS, MAC10 },
	{ "first to another SIP port, unmatched drop", CORE, CF_UNMATCHED_DROP, { PEER, FIRST, .dport = 5070 }, STEERED,
	  10, F_FOREIGN, MAC10 },
	{ "first to another SIP port, unmatched drop, failure pass", CORE, CF_UNMATCHED_DROP | CF_FAIL_PASS,
	  { PEER, FIRST, .dport = 5070 }, STEERED, 10, F_FOREIGN, MAC10 },
	{ "first to another SIP port, emergency", CORE, CF_UNMATCHED_DROP, { PEER, FIRST, .dport = 5070, SOS, .id = 90 },
	  STEERED, 10, F_FOREIGN | F_SOS, MAC10 },

	/* IPv6: all that runs between the two */
	{ "IPv6, first", CORE, 0, { PEER6, FIRST6 }, STEERED, 50, F_FRAGMENT, MAC610 },
	{ "IPv6, last", CORE, 0, { PEER6, LAST6 }, STEERED, 50, F_FRAGMENT, MAC610 },
	{ "IPv6, the whole datagram", CORE, 0, { PEER6, .ext = { 44 } }, STEERED, 50, F_FRAGMENT, MAC610 },
	{ "IPv6, behind hop-by-hop", CORE, 0, { PEER6, .ext = { 255, 44 }, .frag = 800 }, STEERED, 50, F_FRAGMENT, MAC610 },
	{ "IPv6, last, says destination options", CORE, 0, { PEER6, .ext = { 44, 60 }, .frag = 800 }, STEERED, 50,
	  F_FRAGMENT, MAC610 },
	{ "IPv6, first of destination options", CORE, 0, { PEER6, .ext = { 44, 60 }, .frag = 1 }, STEERED, 50, F_FRAGMENT,
	  MAC610 },
	{ "IPv6, first ends in its headers", CORE, 0, { PEER6, .ext = { 44, 60 }, .frag = 1, .ext_units = 1, .text = "",
	  .cut = 16, .ip_len_delta = -16 }, STEERED, 50, F_FRAGMENT, MAC610 },
	{ "IPv6, first, no byte of UDP", CORE, 0, { PEER6, FIRST6, .text = "", .cut = 8, .ip_len_delta = -8 }, STEERED, 50,
	  F_FRAGMENT, MAC610 },
	{ "IPv6, first of nine headers", CORE, 0, { PEER6, .ext = { 44, 60, 60, 60, 60, 60, 60, 60, 60 }, .frag = 1 },
	  STEERED, 50, F_FRAGMENT, MAC610 },
	{ "IPv6, fragment in a fragment", CORE, 0, { PEER6, .ext = { 44, 44 } }, STEERED, 50, F_FRAGMENT, MAC610 },
	{ "IPv6, first of AH", CORE, 0, { PEER6, .ext = { 44, 51 }, .frag = 1 }, STEERED, 50, F_FRAGMENT, MAC610 },
	{ "IPv6, last, says TCP", CORE, 0, { PEER6, LAST6, .proto = 6 }, STEERED, 50, F_FRAGMENT, MAC610 },
	{ "IPv6, last, says ICMPv6", CORE, 0, { PEER6, LAST6, .proto = 58 }, STEERED, 50, F_FRAGMENT, MAC610 },
	{ "IPv6, first of ICMPv6", CORE, 0, { PEER6, FIRST6, .proto = 58 }, STEERED, 50, F_FRAGMENT, MAC610 },
	{ "IPv6, first of TCP", CORE, 0, { PEER6, .ext = { 44 }, .frag = 1, .proto = 6, .dport = 443 }, STEERED, 50,
	  F_FRAGMENT, MAC610 },
	{ "IPv6, first of TCP to a SIP port", CORE, 0, { PEER6, .ext = { 44 }, .frag = 1, .proto = 6 }, STEERED, 50,
	  F_FRAGMENT, MAC610 },
	{ "IPv6, first of TCP to a SIP port, drop", CORE, CF_OTHER_DROP, { PEER6, .ext = { 44 }, .frag = 1, .proto = 6 },
	  XDP_DROP, SR_OTHER_TRANSPORT_DROPPED },
	{ "IPv6, first of TCP, no signer", CORE, CF_NO_SOCKET, { PEER6, .ext = { 44 }, .frag = 1, .proto = 6 },
	  FRAGMENT_DIES },
	{ "IPv6, to others", CORE, 0, { .src = "2001:db8:1::5", .dst = "2001:db8:2::77", LAST6 }, XDP_PASS, SR_KERNEL },
	{ "IPv6, TCP to others", CORE, CF_OTHER_DROP,
	  { .src = "2001:db8:1::5", .dst = "2001:db8:2::77", .ext = { 44 }, .frag = 1, .proto = 6 }, XDP_PASS, SR_KERNEL },
	{ "IPv6, fragment header out of the packet", CORE, 0, { PEER6, .ext = { 44 }, .text = "", .cut = 12,
	  .ip_len_delta = -12 }, XDP_PASS, SR_MALFORMED },

	/* IPv4: the header says what it is */
	{ "ICMP", CORE, 0, { PEER, .proto = 1, LAST }, XDP_PASS, SR_KERNEL },
	{ "TCP, first, drop", CORE, CF_OTHER_DROP, { PEER, .proto = 6, .frag = IPV4_MF }, XDP_DROP,
	  SR_OTHER_TRANSPORT_DROPPED },
	{ "TCP, first", CORE, 0, { PEER, .proto = 6, .frag = IPV4_MF }, XDP_PASS, SR_OTHER_TRANSPORT },
	{ "TCP, last, drop", CORE, CF_OTHER_DROP, { PEER, .proto = 6, LAST }, XDP_PASS, SR_KERNEL },
	{ "AH, last", CORE, 0, { PEER, .proto = 51, LAST }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "AH, first of UDP", CORE, 0, { PEER, AH_OF_UDP, .frag = IPV4_MF }, STEERED, 10, F_FRAGMENT, MAC10 },
	{ "AH, first of ICMP", CORE, 0, { PEER, .proto = 51, .sport = 0x0103, .frag = IPV4_MF }, STEERED, 10, F_FRAGMENT,
	  MAC10 },
	{ "AH, first ends in it", CORE, 0, { PEER, .proto = 51, .sport = 0x11ff, .frag = IPV4_MF, .text = "" }, STEERED, 10,
	  F_FRAGMENT, MAC10 },
	{ "AH, whole, ends in it", CORE, 0, { PEER, .proto = 51, .sport = 0x11ff, .text = "" }, XDP_PASS, SR_MALFORMED },

	/* emergency calls: see also test_emergency_fragments */
	{ "emergency, first", CORE, 0, { PEER, FIRST, SOS, .id = 91 }, STEERED, 10, F_FRAGMENT | F_SOS, MAC10 },
	{ "emergency, no socket", CORE, CF_NO_SOCKET, { PEER, FIRST, SOS, .id = 92 }, EMERGENCY_PASSES },
	{ "emergency, ring half full", CORE, CF_BACKLOG, { PEER, FIRST, SOS, .id = 93 }, EMERGENCY_PASSES },
	{ "emergency, VLAN", CORE, 0, { PEER, FIRST, SOS, .tags = 1, .id = 94 }, EMERGENCY_PASSES },
	{ "emergency, IPv6, stale heartbeat", CORE, CF_STALE, { PEER6, FIRST6, SOS, .id = 95 }, EMERGENCY_PASSES },
	{ "emergency, IPv6", CORE, CF_FAIL_PASS, { PEER6, FIRST6, SOS, .id = 96 }, STEERED, 50,
	  F_FRAGMENT | F_SOS | F_PASS, MAC610 },

	/* no signer */
	{ "first, no socket", CORE, CF_NO_SOCKET, { PEER, FIRST }, FRAGMENT_DIES },
	{ "last, no socket", CORE, CF_NO_SOCKET, { PEER, LAST }, FRAGMENT_DIES },
	{ "first, no socket, pass", CORE, CF_NO_SOCKET | CF_FAIL_PASS, { PEER, FIRST }, FRAGMENT_PASSES },
	{ "last, no socket, pass, forward", CORE, CF_NO_SOCKET | CF_FAIL_PASS | CF_FORWARD, { PEER, LAST }, XDP_REDIRECT,
	  SR_FRAGMENT },
	{ "IPv6, last, stale heartbeat", CORE, CF_STALE, { PEER6, LAST6 }, FRAGMENT_DIES },
	{ "IPv6, last, no heartbeat, pass", CORE, CF_NO_BEAT | CF_FAIL_PASS, { PEER6, LAST6 }, FRAGMENT_PASSES },
	{ "first in a dialog, no socket", CORE, CF_NO_SOCKET, { PEER, FIRST, IN_DIALOG }, FRAGMENT_DIES },
	{ "first, VLAN", CORE, 0, { PEER, FIRST, .tags = 1 }, XDP_DROP, SR_VLAN_DROPPED },
	{ "last, QinQ", CORE, 0, { PEER, LAST, .tags = 2 }, XDP_DROP, SR_VLAN_DROPPED },
	{ "last, VLAN, pass", CORE, CF_FAIL_PASS | CF_FORWARD, { PEER, LAST, .tags = 1 }, XDP_PASS, SR_VLAN },
	{ "last, VLAN, to others", CORE, 0, { NOBODY, LAST, .tags = 1 }, XDP_PASS, SR_VLAN_OTHER },

	/* limits */
	{ "over max_cps", CORE, CF_SPENT, { LIMITED, FIRST }, OVER_CPS },
	{ "over max_cps, in a dialog", CORE, CF_SPENT, { LIMITED, FIRST, IN_DIALOG }, STEERED, 130, F_FRAGMENT, MAC10 },
	{ "over max_cps, emergency", CORE, CF_SPENT, { LIMITED, FIRST, SOS, .id = 97 }, STEERED, 130, F_FRAGMENT | F_SOS,
	  MAC10 },
	{ "over max_cps, no INVITE to be seen", CORE, CF_SPENT, { LIMITED, FIRST, .text = "INV" }, STEERED, 130, F_FRAGMENT,
	  MAC10 },
	{ "over max_cps, another port", CORE, CF_SPENT, { LIMITED, FIRST, .dport = 5070 }, STEERED, 130, F_FOREIGN | F_PASS,
	  MAC10 },
	{ "over max_cps, later", CORE, CF_SPENT, { LIMITED, LATER }, STEERED, 130, F_FRAGMENT, MAC10 },
	{ "over its share, first", CORE, CF_SPENT | CF_SHARE | CF_BACKLOG, { PEER, FIRST }, XDP_DROP, SR_FAIR_SHARE },
	{ "over its share, later", CORE, CF_SPENT | CF_SHARE | CF_BACKLOG, { PEER, LATER }, XDP_DROP, SR_FAIR_SHARE },
	{ "over its share, not overloaded", CORE, CF_SPENT | CF_SHARE | CF_ALMOST, { PEER, LATER }, STEERED, 10, F_FRAGMENT,
	  MAC10 },

	/* of no trunk: what can be seen follows unmatched_invite */
	{ "to others, later", CORE, CF_UNMATCHED_DROP, { NOBODY, LATER }, XDP_PASS, SR_KERNEL },
	{ "to others, first", CORE, 0, { NOBODY, FIRST }, XDP_PASS, SR_UNMATCHED_INVITE },
	{ "to others, first, drop", CORE, CF_UNMATCHED_DROP, { NOBODY, FIRST }, XDP_DROP, SR_UNMATCHED_INVITE_DROPPED },
	{ "to others, first, another method, drop", CORE, CF_UNMATCHED_DROP, { NOBODY, FIRST, .text = OPTIONS }, XDP_PASS,
	  SR_KERNEL },
	{ "to others, first, no SIP port, drop", CORE, CF_UNMATCHED_DROP, { NOBODY, FIRST, .dport = 5071 }, XDP_PASS,
	  SR_KERNEL },
	{ "to others, first, emergency, drop", CORE, CF_UNMATCHED_DROP, { NOBODY, FIRST, SOS }, EMERGENCY_PASSES },
	{ "from another core, first", CORE, 0, { .src = "10.2.0.1", .dst = "203.0.113.10", FIRST }, XDP_PASS,
	  SR_UNMATCHED_INVITE },
	{ "from another core, last", CORE, 0, { .src = "10.2.0.1", .dst = "203.0.113.10", LAST }, XDP_PASS, SR_KERNEL },
	{ "v4-mapped, first, drop", CORE, CF_UNMATCHED_DROP, { .src = "::ffff:10.0.1.5", .dst = "::ffff:203.0.113.10",
	  FIRST6 }, XDP_DROP, SR_UNMATCHED_INVITE_DROPPED },
	{ "v4-mapped, last", CORE, 0, { .src = "::ffff:10.0.1.5", .dst = "::ffff:203.0.113.10", LAST6 }, XDP_PASS,
	  SR_KERNEL },
	{ "regulatory off, first", CORE, CF_OFF, { PEER, FIRST }, XDP_PASS, SR_REGULATORY_OFF },
	{ "regulatory off, last, forward", CORE, CF_OFF | CF_FORWARD, { PEER, LAST }, XDP_REDIRECT, SR_FORWARDED },

	/* inbound */
	{ "inbound, first", CARRIER, 0, { IN, FIRST }, STEERED, 11, F_IN, MAC200 },
	{ "inbound, first, any ports", CARRIER, CF_UNMATCHED_DROP, { IN, FIRST, .sport = 33333, .dport = 9999 }, STEERED, 11,
	  F_IN, MAC200 },
	{ "inbound, last", CARRIER, CF_FORWARD, { IN, LAST }, STEERED, 11, F_IN, MAC200 },
	{ "inbound, last, failure pass", CARRIER, CF_FAIL_PASS, { IN, LAST }, STEERED, 11, F_IN | F_PASS, MAC200 },
	{ "inbound, from a prefix", CARRIER, 0, { IN_PREFIX, LAST }, STEERED, 30, F_IN, MAC5 },
	{ "inbound, IPv6, first", CARRIER, 0, { IN6, FIRST6 }, STEERED, 50, F_IN, MAC75 },
	{ "inbound, IPv6, last, says TCP", CARRIER, 0, { IN6, LAST6, .proto = 6 }, STEERED, 50, F_IN, MAC75 },
	{ "inbound, IPv6, first of TCP", CARRIER, CF_OTHER_DROP, { IN6, .ext = { 44 }, .frag = 1, .proto = 6 }, STEERED, 50,
	  F_IN, MAC75 },
	{ "inbound, TCP, first", CARRIER, 0, { IN, FIRST, .proto = 6 }, UNTOUCHED },
	{ "inbound, CANCEL, first", CARRIER, 0, { IN, FIRST, CANCEL }, STEERED, 11, F_IN, MAC200 },
	{ "inbound, over max_cps", CARRIER, CF_SPENT, { IN_AT_ONCE, FIRST }, STEERED, 130, F_IN, MAC5 },
	{ "inbound, over its share, last", CARRIER, CF_SPENT | CF_SHARE | CF_BACKLOG, { IN, LAST }, XDP_DROP,
	  SR_FAIR_SHARE },
	{ "inbound, emergency", CARRIER, 0, { IN, FIRST, SOS, .id = 98 }, STEERED, 11, F_IN | F_SOS, MAC200 },
	{ "inbound, emergency, no socket", CARRIER, CF_NO_SOCKET, { IN, FIRST, SOS, .id = 99 }, EMERGENCY_PASSES },
	{ "inbound, first, no socket", CARRIER, CF_NO_SOCKET, { IN, FIRST }, FRAGMENT_DIES },
	{ "inbound, first in a dialog, no socket", CARRIER, CF_NO_SOCKET, { IN, FIRST, IN_DIALOG }, FRAGMENT_DIES },
	{ "inbound, last, stale heartbeat, pass", CARRIER, CF_STALE | CF_FAIL_PASS, { IN, LAST }, FRAGMENT_PASSES },
	{ "inbound, last, VLAN", CARRIER, 0, { IN, LAST, .tags = 1 }, XDP_DROP, SR_VLAN_DROPPED },
	{ "inbound, not verified, first", CARRIER, 0, { IN_UNVERIFIED, FIRST }, XDP_PASS, SR_INBOUND_UNVERIFIED },
	{ "inbound, not verified, last", CARRIER, 0, { IN_UNVERIFIED, LAST }, UNTOUCHED },
	{ "inbound, regulatory off, last", CARRIER, CF_OFF, { IN, LAST }, UNTOUCHED },
	{ "inbound, core host of no trunk, first, drop", CARRIER, CF_UNMATCHED_DROP, { NO_CORE, FIRST }, XDP_DROP,
	  SR_UNMATCHED_INVITE_DROPPED },
	{ "inbound, core host of no trunk, last", CARRIER, CF_UNMATCHED_DROP, { NO_CORE, LAST }, UNTOUCHED },
	{ "inbound, to a carrier peer, first", CARRIER, CF_UNMATCHED_DROP, { PEER, FIRST }, XDP_PASS, SR_WRONG_SIDE },
	{ "inbound, to a carrier peer, last", CARRIER, CF_UNMATCHED_DROP, { PEER, LAST }, UNTOUCHED },
};
#pragma GCC diagnostic pop

#endif

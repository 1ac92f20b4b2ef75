/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inbound_fixtures - what comes in on the carrier side; see gateway_setup.h for the tables.
 */
#ifndef SIPSEAL_TEST_INBOUND_FIXTURES_H
#define SIPSEAL_TEST_INBOUND_FIXTURES_H

#include "gateway_fixtures.h"

#define IN .src = "203.0.113.10", .dst = "10.0.1.200"         /* slot 11 */
#define IN_AT_ONCE .src = "203.0.113.10", .dst = "10.0.2.5"   /* slot 130: max_cps 1, no waiting */
#define IN_ANY .src = "203.0.113.20", .dst = "10.0.1.5"       /* slot 20: any core */
#define IN_PREFIX .src = "198.51.100.9", .dst = "10.0.1.5"    /* slot 30 */
#define IN6 .src = "2001:db8:2::10", .dst = "2001:db8:1::5"   /* slot 50 */
#define NO_CORE .src = "203.0.113.10", .dst = "10.9.9.9"
#define MAC200 .dmac_tail = { 1, 200 }
#define MAC5 .dmac_tail = { 1, 5 }
#define MAC75 .dmac_tail = { 7, 5 }
#define INBOUND SIPSEAL_META_F_INBOUND
#define RAW SIPSEAL_META_F_RAW
#define SOS TO_URI("sip:911@x")
#define IN_DIALOG .text = "INVITE sip:x@y SIP/2.0\r\nTo: <sip:x@y>;tag=1\r\n\r\n"
#define LIKE_DIALOG .text = "INVITE sip:x@y SIP/2.0\r\nTo: \"<a>;tag=1\" <sip:x@y>\r\n\r\n"

#define CANCEL_TEXT "CANCEL sip:+12125551000@10.0.1.200 SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.10\r\n\r\n"
#define CANCEL .text = CANCEL_TEXT
#define F_CANCEL (SIPSEAL_META_F_INBOUND | SIPSEAL_META_F_CANCEL)
#define UNTOUCHED XDP_PASS, SR_KERNEL
#define NINE .ext = { 60, 60, 60, 60, 60, 60, 60, 60, 60 }

/* Fields that a fixture does not name are meant to be zero. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
static const struct fixture inbound_fixtures[] = {
	/* trunks that do not verify */
	{ "not verified", CARRIER, 0, { FROM_PEER }, XDP_PASS, SR_INBOUND_UNVERIFIED },
	{ "not verified, from any port, forward", CARRIER, CF_FORWARD, { FROM_PEER, .sport = 33333 }, XDP_REDIRECT,
	  SR_INBOUND_UNVERIFIED },
	{ "not verified, no signer", CARRIER, CF_NO_SOCKET, { FROM_PEER }, XDP_PASS, SR_INBOUND_UNVERIFIED },
	{ "not verified, regulatory off", CARRIER, CF_OFF, { FROM_PEER }, XDP_PASS, SR_INBOUND_UNVERIFIED },
	{ "not verified, VLAN", CARRIER, CF_FORWARD, { FROM_PEER, .tags = 1 }, XDP_PASS, SR_INBOUND_UNVERIFIED },

	/* trunks that do */
	{ "verified", CARRIER, 0, { IN }, STEERED, 11, INBOUND, MAC200 },
	{ "verified, fast path forward", CARRIER, CF_FORWARD, { IN }, STEERED, 11, INBOUND, MAC200 },
	{ "verified, from any port to any port", CARRIER, 0, { IN, .sport = 33333, .dport = 9999 }, STEERED, 11,
	  INBOUND, MAC200 },
	{ "verified, another core prefix", CARRIER, 0, { IN_AT_ONCE }, STEERED, 130, INBOUND, MAC5 },
	{ "verified, any core, another port than the peer's", CARRIER, 0, { IN_ANY }, STEERED, 20, INBOUND, MAC5 },
	{ "verified, carrier prefix", CARRIER, 0, { IN_PREFIX }, STEERED, 30, INBOUND, MAC5 },
	{ "verified, IPv6", CARRIER, 0, { IN6 }, STEERED, 50, INBOUND, MAC75 },
	{ "verified, IPv6 extension headers", CARRIER, 0, { IN6, .ext = { 255, 60 } }, STEERED, 50, INBOUND, MAC75 },
	{ "verified, IPv4 options", CARRIER, 0, { IN, .options = 40 }, STEERED, 11, INBOUND, MAC200 },
	{ "verified, leading CRLF", CARRIER, 0, { IN, .text = CRLF4 INVITE }, STEERED, 11, INBOUND, MAC200 },
	/* what is no INVITE by RFC 3261, but for some PBXs */
	{ "verified, lower case", CARRIER, 0, { IN, .text = "invite sip:x@y SIP/2.0\r\n\r\n" }, STEERED, 11, INBOUND,
	  MAC200 },
	{ "verified, mixed case", CARRIER, 0, { IN, .text = "iNVITe sip:x@y SIP/2.0\r\n\r\n" }, STEERED, 11, INBOUND,
	  MAC200 },
	{ "verified, blank before it", CARRIER, 0, { IN, .text = " " INVITE }, STEERED, 11, INBOUND, MAC200 },
	{ "verified, tab before it", CARRIER, 0, { IN, .text = "\r\n\t" INVITE }, STEERED, 11, INBOUND, MAC200 },
	{ "verified, no blank behind it", CARRIER, 0, { IN, .text = "INVITE<sip:x@y> SIP/2.0\r\n\r\n" }, STEERED, 11,
	  INBOUND, MAC200 },
	{ "verified, folded behind it", CARRIER, 0, { IN, .text = "INVITE\r\n sip:x@y SIP/2.0\r\n\r\n" }, STEERED,
	  11, INBOUND, MAC200 },
	{ "verified, INVITES", CARRIER, 0, { IN, .text = "INVITES sip:x@y SIP/2.0\r\n\r\n" }, UNTOUCHED },
	{ "verified, INVIT", CARRIER, 0, { IN, .text = "INVIT sip:x@y SIP/2.0\r\n\r\n" }, UNTOUCHED },
	{ "verified, neighbour unknown", CARRIER, 0, { .src = "203.0.113.20", .dst = "10.0.1.77" }, STEERED, 20,
	  INBOUND | RAW },
	{ "verified, egress is no port", CARRIER, 0, { .src = "203.0.113.20", .dst = "192.0.2.77" }, STEERED, 20,
	  INBOUND | RAW },
	{ "verified, second queue", CARRIER, CF_QUEUE1, { IN }, STEERED, 11, INBOUND, MAC200 },
	{ "verified, emergency is marked", CARRIER, 0, { IN, SOS }, STEERED, 11,
	  INBOUND | SIPSEAL_META_F_EMERGENCY, MAC200 },
	{ "verified, to the gateway itself", CARRIER, 0, { .src = "203.0.113.20", .dst = "10.0.1.1" }, XDP_PASS,
	  SR_LOCAL },
	{ "verified, TTL 1", CARRIER, 0, { IN, .ttl = 1 }, XDP_PASS, SR_TTL },
	{ "verified, regulatory off", CARRIER, CF_OFF | CF_FORWARD, { IN }, XDP_REDIRECT, SR_REGULATORY_OFF },
	{ "verified, regulatory off, no signer", CARRIER, CF_OFF | CF_NO_SOCKET, { IN }, XDP_PASS,
	  SR_REGULATORY_OFF },

	/* no signer */
	{ "verified, no socket, drop", CARRIER, CF_NO_SOCKET, { IN }, DOWN_DROP },
	{ "verified, no socket, pass, forward", CARRIER, CF_NO_SOCKET | CF_FAIL_PASS | CF_FORWARD, { IN },
	  XDP_REDIRECT, SR_SIGNER_DOWN },
	{ "verified, stale heartbeat, drop", CARRIER, CF_STALE, { IN }, DOWN_DROP },
	{ "verified, stale heartbeat, pass", CARRIER, CF_STALE | CF_FAIL_PASS, { IN }, XDP_PASS, SR_SIGNER_DOWN },
	{ "verified, no heartbeat, IPv6, drop", CARRIER, CF_NO_BEAT, { IN6 }, DOWN_DROP },
	{ "verified, no signer, emergency", CARRIER, CF_NO_SOCKET, { IN, SOS }, EMERGENCY_PASSES },
	{ "verified, ring half full, emergency", CARRIER, CF_BACKLOG, { IN, SOS }, EMERGENCY_PASSES },
	{ "verified, VLAN, drop", CARRIER, 0, { IN, .tags = 1 }, XDP_DROP, SR_VLAN_DROPPED },
	{ "verified, VLAN, pass", CARRIER, CF_FAIL_PASS | CF_FORWARD, { IN, .tags = 1 }, XDP_PASS, SR_VLAN },
	{ "verified, QinQ, IPv6, drop", CARRIER, 0, { IN6, .tags = 2 }, XDP_DROP, SR_VLAN_DROPPED },
	{ "verified, VLAN, emergency", CARRIER, 0, { IN, .tags = 1, SOS }, EMERGENCY_PASSES },
	{ "verified, VLAN, regulatory off", CARRIER, CF_OFF, { IN, .tags = 1 }, XDP_PASS, SR_REGULATORY_OFF },

	/* in a dialog: the signer has to see it, but calls that stand survive its outage */
	{ "verified, in a dialog", CARRIER, 0, { IN, IN_DIALOG }, STEERED, 11, INBOUND, MAC200 },
	{ "verified, in a dialog, no signer", CARRIER, CF_NO_SOCKET, { IN, IN_DIALOG }, XDP_PASS, SR_DIALOG },
	{ "verified, in a dialog, stale heartbeat, forward", CARRIER, CF_STALE | CF_FORWARD, { IN, IN_DIALOG },
	  XDP_REDIRECT, SR_DIALOG },
	{ "verified, in a dialog, no signer, pass", CARRIER, CF_NO_SOCKET | CF_FAIL_PASS, { IN, IN_DIALOG }, XDP_PASS,
	  SR_DIALOG },
	{ "verified, in a dialog, VLAN", CARRIER, 0, { IN, IN_DIALOG, .tags = 1 }, XDP_PASS, SR_DIALOG },
	{ "verified, in a dialog, emergency, no signer", CARRIER, CF_NO_SOCKET,
	  { IN, .text = "INVITE tel:911 SIP/2.0\r\nTo: <tel:911>;tag=1\r\n\r\n" }, EMERGENCY_PASSES },
	{ "verified, tag in the display name, no signer", CARRIER, CF_NO_SOCKET, { IN, LIKE_DIALOG }, DOWN_DROP },
	{ "verified, tag in the display name, VLAN", CARRIER, 0, { IN, LIKE_DIALOG, .tags = 1 }, XDP_DROP,
	  SR_VLAN_DROPPED },

	/* limits: max_cps is for the other direction */
	{ "verified, over max_cps", CARRIER, CF_SPENT, { IN_AT_ONCE }, STEERED, 130, INBOUND, MAC5 },
	{ "verified, over its share", CARRIER, CF_SPENT | CF_SHARE | CF_BACKLOG, { IN }, XDP_DROP, SR_FAIR_SHARE },
	{ "verified, over its share and max_cps", CARRIER, CF_SPENT | CF_SHARE | CF_BACKLOG, { IN_AT_ONCE },
	  XDP_DROP, SR_FAIR_SHARE },
	{ "verified, over its share, in a dialog", CARRIER, CF_SPENT | CF_SHARE | CF_BACKLOG, { IN, IN_DIALOG },
	  XDP_DROP, SR_FAIR_SHARE },
	{ "verified, over its share, not overloaded", CARRIER, CF_SPENT | CF_SHARE | CF_ALMOST, { IN }, STEERED, 11,
	  INBOUND, MAC200 },
	{ "verified, over its share, emergency", CARRIER, CF_SPENT | CF_SHARE | CF_BACKLOG, { IN, SOS },
	  EMERGENCY_PASSES },

	/* of no trunk */
	{ "unmatched from the carrier side, drop", CARRIER, CF_UNMATCHED_DROP,
	  { .src = "203.0.113.77", .dst = "10.0.1.5" }, XDP_DROP, SR_UNMATCHED_INVITE_DROPPED },
	{ "core host of no trunk", CARRIER, 0, { NO_CORE }, XDP_PASS, SR_UNMATCHED_INVITE },
	{ "core host of no trunk, drop", CARRIER, CF_UNMATCHED_DROP, { NO_CORE }, XDP_DROP,
	  SR_UNMATCHED_INVITE_DROPPED },
	{ "core host of no trunk, drop, no SIP port", CARRIER, CF_UNMATCHED_DROP, { NO_CORE, .dport = 5071 },
	  UNTOUCHED },
	{ "core host of no trunk, drop, regulatory off", CARRIER, CF_UNMATCHED_DROP | CF_OFF, { NO_CORE }, XDP_PASS,
	  SR_UNMATCHED_INVITE },
	{ "core host of no trunk, drop, emergency", CARRIER, CF_UNMATCHED_DROP, { NO_CORE, SOS }, EMERGENCY_PASSES },
	{ "core host of no trunk, no signer", CARRIER, CF_NO_SOCKET, { NO_CORE }, XDP_PASS, SR_UNMATCHED_INVITE },
	{ "inbound, no backtracking to the prefix", CARRIER, 0, { .src = "198.51.100.5", .dst = "10.0.1.5" },
	  XDP_PASS, SR_UNMATCHED_INVITE },
	{ "inbound, v4-mapped", CARRIER, 0, { .src = "::ffff:203.0.113.10", .dst = "::ffff:10.0.1.200" }, XDP_PASS,
	  SR_UNMATCHED_INVITE },
	{ "verified, to a carrier peer", CARRIER, 0, { .src = "203.0.113.20", .dst = "203.0.113.10" }, XDP_PASS,
	  SR_WRONG_SIDE },
	{ "verified, on the core side", CORE, 0, { IN }, XDP_PASS, SR_UNMATCHED_INVITE },

	/* what is neither INVITE nor CANCEL, or not to be seen whole */
	{ "verified, OPTIONS", CARRIER, 0, { IN, .text = OPTIONS }, UNTOUCHED },
	{ "verified, answer", CARRIER, CF_FORWARD, { IN, .text = "SIP/2.0 200 OK\r\n\r\n" }, XDP_REDIRECT,
	  SR_FORWARDED },
	{ "verified, TCP", CARRIER, CF_OTHER_DROP, { IN, .proto = 6 }, UNTOUCHED },
	{ "verified, nine extension headers", CARRIER, 0, { IN6, NINE }, XDP_DROP, SR_OPAQUE_DROPPED },
	{ "verified, nine extension headers, pass", CARRIER, CF_FAIL_PASS, { IN6, NINE }, XDP_PASS, SR_OPAQUE },
	{ "verified, nine extension headers, regulatory off", CARRIER, CF_OFF, { IN6, NINE }, UNTOUCHED },
	{ "of no trunk, nine extension headers", CARRIER, 0, { .src = "2001:db8:2::77", .dst = "2001:db8:1::5", NINE },
	  UNTOUCHED },

	/* CANCELs */
	{ "CANCEL", CARRIER, 0, { IN, CANCEL }, STEERED, 11, F_CANCEL, MAC200 },
	{ "CANCEL, fast path forward", CARRIER, CF_FORWARD, { IN, CANCEL }, STEERED, 11, F_CANCEL, MAC200 },
	{ "CANCEL from any port", CARRIER, 0, { IN, CANCEL, .sport = 4444 }, STEERED, 11, F_CANCEL, MAC200 },
	{ "CANCEL from a prefix", CARRIER, 0, { IN_PREFIX, CANCEL }, STEERED, 30, F_CANCEL, MAC5 },
	{ "CANCEL over IPv6", CARRIER, 0, { IN6, CANCEL }, STEERED, 50, F_CANCEL, MAC75 },
	{ "CANCEL behind extension headers", CARRIER, 0, { IN6, CANCEL, .ext = { 60 } }, STEERED, 50, F_CANCEL, MAC75 },
	{ "CANCEL behind CRLF", CARRIER, 0, { IN, .text = CRLF4 CANCEL_TEXT }, STEERED, 11, F_CANCEL, MAC200 },
	{ "CANCEL with a tab", CARRIER, 0, { IN, .text = "CANCEL\tsip:x@y SIP/2.0\r\n\r\n" }, STEERED, 11, F_CANCEL,
	  MAC200 },
	{ "barely CANCEL", CARRIER, 0, { IN, .text = "CANCEL " }, STEERED, 11, F_CANCEL, MAC200 },
	{ "CANCEL with IPv4 options", CARRIER, 0, { IN, CANCEL, .options = 8 }, STEERED, 11, F_CANCEL, MAC200 },
	{ "CANCEL, neighbour unknown", CARRIER, 0, { .src = "203.0.113.20", .dst = "10.0.1.77", CANCEL }, STEERED, 20,
	  F_CANCEL | RAW },
	{ "CANCEL of an emergency call", CARRIER, 0, { IN, .text = "CANCEL tel:911 SIP/2.0\r\n\r\n" }, STEERED, 11,
	  F_CANCEL, MAC200 },
	{ "CANCEL, limits spent", CARRIER, CF_SPENT | CF_SHARE | CF_ALMOST, { IN, CANCEL }, STEERED, 11, F_CANCEL,
	  MAC200 },
	/* and whatever is in its way, it passes */
	{ "CANCEL, ring half full", CARRIER, CF_SPENT | CF_SHARE | CF_BACKLOG, { IN, CANCEL }, UNTOUCHED },
	{ "CANCEL, INVITEs do not wait", CARRIER, 0, { IN_AT_ONCE, CANCEL }, UNTOUCHED },
	{ "CANCEL, not verified", CARRIER, 0, { FROM_PEER, CANCEL }, UNTOUCHED },
	{ "CANCEL, regulatory off", CARRIER, CF_OFF, { IN, CANCEL }, UNTOUCHED },
	{ "CANCEL, no socket", CARRIER, CF_NO_SOCKET, { IN, CANCEL }, UNTOUCHED },
	{ "CANCEL, no socket, forward", CARRIER, CF_NO_SOCKET | CF_FORWARD, { IN, CANCEL }, XDP_REDIRECT,
	  SR_FORWARDED },
	{ "CANCEL, stale heartbeat", CARRIER, CF_STALE, { IN, CANCEL }, UNTOUCHED },
	{ "CANCEL, no heartbeat", CARRIER, CF_NO_BEAT, { IN, CANCEL }, UNTOUCHED },
	{ "CANCEL with a To tag, no socket", CARRIER, CF_NO_SOCKET,
	  { IN, .text = "CANCEL sip:x@y SIP/2.0\r\nTo: <sip:x@y>;tag=1\r\n\r\n" }, UNTOUCHED },
	{ "CANCEL, VLAN", CARRIER, CF_FORWARD, { IN, CANCEL, .tags = 1 }, XDP_PASS, SR_VLAN_OTHER },
	{ "CANCEL, core host of no trunk", CARRIER, CF_UNMATCHED_DROP, { NO_CORE, CANCEL }, UNTOUCHED },
	{ "CANCEL from nobody", CARRIER, CF_UNMATCHED_DROP, { .src = "203.0.113.77", .dst = "10.0.1.200", CANCEL },
	  UNTOUCHED },
	{ "CANCEL, v4-mapped", CARRIER, CF_UNMATCHED_DROP,
	  { .src = "::ffff:203.0.113.10", .dst = "::ffff:10.0.1.200", CANCEL }, UNTOUCHED },
	{ "CANCEL to a carrier peer", CARRIER, 0, { .src = "203.0.113.20", .dst = "203.0.113.10", CANCEL },
	  UNTOUCHED },
	{ "CANCEL, TTL 1", CARRIER, 0, { IN, CANCEL, .ttl = 1 }, XDP_PASS, SR_TTL },
	{ "CANCEL to the gateway itself", CARRIER, 0, { .src = "203.0.113.20", .dst = "10.0.1.1", CANCEL }, XDP_PASS,
	  SR_LOCAL },
	{ "CANCEL from the core", CORE, 0, { PEER, CANCEL }, UNTOUCHED },
	{ "CANCEL from the core, forward", CORE, CF_FORWARD, { PEER, CANCEL }, XDP_REDIRECT, SR_FORWARDED },
	{ "CANCEL of a carrier's address on the core side", CORE, 0, { IN, CANCEL }, UNTOUCHED },
	{ "CANCEL in lower case", CARRIER, 0, { IN, .text = "cancel sip:x@y SIP/2.0\r\n\r\n" }, UNTOUCHED },
	{ "CANCELED", CARRIER, 0, { IN, .text = "CANCELED sip:x@y SIP/2.0\r\n\r\n" }, UNTOUCHED },
	{ "CANCEL without blank", CARRIER, 0, { IN, .text = "CANCEL" }, UNTOUCHED },
	{ "CANCEL ends behind the UDP length", CARRIER, 0, { IN, .text = "CANCEL sip:", .udp_len_delta = -5 },
	  UNTOUCHED },
	{ "nothing but a C", CARRIER, 0, { IN, .text = "C" }, UNTOUCHED },
};
#pragma GCC diagnostic pop

#endif

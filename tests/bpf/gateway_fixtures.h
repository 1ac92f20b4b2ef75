/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gateway_fixtures - named packets and what has to become of them; see gateway_setup.h for the tables.  What
 * comes in on the carrier side: inbound_fixtures.h; fragments: fragment_fixtures.h; ports that are not routed, one NIC for
 * both sides: port_fixtures.h.
 */
#ifndef SIPSEAL_TEST_GATEWAY_FIXTURES_H
#define SIPSEAL_TEST_GATEWAY_FIXTURES_H

#include "gateway_setup.h"

struct fixture {
	const char *name;
	unsigned port;              /* CORE | CARRIER */
	unsigned flags;             /* CF_* */
	struct spec p;
	uint32_t action, reason;
	/* of what was steered */
	uint32_t slot;
	uint8_t meta_flags;
	uint16_t mtu;               /* 1500 */
	uint8_t dmac_tail[2];       /* last bytes of the next hop's MAC */
};

#define TO(d) .src = "10.0.1.5", .dst = d
#define PEER TO("203.0.113.10")
#define OTHER TO("203.0.113.20")
#define LIMITED .src = "10.0.2.5", .dst = "203.0.113.10"
#define OVER_CPS XDP_DROP, SR_RATE_LIMITED
#define PEER6 .src = "2001:db8:1::5", .dst = "2001:db8:2::10"
#define FROM_PEER .src = "203.0.113.10", .dst = "10.0.1.5"
#define STEERED XDP_REDIRECT, SR_STEERED
#define MAC10 .dmac_tail = { 0, 0x10 }
#define MAC610 .dmac_tail = { 6, 0x10 }
#define CRLF4 "\r\n\r\n"
#define CRLF15 "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r"
#define IPV4_MF 0x2000

#define TO_URI(uri) .text = "INVITE " uri " SIP/2.0\r\nTo: x\r\n\r\n"
#define EMERGENCY_PASSES XDP_PASS, SR_EMERGENCY_PASSED
#define DOWN_DROP XDP_DROP, SR_SIGNER_DOWN_DROPPED
/* No socket and drop: what is not recognised as an emergency call dies. */
#define EMERGENCY(uri) "emergency: " uri, CORE, CF_NO_SOCKET, { PEER, TO_URI(uri) }, EMERGENCY_PASSES
#define NO_EMERGENCY(uri) "no emergency: " uri, CORE, CF_NO_SOCKET, { PEER, TO_URI(uri) }, DOWN_DROP

/* An INVITE whose To row is @row. */
#define TO_ROW(row) PEER, .text = "INVITE sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n" \
	"From: \"To: <x>;tag=9\" <sip:a@b>;tag=2\r\n" row "\r\nCall-ID: 1\r\n\r\nTo: <x>;tag=3\r\n"
#define DIALOG(name, row) "dialog: " name, CORE, 0, { TO_ROW(row) }, XDP_PASS, SR_DIALOG
#define NO_DIALOG(name, row) "no dialog: " name, CORE, 0, { TO_ROW(row) }, STEERED, 10, MAC10

/* Fields that a fixture does not name are meant to be zero. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
static const struct fixture fixtures[] = {
	/* steering */
	{ "invite", CORE, 0, { PEER }, STEERED, 10, MAC10 },
	{ "invite, fast path forward", CORE, CF_FORWARD, { PEER }, STEERED, 10, MAC10 },
	{ "longest core prefix", CORE, 0, { .src = "10.0.1.200", .dst = "203.0.113.10" }, STEERED, 11, MAC10 },
	{ "core address in a prefix", CORE, 0, { .src = "10.0.1.201", .dst = "203.0.113.10" }, STEERED, 12, MAC10 },
	{ "beside it", CORE, 0, { .src = "10.0.1.202", .dst = "203.0.113.10" }, STEERED, 11, MAC10 },
	{ "IPv6 core address", CORE, 0, { .src = "2001:db8:1::7", .dst = "2001:db8:2::10" }, STEERED, 52, MAC610 },
	{ "peer with another port", CORE, 0, { OTHER, .dport = 5080 }, STEERED, 20, .dmac_tail = { 0, 0x20 } },
	{ "carrier prefix", CORE, 0, { TO("198.51.100.7") }, STEERED, 30, MAC10 },
	{ "IPv6", CORE, 0, { PEER6 }, STEERED, 50, MAC610 },
	{ "neighbour unknown", CORE, 0, { TO("203.0.113.99") }, STEERED, 60, SIPSEAL_META_F_RAW },
	{ "egress is no port", CORE, 0, { TO("192.0.2.10") }, STEERED, 70, SIPSEAL_META_F_RAW },
	{ "neighbour unknown, route with an MTU", CORE, 0, { TO("198.18.2.10") }, STEERED, 110,
	  SIPSEAL_META_F_RAW, 1300 },
	{ "IPv6 neighbour unknown, route with an MTU", CORE, 0,
	  { .src = "2001:db8:1::5", .dst = "2001:db8:3::10" }, STEERED, 120, SIPSEAL_META_F_RAW, 1300 },
	{ "route with an MTU", CORE, 0, { TO("198.18.0.10") }, STEERED, 90, .mtu = 1300, MAC10 },
	{ "trailing bytes", CORE, 0, { PEER, .pad = 9 }, STEERED, 10, MAC10 },
	{ "UDP shorter than IP", CORE, 0, { PEER, .udp_len_delta = -4 }, STEERED, 10, MAC10 },
	{ "IPv4 options", CORE, 0, { PEER, .options = 40 }, STEERED, 10, MAC10 },
	{ "tab after INVITE", CORE, 0, { PEER, .text = "INVITE\tsip:x@y SIP/2.0\r\n\r\n" }, STEERED, 10, MAC10 },
	{ "INVITE in lower case", CORE, 0, { PEER, .text = "invite sip:x@y SIP/2.0\r\n\r\n" }, STEERED, 10, MAC10 },
	{ "blank before INVITE", CORE, 0, { PEER, .text = " " INVITE }, STEERED, 10, MAC10 },
	{ "barely INVITE", CORE, 0, { PEER, .text = "INVITE " }, STEERED, 10, MAC10 },
	{ "leading CRLF", CORE, 0, { PEER, .text = CRLF4 INVITE }, STEERED, 10, MAC10 },
	{ "leading lone LF", CORE, 0, { PEER, .text = "\n" INVITE }, STEERED, 10, MAC10 },
	{ "15 leading CR and LF", CORE, 0, { PEER, .text = CRLF15 INVITE }, STEERED, 10, MAC10 },
	{ "16 leading CR and LF", CORE, 0, { PEER, .text = CRLF15 "\n" OPTIONS }, STEERED, 10, MAC10 },
	{ "nothing but 16 CR and LF", CORE, 0, { PEER, .text = CRLF15 "\n" }, STEERED, 10, MAC10 },
	{ "heartbeat ahead of the coarse clock", CORE, CF_FUTURE_BEAT, { PEER }, STEERED, 10, MAC10 },
	{ "emergency is marked", CORE, 0, { PEER, TO_URI("tel:112") }, STEERED, 10, SIPSEAL_META_F_EMERGENCY,
	  MAC10 },
	{ "IPv6 UDP length 0", CORE, 0, { PEER6, .udp_len_zero = 1 }, STEERED, 50, MAC610 },

	/* max_cps: slot 130 */
	{ "below max_cps", CORE, 0, { LIMITED }, STEERED, 130, MAC10 },
	{ "over max_cps", CORE, CF_SPENT, { LIMITED }, OVER_CPS },
	{ "over max_cps, failure pass", CORE, CF_SPENT | CF_FAIL_PASS, { LIMITED }, OVER_CPS },
	{ "over max_cps, emergency", CORE, CF_SPENT, { LIMITED, TO_URI("tel:112") }, STEERED, 130,
	  SIPSEAL_META_F_EMERGENCY, MAC10 },
	{ "over max_cps, another trunk of the peer", CORE, CF_SPENT, { PEER }, STEERED, 10, MAC10 },
	{ "over max_cps, in a dialog", CORE, CF_SPENT,
	  { LIMITED, .text = "INVITE sip:x@y SIP/2.0\r\nTo: <sip:x@y>;tag=1\r\n\r\n" }, XDP_PASS, SR_DIALOG },
	{ "over max_cps, regulatory off", CORE, CF_SPENT | CF_OFF, { LIMITED }, XDP_PASS, SR_REGULATORY_OFF },
	{ "over max_cps, signer down", CORE, CF_SPENT | CF_STALE, { LIMITED }, DOWN_DROP },
	{ "over max_cps, no socket, pass", CORE, CF_SPENT | CF_NO_SOCKET | CF_FAIL_PASS, { LIMITED }, XDP_PASS,
	  SR_SIGNER_DOWN },
	{ "over max_cps, no INVITE", CORE, CF_SPENT, { LIMITED, .text = OPTIONS }, XDP_PASS, SR_KERNEL },

	/* fair share: only while the ring is half full and the worker says how much that is */
	{ "over its share", CORE, CF_SPENT | CF_SHARE | CF_BACKLOG, { PEER }, XDP_DROP, SR_FAIR_SHARE },
	{ "over its share, failure pass", CORE, CF_SPENT | CF_SHARE | CF_BACKLOG | CF_FAIL_PASS, { PEER }, XDP_DROP,
	  SR_FAIR_SHARE },
	{ "over its share, not overloaded", CORE, CF_SPENT | CF_SHARE | CF_ALMOST, { PEER }, STEERED, 10, MAC10 },
	{ "over its share, share not known", CORE, CF_SPENT | CF_BACKLOG, { PEER }, STEERED, 10, MAC10 },
	{ "within its share", CORE, CF_SHARE | CF_BACKLOG, { PEER }, STEERED, 10, MAC10 },
	{ "over its share, emergency", CORE, CF_SPENT | CF_SHARE | CF_BACKLOG, { PEER, TO_URI("tel:112") },
	  EMERGENCY_PASSES },
	{ "over its share, signer down", CORE, CF_SPENT | CF_SHARE | CF_BACKLOG | CF_STALE, { PEER }, DOWN_DROP },
	{ "over both", CORE, CF_SPENT | CF_SHARE | CF_BACKLOG, { LIMITED }, OVER_CPS },

	/* To tag: what the signer would leave unchanged, and nothing else */
	{ DIALOG("plain", "To: <sip:x@y>;tag=1") },
	{ DIALOG("compact, no blank", "t:<sip:x@y>;tag=a") },
	{ DIALOG("case and blanks", "tO:\t<sip:x@y> ; \tTAG=Z9") },
	{ DIALOG("display name with everything", "To: \"a>;tag=1 \\\" <b\" <sip:x@y>;tag=1;x=y") },
	{ "dialog: forward", CORE, CF_FORWARD, { TO_ROW("To: <sip:x@y>;tag=1") }, XDP_REDIRECT, SR_DIALOG },
	{ "dialog: no signer", CORE, CF_NO_SOCKET, { TO_ROW("To: <sip:x@y>;tag=1") }, XDP_PASS, SR_DIALOG },
	{ "dialog: VLAN", CORE, 0, { TO_ROW("To: <sip:x@y>;tag=1"), .tags = 1 }, XDP_PASS, SR_DIALOG },
	{ "dialog: IPv6", CORE, 0, { PEER6, .text = "INVITE sip:x@y SIP/2.0\r\nTo: <sip:x@y>;tag=1\r\n\r\n" }, XDP_PASS,
	  SR_DIALOG },
	{ NO_DIALOG("no tag", "To: <sip:x@y>") },
	{ NO_DIALOG("tag in the display name", "To: \"<a>;tag=1\" <sip:x@y>") },
	{ NO_DIALOG("tag in the URI", "To: <sip:x@y;tag=1>") },
	{ NO_DIALOG("tag in a quoted value", "To: <sip:x@y>;a=\">;tag=1\"") },
	{ NO_DIALOG("tag is the second parameter", "To: <sip:x@y>;a=b;tag=1") },
	{ NO_DIALOG("empty tag", "To: <sip:x@y>;tag=") },
	{ NO_DIALOG("other parameter", "To: <sip:x@y>;atag=1") },
	{ NO_DIALOG("addr-spec", "To: sip:x@y;tag=1") },
	{ NO_DIALOG("folded", "To: <sip:x@y>;tag=1\r\n ;a=b") },
	{ NO_DIALOG("blank before the colon", "To : <sip:x@y>;tag=1") },
	{ NO_DIALOG("another header", "Too: <sip:x@y>;tag=1") },
	{ NO_DIALOG("line without CR", "To: <sip:x@y>\nSubject: >;tag=1") },
	{ NO_DIALOG("no To before the body", "Subject: x") },

	/* IPv6 extension headers */
	{ "hop-by-hop", CORE, 0, { PEER6, .ext = { 255 } }, STEERED, 50, MAC610 },
	{ "hop-by-hop, length 0: up to the end", CORE, 0, { PEER6, .ext = { 255 }, .text = "INVITE sip:x@y SIP/2.0\r\n\r\n",
	  .ip_len_delta = -42 }, STEERED, 50, MAC610 },
	{ "length 0", CORE, 0, { PEER6, .text = "INVITE sip:x@y SIP/2.0\r\n\r\n", .ip_len_delta = -34 }, XDP_PASS, SR_MALFORMED },
	{ "hop-by-hop, routing, destination, AH", CORE, 0, { PEER6, .ext = { 255, 43, 60, 51 }, .ext_units = 2 },
	  STEERED, 50, MAC610 },
	{ "mobility, HIP, Shim6", CORE, 0, { PEER6, .ext = { 135, 139, 140 } }, STEERED, 50, MAC610 },
	{ "eight extension headers", CORE, 0, { PEER6, .ext = { 60, 60, 60, 60, 60, 60, 60, 60 } }, STEERED, 50,
	  MAC610 },
	{ "nine extension headers", CORE, 0, { PEER6, .ext = { 60, 60, 60, 60, 60, 60, 60, 60, 60 } }, XDP_DROP,
	  SR_OPAQUE_DROPPED },
	{ "nine extension headers, pass", CORE, CF_FAIL_PASS,
	  { PEER6, .ext = { 60, 60, 60, 60, 60, 60, 60, 60, 60 } }, XDP_PASS, SR_OPAQUE },
	{ "nine extension headers, pass, forward", CORE, CF_FAIL_PASS | CF_FORWARD,
	  { PEER6, .ext = { 60, 60, 60, 60, 60, 60, 60, 60, 60 } }, XDP_REDIRECT, SR_OPAQUE },
	{ "nine extension headers to others", CORE, 0,
	  { .src = "2001:db8:1::5", .dst = "2001:db8:2::11", .ext = { 60, 60, 60, 60, 60, 60, 60, 60, 60 } },
	  XDP_PASS, SR_KERNEL },
	{ "nine extension headers, regulatory off", CORE, CF_OFF,
	  { PEER6, .ext = { 60, 60, 60, 60, 60, 60, 60, 60, 60 } }, XDP_PASS, SR_KERNEL },
	{ "extension header out of the frame", CORE, 0, { PEER6, .ext = { 60 }, .cut = 80, .ip_len_delta = -80,
	  .ext_units = 1, .text = "" , .text_len = 72 }, XDP_PASS, SR_MALFORMED },

	/* what is no INVITE */
	{ "OPTIONS", CORE, 0, { PEER, .text = OPTIONS }, XDP_PASS, SR_KERNEL },
	{ "OPTIONS, forward", CORE, CF_FORWARD, { PEER, .text = OPTIONS }, XDP_REDIRECT, SR_FORWARDED },
	{ "OPTIONS IPv6, forward", CORE, CF_FORWARD, { PEER6, .text = OPTIONS }, XDP_REDIRECT, SR_FORWARDED },
	{ "RTP, forward", CORE, CF_FORWARD, { PEER, .text = "\x80\x00 rtp", .dport = 20000 }, XDP_REDIRECT,
	  SR_FORWARDED },
	{ "to the core, forward", CARRIER, CF_FORWARD, { FROM_PEER, .text = OPTIONS }, XDP_REDIRECT, SR_FORWARDED },
	{ "INVIT", CORE, 0, { PEER, .text = "INVIT sip:x@y SIP/2.0\r\n\r\n" }, XDP_PASS, SR_KERNEL },
	{ "INVITED", CORE, 0, { PEER, .text = "INVITED sip:x@y SIP/2.0\r\n\r\n" }, XDP_PASS, SR_KERNEL },
	{ "INVITE without blank", CORE, 0, { PEER, .text = "INVITE" }, XDP_PASS, SR_KERNEL },
	{ "INVITE ends behind the UDP length", CORE, 0, { PEER, .text = "INVITE sip:", .udp_len_delta = -5 },
	  XDP_PASS, SR_KERNEL },
	{ "keep-alive", CORE, 0, { PEER, .text = CRLF4 }, XDP_PASS, SR_KERNEL },
	{ "15 CR and LF", CORE, 0, { PEER, .text = CRLF15 }, XDP_PASS, SR_KERNEL },
	{ "empty datagram", CORE, 0, { PEER, .text = "", .udp_len_delta = 0 }, XDP_PASS, SR_KERNEL },
	{ "ICMP", CORE, 0, { PEER, .proto = 1 }, XDP_PASS, SR_KERNEL },
	{ "INVITE to a port of no peer", CORE, 0, { PEER, .dport = 9999 }, XDP_PASS, SR_KERNEL },

	/* fast path results */
	{ "forward: local", CORE, CF_FORWARD, { TO("203.0.113.1"), .text = OPTIONS }, XDP_PASS, SR_LOCAL },
	{ "forward: blackhole", CORE, CF_FORWARD, { TO("198.18.1.1"), .text = OPTIONS }, XDP_PASS, SR_LOCAL },
	{ "forward: group MAC", CORE, CF_FORWARD, { PEER, .text = OPTIONS, .is_group_mac = true }, XDP_PASS,
	  SR_LOCAL },
	{ "forward: multicast", CORE, CF_FORWARD, { TO("224.0.0.5"), .text = OPTIONS }, XDP_PASS, SR_LOCAL },
	{ "forward: martian source", CORE, CF_FORWARD,
	  { .src = "224.0.0.1", .dst = "203.0.113.10", .text = OPTIONS }, XDP_PASS, SR_LOCAL },
	{ "forward: loopback source", CORE, CF_FORWARD,
	  { .src = "127.0.0.1", .dst = "203.0.113.10", .text = OPTIONS }, XDP_PASS, SR_LOCAL },
	{ "forward: IPv6 source ::", CORE, CF_FORWARD, { .src = "::", .dst = "2001:db8:2::10", .text = OPTIONS },
	  XDP_PASS, SR_LOCAL },
	{ "forward: no neighbour", CORE, CF_FORWARD, { TO("203.0.113.99"), .text = OPTIONS }, XDP_PASS,
	  SR_NO_NEIGHBOUR },
	{ "forward: too big", CORE, CF_FORWARD, { TO("198.18.0.10"), .text = OPTIONS, .text_len = 1280 }, XDP_PASS,
	  SR_TOO_BIG },
	{ "forward: fits exactly", CORE, CF_FORWARD, { TO("198.18.0.10"), .text = OPTIONS, .text_len = 1272 },
	  XDP_REDIRECT, SR_FORWARDED },
	{ "forward: TTL 1", CORE, CF_FORWARD, { PEER, .text = OPTIONS, .ttl = 1 }, XDP_PASS, SR_TTL },
	{ "forward: TTL 2", CORE, CF_FORWARD, { PEER, .text = OPTIONS, .ttl = 2 }, XDP_REDIRECT, SR_FORWARDED },
	{ "forward: hop limit 1", CORE, CF_FORWARD, { PEER6, .text = OPTIONS, .ttl = 1 }, XDP_PASS, SR_TTL },
	{ "forward: egress is no port", CORE, CF_FORWARD, { TO("192.0.2.10"), .text = OPTIONS }, XDP_PASS,
	  SR_NO_PORT },
	{ "forward: no device in the map", CORE, CF_FORWARD | CF_NO_DEV, { PEER, .text = OPTIONS }, XDP_PASS,
	  SR_NO_PORT },
	{ "forward: IPv4 options", CORE, CF_FORWARD, { PEER, .text = OPTIONS, .options = 8 }, XDP_PASS, SR_KERNEL },
	{ "forward: hop-by-hop", CORE, CF_FORWARD, { PEER6, .text = OPTIONS, .ext = { 255 } }, XDP_PASS, SR_KERNEL },
	{ "steer: local", CORE, 0, { TO("203.0.113.1") }, XDP_PASS, SR_LOCAL },
	{ "steer: blackhole", CORE, 0, { TO("198.18.1.10") }, XDP_PASS, SR_LOCAL },
	{ "steer: group MAC", CORE, 0, { PEER, .is_group_mac = true }, XDP_PASS, SR_LOCAL },
	{ "steer: TTL 1", CORE, 0, { PEER, .ttl = 1 }, XDP_PASS, SR_TTL },

	/* frames that do not hold what they say */
	{ "ARP", CORE, 0, { PEER, .ethertype = 0x0806 }, XDP_PASS, SR_NOT_IP },
	{ "IPv4 version 5", CORE, 0, { PEER, .version = 5 }, XDP_PASS, SR_MALFORMED },
	{ "IPv6 version 4", CORE, 0, { PEER6, .version = 4 }, XDP_PASS, SR_MALFORMED },
	{ "ihl 4", CORE, 0, { PEER, .ihl = 4 }, XDP_PASS, SR_MALFORMED },
	{ "options out of the packet", CORE, 0, { PEER, .ihl = 15, .text = "x" }, XDP_PASS, SR_MALFORMED },
	{ "IPv4 longer than the frame", CORE, 0, { PEER, .cut = 1 }, XDP_PASS, SR_MALFORMED },
	{ "IPv4 shorter than its header", CORE, 0, { PEER, .text = "", .ip_len_delta = -10 }, XDP_PASS,
	  SR_MALFORMED },
	{ "IPv6 longer than the frame", CORE, 0, { PEER6, .cut = 1 }, XDP_PASS, SR_MALFORMED },
	{ "UDP longer than IP", CORE, 0, { PEER, .udp_len_delta = 1 }, XDP_PASS, SR_MALFORMED },
	{ "UDP longer than IP, padded", CORE, 0, { PEER, .udp_len_delta = 1, .pad = 10 }, XDP_PASS, SR_MALFORMED },
	{ "UDP length 7", CORE, 0, { PEER, .text = "", .udp_len_delta = -1 }, XDP_PASS, SR_MALFORMED },
	{ "IPv4 UDP length 0", CORE, 0, { PEER, .udp_len_zero = 1 }, XDP_PASS, SR_MALFORMED },
	{ "no room for UDP", CORE, 0, { PEER, .text = "", .cut = 1, .ip_len_delta = -1 }, XDP_PASS, SR_MALFORMED },

	/* v4-mapped addresses never match */
	{ "v4-mapped", CORE, 0, { .src = "::ffff:10.0.1.5", .dst = "::ffff:203.0.113.10" }, XDP_PASS,
	  SR_UNMATCHED_INVITE },
	{ "v4-mapped destination", CORE, 0, { .src = "2001:db8:1::5", .dst = "::ffff:203.0.113.10" }, XDP_PASS,
	  SR_UNMATCHED_INVITE },
	{ "v4-mapped source", CORE, CF_UNMATCHED_DROP, { .src = "::ffff:10.0.1.5", .dst = "2001:db8:2::10" },
	  XDP_DROP, SR_UNMATCHED_INVITE_DROPPED },

	/* unmatched */
	{ "unmatched", CORE, 0, { TO("203.0.113.77") }, XDP_PASS, SR_UNMATCHED_INVITE },
	{ "unmatched, drop", CORE, CF_UNMATCHED_DROP, { TO("203.0.113.77") }, XDP_DROP,
	  SR_UNMATCHED_INVITE_DROPPED },
	{ "unmatched, second SIP port, drop", CORE, CF_UNMATCHED_DROP, { TO("203.0.113.77"), .dport = 5070 },
	  XDP_DROP, SR_UNMATCHED_INVITE_DROPPED },
	{ "unmatched, no SIP port, drop", CORE, CF_UNMATCHED_DROP, { TO("203.0.113.77"), .dport = 5071 }, XDP_PASS,
	  SR_KERNEL },
	{ "unmatched, drop, regulatory off", CORE, CF_UNMATCHED_DROP | CF_OFF, { TO("203.0.113.77") }, XDP_PASS,
	  SR_UNMATCHED_INVITE },
	{ "unmatched, forward", CORE, CF_FORWARD, { .src = "10.2.0.1", .dst = "203.0.113.10" }, XDP_REDIRECT,
	  SR_UNMATCHED_INVITE },
	{ "peer, but another core", CORE, CF_UNMATCHED_DROP, { .src = "10.2.0.1", .dst = "203.0.113.10" }, XDP_DROP,
	  SR_UNMATCHED_INVITE_DROPPED },
	{ "no backtracking to the prefix", CORE, 0, { TO("198.51.100.5") }, XDP_PASS, SR_UNMATCHED_INVITE },
	{ "behind the prefix", CORE, 0, { TO("198.51.100.16") }, XDP_PASS, SR_UNMATCHED_INVITE },
	{ "emergency unmatched, drop", CORE, CF_UNMATCHED_DROP, { TO("203.0.113.77"), TO_URI("tel:911") },
	  EMERGENCY_PASSES },

	/* sides */
	{ "wrong side", CARRIER, 0, { PEER }, XDP_PASS, SR_WRONG_SIDE },
	{ "wrong side, port of no peer", CARRIER, 0, { PEER, .dport = 9999 }, XDP_PASS, SR_WRONG_SIDE },
	{ "wrong side before inbound", CARRIER, 0, { .src = "203.0.113.10", .dst = "198.51.100.7" }, XDP_PASS,
	  SR_WRONG_SIDE },
	{ "wrong side, forward", CARRIER, CF_FORWARD, { PEER }, XDP_REDIRECT, SR_WRONG_SIDE },
	{ "from a peer on the core side", CORE, 0, { FROM_PEER }, XDP_PASS, SR_UNMATCHED_INVITE },

	/* regulatory off */
	{ "regulatory off", CORE, CF_OFF, { PEER }, XDP_PASS, SR_REGULATORY_OFF },
	{ "regulatory off, forward", CORE, CF_OFF | CF_FORWARD, { PEER }, XDP_REDIRECT, SR_REGULATORY_OFF },
	{ "regulatory off, no signer", CORE, CF_OFF | CF_NO_SOCKET, { PEER }, XDP_PASS, SR_REGULATORY_OFF },

	/* no signer */
	{ "no socket, drop", CORE, CF_NO_SOCKET, { PEER }, DOWN_DROP },
	{ "no socket, pass", CORE, CF_NO_SOCKET | CF_FAIL_PASS, { PEER }, XDP_PASS, SR_SIGNER_DOWN },
	{ "no socket, pass, forward", CORE, CF_NO_SOCKET | CF_FAIL_PASS | CF_FORWARD, { PEER }, XDP_REDIRECT,
	  SR_SIGNER_DOWN },
	{ "stale heartbeat, drop", CORE, CF_STALE, { PEER }, DOWN_DROP },
	{ "stale heartbeat, pass", CORE, CF_STALE | CF_FAIL_PASS, { PEER }, XDP_PASS, SR_SIGNER_DOWN },
	{ "no heartbeat, drop", CORE, CF_NO_BEAT, { PEER }, DOWN_DROP },
	{ "no heartbeat, pass", CORE, CF_NO_BEAT | CF_FAIL_PASS, { PEER }, XDP_PASS, SR_SIGNER_DOWN },
	{ "second queue", CORE, CF_QUEUE1, { PEER }, STEERED, 10, MAC10 },
	{ "queue beyond those with sockets, drop", CORE, CF_QUEUE1 | CF_ONE_QUEUE, { PEER }, DOWN_DROP },
	{ "queue beyond those with sockets, pass", CORE, CF_QUEUE1 | CF_ONE_QUEUE | CF_FAIL_PASS, { PEER },
	  XDP_PASS, SR_SIGNER_DOWN },
	{ "second queue, stale heartbeat", CORE, CF_QUEUE1 | CF_STALE, { PEER }, DOWN_DROP },
	{ "stale heartbeat, emergency, forward", CORE, CF_STALE | CF_FORWARD, { PEER, TO_URI("tel:911") },
	  XDP_REDIRECT, SR_EMERGENCY_PASSED },
	{ "emergency behind CRLF", CORE, CF_STALE, { PEER, .text = CRLF4 "INVITE sip:112@x SIP/2.0\r\n\r\n" },
	  EMERGENCY_PASSES },
	{ "emergency over IPv6", CORE, CF_STALE, { PEER6, TO_URI("tel:911") }, EMERGENCY_PASSES },

	/* emergency forms */
	{ "emergency: ring half full", CORE, CF_BACKLOG, { PEER, TO_URI("tel:112") }, EMERGENCY_PASSES },
	{ "emergency: ring nearly half full", CORE, CF_ALMOST, { PEER, TO_URI("tel:112") }, STEERED, 10,
	  SIPSEAL_META_F_EMERGENCY, MAC10 },
	{ "another call: ring half full", CORE, CF_BACKLOG, { PEER }, STEERED, 10, MAC10 },
	{ EMERGENCY("urn:service:sos") },
	{ EMERGENCY("urn:service:sos.police") },
	{ EMERGENCY("URN:Service:SOS.Fire") },
	{ EMERGENCY("urn:service:sos;x=y") },
	{ EMERGENCY("sip:911@carrier.example") },
	{ EMERGENCY("SIP:911@carrier.example") },
	{ EMERGENCY("sips:112@carrier.example") },
	{ EMERGENCY("sip:911;phone-context=+1@carrier.example;user=phone") },
	{ EMERGENCY("sip:911:secret@carrier.example") },
	{ EMERGENCY("tel:911") },
	{ EMERGENCY("TEL:112;phone-context=+49") },
	{ EMERGENCY("sip:123456789012345@x") },
	{ EMERGENCY("  tel:911") },
	{ NO_EMERGENCY("urn:service:sosmething") },
	{ NO_EMERGENCY("urn:service:counseling") },
	{ NO_EMERGENCY("sip:9110@carrier.example") },
	{ NO_EMERGENCY("sip:91@carrier.example") },
	{ NO_EMERGENCY("sip:+911@carrier.example") },
	{ NO_EMERGENCY("sip:1234567890123456@x") },
	{ NO_EMERGENCY("sip:@carrier.example") },
	{ NO_EMERGENCY("sip:911.example.com") },
	{ NO_EMERGENCY("tel:9112") },
	{ NO_EMERGENCY("tel:") },
	{ NO_EMERGENCY("xtel:911") },
	{ NO_EMERGENCY("sip:911garbage@x") },
	{ "URI cut by the datagram", CORE, CF_NO_SOCKET, { PEER, .text = "INVITE tel:911" }, DOWN_DROP },
	{ "URI cut by the UDP length", CORE, CF_NO_SOCKET, { PEER, .text = "INVITE tel:911 ", .udp_len_delta = -1 },
	  DOWN_DROP },
	{ "urn that ends the datagram", CORE, CF_NO_SOCKET, { PEER, .text = "INVITE urn:service:sos" },
	  EMERGENCY_PASSES },

	/* TCP and SCTP */
	{ "TCP", CORE, 0, { PEER, .proto = 6 }, XDP_PASS, SR_OTHER_TRANSPORT },
	{ "TCP, drop", CORE, CF_OTHER_DROP, { PEER, .proto = 6 }, XDP_DROP, SR_OTHER_TRANSPORT_DROPPED },
	{ "TCP, forward", CORE, CF_FORWARD, { PEER, .proto = 6 }, XDP_REDIRECT, SR_OTHER_TRANSPORT },
	{ "TCP, drop, regulatory off", CORE, CF_OTHER_DROP | CF_OFF, { PEER, .proto = 6 }, XDP_PASS,
	  SR_OTHER_TRANSPORT },
	{ "SCTP, drop", CORE, CF_OTHER_DROP, { PEER, .proto = 132 }, XDP_DROP, SR_OTHER_TRANSPORT_DROPPED },
	{ "TLS, drop", CORE, CF_OTHER_DROP, { PEER, .proto = 6, .dport = 5061 }, XDP_DROP,
	  SR_OTHER_TRANSPORT_DROPPED },
	{ "TCP to the peer's own port, drop", CORE, CF_OTHER_DROP, { OTHER, .proto = 6, .dport = 5080 }, XDP_DROP,
	  SR_OTHER_TRANSPORT_DROPPED },
	{ "TCP to another SIP port of the peer, drop", CORE, CF_OTHER_DROP, { OTHER, .proto = 6, .dport = 5070 },
	  XDP_DROP, SR_OTHER_TRANSPORT_DROPPED },
	{ "TCP to another peer's port, drop", CORE, CF_OTHER_DROP, { PEER, .proto = 6, .dport = 5080 }, XDP_PASS,
	  SR_KERNEL },
	{ "TCP to a prefix, drop", CORE, CF_OTHER_DROP, { TO("198.51.100.7"), .proto = 6 }, XDP_DROP,
	  SR_OTHER_TRANSPORT_DROPPED },
	{ "TCP over IPv6, drop", CORE, CF_OTHER_DROP, { PEER6, .proto = 6 }, XDP_DROP, SR_OTHER_TRANSPORT_DROPPED },
	{ "HTTPS, drop", CORE, CF_OTHER_DROP, { PEER, .proto = 6, .dport = 443 }, XDP_PASS, SR_KERNEL },
	{ "TCP to others, drop", CORE, CF_OTHER_DROP, { TO("203.0.113.77"), .proto = 6 }, XDP_PASS, SR_KERNEL },
	{ "TCP too short for ports", CORE, CF_OTHER_DROP, { PEER, .proto = 6, .text = "", .cut = 17,
	  .ip_len_delta = -17 }, XDP_PASS, SR_KERNEL },

	/* VLAN */
	{ "VLAN, drop", CORE, 0, { PEER, .tags = 1 }, XDP_DROP, SR_VLAN_DROPPED },
	{ "VLAN, pass", CORE, CF_FAIL_PASS | CF_FORWARD, { PEER, .tags = 1 }, XDP_PASS, SR_VLAN },
	{ "QinQ, drop", CORE, 0, { PEER, .tags = 2 }, XDP_DROP, SR_VLAN_DROPPED },
	{ "QinQ IPv6, drop", CORE, 0, { PEER6, .tags = 2 }, XDP_DROP, SR_VLAN_DROPPED },
	{ "VLAN, emergency", CORE, CF_FORWARD, { PEER, .tags = 1, TO_URI("tel:911") }, EMERGENCY_PASSES },
	{ "VLAN, regulatory off", CORE, CF_OFF, { PEER, .tags = 1 }, XDP_PASS, SR_REGULATORY_OFF },
	{ "VLAN, OPTIONS", CORE, CF_FORWARD, { PEER, .tags = 1, .text = OPTIONS }, XDP_PASS, SR_VLAN_OTHER },
	{ "VLAN, ARP", CORE, 0, { PEER, .tags = 1, .ethertype = 0x0806 }, XDP_PASS, SR_VLAN_OTHER },
	{ "three tags", CORE, 0, { PEER, .tags = 3 }, XDP_PASS, SR_VLAN_OTHER },
	{ "VLAN, tag cut", CORE, 0, { PEER, .tags = 1, .text = "", .cut = 30 }, XDP_PASS, SR_MALFORMED },
	{ "VLAN, TCP, drop", CORE, CF_OTHER_DROP, { PEER, .tags = 1, .proto = 6 }, XDP_DROP,
	  SR_OTHER_TRANSPORT_DROPPED },
	{ "VLAN, unmatched, drop", CORE, CF_UNMATCHED_DROP, { TO("203.0.113.77"), .tags = 1 }, XDP_DROP,
	  SR_UNMATCHED_INVITE_DROPPED },
};
#pragma GCC diagnostic pop

#endif

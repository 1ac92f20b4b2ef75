/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * abi.h - the contract between the XDP programs and userspace.
 *
 * The only header that both sides include.  It holds fixed-width types with explicit padding, so
 * that clang -target bpf and gcc lay them out alike; every size is asserted.  A change of layout or
 * of meaning raises SIPSEAL_ABI_VERSION: pins live under v<ABI>/ and userspace checks the version
 * that the loaded program carries before it touches a map.
 *
 * Byte order: fields called *_be are in network order, all others in host order.
 */
#ifndef SIPSEAL_ABI_H
#define SIPSEAL_ABI_H

#include <linux/types.h>

#ifndef SIPSEAL_ABI_VERSION /* a test builds a gateway of another version */
#define SIPSEAL_ABI_VERSION 5
#endif

#define SIPSEAL_PORTS_MAX     8    /* NICs of one gateway */
#define SIPSEAL_QUEUES_MAX    64   /* rx queues of one NIC that sockets can be bound to */
#define SIPSEAL_WORKERS_MAX   64   /* signer threads; a heartbeat word each */
#define SIPSEAL_SIP_PORTS_MAX 8    /* gateway.sip_ports */
#define SIPSEAL_EMERGENCY_MAX 8    /* gateway.emergency_numbers */
#define SIPSEAL_EMERGENCY_LEN 15   /* digits of one of them */
#define SIPSEAL_TRUNKS_MAX    131072 /* trunk slots: 100,000 trunks, and slots that rest before they are used again */

/*
 * Reasons.  Every packet ends with exactly one on each side that saw it:
 *   sum of XDP reasons          = packets that came in on our NICs
 *   packets counted SR_STEERED  = sum of signer reasons + ring drops + lost with a dead signer
 *
 * X(number, NAME, "token", "help").  Numbers are never used again.  The token is what counters,
 * metrics, events, CLI and docs print.  A cause whose outcome a configured policy decides has two
 * words: the plain one where the packet passed, the one with `_dropped` where it did not.
 * 1..63 are given by XDP, 64..143 by the signer (and `sipseal explain`).  Of the latter, what is said
 * "see on_unsignable" was passed or answered as the trunk says; an emergency call never gets there.
 */
#define SIPSEAL_XDP_REASONS(X) \
	X(1,  NOT_IP,             "not_ip",             "neither IPv4 nor IPv6 (ARP, LLDP): left to the kernel") \
	X(2,  MALFORMED,          "malformed",          "IP or UDP header that does not fit the frame: left to the kernel") \
	X(3,  FORWARDED,          "forwarded",          "fast path: sent out by XDP") \
	X(4,  KERNEL,             "kernel",             "fast path: forwarded by the kernel (fast_path kernel, or IP options)") \
	X(5,  LOCAL,              "local",              "no route through this gateway (for itself, broadcast, multicast): left to the kernel") \
	X(6,  NO_NEIGHBOUR,       "no_neighbour",       "next hop not resolved yet: left to the kernel, which resolves it") \
	X(7,  TOO_BIG,            "too_big",            "larger than the MTU of the egress NIC: left to the kernel") \
	X(8,  NO_PORT,            "no_port",            "egress NIC is not one of the gateway's: left to the kernel") \
	X(9,  TTL,                "ttl",                "TTL or hop limit ends here: left to the kernel, which answers") \
	X(10, VLAN_OTHER,         "vlan_other",         "VLAN-tagged, no INVITE of a trunk: left to the kernel") \
	X(11, STEERED,            "steered",            "INVITE or fragment of a trunk, or CANCEL of one that may wait in the signer: given to the signer") \
	X(12, SIGNER_DOWN,        "signer_down",        "INVITE passed unsigned: no live signer, on_signer_failure pass") \
	X(13, SIGNER_DOWN_DROPPED, "signer_down_dropped", "INVITE dropped: no live signer, on_signer_failure drop") \
	X(14, EMERGENCY_PASSED,   "emergency_passed",   "emergency INVITE passed unsigned: the signer could not take it") \
	X(15, FRAGMENT,           "fragment",           "fragment of a trunk passed: no live signer, on_signer_failure pass") \
	X(16, FRAGMENT_DROPPED,   "fragment_dropped",   "fragment of a trunk dropped: no live signer, on_signer_failure drop") \
	X(17, VLAN,               "vlan",               "VLAN-tagged INVITE of a trunk passed, on_signer_failure pass") \
	X(18, VLAN_DROPPED,       "vlan_dropped",       "VLAN-tagged INVITE of a trunk dropped, on_signer_failure drop") \
	X(19, UNMATCHED_INVITE,   "unmatched_invite",   "INVITE on a SIP port that matches no trunk: passed") \
	X(20, UNMATCHED_INVITE_DROPPED, "unmatched_invite_dropped", "INVITE on a SIP port that matches no trunk: dropped") \
	X(21, OTHER_TRANSPORT,    "other_transport",    "TCP, TLS or SCTP to a trunk's SIP port: passed") \
	X(22, OTHER_TRANSPORT_DROPPED, "other_transport_dropped", "TCP, TLS or SCTP to a trunk's SIP port: dropped") \
	X(23, WRONG_SIDE,         "wrong_side",         "INVITE to a carrier peer that came in on a carrier-side NIC: passed, never signed") \
	X(24, INBOUND_UNVERIFIED, "inbound_unverified", "INVITE from a carrier peer whose trunk does not verify: passed") \
	X(25, REGULATORY_OFF,     "regulatory_off",     "INVITE passed unchanged: regulatory.enabled is false") \
	X(26, OPAQUE,             "opaque",             "of a trunk, headers that cannot be walked (long IPv6 chain): passed, on_signer_failure pass") \
	X(27, OPAQUE_DROPPED,     "opaque_dropped",     "of a trunk, headers that cannot be walked: dropped, on_signer_failure drop") \
	X(28, DIALOG,             "in_dialog",          "INVITE with a To tag (hold, refresh): passed, never signed or verified") \
	X(29, RATE_LIMITED,       "rate_limited",       "INVITE dropped: over max_cps of its trunk") \
	X(30, FAIR_SHARE,         "fair_share",         "INVITE or fragment dropped: the signer is overloaded and the trunk has had its share") \
	X(31, OPTIONS_WITHHELD,   "options_withheld",   "OPTIONS between trunk peers dropped: no live signer for 3 s, on_signer_failure drop") \
	X(32, PARTIAL_CHECKSUM,   "partial_checksum",   "fast path: UDP checksum that the sender left to a NIC: left to the kernel") \
	X(33, NO_PEER_PORT,       "no_peer_port",       "mode wire or host: the other port cannot be sent to: dropped")

#define SIPSEAL_SIGNER_REASONS(X) \
	X(64, SIGNED,             "signed",             "Identity added") \
	X(65, RETRANSMISSION,     "retransmission",     "seen before: the same bytes left again, without a new signature") \
	X(66, ATTESTATION_NONE,   "attestation_none",   "attestation none: no Identity by configuration") \
	X(67, RESTRICTED_UNSIGNED, "restricted_unsigned", "restricted call with anonymous From and no PAI: no number to sign") \
	X(68, ALREADY_SIGNED,     "already_signed",     "a good shaken Identity is there: none added") \
	X(69, OBSERVE,            "observe",            "trunk in mode observe: decided and reported, original bytes sent") \
	X(70, SIGNER_REGULATORY_OFF, "regulatory_off_late", "regulatory.enabled went false while the INVITE was queued: unchanged") \
	X(71, NOT_INVITE,         "not_invite",         "not an INVITE request: unchanged") \
	X(72, IN_DIALOG,          "in_dialog",          "INVITE with a To tag (hold, refresh): unchanged") \
	X(73, START_LINE,         "start_line",         "request line that SIP does not allow: unchanged") \
	X(74, HEADER_SYNTAX,      "header_syntax",      "header row that cannot be parsed: unchanged") \
	X(75, BARE_LF,            "bare_lf",            "line that ends without CRLF: unchanged") \
	X(76, INCOMPLETE,         "incomplete",         "header block does not end inside the datagram: unchanged") \
	X(77, HEADER_LIMIT,       "header_limit",       "more header rows or bytes than we take: unchanged") \
	X(78, MISSING_HEADER,     "missing_header",     "Via, From, To, Call-ID or CSeq missing: unchanged") \
	X(79, DUPLICATE_HEADER,   "duplicate_header",   "single-value header more than once: unchanged") \
	X(80, CSEQ,               "cseq",               "CSeq that does not say INVITE or is no number: unchanged") \
	X(81, BODY_LENGTH,        "body_length",        "Content-Length does not fit the body: unchanged") \
	X(82, ADDRESS_SYNTAX,     "address_syntax",     "From or To that cannot be parsed: unchanged") \
	X(83, NO_ORIG,            "no_orig",            "no calling number that may be signed: see on_unsignable") \
	X(84, NO_DEST,            "no_dest",            "no called number: see on_unsignable") \
	X(85, STALE_DATE,         "stale_date",         "Date is outside freshness_s: see on_unsignable") \
	X(86, BAD_DATE,           "bad_date",           "Date cannot be parsed: see on_unsignable") \
	X(87, CERTIFICATE_INVALID, "certificate_invalid", "our certificate is expired or not yet valid: see on_unsignable") \
	X(88, CERTIFICATE_MISSING, "certificate_missing", "no usable certificate for the trunk: see on_unsignable") \
	X(89, NUMBER_REFUSED,     "number_refused",     "calling number outside `numbers`, attestation_other reject") \
	X(90, SIGN_FAILED,        "sign_failed",        "the signature could not be made: see on_unsignable") \
	X(91, OUTPUT_LIMIT,       "output_limit",       "the edited message would be too large: unchanged") \
	X(92, STALE_FRAME,        "stale_frame",        "queued for longer than heartbeat_ms: dropped, never signed late") \
	X(93, UNKNOWN_GENERATION, "unknown_generation", "generation of the configuration is gone: dropped") \
	X(94, UNKNOWN_TRUNK,      "unknown_trunk",      "trunk slot is empty: dropped") \
	X(95, BAD_METADATA,       "bad_metadata",       "metadata of another ABI or damaged: dropped") \
	X(96, BAD_FRAME,          "bad_frame",          "frame that does not parse as XDP saw it: dropped") \
	X(97, NO_FRAME,           "no_frame",           "no free frame to send with: dropped") \
	X(98, EMERGENCY_PASSED_LATE, "emergency_passed", "emergency INVITE passed unsigned: it could not be processed, or any other call would have been refused") \
	X(99, BAD_CHECKSUM,       "bad_checksum",       "UDP checksum is wrong: dropped, as its receiver would have done") \
	X(100, VERIFIED,          "verified",           "inbound: an Identity is good in every respect") \
	X(101, IDENTITY_MISSING,  "identity_missing",   "inbound: no Identity") \
	X(102, PPT_UNSUPPORTED,   "ppt_unsupported",    "inbound: only Identity of types that we do not verify") \
	X(103, IDENTITY_SYNTAX,   "identity_syntax",    "inbound: Identity row that cannot be parsed, or over a limit") \
	X(104, PASSPORT_SYNTAX,   "passport_syntax",    "inbound: PASSporT whose header or claims are missing, ill-typed or not what the row says") \
	X(105, ALG_UNSUPPORTED,   "alg_unsupported",    "inbound: signed by another algorithm than ES256") \
	X(106, PASSPORT_STALE,    "passport_stale",     "inbound: iat or Date is outside of freshness_s") \
	X(107, ORIG_MISMATCH,     "orig_mismatch",      "inbound: the calling number is not the orig of the PASSporT") \
	X(108, DEST_MISMATCH,     "dest_mismatch",      "inbound: the called number is not in the dest of the PASSporT") \
	X(109, SIGNATURE_BAD,     "signature_bad",      "inbound: the signature is not that of the certificate") \
	X(110, REPLAYED,          "replayed",           "inbound: a PASSporT that another call has shown before") \
	X(111, X5U_REFUSED,       "x5u_refused",        "inbound: a certificate URL that is never fetched (not https, port, private address ...)") \
	X(112, FETCH_FAILED,      "fetch_failed",       "inbound: the certificate could not be fetched") \
	X(113, CERTIFICATE_PENDING, "certificate_pending", "inbound: the certificate did not come within wait_ms: passed") \
	X(114, CERTIFICATE_BAD,   "certificate_bad",    "inbound: no certificate chain, or against the SHAKEN profile") \
	X(115, CERTIFICATE_UNTRUSTED, "certificate_untrusted", "inbound: the chain does not end in a trust anchor") \
	X(116, CERTIFICATE_EXPIRED, "certificate_expired", "inbound: the certificate was not valid at iat, or is not now") \
	X(117, CERTIFICATE_REVOKED, "certificate_revoked", "inbound: the certificate is revoked, or no CRL is there and crl.policy is hard") \
	X(118, NUMBER_UNAUTHORIZED, "number_unauthorized", "inbound: TNAuthList or JWTClaimConstraints do not allow what was signed") \
	X(119, VERIFICATION_OFF,  "verification_off",   "inbound: verification.enabled is false for the trunk: passed") \
	X(120, FORGED_MARK,       "forged_mark",        "inbound: cannot be edited and carries a mark of ours: dropped") \
	X(121, VERIFY_FAILED,     "verify_failed",      "inbound: an error of our own: passed without a verdict") \
	X(122, CANCEL,            "cancel",             "inbound: CANCEL passed, behind the INVITE that waited for its certificate if there was one") \
	X(123, ABSORBED,          "absorbed",           "inbound: copy of an INVITE that waits for its certificate: dropped, the first one leaves") \
	X(124, CERTIFICATE_UNREACHABLE, "certificate_unreachable", "inbound: the server of the certificate does not answer: passed") \
	X(125, REASSEMBLED,       "reassembled",        "fragment: part of a datagram, which is counted once, under the reason of its own") \
	X(126, FRAGMENT_DUPLICATE, "fragment_duplicate", "fragment: exact copy of one that is here or was a moment ago: dropped") \
	X(127, FRAGMENT_REFUSED,  "fragment_refused",   "fragment of a datagram whose fragments overlap, contradict each other or are too many: dropped") \
	X(128, FRAGMENT_MALFORMED, "fragment_malformed", "fragment, or datagram of fragments, whose lengths or header checksum are wrong: dropped") \
	X(129, FRAGMENT_TINY,     "fragment_tiny",      "fragment too small to be honest, or without the headers that belong there: dropped") \
	X(130, FRAGMENT_EXPIRED,  "fragment_expired",   "fragment whose datagram did not become complete in 30 s: dropped") \
	X(131, FRAGMENT_EVICTED,  "fragment_evicted",   "fragment that gave way: its source, or all together, are over the limit: dropped") \
	X(132, FRAGMENT_OVERFLOW, "fragment_overflow",  "fragment for another worker, which does not keep up: dropped") \
	X(133, FRAGMENT_OPAQUE,   "fragment_opaque",    "fragment whose headers cannot be walked: passed, on_signer_failure pass") \
	X(134, FRAGMENT_OPAQUE_DROPPED, "fragment_opaque_dropped", "fragment whose headers cannot be walked: dropped, on_signer_failure drop") \
	X(135, FRAGMENT_NOT_UDP,  "fragment_not_udp",   "fragment of another protocol than UDP: unchanged") \
	X(136, UNMATCHED_LATE,    "unmatched_invite",   "INVITE in fragments on a SIP port that matches no trunk: passed") \
	X(137, UNMATCHED_LATE_DROPPED, "unmatched_invite_dropped", "INVITE in fragments on a SIP port that matches no trunk: dropped")

enum sipseal_reason {
	SR_NONE = 0,
#define X(num, name, token, help) SR_##name = num,
	SIPSEAL_XDP_REASONS(X)
	SIPSEAL_SIGNER_REASONS(X)
#undef X
	SR_XDP_MAX = 64,   /* XDP reasons are below */
	SR_MAX     = 144,  /* all reasons are below; each trunk has counters for those of the signer */
};

/* Metadata before each frame that is steered; 32 bytes, the limit of kernels before 6.3. */
#define SIPSEAL_META_F_RAW       0x01 /* neighbour unknown: MACs and egress are void, use the raw socket */
#define SIPSEAL_META_F_EMERGENCY 0x02 /* recognised as an emergency call */
#define SIPSEAL_META_F_INBOUND   0x04 /* from a carrier peer: to be verified */
#define SIPSEAL_META_F_CANCEL    0x08 /* no INVITE but a CANCEL, inbound; passes, behind the INVITE if that waits */
#define SIPSEAL_META_F_FRAGMENT  0x10 /* of a datagram that is, or may be, UDP; the trunk is the one of the addresses, in
					 the first fragment that of the ports */
#define SIPSEAL_META_F_FOREIGN   0x20 /* first fragment, to a port that no trunk has: an INVITE is unmatched, all else
					 passes; `trunk` is that of the addresses */
#define SIPSEAL_META_F_BRIDGED   0x40 /* leaves as it came, but for our edits: TTL, tags and MACs stay (modes wire, host) */
#define SIPSEAL_META_F_PASS      0x80 /* of fragments: what cannot be told passes: on_signer_failure, with F_FOREIGN
					 unmatched_invite */

struct sipseal_meta {
	__u8  version;      /* SIPSEAL_ABI_VERSION */
	__u8  flags;        /* SIPSEAL_META_F_* */
	__u16 generation;   /* low 16 bits of the generation the trunk was looked up in */
	__u32 trunk;        /* slot in the policy */
	__u64 time_ns;      /* bpf_ktime_get_ns() = CLOCK_MONOTONIC */
	__u16 egress;       /* port index (not ifindex) the frame has to leave by */
	__u16 mtu;          /* of the route: bytes of an IP packet */
	__u8  dmac[6];      /* MACs of the frame that leaves */
	__u8  smac[6];
};
_Static_assert(sizeof(struct sipseal_meta) == 32, "metadata must fit kernels before 6.3");

/* Sides of a NIC.  On one of both, a frame is of the carrier side if its source MAC is in the map of carrier next hops,
 * or its source address a carrier peer's. */
#define SIPSEAL_SIDE_CORE    1
#define SIPSEAL_SIDE_CARRIER 2
#define SIPSEAL_SIDE_BOTH    3

/*
 * The words of the mmapped array that XDP and the workers share:
 *   i                    heartbeat of worker i (CLOCK_MONOTONIC ns); the worker writes
 *   SIPSEAL_GIVEN + slot frames given to the socket in that XSKMAP slot, ever; XDP writes
 *   SIPSEAL_MARK + slot  value of the former at which the socket's ring will be half full at the latest:
 *                        given - waiting + room / 2, as the worker saw it last; the worker writes
 * A worker that does not run lets the mark stand, and `given` passes it: no look at the ring is needed,
 * and frames that the kernel dropped do not add up.
 */
#define SIPSEAL_SLOTS_MAX     (SIPSEAL_PORTS_MAX * SIPSEAL_QUEUES_MAX)
#define SIPSEAL_GIVEN         SIPSEAL_WORKERS_MAX
#define SIPSEAL_MARK          (SIPSEAL_GIVEN + SIPSEAL_SLOTS_MAX)
/*   SIPSEAL_FAIR + i     ns between two INVITEs of one trunk that worker i can serve when all trunks that call
 *                        at the moment get the same; 0: not known.  The worker writes, XDP uses it only while
 *                        the ring is over half full. */
#define SIPSEAL_FAIR          (SIPSEAL_MARK + SIPSEAL_SLOTS_MAX)
#define SIPSEAL_BEATS_MAX     (SIPSEAL_FAIR + SIPSEAL_WORKERS_MAX)

/* Policies that decide between passing and dropping. */
#define SIPSEAL_PASS 0
#define SIPSEAL_DROP 1

/*
 * What "pass" means on a port, and how what is steered leaves:
 *                      passes                          steered
 *   none (routed)      FIB and devmap, or the kernel   FIB: egress, MACs, one hop less
 *   F_BRIDGE           out of port `peer`, untouched   the same, F_BRIDGED (mode wire; mode host: from the own stack)
 *     with F_TC        the same, by a tc program (mode host: it takes any NIC, whether that has native XDP or not)
 *   F_LOCAL            to the kernel                   F_RAW | F_BRIDGED: the raw socket returns it to the own stack
 *                                                      (mode host: the carrier NIC)
 */
#define SIPSEAL_PORT_F_BRIDGE 0x1
#define SIPSEAL_PORT_F_LOCAL  0x2
#define SIPSEAL_PORT_F_TC     0x4

struct sipseal_port {
	__u32 ifindex;      /* 0: slot unused */
	__u8  side;         /* SIPSEAL_SIDE_* */
	__u8  flags;        /* SIPSEAL_PORT_F_* */
	__u16 queues;       /* rx queues with a socket; XSKMAP slot = port * SIPSEAL_QUEUES_MAX + queue */
	__u8  peer;         /* F_BRIDGE: port index */
	__u8  pad[1];
	__u16 mtu;          /* of the NIC: bytes of an IP packet */
	__u8  worker[SIPSEAL_QUEUES_MAX]; /* worker that owns queue i: which heartbeat counts */
};
_Static_assert(sizeof(struct sipseal_port) == 76, "sipseal_port");

/* HASH: source MACs of the carrier's next hops on NICs of side both; value: __u8 1. */
struct sipseal_hop_key {
	__u8  mac[6];
	__u16 port;         /* index */
};
_Static_assert(sizeof(struct sipseal_hop_key) == 8, "sipseal_hop_key");

#define SIPSEAL_HOPS_MAX 1024

/* SO_MARK of the signer's raw sockets: the tc program of mode host lets them pass ("sps"). */
#define SIPSEAL_MARK_RAW 0x737073

/* How long there has been no live worker before OPTIONS are withheld: a restart is no reason to route around us. */
#define SIPSEAL_WITHHOLD_NS 3000000000ull

struct sipseal_emergency {
	__u8 len;           /* 0: slot unused */
	char digits[SIPSEAL_EMERGENCY_LEN];
};
_Static_assert(sizeof(struct sipseal_emergency) == 16, "sipseal_emergency");

/* Global configuration of the XDP program: one element of the .bss/.data of the program. */
struct sipseal_config {
	__u32 abi_version;        /* SIPSEAL_ABI_VERSION */
	__u32 generation;         /* the active one; its tables are those of copy generation & 1 */
	__u64 heartbeat_limit_ns; /* gateway.heartbeat_ms */
	__u8  on_signer_failure;  /* SIPSEAL_PASS | SIPSEAL_DROP */
	__u8  unmatched_invite;
	__u8  other_transports;
	__u8  fast_path_forward;  /* 1: FIB + redirect; 0: XDP_PASS */
	__u8  regulatory_enabled;
	__u8  withhold_options;   /* 1: after SIPSEAL_WITHHOLD_NS of dropping, OPTIONS between trunk peers, too */
	__u16 sip_port_cnt;
	__u16 sip_ports[SIPSEAL_SIP_PORTS_MAX];  /* host order */
	struct sipseal_emergency emergency[SIPSEAL_EMERGENCY_MAX];
	struct sipseal_port ports[SIPSEAL_PORTS_MAX];
};
_Static_assert(sizeof(struct sipseal_config) == 40 + 128 + 608, "sipseal_config");

/*
 * Match tables, two copies (generation & 1).  Addresses are 16 bytes; IPv4 stands as
 * ::ffff:a.b.c.d, and an IPv6 packet that carries such an address never matches.
 *
 * A trunk is found in two steps without backtracking: carrier address and port give a *group*
 * (exact peer first, else the longest prefix), group and core address give the trunk slot
 * (the exact address first, else the longest prefix; a trunk without core.peers is the prefix of
 * length 0 of its group).
 * A peer without a port stands once per SIP port.  Each peer stands once more with port 0: that
 * entry is used where ports are not known (fragments) or do not matter (inbound).
 */
struct sipseal_peer_key {          /* HASH: carrier peers */
	__u8   addr[16];
	__be16 port_be;
	__u16  pad;
};
_Static_assert(sizeof(struct sipseal_peer_key) == 20, "sipseal_peer_key");

struct sipseal_prefix_key {        /* LPM_TRIE: carrier prefixes */
	__u32  prefixlen;          /* 32 + bits of addr */
	__be16 port_be;
	__u16  pad;
	__u8   addr[16];
};
_Static_assert(sizeof(struct sipseal_prefix_key) == 24, "sipseal_prefix_key");

struct sipseal_host_key {          /* HASH: core addresses of a group */
	__be32 group_be;
	__u8   addr[16];
};
_Static_assert(sizeof(struct sipseal_host_key) == 20, "sipseal_host_key");

/* LPM_TRIE: core prefixes of a group.  Userspace has whole addresses in this form, too, with a prefixlen of 160, until
 * it fills the maps: there they are hosts. */
struct sipseal_core_key {
	__u32  prefixlen;          /* 32 + bits of addr */
	__be32 group_be;
	__u8   addr[16];
};
_Static_assert(sizeof(struct sipseal_core_key) == 24, "sipseal_core_key");

/* Values: carrier tables give a group number (__u32), core tables this. */
struct sipseal_core_value {
	__u32 slot;         /* of the trunk, below SIPSEAL_TRUNKS_MAX */
	__u32 interval_ns;  /* 10^9 / max_cps, of outbound INVITEs; 0: no limit */
	__u32 flags;        /* SIPSEAL_CORE_F_* */
};
_Static_assert(sizeof(struct sipseal_core_value) == 12, "sipseal_core_value");

/* Inbound, by trunk; without any of them its INVITEs from the carrier cross in the kernel. */
#define SIPSEAL_CORE_F_VERIFY 0x1 /* INVITEs go to the signer */
#define SIPSEAL_CORE_F_CANCEL 0x2 /* and so do CANCELs: INVITEs may wait there (verification.wait_ms) */

/*
 * ARRAY by slot: when the next INVITE of the trunk conforms (GCRA, theoretical arrival time; CLOCK_MONOTONIC
 * ns), by max_cps and by the fair share.  Generations do not touch it.
 */
struct sipseal_limiter {
	__u64 tat_ns;
	__u64 fair_tat_ns;
};

/*
 * Ports that any carrier peer or prefix of a copy names, one bit each, bit (port & 63) of word port / 64:
 * ordinary TCP is told from SIP over TCP without a look-up.
 */
#define SIPSEAL_PORT_WORDS (65536 / 64)

struct sipseal_unmatched_key {     /* LRU_HASH: who sent INVITEs that match no trunk; value: __u64 count */
	__u8   src[16];
	__u8   dst[16];
	__be16 src_port_be;
	__be16 dst_port_be;
};
_Static_assert(sizeof(struct sipseal_unmatched_key) == 36, "sipseal_unmatched_key");

/*
 * Counters: per-CPU __u64, index port * SR_XDP_MAX + reason.  The row after the last port takes what
 * came in on a NIC that is in no slot of sipseal_config.ports (counted as SR_NO_PORT).
 */
#define SIPSEAL_COUNTER_ROWS (SIPSEAL_PORTS_MAX + 1)

#endif

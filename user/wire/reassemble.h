/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reassemble - fragments of IPv4 and IPv6 become UDP datagrams again (RFC 791, RFC 8200 s4.5), within fixed
 * memory, whatever a stranger sends.
 *
 *     fragment -> reassemble_add() -> held --- last gap filled ----------> COMPLETE, MALFORMED, OPAQUE
 *                      |               |  \--- lifetime over ------------> EXPIRED
 *                      v               |   \-- others need the room -----> EVICTED
 *            not kept: the caller      |    \- overlap and the like -----> REFUSED  (remembered)
 *            still has the frame       \------ first fragment says so ---> NOT_UDP, OPAQUE  (remembered)
 *
 * Frames are kept as they came, each with a block of the caller's.  Whoever leaves is fetched with
 * reassemble_take(), gives its frames back in the order in which they came, and for COMPLETE a struct wire_frame
 * as if the datagram had never been cut.  What becomes of them is the caller's business; exact copies are ignored.
 *
 * One datagram: source, destination, identification; IPv4 also the protocol; also the VLANs, and a number of the
 * caller ("realm").  IPv6 does not have the protocol in the key, and so fragments of other protocols are looked
 * up, too, until a first fragment shows what they belong to: else what passes early could be pieced into a
 * datagram that is judged later.
 * Refused as a whole, and remembered so that what comes late does not start anew: overlaps, also of equal bytes,
 * unless the whole fragment is the same (RFC 5722); fragments behind the end or two ends; over 64 fragments;
 * IPv6 next headers that differ (RFC 8200 would take the first one's; no host sends that); Congestion
 * Experienced beside Not-ECT (RFC 3168 s5.3).
 * A fragment alone is refused, the rest may still become whole: empty, not the last and no multiple of 8 bytes,
 * or smaller than the caller allows; beyond 65,535 bytes; a wrong IPv4 header checksum (a receiver would not
 * take it either); an IPv6 first fragment without all headers up to that of UDP (RFC 7112).
 * An IPv6 "fragment" that is the whole datagram never meets others (RFC 6946).
 *
 * Room: a frame takes a place of a fixed size.  When a source is over its share, its oldest datagram leaves.  When
 * all is full, the oldest datagram of the source that holds most leaves, as long as that is more than one datagram
 * may need; else the oldest of all.  The one that a fragment was just added to never leaves for it.
 * Datagrams that are remembered (refused; complete, for copies that the network made) count as datagrams and go
 * first, silently.
 * Memory: all of it is taken by reassemble_new(), what was never used is not touched: limits.bytes, 1.3 KiB per
 * datagram, 64 KiB.  Look-ups use a keyed hash.  Threads: one per instance; no clock of its own.
 */
#ifndef SIPSEAL_WIRE_REASSEMBLE_H
#define SIPSEAL_WIRE_REASSEMBLE_H

#include "base/cleanup.h"
#include "base/siphash.h"
#include "wire/frame.h"

#define REASSEMBLE_FRAGMENTS 64 /* of a datagram: 65,535 bytes over links of 1,280 take 54 */
#define REASSEMBLE_BLOCK     64 /* bytes that the caller keeps with a frame */

struct reassemble_limits {
	unsigned frame_max;         /* longest frame, Ethernet header included, 64 .. 16,384 */
	unsigned fragment_min;      /* bytes of data in all but the last fragment; 8 or less: no such rule */
	size_t bytes, source_bytes; /* in places of reassemble_place() bytes; each >= REASSEMBLE_FRAGMENTS of them */
	unsigned datagrams, source_datagrams; /* with those remembered; >= 1 */
	uint64_t lifetime_ns;       /* from the first fragment that came; of what is refused: from then on */
	uint64_t linger_ns;         /* how long a complete one is remembered */
};

/*
 * Per worker.  With 50,000 hostile fragments per second from one address a datagram has 40 ms to become complete,
 * and the other addresses do not notice.  30 s: as Linux.  A complete one is forgotten well before a client of
 * SIP sends a copy (T1, 500 ms), in case that has the same identification.
 */
#define REASSEMBLE_DEFAULTS { .frame_max = 4096, .fragment_min = 8, .bytes = 16u << 20, .source_bytes = 8u << 20, \
	.datagrams = 4096, .source_datagrams = 2048, .lifetime_ns = 30000000000ull, .linger_ns = 250000000 }

/* What became of a fragment.  All but HELD: it is not kept. */
enum reassemble_outcome {
	REASSEMBLE_HELD,        /* kept; it may have made a datagram complete */
	REASSEMBLE_DUPLICATE,   /* an exact copy of one that is here, or was a moment ago */
	REASSEMBLE_NO_FRAGMENT, /* no fragment, or not IP */
	REASSEMBLE_NOT_UDP,     /* of a datagram of another protocol */
	REASSEMBLE_OPAQUE,      /* headers that parse.c does not walk: authentication, fragments in fragments,
	                           source routes that are not used up, ... : nobody can tell what it is */
	REASSEMBLE_MALFORMED,   /* lengths, checksum of the header, no multiple of 8, beyond 65,535 */
	REASSEMBLE_TINY,        /* under fragment_min; IPv6: first one without all headers */
	REASSEMBLE_TOO_LARGE,   /* over frame_max */
	REASSEMBLE_REFUSED,     /* of a datagram that is refused, or is from now on */
	REASSEMBLE_OUTCOMES
};

/* How a datagram leaves. */
enum reassembled_how {
	REASSEMBLED_COMPLETE,   /* UDP, `frame` and `packet` are there */
	REASSEMBLED_MALFORMED,  /* complete, but lengths or options do not fit; `packet` unless it is too long */
	REASSEMBLED_OPAQUE,     /* as REASSEMBLE_OPAQUE; complete ones have a `packet` */
	REASSEMBLED_NOT_UDP,    /* its first fragment has come: another protocol */
	REASSEMBLED_REFUSED,    /* `why` */
	REASSEMBLED_EXPIRED,
	REASSEMBLED_EVICTED,    /* `why`: whose limit */
	REASSEMBLED_HOWS
};

enum reassemble_why {
	REASSEMBLE_WHY_NONE,
	REASSEMBLE_WHY_OVERLAP,
	REASSEMBLE_WHY_END,      /* bytes behind the end, or two ends */
	REASSEMBLE_WHY_COUNT,    /* over REASSEMBLE_FRAGMENTS */
	REASSEMBLE_WHY_MISMATCH, /* next headers differ */
	REASSEMBLE_WHY_ECN,
	REASSEMBLE_WHY_SOURCE,   /* over the share of its source */
	REASSEMBLE_WHY_TOTAL,    /* all is full */
	REASSEMBLE_WHYS
};

/* A datagram that leaves.  All of it is valid until reassemble_release(). */
struct reassembled {
	enum reassembled_how how;
	enum reassemble_why why;
	unsigned cnt;            /* frames; may be fewer than the datagram had, copies are not among them */
	int first;               /* which of them is the first fragment, -1: has not come */
	uint64_t since_ns;       /* when the first of them came */
	struct slice packet;     /* IP header on, contiguous, without traces of fragments: lengths and IPv4 sum anew,
	                            no DF, the smallest TTL, ECN as RFC 3168 s5.3 has it; the rest as in the first
	                            fragment.  SLICE_NONE: not put together */
	struct wire_frame frame; /* of COMPLETE, as wire_frame_parse() gives it; l2 is the first fragment's, with
	                            tags.  The checksum of UDP is not looked at (wire_checksum_is_bad() does). */
};

struct reassemble_frame {
	struct slice frame;
	const void *block;       /* REASSEMBLE_BLOCK bytes, aligned for any type */
};

/* Sum over `outcomes` = calls of reassemble_add(); outcomes[HELD] = sum over left_frames + frames. */
struct reassemble_stats {
	uint64_t outcomes[REASSEMBLE_OUTCOMES];  /* fragments */
	uint64_t left[REASSEMBLED_HOWS];         /* datagrams, without those of which nothing was held */
	uint64_t left_frames[REASSEMBLED_HOWS];
	uint64_t why[REASSEMBLE_WHYS];           /* datagrams refused or evicted, also if nothing was held */
	uint64_t forgotten;                      /* remembered ones that went before their time */
	unsigned frames, datagrams, sources;     /* at the moment; datagrams with those remembered */
	unsigned remembered;
	size_t bytes;                            /* of the places that `frames` take */
};

struct reassemble;

/** reassemble_place() - bytes that a frame takes of limits.bytes. */
size_t reassemble_place(const struct reassemble_limits *l);

/** reassemble_new() - @key: random, of this start.  Return: 0; -EINVAL limits; -ENOMEM. */
int reassemble_new(const struct reassemble_limits *l, struct siphash_key key, struct reassemble **ret);
void reassemble_free(struct reassemble *r);
DEFINE_FREEP(struct reassemble *, reassemble_free)

/**
 * reassemble_add() - a frame has come.  Afterwards everything that leaves has to be taken and released, before
 * the next one is added.
 * @frame: from Ethernet on, any bytes; up to two VLAN tags.  It is copied.
 * @realm: fragments of different realms never meet, so receivers must keep them apart as well; 0 if in doubt
 * @block: REASSEMBLE_BLOCK bytes to keep with it
 * @now_ns: monotonic
 */
enum reassemble_outcome reassemble_add(struct reassemble *r, struct slice frame, uint32_t realm,
				       const void *block, uint64_t now_ns);

/**
 * reassemble_take() - what leaves, or has expired at @now_ns; UINT64_MAX takes all that is held and forgets the
 * rest.  Call it also when nothing comes.
 * Return: NULL: nothing more.  Else release it before the next call.
 */
struct reassembled *reassemble_take(struct reassemble *r, uint64_t now_ns);

/** reassembled_frame() - frame @i of @d->cnt, in the order in which they came. */
struct reassemble_frame reassembled_frame(const struct reassemble *r, const struct reassembled *d, unsigned i);

/** reassemble_release() - done with what reassemble_take() gave. */
void reassemble_release(struct reassemble *r, struct reassembled *d);

/** reassemble_stats() - valid as long as @r; counters only rise. */
const struct reassemble_stats *reassemble_stats(struct reassemble *r);

#endif

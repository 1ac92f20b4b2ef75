/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * capture - what INVITEs looked like before and after: shared memory (memfd) in which the signer tells it, while
 * somebody asks; a ring of bytes per worker, one writer and one reader, no lock, no system call.
 *
 *     ring:  | capture_call | capture_packet, bytes | capture_packet, bytes | capture_call | ...
 *            tail                                                                          head
 *
 * One record is one INVITE: the packets as they came, those that left, and what became of it.  It is published as a
 * whole or lost as a whole.  Positions count bytes ever written; all parts start at multiples of 8 and may go on at
 * the start of the ring.
 *
 * What it costs a worker: off, one load per INVITE.  On, it copies at most CAPTURE_RATE bytes per second, and
 * CAPTURE_BURST and CAPTURE_CALL_MAX once: less than one percent of its time (an INVITE of 1,500 bytes, before and
 * after, takes 0.8 us with cold caches).  What is over the rate, too large or finds no room is lost and counted;
 * the INVITE itself goes its way.
 * Pages are touched as the ring is used.  Whoever sets `want` gives the memory first (fallocate()), so that it
 * cannot be missing later.
 *
 * The daemon does not trust a word of it: it copies a record once and checks that copy.  `want` and `tail` are the
 * daemon's, all else is the worker's.
 */
#ifndef SIPSEAL_TRUNK_CAPTURE_H
#define SIPSEAL_TRUNK_CAPTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "base/slice.h"
#include "trunk/events.h"

#define CAPTURE_MAGIC    0x73707831u /* "spx1" */
#define CAPTURE_VERSION  1
#define CAPTURE_RING     (1u << 20)    /* bytes per worker; power of two */
#define CAPTURE_CALL_MAX (160u * 1024) /* of a record: 60 kB before and after, in fragments */
#define CAPTURE_PACKETS_MAX 256        /* of a record */
#define CAPTURE_DATA_MAX (14 + 65535)  /* of a packet */
#define CAPTURE_RATE     4000000u      /* bytes per second and worker: 1,300 INVITEs of 1,500 bytes */
#define CAPTURE_BURST    1000000u

/* capture_region.want: 0 off, CAPTURE_ALL, or the slot of one trunk + 1 */
#define CAPTURE_ALL      UINT32_MAX

#define CAPTURE_NIC_NONE SIPSEAL_PORTS_MAX /* left by a raw socket: the kernel chooses the NIC */
#define CAPTURE_NICS     (SIPSEAL_PORTS_MAX + 1)

enum capture_stage {
	CAPTURE_BEFORE,            /* as it came */
	CAPTURE_AFTER,             /* as it left */
	CAPTURE_ANSWER,            /* our refusal, back to where it came from */
};

enum capture_form {
	CAPTURE_L2 = 1,            /* an Ethernet frame */
	CAPTURE_L3,                /* an IP packet */
	CAPTURE_UDP,               /* payload of a datagram, up to CAPTURE_UDP_MAX; addresses and ports beside it */
};
#define CAPTURE_UDP_MAX (65535 - 48) /* with the headers of either family */

#define CAPTURE_V6 0x01            /* capture_packet.flags; of CAPTURE_UDP */

/* One INVITE; its packets follow. */
struct capture_call {
	uint32_t len;              /* of the record, this included; multiple of 8 */
	uint32_t packet_cnt;       /* at least 1 */
	uint64_t number;           /* of this worker; ties the packets together, also where they stand apart */
	uint64_t generation;       /* of the policy copy; only its low bits where a meta is all there is */
	uint32_t trunk;            /* slot */
	uint8_t  is_inbound;
	uint8_t  verdict;          /* enum event_verdict */
	uint8_t  reason;
	uint8_t  decided_verdict, decided_reason; /* the same two, except in mode observe */
	uint8_t  pad[7];
};
_Static_assert(sizeof(struct capture_call) == 40, "capture_call");

/* One packet; its bytes follow, up to a multiple of 8. */
struct capture_packet {
	uint64_t time_ns;          /* CLOCK_REALTIME, when it came or left */
	uint32_t data_len;
	uint8_t  stage;            /* enum capture_stage */
	uint8_t  form;             /* enum capture_form */
	uint8_t  nic;              /* port index by which it came or left, or CAPTURE_NIC_NONE */
	uint8_t  flags;
	uint8_t  src[16], dst[16]; /* as struct wire_frame has them; these four of CAPTURE_UDP only */
	uint16_t src_port, dst_port;
	uint8_t  pad[4];
};
_Static_assert(sizeof(struct capture_packet) == 56, "capture_packet");

struct capture_worker {
	_Atomic uint64_t head;     /* bytes written ever; the worker's */
	_Atomic uint64_t lost[CAPTURE_NICS]; /* INVITEs, by the NIC they came by; the worker's */
	_Atomic uint64_t lost_rate;          /* those of them that were over the rate */
	uint64_t pad0[5];
	_Atomic uint64_t tail;     /* bytes read ever; the daemon's */
	uint64_t pad1[7];
	char ring[CAPTURE_RING];
};
_Static_assert(sizeof(struct capture_worker) % 64 == 0, "no cache line is written by both sides");

struct capture_region {
	uint32_t magic, version;
	uint32_t workers;
	_Atomic uint32_t want;     /* the daemon's */
	uint64_t worker_off, worker_size;
};

static inline struct capture_worker *capture_worker(const struct capture_region *r, unsigned i)
{
	return (struct capture_worker *)((char *)(uintptr_t)r + r->worker_off + i * r->worker_size);
}

/** capture_size() - bytes of a region; sparse until it is used. */
static inline uint64_t capture_size(uint32_t workers)
{
	return 4096 + workers * ((sizeof(struct capture_worker) + 4095) & ~4095ull);
}

/** capture_region_init() - of zeroed memory of capture_size() bytes. */
void capture_region_init(struct capture_region *r, uint32_t workers);

/** capture_region_check() - magic, version, sizes against the mapping.  Return: 0, or -EBADMSG. */
int capture_region_check(const struct capture_region *r, uint64_t map_len);

/* ---- the worker's side; one thread ---- */

struct capture_writer {
	const _Atomic uint32_t *want;
	struct capture_worker *worker; /* NULL: there is no region */
	uint64_t head, room;       /* where the record starts, bytes that are free there */
	uint64_t number;           /* of the next record */
	uint64_t now_ns, due_ns;   /* all that was copied is paid for at due_ns (GCRA) */
	uint32_t len, packet_cnt;  /* of the record so far */
	uint32_t trunk;
	uint8_t nic;
	bool is_open, is_cut;      /* a record is being made; something did not fit */
};

/** capture_writer_init() - @r: NULL nothing is ever asked for; else checked, and @i one of its workers. */
void capture_writer_init(struct capture_writer *c, struct capture_region *r, unsigned i);

/** capture_open() - what capture_begin() does while there is a reader. */
bool capture_open(struct capture_writer *c, uint32_t trunk, uint8_t nic, uint64_t now_ns);

/**
 * capture_begin() - begin the record of an INVITE, if somebody asks for its trunk.
 * @nic:    port index it came by
 * @now_ns: CLOCK_MONOTONIC
 * Return: true: capture_add(), then capture_end() or capture_cancel().  false: those do nothing.
 */
static inline bool capture_begin(struct capture_writer *c, uint32_t trunk, uint8_t nic, uint64_t now_ns)
{
	if (__builtin_expect(!atomic_load_explicit(c->want, memory_order_relaxed), 1))
		return false;
	return capture_open(c, trunk, nic, now_ns);
}

/** capture_add() - copy a packet into the record, if one is open.  @p: but for data_len, which is that of @data. */
void capture_add(struct capture_writer *c, const struct capture_packet *p, struct slice data);

/** capture_end() - publish the record.  @outcome: but for len, packet_cnt, number and trunk. */
void capture_end(struct capture_writer *c, const struct capture_call *outcome);

/** capture_cancel() - no record: the INVITE waits, and is told when it leaves. */
void capture_cancel(struct capture_writer *c);

/* ---- the daemon's side ---- */

/* A record that was copied and is sound. */
struct capture_copy {
	struct capture_call call;
	char packets[CAPTURE_CALL_MAX - sizeof(struct capture_call)];
};

/**
 * capture_take() - copy the next record and check it.
 * @tail: the reader's own count, private to it
 * Return: 1; 0: nothing there; -EBADMSG: something was there that cannot be true, and is skipped: count it and
 * go on.  *ret is void unless 1.  A worker that lies can keep the reader busy: call it a bounded number of times.
 */
int capture_take(struct capture_worker *w, uint64_t *tail, struct capture_copy *ret);

/** capture_skip() - forget what is there: before `want` is set for a new reader. */
void capture_skip(struct capture_worker *w, uint64_t *tail);

/** capture_next() - the packets of a record, in the order of capture_add().
 * @off: 0 at first.  Return: false: there are no more; else *ret, and *ret_data in @c. */
bool capture_next(const struct capture_copy *c, size_t *off, struct capture_packet *ret, struct slice *ret_data);

#endif

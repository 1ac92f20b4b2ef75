/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker - one thread of the data path: it owns one UMEM and the AF_XDP sockets of its queues on every
 * NIC, and shares nothing that it writes with other workers but the table of signatures seen (seen.h)
 * and the tables of keys (es256_table.h).
 *
 *     rx ring -> metadata -> frame -> replay cache or engine -> edits -> fresh frame -> tx ring
 *                                        inbound: waits (park.h) -^
 *
 * Between rx and tx there is no lock, no log line and no system call, except
 *   - clock_gettime(): once per frame (twice per fragment and datagram) and twice per batch (at most 64 frames), a vDSO call;
 *   - sendto(): kicks a full tx ring, sends by the raw socket (neighbour unknown, no frame left);
 *   - what credential_sign() needs (OpenSSL's allocations), once per signature; also while it spins and no call
 *     comes (warm.h);
 *   - while somebody captures (record.h): clock_gettime() once per packet that is copied and once more per frame, a
 *     vDSO call too, and the copy (trunk/capture.h says how much); while nobody does, one load per frame;
 *   - inbound, per Identity: jansson's allocations for header and claims, OpenSSL's for the signature (and for a key
 *     that is not among the last ES256_KEYS); clock_gettime() for one that waited; once in ES256_TABLE_AFTER, a lock
 *     that is tried and never waited for, and OpenSSL's allocations for a group.
 *   - write(): a fragment of another worker's flow, where that one sleeps (mailbox.h); read(): it wakes.
 * Per loop: poll() when idle.  Per second: XDP_STATISTICS and CPU time; keys that came or went (a lock).
 *
 * Every received frame ends with exactly one reason, counted once in `reasons`, and with one event unless it
 * is a copy or was not judged; an INVITE that waits for its certificate when it leaves.  A call that XDP
 * flagged as an emergency is never dropped or refused here as long as any way out is left.
 * Life: worker_new(), ports by worker_port_add(), worker_prepare(), worker_run() in its thread,
 * worker_free() after the thread has ended.
 */
#ifndef SIPSEAL_SIGNER_WORKER_H
#define SIPSEAL_SIGNER_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "signer/emit.h"
#include "signer/fair.h"
#include "signer/mailbox.h"
#include "signer/random.h"
#include "signer/park.h"
#include "signer/replay.h"
#include "signer/seen.h"
#include "signer/source.h"
#include "signer/wants.h"
#include "signer/warm.h"
#include "stir/credential.h"
#include "stir/es256.h"
#include "trunk/capture.h"
#include "trunk/events.h"
#include "trunk/model.h"
#include "trunk/override.h"
#include "wire/reassemble.h"

/* Longest sleep; shorter where the heartbeat must be fresher.  A change of the configuration that follows another
 * waits for drained_ns, on an idle gateway so long; a turn costs some microseconds. */
#define WORKER_POLL_MS 20
#define WORKER_PARKED_MS 2 /* while INVITEs wait: how late their verdict may be noticed */
#define WORKER_STALE_NS 500000000ull /* until a policy says otherwise: the default of heartbeat_ms */

typedef _Atomic(struct capture_region *) capture_ptr;


struct worker_cfg {
	unsigned index;
	enum idle_mode idle;
	const struct policy_region *policy;
	struct counters_region *counters;
	_Atomic uint64_t *heartbeat;         /* this worker's word; CLOCK_MONOTONIC ns */
	_Atomic uint64_t *slots;             /* the whole array: SIPSEAL_GIVEN is read, SIPSEAL_MARK and _FAIR written */
	struct events_region *events;
	const struct override_region *overrides; /* read-only mapping */
	source_ptr *source;                  /* where the verdicts are; NULL: there are none, ever */
	capture_ptr *capture;                /* where captures go, once it has come; NULL: never */
	const struct mailboxes *mail;        /* of all workers; NULL: this one is alone */
	struct seen *seen;                   /* shared by all workers; NULL: nothing is a replay */
	struct es256_tables *tables;         /* shared by all workers; NULL: none */
	struct credential_set *credentials;
	char *umem;                          /* mapping; frames * XSK_FRAME_SIZE bytes */
	uint32_t frames;
	uint8_t tag_key[16];
	int raw_v4, raw_v6;                  /* -1: none; not owned */
};

struct worker {
	struct worker_cfg cfg;
	struct counters_worker *counters;
	struct umem *umem;
	struct port *ports;                  /* sockets, in the order they were added */
	unsigned port_cnt;
	struct port *tx[SIPSEAL_PORTS_MAX][SIPSEAL_QUEUES_MAX]; /* sockets that can send, by NIC */
	unsigned tx_cnt[SIPSEAL_PORTS_MAX];
	uint32_t reserve;                    /* chunks kept for sending */
	struct credential_signer *signer;
	struct warm *warm;                   /* NULL: the worker sleeps where there is nothing to do */
	struct replay *replay;
	struct random_pool random;
	struct emitter emitter;
	struct capture_writer capture;       /* record.h */
	struct engine_env env;
	struct engine engine;
	struct sip_edits cached;             /* of a hit in the replay cache */
	struct events_worker *events;
	struct override_hit override;        /* of the call that the engine saw last; seq 0: none */
	struct fair fair;
	source_ptr source;                   /* that this worker uses: for sources_take() */
	struct {
		struct park *park;
		struct es256 *es256;
		struct wants wants;
		const struct source *source; /* the same */
		uint64_t changes;            /* of its verdicts, at the top of the loop */
		bool is_first_look;          /* the engine sees this INVITE for the first time */
	} inbound;                           /* inbound.c */
	struct {
		struct reassemble *reassemble;
		struct pieces pieces;        /* of the datagram that runs now */
		struct mailboxes alone;      /* without others: the key for flows */
	} fragments;                         /* fragments.c */
	uint64_t drain_ns;                   /* when drain_marks were taken; 0: not */
	uint32_t *drain_marks;               /* of each port: where its rx ring ended then */
	uint64_t now_ns, stale_ns, second_ns;
	struct pollfd *pollfds;
	atomic_bool stop;
};

/** worker_new() - Return: 0, -ENOMEM, -EIO, or what replay_new() and umem_new() return. */
int worker_new(const struct worker_cfg *cfg, struct worker **ret);
void worker_free(struct worker *w);
DEFINE_FREEP(struct worker *, worker_free)

/** worker_port_add() - Return: 0, -ENOSPC too many, or what port_open() returns (the descriptor is
 * closed in any case). */
int worker_port_add(struct worker *w, const struct port_cfg *cfg);

/** worker_prepare() - share the UMEM out, fill the fill rings, first heartbeat.
 * Return: 0; -EINVAL no socket; -ENOMEM. */
int worker_prepare(struct worker *w);

/** worker_loop() - one round over all sockets and those that wait.  Return: true if there was work. */
bool worker_loop(struct worker *w);

/** worker_run() - until worker_stop(); then all that wait leave. */
void worker_run(struct worker *w);
void worker_stop(struct worker *w);

#endif

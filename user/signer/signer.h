/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signer - sipseal-signer between the messages of its daemon: what was handed over so far, and what
 * may come next (xsk/handover.h).
 *
 *     HELLO -> WORKER, SOCKET, RAW, CREDENTIAL in any sensible order -> START -> CREDENTIAL, ..._DROP
 *     VERDICTS at any time after HELLO, CAPTURE once
 *
 * Each message is answered by one RESULT; a refused one changes nothing, its descriptors are closed.
 * Threads: the main one; workers run on their own between START and signer_done().
 */
#ifndef SIPSEAL_SIGNER_SIGNER_H
#define SIPSEAL_SIGNER_SIGNER_H

#include <pthread.h>
#include <semaphore.h>

#include "signer/source.h"
#include "signer/worker.h"
#include "xsk/handover.h"

#define SIGNER_MAPS 5

struct signer_thread {
	struct worker *worker;               /* NULL: not handed over yet */
	char *umem;
	uint64_t umem_len;
	pthread_t thread;
	bool is_running;
	sem_t *ready, *go;
};

struct signer {
	bool has_hello, is_started;
	bool want_sandbox;                   /* false only in tests */
	enum idle_mode idle;
	uint32_t worker_cnt, nic_cnt;
	const struct policy_region *policy;
	struct counters_region *counters;
	struct events_region *events;
	const struct override_region *overrides;
	_Atomic uint64_t *heartbeat;         /* [SIPSEAL_BEATS_MAX] */
	struct signer_map {
		void *p;
		uint64_t len;
	} maps[SIGNER_MAPS];                 /* where those five live, in the order of HELLO's descriptors */
	struct sources sources;              /* of verdicts */
	capture_ptr capture;                 /* NULL: it has not come yet */
	uint64_t capture_len;
	struct seen *seen;                   /* of all workers */
	struct es256_tables *tables;         /* of all workers */
	struct mailboxes mail;               /* of all workers, as far as there is more than one */
	struct credential_set *credentials;
	uint8_t tag_key[16];
	int raw_v4, raw_v6;
	sem_t ready, go;
	struct signer_thread threads[SIPSEAL_WORKERS_MAX];
};

/** signer_init() - Return: 0, -ENOMEM, or -EIO: no random numbers. */
int signer_init(struct signer *s);

/** signer_done() - stop and join the workers, wipe the keys, unmap. */
void signer_done(struct signer *s);

/**
 * signer_take() - act on one message of the daemon.
 * @fds: descriptors that came with it; consumed
 * @ret: the RESULT to send back
 */
void signer_take(struct signer *s, const struct handover_msg *m, int *fds, unsigned fd_cnt,
		 struct handover_msg *ret);

/* signer.c and start.c only */
int signer_start(struct signer *s, char reterr_text[200]);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serve_internal - what the files behind serve.h share: the whole state of the process.
 */
#ifndef SIPSEAL_FETCHER_SERVE_INTERNAL_H
#define SIPSEAL_FETCHER_SERVE_INTERNAL_H

#include "fetcher/cache.h"
#include "fetcher/crl.h"

#define SERVE_WORKERS_MAX 256

/* The signer's rings. */
struct wants {
	struct verdict_wants *rings;   /* NULL: no HELLO yet */
	unsigned cnt;
	uint64_t *tails;
};

struct serve {
	struct verdict_region *region; /* NULL: no HELLO yet */
	struct verdict_writer *writer;
	struct wants wants;
	struct trust trust;
	struct fetch *fetch;
	struct cache cache;
	struct crl crl;
	int cache_fd;                  /* -1: no disk cache */
	bool is_started;
	uint32_t running;              /* fetches, the CRL's included */
};

/** serve_take() - one message; the descriptors become ours.  Fills *ret, all of it. */
void serve_take(struct serve *s, const struct fetcher_msg *m, int *fds, unsigned fd_cnt, struct fetcher_msg *ret);

/** serve_fetched() - for fetch_new(), with struct serve as ctx. */
void serve_fetched(void *ctx, struct slice url, const struct fetch_result *r);

/** serve_crl_new() - a list was taken: say so and judge anew. */
void serve_crl_new(struct serve *s, int64_t now_s);

int64_t serve_now_s(void);

#endif

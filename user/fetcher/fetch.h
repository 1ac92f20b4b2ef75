/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fetch - HTTPS GETs of certificates and CRLs by libcurl's multi interface, many at a time, none for long.
 *
 * One fetch per URL at a time; limits of parallel fetches, per host, per trunk and of total time; connect 1 s,
 * body 64 KiB, headers 16 KiB; no redirects, cookies, proxies, compression, authorization; TLS 1.2 and up
 * against fetch.https_ca.  The address is checked where the socket is opened (url_address_check(), and it must not be
 * one of this machine).  No call blocks: names are looked up by threads of libcurl's, and a look-up that outlives its
 * fetch is left behind and counted (fetch_budget.h); RES_OPTIONS="timeout:1 attempts:2" in the process's environment
 * keeps these few.  Threads: one.
 */
#ifndef SIPSEAL_FETCHER_FETCH_H
#define SIPSEAL_FETCHER_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "fetcher/url.h"

#define FETCH_BODY_MAX     (64 * 1024)
#define FETCH_CRL_MAX      (16 * 1024 * 1024)
#define FETCH_PARALLEL_MAX 32
#define FETCH_HOST_MAX     6      /* at a time, of one host; 4 for one trunk */
#define FETCH_CRL_TIMES    15     /* as long as timeout_ms may a fetch of more than FETCH_BODY_MAX take */
#define FETCH_TRUNK_RATE   10     /* per second, of one trunk; bucket of 50, 20 of it for hosts that answer */
#define FETCH_HOST_RATE    20     /* per second, of one host; bucket of 100: more than one trunk can use up */

struct fetch_config {
	struct url_rules rules;
	unsigned timeout_ms;       /* fetch.timeout_ms, of a whole fetch */
	const char *https_ca;      /* file or directory, copied; NULL: the system's */
};

struct fetch_result {
	int error;                 /* 0; -EACCES refused (rules, address, budget); -ETIMEDOUT; -EFBIG; -EPROTO status or
				      TLS; -EHOSTUNREACH no name, no route, refused or cut off; -ENOMEM */
	long status;               /* HTTP, 0: none */
	char text[160];            /* what went wrong, or with error 0 what is only notable (content type, no-store),
				      printable ASCII, for log and status; empty: nothing */
	const char *body;          /* valid during the callback */
	size_t len;
	int64_t max_age_s;         /* of Cache-Control, else Expires, less Age; -1: not said, or no-store (RFC 9111
				      s4.2.1, s5.2.2) */
	char content_type[64];
};

struct fetch;
typedef void fetch_done_fn(void *ctx, struct slice url, const struct fetch_result *r);

/** fetch_new() - @on_done is called from fetch_run(), once per fetch_start() that returned 0; it may start others, but
 * not free @f.  Return: 0, -ENOMEM; -EIO: libcurl does not start, or there is no https_ca.
 * SIGPIPE is ignored from here on, in the whole process. */
int fetch_new(const struct fetch_config *cfg, fetch_done_fn *on_done, void *ctx, struct fetch **ret);

/** fetch_free() - gives up what is under way, without a callback and without waiting. */
void fetch_free(struct fetch *f);
DEFINE_FREEP(struct fetch *, fetch_free)

/** fetch_start() - @trunk: slot whose budget pays; UINT32_MAX: ours (CRL, prefetch).  @max: FETCH_BODY_MAX or FETCH_CRL_MAX.
 * Return: 0; 1: a fetch of this URL runs already, its callback counts for this one as well; -EACCES the rules refuse it;
 * -EAGAIN over a budget, or the one that runs has a lower @max: ask again later; -ENOMEM, -EIO; all with *reterr_text
 * (static). */
int fetch_start(struct fetch *f, struct slice url, uint32_t trunk, size_t max, const char **reterr_text);

/** fetch_allows() - do the rules let @url be fetched at all?  Return: false, *reterr_text says why (static). */
bool fetch_allows(const struct fetch *f, struct slice url, const char **reterr_text);

/** fetch_run() - wait at most @timeout_ms for sockets and @extra_fd (-1: none), then do what can be done.
 * Return: number of fetches under way. */
int fetch_run(struct fetch *f, int timeout_ms, int extra_fd);

/* Failures by host, for status: the worst first, at most 256. */
struct fetch_host { char host[URL_HOST_MAX + 1]; uint64_t ok, failed; char last_error[160]; };
unsigned fetch_hosts(const struct fetch *f, struct fetch_host *ret, unsigned max);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fetcher_msg - what the daemon says to sipseal-fetcher (descriptor 3 of the fetcher; base/channel.h) and what it
 * answers.
 *
 *   daemon -> fetcher   HELLO (memfds of verdicts and wants, stir/verdict.h)
 *                       ANCHORS (PEM text)       what chains must end in
 *                       CRL (file)               only where certificates.crl.path is set
 *                       CACHE (directory)        only where fetch.cache_dir is set
 *                       START                    answered when the first part of the disk cache is judged
 *   later               ANCHORS, CRL             again: cached chains are judged anew
 *                       PREFETCH, FLUSH          one URL; FLUSH "" is all
 *                       LIST, HOSTS (memfd)      the fetcher writes records from offset 0
 *                       STATUS
 *   fetcher -> daemon   RESULT of each message, in milliseconds: nothing here waits for the network
 *
 * The fetcher exits on EOF.  It talks to strangers: the daemon believes no length, no enum and no string of what it
 * says, and copies records once before it looks at them (fetcher_entry_check() and the like belong to the daemon).
 */
#ifndef SIPSEAL_STIR_FETCHER_MSG_H
#define SIPSEAL_STIR_FETCHER_MSG_H

#include <stdint.h>

#include "base/channel.h"
#include "stir/verdict.h"

#define FETCHER_VERSION 1
#define FETCHER_PATH_MAX 256
#define FETCHER_RECORDS_MAX 1024   /* records of one LIST or HOSTS */

enum fetcher_type {
	FETCHER_HELLO = 1, FETCHER_ANCHORS, FETCHER_CRL, FETCHER_CACHE, FETCHER_START, FETCHER_PREFETCH,
	FETCHER_FLUSH, FETCHER_LIST, FETCHER_HOSTS, FETCHER_STATUS, FETCHER_RESULT,
};

struct fetcher_stats {
	uint32_t good, bad;                /* verdicts in the region */
	uint64_t evicted_good, evicted_bad;
	uint32_t stored, loading;          /* chains on disk; of those, how many are not judged yet */
	uint64_t stored_bytes, store_errors; /* store_errors: could not be written or read (disk full, damaged) */
	uint32_t running;                  /* fetches under way */
	uint64_t fetched, failed;          /* since its start */
	uint64_t over_budget;              /* wants that were not fetched: budget of trunk or host */
	int64_t crl_at, crl_next_update;   /* seconds; 0: none */
	char crl_error[160];               /* "": none */
};

struct fetcher_msg {
	struct channel_head head;
	union {
		struct {
			uint64_t verdicts_len, wants_len;
			uint32_t workers;           /* struct verdict_wants in the second */
			uint32_t timeout_ms;
			uint8_t allow_private;
			uint8_t want_tnauthlist;    /* certificates.profile shaken */
			uint8_t is_crl_hard, has_crl;
			char https_ca[FETCHER_PATH_MAX];     /* absolute; "": the system's */
			char crl_url[PASSPORT_X5U_MAX + 1];  /* "": none */
		} hello;
		char x5u[PASSPORT_X5U_MAX + 1];     /* PREFETCH, FLUSH; LIST: of this one alone, "" all */
		struct {
			char x5u[PASSPORT_X5U_MAX + 1]; /* LIST: only this one; "": all */
			uint32_t skip;                  /* LIST: records to leave out, of the order newest first */
		} list;
		struct {
			char text[256];             /* what is wrong, for people; or a warning with error 0 */
			uint32_t cnt, total;        /* LIST, HOSTS: records written; there are */
			struct fetcher_stats stats; /* STATUS */
		} result;
	};
};

/* One URL, for `sipseal cert cache`. */
struct fetcher_entry {
	char x5u[PASSPORT_X5U_MAX + 1];
	uint8_t kind;                      /* enum verdict_kind; VERDICT_UNKNOWN: being fetched */
	uint8_t reason;                    /* VERDICT_BAD */
	uint16_t code;
	uint8_t is_stored;                 /* on disk */
	uint8_t is_running;                /* being fetched (again) */
	char spc[TNAUTH_SPC_MAX + 1];
	char subject[96];
	char text[160];                    /* what went wrong or is notable; "" nothing */
	int64_t fetched_at, expires_at, not_after;
};

/* One host, worst first. */
struct fetcher_host {
	char host[256];
	uint64_t ok, failed;
	char last_error[160];
};

#endif

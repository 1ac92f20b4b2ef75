/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fetch_transfer - one GET: a libcurl handle with every limit set, its callbacks, and what became of it.
 *
 * A transfer is made, added to a multi handle by the caller, removed from it, asked for its result, freed.  Every one
 * has a connection of its own that is closed with it.
 */
#ifndef SIPSEAL_FETCHER_FETCH_TRANSFER_H
#define SIPSEAL_FETCHER_FETCH_TRANSFER_H

#include <curl/curl.h>

#include "fetcher/fetch.h"
#include "fetcher/fetch_budget.h"
#include "fetcher/fetch_http.h"

#include <uthash.h>

struct transfer {
	UT_hash_handle hh;           /* by text; of the owner */
	struct budget_ticket ticket; /* of the owner */
	bool is_lost;                /* of the owner: not in its table */
	char text[URL_TEXT_MAX + 1]; /* as it was asked for */
	const struct fetch_config *cfg;
	CURL *easy;
	size_t max;
	char *body;
	size_t len, cap;
	struct http_answer answer;
	bool is_final;               /* the header block of the answer itself is over */
	bool is_opened;              /* a socket was */
	int error;                   /* 0, or what we ended it for, with why */
	const char *why;
	const char *refused;         /* why the last address was refused, NULL: none was */
	char curl_text[CURL_ERROR_SIZE];
};

/** transfer_new() - @cfg must stay; @url of @text.  Return: 0, -ENOMEM; -EIO: libcurl lacks an option. */
int transfer_new(const struct fetch_config *cfg, struct slice text, const struct url *url, size_t max, struct transfer **ret);
void transfer_free(struct transfer *t);
DEFINE_FREEP(struct transfer *, transfer_free)

/** transfer_result() - after libcurl ended it with @code; the body stays the transfer's. */
void transfer_result(struct transfer *t, CURLcode code, int64_t now_s, struct fetch_result *ret);

/** transfer_is_hung() - it was ended while its name was still looked up. */
bool transfer_is_hung(const struct transfer *t, CURLcode code);

#endif

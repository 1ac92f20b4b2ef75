/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reload_diff - what a configuration that was read again has different: trunks by name and digest,
 * so that those that are as they were cost two comparisons; keys only of those that are not.
 * Threads: any.
 */
#ifndef SIPSEAL_DAEMON_RELOAD_DIFF_H
#define SIPSEAL_DAEMON_RELOAD_DIFF_H

#include <jansson.h>
#include <stdbool.h>

#include "daemon/live.h"

/* Changed trunks whose keys are told one by one; a change of `defaults` may touch 100,000. */
#define RELOAD_KEYS_MAX 1000

struct reload_diff {
	struct trunk **put; /* added and changed ones; own until given to a generation */
	size_t put_cnt;
	const char **drop; /* names; the texts are those of `removed` */
	size_t drop_cnt;
	json_t *added, *removed; /* names, sorted */
	json_t *changed;	 /* [{"name","keys":[{"key","from","to"}]}]; keys null beyond
				  * RELOAD_KEYS_MAX.	 Besides keys of a trunk "file" and "managed" stand
				  * there: it was moved */
	json_t *gateway;	 /* [{"key","from","to"}] */
};

void reload_diff_done(struct reload_diff *r);

/** reload_diff_trunks() - @trunks become those of @r: kept in r->put, or freed.
 * Return: 0, -ENOMEM (all of them are freed, or in r->put). */
int reload_diff_trunks(const struct live *l, struct trunk **trunks, size_t cnt,
		       struct reload_diff *r);

/** reload_diff_gateway() - r->gateway.  Return: 0, -ENOMEM. */
int reload_diff_gateway(const struct config *from, const struct config *to, struct reload_diff *r);

/** reload_needs_restart() - is the dotted key of the gateway read at the start only? */
bool reload_needs_restart(const char *key);

#endif

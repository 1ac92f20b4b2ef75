/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trunkfile - the file of a trunk as JSON: its own keys, and changing them.
 *
 * A trunk is built from the text that its file will hold, not from the request: what runs now is
 * what a restart would read.  Threads: no state, any thread.
 */
#ifndef SIPSEAL_DAEMON_TRUNKFILE_H
#define SIPSEAL_DAEMON_TRUNKFILE_H

#include <jansson.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "daemon/fault.h"

static inline void json_freep(json_t **j)
{
	json_decref(*j);
}

/* A trunk's mapping as it stands in its file now. */
struct trunkfile {
	json_t *keys;
	bool is_ours;	/* has our first line */
	bool is_loaded; /* is what the trunk that runs was made from */
};

static inline void trunkfile_done(struct trunkfile *t)
{
	json_decref(t->keys);
}

/**
 * trunkfile_read() - the keys of @t from its file, which may be the main file with its list
 * `trunks`.
 * @want_compare: find out is_loaded, too (false unless asked for)
 * Return: 0; -EINVAL: `changed_on_disk`, the file is gone, broken, or of another trunk now;
 * `internal`.
 */
int trunkfile_read(const struct config *c, const struct trunk *t, bool want_compare,
		   struct trunkfile *ret, struct fault *f);

/**
 * trunkfile_request() - a request as a tree: an object, dotted keys nested.
 * Return: 0; -EINVAL: `invalid` (keys in the report), `internal`.
 */
int trunkfile_request(const json_t *body, json_t **ret, struct fault *f);

/**
 * trunkfile_build() - the trunk that the file @path will give once it holds @keys.
 * Errors and warnings about the keys come without the position in a file that nobody has seen.
 * Return: 0; -EINVAL: `invalid`, keys in the report; `internal`.
 */
int trunkfile_build(const struct config *c, const char *path, const json_t *keys,
		    struct trunk **ret, struct fault *f);

/** trunkfile_merge() - RFC 7396: @patch into the object @keys; but a mapping goes with its last
 * key, for an empty one says nothing.  Return: 0, -ENOMEM (@keys is half changed). */
int trunkfile_merge(json_t *keys, const json_t *patch);

#endif

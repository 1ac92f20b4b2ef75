/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * render - the model back as JSON in the form of the configuration: what `trunk show` prints and what a reload
 * compares.  NULL without memory.
 *
 * The schema tables say which keys there are, so none can be forgotten.
 */
#ifndef SIPSEAL_CONFIG_RENDER_H
#define SIPSEAL_CONFIG_RENDER_H

#include <jansson.h>

#include "trunk/model.h"

#define RENDER_NUMBERS_MAX 1000 /* numbers shown of a trunk; numbers_file may have a million */

/** render_trunk() - every key with its effective value, in the order of the documentation.  `numbers` is left out
 * where any number may be used, `extras` where no location is configured; certificates are the trunk's own. */
json_t *render_trunk(const struct trunk *t);

/** render_gateway() - gateway, control, regulatory, certificates: every key with its effective value. */
json_t *render_gateway(const struct gateway *g);

/** render_diff() - two such objects -> [{"key": dotted, "from": value or null, "to": value or null}]. */
json_t *render_diff(const json_t *from, const json_t *to);

struct schema_key;

/** render_keys() - all keys of a table, of its target. */
json_t *render_keys(const struct schema_key *keys, const void *target);

/** render_text() - a string; bytes that are no UTF-8 (a path may have such) as '?'. */
json_t *render_text(const char *s);

/** render_append(), render_set() - like jansson's, @value is taken; NULL and nothing kept where @dst or @value is
 * NULL or memory ends. */
json_t *render_append(json_t *dst, json_t *value);
json_t *render_set(json_t *dst, const char *key, json_t *value);

#endif

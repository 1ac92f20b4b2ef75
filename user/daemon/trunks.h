/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trunks - AddTrunk and friends: JSON -> checked trunk -> file and generation, as one.
 *
 * The file of a trunk that was made here carries a first line that says so (config/store.h); all
 * other files are hand-written and never touched.  Threads: one.
 */
#ifndef SIPSEAL_DAEMON_TRUNKS_H
#define SIPSEAL_DAEMON_TRUNKS_H

#include <jansson.h>
#include <stdbool.h>

#include "daemon/fault.h"

struct sipseald;

/** trunks_add() - @body: the mapping of section 4 as a JSON object, `name` in it; nested or dotted
 * keys. Return: 0, -EINVAL (*f). */
int trunks_add(struct sipseald *d, const json_t *body, struct fault *f);

/** trunks_patch() - JSON merge patch (RFC 7396) of the trunk's own keys; dotted keys are nested
 * ones, null removes a key, so that the default holds again.  The name cannot change. */
int trunks_patch(struct sipseald *d, const char *name, const json_t *patch, struct fault *f);

int trunks_remove(struct sipseald *d, const char *name, struct fault *f);

/** trunks_export() - the trunk's own keys, as its file has them: what `trunk add -f` takes. */
json_t *trunks_export(struct sipseald *d, const char *name, struct fault *f);

/**
 * reload() - read the configuration again and apply what differs (want_dry: only say it).
 * *ret: {"generation","applied","added":[names],"removed":[names],
 * "changed":[{"name","keys":[{"key","from","to"}]}],"gateway":[{"key","from","to"}],"warnings":[]}.
 * A dry run is refused for whatever the real one would be.  A key that needs a restart makes the
 * whole reload refused (restart_required), and all such keys are named.  Certificates are read
 * again, too.
 * `keys` of a trunk: also "file" and "managed", where it was moved or is not ours any more;
 * {"count"} for numbers that differ behind the ones that are shown; empty where it is written
 * differently and means the same; null beyond RELOAD_KEYS_MAX trunks.
 * regulatory.enabled as PATCH /v1/regulatory set it stays until the file's value changes; the
 * warnings say which of the two it is.
 */
int reload(struct sipseald *d, bool want_dry, json_t **ret, struct fault *f);

#endif

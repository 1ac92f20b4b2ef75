/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault - why a change was refused (or what was notable about one that was not), for API, CLI and log.
 *
 * `code` is stable and says what kind of thing is wrong; the report says which key, where, what is wrong
 * and what is allowed.  The words, with the HTTP status that the API gives them, are one table in fault.c:
 *
 *     invalid 422            a value, key or combination that is not allowed
 *     overlap 409            another trunk has the same carrier peer and core prefix; both are named
 *     exists 409             there is a trunk (or a file) of that name
 *     hand_written 409       the trunk stands in a file that the CLI did not make; the file is named
 *     changed_on_disk 409    the trunk's file is not what was loaded: reload first
 *     forbidden 403          a file that the client could not reach itself (api_paths.h)
 *     no_such_trunk 404
 *     certificate_refused 422, key_refused 422
 *     call_left 409          the INVITE of this Call-ID has left already
 *     restart_required 409   keys that only a restart can change; they are named
 *     too_many 507           a table is full
 *     signer_down 503        a key cannot be checked while no signer runs
 *     storage 500            a file cannot be written
 *     internal 500
 */
#ifndef SIPSEAL_DAEMON_FAULT_H
#define SIPSEAL_DAEMON_FAULT_H

#include <jansson.h>

#include "config/config.h"

struct fault {
	const char *code;            /* one of the words above; NULL: no fault */
	char text[512];              /* one sentence for people */
	struct config_report report; /* errors, and warnings also where there is no fault */
};

void fault_done(struct fault *f);

/** fault_set() - the first one stands.  @code must be in the table.  Return: -EINVAL. */
int fault_set(struct fault *f, const char *code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/** fault_http() - status of a code. */
unsigned fault_http(const char *code);

/** fault_json() - {"error":{"code","message","errors":[{"key","message","allowed","file","line","col"}]}}. */
json_t *fault_json(const struct fault *f);

/** fault_warnings() - the warnings of the report in the same form, an array. */
json_t *fault_warnings(const struct fault *f);

#endif

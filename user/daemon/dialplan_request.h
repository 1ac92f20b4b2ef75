/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dialplan_request - the JSON of ExecuteDialplan, checked: each key that is wrong is reported by its whole
 * name ("app_args.geolocation.civic_address.region").
 */
#ifndef SIPSEAL_DAEMON_DIALPLAN_REQUEST_H
#define SIPSEAL_DAEMON_DIALPLAN_REQUEST_H

#include "daemon/dialplan.h"
#include "location/civic.h"

#define DIALPLAN_ARGS_MAX 65536 /* bytes of app_args where it is a text */

struct dialplan_request {
	enum override_kind kind;
	char key[OVERRIDE_KEY_MAX];   /* Call-ID, or canonical digits */
	size_t key_len;
	unsigned lifetime_s;
	struct civic_address civic;   /* passed civic_check() */
};

/** dialplan_request_parse() - Return: 0 and *ret; -EINVAL: *f. */
int dialplan_request_parse(const json_t *json, struct dialplan_request *ret, struct fault *f);

#endif

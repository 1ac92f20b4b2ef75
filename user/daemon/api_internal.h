/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api_internal - what the handlers of the API share.  Each returns 0, or -ENOMEM (control.h).
 */
#ifndef SIPSEAL_DAEMON_API_INTERNAL_H
#define SIPSEAL_DAEMON_API_INTERNAL_H

#include "daemon/api.h"
#include "daemon/daemon.h"
#include "daemon/fault.h"

/** api_json() - 200 and @json, which is taken; NULL: no memory. */
int api_json(struct control_answer *a, json_t *json);

/** api_fault() - the answer to a refused call; empties *f. */
int api_fault(struct control_answer *a, struct fault *f);

/**
 * api_changed() - the end of a call that changes something: logged, and answered by @json with `generation` and
 * `warnings` added, or, where @f has a code, by the fault.  Takes @json, empties *f.
 * @what: word for the log, "trunk_add"; @name: of what; may be NULL, may be anything
 */
int api_changed(const struct sipseald *d, const struct control_request *q, const char *what, const char *name,
		json_t *json, struct fault *f, struct control_answer *a);

/** api_keys() - has the body other keys than those of @keys (NULL-terminated)?  A missing body has none.
 * Return: 0; -EINVAL: *f. */
int api_keys(const json_t *body, const char *const *keys, struct fault *f);

/** api_bool() - value of a key; absent: as it is.  Return: 1 it is there, 0, -EINVAL: *f. */
int api_bool(const json_t *body, const char *key, bool *ret, struct fault *f);

/** api_text() - the same; *ret belongs to the body. */
int api_text(const json_t *body, const char *key, const char **ret, struct fault *f);

/** api_flag() - ?name, ?name=1 or ?name=0.  Return: 1, 0 also where it is absent, -EINVAL. */
int api_flag(const struct control_request *q, const char *name);

/** api_query_check() - other parameters than those of @names?  Return: 1: answered by 400; 0; -ENOMEM. */
int api_query_check(const struct control_request *q, const char *const *names, struct control_answer *a);

/* Handlers, by file. */
control_fn api_trunks_get, api_trunks_post, api_trunk_get, api_trunk_patch, api_trunk_delete;
control_fn api_certificates_get, api_certificates_reload;
control_fn api_cache_get, api_cache_post, api_cache_delete;
control_fn api_config_reload, api_regulatory_get, api_regulatory_patch, api_dialplan_post;
control_fn api_events_get, api_capture_get;

#endif

// SPDX-License-Identifier: BSD-2-Clause
/*
 * A request of the control socket: "METHOD TARGET\nBODY".  Invariants: a tail holds no NUL that was not its end and
 * fits; a body that is taken is one object within the bounds and reads back the same; whatever a body is refused
 * for is said in printable JSON with a key; a merge patch applied twice is the same as once.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/api_paths.h"
#include "daemon/control_body.h"
#include "daemon/control_route.h"
#include "daemon/dialplan_request.h"
#include "daemon/trunkfile.h"

static int serve(void *ctx, const struct control_request *q, struct control_answer *a)
{
	(void)ctx, (void)q, (void)a;
	return 0;
}

static const struct control_route routes[] = {
	{ .path = "/v1/trunks", .get = serve, .post = serve },
	{ .path = "/v1/trunks/", .is_prefix = true, .get = serve, .patch = serve, .del = serve },
	{ .path = "/v1/dialplan", .post = serve },
	{ .path = "/metrics", .is_metrics = true, .get = serve },
	{ .path = NULL },
};

static void check_route(const char *method, const char *target)
{
	char tail[CONTROL_TAIL_MAX + 1], allow[CONTROL_ALLOW_LEN], again[CONTROL_TAIL_MAX + 1];
	const struct control_route *r;

	memset(tail, 'x', sizeof(tail));
	r = control_route_find(routes, false, target, tail);
	assert(memchr(tail, 0, sizeof(tail)));
	assert(!r || (!r->is_metrics && (r->is_prefix == !!*tail)));
	if (!r)
		return;
	control_route_allow(r, allow);
	if (control_route_fn(r, method))
		assert(strstr(allow, method));
	if (r->is_prefix) {
		assert(control_decode(target + strlen(r->path), again, sizeof(again)) == 0);
		assert(strcmp(again, tail) == 0);
	}
}

static void check_messages(const json_t *list)
{
	size_t i;
	const json_t *m;

	assert(json_is_array(list));
	json_array_foreach((json_t *)list, i, m)
	{
		const char *text = json_string_value(json_object_get(m, "message"));

		assert(text && *text);
		for (const char *p = text; *p; p++)
			assert(*p >= 0x20 && *p <= 0x7e);
	}
}

/* What is said of a refused body; nothing of one that is taken.  Empties @f. */
static void check_fault(struct fault *f, int r)
{
	json_t *o, *warnings;

	assert((r < 0) == (f->code != NULL));
	if (f->code) {
		o = fault_json(f);
		assert(o && fault_http(f->code) >= 400);
		check_messages(json_object_get(json_object_get(o, "error"), "errors"));
		json_decref(o);
	}
	warnings = fault_warnings(f);
	check_messages(warnings);
	json_decref(warnings);
	fault_done(f);
}

static void check_paths(const json_t *body)
{
	static const struct control_client who = { .uid = 12345, .gid = 12345 };
	struct fault f = { 0 };
	json_t *copy = json_copy((json_t *)body);
	int r = api_paths_check(body, &f);

	assert(!r || strcmp(f.code, "invalid") == 0);
	check_fault(&f, r);
	r = api_paths_confine("/nonexistent", &who, copy, &f); /* nobody reaches anything there */
	check_fault(&f, r);
	json_decref(copy);
}

static void check_dialplan(const json_t *body)
{
	struct dialplan_request q;
	struct fault f = { 0 };
	int r = dialplan_request_parse(body, &q, &f);

	if (r == 0)
		assert(q.key_len && q.key_len <= sizeof(q.key) && q.lifetime_s && q.lifetime_s <= DIALPLAN_LIFETIME_MAX_S);
	check_fault(&f, r);
}

static void check_trunk(const json_t *body)
{
	json_t *keys = NULL, *once, *twice;
	struct fault f = { 0 };
	int r = trunkfile_request(body, &keys, &f);

	check_fault(&f, r);
	if (r < 0)
		return;
	once = json_pack("{s:s,s:{s:s}}", "name", "acme", "pai", "mode", "keep");
	assert(once && trunkfile_merge(once, keys) == 0);
	twice = json_deep_copy(once);
	assert(trunkfile_merge(twice, keys) == 0 && json_equal(once, twice));
	json_decref(once);
	json_decref(twice);
	json_decref(keys);
}

static void check_body(const char *text, size_t len)
{
	struct control_body_error e = { .line = 0 };
	json_t *body = NULL, *again = NULL;
	char *out;
	int r = control_body_parse(text, len, &body, &e);

	assert(r == 0 || r == -EINVAL);
	assert((r == 0) == json_is_object(body));
	if (r < 0) {
		assert(*e.text && e.line >= 1 && e.col >= 1);
		return;
	}
	out = json_dumps(body, JSON_COMPACT | JSON_ENSURE_ASCII);
	assert(out && control_body_parse(out, strlen(out), &again, &e) == 0 && json_equal(body, again));
	free(out);
	json_decref(again);
	check_paths(body);
	check_dialplan(body);
	check_trunk(body);
	json_decref(body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = size ? memchr(data, '\n', size) : NULL;
	size_t head = end ? (size_t)(end - text) : 0;
	char *line = strndup(head ? text : "", head), *target;

	assert(line);
	target = strchr(line, ' ');
	if (target) {
		*target++ = '\0';
		check_route(line, target);
	}
	free(line);
	head += !!end;
	check_body(text ? text + head : "", size - head);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "daemon/api_internal.h"
#include "daemon/api_paths.h"
#include "daemon/report.h"
#include "daemon/trunks.h"

int api_trunks_get(void *ctx, const struct control_request *q, struct control_answer *a)
{
	(void)q;
	return api_json(a, report_trunks(ctx));
}

static json_t *trunk_json(const struct sipseald *d, const char *name)
{
	const struct live_trunk *t = live_find(d->live, name);

	return t ? report_trunk(d, t) : NULL;
}

/* The name is the client's: not repeated, it might be anything. */
static int no_such_trunk(struct fault *f)
{
	return fault_set(f, "no_such_trunk", "there is no trunk of that name");
}

static int get_export(struct sipseald *d, const char *name, struct control_answer *a)
{
	struct fault f = { 0 };
	json_t *json = trunks_export(d, name, &f);

	if (f.code) {
		json_decref(json);
		return api_fault(a, &f);
	}
	fault_done(&f);
	return api_json(a, json);
}

int api_trunk_get(void *ctx, const struct control_request *q, struct control_answer *a)
{
	static const char *const names[] = { "export", NULL };
	int r = api_query_check(q, names, a), want_export = api_flag(q, "export");
	struct fault f = { 0 };

	if (r)
		return r < 0 ? r : 0;
	if (want_export < 0)
		return control_error(a, 400, "bad_query", "export: allowed: 0, 1");
	if (!live_find(((struct sipseald *)ctx)->live, q->tail)) {
		no_such_trunk(&f);
		return api_fault(a, &f);
	}
	return want_export ? get_export(ctx, q->tail, a) : api_json(a, trunk_json(ctx, q->tail));
}

/* The body as the daemon may take it: its paths are those that the client may name. */
static int body_take(const struct sipseald *d, const struct control_request *q, json_t **ret, struct fault *f)
{
	json_t *body;

	if (!q->body)
		return fault_set(f, "invalid", "no body, allowed: a JSON object with the keys of a trunk");
	body = json_copy((json_t *)q->body);
	if (!body)
		return fault_set(f, "internal", "out of memory");
	*ret = body;
	return api_paths_confine(d->gateway->cert_root, q->client, body, f);
}

static void json_freep(json_t **j)
{
	json_decref(*j);
}

int api_trunks_post(void *ctx, const struct control_request *q, struct control_answer *a)
{
	CLEANUP(json_freep) json_t *body = NULL;
	struct sipseald *d = ctx;
	struct fault f = { 0 };
	const char *name;
	int r = body_take(d, q, &body, &f);

	name = json_string_value(json_object_get(body, "name"));
	if (r == 0)
		r = trunks_add(d, body, &f);
	a->status = 201;
	return api_changed(d, q, "trunk_add", name, r == 0 ? trunk_json(d, name) : NULL, &f, a);
}

/* Certificates that stand in the trunk itself: those of `defaults:` are for everybody. */
static bool has_own_certificates(struct sipseald *d, const char *name)
{
	struct fault f = { 0 };
	json_t *keys = trunks_export(d, name, &f);
	bool ret = !keys || json_object_get(keys, "certificates");

	json_decref(keys);
	fault_done(&f);
	return ret;
}

/* Is it there, and the client's to change? */
static int trunk_take(struct sipseald *d, const struct control_request *q, struct fault *f)
{
	const struct live_trunk *t = live_find(d->live, q->tail);

	if (!t)
		return no_such_trunk(f);
	if (api_paths_own(d->gateway->cert_root, q->client, &t->trunk->cert, f) < 0) {
		if (has_own_certificates(d, q->tail))
			return -EINVAL;
		fault_done(f);
	}
	return 0;
}

int api_trunk_patch(void *ctx, const struct control_request *q, struct control_answer *a)
{
	CLEANUP(json_freep) json_t *body = NULL;
	struct sipseald *d = ctx;
	struct fault f = { 0 };
	int r = trunk_take(d, q, &f);

	if (r == 0)
		r = body_take(d, q, &body, &f);
	if (r == 0)
		r = trunks_patch(d, q->tail, body, &f);
	return api_changed(d, q, "trunk_set", q->tail, r == 0 ? trunk_json(d, q->tail) : NULL, &f, a);
}

int api_trunk_delete(void *ctx, const struct control_request *q, struct control_answer *a)
{
	struct sipseald *d = ctx;
	struct fault f = { 0 };
	int r = trunk_take(d, q, &f);

	if (r == 0)
		r = trunks_remove(d, q->tail, &f);
	return api_changed(d, q, "trunk_remove", q->tail, r == 0 ? json_pack("{s:s}", "name", q->tail) : NULL, &f, a);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "config/credentials.h"
#include "daemon/api_internal.h"
#include "daemon/expiry.h"
#include "daemon/report.h"

#define DAY_S 86400

/* Trunks of a certificate that are named; their number is there, too. */
#define NAMES_MAX 20

/* What a credential was before the reload. */
struct former {
	uint32_t index, key;
	char serial[64];
};

static json_t *tnauth_json(const struct tnauth_entry *e)
{
	if (e->kind == TNAUTH_SPC)
		return json_pack("{s:o}", "spc", report_text(e->text));
	if (e->kind == TNAUTH_ONE)
		return json_pack("{s:o}", "number", report_text(e->text));
	return json_pack("{s:o,s:I}", "first", report_text(e->text), "count", (json_int_t)e->count);
}

static json_t *tnauthlist_json(const struct cert_info *info)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && info && i < info->tnauth.cnt && i < TNAUTHLIST_MAX; i++)
		json_array_append_new(list, tnauth_json(&info->tnauth.e[i]));
	return list;
}

/* One word: what an operator has to think of it. */
static const char *level_of(const struct live_credential *c, int64_t now)
{
	const struct cert_info *info = c->now.info;

	if (!info)
		return "missing";
	if (c->is_refused)
		return "key_refused";
	if (!credential_is_usable(info))
		return "unusable";
	if (now < info->not_before)
		return "not_yet_valid";
	if (now >= info->not_after)
		return "expired";
	return expiry_of(info, now) == EXPIRY_FAR ? "ok" : "expires";
}

static json_t *certificate_json(const struct sipseald *d, const struct live_credential *c, int64_t now)
{
	static const char *const not_here[] = { "cert", "key", "expiry", "trunks" }; /* the words of status */
	const struct cert_info *info = c->now.info;
	json_t *o = report_credential(d, c);

	if (!o)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(not_here); i++)
		json_object_del(o, not_here[i]);
	json_object_set_new(o, "cert_path", report_text(c->config.cert_path));
	json_object_set_new(o, "key_path", report_text(c->config.key_path));
	json_object_set_new(o, "level", json_string(level_of(c, now)));
	json_object_set_new(o, "days_left", info ? json_integer((info->not_after - now) / DAY_S) : json_null());
	json_object_set_new(o, "tnauthlist", tnauthlist_json(info));
	json_object_set_new(o, "users", json_integer(c->users));
	json_object_set_new(o, "trunk_names", json_array());
	return o;
}

struct row {
	const struct live_credential *c;
	json_t *json;
};

/* What ends first comes first; what cannot be read before that. */
static int by_expiry(const void *a, const void *b)
{
	const struct cert_info *x = ((const struct row *)a)->c->now.info, *y = ((const struct row *)b)->c->now.info;
	int64_t ends_x = x ? x->not_after : INT64_MIN, ends_y = y ? y->not_after : INT64_MIN;

	if (ends_x != ends_y)
		return ends_x < ends_y ? -1 : 1;
	return strcmp(((const struct row *)a)->c->config.cert_path, ((const struct row *)b)->c->config.cert_path);
}

static int by_address(const void *a, const void *b)
{
	const struct live_credential *x = ((const struct row *)a)->c, *y = ((const struct row *)b)->c;

	return x < y ? -1 : x > y;
}

/* @rows are sorted by address. */
static void names_add(const struct live *l, struct row *rows, size_t cnt)
{
	for (const struct live_trunk *t = live_first(l); t; t = live_next(t)) {
		const struct row key = { .c = t->credential };
		struct row *row = t->credential ? bsearch(&key, rows, cnt, sizeof(*rows), by_address) : NULL;
		json_t *names = row ? json_object_get(row->json, "trunk_names") : NULL;

		if (names && json_array_size(names) < NAMES_MAX)
			json_array_append_new(names, json_string(t->trunk->name));
	}
}

int api_certificates_get(void *ctx, const struct control_request *q, struct control_answer *a)
{
	const struct sipseald *d = ctx;
	CLEANUP(freep) struct row *rows = calloc(live_credential_cnt(d->live) + 1, sizeof(*rows));
	const struct live_credential *c = live_credential_first(d->live);
	int64_t now = (int64_t)(clock_real_ms() / 1000);
	json_t *list = json_array();
	size_t n = 0;

	(void)q;
	for (; rows && list && c; c = live_credential_next(c))
		rows[n++] = (struct row){ c, certificate_json(d, c, now) };
	if (n) {
		qsort(rows, n, sizeof(*rows), by_address);
		names_add(d->live, rows, n);
		qsort(rows, n, sizeof(*rows), by_expiry);
	}
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, rows[i].json); /* a NULL is one that memory did not do for */
	return api_json(a, rows ? json_pack("{s:o}", "certificates", list) : NULL);
}

static const char *serial_of(const struct live_credential *c)
{
	return c->now.info ? c->now.info->serial : "";
}

static struct former *formers_take(const struct live *l, size_t *ret_cnt)
{
	struct former *all = calloc(live_credential_cnt(l) + 1, sizeof(*all));
	size_t n = 0;

	for (const struct live_credential *c = live_credential_first(l); all && c; c = live_credential_next(c)) {
		all[n] = (struct former){ .index = c->index, .key = c->key };
		snprintf(all[n++].serial, sizeof(all[0].serial), "%s", serial_of(c));
	}
	*ret_cnt = n;
	return all;
}

static const struct former *former_of(const struct former *all, size_t cnt, const struct live_credential *c)
{
	for (size_t i = 0; i < cnt; i++)
		if (all[i].index == c->index)
			return &all[i];
	return NULL;
}

static json_t *serial_json(const char *serial)
{
	return *serial ? report_text(serial) : json_null();
}

static json_t *credential_json(const struct live_credential *c, const struct former *was)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:I}", "cert_path", report_text(c->config.cert_path), "key_path",
			 report_text(c->config.key_path), "x5u", report_text(c->now.x5u), "old_serial",
			 serial_json(was ? was->serial : ""), "serial", serial_json(serial_of(c)), "users",
			 (json_int_t)c->users);
}

/* Those that were read again: each reload gives the signer a key of its own. */
static json_t *certificates_json(const struct live *l, const struct former *all, size_t cnt)
{
	json_t *list = json_array();

	for (const struct live_credential *c = live_credential_first(l); list && c; c = live_credential_next(c)) {
		const struct former *was = former_of(all, cnt, c);

		if (was && was->key == c->key)
			continue;
		if (json_array_append_new(list, credential_json(c, was)) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return json_pack("{s:o}", "certificates", list);
}

static int certificates_change(struct sipseald *d, const char *trunk, struct fault *f)
{
	const struct generation_change c = { .want_certificates = true, .only_trunk = trunk, .regulatory = -1 };

	if (trunk && !live_find(d->live, trunk))
		return fault_set(f, "no_such_trunk", "there is no trunk of that name");
	return generation_change(d, &c, f, NULL);
}

/* Those that callers' certificates end in.  Our own are live by then, and stay that. */
static int anchors_change(struct sipseald *d, struct fault *f)
{
	char err[FETCHING_ERR_LEN] = "";
	int r = fetching_reload(d, err);

	if (r == -EINVAL)
		return fault_set(f, "anchors_refused", "%s: the former trust anchors and CRL go on; our own certificates have "
				 "been read again", err);
	if (r < 0)
		config_report_add(&f->report, false, NULL, "certificates.trust_anchors", "%s", err);
	return 0;
}

int api_certificates_reload(void *ctx, const struct control_request *q, struct control_answer *a)
{
	static const char *const keys[] = { "trunk", NULL };
	struct sipseald *d = ctx;
	CLEANUP(freep) struct former *all = NULL;
	const char *trunk = NULL;
	struct fault f = { 0 };
	size_t cnt = 0;
	int r = api_keys(q->body, keys, &f);

	if (r == 0)
		r = api_text(q->body, "trunk", &trunk, &f);
	if (r >= 0 && !(all = formers_take(d->live, &cnt)))
		r = fault_set(&f, "internal", "out of memory");
	if (r >= 0)
		r = certificates_change(d, trunk, &f);
	if (r >= 0 && !trunk)
		r = anchors_change(d, &f);
	return api_changed(d, q, "certificates_reload", trunk, r < 0 ? NULL : certificates_json(d->live, all, cnt), &f,
			   a);
}

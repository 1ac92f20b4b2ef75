/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /v1/certificates/cache: the certificates of callers that the fetcher keeps.
 */
#include <errno.h>
#include <string.h>

#include "base/reason.h"
#include "daemon/api_internal.h"
#include "daemon/report.h"

/* Why a question to the fetcher failed, in the words of the API. */
static int cache_fault(const struct sipseald *d, int r, const char *text, struct fault *f)
{
	switch (r) {
	case -ENOTCONN:
		return fault_set(f, d->fetching ? "fetcher_down" : "no_trust_anchors", "%s", text);
	case -EPIPE:
	case -ETIMEDOUT:
		return fault_set(f, "fetcher_down", "%s", text);
	case -EAGAIN:
		return fault_set(f, "fetcher_busy", "%s", text);
	case -ENOENT:
		return fault_set(f, "not_cached", "%s", text);
	case -EINVAL:
		return fault_set(f, "url_refused", "%s", text);
	default:
		return fault_set(f, "internal", "%s", text);
	}
}

static json_t *time_or_null(int64_t seconds)
{
	return seconds ? report_time(seconds) : json_null();
}

static json_t *text_or_null(const char *s)
{
	return *s ? report_text(s) : json_null();
}

/* A good one that is fetched again goes on being good; of one that was bad nobody knows until that is done. */
static const char *state_of(const struct fetcher_entry *e)
{
	if (e->kind == VERDICT_GOOD)
		return "good";
	return e->kind == VERDICT_BAD && !e->is_running ? "bad" : "fetching";
}

static json_t *entry_json(const struct fetcher_entry *e)
{
	bool is_bad = e->kind == VERDICT_BAD;
	json_t *o = json_pack("{s:o,s:s,s:b,s:o,s:o,s:o,s:o}", "x5u", report_text(e->x5u), "state", state_of(e),
			      "running", e->is_running, "reason",
			      is_bad ? json_string(reason_token(e->reason)) : json_null(), "code",
			      is_bad && e->code ? json_integer(e->code) : json_null(), "spc", text_or_null(e->spc),
			      "subject", text_or_null(e->subject));

	if (!o)
		return NULL;
	json_object_set_new(o, "fetched", time_or_null(e->fetched_at));
	json_object_set_new(o, "expires", time_or_null(e->expires_at));
	json_object_set_new(o, "not_after", time_or_null(e->not_after));
	json_object_set_new(o, "stored", json_boolean(e->is_stored));
	json_object_set_new(o, "detail", text_or_null(e->text));
	return o;
}

/* ?skip=N.  Return: 0; -EINVAL. */
static int skip_of(const struct control_request *q, uint32_t *ret)
{
	const char *v = control_query(q, "skip");
	unsigned long n = 0;

	if (!v)
		return 0;
	if (!*v || strlen(v) > 9 || strspn(v, "0123456789") < strlen(v))
		return -EINVAL;
	n = strtoul(v, NULL, 10);
	*ret = (uint32_t)n;
	return 0;
}

int api_cache_get(void *ctx, const struct control_request *q, struct control_answer *a)
{
	static const char *const names[] = { "url", "skip", NULL };
	const char *url = control_query(q, "url");
	struct sipseald *d = ctx;
	CLEANUP(freep) struct fetcher_entry *all = NULL;
	char err[FETCHING_ERR_LEN] = "";
	uint32_t skip = 0, cnt = 0, total = 0;
	struct fault f = { 0 };
	json_t *list;
	int r = api_query_check(q, names, a);

	if (r)
		return r < 0 ? r : 0;
	if (skip_of(q, &skip) < 0 || (url && !*url))
		return control_error(a, 400, "bad_query", "want url=URL and skip=NUMBER");
	r = fetching_list(d->fetching, url ? url : "", skip, &all, &cnt, &total, err);
	if (r < 0) {
		cache_fault(d, r, err, &f);
		return api_fault(a, &f);
	}
	list = json_array();
	for (uint32_t i = 0; list && i < cnt; i++)
		json_array_append_new(list, entry_json(&all[i]));
	return api_json(a, json_pack("{s:o,s:I}", "entries", list, "total", (json_int_t)total));
}

static int url_check(const char *url, struct fault *f)
{
	size_t len = strlen(url);

	if (!len || len > PASSPORT_X5U_MAX || strncmp(url, "https://", 8))
		return fault_set(f, "invalid", "url: want an https URL of at most %d bytes", PASSPORT_X5U_MAX);
	return 0;
}

int api_cache_post(void *ctx, const struct control_request *q, struct control_answer *a)
{
	static const char *const keys[] = { "url", NULL };
	char err[FETCHING_ERR_LEN] = "";
	struct sipseald *d = ctx;
	struct fault f = { 0 };
	const char *url = NULL;
	int r = api_keys(q->body, keys, &f);

	if (r == 0)
		r = api_text(q->body, "url", &url, &f);
	if (r == 0)
		r = fault_set(&f, "invalid", "url is missing, allowed: {\"url\": \"https://...\"}");
	if (r > 0)
		r = url_check(url, &f);
	if (r == 0 && (r = fetching_prefetch(d->fetching, url, err)) < 0)
		cache_fault(d, r, err, &f);
	if (r == 0)
		a->status = 202;
	return api_changed(d, q, "cache_prefetch", url, r == 0 ? json_pack("{s:o}", "url", report_text(url)) : NULL, &f,
			   a);
}

int api_cache_delete(void *ctx, const struct control_request *q, struct control_answer *a)
{
	static const char *const names[] = { "url", NULL };
	const char *url = control_query(q, "url");
	char err[FETCHING_ERR_LEN] = "";
	struct sipseald *d = ctx;
	struct fault f = { 0 };
	int r = api_query_check(q, names, a);

	if (r)
		return r < 0 ? r : 0;
	if (url && !*url) /* not all of them by accident */
		return control_error(a, 400, "bad_query", "want url=URL; without it everything is flushed");
	if ((r = fetching_flush(d->fetching, url ? url : "", err)) < 0)
		cache_fault(d, r, err, &f);
	return api_changed(d, q, "cache_flush", url, r == 0 ? json_pack("{s:o}", "url", report_text(url)) : NULL, &f, a);
}

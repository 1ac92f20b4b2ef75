/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/api.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "daemon/api_internal.h"
#include "daemon/api_paths.h"
#include "daemon/report.h"

/* Longer ones are no names of ours. */
#define LOG_NAME_MAX 64

int api_json(struct control_answer *a, json_t *json)
{
	a->json = json;
	return json ? 0 : -ENOMEM;
}

int api_fault(struct control_answer *a, struct fault *f)
{
	api_paths_quiet(f);
	a->status = fault_http(f->code ? f->code : "internal");
	a->json = fault_json(f);
	fault_done(f);
	return a->json ? 0 : -ENOMEM;
}

/* A value of key=value that stays one word, whatever it was. */
static void log_word(const char *s, char dst[4 * LOG_NAME_MAX + 4])
{
	size_t n = 0, i = 0;

	for (; s[i] && i < LOG_NAME_MAX; i++) {
		bool is_plain = s[i] > 0x20 && s[i] < 0x7f && !strchr("\\\"=", s[i]);

		if (is_plain)
			dst[n++] = s[i];
		else
			n += (size_t)sprintf(dst + n, "\\x%02x", (unsigned char)s[i]);
	}
	strcpy(dst + n, s[i] ? "..." : "");
}

static void log_change(const struct sipseald *d, const struct control_request *q, const char *what,
		       const char *name, const char *result)
{
	char word[4 * LOG_NAME_MAX + 4] = "";

	if (name)
		log_word(name, word);
	log_notice("event=change what=%s%s%s uid=%u pid=%d generation=%u result=%s", what, name ? " name=" : "", word,
		   (unsigned)q->uid, (int)q->pid, d->generation, result);
}

int api_changed(const struct sipseald *d, const struct control_request *q, const char *what, const char *name,
		json_t *json, struct fault *f, struct control_answer *a)
{
	if (!json)
		fault_set(f, "internal", "out of memory"); /* unless it has its fault */
	log_change(d, q, what, name, f->code ? f->code : "ok");
	if (f->code) {
		json_decref(json);
		return api_fault(a, f);
	}
	api_paths_quiet(f);
	if (!json_object_get(json, "generation"))
		json_object_set_new(json, "generation", json_integer(d->generation));
	if (!json_object_get(json, "warnings"))
		json_object_set_new(json, "warnings", fault_warnings(f));
	fault_done(f);
	return api_json(a, json);
}

/* "a, b" */
static void join(const char *const *words, char *dst, size_t cap)
{
	size_t n = 0;

	dst[0] = '\0';
	for (; *words && n < cap; words++)
		n += (size_t)snprintf(dst + n, cap - n, "%s%s", n ? ", " : "", *words);
}

static bool is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

int api_keys(const json_t *body, const char *const *keys, struct fault *f)
{
	size_t errors = f->report.error_cnt;
	char allowed[128];
	const char *key;
	json_t *value;

	join(keys, allowed, sizeof(allowed));
	json_object_foreach((json_t *)body, key, value)
	{
		if (!is_one_of(key, keys))
			config_report_add(&f->report, true, NULL, key, "is no key here, allowed: %s", allowed);
	}
	return f->report.error_cnt == errors ? 0 : fault_set(f, "invalid", "unknown keys");
}

static int wrong_type(struct fault *f, const char *key, const char *allowed)
{
	config_report_add(&f->report, true, NULL, key, "is of the wrong type, allowed: %s", allowed);
	return fault_set(f, "invalid", "%s: want %s", key, allowed);
}

int api_bool(const json_t *body, const char *key, bool *ret, struct fault *f)
{
	const json_t *v = json_object_get(body, key);

	if (!v)
		return 0;
	if (!json_is_boolean(v))
		return wrong_type(f, key, "true or false");
	*ret = json_is_true(v);
	return 1;
}

int api_text(const json_t *body, const char *key, const char **ret, struct fault *f)
{
	const json_t *v = json_object_get(body, key);

	if (!v)
		return 0;
	if (!json_is_string(v))
		return wrong_type(f, key, "a text");
	*ret = json_string_value(v);
	return 1;
}

int api_flag(const struct control_request *q, const char *name)
{
	const char *v = control_query(q, name);

	if (!v || strcmp(v, "0") == 0)
		return 0;
	return !*v || strcmp(v, "1") == 0 ? 1 : -EINVAL;
}

int api_query_check(const struct control_request *q, const char *const *names, struct control_answer *a)
{
	char allowed[128];
	const char *name;
	int r;

	join(names, allowed, sizeof(allowed));
	for (size_t i = 0; (name = control_query_name(q, i)); i++) {
		if (is_one_of(name, names))
			continue;
		r = control_error(a, 400, "bad_query", "an unknown parameter, allowed: %s", allowed);
		return r < 0 ? r : 1;
	}
	return 0;
}

static int get_status(void *ctx, const struct control_request *q, struct control_answer *a)
{
	(void)q;
	return api_json(a, report_status(ctx));
}

static int get_stats(void *ctx, const struct control_request *q, struct control_answer *a)
{
	(void)q;
	return api_json(a, report_stats(ctx));
}

static int get_metrics(void *ctx, const struct control_request *q, struct control_answer *a)
{
	(void)q;
	a->type = "text/plain; version=0.0.4; charset=utf-8";
	a->text = report_metrics(ctx);
	return a->text ? 0 : -ENOMEM;
}

const struct control_route api_routes[] = {
	{ .path = "/v1/status", .get = get_status },
	{ .path = "/v1/stats", .get = get_stats },
	{ .path = "/v1/trunks", .get = api_trunks_get, .post = api_trunks_post },
	{ .path = "/v1/trunks/", .is_prefix = true, .get = api_trunk_get, .patch = api_trunk_patch,
	  .del = api_trunk_delete },
	{ .path = "/v1/certificates", .get = api_certificates_get },
	{ .path = "/v1/certificates/reload", .post = api_certificates_reload },
	{ .path = "/v1/certificates/cache", .get = api_cache_get, .post = api_cache_post, .del = api_cache_delete },
	{ .path = "/v1/config/reload", .post = api_config_reload },
	{ .path = "/v1/regulatory", .get = api_regulatory_get, .patch = api_regulatory_patch },
	{ .path = "/v1/events", .get = api_events_get },
	{ .path = "/v1/capture", .get = api_capture_get },
	{ .path = "/v1/dialplan", .post = api_dialplan_post },
	{ .path = "/metrics", .is_metrics = true, .get = get_metrics },
	{ .path = NULL },
};

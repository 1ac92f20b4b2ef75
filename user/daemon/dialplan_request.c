/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/dialplan_request.h"

#include <errno.h>
#include <stdarg.h>

#include "sip/tn.h"

#define ARGS "app_args"
#define GEO ARGS ".geolocation"
#define CIVIC GEO ".civic_address"

#define ALLOWED_CALL_ID "1 to 256 visible ASCII characters, as the Call-ID stands in the INVITE"
#define ALLOWED_CALLING "an E.164 number with '+', such as +12125550100"
#define ALLOWED_ARGS "an object with geolocation.civic_address, or the same as a JSON text"
#define ALLOWED_GEO "an object with civic_address"
#define ALLOWED_CIVIC "an object of country, region, city, street ..."
#define ALLOWED_VALUE "a text of at most 128 bytes"

#define QUOTED_MAX 64 /* bytes of somebody's text in a message */
#define PATH_MAX_LEN (sizeof(CIVIC) + QUOTED_MAX + 8)

static void bad(struct fault *f, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void bad(struct fault *f, const char *key, const char *fmt, ...)
{
	CLEANUP(freep) char *text = NULL;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0)
		text = NULL;
	config_report_add(&f->report, true, NULL, key, "%s", text ? text : "is wrong");
	fault_set(f, "invalid", "%s%s%s", key, *key ? ": " : "", text ? text : "is wrong");
}

static const char *type_word(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return "is an object";
	case JSON_ARRAY:
		return "is a list";
	case JSON_STRING:
		return "is a text";
	case JSON_INTEGER:
	case JSON_REAL:
		return "is a number";
	case JSON_NULL:
		return "has no value";
	default:
		return "is a boolean";
	}
}

/* Keys of an object that are not in @known (ends with NULL). */
static void check_keys(struct fault *f, const char *path, const json_t *object,
		       const char *const *known)
{
	char allowed[256] = "";
	const char *key;
	json_t *value;

	for (size_t i = 0; known[i]; i++) {
		size_t n = strlen(allowed);

		snprintf(allowed + n, sizeof(allowed) - n, "%s%s", i ? ", " : "", known[i]);
	}
	json_object_foreach((json_t *)object, key, value) {
		char full[PATH_MAX_LEN];
		size_t i = 0;

		while (known[i] && strcmp(known[i], key))
			i++;
		if (known[i])
			continue;
		snprintf(full, sizeof(full), "%s%s%.*s", path, *path ? "." : "", QUOTED_MAX, key);
		bad(f, full, "unknown key, allowed: %s", allowed);
	}
}

/* An object below @path; NULL: reported. */
static const json_t *get_object(struct fault *f, const json_t *in, const char *name,
				const char *path, const char *allowed)
{
	const json_t *v = json_object_get(in, name);

	if (json_is_object(v))
		return v;
	if (v)
		bad(f, path, "%s, allowed: %s", type_word(v), allowed);
	else
		bad(f, path, "is missing, allowed: %s", allowed);
	return NULL;
}

/* Return: false: reported. */
static bool get_text(struct fault *f, const json_t *v, const char *path, const char *allowed,
		     struct slice *ret)
{
	if (!json_is_string(v)) {
		bad(f, path, "%s, allowed: %s", type_word(v), allowed);
		return false;
	}
	*ret = slice_of(json_string_value(v), json_string_length(v));
	return true;
}

static void read_call_id(struct fault *f, const json_t *v, struct dialplan_request *q)
{
	bool is_bad = false;
	struct slice s;

	if (!get_text(f, v, "call_id", ALLOWED_CALL_ID, &s))
		return;
	for (size_t i = 0; i < s.len; i++)
		is_bad |= s.p[i] <= 0x20 || s.p[i] >= 0x7f;
	if (is_bad || !s.len || s.len > sizeof(q->key)) {
		bad(f, "call_id", "%s, allowed: " ALLOWED_CALL_ID,
		    !s.len   ? "is empty"
		    : is_bad ? "has other characters"
			     : "is too long");
		return;
	}
	q->kind = OVERRIDE_CALL_ID;
	q->key_len = s.len;
	memcpy(q->key, s.p, s.len);
}

static void read_calling(struct fault *f, const json_t *v, struct dialplan_request *q)
{
	struct slice s;
	struct tn tn;
	bool is_plain;

	if (!get_text(f, v, "calling_number", ALLOWED_CALLING, &s))
		return;
	is_plain = strspn(s.p, "+0123456789-.() ") == s.len;
	if (!is_plain || !s.len || s.p[0] != '+' || tn_from_user(s, NULL, &tn) < 0) {
		bad(f, "calling_number", "%s, allowed: " ALLOWED_CALLING,
		    !is_plain		      ? "is no number"
		    : !s.len || s.p[0] != '+' ? "has no '+'"
					      : "is no E.164 number");
		return;
	}
	q->kind = OVERRIDE_CALLING;
	q->key_len = tn.len;
	memcpy(q->key, tn.digits, tn.len);
}

static void read_whom(struct fault *f, const json_t *in, struct dialplan_request *q)
{
	const json_t *call_id = json_object_get(in, "call_id");
	const json_t *calling = json_object_get(in, "calling_number");

	if (call_id && calling)
		bad(f, "calling_number", "stands beside call_id, allowed: one of the two");
	else if (!call_id && !calling)
		bad(f, "call_id", "is missing, allowed: call_id or calling_number");
	else if (call_id)
		read_call_id(f, call_id, q);
	else
		read_calling(f, calling, q);
}

static void read_action(struct fault *f, const json_t *in)
{
	const json_t *v = json_object_get(in, "action");
	struct slice s;

	if (!v)
		bad(f, "action", "is missing, allowed: ANSWER");
	else if (get_text(f, v, "action", "ANSWER", &s) && !slice_eq(s, SLICE("ANSWER")))
		bad(f, "action", "\"%.*s\" is not allowed, allowed: ANSWER",
		    (int)(s.len < QUOTED_MAX ? s.len : QUOTED_MAX), s.p);
}

static void read_lifetime(struct fault *f, const json_t *in, struct dialplan_request *q)
{
	const json_t *v = json_object_get(in, "lifetime_s");
	json_int_t s = json_integer_value(v);

	q->lifetime_s = DIALPLAN_LIFETIME_S;
	if (!v)
		return;
	if (!json_is_integer(v) || s < 1 || s > DIALPLAN_LIFETIME_MAX_S)
		bad(f, "lifetime_s", "%s, allowed: a number from 1 to %d",
		    json_is_integer(v) ? "is out of range" : type_word(v), DIALPLAN_LIFETIME_MAX_S);
	else
		q->lifetime_s = (unsigned)s;
}

/* A number stands for its digits, as in a file: postal: 94105. */
static void read_civic_value(struct fault *f, const char *path, const json_t *v, char *dst)
{
	struct slice s;

	if (json_is_integer(v)) {
		snprintf(dst, CIVIC_VALUE_MAX + 1, "%lld", (long long)json_integer_value(v));
		return;
	}
	if (!get_text(f, v, path, ALLOWED_VALUE, &s))
		return;
	if (s.len > CIVIC_VALUE_MAX || memchr(s.p, '\0', s.len)) {
		bad(f, path, "%s, allowed: " ALLOWED_VALUE,
		    s.len > CIVIC_VALUE_MAX ? "is too long" : "holds a NUL");
		return;
	}
	memcpy(dst, s.p, s.len);
	dst[s.len] = '\0';
}

static void read_civic(struct fault *f, const json_t *civic, struct dialplan_request *q)
{
	const char *key = NULL, *text = NULL;
	size_t errors = f->report.error_cnt;
	char path[PATH_MAX_LEN];

	check_keys(f, CIVIC, civic, civic_keys());
	for (const char *const *k = civic_keys(); *k; k++) {
		const json_t *v = json_object_get(civic, *k);

		snprintf(path, sizeof(path), CIVIC ".%s", *k);
		if (v)
			read_civic_value(f, path, v, civic_field(&q->civic, *k));
	}
	if (f->report.error_cnt != errors || civic_check(&q->civic, &key, &text) == 0)
		return;
	snprintf(path, sizeof(path), CIVIC ".%s", key);
	bad(f, path, "%s", text);
}

static void read_args_object(struct fault *f, const json_t *args, struct dialplan_request *q)
{
	static const char *const args_keys[] = { "geolocation", NULL };
	static const char *const geo_keys[] = { "civic_address", NULL };
	const json_t *geo, *civic;

	check_keys(f, ARGS, args, args_keys);
	geo = get_object(f, args, "geolocation", GEO, ALLOWED_GEO);
	if (!geo)
		return;
	check_keys(f, GEO, geo, geo_keys);
	civic = get_object(f, geo, "civic_address", CIVIC, ALLOWED_CIVIC);
	if (civic)
		read_civic(f, civic, q);
}

/* An object, or a text that holds one, as callers from a dialplan have it. */
static void read_args(struct fault *f, const json_t *in, struct dialplan_request *q)
{
	const json_t *v = json_object_get(in, ARGS);
	json_error_t e;
	json_t *inner;

	if (!json_is_string(v)) {
		v = get_object(f, in, ARGS, ARGS, ALLOWED_ARGS);
		if (v)
			read_args_object(f, v, q);
		return;
	}
	if (json_string_length(v) > DIALPLAN_ARGS_MAX) {
		bad(f, ARGS, "is too long, allowed: at most %d bytes", DIALPLAN_ARGS_MAX);
		return;
	}
	inner = json_loadb(json_string_value(v), json_string_length(v), JSON_REJECT_DUPLICATES, &e);
	if (!inner)
		bad(f, ARGS, "is no JSON (line %d, column %d: %.80s), allowed: " ALLOWED_ARGS,
		    e.line, e.column, e.text);
	else if (!json_is_object(inner))
		bad(f, ARGS, "holds JSON that %s, allowed: " ALLOWED_ARGS, type_word(inner));
	else
		read_args_object(f, inner, q);
	json_decref(inner);
}

int dialplan_request_parse(const json_t *json, struct dialplan_request *ret, struct fault *f)
{
	static const char *const keys[] = { "call_id", "calling_number", "action",
					    ARGS,      "lifetime_s",	 NULL };
	CLEANUP(freep) struct dialplan_request *q = calloc(1, sizeof(*q));

	if (!q)
		return fault_set(f, "internal", "out of memory");
	if (!json_is_object(json)) {
		bad(f, "",
		    "%s, allowed: an object with call_id or calling_number, action and app_args",
		    json ? type_word(json) : "nothing was sent");
		return -EINVAL;
	}
	check_keys(f, "", json, keys);
	read_whom(f, json, q);
	read_action(f, json);
	read_lifetime(f, json, q);
	read_args(f, json, q);
	if (f->code)
		return -EINVAL;
	*ret = *q;
	return 0;
}

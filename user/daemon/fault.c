/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/fault.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define ALLOWED ", allowed: "

static const struct {
	const char *code;
	unsigned http;
} codes[] = {
	{ "invalid", 422 },
	{ "overlap", 409 },
	{ "exists", 409 },
	{ "hand_written", 409 },
	{ "changed_on_disk", 409 },
	{ "forbidden", 403 },
	{ "no_such_trunk", 404 },
	{ "not_cached", 404 },
	{ "certificate_refused", 422 },
	{ "anchors_refused", 422 },
	{ "url_refused", 422 },
	{ "key_refused", 422 },
	{ "call_left", 409 },
	{ "restart_required", 409 },
	{ "no_trust_anchors", 409 },
	{ "too_many", 507 },
	{ "signer_down", 503 },
	{ "fetcher_down", 503 },
	{ "fetcher_busy", 503 },
	{ "storage", 500 },
	{ "internal", 500 },
};

void fault_done(struct fault *f)
{
	config_report_done(&f->report);
	memset(f, 0, sizeof(*f));
}

/* The table's own string, so that the fault keeps no pointer to the caller's; NULL: not in the table. */
static const char *code_find(const char *code, unsigned *ret_http)
{
	for (size_t i = 0; code && i < ARRAY_SIZE(codes); i++)
		if (strcmp(codes[i].code, code) == 0) {
			*ret_http = codes[i].http;
			return codes[i].code;
		}
	return NULL;
}

int fault_set(struct fault *f, const char *code, const char *fmt, ...)
{
	const char *known;
	unsigned http;
	va_list ap;

	if (f->code)
		return -EINVAL;
	known = code_find(code, &http);
	assert(known);
	f->code = known ? known : "internal";
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

unsigned fault_http(const char *code)
{
	unsigned http = 500;

	code_find(code, &http);
	return http;
}

/* As config_message_format() shows them: bytes outside 20-7e as \xNN. */
static json_t *text_json(const char *s, size_t len)
{
	CLEANUP(freep) char *text = NULL;
	size_t text_len = 0;
	FILE *f = open_memstream(&text, &text_len);

	if (!f)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		if (s[i] >= 0x20 && s[i] <= 0x7e)
			fputc(s[i], f);
		else
			fprintf(f, "\\x%02x", (unsigned char)s[i]);
	}
	return fclose(f) ? NULL : json_stringn(text, text_len);
}

/* "what is wrong, allowed: what": what is wrong may quote anything, what is allowed is ours. */
static const char *allowed_of(const char *text)
{
	const char *last = NULL, *p = text;

	while ((p = strstr(p, ALLOWED))) {
		last = p;
		p += strlen(ALLOWED);
	}
	return last;
}

static void position_set(json_t *o, const struct config_message *m)
{
	if (!m->file)
		return;
	json_object_set_new(o, "file", text_json(m->file, strlen(m->file)));
	if (m->line) {
		json_object_set_new(o, "line", json_integer(m->line));
		json_object_set_new(o, "col", json_integer(m->col));
	}
}

static json_t *message_json(const struct config_message *m)
{
	const char *text = m->text ? m->text : "out of memory", *allowed = allowed_of(text);
	json_t *o = json_object();

	if (!o)
		return NULL;
	if (m->key)
		json_object_set_new(o, "key", text_json(m->key, strlen(m->key)));
	json_object_set_new(o, "message", text_json(text, allowed ? (size_t)(allowed - text) : strlen(text)));
	if (allowed)
		json_object_set_new(o, "allowed",
				    text_json(allowed + strlen(ALLOWED), strlen(allowed) - strlen(ALLOWED)));
	position_set(o, m);
	return o;
}

static json_t *messages_json(const struct config_report *r, bool is_error)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < r->cnt; i++)
		if (r->m[i].is_error == is_error && json_array_append_new(list, message_json(&r->m[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *fault_json(const struct fault *f)
{
	const char *text = f->text;

	if (!*text)
		text = f->report.error_cnt ? "refused, see errors" : "failed";
	return json_pack("{s:{s:s,s:o,s:o}}", "error", "code", f->code ? f->code : "internal", "message",
			 text_json(text, strlen(text)), "errors", messages_json(&f->report, true));
}

json_t *fault_warnings(const struct fault *f)
{
	return messages_json(&f->report, false);
}

// SPDX-License-Identifier: BSD-2-Clause
/* JSON as YAML that people can read and that reads back as the same. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <yaml.h>

#include "base/cleanup.h"
#include "config/store.h"

struct out {
	yaml_emitter_t yaml;
	FILE *f;
};

static int write_out(void *ctx, unsigned char *text, size_t len)
{
	return fwrite(text, 1, len, ctx) == len;
}

/*
 * Texts that need no quotes for anybody who reads YAML: a letter first, then letters, digits and
 * what names and paths are made of; none of the words that YAML 1.1 or 1.2 takes for something
 * else.
 */
static bool is_plain(const char *s, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/_";
	static const char rest[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/_0123456789.-";
	static const char *const words[] = { "null", "true", "false", "yes", "no",
					     "on",   "off",  "y",     "n" };

	if (!len || strlen(s) != len || len > 128 || !strchr(letters, *s) || strspn(s, rest) != len)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(s, words[i]) == 0)
			return false;
	}
	return true;
}

static bool emit_text(struct out *o, const char *s, size_t len, bool is_plain_text)
{
	yaml_scalar_style_t style =
		is_plain_text ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	yaml_event_t e;

	return yaml_scalar_event_initialize(&e, NULL, NULL, (const yaml_char_t *)s, (int)len, 1, 1,
					    style) &&
	       yaml_emitter_emit(&o->yaml, &e);
}

static bool emit_value(struct out *o, const json_t *v);

static bool emit_object(struct out *o, const json_t *v)
{
	json_t *object = (json_t *)v; /* jansson's iterators are not const */
	yaml_event_t e;
	bool is_ok;

	is_ok = yaml_mapping_start_event_initialize(&e, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE) &&
		yaml_emitter_emit(&o->yaml, &e);
	for (void *i = json_object_iter(object); i && is_ok; i = json_object_iter_next(object, i)) {
		const char *key = json_object_iter_key(i);
		size_t len = json_object_iter_key_len(i);

		is_ok = emit_text(o, key, len, is_plain(key, len)) &&
			emit_value(o, json_object_iter_value(i));
	}
	return is_ok && yaml_mapping_end_event_initialize(&e) && yaml_emitter_emit(&o->yaml, &e);
}

static bool emit_array(struct out *o, const json_t *v)
{
	yaml_event_t e;
	bool is_ok;

	is_ok = yaml_sequence_start_event_initialize(&e, NULL, NULL, 1,
						     YAML_BLOCK_SEQUENCE_STYLE) &&
		yaml_emitter_emit(&o->yaml, &e);
	for (size_t i = 0; i < json_array_size(v) && is_ok; i++)
		is_ok = emit_value(o, json_array_get(v, i));
	return is_ok && yaml_sequence_end_event_initialize(&e) && yaml_emitter_emit(&o->yaml, &e);
}

static bool emit_value(struct out *o, const json_t *v)
{
	char digits[32];
	const char *s;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return emit_object(o, v);
	case JSON_ARRAY:
		return emit_array(o, v);
	case JSON_STRING:
		s = json_string_value(v);
		return emit_text(o, s, json_string_length(v), is_plain(s, json_string_length(v)));
	case JSON_INTEGER:
		snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		break;
	case JSON_REAL: /* no key takes one; what stands there is refused when it is read */
		snprintf(digits, sizeof(digits), "%.17g", json_real_value(v));
		break;
	default:
		snprintf(digits, sizeof(digits),
			 json_is_true(v)    ? "true"
			 : json_is_false(v) ? "false"
					    : "null");
		break;
	}
	return emit_text(o, digits, strlen(digits), true);
}

static bool emit_all(struct out *o, const json_t *v)
{
	yaml_event_t e;

	return yaml_stream_start_event_initialize(&e, YAML_UTF8_ENCODING) &&
	       yaml_emitter_emit(&o->yaml, &e) &&
	       yaml_document_start_event_initialize(&e, NULL, NULL, NULL, 1) &&
	       yaml_emitter_emit(&o->yaml, &e) && emit_value(o, v) &&
	       yaml_document_end_event_initialize(&e, 1) && yaml_emitter_emit(&o->yaml, &e) &&
	       yaml_stream_end_event_initialize(&e) && yaml_emitter_emit(&o->yaml, &e);
}

char *store_emit(const json_t *object)
{
	CLEANUP(freep) char *text = NULL;
	struct out o = { 0 };
	size_t len = 0;
	bool is_ok;

	if (!yaml_emitter_initialize(&o.yaml))
		return NULL;
	o.f = open_memstream(&text, &len);
	if (!o.f) {
		yaml_emitter_delete(&o.yaml);
		return NULL;
	}
	yaml_emitter_set_output(&o.yaml, write_out, o.f);
	yaml_emitter_set_unicode(&o.yaml, 1);
	yaml_emitter_set_width(&o.yaml, -1); /* no folding: a line is a value */
	is_ok = emit_all(&o, object);
	yaml_emitter_delete(&o.yaml);
	return fclose(o.f) == 0 && is_ok ? TAKE(text) : NULL;
}

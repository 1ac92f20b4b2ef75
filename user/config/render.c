// SPDX-License-Identifier: BSD-2-Clause
#include "config/render.h"

#include <string.h>

#include "config/keys.h"

json_t *render_text(const char *s)
{
	CLEANUP(freep) char *copy = NULL;
	json_t *text = json_string(s);

	if (text || !(copy = strdup(s)))
		return text;
	for (char *p = copy; *p; p++)
		*p = (unsigned char)*p < 0x80 ? *p : '?';
	return json_string(copy);
}

json_t *render_append(json_t *dst, json_t *value)
{
	if (dst && json_array_append_new(dst, value) == 0)
		return dst;
	if (!dst)
		json_decref(value);
	json_decref(dst);
	return NULL;
}

json_t *render_set(json_t *dst, const char *key, json_t *value)
{
	if (dst && json_object_set_new(dst, key, value) == 0)
		return dst;
	if (!dst)
		json_decref(value);
	json_decref(dst);
	return NULL;
}

static unsigned long fetch(const void *src, size_t size)
{
	uint8_t u8 = 0;
	uint16_t u16 = 0;
	uint32_t u32 = 0;

	if (size == sizeof(u8))
		memcpy(&u8, src, size);
	else if (size == sizeof(u16))
		memcpy(&u16, src, size);
	else
		memcpy(&u32, src, sizeof(u32));
	return (unsigned long)u8 + u16 + u32;
}

static json_t *word(const struct schema_word *w, unsigned long value)
{
	while (w->word && w->value != value)
		w++;
	return json_string(w->word ? w->word : "?");
}

/* null: the key is left out. */
static json_t *value_of(const struct schema_key *k, const void *target)
{
	const char *src = (const char *)target + k->off;
	json_t *map;

	if (k->is_alias)
		return json_null();
	if (k->get)
		return k->get(target);
	switch (k->type) {
	case SCHEMA_WORD:
		return word(k->words, fetch(src, k->size));
	case SCHEMA_BOOL:
		return json_boolean(fetch(src, k->size));
	case SCHEMA_UINT:
		return json_integer((json_int_t)fetch(src, k->size));
	case SCHEMA_STRING:
		return render_text(*(char *const *)src ? *(char *const *)src : "");
	case SCHEMA_MAP:
		map = render_keys(k->keys, src);
		if (!map || json_object_size(map))
			return map;
		json_decref(map);
		return json_null();
	default:
		return json_null();
	}
}

json_t *render_keys(const struct schema_key *keys, const void *target)
{
	json_t *o = json_object();

	for (; keys->name && o; keys++) {
		json_t *v = value_of(keys, target);

		if (!json_is_null(v))
			o = render_set(o, keys->name, v);
	}
	return o;
}

json_t *render_trunk(const struct trunk *t)
{
	return render_keys(keys_trunk, t);
}

json_t *render_gateway(const struct gateway *g)
{
	return render_keys(keys_file, g);
}

static json_t *add_change(json_t *list, const char *path, json_t *from, json_t *to)
{
	return render_append(list,
			     json_pack("{s:s, s:O?, s:O?}", "key", path, "from", from, "to", to));
}

static json_t *diff(json_t *list, const char *outer, const json_t *from, const json_t *to);

static json_t *diff_key(json_t *list, const char *outer, const char *key, json_t *from, json_t *to)
{
	char path[SCHEMA_PATH_MAX];

	snprintf(path, sizeof(path), "%s%s%s", outer, *outer ? "." : "", key);
	if ((json_is_object(from) || !from) && (json_is_object(to) || !to))
		return diff(list, path, from, to);
	return from && to && json_equal(from, to) ? list : add_change(list, path, from, to);
}

/* Keys of @from in their order, then those that only @to has. */
static json_t *diff(json_t *list, const char *outer, const json_t *from, const json_t *to)
{
	json_t *a = (json_t *)from, *b = (json_t *)to; /* jansson's iterators are not const */

	for (void *i = json_object_iter(a); i && list; i = json_object_iter_next(a, i)) {
		const char *key = json_object_iter_key(i);

		list = diff_key(list, outer, key, json_object_iter_value(i),
				json_object_get(b, key));
	}
	for (void *i = json_object_iter(b); i && list; i = json_object_iter_next(b, i)) {
		const char *key = json_object_iter_key(i);

		if (!json_object_get(a, key))
			list = diff_key(list, outer, key, NULL, json_object_iter_value(i));
	}
	return list;
}

json_t *render_diff(const json_t *from, const json_t *to)
{
	return diff(json_array(), "", from, to);
}

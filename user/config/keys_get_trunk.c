// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "config/keys.h"
#include "config/render.h"

json_t *keys_get_name(const void *trunk)
{
	return render_text(((const struct trunk *)trunk)->name);
}

static json_t *peers(const struct peer *p, size_t cnt)
{
	json_t *list = json_array();

	for (size_t i = 0; i < cnt; i++) {
		char text[64];

		peer_format(&p[i], text);
		list = render_append(list, render_text(text));
	}
	return list;
}

json_t *keys_get_carrier(const void *trunk)
{
	const struct trunk *t = trunk;

	return peers(t->carrier_peers, t->carrier_cnt);
}

json_t *keys_get_core(const void *trunk)
{
	const struct trunk *t = trunk;

	return peers(t->core_peers, t->core_cnt);
}

json_t *keys_get_numbers(const void *trunk)
{
	const struct trunk *t = trunk;
	json_t *list = t->has_numbers ? json_array() : json_null(); /* no key: any number */

	for (size_t i = 0; i < t->number_cnt && i < RENDER_NUMBERS_MAX; i++) {
		const struct number_range *n = &t->numbers[i];
		bool is_one = !n->is_prefix && (!n->last[0] || strcmp(n->first, n->last) == 0);
		char text[40];

		snprintf(text, sizeof(text),
			 n->is_prefix ? "+%s*"
			 : is_one     ? "+%s"
				      : "+%s-+%s",
			 n->first, n->last);
		list = render_append(list, json_string(text));
	}
	return list;
}

json_t *keys_get_numbers_file(const void *trunk)
{
	const struct trunk *t = trunk;

	return render_text(t->numbers_file ? t->numbers_file : "");
}

json_t *keys_get_origid(const void *trunk)
{
	const struct trunk *t = trunk;

	return t->origid_mode == ORIGID_CALL ? json_string("call")
					     : render_text(t->origid ? t->origid : "trunk");
}

json_t *keys_get_rules(const void *trunk)
{
	const struct trunk *t = trunk;
	json_t *list = json_array();

	for (size_t i = 0; i < t->rule_cnt; i++)
		list = render_append(list, json_pack("{s:o, s:o}", "prefix",
						     render_text(t->rules[i].prefix), "replace",
						     render_text(t->rules[i].replace)));
	return list;
}

static json_t *sources(const enum number_source s[NUMBER_SOURCES_MAX])
{
	static const char *const names[] = {
		[SOURCE_PAI] = "pai",	[SOURCE_PPI] = "ppi", [SOURCE_RPID] = "rpid",
		[SOURCE_FROM] = "from", [SOURCE_TO] = "to",   [SOURCE_REQUEST_URI] = "request_uri",
	};
	json_t *list = json_array();

	for (size_t i = 0; i < NUMBER_SOURCES_MAX && s[i] != SOURCE_END; i++)
		list = render_append(list, json_string(names[s[i]]));
	return list;
}

json_t *keys_get_orig_from(const void *trunk)
{
	return sources(((const struct trunk *)trunk)->orig_from);
}

json_t *keys_get_dest_from(const void *trunk)
{
	return sources(((const struct trunk *)trunk)->dest_from);
}

json_t *keys_get_default_number(const void *trunk)
{
	const struct trunk *t = trunk;
	char text[32] = "";

	if (t->pai_default_number)
		snprintf(text, sizeof(text), "+%.20s", t->pai_default_number);
	return render_text(text);
}

/* Without an address there is no location, whatever attach and existing say. */
json_t *keys_get_geolocation(const void *trunk)
{
	const struct trunk *t = trunk;

	return t->has_geolocation ? render_keys(keys_geolocation, t) : json_null();
}

json_t *keys_get_civic(const void *trunk)
{
	struct civic_address a = ((const struct trunk *)trunk)->civic;
	json_t *o = json_object();

	for (const char *const *key = civic_keys(); *key; key++) {
		const char *value = civic_field(&a, *key);

		if (value && *value)
			o = render_set(o, *key, render_text(value));
	}
	return o;
}

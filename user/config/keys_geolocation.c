// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "config/keys.h"

#define AT(member) SCHEMA_MEMBER(struct trunk, member)
#define WORD(key, member, list) { .name = key, .type = SCHEMA_WORD, AT(member), .words = list }

static const struct schema_word routing_words[] = {
	{ "emergency", GEO_ROUTING_EMERGENCY }, { "none", GEO_ROUTING_NONE },
	{ NULL, 0 },
};

static const struct schema_word attach_words[] = {
	{ "always", GEO_ALWAYS }, { "emergency", GEO_EMERGENCY }, { NULL, 0 },
};

static const struct schema_word geo_existing_words[] = {
	{ "keep", GEO_KEEP }, { "replace", GEO_REPLACE }, { NULL, 0 },
};

static const struct schema_word pidf_words[] = {
	{ "rfc", GEO_PIDF_RFC }, { "legacy", GEO_PIDF_LEGACY }, { NULL, 0 },
};

static void set_civic_value(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	const char *s = schema_text(l, n, "a text of at most 128 bytes");

	if (s && strlen(s) > CIVIC_VALUE_MAX)
		load_error(l, n, "is too long, allowed: a text of at most 128 bytes");
	else if (s)
		strcpy((char *)target + k->off, s);
}

#define CIVIC(key) { .name = #key, .type = SCHEMA_CUSTOM, .set = set_civic_value, \
		     SCHEMA_MEMBER(struct civic_address, key) }

static const struct schema_key civic_address_keys[] = {
	CIVIC(country), CIVIC(region), CIVIC(county), CIVIC(city), CIVIC(street), CIVIC(postal),
	CIVIC(building), CIVIC(floor), CIVIC(unit), CIVIC(room), CIVIC(landmark),
	{ .name = NULL },
};

/* Replaces an inherited address as a whole: half of one and half of another is a wrong address. */
static void set_civic(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	struct trunk *t = target;
	struct civic_address a = { 0 };
	const char *key = NULL, *text = NULL;
	size_t errors = l->report->error_cnt, len;

	if (n->kind != NODE_MAPPING) {
		load_error(l, n, "is no mapping, allowed: %s", k->allowed);
		return;
	}
	schema_apply(l, civic_address_keys, n, &a);
	if (l->report->error_cnt == errors && civic_check(&a, &key, &text) < 0) {
		len = load_push(l, ".%s", key);
		load_error(l, node_find(n, key) ? node_find(n, key) : n, "%s", text);
		load_pop(l, len);
	}
	t->civic = a;
	t->has_geolocation = true;
}

const struct schema_key keys_geolocation[] = {
	{ .name = "default_civic_address", .type = SCHEMA_CUSTOM, .set = set_civic,
	  .keys = civic_address_keys,
	  .allowed = "a mapping of country, region, city, street ...", .get = keys_get_civic },
	WORD("geo_priv_routing", geo_routing, routing_words),
	WORD("attach", geo_attach, attach_words),
	WORD("existing", geo_existing, geo_existing_words),
	WORD("pidf", geo_pidf, pidf_words),
	{ .name = NULL },
};

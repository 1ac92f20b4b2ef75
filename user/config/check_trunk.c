// SPDX-License-Identifier: BSD-2-Clause
#include <stdarg.h>
#include <string.h>

#include "config/check.h"
#include "config/credentials.h"
#include "trunk/intervals.h"

/* The trunk's own node for "key" or "map.key"; NULL: not given, or inherited. */
static const struct node *own(const struct node *map, const char *outer, const char *key)
{
	return outer ? node_find(node_find(map, outer), key) : node_find(map, key);
}

/* An error about a key, at its own node or, where it is inherited, at the trunk. */
static void __attribute__((format(printf, 5, 6)))
key_error(struct load *l, const struct node *map, const char *outer, const char *key, const char *fmt, ...)
{
	const struct node *n = own(map, outer, key);
	size_t len = load_push(l, "%s%s%s%s", *l->path ? "." : "", outer ? outer : "", outer ? "." : "", key);
	CLEANUP(freep) char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	load_error(l, n ? n : map, "%s", text ? text : "out of memory");
	load_pop(l, len);
}

static const char *attest_word(enum attest_policy a)
{
	switch (a) {
	case ATTEST_A: return "A";
	case ATTEST_B: return "B";
	case ATTEST_C: return "C";
	case ATTEST_REJECT: return "reject";
	default: return "none";
	}
}

/* On a NIC of both sides a trunk is told by its customers' addresses, never by where the packet came in alone. */
static void check_core_peers(struct load *l, const struct trunk *t, const struct node *map)
{
	const struct node *n = own(map, "core", "peers");
	bool is_refused = n && (n->kind != NODE_SEQUENCE || n->cnt); /* by what is said of its items */

	if (l->g->interface_cnt == 1 && l->g->interfaces[0].side == SIPSEAL_SIDE_BOTH && !t->core_cnt && !is_refused)
		key_error(l, map, "core", "peers", "is missing, needed: addresses of the customer, for the gateway's NIC is of "
			  "side both");
}

/* RFC 8588 s4: A says more than B, B more than C. */
static int strength(enum attest_policy a)
{
	return a == ATTEST_A ? 3 : a == ATTEST_B ? 2 : a == ATTEST_C ? 1 : 0;
}

static void check_needed(struct load *l, const struct node *map)
{
	if (!node_find(map, "name"))
		key_error(l, map, NULL, "name", "is missing, needed: the name of the trunk");
	if (!own(map, "carrier", "peers") && !l->defaults->has_carrier_peers)
		key_error(l, map, "carrier", "peers", "is missing, needed: addresses of the carrier");
	if (!own(map, NULL, "attestation") && !own(map, "extras", "attestation") &&
	    !l->defaults->has_attestation)
		key_error(l, map, NULL, "attestation", "is missing, needed: A, B, C or none");
}

void check_twins(struct load *l, const struct node *map)
{
	const struct node *a = own(map, NULL, "attestation"), *b = own(map, "extras", "attestation");

	if (a && b && a->kind == NODE_SCALAR && b->kind == NODE_SCALAR && strcmp(a->text, b->text))
		key_error(l, map, "extras", "attestation", "%.16s contradicts attestation %.16s%s, "
			  "allowed: one of the two", b->text, a->text, load_at(" at ", a->line, a->col).text);
}

static void check_attestation(struct load *l, struct trunk *t, const struct node *map)
{
	const struct node *a = own(map, NULL, "attestation"), *b = own(map, "extras", "attestation");

	check_twins(l, map);
	if (a && a->kind == NODE_SCALAR && strcmp(a->text, attest_word(t->attestation)) &&
	    !(b && b->kind == NODE_SCALAR))
		return; /* refused: nothing to compare with */
	if (!own(map, NULL, "attestation_other") && !l->defaults->has_attestation_other) {
		if (strength(t->attestation_other) > strength(t->attestation))
			t->attestation_other = t->attestation;
		return;
	}
	if (strength(t->attestation_other) > strength(t->attestation))
		key_error(l, map, NULL, "attestation_other",
			  "%s is stronger than attestation %s, allowed: the same or weaker",
			  attest_word(t->attestation_other), attest_word(t->attestation));
	if (t->attestation_other == ATTEST_REJECT && !t->has_numbers)
		key_error(l, map, NULL, "attestation_other",
			  "reject needs numbers or numbers_file, which are not given");
}

/* Does a mapping give a value?  Keys that are all "" give none. */
static bool has_text(const struct node *map)
{
	for (const struct node *k = map->first; k; k = k->next->next) {
		if (k->next->kind != NODE_SCALAR || *k->next->text)
			return true;
	}
	return false;
}

static void check_certificates(struct load *l, const struct trunk *t, const struct node *map)
{
	const struct node *n = node_find(map, "certificates");
	const char *missing = check_cert(&t->cert, n);

	check_x5u(l, n);
	if (missing) {
		key_error(l, map, NULL, "certificates", "%s is missing, needed: cert_path, key_path and x5u "
			  "together (nothing is taken from the gateway's)", missing);
		return;
	}
	if (n && (n->kind != NODE_MAPPING || has_text(n)))
		return; /* complete, or refused already */
	if (strength(t->attestation) && !cert_config_is_complete(&t->cert) && !cert_config_is_complete(&l->g->cert) &&
	    !l->is_cert_broken)
		key_error(l, map, NULL, "certificates",
			  "are missing: attestation %s signs; needed: certificates here or in %s",
			  attest_word(t->attestation), "the gateway's `certificates`");
}

static void check_default_number(struct load *l, const struct trunk *t, const struct node *map)
{
	const char *n = t->pai_default_number;

	if (n && t->has_numbers && !intervals_cover(t->numbers, t->number_cnt, slice_str(n)))
		key_error(l, map, "pai", "default_number", "+%s is not one of the trunk's numbers, "
			  "allowed: a number inside `numbers`", n);
}

static void check_geolocation(struct load *l, const struct trunk *t, const struct node *map)
{
	const struct node *geo = own(map, "extras", "geolocation");
	size_t len = load_push(l, "%sextras.geolocation", *l->path ? "." : "");

	if (geo && geo->kind == NODE_MAPPING && !t->has_geolocation)
		load_error(l, geo, "has no address, needed: default_civic_address");
	if (t->has_geolocation && t->geo_attach == GEO_ALWAYS)
		load_warning(l, geo ? geo : map, "attach always: every call tells the location of its caller "
			     "(`attach: emergency` does so in emergency calls only)");
	load_pop(l, len);
}

static int by_value(const void *a, const void *b)
{
	const struct peer *x = *(const struct peer *const *)a, *y = *(const struct peer *const *)b;
	int r = memcmp(x->addr, y->addr, sizeof(x->addr));

	if (r || (r = x->bits - y->bits) || (r = x->port - y->port))
		return r;
	if (x->pos.line != y->pos.line)
		return x->pos.line < y->pos.line ? -1 : 1;
	return x->pos.col < y->pos.col ? -1 : x->pos.col > y->pos.col;
}

static bool same_peer(const struct peer *x, const struct peer *y)
{
	return x->bits == y->bits && x->port == y->port && memcmp(x->addr, y->addr, sizeof(x->addr)) == 0;
}

static void check_peers(struct load *l, const char *key, const struct peer *peers, size_t cnt)
{
	CLEANUP(freep) const struct peer **p = calloc(cnt + 1, sizeof(*p));
	size_t len = load_push(l, "%s%s", *l->path ? "." : "", key);
	char text[64];

	l->is_out_of_memory |= !p;
	for (size_t i = 0; p && i < cnt; i++)
		p[i] = &peers[i];
	if (p)
		qsort(p, cnt, sizeof(*p), by_value);
	for (size_t i = 1; p && i < cnt; i++) {
		if (!same_peer(p[i - 1], p[i]))
			continue;
		peer_format(p[i], text);
		config_report_add(l->report, true, &p[i]->pos, l->path,
				  "%s stands twice%s; allowed: once", text,
				  load_at(", first at ", p[i - 1]->pos.line, p[i - 1]->pos.col).text);
	}
	load_pop(l, len);
}

/* A rule behind a shorter prefix never comes to turn. */
static void check_rules(struct load *l, const struct trunk *t, const struct node *map)
{
	const struct node *list = own(map, NULL, "number_rules");
	size_t len = load_push(l, "%snumber_rules", *l->path ? "." : "");

	for (size_t i = 1; list && i < t->rule_cnt; i++) {
		for (size_t j = 0; j < i; j++) {
			const char *first = t->rules[j].prefix, *second = t->rules[i].prefix;

			if (!first || !second || strncmp(first, second, strlen(first)))
				continue;
			load_warning(l, list, "rule %zu (prefix \"%s\") never applies: rule %zu (prefix \"%s\") "
				     "is found first", i + 1, second, j + 1, first);
			break;
		}
	}
	load_pop(l, len);
}

void check_trunk(struct load *l, struct trunk *t, const struct node *map)
{
	const struct node *a = own(map, NULL, "attestation");
	size_t len;

	check_needed(l, map);
	check_core_peers(l, t, map);
	check_attestation(l, t, map);
	check_certificates(l, t, map);
	check_default_number(l, t, map);
	check_geolocation(l, t, map);
	check_peers(l, "carrier.peers", t->carrier_peers, t->carrier_cnt);
	check_peers(l, "core.peers", t->core_peers, t->core_cnt);
	check_rules(l, t, map);
	check_verification(l, t, map);
	len = load_push(l, "%sattestation", *l->path ? "." : "");
	if (t->attestation == ATTEST_A && !t->has_numbers)
		load_warning(l, a ? a : map, "A for any number: without `numbers` every calling number is "
			     "attested as the customer's own");
	load_pop(l, len);
}

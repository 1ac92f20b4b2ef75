/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * imageworld - trunks, credentials and gateways of all sorts, and the plain model that an image is held
 * against: what each line should hold is what policy_compile() writes for it alone.
 */
#ifndef SIPSEAL_TEST_IMAGEWORLD_H
#define SIPSEAL_TEST_IMAGEWORLD_H

#include "guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "trunk/image.h"

#define SLOTS       24
#define LINES       6
#define VARIANTS    48 /* of trunks, and of credentials */
#define GATEWAYS    4
#define LOCATIONS   10 /* two by two of the same content */
#define EMPTY       (-1)
#define ALONE_LEN   16384

struct variant {
	struct compile_trunk ct;
	struct compile_credential cc;
	struct policy_copy *alone; /* a copy with this trunk and this credential only */
};

/* What one generation should hold: indexes of variants, or EMPTY. */
struct model {
	int trunks[SLOTS], lines[LINES];
	unsigned gateway;
};

struct world {
	struct variant v[VARIANTS];
	struct gateway *gateways[GATEWAYS];
	struct pidf_template locations[LOCATIONS];
	char *memory;
	size_t size;
	struct policy_region *region;
	struct image *im;
};

static uint32_t world_seed = 1;

static inline uint32_t any(uint32_t below)
{
	world_seed = world_seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)world_seed * below >> 32);
}

static inline char *any_text(const char *what, unsigned i)
{
	char s[600];
	int n = snprintf(s, sizeof(s), "%s-%u-", what, i);

	if (any(3) == 0)
		return NULL;
	memset(s + n, 'a' + (int)any(26), 64);
	s[n + any(64)] = '\0';
	return strdup(s);
}

static inline void any_numbers(struct trunk *t)
{
	t->has_numbers = any(4);
	t->number_cnt = t->has_numbers ? any(4) * any(30) : 0;
	t->numbers = calloc(t->number_cnt + 1, sizeof(*t->numbers));
	for (size_t k = 0; k < t->number_cnt; k++) {
		struct number_range *r = &t->numbers[k];

		snprintf(r->first, sizeof(r->first), "1800%07u", any(10000000));
		memcpy(r->last, r->first, sizeof(r->last));
	}
}

static inline void any_verification(struct trunk_verification *v, unsigned i)
{
	v->is_enabled = any(2);
	v->verstat = (enum verify_verstat)any(3);
	v->wait_ms = any(VERIFY_WAIT_MAX_MS);
	free(v->result_header);
	v->result_header = any_text("header", i);
	for (unsigned k = 0; k < LABEL_CNT; k++)
		v->label[k] = any_text("label", i);
}

static inline struct trunk *any_trunk(unsigned i)
{
	struct trunk *t = trunk_new();

	snprintf(t->name, sizeof(t->name), "trunk-%u", i);
	t->mode = any(2) ? TRUNK_ENFORCE : TRUNK_OBSERVE;
	t->freshness_s = any(1000);
	t->country_code = any_text("cc", i);
	t->pai_domain = any_text("domain", i);
	t->origid = any_text("origid", i);
	t->rule_cnt = any(3);
	t->rules = calloc(t->rule_cnt + 1, sizeof(*t->rules));
	for (size_t k = 0; k < t->rule_cnt; k++)
		t->rules[k] = (struct number_rule){ any_text("prefix", i), any_text("replace", i) };
	any_numbers(t);
	any_verification(&t->verification, i);
	return t;
}

static inline void variant_init(struct world *w, unsigned i)
{
	struct variant *v = &w->v[i];
	char x5u[200];
	struct compile_input in = { w->gateways[0], &v->ct, 1, &v->cc, 1, 1 };

	snprintf(x5u, sizeof(x5u), "https://cr.example.com/%0*u.pem", 1 + (int)any(150), i);
	v->cc = (struct compile_credential){ strdup(x5u), any(1000), any(1000), any(2), any(8192) };
	v->ct = (struct compile_trunk){ any_trunk(i), 0, POLICY_CREDENTIAL_NONE, NULL };
	if (any(3))
		v->ct.location = &w->locations[any(LOCATIONS)];
	v->alone = calloc(1, ALONE_LEN);
	assert_true(policy_compile(&in, v->alone, ALONE_LEN) > 0);
}

static inline void world_new(struct world *w, size_t size)
{
	memset(w, 0, sizeof(*w));
	for (unsigned i = 0; i < GATEWAYS; i++) {
		w->gateways[i] = gateway_new();
		w->gateways[i]->regulatory_enabled = i & 1;
		w->gateways[i]->heartbeat_ms = 100 * (i + 1);
		w->gateways[i]->emergency_cnt = i;
	}
	for (unsigned i = 0; i < LOCATIONS; i++) {
		struct pidf_template *p = &w->locations[i];

		p->len = (uint32_t)snprintf(p->text, sizeof(p->text), "<location-%u/>\r\n", i / 2);
		p->hole_cnt = 1;
		p->holes[0] = (struct pidf_hole){ 3, PIDF_HOLE_TIMESTAMP };
		p->text[100] = (char)i; /* behind the text: makes no difference */
	}
	for (unsigned i = 0; i < VARIANTS; i++)
		variant_init(w, i);
	w->size = size;
	w->memory = aligned_alloc(64, size);
	memset(w->memory, 0, size);
	w->region = (struct policy_region *)w->memory;
	assert_int_equal(image_new(w->region, size, SLOTS, LINES, &w->im), 0);
}

static inline void world_free(struct world *w)
{
	image_free(w->im);
	free(w->memory);
	for (unsigned i = 0; i < VARIANTS; i++) {
		trunk_free((struct trunk *)(uintptr_t)w->v[i].ct.trunk);
		free((char *)(uintptr_t)w->v[i].cc.x5u);
		free(w->v[i].alone);
	}
	for (unsigned i = 0; i < GATEWAYS; i++)
		gateway_free(w->gateways[i]);
}

/* EMPTY drops. */
static inline int put_trunk(struct world *w, uint32_t slot, int variant)
{
	struct compile_trunk ct;

	if (variant == EMPTY)
		return image_trunk_drop(w->im, slot);
	ct = w->v[variant].ct;
	ct.slot = slot;
	return image_trunk_put(w->im, &ct);
}

static inline int put_line(struct world *w, uint32_t index, int variant)
{
	if (variant == EMPTY)
		return image_credential_drop(w->im, index);
	return image_credential_put(w->im, index, &w->v[variant].cc);
}

static inline bool same_text(const struct policy_copy *a, struct policy_ref ra, const struct policy_copy *b,
			     struct policy_ref rb)
{
	struct slice x = policy_text(a, ra), y = policy_text(b, rb);

	return !x.p == !y.p && slice_eq(x, y);
}

static inline bool same_location(const struct policy_copy *a, struct policy_ref ra,
				 const struct policy_copy *b, struct policy_ref rb)
{
	const struct pidf_template *x = policy_table(a, ra, 1, sizeof(*x)), *y = policy_table(b, rb, 1, sizeof(*y));

	if (!x || !y)
		return !x == !y;
	return x->len == y->len && x->hole_cnt == y->hole_cnt && memcmp(x->holes, y->holes, sizeof(x->holes)) == 0 &&
	       memcmp(x->text, y->text, x->len) == 0;
}

static inline bool same_verification(const struct policy_copy *a, const struct policy_verification *x,
				     const struct policy_copy *b, const struct policy_verification *y)
{
	bool is_same = memcmp(x, y, offsetof(struct policy_verification, result_header)) == 0 &&
		       same_text(a, x->result_header, b, y->result_header);

	for (unsigned i = 0; i < LABEL_CNT; i++)
		is_same &= same_text(a, x->label[i], b, y->label[i]);
	return is_same;
}

static inline bool same_trunk(const struct policy_copy *a, const struct policy_trunk *x,
			      const struct policy_copy *b, const struct policy_trunk *y)
{
	const struct policy_rule *p = policy_table(a, x->rules, x->rule_cnt, sizeof(*p));
	const struct policy_rule *q = policy_table(b, y->rules, y->rule_cnt, sizeof(*q));

	if (memcmp(x, y, offsetof(struct policy_trunk, name)) || !p != !q)
		return false;
	for (uint32_t i = 0; p && i < x->rule_cnt; i++) {
		if (!same_text(a, p[i].prefix, b, q[i].prefix) || !same_text(a, p[i].replace, b, q[i].replace))
			return false;
	}
	return same_verification(a, &x->verification, b, &y->verification) && same_text(a, x->name, b, y->name) &&
	       same_text(a, x->origid, b, y->origid) &&
	       same_text(a, x->country_code, b, y->country_code) &&
	       same_text(a, x->pai_domain, b, y->pai_domain) &&
	       same_text(a, x->pai_default_number, b, y->pai_default_number) &&
	       same_text(a, x->intervals, b, y->intervals) && same_location(a, x->location, b, y->location);
}

static inline bool same_line(const struct policy_copy *a, const struct policy_credential *x,
			     const struct policy_copy *b, const struct policy_credential *y)
{
	return x->not_before == y->not_before && x->not_after == y->not_after && x->key == y->key &&
	       x->is_usable == y->is_usable && same_text(a, x->x5u, b, y->x5u) &&
	       same_text(a, x->header_b64, b, y->header_b64);
}

static inline void expect(const struct world *w, uint64_t generation, const struct model *m)
{
	const struct policy_copy *c = policy_copy_get(w->region, (uint16_t)generation);
	const struct gateway *g = w->gateways[m->gateway];

	if (!c)
		fail_msg("generation %lu is not there", (unsigned long)generation);
	for (uint32_t i = 0; i < SLOTS + 1; i++) {
		const struct policy_trunk *t = policy_trunk_get(c, i);
		const struct variant *v = i < SLOTS && m->trunks[i] != EMPTY ? &w->v[m->trunks[i]] : NULL;

		if (!t != !v || (t && !same_trunk(c, t, v->alone, policy_trunk_get(v->alone, 0))))
			fail_msg("generation %lu: trunk in slot %u", (unsigned long)generation, i);
	}
	for (uint32_t i = 0; i < LINES + 1; i++) {
		const struct policy_credential *l = policy_credential_get(c, i);
		const struct variant *v = i < LINES && m->lines[i] != EMPTY ? &w->v[m->lines[i]] : NULL;

		if (!l != !v || (l && !same_line(c, l, v->alone, policy_credential_get(v->alone, 0))))
			fail_msg("generation %lu: credential %u", (unsigned long)generation, i);
	}
	assert_int_equal(c->regulatory_enabled, g->regulatory_enabled);
	assert_int_equal(c->stale_ns, g->heartbeat_ms * 1000000ull);
	assert_int_equal(c->emergency_cnt, g->emergency_cnt);
	for (unsigned i = 0; i < SIPSEAL_EMERGENCY_MAX; i++) {
		size_t n = i < g->emergency_cnt ? strlen(g->emergency[i]) : 0;

		assert_int_equal(c->emergency[i].len, n);
		assert_memory_equal(c->emergency[i].digits, g->emergency[i], n);
	}
}

static inline struct image_usage usage(const struct world *w)
{
	struct image_usage u;

	image_usage(w->im, &u);
	assert_true(u.waiting <= u.used && u.used <= u.total);
	return u;
}

/* Nothing but a gateway, in both copies. */
static inline void first_generation(struct world *w, uint64_t generation, struct model *ret)
{
	struct model m = { .gateway = 0 };

	memset(m.trunks, 0xff, sizeof(m.trunks)); /* EMPTY */
	memset(m.lines, 0xff, sizeof(m.lines));
	assert_int_equal(image_begin(w->im, generation), 0);
	assert_int_equal(image_gateway_put(w->im, w->gateways[0]), 0);
	image_commit(w->im);
	image_settle(w->im);
	assert_int_equal(usage(w).used, 0);
	*ret = m;
}

#endif

// SPDX-License-Identifier: BSD-2-Clause
#include "trunk/compile.h"

#include <errno.h>
#include <string.h>

#include "stir/passport.h"
#include "trunk/intervals.h"

/* Slots are stable and dense; a slot beyond this is a caller's mistake, not a large gateway. */
#define SLOTS_MAX (1u << 22)

/* Appends to the copy.  base NULL: only counts, for policy_compile() with dst NULL. */
struct writer {
	char *base;
	size_t cap, used;
	int error;            /* first failure; all later calls do nothing */
	struct location { /* each template once, by address */
		const struct pidf_template *p;
		struct policy_ref ref;
	} *locations;
	size_t location_cnt;
};

static void fail(struct writer *w, int error)
{
	if (!w->error)
		w->error = error;
}

/* Room for len bytes, 8-byte aligned; absent where len is 0 or there is none. */
static struct policy_ref reserve(struct writer *w, size_t len)
{
	size_t off = (w->used + 7) & ~(size_t)7;

	if (w->error || !len)
		return (struct policy_ref){ 0, 0 };
	if (off > w->cap || len > w->cap - off) {
		fail(w, -ENOSPC);
		return (struct policy_ref){ 0, 0 };
	}
	if (w->base)
		memset(w->base + w->used, 0, off - w->used);
	w->used = off + len;
	return (struct policy_ref){ (uint32_t)off, (uint32_t)len };
}

static struct policy_ref put(struct writer *w, const void *src, size_t len)
{
	struct policy_ref ref = reserve(w, len);

	if (ref.len && w->base)
		memcpy(w->base + ref.off, src, len);
	return ref;
}

static struct policy_ref put_text(struct writer *w, const char *s)
{
	return put(w, s, s ? strlen(s) : 0);
}

static struct policy_ref put_intervals(struct writer *w, const struct trunk *t, uint32_t *ret_cnt)
{
	CLEANUP(freep) struct policy_interval *iv = NULL;
	ssize_t n = intervals_compile(t->numbers, t->number_cnt, &iv);

	if (n < 0) {
		fail(w, (int)n);
		return (struct policy_ref){ 0, 0 };
	}
	*ret_cnt = (uint32_t)n;
	return put(w, iv, (size_t)n * sizeof(*iv));
}

static struct policy_ref put_rules(struct writer *w, const struct trunk *t)
{
	struct policy_rule rules[POLICY_RULES_MAX] = { 0 };

	if (t->rule_cnt > POLICY_RULES_MAX) {
		fail(w, -EINVAL);
		return (struct policy_ref){ 0, 0 };
	}
	for (size_t i = 0; i < t->rule_cnt; i++) {
		rules[i].prefix = put_text(w, t->rules[i].prefix);
		rules[i].replace = put_text(w, t->rules[i].replace);
	}
	return put(w, rules, t->rule_cnt * sizeof(rules[0]));
}

static int by_address(const void *a, const void *b)
{
	const struct location *x = a, *y = b;

	return x->p < y->p ? -1 : x->p > y->p;
}

/* Trunks share templates (a `defaults` address): 100,000 copies of 4 KiB would be 400 MB. */
static void put_locations(struct writer *w, const struct compile_input *in)
{
	size_t n = 0;

	w->locations = calloc(in->trunk_cnt + 1, sizeof(*w->locations));
	if (!w->locations) {
		fail(w, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < in->trunk_cnt; i++) {
		if (in->trunks[i].location)
			w->locations[n++].p = in->trunks[i].location;
	}
	qsort(w->locations, n, sizeof(*w->locations), by_address);
	for (size_t i = 0; i < n; i++) {
		if (w->location_cnt && w->locations[w->location_cnt - 1].p == w->locations[i].p)
			continue;
		w->locations[w->location_cnt].p = w->locations[i].p;
		w->locations[w->location_cnt++].ref =
			put(w, w->locations[i].p, sizeof(struct pidf_template));
	}
}

static struct policy_ref location_ref(const struct writer *w, const struct pidf_template *p)
{
	const struct location key = { .p = p }, *l;

	l = bsearch(&key, w->locations, w->location_cnt, sizeof(key), by_address);
	return l ? l->ref : (struct policy_ref){ 0, 0 };
}

static void fill_words(const struct trunk *t, struct policy_trunk *p)
{
	p->mode = (uint8_t)t->mode;
	p->attestation = (uint8_t)t->attestation;
	p->attestation_other = (uint8_t)t->attestation_other;
	p->on_unsignable = (uint8_t)t->on_unsignable;
	p->existing_identity = (uint8_t)t->existing_identity;
	p->origid_per_call = t->origid_mode == ORIGID_CALL;
	p->has_numbers = t->has_numbers;
	for (unsigned i = 0; i < NUMBER_SOURCES_MAX; i++) {
		p->orig_from[i] = (uint8_t)t->orig_from[i];
		p->dest_from[i] = (uint8_t)t->dest_from[i];
	}
	p->pai_mode = (uint8_t)t->pai_mode;
	p->pai_restricted = (uint8_t)t->pai_restricted;
	p->add_privacy_none = t->add_privacy_none;
	p->privacy = (uint8_t)t->privacy;
	p->geo_attach = (uint8_t)t->geo_attach;
	p->geo_existing = (uint8_t)t->geo_existing;
	p->geo_routing = (uint8_t)t->geo_routing;
	p->freshness_s = t->freshness_s;
	p->rule_cnt = (uint32_t)t->rule_cnt;
}

static void put_trunk(struct writer *w, const struct compile_trunk *ct, struct policy_trunk *p)
{
	const struct trunk *t = ct->trunk;

	fill_words(t, p);
	p->credential = ct->credential;
	p->name = put_text(w, t->name);
	p->origid = put_text(w, t->origid_mode == ORIGID_CALL ? NULL : t->origid);
	p->country_code = put_text(w, t->country_code);
	p->pai_domain = put_text(w, t->pai_domain);
	p->pai_default_number = put_text(w, t->pai_default_number);
	p->rules = put_rules(w, t);
	p->intervals = put_intervals(w, t, &p->interval_cnt);
	if (ct->location) {
		p->location = location_ref(w, ct->location);
		p->has_location = 1;
	}
	p->is_used = 1;
}

static struct policy_ref put_trunks(struct writer *w, const struct compile_input *in, uint32_t slots)
{
	struct policy_ref ref = reserve(w, slots * sizeof(struct policy_trunk));
	struct policy_trunk *table = NULL;

	if (w->base && ref.len) {
		table = (struct policy_trunk *)(w->base + ref.off);
		memset(table, 0, ref.len);
	}
	for (size_t i = 0; i < in->trunk_cnt && !w->error; i++) {
		struct policy_trunk p = { 0 };

		put_trunk(w, &in->trunks[i], &p);
		if (!table)
			continue;
		if (table[in->trunks[i].slot].is_used)
			fail(w, -EINVAL);
		table[in->trunks[i].slot] = p;
	}
	return ref;
}

static struct policy_ref put_credentials(struct writer *w, const struct compile_input *in)
{
	struct policy_ref ref = reserve(w, in->credential_cnt * sizeof(struct policy_credential));
	char header[PASSPORT_HEADER_B64_MAX];

	for (size_t i = 0; i < in->credential_cnt && !w->error; i++) {
		const struct compile_credential *c = &in->credentials[i];
		struct policy_credential p = { .not_before = c->not_before, .not_after = c->not_after,
					       .is_usable = c->is_usable };
		ssize_t n = passport_header_emit(slice_str(c->x5u), header, sizeof(header));

		if (n < 0) {
			fail(w, -EINVAL);
			break;
		}
		p.x5u = put_text(w, c->x5u);
		p.header_b64 = put(w, header, (size_t)n);
		if (w->base && !w->error)
			memcpy(w->base + ref.off + i * sizeof(p), &p, sizeof(p));
	}
	return ref;
}

static void fill_emergency(const struct gateway *g, struct policy_copy *c)
{
	for (unsigned i = 0; i < g->emergency_cnt; i++) {
		size_t n = strnlen(g->emergency[i], SIPSEAL_EMERGENCY_LEN);

		c->emergency[i].len = (__u8)n;
		memcpy(c->emergency[i].digits, g->emergency[i], n);
	}
	c->emergency_cnt = (uint8_t)g->emergency_cnt;
}

static int check_input(const struct compile_input *in, uint32_t *ret_slots)
{
	uint32_t slots = 0;

	if (!in->generation || in->gateway->emergency_cnt > SIPSEAL_EMERGENCY_MAX)
		return -EINVAL;
	for (size_t i = 0; i < in->trunk_cnt; i++) {
		const struct compile_trunk *ct = &in->trunks[i];

		if (ct->slot >= SLOTS_MAX)
			return -EINVAL;
		if (ct->credential != POLICY_CREDENTIAL_NONE && ct->credential >= in->credential_cnt)
			return -EINVAL;
		if (ct->slot >= slots)
			slots = ct->slot + 1;
	}
	*ret_slots = slots;
	return 0;
}

ssize_t policy_compile(const struct compile_input *in, struct policy_copy *dst, size_t cap)
{
	/* references are 32-bit offsets */
	struct writer w = { .base = (char *)dst, .cap = dst && cap < UINT32_MAX ? cap : UINT32_MAX };
	struct policy_copy head = { 0 };
	uint32_t slots = 0;
	int r = check_input(in, &slots);

	if (r < 0)
		return r;
	if (dst && (cap < sizeof(head) || (uintptr_t)dst % 8))
		return cap < sizeof(head) ? -ENOSPC : -EINVAL;
	if (dst) { /* readers that still hold this copy see zero before anything else changes */
		__atomic_store_n(&dst->generation, 0, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
	w.used = sizeof(head);
	head.credential_cnt = (uint32_t)in->credential_cnt;
	head.trunk_cnt = slots;
	head.credentials = put_credentials(&w, in);
	put_locations(&w, in);
	head.trunks = put_trunks(&w, in, slots);
	free(w.locations);
	if (w.error)
		return w.error;
	head.len = w.used;
	head.regulatory_enabled = in->gateway->regulatory_enabled;
	head.stale_ns = (uint64_t)in->gateway->heartbeat_ms * 1000000u;
	fill_emergency(in->gateway, &head);
	if (dst) {
		*dst = head; /* its generation is 0 */
		__atomic_store_n(&dst->generation, in->generation, __ATOMIC_RELEASE);
	}
	return (ssize_t)w.used;
}

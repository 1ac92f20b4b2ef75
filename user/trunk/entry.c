// SPDX-License-Identifier: BSD-2-Clause
#include "trunk/entry.h"

#include <errno.h>
#include <string.h>

#include "stir/passport.h"
#include "trunk/intervals.h"

_Static_assert(ARRAY_SIZE(((struct policy_verification *)0)->label) == LABEL_CNT, "one label per enum verify_label");

void entry_fail(struct entry_writer *w, int error)
{
	if (!w->error)
		w->error = error;
}

struct policy_ref entry_reserve(struct entry_writer *w, size_t len)
{
	size_t off = (w->used + 7) & ~(size_t)7;

	if (w->error || !len)
		return (struct policy_ref){ 0, 0 };
	if (off > w->cap || len > w->cap - off) {
		entry_fail(w, -ENOSPC);
		return (struct policy_ref){ 0, 0 };
	}
	if (w->base)
		memset(w->base + w->used, 0, off - w->used);
	w->used = off + len;
	return (struct policy_ref){ (uint32_t)off, (uint32_t)len };
}

struct policy_ref entry_append(struct entry_writer *w, const void *src, size_t len)
{
	struct policy_ref ref = entry_reserve(w, len);

	if (ref.len && w->base)
		memcpy(w->base + ref.off, src, len);
	return ref;
}

static struct policy_ref append_text(struct entry_writer *w, const char *s)
{
	return entry_append(w, s, s ? strlen(s) : 0);
}

static struct policy_ref append_rules(struct entry_writer *w, const struct trunk *t)
{
	struct policy_rule rules[POLICY_RULES_MAX] = { 0 };

	for (size_t i = 0; i < t->rule_cnt; i++) {
		rules[i].prefix = append_text(w, t->rules[i].prefix);
		rules[i].replace = append_text(w, t->rules[i].replace);
	}
	return entry_append(w, rules, t->rule_cnt * sizeof(rules[0]));
}

int entry_trunk_init(struct entry_trunk *e, const struct compile_trunk *ct)
{
	struct policy_interval *iv = NULL;
	ssize_t n;

	if (ct->trunk->rule_cnt > POLICY_RULES_MAX)
		return -EINVAL;
	n = intervals_compile(ct->trunk->numbers, ct->trunk->number_cnt, &iv);
	if (n < 0)
		return (int)n;
	*e = (struct entry_trunk){ ct, iv, (uint32_t)n };
	return 0;
}

void entry_trunk_done(struct entry_trunk *e)
{
	free(e->intervals);
	e->intervals = NULL;
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

static struct policy_verification put_verification(struct entry_writer *w, const struct trunk_verification *v)
{
	struct policy_verification p = { .is_enabled = v->is_enabled,
					 .on_failure = (uint8_t)v->on_failure,
					 .on_missing = (uint8_t)v->on_missing,
					 .verstat = (uint8_t)v->verstat,
					 .carrier_verstat = (uint8_t)v->carrier_verstat,
					 .trust_pai = v->trust_pai,
					 .replay = (uint8_t)v->replay,
					 .wait_ms = v->wait_ms };

	p.result_header = append_text(w, v->result_header);
	for (unsigned i = 0; i < LABEL_CNT; i++)
		p.label[i] = append_text(w, v->label[i]);
	return p;
}

void entry_trunk_emit(struct entry_writer *w, const struct entry_trunk *e, struct policy_trunk *ret)
{
	const struct trunk *t = e->ct->trunk;
	struct policy_trunk p = { .is_used = 1,
				  .credential = e->ct->credential,
				  .interval_cnt = e->interval_cnt };

	fill_words(t, &p);
	p.name = append_text(w, t->name);
	p.origid = append_text(w, t->origid_mode == ORIGID_CALL ? NULL : t->origid);
	p.country_code = append_text(w, t->country_code);
	p.pai_domain = append_text(w, t->pai_domain);
	p.pai_default_number = append_text(w, t->pai_default_number);
	p.verification = put_verification(w, &t->verification);
	p.rules = append_rules(w, t);
	p.intervals = entry_append(w, e->intervals, e->interval_cnt * sizeof(*e->intervals));
	*ret = p;
}

void entry_credential_emit(struct entry_writer *w, const struct compile_credential *c,
			   struct policy_credential *ret)
{
	struct policy_credential p = { .not_before = c->not_before,
				       .not_after = c->not_after,
				       .key = c->key,
				       .is_usable = c->is_usable,
				       .is_used = 1 };
	char header[PASSPORT_HEADER_B64_MAX];
	ssize_t n = passport_header_emit(slice_str(c->x5u), header, sizeof(header));

	if (n < 0) {
		entry_fail(w, -EINVAL);
		return;
	}
	p.x5u = append_text(w, c->x5u);
	p.header_b64 = entry_append(w, header, (size_t)n);
	*ret = p;
}

int entry_gateway_emit(const struct gateway *g, struct policy_copy *ret)
{
	if (g->emergency_cnt > SIPSEAL_EMERGENCY_MAX)
		return -EINVAL;
	memset(ret->emergency, 0, sizeof(ret->emergency));
	for (unsigned i = 0; i < g->emergency_cnt; i++) {
		size_t n = strnlen(g->emergency[i], SIPSEAL_EMERGENCY_LEN);

		ret->emergency[i].len = (__u8)n;
		memcpy(ret->emergency[i].digits, g->emergency[i], n);
	}
	ret->emergency_cnt = (uint8_t)g->emergency_cnt;
	ret->regulatory_enabled = g->regulatory_enabled;
	ret->stale_ns = (uint64_t)g->heartbeat_ms * 1000000u;
	return 0;
}

void entry_copy_close(struct policy_copy *c)
{
	__atomic_store_n(&c->generation, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void entry_copy_open(struct policy_copy *c, uint64_t generation)
{
	/* pairs with the acquire load in policy_copy_get() */
	__atomic_store_n(&c->generation, generation, __ATOMIC_RELEASE);
}

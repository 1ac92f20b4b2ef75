/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "config/credentials.h"
#include "daemon/generation_internal.h"

static int no_memory(struct change *x)
{
	return fault_set(x->f, "internal", "out of memory");
}

static bool is_in_change(const struct change *x, const struct live_trunk *t)
{
	return t->change_seq == x->generation;
}

static int put_begin(struct change *x, struct trunk *trunk)
{
	struct trunk_change *ct = &x->trunks[x->trunk_cnt];
	struct live_trunk *t = live_trunk_find(x->d->live, trunk->name);
	int r;

	if (t && is_in_change(x, t))
		return fault_set(x->f, "invalid", "trunk %s stands in the change twice",
				 trunk->name);
	if (!t) {
		r = live_trunk_new(x->d->live, trunk->name, x->now_ns, x->generation, &t);
		if (r == -ENOSPC)
			return fault_set(x->f, "too_many",
					 "no slot is free for trunk %s (%d in all; one that was "
					 "removed rests "
					 "for %d s)",
					 trunk->name, SIPSEAL_TRUNKS_MAX,
					 (int)(REST_NS / 1000000000));
		if (r < 0)
			return no_memory(x);
		t->trunk = trunk; /* whoever looks at the table meanwhile finds no hole */
		ct->is_new = true;
	}
	t->change_seq = x->generation;
	ct->t = t;
	ct->trunk = trunk;
	x->trunk_cnt++;
	return 0;
}

static int drop_begin(struct change *x, const char *name)
{
	struct live_trunk *t = live_trunk_find(x->d->live, name);

	if (!t)
		return fault_set(x->f, "no_such_trunk", "there is no trunk of that name");
	if (is_in_change(x, t))
		return fault_set(x->f, "invalid", "trunk %s stands in the change twice", name);
	t->change_seq = x->generation;
	x->trunks[x->trunk_cnt++] = (struct trunk_change){ .t = t };
	return 0;
}

int change_trunks_begin(struct change *x)
{
	const struct generation_change *c = x->want;
	char err[ORIGIDS_ERR_LEN] = "";
	int r = 0;

	x->trunks = calloc(c->put_cnt + c->drop_cnt + 1, sizeof(*x->trunks));
	if (!x->trunks)
		return no_memory(x);
	for (size_t i = 0; i < c->drop_cnt && !r; i++)
		r = drop_begin(x, c->drop[i]);
	for (size_t i = 0; i < c->put_cnt && !r; i++)
		r = put_begin(x, c->put[i]);
	if (r || !c->put_cnt)
		return r;
	if (live_cnt(x->d->live) - c->drop_cnt > GATEWAY_TRUNKS_MAX)
		return fault_set(x->f, "too_many",
				 "there are %d trunks already, which is the limit",
				 GATEWAY_TRUNKS_MAX);
	r = origids_give(x->d->origids, c->put, c->put_cnt, err);
	return r < 0 ? fault_set(x->f, "storage", "origid: %s", *err ? err : strerror(-r)) : 0;
}

/* Without memory the tables would differ from what runs, for as long as the daemon lives. */
static void rematch(struct sipseald *d, const struct trunk_change *ct)
{
	uint32_t other;

	if (ct->is_matched && matchset_remove(d->match, ct->t->slot, ct->trunk) < 0)
		log_err("event=undo trunk=%s reason=\"out of memory\"", ct->t->name);
	if (ct->is_unmatched && matchset_add(d->match, ct->t->slot, ct->t->trunk, &other) < 0)
		log_err("event=undo trunk=%s reason=\"out of memory\"", ct->t->name);
}

void change_trunks_undo(struct change *x)
{
	/* new ones out first: they may stand where an old one has to go */
	for (size_t i = 0; i < x->trunk_cnt; i++) {
		struct trunk_change now = x->trunks[i];

		now.is_unmatched = false;
		rematch(x->d, &now);
	}
	for (size_t i = x->trunk_cnt; i-- > 0;) {
		struct trunk_change *ct = &x->trunks[i];

		ct->is_matched = false;
		rematch(x->d, ct);
		ct->t->change_seq = 0;
		if (ct->is_new)
			live_trunk_undo(x->d->live, ct->t);
	}
	x->trunk_cnt = 0;
}

static int overlap(struct change *x, const struct trunk *t, uint32_t other)
{
	const char *name = live_slot_name(x->d->live, other);

	config_report_add(
		&x->f->report, true, &t->pos, "carrier.peers",
		"trunk %s shares a carrier peer and core prefix with trunk %s, allowed: different "
		"core.peers",
		t->name, name ? name : "?");
	return fault_set(x->f, "overlap",
			 "trunk %s shares a carrier peer and core prefix with trunk %s", t->name,
			 name ? name : "?");
}

static int match_add(struct change *x, struct trunk_change *ct)
{
	uint32_t other = 0;
	int r = matchset_add(x->d->match, ct->t->slot, ct->trunk, &other);

	if (r == -EEXIST)
		return overlap(x, ct->trunk, other);
	if (r == -E2BIG)
		return fault_set(x->f, "too_many", "trunk %s: the match tables are full",
				 ct->trunk->name);
	if (r < 0)
		return fault_set(x->f, "internal", "trunk %s: %s", ct->trunk->name, strerror(-r));
	ct->is_matched = true;
	return 0;
}

int change_trunks_match(struct change *x)
{
	int r = 0;

	for (size_t i = 0; i < x->trunk_cnt; i++) {
		struct trunk_change *ct = &x->trunks[i];

		if (ct->is_new)
			continue;
		if (matchset_remove(x->d->match, ct->t->slot, ct->t->trunk) < 0)
			return no_memory(x);
		ct->is_unmatched = true;
	}
	for (size_t i = 0; i < x->trunk_cnt && !r; i++)
		if (x->trunks[i].trunk)
			r = match_add(x, &x->trunks[i]);
	return r;
}

/* Trunks often share one address: what was rendered last is used again. */
struct last_location {
	const struct trunk *of;
	struct pidf_template *p;
};

static int location(struct change *x, const struct trunk *t, struct last_location *last)
{
	struct pidf_template *p = NULL;
	size_t errors = x->f->report.error_cnt;
	int r;

	if (last->of && last->of->geo_pidf == t->geo_pidf &&
	    memcmp(&last->of->civic, &t->civic, sizeof(t->civic)) == 0)
		return 0;
	r = assemble_location(t, &p, &x->f->report);
	if (r < 0)
		return no_memory(x);
	if (x->f->report.error_cnt != errors) {
		free(p);
		return fault_set(x->f, "invalid", "the address of trunk %s cannot be used",
				 t->name);
	}
	free(last->p);
	*last = (struct last_location){ .of = t, .p = p };
	return 0;
}

static uint32_t line_of(const struct trunk_change *ct)
{
	const struct trunk *t = ct->trunk;

	if (t->attestation == ATTEST_NONE)
		return POLICY_CREDENTIAL_NONE;
	return cert_config_is_complete(&t->cert) ? ct->credential->index : LIVE_LINE_GATEWAY;
}

static int put_one(struct change *x, const struct trunk_change *ct, struct last_location *last)
{
	struct compile_trunk c = { .trunk = ct->trunk,
				   .slot = ct->t->slot,
				   .credential = POLICY_CREDENTIAL_NONE };
	int r;

	if (!ct->trunk)
		r = image_trunk_drop(x->d->image, ct->t->slot);
	else if (ct->trunk->has_geolocation && (r = location(x, ct->trunk, last)) < 0)
		return r;
	else {
		c.credential = line_of(ct);
		c.location = ct->trunk->has_geolocation ? last->p : NULL;
		r = image_trunk_put(x->d->image, &c);
	}
	if (r == -ENOSPC)
		return fault_set(x->f, "too_many", "trunk %s: the policy is full", ct->t->name);
	return r < 0 ? fault_set(x->f, "internal", "trunk %s: policy: %s", ct->t->name,
				 strerror(-r))
		     : 0;
}

/* A slot gets another trunk.  Nobody uses it: it has rested, and the new one is not live yet. */
static void slot_clean(struct change *x, uint32_t slot)
{
	if (x->d->live->slots[slot].name) /* else nobody was here before */
		counts_trunk_reset(&x->d->counts, slot);
	if (!x->is_first && bpfgw_limiter_reset(x->d->bpf, slot) < 0)
		log_warning("event=limiter slot=%u reason=\"cannot be reset\"", slot);
}

int change_trunks_put(struct change *x)
{
	struct last_location last = { 0 };
	int r = 0;

	for (size_t i = 0; i < x->trunk_cnt && !r; i++) {
		r = put_one(x, &x->trunks[i], &last);
		if (!r && x->trunks[i].is_new)
			slot_clean(x, x->trunks[i].t->slot);
	}
	free(last.p);
	return r;
}

void change_trunks_apply(struct change *x)
{
	for (size_t i = 0; i < x->trunk_cnt; i++) {
		struct trunk_change *ct = &x->trunks[i];

		ct->t->change_seq = 0;
		if (!ct->trunk) {
			live_trunk_drop(x->d->live, ct->t, x->now_ns, x->generation);
			continue;
		}
		if (!ct->is_new)
			trunk_free(ct->t->trunk);
		ct->t->trunk = ct->trunk;
		ct->t->credential = ct->credential;
	}
}

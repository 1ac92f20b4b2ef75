// SPDX-License-Identifier: BSD-2-Clause
#include "trunk/compile.h"

#include <errno.h>
#include <string.h>

#include "trunk/entry.h"

/* Each template once, by address. */
struct locations {
	struct location {
		const struct pidf_template *p;
		struct policy_ref ref;
	} *v;
	size_t cnt;
};

static int by_address(const void *a, const void *b)
{
	const struct location *x = a, *y = b;

	return x->p < y->p ? -1 : x->p > y->p;
}

/* Trunks share templates (a `defaults` address): 100,000 copies of 4 KiB would be 400 MB. */
static void put_locations(struct entry_writer *w, const struct compile_input *in, struct locations *l)
{
	size_t n = 0;

	l->v = calloc(in->trunk_cnt + 1, sizeof(*l->v));
	if (!l->v) {
		entry_fail(w, -ENOMEM);
		return;
	}
	for (size_t i = 0; i < in->trunk_cnt; i++) {
		if (in->trunks[i].location)
			l->v[n++].p = in->trunks[i].location;
	}
	qsort(l->v, n, sizeof(*l->v), by_address);
	for (size_t i = 0; i < n; i++) {
		if (l->cnt && l->v[l->cnt - 1].p == l->v[i].p)
			continue;
		l->v[l->cnt].p = l->v[i].p;
		l->v[l->cnt++].ref = entry_append(w, l->v[i].p, sizeof(struct pidf_template));
	}
}

static struct policy_ref location_ref(const struct locations *l, const struct pidf_template *p)
{
	const struct location key = { .p = p }, *found;

	found = bsearch(&key, l->v, l->cnt, sizeof(key), by_address);
	return found ? found->ref : (struct policy_ref){ 0, 0 };
}

static void put_trunk(struct entry_writer *w, const struct compile_trunk *ct, const struct locations *l,
		      struct policy_trunk *ret)
{
	struct entry_trunk e;
	int r = entry_trunk_init(&e, ct);

	if (r < 0) {
		entry_fail(w, r);
		return;
	}
	entry_trunk_emit(w, &e, ret);
	entry_trunk_done(&e);
	if (ct->location) {
		ret->location = location_ref(l, ct->location);
		ret->has_location = 1;
	}
}

static struct policy_ref put_trunks(struct entry_writer *w, const struct compile_input *in, uint32_t slots,
				    const struct locations *l)
{
	struct policy_ref ref = entry_reserve(w, slots * sizeof(struct policy_trunk));
	struct policy_trunk *table = NULL;

	if (w->base && ref.len) {
		table = (struct policy_trunk *)(w->base + ref.off);
		memset(table, 0, ref.len);
	}
	for (size_t i = 0; i < in->trunk_cnt && !w->error; i++) {
		struct policy_trunk p = { 0 };

		put_trunk(w, &in->trunks[i], l, &p);
		if (!table)
			continue;
		if (table[in->trunks[i].slot].is_used)
			entry_fail(w, -EINVAL);
		table[in->trunks[i].slot] = p;
	}
	return ref;
}

static struct policy_ref put_credentials(struct entry_writer *w, const struct compile_input *in)
{
	struct policy_ref ref = entry_reserve(w, in->credential_cnt * sizeof(struct policy_credential));

	for (size_t i = 0; i < in->credential_cnt && !w->error; i++) {
		struct policy_credential p = { 0 };

		entry_credential_emit(w, &in->credentials[i], &p);
		if (w->base && !w->error)
			memcpy(w->base + ref.off + i * sizeof(p), &p, sizeof(p));
	}
	return ref;
}

static int check_input(const struct compile_input *in, uint32_t *ret_slots)
{
	uint32_t slots = 0;

	if (!in->generation)
		return -EINVAL;
	for (size_t i = 0; i < in->trunk_cnt; i++) {
		const struct compile_trunk *ct = &in->trunks[i];

		if (ct->slot >= ENTRY_SLOTS_MAX)
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
	struct entry_writer w = { .base = (char *)dst, .used = sizeof(*dst),
				  .cap = dst && cap < UINT32_MAX ? cap : UINT32_MAX };
	struct policy_copy head = { 0 };
	struct locations l = { 0 };
	uint32_t slots = 0;
	int r = check_input(in, &slots);

	if (r < 0 || (r = entry_gateway_emit(in->gateway, &head)) < 0)
		return r;
	if (dst && (cap < sizeof(head) || (uintptr_t)dst % 8))
		return cap < sizeof(head) ? -ENOSPC : -EINVAL;
	if (dst)
		entry_copy_close(dst);
	head.credential_cnt = (uint32_t)in->credential_cnt;
	head.trunk_cnt = slots;
	head.credentials = put_credentials(&w, in);
	put_locations(&w, in, &l);
	head.trunks = put_trunks(&w, in, slots, &l);
	free(l.v);
	if (w.error)
		return w.error;
	head.len = w.used;
	if (dst) {
		*dst = head; /* its generation is 0 */
		entry_copy_open(dst, in->generation);
	}
	return (ssize_t)w.used;
}

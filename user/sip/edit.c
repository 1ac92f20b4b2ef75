/* SPDX-License-Identifier: BSD-2-Clause */
#include "sip/edit.h"

#include <assert.h>
#include <errno.h>

int sip_edits_add(struct sip_edits *e, size_t off, size_t del, struct slice text)
{
	if (e->cnt == SIP_EDITS_MAX || off > UINT32_MAX || del > UINT32_MAX)
		return -E2BIG;
	e->is_sealed = false;
	e->e[e->cnt++] = (struct sip_edit){ (uint32_t)off, (uint32_t)del, text };
	return 0;
}

/* Stable; a call has ten edits that come nearly in order, so insertion is the fast sort here. */
static void sort_by_offset(struct sip_edits *e)
{
	for (unsigned i = 1; i < e->cnt; i++) {
		struct sip_edit x = e->e[i];
		unsigned j = i;

		for (; j > 0 && e->e[j - 1].off > x.off; j--)
			e->e[j] = e->e[j - 1];
		e->e[j] = x;
	}
}

/*
 * Insertions may share an offset with one edit that deletes there, before or after it; all else
 * that touches deleted bytes is an overlap.
 */
int sip_edits_seal(struct sip_edits *e, size_t src_len, size_t max)
{
	size_t deleted_to = 0, group_off = 0, deleted = 0, added = 0;

	sort_by_offset(e);
	for (unsigned i = 0; i < e->cnt; i++) {
		const struct sip_edit *x = &e->e[i];
		bool in_group = i > 0 && x->off == group_off;

		if (x->off > src_len || x->del > src_len - x->off)
			return -EINVAL;
		if (x->off < deleted_to && (!in_group || x->del))
			return -EINVAL;
		group_off = x->off;
		if (x->del)
			deleted_to = (size_t)x->off + x->del;
		deleted += x->del;
		if (__builtin_add_overflow(added, x->text.len, &added))
			return -E2BIG;
	}
	if (added > max || src_len - deleted > max - added)
		return -E2BIG;
	e->src_len = src_len;
	e->out_len = src_len - deleted + added;
	e->is_sealed = true;
	return 0;
}

static char *put(char *dst, const char *p, size_t len)
{
	if (len)
		memcpy(dst, p, len);
	return dst + len;
}

ssize_t sip_edits_emit(const struct sip_edits *e, struct slice src, char *dst, size_t cap)
{
	size_t pos = 0;

	assert(e->is_sealed && e->src_len == src.len);
	if (cap < e->out_len)
		return -ENOSPC;
	for (unsigned i = 0; i < e->cnt; i++) {
		const struct sip_edit *x = &e->e[i];

		/* pos is beyond off where an insertion follows a deletion at the same offset */
		if (x->off > pos) {
			dst = put(dst, src.p + pos, x->off - pos);
			pos = x->off;
		}
		dst = put(dst, x->text.p, x->text.len);
		if (x->del)
			pos = (size_t)x->off + x->del;
	}
	put(dst, src.p + pos, src.len - pos);
	return (ssize_t)e->out_len;
}

// SPDX-License-Identifier: BSD-2-Clause
/* a table that cannot grow leaves hh.tbl NULL instead of ending the process */
#define HASH_NONFATAL_OOM 1
#include "trunk/locations.h"

#include <errno.h>
#include <string.h>
#include <utlist.h>

static int add(struct locations *ls, struct heap *h, struct policy_copy *c,
	       const struct pidf_template *p, struct location **ret)
{
	CLEANUP(freep) struct location *l = calloc(1, sizeof(*l));
	char *bytes;
	int r;

	if (!l)
		return -ENOMEM;
	if ((r = heap_block_new(h, sizeof(*p), &l->block)) < 0)
		return r;
	bytes = (char *)c + l->block->off;
	memcpy(bytes, p, sizeof(*p));
	l->is_new = true;
	HASH_ADD_KEYPTR(hh, ls->by_content, bytes, sizeof(*p), l);
	if (!l->hh.tbl) {
		heap_block_free(h, l->block);
		return -ENOMEM;
	}
	DL_APPEND(ls->waiting, l);
	ls->waiting_len += l->block->len;
	*ret = TAKE(l);
	return 0;
}

int locations_get(struct locations *ls, struct heap *h, struct policy_copy *c,
		  const struct pidf_template *p, struct location **ret)
{
	struct pidf_template key = { .len = p->len, .hole_cnt = p->hole_cnt };
	struct location *l;

	if (key.len > PIDF_TEMPLATE_MAX || key.hole_cnt > PIDF_HOLES_MAX)
		return -EINVAL;
	/* what lies behind the text and the holes makes no difference */
	memcpy(key.holes, p->holes, key.hole_cnt * sizeof(key.holes[0]));
	memcpy(key.text, p->text, key.len);
	HASH_FIND(hh, ls->by_content, &key, sizeof(key), l);
	if (!l)
		return add(ls, h, c, &key, ret);
	*ret = l;
	return 0;
}

void location_hold(struct locations *ls, struct location *l)
{
	if (!l || l->users++)
		return;
	DL_DELETE(ls->waiting, l);
	ls->waiting_len -= l->block->len;
}

void location_release(struct locations *ls, struct location *l)
{
	if (!l || --l->users)
		return;
	DL_APPEND(ls->waiting, l);
	ls->waiting_len += l->block->len;
}

void locations_sweep(struct locations *ls, struct heap *h)
{
	struct location *l, *tmp;

	DL_FOREACH_SAFE(ls->waiting, l, tmp)
	{
		DL_DELETE(ls->waiting, l);
		HASH_DELETE(hh, ls->by_content, l);
		ls->waiting_len -= l->block->len;
		heap_block_free(h, l->block);
		free(l);
	}
}

uint32_t locations_cnt(const struct locations *ls)
{
	const struct location *l;
	uint32_t waiting = 0;

	DL_COUNT(ls->waiting, l, waiting);
	return HASH_COUNT(ls->by_content) - waiting;
}

void locations_done(struct locations *ls)
{
	struct location *l, *tmp;

	HASH_ITER(hh, ls->by_content, l, tmp)
	{
		HASH_DELETE(hh, ls->by_content, l);
		free(l);
	}
	ls->waiting = NULL;
}

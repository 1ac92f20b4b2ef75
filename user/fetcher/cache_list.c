/* SPDX-License-Identifier: BSD-2-Clause */
/* What `sipseal cert cache` and `sipseal status` show. */
#include <errno.h>
#include <stdio.h>

#include "fetcher/cache.h"

/* Where records go: one at a time, into memory of the one who asks. */
struct sheet {
	int fd;
	uint32_t cnt, max;
	int error;
};

static void sheet_add(struct sheet *s, const void *record, size_t len)
{
	ssize_t n;

	if (s->error || s->cnt == s->max)
		return;
	n = pwrite(s->fd, record, len, (off_t)(s->cnt * len));
	if (n == (ssize_t)len)
		s->cnt++;
	else
		s->error = n < 0 ? -errno : -ENOSPC;
}

/* Zero behind the text: the one who asks gets no bytes of other records. */
static void text_put(char *dst, size_t cap, struct slice text)
{
	size_t len = text.len < cap - 1 ? text.len : cap - 1;

	memset(dst, 0, cap);
	for (size_t i = 0; i < len; i++)
		dst[i] = text.p[i] >= ' ' && text.p[i] <= '~' ? text.p[i] : '?';
}

/* Return: false: nothing is known of it any more. */
static bool entry_fill(const struct cache *c, struct note *note, int64_t now_s, struct fetcher_entry *ret)
{
	struct slice url = note_url(note);
	struct verdict v = { 0 };

	memset(ret, 0, sizeof(*ret));
	ret->kind = (uint8_t)verdict_find(c->region, url, now_s, &v);
	ret->is_running = note_of(note)->is_running;
	if (ret->kind == VERDICT_UNKNOWN && !ret->is_running)
		return false;
	text_put(ret->x5u, sizeof(ret->x5u), url);
	text_put(ret->spc, sizeof(ret->spc), slice_str(v.spc));
	text_put(ret->subject, sizeof(ret->subject), slice_str(v.subject));
	text_put(ret->text, sizeof(ret->text), slice_str(note_text(note)));
	ret->reason = v.reason;
	ret->code = v.code;
	ret->is_stored = c->store && store_has(c->store, url);
	ret->fetched_at = v.fetched_at;
	ret->expires_at = v.expires_at;
	ret->not_after = v.not_after;
	return true;
}

/* A round of judging goes from the newest chain to the oldest, so notes alone do not tell which came last. */
struct line {
	struct note *note;
	int64_t at;
	uint32_t order;
};

static int newer(const void *a, const void *b)
{
	const struct line *x = a, *y = b;

	if (x->at != y->at)
		return x->at > y->at ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* Return: how many there are; *ret is malloc'd.  -ENOMEM. */
static int lines_sort(const struct cache *c, int64_t now_s, struct line **ret)
{
	CLEANUP(freep) struct line *all = malloc(NOTES_MAX * sizeof(*all));
	struct notes_walk w = { 0 };
	struct fetcher_entry e;
	struct note *note;
	uint32_t cnt = 0;

	if (!all)
		return -ENOMEM;
	while (cnt < NOTES_MAX && (note = notes_next(c->notes, &w)))
		if (entry_fill(c, note, now_s, &e)) {
			all[cnt] = (struct line){ note, e.is_running ? note_of(note)->tried_at : e.fetched_at, cnt };
			cnt++;
		}
	qsort(all, cnt, sizeof(*all), newer);
	*ret = TAKE(all);
	return (int)cnt;
}

static int list_all(const struct cache *c, struct sheet *s, uint32_t skip, int64_t now_s)
{
	CLEANUP(freep) struct line *all = NULL;
	struct fetcher_entry e;
	int total = lines_sort(c, now_s, &all);

	for (uint32_t i = skip; total > 0 && i < (uint32_t)total && s->cnt < s->max && !s->error; i++)
		if (entry_fill(c, all[i].note, now_s, &e))
			sheet_add(s, &e, sizeof(e));
	return total;
}

int cache_list(struct cache *c, int fd, uint32_t max, struct slice url, uint32_t skip, int64_t now_s,
	       uint32_t *ret_cnt, uint32_t *ret_total)
{
	struct sheet s = { .fd = fd, .max = max };
	struct fetcher_entry e;
	struct note *note;
	int total = 0;

	if (url.len == 0) {
		total = list_all(c, &s, skip, now_s);
	} else if ((note = notes_get(c->notes, url)) && entry_fill(c, note, now_s, &e)) {
		sheet_add(&s, &e, sizeof(e));
		total = 1;
	}
	if (s.error || total < 0)
		return s.error ? s.error : total;
	*ret_cnt = s.cnt;
	*ret_total = (uint32_t)total;
	return 0;
}

int cache_hosts(const struct cache *c, int fd, uint32_t max, uint32_t *ret_cnt, uint32_t *ret_total)
{
	CLEANUP(freep) struct fetch_host *all = calloc(FETCHER_RECORDS_MAX, sizeof(*all));
	struct sheet s = { .fd = fd, .max = max };
	struct fetcher_host h;
	unsigned cnt;

	if (!all)
		return -ENOMEM;
	cnt = fetch_hosts(c->fetch, all, FETCHER_RECORDS_MAX);
	for (unsigned i = 0; i < cnt; i++) {
		memset(&h, 0, sizeof(h));
		text_put(h.host, sizeof(h.host), slice_str(all[i].host));
		text_put(h.last_error, sizeof(h.last_error), slice_str(all[i].last_error));
		h.ok = all[i].ok;
		h.failed = all[i].failed;
		sheet_add(&s, &h, sizeof(h));
	}
	if (s.error)
		return s.error;
	*ret_cnt = s.cnt;
	*ret_total = cnt;
	return 0;
}

void cache_stats(const struct cache *c, struct fetcher_stats *ret)
{
	struct verdict_usage v;
	struct store_usage s = { 0 };

	verdict_usage(c->writer, &v);
	if (c->store)
		store_usage(c->store, &s);
	*ret = (struct fetcher_stats){
		.good = v.good, .bad = v.bad, .evicted_good = v.evicted_good, .evicted_bad = v.evicted_bad,
		.stored = s.files, .loading = c->left, .stored_bytes = s.bytes, .store_errors = s.errors,
		.fetched = c->fetched, .failed = c->failed, .over_budget = c->over_budget,
	};
}

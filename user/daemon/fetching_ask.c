/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/fetching_internal.h"
#include "daemon/shm.h"

#define TIME_MAX_S 253402300799 /* the end of the year 9999 */

/* ---- nothing of what it says is believed ---- */

static void text_clean(char *s, size_t cap)
{
	size_t i;

	for (i = 0; i + 1 < cap && s[i]; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			s[i] = '?';
	memset(s + i, 0, cap - i);
}

#define TEXT_CLEAN(a) text_clean(a, sizeof(a))

static void time_clean(int64_t *t)
{
	if (*t < 0 || *t > TIME_MAX_S)
		*t = 0;
}

/* JSON has no larger ones. */
static void number_clean(uint64_t *n)
{
	if (*n > INT64_MAX)
		*n = INT64_MAX;
}

static void most(uint32_t *n, uint32_t max)
{
	if (*n > max)
		*n = max;
}

static void stats_clean(struct fetcher_stats *s)
{
	most(&s->good, VERDICT_GOOD_MAX);
	most(&s->bad, VERDICT_BAD_MAX);
	most(&s->stored, VERDICT_GOOD_MAX);
	most(&s->loading, VERDICT_GOOD_MAX);
	most(&s->running, VERDICT_GOOD_MAX);
	number_clean(&s->evicted_good);
	number_clean(&s->evicted_bad);
	number_clean(&s->stored_bytes);
	number_clean(&s->store_errors);
	number_clean(&s->fetched);
	number_clean(&s->failed);
	number_clean(&s->over_budget);
	time_clean(&s->crl_at);
	time_clean(&s->crl_next_update);
	TEXT_CLEAN(s->crl_error);
}

/* Return: false: no record at all. */
static bool entry_clean(struct fetcher_entry *e)
{
	bool is_bad = e->kind == VERDICT_BAD;

	TEXT_CLEAN(e->x5u);
	TEXT_CLEAN(e->spc);
	TEXT_CLEAN(e->subject);
	TEXT_CLEAN(e->text);
	if (!e->x5u[0] || e->kind > VERDICT_BAD)
		return false;
	if (is_bad && (e->reason < SR_XDP_MAX || e->reason >= SR_MAX))
		return false;
	e->reason = is_bad ? e->reason : 0;
	e->code = is_bad && (e->code == 436 || e->code == 437) ? e->code : 0;
	e->is_stored = !!e->is_stored;
	e->is_running = !!e->is_running;
	time_clean(&e->fetched_at);
	time_clean(&e->expires_at);
	time_clean(&e->not_after);
	return true;
}

static bool host_clean(struct fetcher_host *h)
{
	TEXT_CLEAN(h->host);
	TEXT_CLEAN(h->last_error);
	number_clean(&h->ok);
	number_clean(&h->failed);
	return h->host[0];
}

/* ---- questions ---- */

/* What the words of the header stand for. */
static int ask(struct fetching *f, struct fetcher_msg *m, const int *fds, unsigned fd_cnt, char *reterr)
{
	struct fetcher_msg ret;
	int r;

	if (!f) {
		snprintf(reterr, FETCHING_ERR_LEN, "no certificates.trust_anchors are configured: there is no fetcher");
		return -ENOTCONN;
	}
	r = fetching_call(f, m, fds, fd_cnt, &ret, reterr);
	*m = r >= 0 ? ret : *m;
	if (r == 0)
		return 0;
	if (r < 0)
		return r == -ENOTCONN || r == -ETIMEDOUT ? r : -EPIPE;
	return ret.head.error == -ENOENT ? -ENOENT : ret.head.error == -EAGAIN ? -EAGAIN : -EINVAL;
}

static int url_set(char dst[PASSPORT_X5U_MAX + 1], const char *x5u, char *reterr)
{
	size_t len = strlen(x5u);

	if (len > PASSPORT_X5U_MAX) {
		snprintf(reterr, FETCHING_ERR_LEN, "the URL has %zu bytes, %d is the limit", len, PASSPORT_X5U_MAX);
		return -EINVAL;
	}
	memcpy(dst, x5u, len + 1);
	return 0;
}

int fetching_stats(struct fetching *f, struct fetcher_stats *ret, char reterr[FETCHING_ERR_LEN])
{
	struct fetcher_msg m = { .head.type = FETCHER_STATUS };
	int r = ask(f, &m, NULL, 0, reterr);

	if (r < 0)
		return r;
	*ret = m.result.stats;
	stats_clean(ret);
	return 0;
}

/* One question whose answer is records of @size bytes in a memfd.  They are copied before anybody looks.
 * Return: their number (*ret is malloc'd); *ret_total as it says. */
static int ask_records(struct fetching *f, struct fetcher_msg *m, size_t size, void **ret, uint32_t *ret_total,
		       char *reterr)
{
	CLEANUP(closep) int fd = -1;
	size_t len = FETCHER_RECORDS_MAX * size;
	uint32_t cnt = 0;
	void *map, *copy = NULL;
	int r;

	fd = shm_memfd("sipseal-records", len, 0, &map);
	if (fd < 0) {
		snprintf(reterr, FETCHING_ERR_LEN, "memory for the answer: %s", strerror(-fd));
		return fd;
	}
	r = ask(f, m, &fd, 1, reterr);
	if (r == 0) {
		cnt = m->result.cnt;
		most(&cnt, FETCHER_RECORDS_MAX);
		copy = malloc(cnt * size + 1);
		r = copy ? (int)cnt : -ENOMEM;
		if (!copy)
			snprintf(reterr, FETCHING_ERR_LEN, "out of memory");
	}
	if (copy)
		memcpy(copy, map, cnt * size);
	munmap(map, len);
	if (r < 0)
		return r;
	*ret = copy;
	*ret_total = m->result.total;
	return r;
}

int fetching_list(struct fetching *f, const char *x5u, uint32_t skip, struct fetcher_entry **ret, uint32_t *ret_cnt,
		  uint32_t *ret_total, char reterr[FETCHING_ERR_LEN])
{
	struct fetcher_msg m = { .head.type = FETCHER_LIST };
	struct fetcher_entry *all = NULL;
	uint32_t cnt = 0, total = 0;
	int n = url_set(m.list.x5u, x5u, reterr);

	m.list.skip = skip;
	if (n < 0 || (n = ask_records(f, &m, sizeof(*all), (void **)&all, &total, reterr)) < 0)
		return n;
	for (int i = 0; i < n; i++)
		if (entry_clean(&all[i]))
			all[cnt++] = all[i];
	/* those of the region, those of the disk, those on their way */
	most(&total, 2 * VERDICT_GOOD_MAX + VERDICT_BAD_MAX);
	*ret = all;
	*ret_cnt = cnt;
	*ret_total = total < cnt ? cnt : total;
	return 0;
}

int fetching_hosts(struct fetching *f, struct fetcher_host **ret, uint32_t *ret_cnt, char reterr[FETCHING_ERR_LEN])
{
	struct fetcher_msg m = { .head.type = FETCHER_HOSTS };
	struct fetcher_host *all = NULL;
	uint32_t cnt = 0, total = 0;
	int n = ask_records(f, &m, sizeof(*all), (void **)&all, &total, reterr);

	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		if (host_clean(&all[i]))
			all[cnt++] = all[i];
	*ret = all;
	*ret_cnt = cnt;
	return 0;
}

static int ask_url(struct fetching *f, enum fetcher_type type, const char *x5u, char *reterr)
{
	struct fetcher_msg m = { .head.type = type };
	int r = url_set(m.x5u, x5u, reterr);

	return r < 0 ? r : ask(f, &m, NULL, 0, reterr);
}

int fetching_prefetch(struct fetching *f, const char *x5u, char reterr[FETCHING_ERR_LEN])
{
	return ask_url(f, FETCHER_PREFETCH, x5u, reterr);
}

int fetching_flush(struct fetching *f, const char *x5u, char reterr[FETCHING_ERR_LEN])
{
	return ask_url(f, FETCHER_FLUSH, x5u, reterr);
}

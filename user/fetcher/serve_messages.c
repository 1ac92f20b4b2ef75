/* SPDX-License-Identifier: BSD-2-Clause */
/* What the daemon may say, and when. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fetcher/sandbox.h"
#include "fetcher/serve_internal.h"

#define ANCHORS_MAX (4u << 20)
#define START_MS 300 /* of FETCHING_TIMEOUT_MS, which the daemon waits for an answer */

/* A message at work: descriptors that are not taken are closed behind it. */
struct call {
	struct serve *s;
	const struct fetcher_msg *m;
	int *fds;
	unsigned fd_cnt;
	int64_t now_s;
	struct fetcher_msg *ret;
};

static int fail(struct call *c, int r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int fail(struct call *c, int r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->ret->result.text, sizeof(c->ret->result.text), fmt, ap);
	va_end(ap);
	return r;
}

/* ---- hand-over ---- */

static int map(int fd, uint64_t len, void **ret)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!len || (uint64_t)st.st_size != len)
		return -EINVAL;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

static bool is_text(const char *s, size_t cap)
{
	return memchr(s, '\0', cap);
}

static int wants_map(struct wants *w, int fd, uint64_t len, uint32_t workers)
{
	void *p;
	int r;

	if (!workers || workers > SERVE_WORKERS_MAX || len != workers * sizeof(struct verdict_wants))
		return -EINVAL;
	w->tails = calloc(workers, sizeof(*w->tails));
	if (!w->tails)
		return -ENOMEM;
	r = map(fd, len, &p);
	if (r < 0)
		return r;
	w->rings = p;
	w->cnt = workers;
	for (unsigned i = 0; i < workers; i++)
		w->tails[i] = atomic_load_explicit(&w->rings[i].tail, memory_order_acquire);
	return 0;
}

static int hello_fetch(struct call *c)
{
	const __typeof__(c->m->hello) *h = &c->m->hello;
	struct fetch_config cfg = { .rules.allow_private = h->allow_private,
				    .timeout_ms = h->timeout_ms,
				    .https_ca = h->https_ca[0] ? h->https_ca : NULL };
	int r = fetch_new(&cfg, serve_fetched, c->s, &c->s->fetch);

	if (r < 0 && cfg.https_ca)
		return fail(c, r, "fetch.https_ca %s cannot be read by the fetcher's user, or libcurl does not start",
			    h->https_ca);
	return r < 0 ? fail(c, r, "libcurl does not start") : 0;
}

static int hello(struct call *c)
{
	const __typeof__(c->m->hello) *h = &c->m->hello;
	struct serve *s = c->s;
	void *region;
	int r;

	if (s->region || c->fd_cnt != 2 || h->verdicts_len != verdict_region_size() ||
	    !is_text(h->https_ca, sizeof(h->https_ca)) || !is_text(h->crl_url, sizeof(h->crl_url)) ||
	    h->timeout_ms < 100 || h->timeout_ms > 10000)
		return fail(c, -EINVAL, "a HELLO that cannot be");
	r = map(c->fds[0], h->verdicts_len, &region);
	if (r < 0)
		return fail(c, r, "memory of verdicts: %s", strerror(-r));
	s->region = region;
	r = wants_map(&s->wants, c->fds[1], h->wants_len, h->workers);
	if (r < 0)
		return fail(c, r, "memory of wants: %s", strerror(-r));
	r = verdict_writer_new(s->region, &s->writer);
	if (r < 0 || notes_new(&s->cache.notes) < 0)
		return fail(c, r < 0 ? r : -ENOMEM, "no memory or no random numbers");
	s->trust.cfg = (struct judge_config){ .want_tnauthlist = h->want_tnauthlist,
					      .has_crl = h->has_crl,
					      .crl_policy = h->is_crl_hard ? CRL_HARD : CRL_SOFT };
	memcpy(s->crl.url, h->crl_url, sizeof(s->crl.url));
	s->trust.has_crl_url = h->crl_url[0];
	r = hello_fetch(c);
	s->cache.region = s->region;
	s->cache.writer = s->writer;
	s->cache.trust = &s->trust;
	s->cache.fetch = s->fetch;
	return r;
}

/* A whole file, from its beginning. */
static int read_all(int fd, size_t max, char **ret, size_t *ret_len)
{
	CLEANUP(freep) char *buf = NULL;
	struct stat st;
	size_t len = 0;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
		return -EFBIG;
	buf = malloc((size_t)st.st_size + 1);
	if (!buf)
		return -ENOMEM;
	while (len < (size_t)st.st_size && (n = pread(fd, buf + len, (size_t)st.st_size - len, (off_t)len)) != 0) {
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	*ret = TAKE(buf);
	*ret_len = len;
	return 0;
}

static int anchors(struct call *c)
{
	CLEANUP(freep) char *pem = NULL;
	char text[TRUST_TEXT_MAX] = "";
	size_t len;
	int r;

	if (!c->s->region || c->fd_cnt != 1)
		return fail(c, -EINVAL, "ANCHORS that cannot be");
	r = read_all(c->fds[0], ANCHORS_MAX, &pem, &len);
	if (r < 0)
		return fail(c, r, "trust anchors cannot be read: %s", strerror(-r));
	r = trust_anchors(&c->s->trust, pem, len, c->now_s, text);
	if (r < 0)
		return fail(c, r, "trust anchors: %s", text);
	if (!c->s->is_started)
		return 0;
	c->s->crl.due_ns = 0; /* they may vouch for another list */
	cache_rejudge(&c->s->cache, c->now_s);
	return 0;
}

static int crl(struct call *c)
{
	CLEANUP(freep) char *data = NULL;
	size_t len;
	int r;

	if (!c->s->trust.judge || c->fd_cnt != 1)
		return fail(c, -EINVAL, "a CRL that cannot be");
	r = read_all(c->fds[0], JUDGE_CRL_MAX, &data, &len);
	if (r < 0) {
		trust_crl_fail(&c->s->trust, strerror(-r));
		return fail(c, r, "the CRL cannot be read: %s", strerror(-r));
	}
	r = trust_crl(&c->s->trust, data, len, c->now_s);
	if (r < 0)
		return fail(c, r == -EBADMSG ? -EINVAL : r, "the CRL is refused: %s", c->s->trust.crl_error);
	if (r > 0 && c->s->is_started)
		serve_crl_new(c->s, c->now_s);
	return 0;
}

static int cache(struct call *c)
{
	struct stat st;
	int fd, r;

	if (!c->s->region || c->s->is_started || c->s->cache.store || c->fd_cnt != 1)
		return fail(c, -EINVAL, "a CACHE that cannot be");
	if (fstat(c->fds[0], &st) < 0 || !S_ISDIR(st.st_mode))
		return fail(c, -ENOTDIR, "the cache directory is none");
	fd = c->fds[0];
	c->fd_cnt = 0; /* the store's from here on */
	r = store_open(fd, &c->s->cache.store);
	if (r < 0)
		/* calls are verified without it: a warning */
		return fail(c, 0, "the cache directory cannot be used: %s; nothing is kept on disk", strerror(-r));
	c->s->cache_fd = fd;
	return 0;
}

static int start(struct call *c)
{
	struct serve *s = c->s;
	int r;

	if (!s->trust.judge || !s->fetch || s->is_started)
		return fail(c, -EINVAL, "a START that cannot be");
	r = sandbox_close(s->cache_fd);
	if (r < 0)
		return fail(c, r, "seccomp: %s", strerror(-r));
	s->is_started = true;
	cache_rejudge(&s->cache, c->now_s);
	cache_work(&s->cache, START_MS, c->now_s);
	return 0;
}

/* ---- later ---- */

static int prefetch(struct call *c)
{
	const char *why = "";
	int r;

	if (!is_text(c->m->x5u, sizeof(c->m->x5u)) || !c->m->x5u[0])
		return fail(c, -EINVAL, "no URL");
	r = cache_prefetch(&c->s->cache, slice_str(c->m->x5u), c->now_s, &why);
	return r < 0 ? fail(c, r, "%s", why) : 0;
}

static int flush(struct call *c)
{
	int r;

	if (!is_text(c->m->x5u, sizeof(c->m->x5u)))
		return fail(c, -EINVAL, "no URL");
	r = cache_flush(&c->s->cache, slice_str(c->m->x5u));
	return r < 0 ? fail(c, r, "nothing is known of this URL") : 0;
}

/* How many records of @size the memory that came takes; an empty one grows. */
static uint32_t room(int fd, size_t size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return 0;
	if (st.st_size == 0 || (uint64_t)st.st_size / size > FETCHER_RECORDS_MAX)
		return FETCHER_RECORDS_MAX;
	return (uint32_t)((uint64_t)st.st_size / size);
}

static int list(struct call *c)
{
	const __typeof__(c->m->list) *l = &c->m->list;
	int r;

	if (c->fd_cnt != 1 || !is_text(l->x5u, sizeof(l->x5u)))
		return fail(c, -EINVAL, "a LIST that cannot be");
	r = cache_list(&c->s->cache, c->fds[0], room(c->fds[0], sizeof(struct fetcher_entry)), slice_str(l->x5u),
		       l->skip, c->now_s, &c->ret->result.cnt, &c->ret->result.total);
	return r < 0 ? fail(c, r, "records cannot be written: %s", strerror(-r)) : 0;
}

static int hosts(struct call *c)
{
	int r;

	if (c->fd_cnt != 1)
		return fail(c, -EINVAL, "HOSTS without memory");
	r = cache_hosts(&c->s->cache, c->fds[0], room(c->fds[0], sizeof(struct fetcher_host)), &c->ret->result.cnt,
			&c->ret->result.total);
	return r < 0 ? fail(c, r, "records cannot be written: %s", strerror(-r)) : 0;
}

static int status(struct call *c)
{
	const struct trust *t = &c->s->trust;
	struct fetcher_stats *st = &c->ret->result.stats;

	cache_stats(&c->s->cache, st);
	st->running = c->s->running;
	st->crl_at = t->crl_at;
	st->crl_next_update = t->crl_next_update;
	memcpy(st->crl_error, t->crl_error, sizeof(st->crl_error));
	return 0;
}

static const struct {
	int (*fn)(struct call *c);
	bool is_later;
} calls[] = {
	[FETCHER_HELLO] = { hello, false }, [FETCHER_ANCHORS] = { anchors, false },
	[FETCHER_CRL] = { crl, false },	    [FETCHER_CACHE] = { cache, false },
	[FETCHER_START] = { start, false }, [FETCHER_PREFETCH] = { prefetch, true },
	[FETCHER_FLUSH] = { flush, true },  [FETCHER_LIST] = { list, true },
	[FETCHER_HOSTS] = { hosts, true },  [FETCHER_STATUS] = { status, true },
};

void serve_take(struct serve *s, const struct fetcher_msg *m, int *fds, unsigned fd_cnt, struct fetcher_msg *ret)
{
	struct call c = { .s = s, .m = m, .fds = fds, .fd_cnt = fd_cnt, .now_s = serve_now_s(), .ret = ret };
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->head = (struct channel_head){ .version = FETCHER_VERSION, .type = FETCHER_RESULT, .seq = m->head.seq };
	if (m->head.type >= ARRAY_SIZE(calls) || !calls[m->head.type].fn)
		r = fail(&c, -EPROTO, "a message that is not known");
	else if (calls[m->head.type].is_later && !s->is_started)
		r = fail(&c, -EPROTO, "before START");
	else
		r = calls[m->head.type].fn(&c);
	ret->head.error = r;
	while (c.fd_cnt)
		close(fds[--c.fd_cnt]);
}

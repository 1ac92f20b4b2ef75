/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fetching_world - a daemon with files of trust anchors, a fetcher that is this very program (what it does wrong,
 * fetch.https_ca tells it), and a signer that is a child: both map what they get as the real ones do.
 */
#ifndef SIPSEAL_TEST_FETCHING_WORLD_H
#define SIPSEAL_TEST_FETCHING_WORLD_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "daemon/fetching_internal.h"
#include "signer_fork.h"

#define PEM(text) "-----BEGIN CERTIFICATE-----\n" text "\n-----END CERTIFICATE-----\n"
#define NOBODY 65534
#define GOOD_URL "https://cert.example/good.pem"

/* ---- the fetcher ---- */

struct fake {
	char mode[64];
	struct verdict_writer *writer;
	struct verdict_region *region;
	uint64_t len;
	int fd;
	char anchors[256], crl[64];
	bool has_cache;
};

static inline struct slice text(const char *s)
{
	return (struct slice){ s, strlen(s) };
}

static void fake_hello(struct fake *f, const struct fetcher_msg *m, const int *fds, unsigned cnt, struct fetcher_msg *ret)
{
	void *wants;

	ret->head.error = -EINVAL;
	snprintf(f->mode, sizeof(f->mode), "%.63s", m->hello.https_ca);
	if (cnt != 2 || m->hello.workers != 2 || m->hello.wants_len != 2 * sizeof(struct verdict_wants) ||
	    m->hello.verdicts_len != verdict_region_size() || m->hello.timeout_ms != 2000)
		return;
	f->fd = fds[0];
	f->len = m->hello.verdicts_len;
	f->region = mmap(NULL, f->len, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	wants = mmap(NULL, m->hello.wants_len, PROT_READ | PROT_WRITE, MAP_SHARED, fds[1], 0);
	if (f->region == MAP_FAILED || wants == MAP_FAILED || verdict_writer_new(f->region, &f->writer) < 0)
		return;
	ret->head.error = 0;
}

/* Anchors come as memory that nobody changes any more, each time from the beginning. */
static void fake_anchors(struct fake *f, int fd, struct fetcher_msg *ret)
{
	char buf[sizeof(f->anchors)] = "";

	if (read(fd, buf, sizeof(buf) - 1) <= 0 || write(fd, "x", 1) >= 0 || ftruncate(fd, 0) == 0) {
		ret->head.error = -EBADF;
	} else if (strstr(buf, "refused")) {
		ret->head.error = -EINVAL;
		strcpy(ret->result.text, "no certificate \033 in it");
	} else {
		strcpy(f->anchors, buf);
	}
}

/* The mapping that was there goes on being writable; another one cannot be had. */
static void fake_prefetch(struct fake *f, const char *url, struct fetcher_msg *ret)
{
	struct verdict v = { .kind = VERDICT_BAD, .reason = SR_FETCH_FAILED, .code = 436,
			     .fetched_at = 1000, .expires_at = 4000000000 };

	if (mmap(NULL, f->len, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0) != MAP_FAILED) {
		ret->head.error = -EINVAL;
		strcpy(ret->result.text, "it is not sealed");
	} else if (strstr(url, "busy")) {
		ret->head.error = -EAGAIN;
	} else if (verdict_put(f->writer, text(url), &v) < 0) {
		ret->head.error = -EINVAL;
		strcpy(ret->result.text, "no URL");
	}
}

static struct fetcher_entry entry(const char *x5u, uint8_t kind, uint8_t reason)
{
	struct fetcher_entry e = { .kind = kind, .reason = reason, .code = 437, .is_stored = 7, .fetched_at = 1700000000,
				   .expires_at = 1700003600, .not_after = 1800000000 };

	strcpy(e.x5u, x5u);
	strcpy(e.spc, "1234");
	return e;
}

/* One that is good, and ones that no honest fetcher would write. */
static void fake_list(const struct fake *f, const struct fetcher_msg *m, int fd, struct fetcher_msg *ret)
{
	struct fetcher_entry e[] = {
		entry(GOOD_URL, VERDICT_GOOD, 0),
		entry("https://bad.example/\033[31m\xff", VERDICT_BAD, SR_CERTIFICATE_BAD),
		entry("https://kind.example/", 99, 0),
		entry("https://reason.example/", VERDICT_BAD, SR_STEERED),
		entry("", VERDICT_GOOD, 0),
		entry("https://running.example/", VERDICT_UNKNOWN, 0),
	};

	memset(e[1].text, 'x', sizeof(e[1].text));
	memset(e[1].subject, 'y', sizeof(e[1].subject));
	e[1].code = 500;
	e[1].not_after = -1;
	e[1].expires_at = INT64_MAX;
	e[5].is_running = 1;
	if (strcmp(f->mode, "/again") == 0)
		e[0].is_running = e[1].is_running = 1;
	ret->result.cnt = ret->result.total = ARRAY_SIZE(e);
	if (m->list.x5u[0]) {
		ret->result.cnt = strcmp(m->list.x5u, GOOD_URL) == 0;
		ret->result.total = ret->result.cnt;
	}
	if (strcmp(f->mode, "/many") == 0)
		ret->result.cnt = ret->result.total = UINT32_MAX;
	ret->result.cnt = m->list.skip ? 0 : ret->result.cnt;
	(void)!write(fd, e, sizeof(e));
}

static void fake_hosts(int fd, struct fetcher_msg *ret)
{
	struct fetcher_host h[3] = { { .host = "worst.example", .ok = 1, .failed = 5, .last_error = "refused" },
				     { .host = "\nevent=x", .failed = UINT64_MAX }, { .ok = 1 } };

	memset(h[1].last_error, 'z', sizeof(h[1].last_error));
	ret->result.cnt = ret->result.total = 3;
	(void)!write(fd, h, sizeof(h));
}

static void fake_status(const struct fake *f, struct fetcher_msg *ret)
{
	struct fetcher_stats *s = &ret->result.stats;

	*s = (struct fetcher_stats){ .good = 2, .bad = 1, .stored = 2, .stored_bytes = 4000, .running = 1, .fetched = 8,
				     .failed = 6, .over_budget = 3, .crl_at = 1700000000, .crl_next_update = 1700086400,
				     .evicted_good = 1, .evicted_bad = 2 };
	if (strcmp(f->mode, "/lies") == 0) {
		memset(s, 0xff, sizeof(*s));
		memset(s->crl_error, 'e', sizeof(s->crl_error));
	}
	if (strncmp(f->mode, "/crl ", 5) == 0) /* "/crl AT NEXT ERROR" */
		sscanf(f->mode, "/crl %" SCNd64 " %" SCNd64 " %100[^\n]", &s->crl_at, &s->crl_next_update, s->crl_error);
	if (strcmp(f->mode, "/anchors") == 0)
		snprintf(s->crl_error, sizeof(s->crl_error), "%s|%s|%d", strstr(f->anchors, "one") ? "one" : "two", f->crl,
			 f->has_cache);
}

static void fake_answer(struct fake *f, const struct fetcher_msg *m, const int *fds, unsigned cnt, struct fetcher_msg *ret)
{
	switch (m->head.type) {
	case FETCHER_HELLO:
		fake_hello(f, m, fds, cnt, ret);
		break;
	case FETCHER_ANCHORS:
		fake_anchors(f, fds[0], ret);
		break;
	case FETCHER_CRL:
		f->crl[0] = '\0';
		(void)!read(fds[0], f->crl, sizeof(f->crl) - 1);
		break;
	case FETCHER_CACHE:
		f->has_cache = true;
		break;
	case FETCHER_PREFETCH:
		fake_prefetch(f, m->x5u, ret);
		break;
	case FETCHER_FLUSH:
		ret->head.error = !m->x5u[0] || strcmp(m->x5u, GOOD_URL) == 0 ? 0 : -ENOENT;
		break;
	case FETCHER_LIST:
		fake_list(f, m, fds[0], ret);
		break;
	case FETCHER_HOSTS:
		fake_hosts(fds[0], ret);
		break;
	case FETCHER_STATUS:
		fake_status(f, ret);
		break;
	}
}

static int fake_main(void)
{
	static struct fake f = { .fd = -1 };
	struct fetcher_msg m;
	int fds[CHANNEL_FDS_MAX];
	unsigned cnt;

	while (channel_recv(CHANNEL_FD, FETCHER_VERSION, &m, sizeof(m), fds, CHANNEL_FDS_MAX, &cnt) > 0) {
		struct fetcher_msg ret = { .head = { FETCHER_VERSION, FETCHER_RESULT, m.head.seq, 0 } };

		fake_answer(&f, &m, fds, cnt, &ret);
		for (unsigned i = 0; i < cnt; i++)
			if (fds[i] != f.fd)
				close(fds[i]);
		if (strcmp(f.mode, "/hangs") == 0 && m.head.type == FETCHER_STATUS)
			for (;;)
				pause();
		if (strcmp(f.mode, "/dies") == 0 && m.head.type == FETCHER_START)
			return 9;
		channel_send(CHANNEL_FD, &ret, sizeof(ret), NULL, 0);
		if (strcmp(f.mode, "/speaks") == 0 && m.head.type == FETCHER_START)
			channel_send(CHANNEL_FD, &ret, sizeof(ret), NULL, 0);
	}
	return 0;
}

/* ---- the signer ---- */

/* Memory that both share. */
struct signer_view {
	unsigned given;           /* VERDICTS that it took */
	unsigned again;           /* how often it says -EAGAIN first */
	bool is_writable;         /* it could get a writable mapping: a fault */
	bool is_plausible;
	bool has_refused;         /* refuse them all */
};

struct world {
	struct sipseald d;
	char dir[64];
	struct signer_view *view;
};

static void signer_take(struct signer_view *view, const struct handover_msg *m, const int *fds, unsigned cnt)
{
	uint64_t len = m->verdicts.verdicts_len;
	struct verdict_region *r = mmap(NULL, len, PROT_READ, MAP_SHARED, fds[0], 0);

	view->is_writable |= mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0) != MAP_FAILED ||
			     mprotect(r, 4096, PROT_READ | PROT_WRITE) == 0 || ftruncate(fds[0], 0) == 0 ||
			     pwrite(fds[0], "x", 1, 0) > 0;
	view->is_plausible = cnt == 2 && r != MAP_FAILED && verdict_region_check(r, len) == 0 &&
			     m->verdicts.wants_len == 2 * sizeof(struct verdict_wants) &&
			     mmap(NULL, m->verdicts.wants_len, PROT_READ | PROT_WRITE, MAP_SHARED, fds[1], 0) != MAP_FAILED;
	view->given++;
}

static void signer_child(int fd, struct signer_view *view)
{
	struct handover_msg m;
	int fds[HANDOVER_FDS_MAX];
	unsigned cnt = 0;

	while (handover_recv(fd, &m, fds, &cnt) > 0) {
		struct handover_msg result = { .version = HANDOVER_VERSION, .type = HANDOVER_RESULT, .seq = m.seq };

		if (m.type != HANDOVER_VERDICTS || view->has_refused)
			result.error = -EINVAL;
		else if (view->again) {
			view->again--;
			result.error = -EAGAIN;
		} else {
			signer_take(view, &m, fds, cnt);
		}
		while (cnt)
			close(fds[--cnt]);
		handover_send(fd, &result, NULL, 0);
	}
	_exit(0);
}

static inline void signer_run(struct world *w)
{
	signer_fork(&w->d, signer_child, w->view);
}

/* ---- the daemon ---- */

static struct world *world;

static const char *at(const char *name)
{
	static char buf[8][160];
	static unsigned i;
	char *p = buf[i++ % 8];

	snprintf(p, sizeof(buf[0]), "%s/%s", world->dir, name);
	return p;
}

static inline void put_file(const char *name, const char *content)
{
	FILE *f = fopen(at(name), "w");

	assert_non_null(f);
	fputs(content, f);
	assert_int_equal(fclose(f), 0);
}

static void set(char **p, const char *value)
{
	free(*p);
	*p = value ? strdup(value) : NULL;
}

static int world_new(void **state)
{
	struct world *w = world = calloc(1, sizeof(*w));
	struct gateway *g = w->d.gateway = gateway_new();
	char self[PATH_MAX] = "";

	(void)state;
	snprintf(w->dir, sizeof(w->dir), "/tmp/fetching.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(chmod(w->dir, 0755), 0);
	assert_int_equal(mkdir(at("sti"), 0755), 0);
	assert_int_equal(mkdir(at("libexec"), 0755), 0);
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	assert_int_equal(symlink(self, at("libexec/sipseal-fetcher")), 0);
	put_file("sti/anchors.pem", PEM("one"));
	set(&g->cert_root, at("sti"));
	set(&g->trust_anchors, "anchors.pem");
	set(&g->cache_dir, at("cache"));
	g->fetch_timeout_ms = 2000;
	w->d.workers = 2;
	w->d.opt.libexec = strdup(at("libexec"));
	w->d.signer.fd = -1;
	w->view = mmap(NULL, sizeof(*w->view), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(w->view != MAP_FAILED);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return (void)st, (void)flag, (void)ftw, remove(path);
}

static int world_done(void **state)
{
	struct world *w = world;

	(void)state;
	fetching_free(w->d.fetching);
	signer_proc_stop(&w->d.signer);
	gateway_free(w->d.gateway);
	free((char *)(uintptr_t)w->d.opt.libexec);
	munmap(w->view, sizeof(*w->view));
	nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

/* Up, or the test fails. */
static inline struct fetching *fetcher_run(const char *mode)
{
	char err[FETCHING_ERR_LEN] = "";

	if (geteuid() != 0)
		skip();
	set(&world->d.gateway->https_ca, mode);
	if (fetching_new(&world->d, &world->d.fetching, err) < 0 || fetching_start(&world->d, err))
		fail_msg("%s", err);
	assert_true(fetching_is_up(world->d.fetching));
	return world->d.fetching;
}

/* Turns until @n fetchers were started again; bounded. */
static inline void turn_until_restarts(unsigned n)
{
	for (int i = 0; i < 300; i++) {
		int ms = fetching_turn(&world->d);

		if (fetching_restarts(world->d.fetching) >= n && fetching_is_up(world->d.fetching))
			return;
		usleep(ms < 0 || ms > 10 ? 10000 : ms * 1000);
	}
	fail_msg("no %u. restart", n);
}

#endif

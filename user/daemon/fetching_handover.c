/* SPDX-License-Identifier: BSD-2-Clause */
/* What a fetcher is given, in order. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "daemon/fetching_internal.h"
#include "daemon/shm.h"

/* An answer of success may have something to say. */
static int give(struct fetching *f, struct fetcher_msg *m, const int *fds, unsigned fd_cnt, const char *what,
		char *reterr)
{
	char text[sizeof(m->result.text)];
	int r = fetching_call(f, m, fds, fd_cnt, m, reterr);

	if (r == 0) {
		proc_text(text, sizeof(text), m->result.text, sizeof(m->result.text));
		if (*text)
			log_warning("event=fetcher what=%s reason=\"%s\"", what, text);
	}
	return r;
}

/* Descriptors share their position with the other side's. */
int fetching_give_file(struct fetching *f, enum fetcher_type type, int fd, const char *what,
		       char reterr[FETCHING_ERR_LEN])
{
	struct fetcher_msg m = { .head.type = type };

	lseek(fd, 0, SEEK_SET);
	return give(f, &m, &fd, 1, what, reterr);
}

static int hello_fill(const struct sipseald *d, struct fetcher_msg *m, char *reterr)
{
	const struct gateway *g = d->gateway;
	const char *ca = g->https_ca ? g->https_ca : "", *url = g->crl_url ? g->crl_url : "";

	m->head.type = FETCHER_HELLO;
	m->hello.workers = d->workers;
	m->hello.timeout_ms = g->fetch_timeout_ms;
	m->hello.allow_private = g->allow_private_addresses;
	m->hello.want_tnauthlist = g->profile == PROFILE_SHAKEN;
	m->hello.is_crl_hard = g->crl_policy == CRL_MODE_HARD;
	m->hello.has_crl = g->crl_path || g->crl_url;
	if (strlen(ca) >= sizeof(m->hello.https_ca) || strlen(url) >= sizeof(m->hello.crl_url)) {
		snprintf(reterr, FETCHING_ERR_LEN, "%s is too long", strlen(url) < sizeof(m->hello.crl_url)
			 ? "fetch.https_ca" : "certificates.crl.url");
		return EXIT_REFUSED;
	}
	strcpy(m->hello.https_ca, ca);
	strcpy(m->hello.crl_url, url);
	return EXIT_DONE;
}

/* A memfd that only others map. */
static int region_new(const char *name, uint64_t len, int seals, int *ret_fd)
{
	void *map;
	int fd = shm_memfd(name, len, seals, &map);

	if (fd < 0)
		return fd;
	munmap(map, len);
	*ret_fd = fd;
	return 0;
}

void fetching_regions_done(struct fetching_regions *r)
{
	closep(&r->verdicts);
	closep(&r->wants);
}

/* The fetcher has its writable mapping when it answers; with the seal nobody gets another one, the signer
 * least of all: F_SEAL_FUTURE_WRITE leaves mappings alone that are there (fcntl(2)). */
static int give_hello(struct sipseald *d, struct fetching_regions *s, char *reterr)
{
	struct fetcher_msg m = { 0 };
	int r = hello_fill(d, &m, reterr);

	if (r)
		return r;
	s->verdicts_len = verdict_region_size();
	s->wants_len = d->workers * sizeof(struct verdict_wants);
	r = region_new("sipseal-verdicts", s->verdicts_len, SHM_SEAL_LATER, &s->verdicts);
	if (!r)
		r = region_new("sipseal-wants", s->wants_len, 0, &s->wants);
	if (r < 0) {
		snprintf(reterr, FETCHING_ERR_LEN, "memory for certificates: %s", strerror(-r));
		return EXIT_ERROR;
	}
	m.hello.verdicts_len = s->verdicts_len;
	m.hello.wants_len = s->wants_len;
	if (give(d->fetching, &m, (const int[]){ s->verdicts, s->wants }, 2, "hello", reterr))
		return EXIT_ERROR;
	if ((r = shm_seal(s->verdicts, F_SEAL_FUTURE_WRITE)) < 0) {
		snprintf(reterr, FETCHING_ERR_LEN, "seal of the certificates' memory: %s", strerror(-r));
		return EXIT_ERROR;
	}
	return EXIT_DONE;
}

static int give_anchors(struct sipseald *d, char *reterr)
{
	struct fetching *f = d->fetching;
	int r;

	if (f->anchors_fd < 0)
		f->anchors_fd = fetching_anchors_open(d->gateway, reterr);
	if (f->anchors_fd < 0)
		return f->anchors_fd == -ENOMEM ? EXIT_ERROR : EXIT_REFUSED;
	r = fetching_give_file(f, FETCHER_ANCHORS, f->anchors_fd, "anchors", reterr);
	if (r == 1) /* not these ones again */
		close(TAKE_FD(f->anchors_fd));
	return r == 1 ? EXIT_REFUSED : r ? EXIT_ERROR : EXIT_DONE;
}

/* Both may be missing: certificates.crl.policy says what comes of the one, without the other more is fetched.
 * Return: negative errno where the fetcher does not answer. */
static int give_extras(struct sipseald *d, char *reterr)
{
	struct fetching *f = d->fetching;
	CLEANUP(closep) int crl = fetching_crl_open(d->gateway, reterr);
	CLEANUP(closep) int cache = -1;
	int r = crl < 0 ? 1 : fetching_give_file(f, FETCHER_CRL, crl, "crl", reterr);

	if (r == 1 && *reterr)
		log_warning("event=crl reason=\"%s\"", reterr);
	if (r < 0)
		return r;
	cache = fetching_cache_open(d->gateway, f->proc.uid, f->proc.gid, reterr);
	r = cache < 0 ? 1 : fetching_give_file(f, FETCHER_CACHE, cache, "cache", reterr);
	if (r == 1 && *reterr)
		log_warning("event=cache_dir reason=\"%s\"", reterr);
	return r < 0 ? r : 0;
}

int fetching_hand_over(struct sipseald *d, struct fetching_regions *s, char reterr[FETCHING_ERR_LEN])
{
	struct fetcher_msg start = { .head.type = FETCHER_START };
	int r;

	if ((r = give_hello(d, s, reterr)) || (r = give_anchors(d, reterr)))
		return r;
	if (give_extras(d, reterr) < 0 || give(d->fetching, &start, NULL, 0, "start", reterr))
		return EXIT_ERROR;
	return EXIT_DONE;
}

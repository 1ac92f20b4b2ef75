/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/fetch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"

/* Out of memory is an error of the one who asks, not the end of the process. */
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(e) ((e)->is_lost = true)
#include <uthash.h>

#include "fetcher/fetch_budget.h"
#include "fetcher/fetch_transfer.h"

struct fetch {
	struct fetch_config cfg;
	char *https_ca;
	fetch_done_fn *on_done;
	void *ctx;
	CURLM *multi;
	bool is_global;
	struct budget *budget;
	struct transfer *transfers;  /* under way, by text */
};

/* A libcurl that lacks one of our options is found out at the start, not at the first call. */
static int probe(const struct fetch *f)
{
	CLEANUP(transfer_freep) struct transfer *t = NULL;
	struct url url = { .host = "localhost", .port = 443, .path = SLICE("/") };

	return transfer_new(&f->cfg, SLICE("https://localhost/"), &url, FETCH_BODY_MAX, &t);
}

int fetch_new(const struct fetch_config *cfg, fetch_done_fn *on_done, void *ctx, struct fetch **ret)
{
	CLEANUP(fetch_freep) struct fetch *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->cfg = *cfg;
	f->on_done = on_done;
	f->ctx = ctx;
	if (cfg->https_ca) {
		if (access(cfg->https_ca, R_OK) < 0)
			return -EIO;
		f->cfg.https_ca = f->https_ca = strdup(cfg->https_ca);
		if (!f->https_ca)
			return -ENOMEM;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return -EIO;
	f->is_global = true;
	f->multi = curl_multi_init();
	if (!f->multi || budget_new(&f->budget) < 0)
		return -ENOMEM;
	curl_multi_setopt(f->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, (long)FETCH_PARALLEL_MAX);
	r = probe(f);
	if (r < 0)
		return r;
	signal(SIGPIPE, SIG_IGN); /* a TLS connection that the server closed may be written to */
	*ret = TAKE(f);
	return 0;
}

void fetch_free(struct fetch *f)
{
	struct transfer *t, *next;

	if (!f)
		return;
	HASH_ITER(hh, f->transfers, t, next) {
		HASH_DEL(f->transfers, t);
		curl_multi_remove_handle(f->multi, t->easy);
		transfer_free(t);
	}
	budget_free(f->budget);
	curl_multi_cleanup(f->multi);
	if (f->is_global)
		curl_global_cleanup();
	free(f->https_ca);
	free(f);
}

static int join(const struct transfer *t, size_t max, const char **reterr_text)
{
	if (max <= t->max)
		return 1;
	*reterr_text = "a fetch of this URL with a lower limit is under way";
	return -EAGAIN;
}

/* Into the table and to libcurl, or neither. */
static int submit(struct fetch *f, struct transfer *t)
{
	HASH_ADD_STR(f->transfers, text, t);
	if (t->is_lost)
		return -ENOMEM;
	if (curl_multi_add_handle(f->multi, t->easy) == CURLM_OK)
		return 0;
	HASH_DEL(f->transfers, t);
	return -ENOMEM;
}

bool fetch_allows(const struct fetch *f, struct slice text, const char **reterr_text)
{
	struct url url;

	return url_parse(text, &f->cfg.rules, &url, reterr_text) == 0;
}

int fetch_start(struct fetch *f, struct slice text, uint32_t trunk, size_t max, const char **reterr_text)
{
	CLEANUP(transfer_freep) struct transfer *t = NULL;
	struct transfer *running;
	struct url url;
	int r;

	if (url_parse(text, &f->cfg.rules, &url, reterr_text) < 0)
		return -EACCES;
	HASH_FIND(hh, f->transfers, text.p, text.len, running);
	if (running)
		return join(running, max, reterr_text);
	*reterr_text = "out of memory, or libcurl lacks an option";
	r = transfer_new(&f->cfg, text, &url, max, &t);
	if (r < 0)
		return r;
	r = budget_take(f->budget, url.host, trunk, clock_mono_ns(), &t->ticket, reterr_text);
	if (r < 0)
		return r;
	r = submit(f, t);
	if (r < 0) {
		budget_drop(f->budget, &t->ticket);
		*reterr_text = "out of memory";
		return r;
	}
	t = NULL; /* the table's */
	return 0;
}

static void finish(struct fetch *f, CURL *easy, CURLcode code)
{
	CLEANUP(transfer_freep) struct transfer *t = NULL;
	struct fetch_result r;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t);
	transfer_result(t, code, (int64_t)(clock_real_ms() / 1000), &r);
	if (transfer_is_hung(t, code))
		budget_hung(f->budget, clock_mono_ns());
	curl_multi_remove_handle(f->multi, easy);
	HASH_DEL(f->transfers, t);
	budget_give(f->budget, &t->ticket, &r);
	f->on_done(f->ctx, slice_str(t->text), &r);
}

int fetch_run(struct fetch *f, int timeout_ms, int extra_fd)
{
	struct curl_waitfd extra = { .fd = extra_fd, .events = CURL_WAIT_POLLIN };
	int running, left;
	CURLMsg *m;

	curl_multi_poll(f->multi, &extra, extra_fd >= 0, timeout_ms, NULL);
	curl_multi_perform(f->multi, &running);
	while ((m = curl_multi_info_read(f->multi, &left)))
		if (m->msg == CURLMSG_DONE)
			finish(f, m->easy_handle, m->data.result);
	return (int)HASH_COUNT(f->transfers);
}

unsigned fetch_hosts(const struct fetch *f, struct fetch_host *ret, unsigned max)
{
	return budget_hosts(f->budget, ret, max);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/crl.h"

#include <errno.h>

#define NS_PER_S 1000000000ull

bool crl_is(const struct crl *c, struct slice url)
{
	return c->is_running && slice_eq(slice_str(c->url), url);
}

void crl_turn(struct crl *c, struct fetch *f, struct trust *t, uint64_t now_ns)
{
	const char *why = "";
	int r;

	if (!c->url[0] || c->is_running || now_ns < c->due_ns)
		return;
	r = fetch_start(f, slice_str(c->url), UINT32_MAX, FETCH_CRL_MAX, &why);
	if (r >= 0) {
		c->is_running = true;
		return;
	}
	if (r != -EAGAIN)
		trust_crl_fail(t, why);
	c->due_ns = now_ns + (r == -EAGAIN ? CRL_BUSY_S : CRL_RETRY_S) * NS_PER_S;
}

static uint64_t wait_s(const struct trust *t, int r, int64_t now_s)
{
	int64_t left = t->crl_next_update - now_s;

	if (r < 0 || left < CRL_RETRY_S)
		return CRL_RETRY_S;
	return left < CRL_EVERY_S ? (uint64_t)left : CRL_EVERY_S;
}

int crl_done(struct crl *c, struct trust *t, const struct fetch_result *f, uint64_t now_ns, int64_t now_s)
{
	int r = f->error;

	c->is_running = false;
	if (r == 0)
		r = trust_crl(t, f->body, f->len, now_s);
	else
		trust_crl_fail(t, f->text);
	c->due_ns = now_ns + wait_s(t, r, now_s) * NS_PER_S;
	return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/trust.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Taken, for who is revoked stays so, and no success. */
static const char over[] = "its nextUpdate has passed";

void trust_done(struct trust *t)
{
	judge_free(t->judge);
	free(t->crl);
	*t = (struct trust){ 0 };
}

void trust_crl_fail(struct trust *t, const char *text)
{
	size_t i = 0;

	for (; text[i] && i < sizeof(t->crl_error) - 1; i++)
		t->crl_error[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	t->crl_error[i] = '\0';
}

int trust_anchors(struct trust *t, const char *pem, size_t len, int64_t now_s, char reterr_text[TRUST_TEXT_MAX])
{
	CLEANUP(judge_freep) struct judge *j = NULL;
	char text[TRUST_TEXT_MAX] = "";
	int64_t next_update = 0;
	int r = judge_new(&t->cfg, pem, len, &j, text);

	if (r < 0) {
		snprintf(reterr_text, TRUST_TEXT_MAX, "%s", r == -ENOMEM ? "out of memory" : text);
		return r;
	}
	if (t->crl) {
		trust_crl_fail(t, "");
		r = judge_crl_set(j, t->crl, t->crl_len, now_s, &next_update, text);
		if (r < 0)
			trust_crl_fail(t, r == -ENOMEM ? "out of memory" : text);
	}
	t->crl_next_update = next_update;
	judge_free(t->judge);
	t->judge = TAKE(j);
	return 0;
}

static int crl_fail(struct trust *t, int r, const char *text)
{
	trust_crl_fail(t, r == -ENOMEM ? "out of memory" : text);
	return r;
}

int trust_crl(struct trust *t, const char *data, size_t len, int64_t now_s)
{
	CLEANUP(freep) char *copy = NULL;
	char text[TRUST_TEXT_MAX] = "";
	int64_t next_update;
	int r;

	if (t->crl_next_update && slice_eq(slice_of(t->crl, t->crl_len), slice_of(data, len))) {
		trust_crl_fail(t, t->crl_next_update > now_s ? "" : over);
		return 0;
	}
	copy = malloc(len ? len : 1);
	if (!copy)
		return crl_fail(t, -ENOMEM, "");
	memcpy(copy, data, len);
	r = judge_crl_set(t->judge, data, len, now_s, &next_update, text);
	if (r < 0)
		return crl_fail(t, r, text);
	free(t->crl);
	t->crl = TAKE(copy);
	t->crl_len = len;
	t->crl_at = now_s;
	t->crl_next_update = next_update;
	trust_crl_fail(t, t->crl_next_update > now_s ? "" : over);
	return 1;
}

bool trust_lacks_crl(const struct trust *t, int64_t now_s)
{
	return t->cfg.has_crl && t->cfg.crl_policy == CRL_HARD && t->crl_next_update <= now_s;
}

bool trust_awaits_crl(const struct trust *t, int64_t now_s)
{
	return trust_lacks_crl(t, now_s) && t->has_crl_url && !t->crl_error[0];
}

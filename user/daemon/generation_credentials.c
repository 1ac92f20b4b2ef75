/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/credentials.h"
#include "daemon/generation_internal.h"

static int no_memory(struct change *x)
{
	return fault_set(x->f, "internal", "out of memory");
}

/* The part that the change has in @c; NULL without memory. */
static struct credential_change *touch(struct change *x, struct live_credential *c)
{
	struct credential_change *cc = c->change;

	if (cc)
		return cc;
	cc = calloc(1, sizeof(*cc));
	if (!cc)
		return NULL;
	*cc = (struct credential_change){ .c = c,
					  .users_before = c->users,
					  .config = &c->config,
					  .now.key_fd = -1,
					  .next = x->credentials };
	return x->credentials = c->change = cc;
}

static int make(struct change *x, const struct cert_config *config, bool is_gateway,
		struct live_credential **ret)
{
	struct live_credential *c;
	int r = live_credential_new(x->d->live, config, is_gateway, x->now_ns, x->generation, &c);

	if (r == -ENOSPC)
		return fault_set(x->f, "too_many",
				 "%d different certificates are the limit; those that went rest "
				 "until the change after the next one",
				 CREDENTIALS_MAX - 1);
	if (r < 0)
		return no_memory(x);
	if (!touch(x, c)) {
		live_credential_undo(x->d->live, c);
		return no_memory(x);
	}
	c->change->is_new = c->change->want_load = true;
	c->change->config = config;
	*ret = c;
	return 0;
}

static bool same_config(const struct cert_config *a, const struct cert_config *b)
{
	return strcmp(a->cert_path, b->cert_path) == 0 && strcmp(a->key_path, b->key_path) == 0 &&
	       strcmp(a->x5u, b->x5u) == 0;
}

/* The gateway's own: another one, none any more, or the first. */
static int gateway_begin(struct change *x)
{
	const struct cert_config *config = &x->gateway->cert;
	struct live_credential *c = x->d->live->gateway;
	bool want = cert_config_is_complete(config);
	int r;

	if (!c && !want)
		return 0;
	if (c && want && same_config(&c->config, config))
		return 0;
	if (!c) {
		if ((r = make(x, config, true, &c)) < 0)
			return r;
		c->users++;
		return 0;
	}
	if (!touch(x, c))
		return no_memory(x);
	if (want) {
		c->change->want_load = true;
		c->change->config = config;
	} else {
		c->users--; /* the last one: the configuration has no trunk that needs it, or it is
			       refused */
	}
	return 0;
}

static int trunk_begin(struct change *x, struct trunk_change *ct)
{
	struct live_credential *old = ct->is_new ? NULL : ct->t->credential, *c = NULL;
	CLEANUP(freep) char *id = NULL;
	int r;

	if (old && !touch(x, old))
		return no_memory(x);
	if (old)
		old->users--;
	if (!ct->trunk || ct->trunk->attestation == ATTEST_NONE)
		return 0;
	if (cert_config_is_complete(&ct->trunk->cert)) {
		id = live_credential_id(&ct->trunk->cert, false);
		if (!id)
			return no_memory(x);
		c = live_credential_find(x->d->live, id);
		if (!c && (r = make(x, &ct->trunk->cert, false, &c)) < 0)
			return r;
	} else if (cert_config_is_complete(&x->gateway->cert)) {
		c = x->d->live->gateway;
	}
	if (c && !touch(x, c))
		return no_memory(x);
	if (c)
		c->users++;
	ct->credential = c;
	return 0;
}

static int reload_begin(struct change *x)
{
	const char *only = x->want->only_trunk;
	const struct live_trunk *t = only ? live_find(x->d->live, only) : NULL;
	struct live_credential *c, *next;

	if (only && !t)
		return fault_set(x->f, "no_such_trunk", "there is no trunk of that name");
	if (only && !t->credential)
		return fault_set(x->f, "invalid", "trunk %s has no certificates", t->name);
	HASH_ITER(hh, x->d->live->credentials, c, next)
	{
		if (only && c != t->credential)
			continue;
		if (!touch(x, c))
			return no_memory(x);
		c->change->want_load = true;
	}
	return 0;
}

/* Verifiers keep what an x5u named for a day: another certificate under the same one makes them
 * refuse calls. */
static void judge_x5u(struct change *x, const struct assembled_credential *was,
		      const struct credential_change *cc)
{
	const struct assembled_credential *is = &cc->now;

	if (!was->info || !is->info || strcmp(was->x5u, is->x5u))
		return;
	if (strcmp(was->info->serial, is->info->serial) == 0 &&
	    strcmp(was->info->issuer, is->info->issuer) == 0 &&
	    memcmp(was->info->point, is->info->point, sizeof(is->info->point)) == 0)
		return;
	config_report_add(&x->f->report, false, &cc->config->pos, "certificates.x5u",
			  "x5u-unchanged: %s is another certificate under the same x5u, which "
			  "verifiers may keep "
			  "for 24 h; {serial} in x5u avoids it",
			  cc->config->cert_path);
}

/* Trunks that go from one set of certificates to a new one; said once for each. */
static void judge_trunks(struct change *x)
{
	for (size_t i = 0; i < x->trunk_cnt; i++) {
		struct trunk_change *ct = &x->trunks[i];
		struct live_credential *was = ct->is_new ? NULL : ct->t->credential,
				       *is = ct->credential;

		if (!was || !is || was == is || !is->change || !is->change->is_new ||
		    is->change->is_judged)
			continue;
		judge_x5u(x, &was->now, is->change);
		is->change->is_judged = true;
	}
}

/* Open key files are kept for the next signer, but not so many that descriptors get short. */
#define KEY_FDS_MAX 256

static int load_all(struct change *x)
{
	const struct assemble_opts opts = { .at = (int64_t)(clock_real_ms() / 1000),
					    .want_keys = true };
	const struct config_report *report = &x->f->report;
	size_t errors = report->error_cnt, i = 0;

	for (struct credential_change *cc = x->credentials; cc; cc = cc->next) {
		if (!cc->want_load || !cc->c->users)
			continue;
		if (credential_assemble(x->gateway, cc->config, &opts, &cc->now, &x->f->report) < 0)
			return no_memory(x);
		if (live_credential_cnt(x->d->live) > KEY_FDS_MAX) {
			closep(&cc->now.key_fd);
			cc->now.key_fd = -1;
		}
		judge_x5u(x, &cc->c->now, cc);
	}
	judge_trunks(x);
	if (report->error_cnt == errors)
		return 0;
	while (!report->m[i].is_error)
		i++;
	return fault_set(x->f, "certificate_refused", "%s", report->m[i].text);
}

static int give(struct change *x, struct credential_change *cc)
{
	char err[SIGNER_ERR_LEN] = "";
	/* + 1: what rests was dropped at the signer after settling, so that no copy names it */
	int64_t key = rest_take(&x->d->live->key_rest, x->now_ns, x->generation + 1, false);
	int r;

	if (key < 0)
		return fault_set(x->f, "too_many",
				 "%d keys are the limit, those that are being replaced included",
				 CREDENTIAL_KEYS_MAX);
	cc->key = (uint32_t)key;
	cc->key_state = KEY_TAKEN;
	if (x->is_first) /* the signer gets them when it starts */
		return 0;
	if (!x->d->signer.pid)
		return fault_set(x->f, "signer_down",
				 "no signer runs, so the key %s cannot be checked",
				 cc->now.key_path);
	r = key_give(x->d, cc->key, &cc->now, x->gateway->cert_root, err);
	if (r > 0) {
		config_report_add(&x->f->report, true, &cc->config->pos, "certificates.key_path",
				  "%s", err);
		return fault_set(x->f, "key_refused", "%s", err);
	}
	cc->key_state = r < 0 ? KEY_UNSURE : KEY_GIVEN;
	return r < 0 ? fault_set(x->f, "signer_down", "%s", err) : 0;
}

int change_credentials_begin(struct change *x)
{
	int r = x->want->config || x->is_first ? gateway_begin(x) : 0;

	for (size_t i = 0; i < x->trunk_cnt && !r; i++)
		r = trunk_begin(x, &x->trunks[i]);
	if (!r && x->want->want_certificates)
		r = reload_begin(x);
	if (!r)
		r = load_all(x);
	for (struct credential_change *cc = x->credentials; cc && !r; cc = cc->next)
		if (cc->now.info)
			r = give(x, cc);
	return r;
}

static void key_undo(struct change *x, struct credential_change *cc, bool want_drop)
{
	struct live *l = x->d->live;

	if (cc->key_state == KEY_TAKEN ||
	    (cc->key_state == KEY_GIVEN && want_drop && key_drop(x->d, cc->key) == 0))
		rest_untake(&l->key_rest, cc->key);
	else if (cc->key_state != KEY_NONE)
		live_key_retire(l, cc->key); /* dropped when the signer answers again */
}

void change_credentials_undo(struct change *x)
{
	bool want_drop = true;
	struct credential_change *next;

	/* one that does not answer would take seconds for each */
	for (struct credential_change *cc = x->credentials; cc; cc = cc->next)
		want_drop = want_drop && cc->key_state != KEY_UNSURE;
	for (struct credential_change *cc = x->credentials; cc; cc = next) {
		next = cc->next;
		key_undo(x, cc, want_drop);
		assembled_credential_done(&cc->now);
		cc->c->users = cc->users_before;
		cc->c->change = NULL;
		if (cc->is_new)
			live_credential_undo(x->d->live, cc->c);
		free(cc);
	}
	x->credentials = NULL;
}

static int put_one(struct change *x, const struct credential_change *cc)
{
	const struct compile_credential line = {
		.x5u = cc->now.x5u,
		.not_before = cc->now.info ? cc->now.info->not_before : 0,
		.not_after = cc->now.info ? cc->now.info->not_after : 0,
		.key = cc->key,
		.is_usable = cc->now.info && credential_is_usable(cc->now.info),
	};
	int r = 0;

	if (!cc->c->users)
		r = cc->is_new ? 0 : image_credential_drop(x->d->image, cc->c->index);
	else if (cc->want_load)
		r = image_credential_put(x->d->image, cc->c->index, &line);
	if (r == -ENOSPC)
		return fault_set(x->f, "too_many", "the policy is full");
	return r < 0 ? fault_set(x->f, "internal", "%s: policy: %s", cc->c->config.cert_path,
				 strerror(-r))
		     : 0;
}

int change_credentials_put(struct change *x)
{
	int r = 0;

	for (const struct credential_change *cc = x->credentials; cc && !r; cc = cc->next)
		r = put_one(x, cc);
	return r;
}

static void config_move(struct live_credential *c, const struct cert_config *to)
{
	struct cert_config next = {
		strdup(to->cert_path), strdup(to->key_path), strdup(to->x5u), { 0 }
	};

	if (next.cert_path && next.key_path && next.x5u) {
		struct cert_config old = c->config;

		c->config = next;
		next = old;
	}
	free(next.cert_path);
	free(next.key_path);
	free(next.x5u);
}

static void apply_one(struct change *x, struct credential_change *cc)
{
	struct live_credential *c = cc->c;

	if (c->key != UINT32_MAX && (!c->users || cc->want_load))
		live_key_retire(x->d->live, c->key);
	if (!c->users) {
		live_credential_drop(x->d->live, c, x->now_ns, x->generation);
		return;
	}
	if (!cc->want_load)
		return;
	if (cc->config != &c->config && !cc->is_new)
		config_move(c, cc->config);
	if (!c->now.info || !cc->now.info || c->now.info->not_after != cc->now.info->not_after)
		c->expiry_said = 0; /* each certificate is warned of once, however often it is read */
	assembled_credential_done(&c->now);
	c->now = cc->now;
	c->key = cc->key;
	c->loaded_at = (int64_t)(clock_real_ms() / 1000);
	c->is_refused = false;
	x->d->expiry_at_ns = 0; /* expiry.c judges it at once */
	live_key_name(x->d->live, c->key, c->now.x5u);
}

void change_credentials_apply(struct change *x)
{
	struct credential_change *next;

	for (struct credential_change *cc = x->credentials; cc; cc = next) {
		next = cc->next;
		cc->c->change = NULL;
		apply_one(x, cc);
		free(cc);
	}
	x->credentials = NULL;
}

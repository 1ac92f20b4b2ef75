/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/explain_cert.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/files.h"
#include "config/anchors.h"
#include "config/assemble.h"
#include "fetcher/judge.h"
#include "fetcher/store.h"
#include "stir/es256.h"

struct explain_certs {
	struct explain_cert_args args;
	struct judge *judge;          /* NULL: no anchors to judge by */
	struct es256 *es256;
	char *pem;                    /* of --cert; may be DER */
	size_t pem_len;
	int cache_fd, cache_error;    /* -1: cannot be read, and why */
	const char *note;
	struct explain_known known[VERIFY_ROWS_MAX];
	unsigned cnt;
};

void explain_certs_free(struct explain_certs *c)
{
	if (!c)
		return;
	judge_free(c->judge);
	es256_free(c->es256);
	free(c->pem);
	if (c->cache_fd >= 0)
		close(c->cache_fd);
	free(c);
}

/* --anchors as `cert check` takes them, else those of the configuration. */
static int anchors_take(const struct gateway *g, const char *path, char **ret, size_t *ret_len,
			char reterr[ANCHORS_ERR_LEN])
{
	unsigned cnt;

	if (path)
		return files_certificates(path, ret, ret_len, reterr, ANCHORS_ERR_LEN);
	if (g->trust_anchors)
		return anchors_read(g->cert_root, g->trust_anchors, ret, ret_len, &cnt, reterr);
	snprintf(reterr, ANCHORS_ERR_LEN, "no trust anchors: certificates.trust_anchors, or --anchors PATH");
	return -ENOENT;
}

/* The list that the configuration names; one that comes from the network is not there. */
static void crl_take(struct explain_certs *c, const struct gateway *g)
{
	CLEANUP(freep) char *crl = NULL;
	CLEANUP(closep) int fd = -1;
	int64_t next_update;
	char err[160];
	size_t len;

	if (!g->crl_path)
		return;
	fd = confined_open(g->cert_root, g->crl_path, false);
	if (file_read_fd(fd, JUDGE_CRL_MAX, &crl, &len) < 0 ||
	    judge_crl_set(c->judge, crl, len, c->args.now_s, &next_update, err) < 0)
		c->note = "certificates.crl.path cannot be used here: revocation is not judged";
}

static int judge_take(struct explain_certs *c, const struct gateway *g, char reterr[ANCHORS_ERR_LEN])
{
	/* without the list here, `hard` would refuse every certificate */
	struct judge_config cfg = {
		.want_tnauthlist = g->profile == PROFILE_SHAKEN,
		.crl_policy = g->crl_policy == CRL_MODE_HARD && g->crl_path ? CRL_HARD : CRL_SOFT,
		.has_crl = g->crl_path,
	};
	CLEANUP(freep) char *anchors = NULL;
	char err[160] = "";
	size_t len;
	int r = anchors_take(g, c->args.anchors, &anchors, &len, reterr);

	if (r < 0)
		return r;
	r = judge_new(&cfg, anchors, len, &c->judge, err);
	if (r < 0) {
		snprintf(reterr, ANCHORS_ERR_LEN, "trust anchors: %s", r == -ENOMEM ? "out of memory" : err);
		return r;
	}
	if (g->crl_url && !g->crl_path)
		c->note = "certificates.crl.url is not fetched here: revocation is not judged";
	crl_take(c, g);
	return 0;
}

static void cache_open(struct explain_certs *c, const struct gateway *g)
{
	c->cache_error = g->cache_dir ? 0 : ENOENT;
	if (!g->cache_dir)
		return;
	c->cache_fd = open(g->cache_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	c->cache_error = c->cache_fd < 0 ? errno : 0;
}

int explain_certs_new(const struct gateway *g, const struct explain_cert_args *a, struct explain_certs **ret)
{
	CLEANUP(explain_certs_freep) struct explain_certs *c = calloc(1, sizeof(*c));
	char err[ANCHORS_ERR_LEN] = "";
	int r;

	if (!c)
		return -ENOMEM;
	c->args = *a;
	c->cache_fd = -1;
	if (a->cert && (r = file_read(a->cert, JUDGE_BODY_MAX, &c->pem, &c->pem_len)) < 0) {
		cli_error("%s: %s", a->cert, r == -EFBIG ? "larger than the fetcher takes" : strerror(-r));
		return r;
	}
	if ((r = es256_new(&c->es256)) < 0)
		return r;
	r = judge_take(c, g, err);
	if (r < 0 && (a->cert || a->anchors)) {
		cli_error("%s", err);
		return r == -EINVAL ? -EBADMSG : r; /* not a fault of the configuration */
	}
	if (!a->cert)
		cache_open(c, g);
	*ret = TAKE(c);
	return 0;
}

static void judge_bytes(struct explain_certs *c, struct explain_known *k, const char *body, size_t len, int64_t keep_s)
{
	if (judge_chain(c->judge, body, len, c->args.now_s, keep_s, &k->verdict, k->text) == 0)
		k->kind = (enum verdict_kind)k->verdict.kind;
	else
		snprintf(k->text, sizeof(k->text), "out of memory");
}

static void judge_cached(struct explain_certs *c, struct explain_known *k, struct slice x5u)
{
	struct store_item item = { 0 };
	int r = c->cache_fd < 0 ? -c->cache_error : store_read(c->cache_fd, x5u, &item);

	if (r == 0)
		judge_bytes(c, k, item.body, item.len, item.keep_s);
	else if (r == -ENOENT)
		snprintf(k->text, sizeof(k->text), "not in the cache");
	else
		snprintf(k->text, sizeof(k->text), "the cache cannot be read: %s", strerror(-r));
	if (r == 0)
		store_item_done(&item);
}

const struct explain_known *explain_certs_find(const struct explain_certs *c, struct slice x5u)
{
	for (unsigned i = 0; c && i < c->cnt; i++)
		if (slice_eq(slice_str(c->known[i].x5u), x5u))
			return &c->known[i];
	return NULL;
}

const char *explain_certs_note(const struct explain_certs *c)
{
	return c ? c->note : NULL;
}

/* verify asks each x5u of a call once or more; there are no more of them than rows. */
static enum verdict_kind on_certificate(void *ctx, struct slice x5u, struct verdict *ret)
{
	struct explain_certs *c = ctx;
	const struct explain_known *old = explain_certs_find(c, x5u);
	struct explain_known *k;

	if (!old) {
		if (c->cnt == VERIFY_ROWS_MAX || x5u.len >= sizeof(k->x5u))
			return VERDICT_UNKNOWN;
		k = &c->known[c->cnt++];
		memcpy(k->x5u, x5u.p, x5u.len);
		if (!c->judge)
			snprintf(k->text, sizeof(k->text), "the trust anchors cannot be read here");
		else if (c->pem)
			judge_bytes(c, k, c->pem, c->pem_len, -1);
		else
			judge_cached(c, k, x5u);
		old = k;
	}
	if (old->kind != VERDICT_UNKNOWN)
		*ret = old->verdict;
	return old->kind;
}

static int on_signature(void *ctx, const uint8_t point[CERT_POINT_LEN], struct slice text,
			const uint8_t sig[PASSPORT_SIG_LEN])
{
	const struct explain_certs *c = ctx;

	return es256_verify(c->es256, point, text, sig);
}

void explain_certs_env(struct explain_certs *c, struct engine_env *env)
{
	env->certificate = on_certificate;
	env->signature = on_signature;
	env->verify_ctx = c;
}

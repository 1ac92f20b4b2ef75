/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules between certificates: who signed whom, and whether the chain ends in an anchor. */
#include <errno.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "stir/cert_parts.h"

#define ANCHORS_MAX 1000

DEFINE_FREEP(X509_STORE *, X509_STORE_free)
DEFINE_FREEP(X509_STORE_CTX *, X509_STORE_CTX_free)

/* Did @issuer sign @x?  Its keyUsage is another rule (cert_profile.c). */
static bool is_issued(X509 *x, X509 *issuer)
{
	int r = X509_check_issued(issuer, x);
	EVP_PKEY *key = X509_get0_pubkey(issuer);

	return (r == X509_V_OK || r == X509_V_ERR_KEYUSAGE_NO_CERTSIGN) && key &&
	       X509_verify(x, key) == 1;
}

static void check_link(x509_stack *chain, int idx, struct cert_info *i)
{
	X509 *x = sk_X509_value(chain, idx), *next = sk_X509_value(chain, idx + 1);
	char name[24], next_name[24];

	if (is_issued(x, next))
		return;
	cert_name(idx ? CERT_INTERMEDIATE : CERT_LEAF, (unsigned)idx, name);
	snprintf(next_name, sizeof(next_name), "certificate %d", idx + 2);
	for (int k = 0; k < sk_X509_num(chain); k++) {
		if (k == idx || !is_issued(x, sk_X509_value(chain, k)))
			continue;
		cert_fault_add(i, true, "chain_order",
			       "%s: its issuer is certificate %d of the file, not the next one",
			       name, k + 1);
		return;
	}
	cert_fault_add(i, true, "chain_broken", "%s: was not issued by the next one, %s", name,
		       next_name);
}

/* RFC 5280 s4.2.1.9: how many intermediates may stand below a CA. */
static void check_path_length(x509_stack *chain, int idx, struct cert_info *i)
{
	long limit = X509_get_pathlen(sk_X509_value(chain, idx));

	if (limit >= 0 && idx - 1 > limit)
		cert_fault_add(i, true, "path_length",
			       "certificate %d allows %ld intermediates below it, there are %d",
			       idx + 1, limit, idx - 1);
}

/* The file's own certificates were already judged by the clock: name each fault once. */
static int ignore_judged(int ok, X509_STORE_CTX *ctx)
{
	int err = X509_STORE_CTX_get_error(ctx);
	const x509_stack *chain = X509_STORE_CTX_get0_untrusted(ctx);
	X509 *x = X509_STORE_CTX_get_current_cert(ctx);

	if (ok || (err != X509_V_ERR_CERT_HAS_EXPIRED && err != X509_V_ERR_CERT_NOT_YET_VALID))
		return ok;
	for (int k = 0; k < sk_X509_num(chain); k++)
		if (X509_cmp(x, sk_X509_value(chain, k)) == 0)
			return 1;
	return 0;
}

int cert_store_new(x509_stack *anchors, X509_STORE **ret)
{
	CLEANUP(X509_STORE_freep) X509_STORE *store = X509_STORE_new();

	if (!store)
		return -ENOMEM;
	for (int k = 0; k < sk_X509_num(anchors); k++)
		if (X509_STORE_add_cert(store, sk_X509_value(anchors, k)) != 1)
			return -ENOMEM;
	*ret = TAKE(store);
	return 0;
}

static void check_anchored(x509_stack *chain, x509_stack *anchors,
			   const struct cert_check_opts *opts, struct cert_info *i)
{
	CLEANUP(X509_STORE_freep) X509_STORE *store = NULL;
	CLEANUP(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	const char *why = "out of memory";
	X509_VERIFY_PARAM *param;
	int err;

	if (ctx && cert_store_new(anchors, &store) == 0 &&
	    X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain) == 1) {
		param = X509_STORE_CTX_get0_param(ctx);
		/* no purpose: there is no extendedKeyUsage; not strict: production chains differ */
		X509_VERIFY_PARAM_set_time(param, (time_t)opts->at);
		X509_VERIFY_PARAM_set_depth(param, CERT_DEPTH_MAX);
		X509_STORE_CTX_set_verify_cb(ctx, ignore_judged);
		if (X509_verify_cert(ctx) == 1)
			return;
		err = X509_STORE_CTX_get_error(ctx);
		why = X509_verify_cert_error_string(err);
	}
	cert_fault_add(i, true, "untrusted", "leaf: the chain ends in no trust anchor: %s", why);
}

bool cert_is_root(X509 *x)
{
	return (X509_get_extension_flags(x) & EXFLAG_SS) && X509_check_ca(x) > 0;
}

int cert_anchors_check(const char *pem, size_t len, char reterr_text[160])
{
	CLEANUP(x509_stack_freep) x509_stack *anchors = NULL;
	bool has_key, has_root = false;
	int r = cert_read(pem, len, ANCHORS_MAX, &anchors, &has_key, reterr_text);

	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	for (int k = 0; k < sk_X509_num(anchors) && !has_root; k++)
		has_root = cert_is_root(sk_X509_value(anchors, k));
	ERR_clear_error();
	if (has_root)
		return 0;
	snprintf(reterr_text, 160, "none of the certificates is a root");
	return -EINVAL;
}

int cert_path_check(x509_stack *chain, const struct cert_check_opts *opts, struct cert_info *i,
		    char reterr_text[160])
{
	CLEANUP(x509_stack_freep) x509_stack *anchors = NULL;
	unsigned before;
	char text[160];
	bool has_key;

	if (opts->anchors_pem && cert_read(opts->anchors_pem, opts->anchors_len, ANCHORS_MAX,
					   &anchors, &has_key, text) < 0) {
		snprintf(reterr_text, 160, "trust anchors: %.140s", text);
		return -EINVAL;
	}
	before = i->error_cnt;
	for (int k = 0; k + 1 < sk_X509_num(chain); k++)
		check_link(chain, k, i);
	/* places mean nothing in a chain that is not one */
	for (int k = 1; k < sk_X509_num(chain) && i->error_cnt == before; k++)
		check_path_length(chain, k, i);
	if (anchors)
		check_anchored(chain, anchors, opts, i);
	else if (sk_X509_num(chain) == 1 && X509_NAME_cmp(X509_get_subject_name(sk_X509_value(chain, 0)),
							  X509_get_issuer_name(sk_X509_value(chain, 0))))
		cert_fault_add(i, false, "leaf_only",
			       "leaf: stands alone: verifiers need the intermediates, unless a root issued it");
	ERR_clear_error();
	return 0;
}

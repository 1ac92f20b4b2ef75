/* SPDX-License-Identifier: BSD-2-Clause */
/* From what a server sent to a chain that ends in a root. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include "fetcher/judge_internal.h"

int exam_read(struct exam *e, const char *data, size_t len)
{
	char text[160] = "";
	bool has_key = false;
	int r;

	if (len > JUDGE_BODY_MAX)
		return exam_refuse(e, SR_CERTIFICATE_BAD, "larger than %d bytes", JUDGE_BODY_MAX);
	r = cert_read(data, len, CERT_CHAIN_MAX, &e->body, &has_key, text);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return exam_refuse(e, SR_CERTIFICATE_BAD, "no certificate chain: %s", text);
	cert_subject(X509_get_subject_name(sk_X509_value(e->body, 0)), e->v.subject,
		     sizeof(e->v.subject));
	if (has_key)
		exam_note(e, "a private key is published with the chain");
	return 0;
}

static void fault_name(X509_STORE_CTX *ctx, char ret[24])
{
	int depth = X509_STORE_CTX_get_error_depth(ctx);
	X509 *x = X509_STORE_CTX_get_current_cert(ctx);
	enum cert_role role = CERT_INTERMEDIATE;

	if (depth <= 0)
		role = CERT_LEAF;
	else if (x && (X509_get_extension_flags(x) & EXFLAG_SI))
		role = CERT_ROOT;
	cert_name(role, (unsigned)depth, ret);
}

/* RFC 5280 s6.1.  Not X509_V_FLAG_X509_STRICT, which refuses production chains for identifiers they lack.
 * No partial chains: an intermediate ends nothing.  No look-ups: all there is are @others and the roots. */
int judge_vouch(const struct judge *j, X509 *x, x509_stack *others, int64_t now_s,
		x509_stack **ret_chain, char reterr_name[24])
{
	CLEANUP(X509_STORE_CTX_freep) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	int err;

	if (!ctx || X509_STORE_CTX_init(ctx, j->store, x, others) != 1)
		return X509_V_ERR_OUT_OF_MEM;
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
	X509_VERIFY_PARAM_set_depth(param, CERT_DEPTH_MAX);
	if (X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY) != 1)
		return X509_V_ERR_OUT_OF_MEM;
	if (X509_verify_cert(ctx) != 1) {
		err = X509_STORE_CTX_get_error(ctx);
		fault_name(ctx, reterr_name);
		/* never good because of an error that names nothing */
		return err == X509_V_OK ? X509_V_ERR_UNSPECIFIED : err;
	}
	if (ret_chain && !(*ret_chain = X509_STORE_CTX_get1_chain(ctx)))
		return X509_V_ERR_OUT_OF_MEM;
	return X509_V_OK;
}

static enum sipseal_reason reason_of(int err)
{
	switch (err) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return SR_CERTIFICATE_EXPIRED;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
	case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
	case X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY:
	case X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_REJECTED:
		return SR_CERTIFICATE_UNTRUSTED;
	default:
		return SR_CERTIFICATE_BAD;
	}
}

int exam_path(struct exam *e)
{
	char name[24] = "";
	int r, err = judge_vouch(e->judge, sk_X509_value(e->body, 0), e->body, e->now_s, &e->chain, name);

	if (err == X509_V_ERR_OUT_OF_MEM)
		return -ENOMEM;
	/* a leaf that is a root itself: pinned for the CRL, not for calls */
	if (err == X509_V_OK && sk_X509_num(e->chain) < 2)
		return exam_refuse(e, SR_CERTIFICATE_UNTRUSTED, "leaf: is signed by itself");
	if (err == X509_V_OK)
		return 0;
	/* "no issuer" may mean one that must not be: its own fault says more */
	if ((r = exam_intermediates(e, e->body, sk_X509_num(e->body))) < 0)
		return r;
	return exam_refuse(e, reason_of(err), "%s: %s", name, X509_verify_cert_error_string(err));
}

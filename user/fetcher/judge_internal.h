/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge_internal - what the files behind judge.h share.
 *
 * A chain is examined in steps; each either lets it go on (0), refuses it (-EKEYREJECTED: the
 * reason is in the verdict and the words in text) or cannot say (-ENOMEM).  What is only notable is
 * appended to text.
 */
#ifndef SIPSEAL_FETCHER_JUDGE_INTERNAL_H
#define SIPSEAL_FETCHER_JUDGE_INTERNAL_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "fetcher/judge.h"
#include "stir/cert_parts.h"

DEFINE_FREEP(X509_CRL *, X509_CRL_free)
DEFINE_FREEP(X509_STORE *, X509_STORE_free)
DEFINE_FREEP(X509_STORE_CTX *, X509_STORE_CTX_free)

struct judge_crl {
	X509_CRL *list; /* NULL: none yet */
	int64_t this_update, next_update;
	bool is_indirect; /* for certificates of any issuer (RFC 5280 s5.2.5) */
};

struct judge {
	struct judge_config cfg;
	x509_stack *anchors; /* all that were given: they may sign the CRL */
	X509_STORE *store;   /* the roots among them: chains end here */
	struct judge_crl crl;
};

struct exam {
	const struct judge *judge;
	int64_t now_s;
	x509_stack *body;      /* as sent, leaf first */
	x509_stack *chain;     /* as built: leaf, intermediates, anchor */
	struct cert_info info; /* faults of the certificate at hand; TNAuthList of the leaf */
	struct verdict v;
	char text[256];
};

/* Claims that one constraints extension names. */
struct judge_claims {
	unsigned must_cnt, never_cnt;
	char must[VERDICT_NAMES_MAX][VERDICT_NAME_LEN], never[VERDICT_NAMES_MAX][VERDICT_NAME_LEN];
	bool has_values; /* permittedValues is there */
	bool is_void;	 /* mustExclude names a claim that each PASSporT has */
};

/* judge.c */
int exam_refuse(struct exam *e, enum sipseal_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void exam_note(struct exam *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* judge_chain.c */

/** exam_read() - the body's certificates. */
int exam_read(struct exam *e, const char *data, size_t len);

/** exam_path() - from the leaf to a root. */
int exam_path(struct exam *e);

/** judge_vouch() - does a chain lead from @x to a root?
 * @ret_chain: leaf to root; may be NULL
 * Return: X509_V_OK; OpenSSL's error, and whom it is about. */
int judge_vouch(const struct judge *j, X509 *x, x509_stack *others, int64_t now_s,
		x509_stack **ret_chain, char reterr_name[24]);

/* judge_profile.c: the rules on single certificates */
int exam_leaf(struct exam *e);
int exam_intermediates(struct exam *e, x509_stack *chain, int end);

/* judge_numbers.c */

/** exam_numbers() - the leaf's TNAuthList into the verdict, within what its CAs may give. */
int exam_numbers(struct exam *e);

/* judge_constraints.c */

/** judge_claims_parse() - the value of JWTClaimConstraints, or of the enhanced one.
 * Return: 0; -EBADMSG; -E2BIG: more or longer names than a verdict takes. */
int judge_claims_parse(struct der value, bool is_enhanced, struct judge_claims *ret);

int exam_constraints(struct exam *e);

/* judge_crl.c */
int exam_revocation(struct exam *e);
void judge_crl_done(struct judge_crl *c);

#endif

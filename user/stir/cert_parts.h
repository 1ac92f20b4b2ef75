/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cert_parts - the parts that judging a certificate is made of: reading, the rules on one certificate,
 * the rules on the chain.  cert.h puts them together for our own chains, fetcher/judge.h for those of
 * strangers; nobody else needs them.  All input may be hostile; what is printed is printable ASCII.
 */
#ifndef SIPSEAL_STIR_CERT_PARTS_H
#define SIPSEAL_STIR_CERT_PARTS_H

#include <openssl/x509.h>

#include "stir/cert.h"
#include "stir/der.h"

#define CERT_DEPTH_MAX 4 /* CAs between leaf and root; SHAKEN chains have one or two */

typedef STACK_OF(X509) x509_stack;

static inline void x509_stack_free(x509_stack *s)
{
	sk_X509_pop_free(s, X509_free);
}
DEFINE_FREEP(x509_stack *, x509_stack_free)

enum cert_role { CERT_LEAF, CERT_INTERMEDIATE, CERT_ROOT };

/** cert_read() - the certificates of a PEM text (or one in DER), in their order.
 * @ret_has_key: the text holds a private key too
 * Return: 0; -EBADMSG, -E2BIG, -ENOMEM with a text. */
int cert_read(const char *pem, size_t len, unsigned max, x509_stack **ret, bool *ret_has_key,
	      char reterr_text[160]);

/** cert_fault_add() - note a fault; where the list is full an error takes the place of a warning. */
void cert_fault_add(struct cert_info *i, bool is_error, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/** cert_name() - "leaf", "intermediate 1" ..., "root". */
const char *cert_name(enum cert_role role, unsigned idx, char buf[24]);

/** cert_time() - seconds since 1970.  Return: 0, or -EBADMSG. */
int cert_time(const ASN1_TIME *t, int64_t *ret);

/** cert_subject() - a name as text, cut to @cap with its NUL; "" where it cannot be printed. */
void cert_subject(const X509_NAME *name, char *ret, size_t cap);

/** cert_point() - the point of a P-256 key, uncompressed.  Return: 0; -EINVAL: it has none. */
int cert_point(const EVP_PKEY *key, uint8_t ret[CERT_POINT_LEN]);

/** cert_extension() - the value of an extension by its OID in digits; it lies in @x.
 * Return: 1; 0 absent; -EBADMSG: there more than once; -ENOMEM. */
int cert_extension(const X509 *x, const char *oid, struct der *ret);

/** cert_is_root() - can a chain end in @x: a CA that vouches for itself? */
bool cert_is_root(X509 *x);

/** cert_store_new() - a store of these certificates and nothing else: no default paths, no look-ups.
 * Return: 0, -ENOMEM. */
int cert_store_new(x509_stack *anchors, X509_STORE **ret);

/** cert_profile_check() - the rules on one certificate, whoever signed it. */
void cert_profile_check(X509 *x, enum cert_role role, const char *name,
			const struct cert_check_opts *opts, struct cert_info *i);

/** cert_path_check() - the rules between certificates: order, signatures, anchors.
 * Return: 0, or -EINVAL: unreadable anchors, with a text. */
int cert_path_check(x509_stack *chain, const struct cert_check_opts *opts, struct cert_info *i,
		    char reterr_text[160]);

#endif

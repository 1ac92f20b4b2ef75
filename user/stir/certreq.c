// SPDX-License-Identifier: BSD-2-Clause
#include "stir/certreq.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#define NAME_MAX_CHARS 64
#define DIGITS_MAX     15 /* E.164 */
/* Each entry takes at most an SPC and some bytes of structure. */
#define DER_MAX        (TNAUTHLIST_MAX * (TNAUTH_SPC_MAX + 16))

DEFINE_FREEP(ASN1_OBJECT *, ASN1_OBJECT_free)
DEFINE_FREEP(ASN1_OCTET_STRING *, ASN1_OCTET_STRING_free)

static void extensions_free(STACK_OF(X509_EXTENSION) *s)
{
	sk_X509_EXTENSION_pop_free(s, X509_EXTENSION_free);
}
DEFINE_FREEP(STACK_OF(X509_EXTENSION) *, extensions_free)

static bool is_p256(const EVP_PKEY *key)
{
	char group[64] = "";

	return EVP_PKEY_get_id(key) == EVP_PKEY_EC &&
	       EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	       strcmp(group, SN_X9_62_prime256v1) == 0;
}

static bool name_add(X509_NAME *name, const char *field, const char *value)
{
	return *value && strlen(value) <= NAME_MAX_CHARS &&
	       X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, (const unsigned char *)value, -1, -1,
					  0) == 1;
}

/* The extension as it will stand in the certificate; not critical (RFC 8226 s9). */
static X509_EXTENSION *tnauth_extension(const struct tnauthlist *l)
{
	CLEANUP(ASN1_OBJECT_freep) ASN1_OBJECT *oid = OBJ_txt2obj(TNAUTHLIST_OID, 1);
	CLEANUP(ASN1_OCTET_STRING_freep) ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	CLEANUP(freep) uint8_t *der = malloc(DER_MAX);
	ssize_t len = der ? tnauthlist_emit(l, der, DER_MAX) : -ENOMEM;

	if (!oid || !value || len < 0 || ASN1_OCTET_STRING_set(value, der, (int)len) != 1)
		return NULL;
	return X509_EXTENSION_create_by_OBJ(NULL, oid, 0, value);
}

static bool extensions_add(X509_REQ *req, const struct tnauthlist *l)
{
	CLEANUP(extensions_freep) STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	X509_EXTENSION *ext = tnauth_extension(l);

	if (!list || !ext || sk_X509_EXTENSION_push(list, ext) <= 0) {
		X509_EXTENSION_free(ext);
		return false;
	}
	return X509_REQ_add_extensions(req, list) == 1;
}

static bool fill(X509_REQ *req, EVP_PKEY *key, const struct certreq *r)
{
	X509_NAME *subject = X509_REQ_get_subject_name(req);

	return X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 && strlen(r->country) == 2 &&
	       name_add(subject, "C", r->country) && name_add(subject, "O", r->org) &&
	       name_add(subject, "CN", r->cn) && X509_REQ_set_pubkey(req, key) == 1 &&
	       extensions_add(req, r->tnauth) && X509_REQ_sign(req, key, EVP_sha256()) > 0;
}

int certreq_new(const struct certreq *r, EVP_PKEY *key, X509_REQ **ret)
{
	CLEANUP(X509_REQ_freep) X509_REQ *req = NULL;
	bool ok;

	if (!is_p256(key))
		return -EOPNOTSUPP;
	if (!(req = X509_REQ_new()))
		return -ENOMEM;
	ok = fill(req, key, r);
	ERR_clear_error();
	if (!ok)
		return -EINVAL;
	*ret = TAKE(req);
	return 0;
}

/* "+" and 1 to 15 digits, the first not 0; *ret is the canonical form without "+". */
static const char *number_take(const char *s, char ret[TNAUTH_SPC_MAX + 1])
{
	size_t n;

	if (*s++ != '+' || *s == '0')
		return NULL;
	n = strspn(s, "0123456789");
	if (n < 1 || n > DIGITS_MAX)
		return NULL;
	memcpy(ret, s, n);
	ret[n] = '\0';
	return s + n;
}

int certreq_numbers(const char *text, struct tnauthlist *l)
{
	struct tnauth_entry e = { .kind = TNAUTH_ONE, .count = 1 };
	char last[TNAUTH_SPC_MAX + 1];
	const char *p = number_take(text, e.text);

	if (!p)
		return -EINVAL;
	if (*p == '-') {
		unsigned long long from, to;

		p = number_take(p + 1, last);
		if (!p || strlen(last) != strlen(e.text))
			return -EINVAL;
		from = strtoull(e.text, NULL, 10);
		to = strtoull(last, NULL, 10);
		if (to <= from) /* RFC 8226 s9: a range has at least two numbers */
			return -EINVAL;
		e.kind = TNAUTH_RANGE;
		e.count = to - from + 1;
	}
	if (*p)
		return -EINVAL;
	if (l->cnt == TNAUTHLIST_MAX)
		return -E2BIG;
	l->e[l->cnt++] = e;
	return 0;
}

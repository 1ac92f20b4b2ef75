/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "stir/cert_parts.h"

#define CERT_TEXT_MAX (4u << 20) /* as of trust anchors; a chain takes some KiB */

DEFINE_FREEP(X509 *, X509_free)
DEFINE_FREEP(BIO *, BIO_free)

/* One block of a PEM file; what is not freed by PEM_read_bio() after a failure is NULL. */
struct block {
	char *name, *header;
	unsigned char *data;
	long len;
};

static void block_done(struct block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_clear_free(b->data, b->len > 0 ? (size_t)b->len : 0); /* it may be a key */
}

static int refuse(char reterr_text[160], int r, const char *text, unsigned nr)
{
	snprintf(reterr_text, 160, text, nr);
	return r;
}

/* A whole certificate and nothing behind it. */
static int der_read(const unsigned char *der, long len, X509 **ret)
{
	const unsigned char *p = der;
	CLEANUP(X509_freep) X509 *x = d2i_X509(NULL, &p, len);

	if (!x || p != der + len)
		return -EBADMSG;
	*ret = TAKE(x);
	return 0;
}

static int block_take(const struct block *b, unsigned max, x509_stack *chain, bool *has_key,
		      char reterr_text[160])
{
	unsigned nr = (unsigned)sk_X509_num(chain) + 1;
	X509 *x;

	if (strstr(b->name, PEM_STRING_PKCS8INF)) /* "PRIVATE KEY" ends the names of all kinds */
		*has_key = true;
	if (strcmp(b->name, PEM_STRING_X509) != 0 && strcmp(b->name, PEM_STRING_X509_OLD) != 0)
		return 0;
	if (nr > max)
		return refuse(reterr_text, -E2BIG, "more than %u certificates", max);
	if (b->header[0] || der_read(b->data, b->len, &x) < 0)
		return refuse(reterr_text, -EBADMSG, "certificate %u is no X.509 certificate", nr);
	if (sk_X509_push(chain, x) <= 0) {
		X509_free(x);
		return refuse(reterr_text, -ENOMEM, "no memory for certificate %u", nr);
	}
	return 0;
}

static int pem_read(BIO *bio, unsigned max, x509_stack *chain, bool *has_key, char reterr_text[160])
{
	for (unsigned nr = 1;; nr++) {
		CLEANUP(block_done) struct block b = { 0 };
		unsigned long err;
		int r;

		ERR_clear_error();
		if (PEM_read_bio(bio, &b.name, &b.header, &b.data, &b.len) == 1) {
			r = block_take(&b, max, chain, has_key, reterr_text);
			if (r < 0)
				return r;
			continue;
		}
		b = (struct block){ 0 };
		err = ERR_peek_last_error();
		if (ERR_GET_LIB(err) == ERR_LIB_PEM && ERR_GET_REASON(err) == PEM_R_NO_START_LINE)
			return 0;
		return refuse(reterr_text, -EBADMSG, "PEM block %u is damaged or cut short", nr);
	}
}

int cert_read(const char *pem, size_t len, unsigned max, x509_stack **ret, bool *ret_has_key,
	      char reterr_text[160])
{
	CLEANUP(x509_stack_freep) x509_stack *chain = sk_X509_new_null();
	CLEANUP(BIO_freep) BIO *bio = NULL;
	bool has_key = false;
	X509 *x;
	int r;

	if (len > CERT_TEXT_MAX)
		return refuse(reterr_text, -E2BIG, "larger than %u bytes", CERT_TEXT_MAX);
	bio = BIO_new_mem_buf(pem, (int)len);
	if (!chain || !bio)
		return refuse(reterr_text, -ENOMEM, "no memory for %u bytes", (unsigned)len);
	r = pem_read(bio, max, chain, &has_key, reterr_text);
	if (r == 0 && sk_X509_num(chain) == 0 &&
	    der_read((const unsigned char *)pem, (long)len, &x) == 0 && !sk_X509_push(chain, x))
		X509_free(x);
	ERR_clear_error();
	if (r < 0)
		return r;
	if (sk_X509_num(chain) == 0)
		return refuse(reterr_text, -EBADMSG, "there is no certificate in it", 0);
	*ret = TAKE(chain);
	*ret_has_key = has_key;
	return 0;
}

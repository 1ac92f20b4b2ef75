/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/sslheap.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <utlist.h>

#define CLASS_MIN 32u
#define CLASSES	  6u
#define NO_CLASS  CLASSES

/* Before each block. */
struct head {
	size_t len;	   /* bytes in use: what is wiped */
	uint32_t class;
	struct head *next; /* while it is kept */
} __attribute__((aligned(16)));

static __thread struct kept {
	struct head *first;
	unsigned cnt;
} kept[CLASSES];

static unsigned class_of(size_t n)
{
	unsigned class = 0;

	while (class < CLASSES && n > CLASS_MIN << class)
		class++;
	return class;
}

static size_t room(const struct head *h)
{
	return h->class < NO_CLASS ? CLASS_MIN << h->class : h->len;
}

static struct head *head_of(void *p)
{
	return (struct head *)p - 1;
}

static struct head *make(unsigned class, size_t n)
{
	size_t cap = class < NO_CLASS ? CLASS_MIN << class : n;
	struct head *h = cap > SIZE_MAX - sizeof(*h) ? NULL : malloc(sizeof(*h) + cap);

	if (h)
		h->class = class;
	return h;
}

void *sslheap_malloc(size_t n)
{
	unsigned class = class_of(n);
	struct head *h = class < NO_CLASS ? kept[class].first : NULL;

	if (!n)
		return NULL;
	if (h) {
		LL_DELETE(kept[class].first, h);
		kept[class].cnt--;
	} else {
		h = make(class, n);
	}
	if (!h)
		return NULL;
	h->len = n;
	return h + 1;
}

void sslheap_free(void *p)
{
	struct head *h = p ? head_of(p) : NULL;

	if (!h)
		return;
	explicit_bzero(p, h->len);
	if (h->class >= NO_CLASS || kept[h->class].cnt >= SSLHEAP_KEEP) {
		free(h);
		return;
	}
	LL_PREPEND(kept[h->class].first, h);
	kept[h->class].cnt++;
}

void *sslheap_realloc(void *p, size_t n)
{
	struct head *h = p ? head_of(p) : NULL;
	void *q;

	if (h && n && n <= room(h)) {
		if (n < h->len)
			explicit_bzero((char *)p + n, h->len - n);
		if (h->class < NO_CLASS) /* else len is the room, too */
			h->len = n;
		return p;
	}
	q = sslheap_malloc(n);
	if (q && h)
		memcpy(q, p, h->len);
	if (q || !n)
		sslheap_free(p);
	return q;
}

static void *ssl_malloc(size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return sslheap_malloc(n);
}

static void *ssl_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file, (void)line;
	return sslheap_realloc(p, n);
}

static void ssl_free(void *p, const char *file, int line)
{
	(void)file, (void)line;
	sslheap_free(p);
}

int sslheap_install(void)
{
	return CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) == 1 ? 0 : -EBUSY;
}

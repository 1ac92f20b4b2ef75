// SPDX-License-Identifier: BSD-2-Clause
#include "config/digest.h"

#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

struct digest {
	EVP_MD_CTX *ctx;
	EVP_MD *sha256; /* fetched once: that costs more than a small trunk */
	bool is_broken;
};

void digest_free(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->ctx);
	EVP_MD_free(d->sha256);
	free(d);
}

struct digest *digest_new(void)
{
	CLEANUP(digest_freep) struct digest *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->ctx = EVP_MD_CTX_new();
	d->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	return d->ctx && d->sha256 ? TAKE(d) : NULL;
}

void digest_begin(struct digest *d)
{
	d->is_broken = EVP_DigestInit_ex2(d->ctx, d->sha256, NULL) != 1;
}

static void put(struct digest *d, const void *data, size_t len)
{
	d->is_broken |= !d->is_broken && EVP_DigestUpdate(d->ctx, data, len) != 1;
}

/* Kind and length before the bytes: no two different inputs look the same. */
static void put_head(struct digest *d, char kind, size_t len)
{
	uint64_t n = len;
	char head[1 + sizeof(n)] = { kind };

	memcpy(head + 1, &n, sizeof(n));
	put(d, head, sizeof(head));
}

static void put_text(struct digest *d, char kind, const void *data, size_t len)
{
	put_head(d, kind, len);
	put(d, data, len);
}

void digest_bytes(struct digest *d, const void *data, size_t len)
{
	put_text(d, 'B', data, len);
}

static int by_key(const void *a, const void *b)
{
	return strcmp((*(const struct node *const *)a)->text,
		      (*(const struct node *const *)b)->text);
}

static void put_mapping(struct digest *d, const struct node *map)
{
	CLEANUP(freep) const struct node **keys = calloc(map->cnt + 1, sizeof(*keys));
	size_t cnt = 0;

	put_head(d, 'M', map->cnt);
	if (!keys) {
		d->is_broken = true;
		return;
	}
	for (const struct node *k = map->first; k; k = k->next->next)
		keys[cnt++] = k;
	qsort(keys, cnt, sizeof(*keys), by_key);
	for (size_t i = 0; i < cnt; i++) {
		put_text(d, 'K', keys[i]->text, strlen(keys[i]->text));
		digest_node(d, keys[i]->next);
	}
}

/* Only mappings that were accepted are compared, and in those the text says it all: a quoted "5"
 * and a plain 5 are never both right for one key and different. */
void digest_node(struct digest *d, const struct node *n)
{
	if (n->kind == NODE_SCALAR) {
		put_text(d, 'S', n->text, strlen(n->text));
	} else if (n->kind == NODE_MAPPING) {
		put_mapping(d, n);
	} else {
		put_head(d, 'L', n->cnt);
		for (const struct node *i = n->first; i; i = i->next)
			digest_node(d, i);
	}
}

int digest_end(struct digest *d, uint8_t ret[DIGEST_LEN])
{
	unsigned char md[EVP_MAX_MD_SIZE];

	if (d->is_broken || EVP_DigestFinal_ex(d->ctx, md, NULL) != 1)
		return -ENOMEM;
	memcpy(ret, md, DIGEST_LEN);
	return 0;
}

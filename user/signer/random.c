/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/random.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static void refill(struct random_pool *p)
{
	if (RAND_bytes(p->buf, sizeof(p->buf)) != 1) {
		/* at most 256 bytes per call are never cut short (getrandom(2)) */
		for (size_t i = 0; i < sizeof(p->buf); i += 256)
			if (getrandom(p->buf + i, 256, 0) != 256)
				abort(); /* predictable ids would be worse than a restart */
	}
	p->left = sizeof(p->buf);
}

void random_take(void *ctx, void *dst, size_t len)
{
	struct random_pool *p = ctx;

	while (len) {
		size_t n;

		if (!p->left)
			refill(p);
		n = len < p->left ? len : p->left;
		memcpy(dst, p->buf + sizeof(p->buf) - p->left, n);
		p->left -= n;
		dst = (char *)dst + n;
		len -= n;
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/siphash.h"

#include <endian.h>

#define C_ROUNDS 2 /* per word of input, and ... */
#define D_ROUNDS 4 /* ... at the end: the parameters that the paper proposes */

struct sip {
	uint64_t a, b, c, d; /* v0 to v3 of the paper */
};

static uint64_t rotl(uint64_t x, unsigned n)
{
	return x << n | x >> (64 - n);
}

/* Figure 2.1. */
static void rounds(struct sip *v, unsigned cnt)
{
	while (cnt--) {
		v->a += v->b;
		v->c += v->d;
		v->b = rotl(v->b, 13) ^ v->a;
		v->d = rotl(v->d, 16) ^ v->c;
		v->a = rotl(v->a, 32);
		v->c += v->b;
		v->a += v->d;
		v->b = rotl(v->b, 17) ^ v->c;
		v->d = rotl(v->d, 21) ^ v->a;
		v->c = rotl(v->c, 32);
	}
}

static void compress(struct sip *v, uint64_t word)
{
	v->d ^= word;
	rounds(v, C_ROUNDS);
	v->a ^= word;
}

uint64_t siphash(struct siphash_key key, struct slice data)
{
	/* "somepseudorandomlygeneratedbytes" (section 2.1) */
	struct sip v = { key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d,
			 key.k0 ^ 0x6c7967656e657261, key.k1 ^ 0x7465646279746573 };
	uint64_t last = (uint64_t)data.len << 56, word;

	for (; data.len >= sizeof(word); data = slice_cut(data, sizeof(word))) {
		memcpy(&word, data.p, sizeof(word));
		compress(&v, le64toh(word));
	}
	for (size_t i = 0; i < data.len; i++)
		last |= (uint64_t)(unsigned char)data.p[i] << (8 * i);
	compress(&v, last);
	v.c ^= 0xff;
	rounds(&v, D_ROUNDS);
	return v.a ^ v.b ^ v.c ^ v.d;
}

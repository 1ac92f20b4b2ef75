/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/store_format.h"

#include <endian.h>
#include <errno.h>

#include <openssl/sha.h>

static const char magic[16] = "sipseal chain 1\n"; /* no NUL */

#define AT_SUM  sizeof(magic)
#define AT_REST (AT_SUM + SHA256_DIGEST_LENGTH)

static char *put(char *at, const void *p, size_t len)
{
	memcpy(at, p, len);
	return at + len;
}

static char *put_64(char *at, uint64_t v)
{
	v = htole64(v);
	return put(at, &v, sizeof(v));
}

static char *put_32(char *at, uint32_t v)
{
	v = htole32(v);
	return put(at, &v, sizeof(v));
}

static uint64_t get_64(const char *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return le64toh(v);
}

static uint32_t get_32(const char *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return le32toh(v);
}

static bool is_possible(size_t url_len, size_t body_len)
{
	return url_len > 0 && url_len <= PASSPORT_X5U_MAX && body_len > 0 && body_len <= STORE_BODY_MAX;
}

static void sum(const char *data, size_t len, unsigned char ret[SHA256_DIGEST_LENGTH])
{
	SHA256((const unsigned char *)data, len, ret);
}

int store_file_emit(const struct store_record *r, char *dst)
{
	char *at = put(dst, magic, sizeof(magic)) + SHA256_DIGEST_LENGTH;

	if (!is_possible(r->x5u.len, r->body.len))
		return -EINVAL;
	at = put_64(at, (uint64_t)r->fetched_at);
	at = put_64(at, (uint64_t)r->keep_s);
	at = put_32(at, (uint32_t)r->x5u.len);
	at = put_32(at, (uint32_t)r->body.len);
	at = put(at, r->x5u.p, r->x5u.len);
	at = put(at, r->body.p, r->body.len);
	sum(dst + AT_REST, (size_t)(at - dst) - AT_REST, (unsigned char *)dst + AT_SUM);
	return (int)(at - dst);
}

int store_file_parse(struct slice file, struct store_record *ret)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct store_record r;

	if (file.len < STORE_HEAD_LEN || memcmp(file.p, magic, sizeof(magic)) != 0)
		return -EBADMSG;
	sum(file.p + AT_REST, file.len - AT_REST, digest);
	if (memcmp(digest, file.p + AT_SUM, sizeof(digest)) != 0)
		return -EBADMSG;
	r.fetched_at = (int64_t)get_64(file.p + AT_REST);
	r.keep_s = (int64_t)get_64(file.p + AT_REST + 8);
	r.x5u = slice_of(file.p + STORE_HEAD_LEN, get_32(file.p + AT_REST + 16));
	r.body.len = get_32(file.p + AT_REST + 20);
	if (!is_possible(r.x5u.len, r.body.len) || file.len != STORE_HEAD_LEN + r.x5u.len + r.body.len)
		return -EBADMSG;
	r.body.p = r.x5u.p + r.x5u.len;
	*ret = r;
	return 0;
}

void store_file_name(struct slice x5u, char ret[STORE_NAME_LEN + 1])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	sum(x5u.p, x5u.len, digest);
	for (size_t i = 0; i < sizeof(digest); i++) {
		ret[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		ret[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	ret[STORE_NAME_LEN] = '\0';
}

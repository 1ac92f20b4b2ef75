/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What others write about themselves: Identity rows, PASSporTs, TNAuthLists, certificates.  The first
 * byte picks the parser.  Invariants: slices lie in the input; what was taken can be written again, and
 * comes out as it was; what we write, we read.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "stir/cert.h"
#include "stir/passport.h"

static void assert_inside(struct slice part, struct slice whole)
{
	assert(!part.p || (part.p >= whole.p && part.p + part.len <= whole.p + whole.len));
}

static void assert_terminated(const char *s, size_t size)
{
	assert(memchr(s, 0, size));
}

static void try_token(struct slice token)
{
	struct passport_parsed p;

	if (passport_parse(token, &p) < 0)
		return;
	assert_terminated(p.ppt, sizeof(p.ppt));
	assert_terminated(p.x5u, sizeof(p.x5u));
	assert_terminated(p.orig_tn, sizeof(p.orig_tn));
	assert_terminated(p.origid, sizeof(p.origid));
	assert(p.iat >= 0 && p.dest_tn_cnt <= PASSPORT_DEST_MAX);
	assert(!p.attest || (p.attest >= 'A' && p.attest <= 'C'));
}

static void try_row(struct slice in)
{
	struct slice rest = in;
	struct identity id;

	for (size_t before = rest.len; identity_next(&rest, &id) == 1; before = rest.len) {
		assert(rest.len < before); /* it comes to an end */
		assert_inside(rest, in);
		assert_inside(id.token, in);
		assert_inside(id.info, in);
		assert_inside(id.alg, in);
		assert_inside(id.ppt, in);
		try_token(id.token);
	}
}

static void try_b64url(struct slice in)
{
	static char bytes[8192], text[12000];
	ssize_t n = b64url_parse(in, bytes, sizeof(bytes));

	if (n < 0)
		return;
	assert(b64url_emit(bytes, (size_t)n, text, sizeof(text)) == (ssize_t)in.len);
	assert(memcmp(text, in.p, in.len) == 0);
}

static void try_tnauthlist(struct slice in)
{
	static struct tnauthlist l;
	static uint8_t der[16384];

	if (tnauthlist_parse((const uint8_t *)in.p, in.len, &l) < 0)
		return;
	/* DER has one form */
	assert(tnauthlist_emit(&l, der, sizeof(der)) == (ssize_t)in.len);
	assert(memcmp(der, in.p, in.len) == 0);
	for (unsigned i = 0; i < l.cnt; i++)
		assert(tnauthlist_covers(&l, slice_str(l.e[i].text)));
}

static void try_cert(struct slice in)
{
	struct cert_check_opts opts = { .at = 1767225600, .want_tnauthlist = true,
					.anchors_pem = in.p, .anchors_len = in.len };
	static struct cert_info info;
	char err[160] = "";

	if (cert_check(in.p, in.len, &opts, &info, err) < 0) {
		assert(err[0]);
		return;
	}
	assert(info.chain_cnt > 0 && info.chain_cnt <= CERT_CHAIN_MAX);
	assert(info.fault_cnt <= CERT_FAULTS_MAX);
	assert_terminated(info.subject, sizeof(info.subject));
	for (const char *p = info.subject; *p; p++)
		assert(*p >= 0x20 && *p < 0x7f);
}

static int sign_nothing(void *ctx, uint32_t credential, const uint8_t digest[PASSPORT_DIGEST_LEN],
			uint8_t ret_sig[PASSPORT_SIG_LEN])
{
	(void)ctx, (void)credential;
	memcpy(ret_sig, digest, PASSPORT_DIGEST_LEN);
	memcpy(ret_sig + PASSPORT_DIGEST_LEN, digest, PASSPORT_DIGEST_LEN);
	return 0;
}

/* The input up to the next line end; it goes on behind. */
static struct slice take_line(struct slice *in)
{
	struct slice line = slice_of(in->p, slice_find(*in, '\n'));

	*in = slice_cut(*in, line.len < in->len ? line.len + 1 : line.len);
	return line;
}

/* Four lines: x5u, orig, dest, origid. */
static void try_emit(struct slice in)
{
	struct slice x5u = take_line(&in);
	struct passport_claims c = { .attest = 'B', .iat = 1767225600 };
	char header[PASSPORT_HEADER_B64_MAX];
	static char row[8192];
	struct passport_parsed p;
	struct identity id;
	struct slice rest;
	ssize_t n = passport_header_emit(x5u, header, sizeof(header));

	if (n < 0)
		return;
	c.orig_tn = take_line(&in);
	c.dest_tn = take_line(&in);
	c.origid = take_line(&in);
	n = identity_emit(slice_of(header, (size_t)n), x5u, &c, sign_nothing, NULL, 0, row, sizeof(row));
	if (n < 0 || c.orig_tn.len > 31 || c.dest_tn.len > 31 || c.origid.len > PASSPORT_ORIGID_MAX)
		return;
	rest = slice_of(row, (size_t)n);
	assert(identity_next(&rest, &id) == 1 && rest.len == 0);
	assert(slice_eq(id.info, x5u));
	assert(passport_parse(id.token, &p) == 0);
	assert(slice_eq(slice_str(p.x5u), x5u) && slice_eq(slice_str(p.orig_tn), c.orig_tn));
	assert(p.dest_tn_cnt == 1 && slice_eq(slice_str(p.dest_tn[0]), c.dest_tn));
	assert(slice_eq(slice_str(p.origid), c.origid) && p.attest == 'B' && p.iat == c.iat);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(struct slice) = { try_row,	       try_token, try_b64url,
						       try_tnauthlist, try_cert,  try_emit };
	char *copy; /* exactly as long as the input: a byte too far is seen */

	if (!size)
		return 0;
	copy = malloc(size - 1 ? size - 1 : 1);
	memcpy(copy, data + 1, size - 1);
	tries[data[0] % (sizeof(tries) / sizeof(tries[0]))](slice_of(copy, size - 1));
	free(copy);
	return 0;
}

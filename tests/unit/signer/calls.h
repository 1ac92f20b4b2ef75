/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls - calls from the carrier into world.h: signed with the test key, verdicts as a fetcher would give them.
 */
#ifndef SIPSEAL_TEST_CALLS_H
#define SIPSEAL_TEST_CALLS_H

#include "signer/world.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>

#include "sip/date.h"
#include "signer/datapath.h"
#include "signer/inbound.h"

#define CALL_MAX 3000
#define X5U_A "https://cr.example.com/a.pem"
#define X5U_B "https://cr.example.com/b.pem"

/* A fetcher's side: region, wants of two workers, and the pointer that leads there. */
struct fetcher {
	struct verdict_region *region;
	struct verdict_writer *writer;
	struct verdict_wants *wants;
	struct source pair;
	uint64_t tail[2];
};

static inline struct fetcher fetcher_new(void)
{
	struct fetcher f = { 0 };

	f.region = mmap(NULL, verdict_region_size(), PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(f.region != MAP_FAILED);
	assert_int_equal(verdict_writer_new(f.region, &f.writer), 0);
	f.wants = calloc(2, sizeof(*f.wants));
	f.pair = (struct source){ .region = f.region, .wants = f.wants };
	return f;
}

static inline void fetcher_free(struct fetcher *f)
{
	verdict_writer_free(f->writer);
	munmap((void *)f->region, verdict_region_size());
	free(f->wants);
}

static inline struct verdict call_verdict(enum verdict_kind kind)
{
	int64_t now = (int64_t)clock_real_ms() / 1000;
	struct verdict v = { .kind = kind, .has_spc = 1, .spc = "709J", .not_before = now - 86400,
			     .not_after = now + 86400, .fetched_at = now, .expires_at = now + 3600 };
	BIO *bio = BIO_new_mem_buf(VECTOR_PUBLIC_PEM, -1);
	EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	size_t len;

	assert_int_equal(EVP_PKEY_get_octet_string_param(key, "pub", v.point, sizeof(v.point), &len), 1);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return v;
}

static inline void fetcher_know(struct fetcher *f, const char *x5u)
{
	struct verdict v = call_verdict(VERDICT_GOOD);

	assert_int_equal(verdict_put(f->writer, slice_str(x5u), &v), 0);
}

static inline void fetcher_fail(struct fetcher *f, const char *x5u, enum sipseal_reason reason, unsigned code)
{
	struct verdict v = call_verdict(VERDICT_BAD);

	v.reason = (uint8_t)reason;
	v.code = (uint16_t)code;
	assert_int_equal(verdict_put(f->writer, slice_str(x5u), &v), 0);
}

static inline bool fetcher_asked(struct fetcher *f, unsigned worker, struct verdict_want *ret)
{
	return verdict_asked(&f->wants[worker], &f->tail[worker], ret);
}

static inline void calls_verify(struct gateway *g, struct trunk *t)
{
	(void)g;
	t->verification.is_enabled = true;
	t->verification.wait_ms = VERIFY_WAIT_MAX_MS; /* the machine may be busy */
}

/* A worker whose trunk verifies, with a fetcher. */
struct calls {
	struct world x;
	struct fetcher f;
	source_ptr source;
	struct seen *seen;
};

static inline void calls_new(struct calls *c, world_tune_fn *tune)
{
	world_new(&c->x, tune ? tune : calls_verify);
	c->f = fetcher_new();
	c->source = &c->f.pair;
	assert_int_equal(seen_new(&c->seen), 0);
	c->x.w->cfg.source = &c->source;
	c->x.w->cfg.seen = c->seen;
}

static inline void calls_free(struct calls *c)
{
	world_free(&c->x);
	fetcher_free(&c->f);
	seen_free(c->seen);
}

/* An INVITE from 12155550112 to 12155550113. */
struct call {
	const char *id;      /* Call-ID and branch; NULL: "1" */
	const char *x5u;     /* of the Identity; NULL: none */
	const char *orig;    /* signed; NULL: the number in From */
	const char *to_tag;  /* NULL: a new call */
	const char *request; /* Request-URI; NULL: the called number */
	const char *rows;    /* further rows; NULL: none */
	const char *via;     /* before the branch; NULL: one that can be answered */
	int64_t age_s;       /* of iat and Date */
	bool is_forged;      /* a bit of the signature is another */
};

static inline const char *call_identity(struct world *x, const struct call *c, int64_t now_s, char ret[1024])
{
	struct passport_claims claims = VECTOR_CLAIMS;
	char header[PASSPORT_HEADER_B64_MAX], row[900];
	char *sig;
	ssize_t n = passport_header_emit(slice_str(c->x5u), header, sizeof(header));

	assert_true(n > 0);
	claims.iat = now_s - c->age_s;
	if (c->orig)
		claims.orig_tn = slice_str(c->orig);
	n = identity_emit(slice_of(header, (size_t)n), slice_str(c->x5u), &claims, credential_sign, x->w->signer, 0,
			  row, sizeof(row));
	assert_true(n > 0);
	if (c->is_forged) {
		sig = memmem(row, (size_t)n, ";info", 5);
		sig[-20] = sig[-20] == 'A' ? 'B' : 'A';
	}
	snprintf(ret, 1024, "Identity: %.*s\r\n", (int)n, row);
	return ret;
}

static inline const char *call_put(struct world *x, const struct call *c, char msg[CALL_MAX])
{
	int64_t now_s = (int64_t)clock_real_ms() / 1000;
	const char *id = c->id ? c->id : "1";
	char identity[1024] = "", date[SIP_DATE_LEN];

	sip_date_emit(now_s - c->age_s, date);
	if (c->x5u)
		call_identity(x, c, now_s, identity);
	snprintf(msg, CALL_MAX,
		 "INVITE %s SIP/2.0\r\nVia: %s;branch=z9hG4bK-%s\r\nMax-Forwards: 70\r\n"
		 "From: \"A\" <sip:+12155550112@203.0.113.10>;tag=a\r\nTo: <sip:+12155550113@10.0.0.1>%s\r\n"
		 "Call-ID: %s@203.0.113.10\r\nCSeq: 1 INVITE\r\nDate: %.*s\r\n%s%sContent-Length: 0\r\n\r\n",
		 c->request ? c->request : "sip:+12155550113@10.0.0.1", c->via ? c->via : "SIP/2.0/UDP 203.0.113.10:5060", id, c->to_tag ? c->to_tag : "", id, (int)sizeof(date), date,
		 identity, c->rows ? c->rows : "");
	return msg;
}

static inline const char *call_cancel(const char *id, char msg[CALL_MAX])
{
	snprintf(msg, CALL_MAX,
		 "CANCEL sip:+12155550113@10.0.0.1 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 203.0.113.10:5060;branch=z9hG4bK-%s\r\nMax-Forwards: 70\r\n"
		 "From: \"A\" <sip:+12155550112@203.0.113.10>;tag=a\r\nTo: <sip:+12155550113@10.0.0.1>\r\n"
		 "Call-ID: %s@203.0.113.10\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n", id, id);
	return msg;
}

/* What XDP writes for a frame from the carrier's NIC to that of the core. */
static inline struct sipseal_meta call_meta(unsigned flags)
{
	struct sipseal_meta m = world_meta();

	m.flags = (uint8_t)(SIPSEAL_META_F_INBOUND | flags);
	m.egress = 0;
	return m;
}

/* The carrier is 10.0.0.1 in the frame: packet.h has but one direction. */
static inline void call_in(struct world *x, const struct sipseal_meta *m, const char *msg)
{
	struct packet_spec s = { .ttl = 64 };
	uint8_t frame[XSK_FRAME_SIZE];

	assert_true(fake_deliver(x->carrier, m, sizeof(*m), frame, packet_put(&s, msg, strlen(msg), frame)));
	x->delivered++;
}

static inline void call_send(struct world *x, const struct call *c)
{
	struct sipseal_meta m = call_meta(0);
	char msg[CALL_MAX];

	call_in(x, &m, call_put(x, c, msg));
}

/* The same bytes again: Date and iat are those of @msg. */
static inline void call_send_text(struct world *x, const char *msg)
{
	struct sipseal_meta m = call_meta(0);

	call_in(x, &m, msg);
}

static inline void call_send_cancel(struct world *x, const char *id)
{
	struct sipseal_meta m = call_meta(SIPSEAL_META_F_CANCEL);
	char msg[CALL_MAX];

	call_in(x, &m, call_cancel(id, msg));
}

static inline uint64_t call_trunk_reason(const struct world *x, enum sipseal_reason r)
{
	return x->w->counters->trunks[WORLD_TRUNK].reasons[COUNTERS_INBOUND][r - SR_XDP_MAX];
}

static inline bool call_holds(struct slice s, const char *text)
{
	return memmem(s.p, s.len, text, strlen(text));
}

/* The @i-th datagram that left towards the core. */
static inline struct slice out(const struct calls *c, unsigned i)
{
	return world_payload(c->x.core, i);
}

static inline unsigned sent(const struct calls *c)
{
	return c->x.core->sent_cnt;
}

/* Calls of their own, all with the same certificate. */
static inline void send_many(struct calls *c, unsigned from, unsigned to, const char *x5u)
{
	for (unsigned i = from; i < to; i++) {
		char id[16];
		struct call one = { .id = id, .x5u = x5u };

		snprintf(id, sizeof(id), "m%u", i);
		call_send(&c->x, &one);
		if (i % 16 == 15)
			world_run(&c->x);
	}
	world_run(&c->x);
}

/* The time of all that wait is up, now. */
static inline void calls_time_up(struct calls *c)
{
	for (struct parked *e = park_first(c->x.w->inbound.park); e; e = e->next)
		e->until_ns = clock_mono_ns();
}

#endif

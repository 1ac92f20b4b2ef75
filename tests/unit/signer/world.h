/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world - a worker between two NICs whose kernel is a fake: policy with one trunk, a real key, frames in,
 * frames out.
 */
#ifndef SIPSEAL_TEST_WORLD_H
#define SIPSEAL_TEST_WORLD_H

#include "xsk/fake_kernel.h"

#include "base/clock.h"
#include "signer/worker.h"
#include "stir/vector.h"
#include "trunk/compile.h"
#include "wire/packet.h"

#ifndef WORLD_FRAMES
#define WORLD_FRAMES 64
#endif
#define WORLD_GENERATION (65536 + 7) /* the metadata carries the low half */
#define WORLD_TRUNK 2
#define WORLD_TRUNKS 4

static const char world_invite[] =
	"INVITE sip:+12155550113@203.0.113.10 SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK-1\r\n"
	"Max-Forwards: 70\r\n"
	"From: <sip:+12155550112@10.0.0.1>;tag=a\r\n"
	"To: <sip:+12155550113@203.0.113.10>\r\n"
	"Call-ID: 1@10.0.0.1\r\n"
	"CSeq: 1 INVITE\r\n"
	"Content-Length: 0\r\n\r\n";

static const char world_options[] =
	"OPTIONS sip:203.0.113.10 SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK-2\r\n"
	"From: <sip:+12155550112@10.0.0.1>;tag=a\r\nTo: <sip:203.0.113.10>\r\n"
	"Call-ID: 2@10.0.0.1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

typedef void world_tune_fn(struct gateway *g, struct trunk *t);

struct world {
	struct policy_region *policy;
	struct counters_region *counters;
	struct events_region *events;
	struct override_region *overrides;
	uint64_t events_seen;                /* the reader's count */
	_Atomic uint64_t heartbeat[SIPSEAL_BEATS_MAX];
	struct credential_set *credentials;
	char *mem;
	struct worker *w;
	struct fake_kernel *core, *carrier;
	unsigned delivered;
};

#define WORLD_COPY_MAX (1 << 16)

/* The copy of @generation, in its half of the region; without @has_trunk the slot is empty. */
static inline void world_policy_put(struct policy_region *r, uint64_t generation, world_tune_fn *tune, bool has_trunk)
{
	CLEANUP(gateway_freep) struct gateway *g = gateway_new();
	struct trunk *t = trunk_new();
	struct compile_credential cred = { VECTOR_X5U, 0, INT64_MAX, true };
	struct compile_trunk ct = { .trunk = t, .slot = WORLD_TRUNK };
	struct compile_input in = { .gateway = g, .trunks = &ct, .trunk_cnt = has_trunk, .credentials = &cred,
				    .credential_cnt = 1, .generation = generation };
	const char *err;

	g->trunks = calloc(1, sizeof(*g->trunks));
	g->trunks[0] = t;
	g->trunk_cnt = 1;
	strcpy(t->name, "acme");
	t->attestation = ATTEST_A;
	t->country_code = strdup("1");
	t->origid_mode = ORIGID_CALL; /* random: a second signature would differ */
	t->carrier_peers = calloc(1, sizeof(*t->carrier_peers));
	t->carrier_cnt = 1;
	assert_int_equal(peer_parse("203.0.113.10:5060", true, t->carrier_peers, &err), 0);
	if (tune)
		tune(g, t);
	memset((char *)r + r->copy_off[generation & 1], 0, WORLD_COPY_MAX);
	assert_true(policy_compile(&in, (void *)((char *)r + r->copy_off[generation & 1]), WORLD_COPY_MAX) > 0);
}

static inline struct policy_region *world_policy(world_tune_fn *tune)
{
	size_t cap = WORLD_COPY_MAX;
	struct policy_region *r = aligned_alloc(64, 4096 + 2 * cap);

	memset(r, 0, 4096 + 2 * cap);
	*r = (struct policy_region){ POLICY_MAGIC, POLICY_VERSION, 4096 + 2 * cap,
				     { 4096, 4096 + cap }, cap };
	world_policy_put(r, WORLD_GENERATION, tune, true);
	return r;
}

static inline struct events_region *world_events(void)
{
	struct events_region *r = calloc(1, events_size(1));

	r->magic = EVENTS_MAGIC;
	r->version = EVENTS_VERSION;
	r->workers = 1;
	r->worker_off = (sizeof(*r) + 4095) & ~4095ull;
	r->worker_size = (sizeof(struct events_worker) + 4095) & ~4095ull;
	return r;
}

static inline struct override_region *world_overrides(void)
{
	struct override_region *r = calloc(1, sizeof(*r));

	r->magic = OVERRIDE_MAGIC;
	r->version = OVERRIDE_VERSION;
	return r;
}

/* Descriptors of the fake NICs; a second world has others. */
static int world_fds;

static inline struct fake_kernel *world_nic(struct world *x, unsigned index)
{
	struct port *p = &x->w->ports[index];
	struct fake_kernel *k = fake_new(world_fds + (int)index, x->w->umem, 0, p);

	p->index = index;
	x->w->tx[index][x->w->tx_cnt[index]++] = p;
	x->w->port_cnt++;
	return k;
}

static inline void world_new(struct world *x, world_tune_fn *tune)
{
	uint64_t len = counters_size(1, WORLD_TRUNKS);
	struct worker_cfg cfg = { .frames = WORLD_FRAMES, .raw_v4 = -1, .raw_v6 = -1 };

	memset(x, 0, sizeof(*x));
	x->policy = world_policy(tune);
	x->counters = calloc(1, len);
	*x->counters = (struct counters_region){ COUNTERS_MAGIC, 1, 1, WORLD_TRUNKS, 4096,
						 counters_worker_size(WORLD_TRUNKS) };
	x->events = world_events();
	x->overrides = world_overrides();
	x->mem = aligned_alloc(XSK_FRAME_SIZE, WORLD_FRAMES * XSK_FRAME_SIZE);
	assert_int_equal(credential_set_new(&x->credentials), 0);
	assert_int_equal(credential_add(x->credentials, 0, VECTOR_PRIVATE_PEM,
					strlen(VECTOR_PRIVATE_PEM), NULL), 0);
	cfg.policy = x->policy;
	cfg.counters = x->counters;
	cfg.events = x->events;
	cfg.overrides = x->overrides;
	cfg.heartbeat = x->heartbeat;
	cfg.slots = x->heartbeat;
	cfg.credentials = x->credentials;
	cfg.umem = x->mem;
	assert_int_equal(worker_new(&cfg, &x->w), 0);
	x->core = world_nic(x, 0);
	x->carrier = world_nic(x, 1);
	assert_int_equal(worker_prepare(x->w), 0);
}

static inline void world_free(struct world *x)
{
	for (unsigned i = 0; i < x->w->port_cnt; i++)
		x->w->ports[i].fd = -1; /* no descriptors */
	worker_free(x->w);
	credential_set_free(x->credentials);
	free(x->core);
	free(x->carrier);
	free(x->mem);
	free(x->counters);
	free(x->events);
	free(x->overrides);
	free(x->policy);
}

/* What XDP writes for a frame that leaves by the carrier NIC. */
static inline struct sipseal_meta world_meta(void)
{
	return (struct sipseal_meta){
		.version = SIPSEAL_ABI_VERSION, .generation = (uint16_t)(WORLD_GENERATION),
		.trunk = WORLD_TRUNK, .time_ns = clock_mono_ns(), .egress = 1, .mtu = 1500,
		.dmac = { 2, 0, 0, 0, 0, 0xd }, .smac = { 2, 0, 0, 0, 0, 0x5 },
	};
}

static inline void world_in(struct world *x, const struct sipseal_meta *m, const void *frame, size_t len)
{
	assert_true(fake_deliver(x->core, m, sizeof(*m), frame, len));
	x->delivered++;
}

static inline void world_send(struct world *x, const struct sipseal_meta *m, const char *msg)
{
	struct packet_spec s = { .ttl = 64 };
	uint8_t frame[XSK_FRAME_SIZE];

	world_in(x, m, frame, packet_put(&s, msg, strlen(msg), frame));
}

static inline uint64_t world_reason(const struct world *x, enum sipseal_reason r)
{
	return x->w->counters->reasons[r - SR_XDP_MAX];
}

static inline uint64_t world_trunk_reason(const struct world *x, enum sipseal_reason r)
{
	return x->w->counters->trunks[WORLD_TRUNK].reasons[COUNTERS_OUTBOUND][r - SR_XDP_MAX];
}

/* Two loops; afterwards: one reason per frame that does not wait, no frame lost. */
static inline void world_run(struct world *x)
{
	uint64_t sum = 0;

	worker_loop(x->w);
	worker_loop(x->w);
	for (unsigned i = 0; i < COUNTERS_SIGNER_REASONS; i++)
		sum += x->w->counters->reasons[i];
	assert_int_equal(sum + x->w->counters->parked + x->w->counters->fragments_held, x->delivered);
	assert_int_equal(x->w->counters->parked, park_cnt(x->w->inbound.park));
	assert_int_equal(x->w->counters->frames_lost, 0);
	assert_int_equal(x->w->umem->count[UMEM_HELD], 0);
	assert_int_equal(x->w->counters->frames_free + x->w->counters->frames_rx +
			 x->w->counters->frames_tx, WORLD_FRAMES);
}

static inline bool world_event(struct world *x, struct event_record *ret)
{
	return events_take(events_worker(x->events, 0), &x->events_seen, ret);
}

/* UDP payload of a frame that left unfragmented. */
static inline struct slice world_payload(const struct fake_kernel *k, unsigned i)
{
	struct wire_frame f;

	assert_true(i < k->sent_cnt);
	assert_int_equal(wire_frame_parse(slice_of(k->sent[i].data, k->sent[i].len), &f), 0);
	assert_int_equal(packet_udp_sum(f.is_v6, f.src + 12, f.dst + 12, f.payload.p - 8,
					f.payload.len + 8), 0xffff);
	return f.payload;
}

/* For world_new(): a calling number outside of `numbers` is answered. */
static inline void world_refuse_others(struct gateway *g, struct trunk *t)
{
	const char *err;

	(void)g;
	t->has_numbers = true;
	t->numbers = calloc(1, sizeof(*t->numbers));
	t->number_cnt = 1;
	t->attestation_other = ATTEST_REJECT;
	assert_int_equal(number_range_parse("+18005550100", t->numbers, &err), 0);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gateway_setup - tables and configuration that the fixtures run against, and one test run.
 *
 *  group  carrier peer           core peers       slot
 *  1      203.0.113.10:5060      10.0.1.0/24      10     10.0.1.128/25: 11, verifies, INVITEs may wait
 *  2      203.0.113.20:5080      any              20     verifies, INVITEs may wait
 *  3      198.51.100.0/28        any              30     verifies, INVITEs may wait
 *  4      198.51.100.5           10.9.0.0/16      40     inside the prefix of 3: no backtracking
 *  5      [2001:db8:2::10]:5060  any              50     verifies, INVITEs may wait
 *  6      203.0.113.99           any              60     neighbour unknown
 *  7      192.0.2.10             any              70     egress is no port
 *  8      203.0.113.1            any              80     the gateway itself
 *  9      198.18.0.10            any              90     route with MTU 1300
 *  10     198.18.1.10            any              100    blackhole
 *  11     198.18.2.10            any              110    route with MTU 1300, neighbour unknown
 *  12     [2001:db8:3::10]:5060  any              120    route with MTU 1300, neighbour unknown
 *  1                             10.0.2.0/24      130    max_cps 1; verifies, without waiting
 *  13     203.0.113.20:5090      any              140    the same peer at another port
 *
 * In odd generations every slot is one more and every group 100 more, so that a look-up in the wrong copy
 * shows: a match set for each copy.  Queue 0 of a port belongs to worker 3, queue 1 to worker 5; only the one that is tested lives.
 */
#ifndef SIPSEAL_TEST_GATEWAY_SETUP_H
#define SIPSEAL_TEST_GATEWAY_SETUP_H

#include "guard.h"

#include <time.h>

#include "base/clock.h"
#include "daemon/bpfgw_internal.h"
#include "frames.h"
#include "lab.h"

#define CORE 0
#define CARRIER 1
#define HEARTBEAT_NS 500000000ull

/* What differs from: fast path kernel, drop on failure, others pass, signer alive. */
enum {
	CF_FORWARD        = 1 << 0,
	CF_FAIL_PASS      = 1 << 1,
	CF_UNMATCHED_DROP = 1 << 2,
	CF_OTHER_DROP     = 1 << 3,
	CF_OFF            = 1 << 4,  /* regulatory.enabled false */
	CF_STALE          = 1 << 5,  /* heartbeat too old */
	CF_NO_BEAT        = 1 << 6,
	CF_NO_SOCKET      = 1 << 7,
	CF_QUEUE1         = 1 << 8,  /* came in on queue 1 */
	CF_FUTURE_BEAT    = 1 << 9,  /* written after the coarse clock's last tick */
	CF_NO_DEV         = 1 << 10, /* devmap slot of the egress is empty */
	CF_ONE_QUEUE      = 1 << 11, /* sockets for queue 0 only */
	CF_BACKLOG        = 1 << 12, /* the ring is half full */
	CF_ALMOST         = 1 << 13, /* nearly so */
	CF_SPENT          = 1 << 14, /* the trunks of group 1 have had their calls, by both limits */
	CF_SHARE          = 1 << 15, /* the worker says what a fair share is */
	CF_BRIDGE         = 1 << 16, /* mode wire: both ports are bridges, MTU 1500 and 1400 */
	CF_LOCAL          = 1 << 17, /* mode host: the carrier port is of the local stack */
	CF_BOTH           = 1 << 18, /* the core port is of both sides */
	CF_HOP            = 1 << 19, /* and what comes in there has the MAC of a carrier's next hop */
	CF_WITHHOLD       = 1 << 20, /* withhold_options */
	CF_GONE           = 1 << 21, /* heartbeat too old by more than SIPSEAL_WITHHOLD_NS */
	CF_LONG_STALE     = 1 << 22, /* nearly so */
	CF_BOTH_CARRIER   = 1 << 23, /* the carrier port is of both sides, and has a hop with that MAC unless CF_HOP */
};

#define SHARE_NS 10000000ull

static struct matchset *tables[2]; /* of even and odd generations */
static struct bpfgw *gw;
static unsigned ifindex_of[2];
static int xsk_fd = -1;

static inline void addr_of(const char *s, uint8_t ret[16])
{
	memset(ret, 0, 16);
	if (strchr(s, ':')) {
		inet_pton(AF_INET6, s, ret);
		return;
	}
	ret[10] = ret[11] = 0xff;
	inet_pton(AF_INET, s, ret + 12);
}

/* One carrier peer or prefix and, unless NULL, one core prefix. */
struct gateway_trunk {
	uint32_t slot;
	const char *carrier;
	unsigned bits;      /* 0: host */
	uint16_t port;
	const char *core;
	unsigned core_bits;
	unsigned max_cps;
	enum { VERIFY_OFF, VERIFY_AT_ONCE, VERIFY_WAITS } verify;
};

static inline struct peer peer_of(const char *addr, unsigned bits, uint16_t port)
{
	struct peer p = { .bits = 128, .port = port };

	addr_of(addr, p.addr);
	if (bits)
		p.bits = (uint8_t)(strchr(addr, ':') ? bits : 96 + bits);
	return p;
}

static inline void tables_add(struct matchset *ms, const struct gateway_trunk *g)
{
	struct peer carrier = peer_of(g->carrier, g->bits, g->port), core;
	struct trunk t = { .carrier_peers = &carrier, .carrier_cnt = 1, .core_peers = &core, .max_cps = g->max_cps,
			   .verification = { .is_enabled = g->verify != VERIFY_OFF,
					     .wait_ms = g->verify == VERIFY_AT_ONCE ? 0 : 400 } };
	uint32_t other;

	if (g->core)
		core = peer_of(g->core, g->core_bits, 0);
	t.core_cnt = !!g->core;
	assert_int_equal(matchset_add(ms, g->slot, &t, &other), 0);
}

/* Let so many groups come and go: no number is given twice before both copies have been drained. */
static inline void tables_skip_groups(struct matchset *ms, unsigned groups)
{
	struct peer carrier = peer_of("192.0.2.99", 0, 5060);
	struct trunk t = { .carrier_peers = &carrier, .carrier_cnt = 1 };
	uint32_t other;

	while (groups--) {
		assert_int_equal(matchset_add(ms, 0, &t, &other), 0);
		assert_int_equal(matchset_remove(ms, 0, &t), 0);
	}
}

static inline struct matchset *tables_build(uint32_t slots, unsigned groups)
{
	static const struct gateway_trunk trunks[] = {
		{ 10, "203.0.113.10", 0, 5060, "10.0.1.0", 24, 0 },
		{ 11, "203.0.113.10", 0, 5060, "10.0.1.128", 25, 0, VERIFY_WAITS },
		{ 12, "203.0.113.10", 0, 5060, "10.0.1.201", 32, 0 }, /* in the prefix of another */
		{ 130, "203.0.113.10", 0, 5060, "10.0.2.0", 24, 1, VERIFY_AT_ONCE },
		{ 20, "203.0.113.20", 0, 5080, NULL, 0, 0, VERIFY_WAITS },
		{ 30, "198.51.100.0", 28, 5060, NULL, 0, 0, VERIFY_WAITS },
		{ 40, "198.51.100.5", 0, 5060, "10.9.0.0", 16, 0 },
		{ 50, "2001:db8:2::10", 0, 5060, NULL, 0, 0, VERIFY_WAITS },
		{ 52, "2001:db8:2::10", 0, 5060, "2001:db8:1::7", 128, 0 },
		{ 60, "203.0.113.99", 0, 5060, NULL, 0, 0 },
		{ 70, "192.0.2.10", 0, 5060, NULL, 0, 0 },
		{ 80, "203.0.113.1", 0, 5060, NULL, 0, 0 },
		{ 90, "198.18.0.10", 0, 5060, NULL, 0, 0 },
		{ 100, "198.18.1.10", 0, 5060, NULL, 0, 0 },
		{ 110, "198.18.2.10", 0, 5060, NULL, 0, 0 },
		{ 120, "2001:db8:3::10", 0, 5060, NULL, 0, 0 },
		{ 140, "203.0.113.20", 0, 5090, NULL, 0, 0, VERIFY_WAITS },
	};
	const uint16_t ports[] = { 5060, 5070 };
	struct matchset *ms;

	assert_int_equal(matchset_new(ports, 2, &ms), 0);
	tables_skip_groups(ms, groups);
	for (size_t i = 0; i < ARRAY_SIZE(trunks); i++) {
		struct gateway_trunk t = trunks[i];

		t.slot += slots;
		tables_add(ms, &t);
	}
	return ms;
}

static inline struct sipseal_config config_build(unsigned flags, uint32_t generation)
{
	struct sipseal_config c = {
		.generation = generation,
		.heartbeat_limit_ns = HEARTBEAT_NS,
		.on_signer_failure = flags & CF_FAIL_PASS ? SIPSEAL_PASS : SIPSEAL_DROP,
		.unmatched_invite = flags & CF_UNMATCHED_DROP ? SIPSEAL_DROP : SIPSEAL_PASS,
		.other_transports = flags & CF_OTHER_DROP ? SIPSEAL_DROP : SIPSEAL_PASS,
		.fast_path_forward = !!(flags & CF_FORWARD),
		.regulatory_enabled = !(flags & CF_OFF),
		.withhold_options = !!(flags & CF_WITHHOLD),
		.sip_port_cnt = 2,
		.sip_ports = { 5060, 5070 },
		/* 15 digits: the longest there may be; bytes behind the digits must not matter */
		.emergency = { { 3, "911garbage" }, { 3, "112" }, { 15, "123456789012345" } },
		.ports = {
			[CORE] = { .ifindex = ifindex_of[CORE], .side = SIPSEAL_SIDE_CORE,
				   .queues = flags & CF_ONE_QUEUE ? 1 : 2, .worker = { 3, 5 } },
			[CARRIER] = { .ifindex = ifindex_of[CARRIER], .side = SIPSEAL_SIDE_CARRIER,
				      .queues = 2, .worker = { 3, 5 } },
		},
	};

	if (flags & CF_BRIDGE) {
		c.ports[CORE].flags = c.ports[CARRIER].flags = SIPSEAL_PORT_F_BRIDGE;
		c.ports[CORE].peer = CARRIER;
		c.ports[CARRIER].peer = CORE;
		c.ports[CORE].mtu = 1500;
		c.ports[CARRIER].mtu = 1400;
	}
	if (flags & CF_LOCAL)
		c.ports[CARRIER].flags = SIPSEAL_PORT_F_LOCAL;
	if (flags & CF_BOTH)
		c.ports[CORE].side = SIPSEAL_SIDE_BOTH;
	if (flags & CF_BOTH_CARRIER)
		c.ports[CARRIER].side = SIPSEAL_SIDE_BOTH;
	return c;
}

static inline void set_beat(uint32_t worker, uint64_t value)
{
	assert_int_equal(bpf_map_update_elem(bpfgw_heartbeat_fd(gw), &worker, &value, 0), 0);
}

static inline void set_devs(unsigned flags)
{
	int fd = bpf_map__fd(gw->skel->maps.sipseal_devs);

	for (uint32_t port = CORE; port <= CARRIER; port++) {
		if (port == CARRIER && flags & CF_NO_DEV)
			bpf_map_delete_elem(fd, &port);
		else
			assert_int_equal(bpf_map_update_elem(fd, &port, &ifindex_of[port], 0), 0);
	}
}

static inline void set_sockets(unsigned flags)
{
	int fd = bpf_map__fd(gw->skel->maps.sipseal_xsks);
	uint32_t queue = flags & CF_QUEUE1 ? 1 : 0;

	for (uint32_t slot = 0; slot < SIPSEAL_PORTS_MAX * SIPSEAL_QUEUES_MAX; slot++)
		bpf_map_delete_elem(fd, &slot);
	for (unsigned port = CORE; port <= CARRIER && !(flags & CF_NO_SOCKET); port++)
		assert_int_equal(bpfgw_xsk_set(gw, port, queue, xsk_fd), 0);
}

/* How full the rings of the first queues are. */
static inline void set_rings(unsigned flags)
{
	for (uint32_t slot = 0; slot <= CARRIER * SIPSEAL_QUEUES_MAX; slot += SIPSEAL_QUEUES_MAX) {
		set_beat(SIPSEAL_GIVEN + slot, 1000);
		set_beat(SIPSEAL_MARK + slot, flags & CF_BACKLOG ? 1000 : flags & CF_ALMOST ? 1001 : 5000);
	}
}

/* As if the trunks of group 1 had just had all that they may have, or had been silent for long. */
static inline void set_limiters(unsigned flags)
{
	static const uint32_t slots[] = { 10, 11, 12, 130, 131 };
	const uint64_t now = clock_mono_ns();
	/* max_cps 1: the next call in a second; share: as far, so that no pause of the machine lets one in */
	const struct sipseal_limiter spent = { now + 1000000000, now + 1000000000 };

	for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
		assert_int_equal(bpfgw_limiter_reset(gw, slots[i]), 0);
		if (flags & CF_SPENT)
			assert_int_equal(bpf_map_update_elem(bpf_map__fd(gw->skel->maps.sipseal_limits), &slots[i],
							     &spent, 0), 0);
	}
	set_beat(SIPSEAL_FAIR + 3, flags & CF_SHARE ? SHARE_NS : 0);
	set_beat(SIPSEAL_FAIR + 5, 0);
}

/* The source MAC of frames.h, and others that must not count: another NIC's, another MAC of this one. */
static inline void set_hops(unsigned flags)
{
	const struct sipseal_hop_key hops[] = {
		{ { 2, 0, 0, 0, 0, 2 }, flags & CF_HOP ? CORE : CARRIER }, { { 2, 0, 0, 0, 0, 1 }, CORE },
	};

	assert_int_equal(bpfgw_hops_set(gw, hops, ARRAY_SIZE(hops)), 0);
}

static inline void gateway_apply(unsigned flags, uint32_t generation)
{
	struct sipseal_config c = config_build(flags, generation);
	uint64_t now = clock_mono_ns(), beat = now;

	assert_int_equal(bpfgw_config_set(gw, &c), 0);
	if (flags & CF_STALE)
		beat = now - HEARTBEAT_NS - 100000000;
	if (flags & CF_LONG_STALE)
		beat = now - HEARTBEAT_NS - SIPSEAL_WITHHOLD_NS + 500000000;
	if (flags & CF_GONE)
		beat = now - HEARTBEAT_NS - SIPSEAL_WITHHOLD_NS - 100000000;
	if (flags & CF_NO_BEAT)
		beat = 0;
	if (flags & CF_FUTURE_BEAT)
		beat = now + 20000000;
	set_beat(3, flags & CF_QUEUE1 ? 0 : beat);
	set_beat(5, flags & CF_QUEUE1 ? beat : 0);
	set_rings(flags);
	set_sockets(flags);
	set_devs(flags);
	set_limiters(flags);
	set_hops(flags);
}

static inline void gateway_open(void)
{
	char err[BPFGW_ERR_LEN] = "";
	struct sipseal_config c;

	ifindex_of[CORE] = if_nametoindex("c0");
	ifindex_of[CARRIER] = if_nametoindex("k0");
	xsk_fd = lab_xsk();
	tables[0] = tables_build(0, 1);
	tables[1] = tables_build(1, 101);
	if (bpfgw_open(lab_bpffs, &gw, err) < 0)
		fail_msg("%s", err);
	if (bpfgw_fill(gw, tables[0], 6, err) < 0)
		fail_msg("%s", err);
	c = config_build(0, 6);
	assert_int_equal(bpfgw_config_set(gw, &c), 0);
	if (bpfgw_fill(gw, tables[1], 7, err) < 0)
		fail_msg("%s", err);
}

static inline void gateway_close(void)
{
	bpfgw_close(gw);
	matchset_free(tables[0]);
	matchset_free(tables[1]);
	close(xsk_fd);
}

/* One run. */
struct run {
	uint8_t out[FRAME_MAX + 64];
	uint32_t out_len, meta_len;
	uint32_t action, ns;
};

static inline void gateway_run_ifindex(const struct frame *f, unsigned ifindex, unsigned queue, int repeat,
				struct run *r)
{
	struct xdp_md in = { .ingress_ifindex = ifindex, .rx_queue_index = queue }, out = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->b, .data_size_in = (uint32_t)f->len,
		    .data_out = r->out, .data_size_out = sizeof(r->out), .ctx_in = &in,
		    .ctx_size_in = sizeof(in), .ctx_out = &out, .ctx_size_out = sizeof(out),
		    .repeat = repeat);

	in.data_end = (uint32_t)f->len;
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(gw->skel->progs.sipseal_gateway), &o), 0);
	r->out_len = o.data_size_out;
	r->meta_len = out.data;
	r->action = o.retval;
	r->ns = o.duration;
}

static inline void gateway_run(const struct frame *f, unsigned port, unsigned queue, struct run *r)
{
	gateway_run_ifindex(f, ifindex_of[port], queue, 1, r);
}

#endif

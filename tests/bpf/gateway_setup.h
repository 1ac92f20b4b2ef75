/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gateway_setup - tables and configuration that the fixtures run against, and one test run.
 *
 *  group  carrier peer           core peers       slot
 *  1      203.0.113.10:5060      10.0.1.0/24      10     10.0.1.128/25: 11
 *  2      203.0.113.20:5080      any              20
 *  3      198.51.100.0/28        any              30
 *  4      198.51.100.5           10.9.0.0/16      40     inside the prefix of 3: no backtracking
 *  5      [2001:db8:2::10]:5060  any              50
 *  6      203.0.113.99           any              60     neighbour unknown
 *  7      192.0.2.10             any              70     egress is no port
 *  8      203.0.113.1            any              80     the gateway itself
 *  9      198.18.0.10            any              90     route with MTU 1300
 *  10     198.18.1.10            any              100    blackhole
 *  11     198.18.2.10            any              110    route with MTU 1300, neighbour unknown
 *  12     [2001:db8:3::10]:5060  any              120    route with MTU 1300, neighbour unknown
 *
 * In odd generations every slot is one more and every group 100 more, so that a look-up in the wrong copy
 * shows.  Queue 0 of a port belongs to worker 3, queue 1 to worker 5; only the one that is tested lives.
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
};

#define PEERS_MAX 64
static struct match_tables tables;
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

static inline void add_peer(const char *addr, uint16_t port, uint32_t group)
{
	const uint16_t ports[] = { port, 0 };

	for (int i = 0; i < 2; i++) {
		__typeof__(tables.peers) p = &tables.peers[tables.peer_cnt++];

		addr_of(addr, p->key.addr);
		p->key.port_be = htons(ports[i]);
		p->group = group;
	}
}

static inline void add_prefix(const char *addr, unsigned bits, uint32_t group)
{
	const uint16_t ports[] = { 5060, 0 };

	for (int i = 0; i < 2; i++) {
		__typeof__(tables.prefixes) p = &tables.prefixes[tables.prefix_cnt++];

		addr_of(addr, p->key.addr);
		p->key.prefixlen = 32 + 96 + bits;
		p->key.port_be = htons(ports[i]);
		p->group = group;
	}
}

/* @addr NULL: any */
static inline void add_core(const char *addr, unsigned bits, uint32_t group, uint32_t slot)
{
	__typeof__(tables.cores) c = &tables.cores[tables.core_cnt++];

	c->key.prefixlen = 32;
	if (addr) {
		addr_of(addr, c->key.addr);
		c->key.prefixlen += 96 + bits;
	}
	c->key.group_be = htonl(group);
	c->slot = slot;
}

static inline void tables_build(void)
{
	tables.peers = calloc(PEERS_MAX, sizeof(*tables.peers));
	tables.prefixes = calloc(PEERS_MAX, sizeof(*tables.prefixes));
	tables.cores = calloc(PEERS_MAX, sizeof(*tables.cores));
	add_peer("203.0.113.10", 5060, 1);
	add_core("10.0.1.0", 24, 1, 10);
	add_core("10.0.1.128", 25, 1, 11);
	add_peer("203.0.113.20", 5080, 2);
	add_core(NULL, 0, 2, 20);
	add_prefix("198.51.100.0", 28, 3);
	add_core(NULL, 0, 3, 30);
	add_peer("198.51.100.5", 5060, 4);
	add_core("10.9.0.0", 16, 4, 40);
	add_peer("2001:db8:2::10", 5060, 5);
	add_core(NULL, 0, 5, 50);
	add_peer("203.0.113.99", 5060, 6);
	add_core(NULL, 0, 6, 60);
	add_peer("192.0.2.10", 5060, 7);
	add_core(NULL, 0, 7, 70);
	add_peer("203.0.113.1", 5060, 8);
	add_core(NULL, 0, 8, 80);
	add_peer("198.18.0.10", 5060, 9);
	add_core(NULL, 0, 9, 90);
	add_peer("198.18.1.10", 5060, 10);
	add_core(NULL, 0, 10, 100);
	add_peer("198.18.2.10", 5060, 11);
	add_core(NULL, 0, 11, 110);
	add_peer("2001:db8:3::10", 5060, 12);
	add_core(NULL, 0, 12, 120);
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
	if (!(flags & CF_NO_SOCKET))
		assert_int_equal(bpfgw_xsk_set(gw, CORE, queue, xsk_fd), 0);
}

static inline void gateway_apply(unsigned flags, uint32_t generation)
{
	struct sipseal_config c = config_build(flags, generation);
	uint64_t now = clock_mono_ns(), beat = now;

	assert_int_equal(bpfgw_config_set(gw, &c), 0);
	if (flags & CF_STALE)
		beat = now - HEARTBEAT_NS - 100000000;
	if (flags & CF_NO_BEAT)
		beat = 0;
	if (flags & CF_FUTURE_BEAT)
		beat = now + 20000000;
	set_beat(3, flags & CF_QUEUE1 ? 0 : beat);
	set_beat(5, flags & CF_QUEUE1 ? beat : 0);
	set_beat(SIPSEAL_GIVEN, 1000); /* slot 0: the first queue of CORE */
	set_beat(SIPSEAL_MARK, flags & CF_BACKLOG ? 1000 : flags & CF_ALMOST ? 1001 : 5000);
	set_sockets(flags);
	set_devs(flags);
}

static inline void tables_shift(uint32_t slots, uint32_t groups)
{
	for (size_t i = 0; i < tables.peer_cnt; i++)
		tables.peers[i].group += groups;
	for (size_t i = 0; i < tables.prefix_cnt; i++)
		tables.prefixes[i].group += groups;
	for (size_t i = 0; i < tables.core_cnt; i++) {
		tables.cores[i].slot += slots;
		tables.cores[i].key.group_be = htonl(ntohl(tables.cores[i].key.group_be) + groups);
	}
}

static inline void gateway_open(void)
{
	char err[BPFGW_ERR_LEN] = "";
	struct sipseal_config c;

	ifindex_of[CORE] = if_nametoindex("c0");
	ifindex_of[CARRIER] = if_nametoindex("k0");
	xsk_fd = lab_xsk();
	tables_build();
	if (bpfgw_open(lab_bpffs, &gw, err) < 0)
		fail_msg("%s", err);
	if (bpfgw_fill(gw, &tables, 6, err) < 0)
		fail_msg("%s", err);
	c = config_build(0, 6);
	assert_int_equal(bpfgw_config_set(gw, &c), 0);
	tables_shift(1, 100);
	if (bpfgw_fill(gw, &tables, 7, err) < 0)
		fail_msg("%s", err);
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

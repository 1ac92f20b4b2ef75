// SPDX-License-Identifier: BSD-2-Clause
/*
 * bench_match - what the XDP program costs per INVITE with 10 and with 100,000 trunks, by BPF_PROG_TEST_RUN,
 * each run with another trunk's address: once where core addresses tell trunks apart (one carrier peer), once
 * where each trunk has a carrier peer of its own.  10 trunks stand in the copy of the even generations,
 * 100,000 in that of the odd ones.
 *
 * usage: bench_match [--quick]        output: sides.h; the clock of the kernel around one run is part of each figure
 */
#include "../bpf/gateway_setup.h"
#include "invite.h"
#include "sides.h"

#define RUNS    20000      /* of one round and side */
#define CALLERS 0x0a800000u /* 10.128.0.0: address of trunk 0 */
#define CARRIER_PEER "203.0.113.10"

struct layout {
	const char *name;
	bool is_by_carrier;
	uint32_t generation; /* even */
};

static struct peer peer_any(uint32_t v4)
{
	struct in_addr a = { htonl(v4) };
	char text[INET_ADDRSTRLEN];

	return peer_of(inet_ntop(AF_INET, &a, text, sizeof(text)), 0, 0);
}

static struct matchset *matchset_make(const struct layout *l, uint32_t trunks)
{
	static const uint16_t ports[] = { 5060 };
	struct matchset *ms;

	if (matchset_new(ports, 1, &ms) < 0)
		lab_die("match set");
	for (uint32_t i = 0; i < trunks; i++) {
		struct peer own = peer_any(CALLERS + i), carrier = peer_of(CARRIER_PEER, 0, 5060);
		struct trunk t = { .carrier_peers = &carrier, .carrier_cnt = 1, .core_peers = &own,
				   .core_cnt = !l->is_by_carrier };
		uint32_t other;

		own.port = 5060;
		if (l->is_by_carrier)
			t.carrier_peers = &own;
		if (matchset_add(ms, i, &t, &other) < 0)
			lab_die("match set");
	}
	return ms;
}

static void layout_fill(const struct layout *l, enum side side)
{
	struct sipseal_config c = config_build(0, l->generation + (uint32_t)side);
	struct matchset *ms = matchset_make(l, sides_trunks(side));
	char err[BPFGW_ERR_LEN];

	if (bpfgw_fill(gw, ms, c.generation, err) < 0 || bpfgw_config_set(gw, &c) < 0)
		lab_die(err);
	matchset_free(ms);
}

static double match_ns(enum side side, void *ctx)
{
	const struct layout *l = ctx;
	struct spec s = { .src = "10.0.1.5", .dst = CARRIER_PEER, .text = bench_invite };
	static struct frame f;
	static struct run r;
	uint64_t sum = 0;

	gateway_apply(0, l->generation + (uint32_t)side);
	set_beat(3, clock_mono_ns() + 10000000000ull); /* alive for as long as it takes */
	set_beat(SIPSEAL_MARK, UINT64_MAX / 2);        /* and its ring never fills */
	frame_build(&f, &s);
	for (unsigned i = 0; i < RUNS; i++) {
		uint32_t addr = htonl(CALLERS + (uint32_t)(sides_any() % sides_trunks(side)));

		memcpy(f.b + f.l3 + (l->is_by_carrier ? 16 : 12), &addr, sizeof(addr));
		gateway_run(&f, CORE, 0, &r);
		if (r.action != XDP_REDIRECT) {
			fprintf(stderr, "bench_match: %s: action %u\n", l->name, r.action);
			exit(1);
		}
		sum += r.ns;
	}
	return (double)sum / RUNS;
}

int main(int argc, char **argv)
{
	struct layout layouts[] = { { "match by core address", false, 2 }, { "match by carrier peer", true, 4 } };
	char err[BPFGW_ERR_LEN];

	sides_args(argc, argv);
	lab_up();
	lab_network();
	lab_run("ip route add 10.128.0.0/9 via 203.0.113.10");
	ifindex_of[CORE] = if_nametoindex("c0");
	ifindex_of[CARRIER] = if_nametoindex("k0");
	xsk_fd = lab_xsk();
	if (bpfgw_open(lab_bpffs, &gw, err) < 0)
		lab_die(err);
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		for (int side = 0; side < SIDES; side++)
			layout_fill(&layouts[i], side);
		sides_measure(layouts[i].name, match_ns, &layouts[i]);
	}
	bpfgw_close(gw);
	close(xsk_fd);
	return 0;
}

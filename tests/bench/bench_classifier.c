// SPDX-License-Identifier: BSD-2-Clause
/*
 * What the XDP program costs per packet, by BPF_PROG_TEST_RUN against an empty program in the same run:
 * one JSON line {"name":NAME,"ours_ns":[PER ROUND],"empty_ns":[PER ROUND]} per kind of packet.  The two take
 * turns, for the machine's speed drifts by more than what is measured.
 */
#include "../bpf/gateway_setup.h"

#define ROUNDS 3
#define RUNS 200000 /* per round: 10 ms and more, so that the tick does not show */

/* Repeated runs of one call work on the same frame, and forwarding counts its TTL down. */
#define RUNS_FORWARD 200
#define CALLS 10 /* of those; each waits for RCU twice, some 10 ms */

#define PEER .src = "10.0.1.5", .dst = "203.0.113.10"

struct row {
	const char *name;
	unsigned flags;
	struct spec p;
	int repeat; /* runs per call */
	uint32_t action;
};

static int empty_prog(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "empty", "GPL", insns, 2, NULL);
}

/* Nanoseconds per packet; the last action in *ret_action. */
static double ns_per_packet(int prog, const struct frame *f, int repeat, uint32_t *ret_action)
{
	struct xdp_md in = { .ingress_ifindex = ifindex_of[CORE], .data_end = (uint32_t)f->len };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->b, .data_size_in = (uint32_t)f->len, .ctx_in = &in,
		    .ctx_size_in = sizeof(in), .repeat = repeat);
	int calls = repeat == RUNS ? 1 : CALLS;
	double sum = 0;

	for (int i = 0; i < calls; i++) {
		if (bpf_prog_test_run_opts(prog, &o) < 0)
			lab_die("test run");
		sum += o.duration;
	}
	*ret_action = o.retval;
	return sum / calls;
}

static void list(const char *key, const double *v)
{
	printf(",\"%s\":[", key);
	for (int i = 0; i < ROUNDS; i++)
		printf("%s%.1f", i ? "," : "", v[i]);
	printf("]");
}

static bool measure(const struct row *row, int empty)
{
	int ours = bpf_program__fd(gw->skel->progs.sipseal_gateway);
	double a[ROUNDS], b[ROUNDS];
	static struct frame f;
	uint32_t action;

	frame_build(&f, &row->p);
	for (int i = 0; i < ROUNDS; i++) {
		a[i] = ns_per_packet(empty, &f, row->repeat, &action);
		gateway_apply(row->flags, 6);
		set_beat(3, clock_mono_ns() + 10000000000ull); /* alive for as long as it takes */
		b[i] = ns_per_packet(ours, &f, row->repeat, &action);
		if (action != row->action) {
			fprintf(stderr, "%s: action %u, wanted %u\n", row->name, action, row->action);
			return false;
		}
	}
	printf("{\"name\":\"%s\"", row->name);
	list("ours_ns", b);
	list("empty_ns", a);
	printf("}\n");
	return true;
}

int main(void)
{
	static const struct row rows[] = {
		{ "classifier_nonsip_ns", 0, { PEER, .dport = 20000, .text = "\x80\x00 sound" }, RUNS, XDP_PASS },
		{ "classifier_options_ns", 0, { PEER, .text = OPTIONS }, RUNS, XDP_PASS },
		{ "classifier_tcp_ns", 0, { PEER, .proto = 6, .dport = 443 }, RUNS, XDP_PASS },
		{ "classifier_forward_ns", CF_FORWARD, { PEER, .text = OPTIONS, .ttl = 255 }, RUNS_FORWARD,
		  XDP_REDIRECT },
		/* To the very end, where the socket is missing: with one, each run would put another 32
		 * bytes of metadata before the frame, and after six there is no room. */
		{ "classifier_invite_ns", CF_NO_SOCKET | CF_FAIL_PASS, { PEER }, RUNS, XDP_PASS },
		{ "classifier_unmatched_ns", 0, { .src = "10.0.1.5", .dst = "203.0.113.77" }, RUNS, XDP_PASS },
	};
	bool is_good = true;
	int empty;

	lab_up();
	lab_network();
	gateway_open();
	empty = empty_prog();
	if (empty < 0)
		lab_die("empty program");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		is_good &= measure(&rows[i], empty);
	bpfgw_close(gw);
	return !is_good;
}

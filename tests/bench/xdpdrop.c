/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xdpdrop - drops all that arrives on a NIC, in native XDP, until it is killed; a sink for measuring:
 * with veth the receiver's stack would otherwise be billed to the sender.
 * usage: xdpdrop IF [pass]   prints "ready" when attached; pass: to the kernel instead
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	bool is_pass = argc == 3 && strcmp(argv[2], "pass") == 0;
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = is_pass ? XDP_PASS : XDP_DROP },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	unsigned ifindex = argc == 2 || is_pass ? if_nametoindex(argv[1]) : 0;
	int prog, link;

	if (!ifindex) {
		fprintf(stderr, "usage: xdpdrop IF [pass]\n");
		return 2;
	}
	prog = bpf_prog_load(BPF_PROG_TYPE_XDP, "xdpdrop", "GPL", insns, sizeof(insns) / sizeof(insns[0]), NULL);
	link = prog < 0 ? prog : bpf_link_create(prog, (int)ifindex, BPF_XDP, &opts);
	if (link < 0) {
		fprintf(stderr, "xdpdrop: %s: %s\n", argv[1], strerror(-link));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <time.h>

#include "daemon/bpfgw_internal.h"
#include "daemon/host_internal.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include "host.skel.h"
#pragma GCC diagnostic pop

/* First of all: a program of others that answers TC_ACT_OK would end the row before us.  Ours ends it only for what it
 * leads away.  The handle tells ours from others of that priority. */
#define TC_PRIORITY 1
#define TC_HANDLE   SIPSEAL_MARK_RAW

/* Cut by the kernel at 15 characters, as our maps are. */
#define PROG_NAME "sipseal_host"

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

static struct bpf_tc_hook hook_of(unsigned ifindex, enum bpf_tc_attach_point point)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook), .ifindex = (int)ifindex, .attach_point = point
	};
}

static struct bpf_tc_opts opts_of(void)
{
	return (struct bpf_tc_opts){
		.sz = sizeof(struct bpf_tc_opts), .handle = TC_HANDLE, .priority = TC_PRIORITY
	};
}

/* All maps but those of its own constants are the gateway program's. */
static int maps_share(struct bpf_object *host, struct bpfgw *g)
{
	struct bpf_map *map, *theirs;
	int r;

	bpf_object__for_each_map(map, host) {
		if (bpf_map__is_internal(map) && strstr(bpf_map__name(map), ".rodata"))
			continue;
		theirs = bpf_object__find_map_by_name(g->skel->obj, bpf_map__name(map));
		if (!theirs)
			return -ENOENT;
		r = bpf_map__reuse_fd(map, bpf_map__fd(theirs));
		if (r < 0)
			return r;
	}
	return 0;
}

int host_tc_load(struct host *h, struct bpfgw *g)
{
	struct host_bpf *skel;
	int r;

	skel = host_bpf__open();
	if (!skel)
		return -errno;
	skel->rodata->host_near_ifindex = h->near.ifindex;
	skel->rodata->host_nic_ifindex = h->ifindex;
	r = maps_share(skel->obj, g);
	if (r >= 0)
		r = host_bpf__load(skel);
	if (r < 0) {
		host_bpf__destroy(skel);
		return r;
	}
	h->skel = skel;
	return 0;
}

void host_tc_unload(struct host *h)
{
	host_bpf__destroy(TAKE(h->skel));
}

static uint32_t prog_id(const struct bpf_program *prog)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len) < 0 ? 0 : info.id;
}

/* The program under our handle; 0: none. */
static uint32_t attached_id(struct bpf_tc_hook hook)
{
	libbpf_print_fn_t was = libbpf_set_print(quiet); /* a NIC without clsact is no news */
	struct bpf_tc_opts opts = opts_of();
	int r = bpf_tc_query(&hook, &opts);

	libbpf_set_print(was);
	return r < 0 ? 0 : opts.prog_id;
}

static bool has_name(uint32_t id, const char *name)
{
	CLEANUP(closep) int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	return fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) >= 0 && !strcmp(info.name, name);
}

/* Return: 1 there was none; 0 one of a former run was replaced; -EBUSY: one of others; negative errno. */
static int attach(struct bpf_tc_hook hook, const struct bpf_program *prog)
{
	struct bpf_tc_opts opts = opts_of();
	uint32_t id = attached_id(hook);
	int r;

	if (id && !has_name(id, bpf_program__name(prog)))
		return -EBUSY;
	opts.prog_fd = bpf_program__fd(prog);
	opts.flags = BPF_TC_F_REPLACE;
	r = bpf_tc_attach(&hook, &opts);
	return r < 0 ? r : !id;
}

int host_tc_attach(struct host *h)
{
	int r = attach(hook_of(h->ifindex, BPF_TC_EGRESS), h->skel->progs.sipseal_host);

	if (r < 0)
		return r;
	h->is_filter_new |= r;
	h->is_attached = true;
	return 0;
}

bool host_tc_is_there(const struct host *h)
{
	return attached_id(hook_of(h->ifindex, BPF_TC_EGRESS)) == prog_id(h->skel->progs.sipseal_host);
}

int host_tc_back_attach(struct host *h)
{
	int r = host_tc_qdisc_add(h->far.ifindex);

	if (r >= 0)
		r = attach(hook_of(h->far.ifindex, BPF_TC_INGRESS), h->skel->progs.sipseal_back);
	return r < 0 ? r : 0;
}

bool host_tc_back_is_there(const struct host *h)
{
	return attached_id(hook_of(h->far.ifindex, BPF_TC_INGRESS)) == prog_id(h->skel->progs.sipseal_back);
}

int host_tc_remove(unsigned ifindex)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_EGRESS);
	struct bpf_tc_opts opts = opts_of();
	uint32_t id = attached_id(hook);
	int r;

	if (!id || !has_name(id, PROG_NAME))
		return 0;
	r = bpf_tc_detach(&hook, &opts);
	return r < 0 ? r : 1;
}

int host_tc_qdisc_add(unsigned ifindex)
{
	libbpf_print_fn_t was = libbpf_set_print(quiet); /* says "Exclusivity flag on" where there is one */
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_EGRESS);
	int r = bpf_tc_hook_create(&hook);

	libbpf_set_print(was);
	if (r == -EEXIST)
		return 0;
	return r < 0 ? r : 1;
}

static int on_filter(const struct nlmsghdr *nlh, void *data)
{
	bool *has_some = data;

	*has_some |= nlh->nlmsg_type == RTM_NEWTFILTER;
	return MNL_CB_OK;
}

static void mnl_closep(struct mnl_socket **s)
{
	if (*s)
		mnl_socket_close(*s);
}

/* Is there a filter on @parent?  In doubt there is. */
static bool has_filters(unsigned ifindex, uint32_t parent)
{
	CLEANUP(mnl_closep) struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	unsigned seq = (unsigned)time(NULL);
	bool has_some = false;
	char buf[8192]; /* the kernel's pieces of a dump, for a buffer of this size */
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct tcmsg *tc = mnl_nlmsg_put_extra_header(nlh, sizeof(*tc));
	ssize_t n;
	int r;

	nlh->nlmsg_type = RTM_GETTFILTER;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	*tc = (struct tcmsg){ .tcm_ifindex = (int)ifindex, .tcm_parent = parent };
	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		return true;
	do {
		if ((n = mnl_socket_recvfrom(s, buf, sizeof(buf))) < 0)
			return true;
		r = mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(s), on_filter, &has_some);
	} while (r > MNL_CB_STOP);
	return r < 0 || has_some;
}

void host_tc_qdisc_remove(unsigned ifindex)
{
	struct bpf_tc_hook hook = hook_of(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (has_filters(ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)) ||
	    has_filters(ifindex, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)))
		return;
	bpf_tc_hook_destroy(&hook);
}

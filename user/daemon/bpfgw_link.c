// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/bpfgw_internal.h"

#include <errno.h>
#include <string.h>

#include <linux/if_link.h>

enum mode { MODE_AUTO, MODE_NATIVE, MODE_GENERIC };

/* One NIC on its way to the program. */
struct attach {
	struct bpfgw *g;
	unsigned ifindex;
	const char *name;
	int mode;
	char path[PATH_MAX]; /* of the pinned link */
};

static int prog_fd(const struct bpfgw *g)
{
	return bpf_program__fd(g->skel->progs.sipseal_gateway);
}

static int link_path(const struct bpfgw *g, unsigned ifindex, char ret[PATH_MAX])
{
	char name[BPFGW_PIN_LEN];

	bpfgw_link_name(ifindex, name);
	return bpfgw_pin_path(g, name, ret);
}

/* The XDP program on the NIC: its id (0: none) and whether it is native. */
static int nic_query(unsigned ifindex, uint32_t *ret_id, bool *ret_is_native)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);
	int r = bpf_xdp_query((int)ifindex, 0, &q);

	if (r < 0)
		return r;
	*ret_is_native = q.attach_mode == XDP_ATTACHED_DRV || q.attach_mode == XDP_ATTACHED_HW;
	*ret_id = q.prog_id;
	return 0;
}

static uint32_t link_prog(int link_fd)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(link_fd, &info, &len) < 0 ? 0 : info.prog_id;
}

/*
 * Go on with the pinned link of a former run, if it still holds this NIC in a mode we want: its NIC may be
 * gone, or be one of another network namespace with the same index.
 * Return: 1 adopted; 0 there is none (any more); negative errno.
 */
static int link_reuse(const struct attach *a, const char *path, bool *ret_is_native, char reterr[BPFGW_ERR_LEN])
{
	CLEANUP(closep) int fd = bpf_obj_get(path);
	uint32_t id = 0;
	int r;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return bpfgw_fail(reterr, fd, "%.128s: %s", path, strerror(-fd));
	r = nic_query(a->ifindex, &id, ret_is_native);
	if (r < 0)
		return bpfgw_fail(reterr, r, "%s: %s", a->name, strerror(-r));
	if (id && id == link_prog(fd) &&
	    (a->mode == MODE_AUTO || (a->mode == MODE_NATIVE) == *ret_is_native)) {
		r = bpf_link_update(fd, prog_fd(a->g), NULL);
		if (r >= 0)
			return 1;
		return bpfgw_fail(reterr, r, "%s: cannot replace the XDP program: %s", a->name,
				  strerror(-r));
	}
	r = bpfgw_link_remove(path);
	return r < 0 ? bpfgw_fail(reterr, r, "%.128s: %s", path, strerror(-r)) : 0;
}

/* The pin of another ABI version becomes ours: the NIC is never without a program. */
static int link_take_over(const struct attach *a, const char *path, char reterr[BPFGW_ERR_LEN])
{
	CLEANUP(closep) int fd = bpf_obj_get(path);
	int r = fd < 0 ? fd : bpf_obj_pin(fd, a->path);

	if (r < 0)
		return bpfgw_fail(reterr, r, "%.128s: cannot pin: %s", a->path, strerror(-r));
	unlink(path);
	a->g->is_pin_new = false; /* the NIC runs on these maps now, even if this start fails */
	return 1;
}

/* Our own pin of a former run, or what another ABI version has left.  Return: as link_reuse(). */
static int link_adopt(const struct attach *a, bool *ret_is_native, char reterr[BPFGW_ERR_LEN])
{
	char other[PATH_MAX];
	int r = link_reuse(a, a->path, ret_is_native, reterr);

	if (r < 0 || !bpfgw_link_of_other(a->g, a->ifindex, other))
		return r;
	if (r) { /* cut off between pin and unlink: the same link, or that of a NIC that is gone */
		unlink(other);
		return r;
	}
	r = link_reuse(a, other, ret_is_native, reterr);
	return r == 1 ? link_take_over(a, other, reterr) : r;
}

static int link_create(const struct attach *a, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);

	return bpf_link_create(prog_fd(a->g), (int)a->ifindex, BPF_XDP, &opts);
}

/* Whose is it? */
static int attach_taken(const struct attach *a, char reterr[BPFGW_ERR_LEN])
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info), id = 0;
	CLEANUP(closep) int fd = -1;
	bool is_native = true;

	if (nic_query(a->ifindex, &id, &is_native) == 0 && id && (fd = bpf_prog_get_fd_by_id(id)) >= 0)
		bpf_obj_get_info_by_fd(fd, &info, &len);
	return bpfgw_fail(reterr, -EBUSY,
			  "%s: another XDP program is attached (\"%s\", id %u; bpftool net shows it); we take no NIC "
			  "from others: stop the one that it belongs to, or `ip link set dev %s %s off` if nobody does "
			  "(bpftool link detach where a link holds it)",
			  a->name, *info.name ? info.name : "?", id, a->name,
			  is_native ? "xdp" : "xdpgeneric");
}

static int attach_fail(const struct attach *a, int error, char reterr[BPFGW_ERR_LEN])
{
	switch (error) {
	case -EBUSY:
	case -EEXIST:
		return attach_taken(a, reterr);
	case -ERANGE:
		return bpfgw_fail(reterr, error,
				  "%s: native XDP refuses the MTU of the NIC or of its peer (veth: at most "
				  "3506); lower it, or use xdp_mode generic",
				  a->name);
	case -ENOSPC:
		return bpfgw_fail(reterr, error,
				  "%s: native XDP needs as many rx queues as the peer has tx queues "
				  "(ethtool -L), or use xdp_mode generic",
				  a->name);
	case -EOPNOTSUPP:
		return bpfgw_fail(reterr, error, "%s: the driver has no native XDP; use xdp_mode generic",
				  a->name);
	case -EPERM:
		return bpfgw_fail(reterr, error, "%s: not allowed to attach XDP: needs CAP_NET_ADMIN",
				  a->name);
	case -ENODEV:
		return bpfgw_fail(reterr, error, "%s: no such interface in this network namespace",
				  a->name);
	default:
		return bpfgw_fail(reterr, error, "%s: cannot attach XDP: %s", a->name, strerror(-error));
	}
}

/*
 * Generic XDP is slower and drops GSO packets: only where there is no native one.  A link never replaces
 * a program that is there already: the kernel answers EBUSY, or EEXIST where that one has the other mode.
 */
static int link_open(const struct attach *a, bool *ret_is_native, char reterr[BPFGW_ERR_LEN])
{
	bool is_native = a->mode != MODE_GENERIC;
	int fd = link_create(a, is_native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);

	if (fd == -EOPNOTSUPP && a->mode == MODE_AUTO) {
		is_native = false;
		fd = link_create(a, XDP_FLAGS_SKB_MODE);
	}
	if (fd < 0)
		return attach_fail(a, fd, reterr);
	*ret_is_native = is_native;
	return fd;
}

static int link_make(const struct attach *a, bool *ret_is_native, char reterr[BPFGW_ERR_LEN])
{
	CLEANUP(closep) int fd = link_open(a, ret_is_native, reterr);
	int r;

	if (fd < 0)
		return fd;
	r = bpf_obj_pin(fd, a->path);
	return r < 0 ? bpfgw_fail(reterr, r, "%.128s: cannot pin: %s", a->path, strerror(-r)) : 0;
}

static bool has_new_link(const struct bpfgw *g)
{
	for (unsigned i = 0; i < SIPSEAL_PORTS_MAX; i++)
		if (g->links[i].ifindex)
			return true;
	return false;
}

int bpfgw_attach(struct bpfgw *g, unsigned port, unsigned ifindex, const char *name, int mode,
		 bool *ret_is_native, char reterr[BPFGW_ERR_LEN])
{
	struct attach a = { .g = g, .ifindex = ifindex, .name = name, .mode = mode };
	bool is_native = false;
	int r;

	if (port >= SIPSEAL_PORTS_MAX)
		return bpfgw_fail(reterr, -EINVAL, "at most %d interfaces", SIPSEAL_PORTS_MAX);
	r = link_path(g, ifindex, a.path);
	if (r < 0)
		return bpfgw_fail(reterr, r, "path is too long");
	r = bpf_map_update_elem(bpf_map__fd(g->skel->maps.sipseal_devs), &port, &ifindex, BPF_ANY);
	if (r < 0)
		return attach_fail(&a, r == -EINVAL ? -ENODEV : r, reterr);
	r = bpfgw_pin(g, reterr);
	if (r < 0)
		return r;
	r = link_adopt(&a, &is_native, reterr);
	if (!r) {
		r = link_make(&a, &is_native, reterr);
		g->links[port].is_new = r >= 0;
	}
	if (r < 0) {
		if (!has_new_link(g))
			bpfgw_unpin(g);
		return r;
	}
	bpfgw_others_prune(g);
	g->links[port].ifindex = ifindex;
	*ret_is_native = is_native;
	return 0;
}

void bpfgw_detach_port(struct bpfgw *g, unsigned port)
{
	struct bpfgw_link *l;
	char path[PATH_MAX];

	if (port >= SIPSEAL_PORTS_MAX || !g->links[port].ifindex)
		return;
	l = &g->links[port];
	if (l->is_new && !link_path(g, l->ifindex, path)) {
		bpfgw_link_remove(path);
		bpf_map_delete_elem(bpf_map__fd(g->skel->maps.sipseal_devs), &port);
	}
	*l = (struct bpfgw_link){ 0 };
	if (!has_new_link(g))
		bpfgw_unpin(g);
}

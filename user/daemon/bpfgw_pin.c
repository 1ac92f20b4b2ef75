// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/bpfgw_internal.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define PIN_PROG "prog"

static const struct pin {
	const char *name;
	size_t map;             /* offset in the skeleton's maps */
} pins[] = {
#define PIN(name, map) { name, offsetof(struct gateway_bpf, maps.map) }
	PIN("config", data_config),
	PIN("ports", data_ports),
	PIN("peers0", sipseal_peers0),
	PIN("peers1", sipseal_peers1),
	PIN("prefix0", sipseal_prefix0),
	PIN("prefix1", sipseal_prefix1),
	PIN("hosts0", sipseal_hosts0),
	PIN("hosts1", sipseal_hosts1),
	PIN("cores0", sipseal_cores0),
	PIN("cores1", sipseal_cores1),
	PIN("count", sipseal_count),
	PIN("limits", sipseal_limits),
	PIN("xsks", sipseal_xsks),
	PIN("devs", sipseal_devs),
	PIN("beats", sipseal_beats),
	PIN("unmatch", sipseal_unmatch),
	PIN("hops", sipseal_hops),
#undef PIN
};

static struct bpf_map *pin_map(const struct bpfgw *g, const struct pin *p)
{
	return *(struct bpf_map **)((char *)g->skel + p->map);
}

int bpfgw_dir_check(const char *path, char reterr[BPFGW_ERR_LEN])
{
	struct statfs fs;

	if (statfs(path, &fs) < 0)
		return bpfgw_fail(reterr, errno == ENOENT ? -ENOTSUP : -errno,
				  "%.128s: %s; make it and mount: mount -t bpf bpf DIR", path,
				  strerror(errno));
	if ((unsigned long)fs.f_type != BPF_FS_MAGIC)
		return bpfgw_fail(reterr, -ENOTSUP,
				  "%.128s is no bpffs; mount one there: mount -t bpf bpf DIR", path);
	return 0;
}

int bpfgw_pin_path(const struct bpfgw *g, const char *name, char ret[PATH_MAX])
{
	int n = snprintf(ret, PATH_MAX, "%s/%s", g->dir, name);

	return n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/*
 * Give the pinned map to the skeleton.  libbpf's own way (pin paths) refuses a devmap, for the kernel adds
 * a flag to it; so the shape is compared here, without flags.
 * Return: 1; 0: not pinned; negative errno.
 */
static int adopt_map(struct bpfgw *g, const struct pin *p, char reterr[BPFGW_ERR_LEN])
{
	struct bpf_map *map = pin_map(g, p);
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	char path[PATH_MAX];
	CLEANUP(closep) int fd = -1;
	int r = bpfgw_pin_path(g, p->name, path);

	if (r < 0)
		return r;
	fd = bpf_obj_get(path);
	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return bpfgw_fail(reterr, fd, "%.160s: %s", path, strerror(-fd));
	r = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (r < 0)
		return bpfgw_fail(reterr, r, "%.160s: %s", path, strerror(-r));
	if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
	    info.value_size != bpf_map__value_size(map) ||
	    info.max_entries != bpf_map__max_entries(map))
		return bpfgw_fail(reterr, -EPROTO,
				  "%.160s: a map of another shape; run sipseald --detach", path);
	r = bpf_map__reuse_fd(map, fd);
	return r < 0 ? bpfgw_fail(reterr, r, "%.160s: %s", path, strerror(-r)) : 1;
}

static int pins_there(const struct bpfgw *g)
{
	char path[PATH_MAX];
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(pins); i++)
		n += !bpfgw_pin_path(g, pins[i].name, path) && access(path, F_OK) == 0;
	return n;
}

int bpfgw_adopt(struct bpfgw *g, char reterr[BPFGW_ERR_LEN])
{
	int n = pins_there(g);

	if (n && n < (int)ARRAY_SIZE(pins) && bpfgw_leftover_remove(g, reterr) < 0)
		return -EPROTO;
	n = 0;
	for (size_t i = 0; i < ARRAY_SIZE(pins); i++) {
		int r = adopt_map(g, &pins[i], reterr);

		if (r < 0)
			return r;
		n += r;
	}
	/* Some missing, and a NIC uses the others: somebody removed them by hand.  New tables would lie beside an old configuration. */
	if (n && n < (int)ARRAY_SIZE(pins))
		return bpfgw_fail(reterr, -EPROTO, "%.160s: pins are incomplete; run sipseald --detach",
				  g->dir);
	g->is_pinned = n > 0;
	return n;
}

static int pin_prog(const struct bpfgw *g)
{
	char path[PATH_MAX];
	int r = bpfgw_pin_path(g, PIN_PROG, path);

	if (r < 0)
		return r;
	unlink(path); /* of the run before us */
	return bpf_obj_pin(bpf_program__fd(g->skel->progs.sipseal_gateway), path);
}

static int pin_maps(const struct bpfgw *g)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(pins); i++) {
		int r = bpfgw_pin_path(g, pins[i].name, path);

		if (r < 0 || (r = bpf_obj_pin(bpf_map__fd(pin_map(g, &pins[i])), path)) < 0)
			return r;
	}
	return 0;
}

int bpfgw_pin(struct bpfgw *g, char reterr[BPFGW_ERR_LEN])
{
	int r;

	if (g->is_pinned) {
		r = pin_prog(g);
		return r < 0 ? bpfgw_fail(reterr, r, "%.160s: %s", g->dir, strerror(-r)) : 0;
	}
	if (mkdir(g->dir, 0700) < 0 && errno != EEXIST)
		return bpfgw_fail(reterr, -errno, "%.160s: %s", g->dir, strerror(errno));
	g->is_pinned = g->is_pin_new = true;
	r = pin_maps(g);
	if (r >= 0)
		r = pin_prog(g);
	if (r >= 0)
		return 0;
	bpfgw_unpin(g);
	return bpfgw_fail(reterr, r, "%.160s: cannot pin: %s", g->dir, strerror(-r));
}

void bpfgw_unpin(struct bpfgw *g)
{
	char path[PATH_MAX];

	if (!g->is_pin_new)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(pins); i++)
		if (!bpfgw_pin_path(g, pins[i].name, path))
			unlink(path);
	if (!bpfgw_pin_path(g, PIN_PROG, path))
		unlink(path);
	rmdir(g->dir);
	g->is_pinned = g->is_pin_new = false;
}

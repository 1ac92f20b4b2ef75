// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/bpfgw_internal.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#define PIN_LINK "link_"

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int path_join(char ret[PATH_MAX], const char *dir, const char *name)
{
	return snprintf(ret, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* The next directory of an ABI version below @bpffs.  Return: 1 (*ret_abi, ret); 0: no more; negative errno. */
static int version_next(DIR *d, const char *bpffs, unsigned *ret_abi, char ret[PATH_MAX])
{
	struct dirent *e;

	while ((e = readdir(d))) {
		int end = 0;

		if (sscanf(e->d_name, "v%u%n", ret_abi, &end) != 1 || e->d_name[end])
			continue;
		return path_join(ret, bpffs, e->d_name) < 0 ? -ENAMETOOLONG : 1;
	}
	return 0;
}

/* g->dir is <bpffs>/v<ABI> */
static void parent_of(const struct bpfgw *g, char ret[PATH_MAX])
{
	memcpy(ret, g->dir, PATH_MAX);
	*strrchr(ret, '/') = '\0';
}

/* The same, of versions that are not ours. */
static int other_next(DIR *d, const struct bpfgw *g, char ret[PATH_MAX])
{
	char bpffs[PATH_MAX];
	unsigned abi;
	int r;

	parent_of(g, bpffs);
	do
		r = version_next(d, bpffs, &abi, ret);
	while (r > 0 && abi == SIPSEAL_ABI_VERSION);
	return r;
}

static DIR *others_open(const struct bpfgw *g)
{
	char bpffs[PATH_MAX];

	parent_of(g, bpffs);
	return opendir(bpffs);
}

int bpfgw_link_remove(const char *path)
{
	CLEANUP(closep) int fd = bpf_obj_get(path);

	if (fd >= 0)
		bpf_link_detach(fd); /* fails where the NIC is gone: nothing to detach then */
	return unlink(path) < 0 ? -errno : 0;
}

void bpfgw_link_name(unsigned ifindex, char ret[BPFGW_PIN_LEN])
{
	snprintf(ret, BPFGW_PIN_LEN, PIN_LINK "%u", ifindex);
}

static bool is_port(const struct sipseal_config *c, unsigned ifindex)
{
	for (unsigned i = 0; i < SIPSEAL_PORTS_MAX; i++)
		if (c->ports[i].ifindex == ifindex)
			return true;
	return false;
}

static void dir_prune(const char *dir, const struct sipseal_config *c)
{
	CLEANUP(closedirp) DIR *d = opendir(dir);
	char path[PATH_MAX];
	struct dirent *e;

	while (d && (e = readdir(d))) {
		unsigned ifindex;

		if (sscanf(e->d_name, PIN_LINK "%u", &ifindex) != 1 || is_port(c, ifindex))
			continue;
		if (!path_join(path, dir, e->d_name))
			bpfgw_link_remove(path);
	}
}

void bpfgw_links_prune(struct bpfgw *g, const struct sipseal_config *c)
{
	CLEANUP(closedirp) DIR *d = others_open(g);
	char dir[PATH_MAX];

	dir_prune(g->dir, c);
	while (d && other_next(d, g, dir) > 0)
		dir_prune(dir, c);
}

int bpfgw_link_of_other(const struct bpfgw *g, unsigned ifindex, char ret[PATH_MAX])
{
	CLEANUP(closedirp) DIR *d = others_open(g);
	char dir[PATH_MAX], path[PATH_MAX], name[BPFGW_PIN_LEN];

	bpfgw_link_name(ifindex, name);
	while (d && other_next(d, g, dir) > 0) {
		if (path_join(path, dir, name) < 0 || access(path, F_OK) < 0)
			continue;
		memcpy(ret, path, sizeof(path));
		return 1;
	}
	return 0;
}

/* Remove the pins in @dir: links first, so that no packet meets half a program's maps.  Return: links. */
static int remove_pins(const char *dir, bool want_links)
{
	CLEANUP(closedirp) DIR *d = opendir(dir);
	struct dirent *e;
	char path[PATH_MAX];
	int n = 0, r;

	if (!d)
		return -errno;
	while ((e = readdir(d))) {
		bool is_link = !strncmp(e->d_name, PIN_LINK, strlen(PIN_LINK));

		if (e->d_name[0] == '.' || is_link != want_links)
			continue;
		r = path_join(path, dir, e->d_name);
		if (r < 0)
			return r;
		r = is_link ? bpfgw_link_remove(path) : unlink(path) < 0 ? -errno : 0;
		if (r < 0)
			return r;
		n++;
	}
	return n;
}

static int remove_version(const char *dir, char reterr[BPFGW_ERR_LEN])
{
	int n = remove_pins(dir, true), r = n < 0 ? n : remove_pins(dir, false);

	if (r >= 0 && rmdir(dir) < 0)
		r = -errno;
	return r < 0 ? bpfgw_fail(reterr, r, "%.160s: %s", dir, strerror(-r)) : n;
}

static bool has_links(const char *dir)
{
	CLEANUP(closedirp) DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (!strncmp(e->d_name, PIN_LINK, strlen(PIN_LINK)))
			return true;
	return false;
}

int bpfgw_leftover_remove(const struct bpfgw *g, char reterr[BPFGW_ERR_LEN])
{
	int r;

	if (has_links(g->dir))
		return 0;
	r = remove_version(g->dir, reterr);
	return r < 0 ? r : 1;
}

void bpfgw_others_prune(const struct bpfgw *g)
{
	CLEANUP(closedirp) DIR *d = others_open(g);
	char dir[PATH_MAX], err[BPFGW_ERR_LEN];

	while (d && other_next(d, g, dir) > 0)
		if (!has_links(dir))
			remove_version(dir, err); /* what stays does no harm */
}

int bpfgw_detach_all(const char *bpffs, char reterr[BPFGW_ERR_LEN])
{
	CLEANUP(closedirp) DIR *d = NULL;
	char dir[PATH_MAX];
	unsigned abi;
	int links = 0, r = bpfgw_dir_check(bpffs, reterr);

	if (r < 0)
		return r;
	d = opendir(bpffs);
	if (!d)
		return bpfgw_fail(reterr, -errno, "%.160s: %s", bpffs, strerror(errno));
	while ((r = version_next(d, bpffs, &abi, dir)) > 0) {
		r = remove_version(dir, reterr);
		if (r < 0)
			return r;
		links += r;
	}
	return r < 0 ? bpfgw_fail(reterr, r, "path is too long") : links;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/wire.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/log.h"
#include "daemon/wire_nic.h"

#define NAMES_MAX 64

static const char *const words[] = { [WIRE_PROMISC] = "promisc", [WIRE_IPV6] = "ipv6", [WIRE_RXVLAN] = "rxvlan" };

/* What people read: as it was found, and as it was made. */
static const char *const said[][2] = {
	[WIRE_PROMISC] = { "promiscuous before", "promiscuous" },
	[WIRE_IPV6] = { "IPv6 off before", "IPv6 off" },
	[WIRE_RXVLAN] = { "VLAN tags in the frame before", "rx-vlan-offload off" },
};

struct port {
	char name[16];
	unsigned ifindex;                  /* 0: not there */
	bool is_changed[WIRE_SETTING_CNT]; /* by this start */
	char said[128];
};

struct wire {
	char bpffs[PATH_MAX - NAMES_MAX];
	struct port ports[2];
};

/* ---- marks ---- */

/* The number by which the kernel knows this network namespace; ifindexes are of one. */
static unsigned long long netns(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) == 0 ? st.st_ino : 0;
}

static void mark_path(const char *bpffs, unsigned ifindex, enum wire_setting what, char ret[PATH_MAX])
{
	snprintf(ret, PATH_MAX, "%s/wire/%llu_%u_%s", bpffs, netns(), ifindex, words[what]);
}

static int mark_make(const char *bpffs, unsigned ifindex, enum wire_setting what)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/wire", bpffs);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	mark_path(bpffs, ifindex, what, path);
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static void mark_remove(const char *bpffs, unsigned ifindex, enum wire_setting what)
{
	char path[PATH_MAX];

	mark_path(bpffs, ifindex, what, path);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/wire", bpffs);
	rmdir(path); /* with the last one */
}

static bool mark_is_there(const char *bpffs, unsigned ifindex, enum wire_setting what)
{
	char path[PATH_MAX];

	mark_path(bpffs, ifindex, what, path);
	return access(path, F_OK) == 0;
}

/* Back as it was.  A NIC that is gone has taken its settings along. */
static int take_back(const char *bpffs, unsigned ifindex, enum wire_setting what)
{
	char name[IF_NAMESIZE];
	int r = if_indextoname(ifindex, name) ? wire_nic_set(name, what, false) : 0;

	if (r == 0)
		mark_remove(bpffs, ifindex, what);
	return r;
}

/* ---- a start ---- */

static int refuse(int r, char *reterr, const char *name, const char *what, const char *remedy)
{
	snprintf(reterr, TOPOLOGY_ERR_LEN, "mode wire: interface %s: %s: %s", name, what, remedy);
	return r;
}

static int port_check(const struct port *p, char *reterr)
{
	char addr[64], what[128], remedy[96];
	int r = p->ifindex ? wire_nic_address(p->ifindex, addr, sizeof(addr)) : 0;

	if (r == 0)
		return 0;
	if (r < 0)
		return refuse(r, reterr, p->name, "cannot list its addresses", strerror(-r));
	snprintf(what, sizeof(what), "has the address %s, a bump in the wire has none", addr);
	snprintf(remedy, sizeof(remedy), "ip addr flush dev %s", p->name);
	return refuse(-EADDRINUSE, reterr, p->name, what, remedy);
}

static void port_say(struct port *p, const char *text)
{
	size_t len = strlen(p->said);

	snprintf(p->said + len, sizeof(p->said) - len, "%s%s", len ? ", " : "", text);
}

/* The mark first: a change of which nobody knows would stay. */
static int port_change(struct wire *w, struct port *p, enum wire_setting what)
{
	bool was_ours = mark_is_there(w->bpffs, p->ifindex, what);
	int r = mark_make(w->bpffs, p->ifindex, what);

	if (r < 0)
		return r;
	r = wire_nic_set(p->name, what, true);
	if (r < 0 && !was_ours)
		mark_remove(w->bpffs, p->ifindex, what);
	p->is_changed[what] = r == 0 && !was_ours;
	return r;
}

static int port_set(struct wire *w, struct port *p, enum wire_setting what, char *reterr)
{
	static const char *const remedies[] = {
		[WIRE_PROMISC] = "ip link set %s promisc on",
		[WIRE_IPV6] = "sysctl -w net/ipv6/conf/%s/disable_ipv6=1",
		[WIRE_RXVLAN] = "ethtool -K %s rxvlan off",
	};
	char what_text[96], remedy[96];
	int r = wire_nic_is(p->name, what);

	if (r == 1) {
		port_say(p, said[what][mark_is_there(w->bpffs, p->ifindex, what)]);
		return 0;
	}
	if (r < 0 && what != WIRE_PROMISC)
		return 0; /* there is no such thing here */
	if (r == 0 && (r = port_change(w, p, what)) == 0) {
		port_say(p, said[what][1]);
		return 0;
	}
	snprintf(remedy, sizeof(remedy), remedies[what], p->name);
	snprintf(what_text, sizeof(what_text), "%s: %s", said[what][1], strerror(-r));
	if (what != WIRE_RXVLAN)
		return refuse(r, reterr, p->name, what_text, remedy);
	log_warning("event=wire interface=%s reason=\"%s: tagged frames lose their tags if the NIC takes them out: %s\"", p->name,
		    what_text, remedy);
	return 0;
}

static int port_prepare(struct wire *w, struct port *p, char *reterr)
{
	int r = 0;

	for (unsigned i = 0; p->ifindex && r == 0 && i < WIRE_SETTING_CNT; i++)
		r = port_set(w, p, (enum wire_setting)i, reterr);
	return r;
}

/* On another file system the marks would outlive what they tell of. */
static int bpffs_check(const char *bpffs, char *reterr)
{
	struct statfs fs;

	if (statfs(bpffs, &fs) == 0 && (unsigned long)fs.f_type == BPF_FS_MAGIC)
		return 0;
	snprintf(reterr, TOPOLOGY_ERR_LEN, "gateway.bpffs %s: no bpffs is mounted there: mkdir -p %s && mount -t bpf bpf %s", bpffs,
		 bpffs, bpffs);
	return -ENOTSUP;
}

int wire_prepare(const char *bpffs, const struct interface ports[2], struct wire **ret, char reterr[TOPOLOGY_ERR_LEN])
{
	CLEANUP(wire_freep) struct wire *w = calloc(1, sizeof(*w));
	int r;

	snprintf(reterr, TOPOLOGY_ERR_LEN, "out of memory");
	if (!w)
		return -ENOMEM;
	if ((r = bpffs_check(bpffs, reterr)) < 0)
		return r;
	snprintf(w->bpffs, sizeof(w->bpffs), "%s", bpffs);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(w->ports[i].name, sizeof(w->ports[i].name), "%s", ports[i].name);
		w->ports[i].ifindex = if_nametoindex(ports[i].name);
	}
	for (unsigned i = 0; i < 2; i++)
		if ((r = port_check(&w->ports[i], reterr)) < 0)
			return r;
	for (unsigned i = 0; i < 2; i++) {
		if ((r = port_prepare(w, &w->ports[i], reterr)) == 0)
			continue;
		wire_undo(w);
		return r;
	}
	*ret = TAKE(w);
	return 0;
}

const char *wire_said(const struct wire *w, unsigned port)
{
	return w->ports[port].said;
}

void wire_undo(struct wire *w)
{
	for (unsigned i = 0; i < 2 * WIRE_SETTING_CNT; i++) {
		struct port *p = &w->ports[i / WIRE_SETTING_CNT];
		enum wire_setting what = (enum wire_setting)(i % WIRE_SETTING_CNT);

		if (p->is_changed[what])
			take_back(w->bpffs, p->ifindex, what);
		p->is_changed[what] = false;
	}
}

void wire_free(struct wire *w)
{
	free(w);
}

/* ---- the end ---- */

static bool mark_parse(const char *name, unsigned long long *ret_netns, unsigned *ret_ifindex, enum wire_setting *ret_what)
{
	char word[16];

	if (sscanf(name, "%llu_%u_%15[a-z0-9]", ret_netns, ret_ifindex, word) != 3)
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		*ret_what = (enum wire_setting)i;
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}

static bool is_kept(unsigned ifindex, const unsigned *keep, size_t keep_cnt)
{
	for (size_t i = 0; i < keep_cnt; i++)
		if (keep[i] == ifindex)
			return true;
	return false;
}

int wire_detach(const char *bpffs, const unsigned *keep, size_t keep_cnt, char reterr[TOPOLOGY_ERR_LEN])
{
	char path[PATH_MAX];
	struct dirent **names = NULL;
	int cnt, done = 0, ret = 0;

	snprintf(path, sizeof(path), "%s/wire", bpffs);
	cnt = scandir(path, &names, NULL, NULL);
	for (int i = 0; i < cnt; i++) {
		unsigned long long ns;
		enum wire_setting what;
		unsigned ifindex;
		int r = 0;

		if (mark_parse(names[i]->d_name, &ns, &ifindex, &what) && !is_kept(ifindex, keep, keep_cnt)) {
			r = ns == netns() ? take_back(bpffs, ifindex, what) : -EXDEV;
			done += r == 0;
		}
		if (r < 0) {
			ret = r;
			snprintf(reterr, TOPOLOGY_ERR_LEN, "%.200s/%.64s: %s", path, names[i]->d_name,
				 r == -EXDEV ? "was set in another network namespace: detach there (nsenter --net), or "
					       "rmdir this if it is gone"
					     : strerror(-r));
		}
		free(names[i]);
	}
	free(names);
	return ret < 0 ? ret : done;
}

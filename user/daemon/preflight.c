/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/preflight.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "base/cleanup.h"

static const struct {
	unsigned cap;
	const char *name, *why;
} needed[] = {
	{ CAP_BPF, "CAP_BPF", "BPF maps" },
	{ CAP_PERFMON, "CAP_PERFMON", "load the XDP program" },
	{ CAP_NET_ADMIN, "CAP_NET_ADMIN", "attach XDP" },
	{ CAP_NET_RAW, "CAP_NET_RAW", "AF_XDP and raw sockets" },
	{ CAP_IPC_LOCK, "CAP_IPC_LOCK", "packet memory" },
	{ CAP_SETUID, "CAP_SETUID", "the signer's and the fetcher's own users" },
	{ CAP_SETGID, "CAP_SETGID", "the signer's and the fetcher's own groups" },
};

int preflight_capabilities(char reterr[PREFLIGHT_ERR_LEN])
{
	size_t len = 0;

	if (capng_get_caps_process() < 0) {
		snprintf(reterr, PREFLIGHT_ERR_LEN, "cannot read the capabilities of this process");
		return -EPERM;
	}
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		if (capng_have_capability(CAPNG_EFFECTIVE, needed[i].cap))
			continue;
		len += (size_t)snprintf(reterr + len, PREFLIGHT_ERR_LEN - len, "%s%s (%s)",
					len ? ", " : "missing ", needed[i].name, needed[i].why);
	}
	if (!len)
		return 0;
	snprintf(reterr + len, PREFLIGHT_ERR_LEN - len, ": start sipseald as root%s",
		 geteuid() == 0 ? ", in a container or unit that does not take these away" : "");
	return -EPERM;
}

/* "ID PARENT MAJOR:MINOR ROOT ...", proc(5) */
static bool is_mounted(FILE *mountinfo, dev_t dev)
{
	CLEANUP(freep) char *line = NULL;
	unsigned major_no, minor_no;
	size_t cap = 0;

	while (getline(&line, &cap, mountinfo) >= 0)
		if (sscanf(line, "%*u %*u %u:%u", &major_no, &minor_no) == 2 &&
		    makedev(major_no, minor_no) == dev)
			return true;
	return false;
}

int preflight_bpffs(const char *path, const char *mountinfo, char reterr[PREFLIGHT_ERR_LEN])
{
	CLEANUP(fclosep) FILE *f = fopen(mountinfo, "re");
	struct statfs fs;
	struct stat st;

	if (!f || statfs(path, &fs) < 0 || (unsigned long)fs.f_type != BPF_FS_MAGIC ||
	    stat(path, &st) < 0 || is_mounted(f, st.st_dev))
		return 0;
	snprintf(reterr, PREFLIGHT_ERR_LEN,
		 "gateway.bpffs %.128s: mounted in a mount namespace of this process only (ip netns "
		 "exec, unshare, PrivateMounts): mount it in the initial one, and enter network "
		 "namespaces by nsenter --net",
		 path);
	return -EXDEV;
}

bool preflight_forwarding(bool is_v6)
{
	CLEANUP(fclosep)
	FILE *f = fopen(is_v6 ? "/proc/sys/net/ipv6/conf/all/forwarding"
			      : "/proc/sys/net/ipv4/ip_forward",
			"re");

	return !f || fgetc(f) != '0';
}

bool preflight_wants_v6(const struct gateway *g)
{
	for (size_t i = 0; i < g->trunk_cnt; i++)
		for (size_t j = 0; j < g->trunks[i]->carrier_cnt; j++)
			if (!g->trunks[i]->carrier_peers[j].is_v4)
				return true;
	return false;
}

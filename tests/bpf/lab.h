/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab - a network and mount namespace of the test's own; both vanish with the process.
 *
 *     c0 (core port)    10.0.1.1/24     2001:db8:1::1/64    2 queues
 *     k0 (carrier port) 203.0.113.1/24  2001:db8:2::1/64
 *     x0 (no port)      192.0.2.1/24
 *
 * Each is one end of a veth pair, its peer is <name>p.  Neighbours .10 and .20 of k0, .5 and .200 of c0 and .10
 * of x0 are permanent, .99 is not resolved.  10.0.2.0/24 and 10.0.3.0/24 are behind .5 of c0.
 */
#ifndef SIPSEAL_TEST_LAB_H
#define SIPSEAL_TEST_LAB_H

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/if_xdp.h>
#include <sys/mman.h>

#ifndef SOL_XDP
#define SOL_XDP 283
#endif
#ifndef AF_XDP
#define AF_XDP 44
#endif

static char lab_bpffs[64];

static inline void lab_die(const char *what)
{
	fprintf(stderr, "lab: %s: %s\n", what, strerror(errno));
	exit(1);
}

static inline void lab_run(const char *cmd)
{
	int r = system(cmd);

	if (r == -1 || !WIFEXITED(r) || WEXITSTATUS(r)) {
		fprintf(stderr, "lab: failed: %s\n", cmd);
		exit(1);
	}
}

static inline void lab_umount(void)
{
	umount2(lab_bpffs, MNT_DETACH);
	rmdir(lab_bpffs);
}

static inline void lab_up(void)
{
	if (geteuid()) {
		fprintf(stderr, "lab: needs root\n");
		exit(1);
	}
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
		lab_die("unshare");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		lab_die("mount private");
	snprintf(lab_bpffs, sizeof(lab_bpffs), "/tmp/bpffs.XXXXXX");
	if (!mkdtemp(lab_bpffs) || mount("bpf", lab_bpffs, "bpf", 0, "mode=0700") < 0)
		lab_die("bpffs");
	atexit(lab_umount);
}

static inline void lab_network(void)
{
	lab_run("set -e; ip link set lo up\n"
		"echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding\n"
		"echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad\n"
		"for d in c0 k0 x0; do\n"
		" ip link add $d numrxqueues 2 numtxqueues 2 type veth peer name ${d}p numrxqueues 2 numtxqueues 2\n"
		" ip link set $d up; ip link set ${d}p up\n"
		"done\n"
		"ip addr add 10.0.1.1/24 dev c0; ip addr add 203.0.113.1/24 dev k0; ip addr add 192.0.2.1/24 dev x0\n"
		"ip addr add 2001:db8:1::1/64 dev c0 nodad; ip addr add 2001:db8:2::1/64 dev k0 nodad\n"
		"ip neigh add 203.0.113.10 lladdr 02:00:00:00:00:10 dev k0 nud permanent\n"
		"ip neigh add 203.0.113.20 lladdr 02:00:00:00:00:20 dev k0 nud permanent\n"
		"ip neigh add 10.0.1.5 lladdr 02:00:00:00:01:05 dev c0 nud permanent\n"
		"ip neigh add 10.0.1.200 lladdr 02:00:00:00:01:c8 dev c0 nud permanent\n"
		"ip neigh add 2001:db8:1::5 lladdr 02:00:00:00:07:05 dev c0 nud permanent\n"
		"ip neigh add 192.0.2.10 lladdr 02:00:00:00:02:10 dev x0 nud permanent\n"
		"ip neigh add 2001:db8:2::10 lladdr 02:00:00:00:06:10 dev k0 nud permanent\n"
		"ip route add 198.51.100.0/24 via 203.0.113.10\n"
		"ip route add 10.0.2.0/24 via 10.0.1.5; ip route add 10.0.3.0/24 via 10.0.1.5\n"
		"ip route add 198.18.0.0/24 via 203.0.113.10 mtu lock 1300\n"
		"ip route add 198.18.2.0/24 via 203.0.113.98 mtu lock 1300\n"
		"ip -6 route add 2001:db8:3::/64 via 2001:db8:2::98 mtu lock 1300\n"
		"ip route add blackhole 198.18.1.0/24\n");
}

/* An AF_XDP socket that the XSKMAP takes: UMEM, fill and rx ring; unbound, for TEST_RUN delivers nothing. */
static inline int lab_xsk(void)
{
	static char umem[16 * 4096] __attribute__((aligned(4096)));
	struct xdp_umem_reg reg = { .addr = (uintptr_t)umem, .len = sizeof(umem), .chunk_size = 4096 };
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0), n = 16;

	if (fd < 0 || setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)) < 0 ||
	    setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &n, sizeof(n)) < 0 ||
	    setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &n, sizeof(n)) < 0 ||
	    setsockopt(fd, SOL_XDP, XDP_RX_RING, &n, sizeof(n)) < 0)
		lab_die("AF_XDP socket");
	return fd;
}

#endif

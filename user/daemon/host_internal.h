/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_internal - what the files of host share.
 *
 *     host.c        start, adopt, undo, detach; what the pair's alias says
 *     host_veth.c   the pair, by rtnetlink
 *     host_ethtool.c  its offloads
 *     host_tc.c     the tc program
 */
#ifndef SIPSEAL_DAEMON_HOST_INTERNAL_H
#define SIPSEAL_DAEMON_HOST_INTERNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/bpfgw.h"
#include "daemon/host.h"

#define HOST_NEAR "sipseal0"
#define HOST_FAR  "sipseal1"

/* The longest MTU with native XDP on a veth: the frame has to fit in a page with its headroom and tail. */
#define HOST_MTU_MAX 3506

/* IFALIASZ without its end: longer ones the kernel refuses. */
#define HOST_ALIAS_MAX 255

struct host_bpf;

struct host_link {
	unsigned ifindex, mtu, tx_queues;
	unsigned peer;                  /* ifindex of the other end of a veth; 0: no veth of this namespace */
	bool is_up;
	uint8_t mac[6];
	char alias[HOST_ALIAS_MAX + 1];
};

struct host {
	struct host_link near, far;
	char name[16];                  /* of the carrier NIC */
	unsigned ifindex;
	char bpffs[PATH_MAX];
	bool is_pair_new;               /* made by this start: host_undo() removes it */
	bool is_attached, is_filter_new;
	bool is_qdisc_own, is_qdisc_new;
	bool is_gone, is_filter_said;   /* the pair is; the tc program cannot come back: said once */
	struct host_bpf *skel;          /* NULL until host_attached() */
	uint64_t turn_at_ns;
};

/** host_fail() - fill reterr.  Return: @error. */
int host_fail(char reterr[TOPOLOGY_ERR_LEN], int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** host_link_get() - Return: 0; -ENODEV: none of this name; other negative errno. */
int host_link_get(const char *name, struct host_link *ret);

/** host_veth_make() - both ends, down, with @queues rx and tx queues each.  Return: 0, or negative errno. */
int host_veth_make(unsigned queues, unsigned mtu);

/** host_veth_is_ours() - have both ends the form that host_veth_make() gives them? */
bool host_veth_is_ours(const struct host_link *near, const struct host_link *far);

/** host_veth_up() - IPv6 and transmit offloads off, then up; may be repeated.  Return: 0, or negative errno. */
int host_veth_up(void);

/** host_veth_remove() - Return: 0 (also if it is not there), or negative errno. */
int host_veth_remove(void);

/** host_link_alias(), host_link_mtu() - Return: 0, or negative errno. */
int host_link_alias(unsigned ifindex, const char *alias);
int host_link_mtu(unsigned ifindex, unsigned mtu);

/** host_offloads_off() - every transmit offload of a NIC that can be switched: what leaves it is complete.
 * Return: 0; -EOPNOTSUPP: some stay on; other negative errno. */
int host_offloads_off(const char *name);

/** host_tc_load() - the program, with the maps of @g.  Return: 0, or negative errno. */
int host_tc_load(struct host *h, struct bpfgw *g);
void host_tc_unload(struct host *h);

/** host_tc_back_attach() - the way back from the far end to the carrier NIC: before anything is led there.
 * Return: 0, or negative errno. */
int host_tc_back_attach(struct host *h);
bool host_tc_back_is_there(const struct host *h);

/** host_tc_attach() - to the carrier NIC; in the place of one of a former run, if there is one.
 * Return: 0, or negative errno. */
int host_tc_attach(struct host *h);

/** host_tc_is_there() - is the program that was loaded the one on the carrier NIC? */
bool host_tc_is_there(const struct host *h);

/** host_tc_remove() - our program, of any run, from @ifindex.  Return: 1; 0: it is not there; negative errno. */
int host_tc_remove(unsigned ifindex);

/** host_tc_qdisc_add() - Return: 1; 0: there was one; negative errno. */
int host_tc_qdisc_add(unsigned ifindex);

/** host_tc_qdisc_remove() - the clsact qdisc, if nothing uses it. */
void host_tc_qdisc_remove(unsigned ifindex);

#endif

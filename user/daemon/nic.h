/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nic - what we need to know of a network interface before XDP goes on it.
 *
 * By netlink and ethtool, not by /sys: after `nsenter --net` /sys still shows the interfaces of the
 * network namespace it was mounted in.
 */
#ifndef SIPSEAL_DAEMON_NIC_H
#define SIPSEAL_DAEMON_NIC_H

#include <stdbool.h>
#include <stddef.h>

struct nic {
	char name[16];
	unsigned ifindex, mtu;
	unsigned queues;       /* rx queues in use; sockets are bound to all of them */
	bool is_up;
	bool has_link;         /* a cable, and somebody at its other end */
	bool is_veth;
	unsigned peer;         /* veth: ifindex of the other end, where that is in this network namespace; else 0 */
	bool has_vlans;        /* VLAN devices stand on it */
};

#define NIC_ERR_LEN 512

/** nic_get() - look @name up in this network namespace.
 * Return: 0; -ENODEV: not there (reterr lists those that are); -ENETDOWN: it is down; other
 * errno. */
int nic_get(const char *name, struct nic *ret, char reterr[NIC_ERR_LEN]);

/** nic_gro() - does generic receive offload run there?  On a veth it brings NAPI, without which redirected frames are lost.
 * Return: 1 yes, 0 no, negative errno: not to be found out. */
int nic_gro(const char *name);

/** nic_hides_tags() - does it take VLAN tags out of the frame (rx-vlan-offload)?  XDP does not see them then.
 * Return: as nic_gro(). */
int nic_hides_tags(const char *name);

/** nic_has_xdp() - an XDP program, of whomever and in whatever mode.  Return: as nic_gro(). */
int nic_has_xdp(unsigned ifindex);

/** nic_is_veth() - false also where the driver cannot be found out. */
bool nic_is_veth(const char *name);

#endif

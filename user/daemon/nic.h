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
};

#define NIC_ERR_LEN 512

/** nic_get() - look @name up in this network namespace.
 * Return: 0; -ENODEV: not there (reterr lists those that are); -ENETDOWN: it is down; other
 * errno. */
int nic_get(const char *name, struct nic *ret, char reterr[NIC_ERR_LEN]);

#endif

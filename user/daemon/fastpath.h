/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fastpath - who forwards what is not for the signer, and with `fast_path: auto`: may XDP do it by itself, or would it go
 * around something?
 */
#ifndef SIPSEAL_DAEMON_FASTPATH_H
#define SIPSEAL_DAEMON_FASTPATH_H

#include <stdbool.h>

#include "trunk/model.h"

/**
 * fastpath_decide() - as the mode needs it (wire, host); else as configured; auto: forward, or kernel where netfilter has forward or NAT rules in this network
 * namespace (nf_tables by netlink, iptables by /proc/net/ip_tables_names and ip6_tables_names) or the
 * driver of an interface is veth.
 * @ret_why: for status: "veth driver on eth0", "nf_tables chain inet filter forward", ...
 * Return: true for XDP forwarding.
 */
bool fastpath_decide(const struct gateway *g, char ret_why[160]);

#endif

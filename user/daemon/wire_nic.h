/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire_nic - the settings of a NIC that mode wire changes, one by one.
 */
#ifndef SIPSEAL_DAEMON_WIRE_NIC_H
#define SIPSEAL_DAEMON_WIRE_NIC_H

#include <stdbool.h>
#include <stddef.h>

enum wire_setting {
	WIRE_PROMISC,
	WIRE_IPV6,   /* wanted: net.ipv6.conf.<NIC>.disable_ipv6 = 1 */
	WIRE_RXVLAN, /* wanted: rx-vlan-offload off */
	WIRE_SETTING_CNT,
};

/** wire_nic_is() - is it as mode wire wants it?  Return: 1, 0; negative errno where the NIC or the kernel does not know
 * the setting (-EOPNOTSUPP, -ENOENT: nothing to do then). */
int wire_nic_is(const char *name, enum wire_setting what);

/** wire_nic_set() - as mode wire wants it, or (@want false) back.  Return: 0, or negative errno. */
int wire_nic_set(const char *name, enum wire_setting what, bool want);

/** wire_nic_address() - an address of the NIC that is not the kernel's own work (IPv6 link-local).
 * @ret: text "a/len"; Return: 1 there is one, 0, or negative errno. */
int wire_nic_address(unsigned ifindex, char *ret, size_t ret_len);

#endif

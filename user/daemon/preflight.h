/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * preflight - may this process do what a gateway must do, and is the machine set up for it?
 */
#ifndef SIPSEAL_DAEMON_PREFLIGHT_H
#define SIPSEAL_DAEMON_PREFLIGHT_H

#include <stdbool.h>

#include "trunk/model.h"

#define PREFLIGHT_ERR_LEN 512

/** preflight_capabilities() - Return: 0; -EPERM: reterr names those that are missing and the
 * remedy. */
int preflight_capabilities(char reterr[PREFLIGHT_ERR_LEN]);

/** preflight_bpffs() - is the bpffs at @path one that the initial mount namespace sees?  Pins in another
 * one would go with this process, and the program with them.
 * @mountinfo: "/proc/1/mountinfo"; what cannot be read refuses nothing, nor does a @path that is no bpffs
 * (bpfgw_open() names that)
 * Return: 0; -EXDEV (reterr). */
int preflight_bpffs(const char *path, const char *mountinfo, char reterr[PREFLIGHT_ERR_LEN]);

/** preflight_forwarding() - does the kernel forward this family in our network namespace?
 * True where that cannot be found out. */
bool preflight_forwarding(bool is_v6);

/** preflight_wants_v6() - has a trunk a carrier peer with an IPv6 address? */
bool preflight_wants_v6(const struct gateway *g);

#endif

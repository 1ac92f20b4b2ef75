/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unprivileged - the first, one-way step into the sandbox of a process that talks to the street: own user, no
 * capabilities, no_new_privs, not dumpable, no core files.
 */
#ifndef SIPSEAL_UNPRIVILEGED_H
#define SIPSEAL_UNPRIVILEGED_H

#include <sys/types.h>

/** unprivileged_become() - @uid, @gid: taken where the process is root; (uid_t)-1: not given.
 * Return: 0; -EPERM root and no user given; -EINVAL the user is root; -EACCES capabilities are left;
 * other negative errno. */
int unprivileged_become(uid_t uid, gid_t gid);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox - what the signer may still do once traffic flows: nothing with files, processes or new
 * sockets.  Two steps, both one-way:
 *
 *     sandbox_unprivileged()  at start: own user, no capabilities, no_new_privs, not dumpable
 *     sandbox_close()         after the hand-over: seccomp filter for all threads, KILL_PROCESS
 *
 * Everything lazy (OpenSSL providers, DRBGs, thread start) must have happened before the second.
 */
#ifndef SIPSEAL_SIGNER_SANDBOX_H
#define SIPSEAL_SIGNER_SANDBOX_H

#include <sys/types.h>

/** sandbox_unprivileged() - @uid, @gid: taken where the process is root; (uid_t)-1: not given.
 * Return: 0; -EPERM root and no user given; -EINVAL the user is root; -EACCES capabilities are left;
 * other negative errno. */
int sandbox_unprivileged(uid_t uid, gid_t gid);

/** sandbox_close() - Return: 0, or negative errno of libseccomp. */
int sandbox_close(void);

#endif

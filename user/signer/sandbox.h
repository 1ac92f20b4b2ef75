/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox - what the signer may still do once traffic flows: nothing with files, processes or new
 * sockets.  Two steps, both one-way:
 *
 *     unprivileged_become()   at start (base/unprivileged.h)
 *     sandbox_close()         after the hand-over: seccomp filter for all threads, KILL_PROCESS
 *
 * Everything lazy (OpenSSL providers, DRBGs, thread start) must have happened before the second.
 */
#ifndef SIPSEAL_SIGNER_SANDBOX_H
#define SIPSEAL_SIGNER_SANDBOX_H

/** sandbox_close() - Return: 0, or negative errno of libseccomp. */
int sandbox_close(void);

#endif

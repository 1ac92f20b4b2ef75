/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pid - getpid() without a system call, for a process that never forks.
 *
 * OpenSSL asks for the process id with each random number, so with each signature, to notice a fork.  With the filter
 * of the sandbox that call takes 0.25 us, 1.2 % of a signature.  The signer cannot fork: its filter has no
 * clone() and no fork().  Only for programs that call pid_fix(), which links this getpid() in for all their libraries.
 */
#ifndef SIPSEAL_SIGNER_PID_H
#define SIPSEAL_SIGNER_PID_H

/** pid_fix() - from now on getpid() answers what it answers now.  Not before the last fork(). */
void pid_fix(void);

#endif

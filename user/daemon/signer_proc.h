/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signer_proc - the signer as a process (proc.h).
 */
#ifndef SIPSEAL_DAEMON_SIGNER_PROC_H
#define SIPSEAL_DAEMON_SIGNER_PROC_H

#include "daemon/proc.h"
#include "xsk/handover.h"

#define SIGNER_USER    "sipseal-signer"
#define SIGNER_ERR_LEN PROC_ERR_LEN

/** signer_proc_init() - find program and user.
 * @libexec: directory, or NULL: beside our own program, then ../libexec/sipseal
 * Return: 0; -ENOENT no program there (reterr). */
int signer_proc_init(struct proc *p, const char *libexec, char reterr[SIGNER_ERR_LEN]);

/** signer_proc_spawn() - Return: 0, or negative errno (reterr says what). */
int signer_proc_spawn(struct proc *p, char reterr[SIGNER_ERR_LEN]);

/**
 * signer_proc_call() - send a message and wait for its RESULT (5 s).
 * Return: 0; 1: the signer refused, reterr has its words, m->error the number; -ETIMEDOUT; -EPIPE it is gone; -EPROTO
 * it answered something else; other errno.
 */
int signer_proc_call(struct proc *p, struct handover_msg *m, const int *fds, unsigned fd_cnt,
		     char reterr[SIGNER_ERR_LEN]);

/** signer_proc_stop() - close its socket, give it 2 s, then SIGKILL; reaped on return (p->how). */
void signer_proc_stop(struct proc *p);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signer_proc - the signer as a process: found, started without anything it does not need, talked
 * to, stopped.
 *
 * It starts with its own user, no environment, /dev/null as stdin and stdout, our stderr, and one
 * socket (HANDOVER_FD); it is killed when we die.  Threads: one; SIGCHLD is the caller's.
 */
#ifndef SIPSEAL_DAEMON_SIGNER_PROC_H
#define SIPSEAL_DAEMON_SIGNER_PROC_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "xsk/handover.h"

#define SIGNER_USER    "sipseal-signer"
#define SIGNER_ERR_LEN 512

struct signer_proc {
	char path[PATH_MAX];
	uid_t uid;
	gid_t gid;
	bool is_nobody;        /* SIGNER_USER does not exist: runs as 65534 */
	pid_t pid;             /* 0: none */
	int fd;                /* our end, or -1 */
	uint32_t seq;
	char how[32];          /* how the last one ended: "exit 1", "signal 9" */
};

/** signer_proc_init() - find program and user.
 * @libexec: directory, or NULL: beside our own program, then ../libexec/sipseal
 * Return: 0; -ENOENT no program there (reterr). */
int signer_proc_init(struct signer_proc *p, const char *libexec, char reterr[SIGNER_ERR_LEN]);

/** signer_proc_spawn() - Return: 0, or negative errno (reterr says what). */
int signer_proc_spawn(struct signer_proc *p, char reterr[SIGNER_ERR_LEN]);

/**
 * signer_proc_call() - send a message and wait for its RESULT (5 s).
 * Return: 0; 1: the signer refused, reterr has its words; -ETIMEDOUT; -EPIPE it is gone; -EPROTO it
 * answered something else; other errno.
 */
int signer_proc_call(struct signer_proc *p, struct handover_msg *m, const int *fds, unsigned fd_cnt,
		     char reterr[SIGNER_ERR_LEN]);

/** signer_proc_reap() - has it ended?  Return: true, once; p->how says how. */
bool signer_proc_reap(struct signer_proc *p);

/** signer_proc_stop() - close its socket, give it 2 s, then SIGKILL; reaped on return
 * (p->how). */
void signer_proc_stop(struct signer_proc *p);

#endif

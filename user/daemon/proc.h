/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc - a process of ours that must not have what we have: found, started without anything it does not need,
 * talked to, stopped.  The signer (signer_proc.h) and the fetcher (fetching.h) are two kinds of it.
 *
 * It starts with its own user, no environment, /dev/null as stdin and stdout, our stderr, and one socket
 * (CHANNEL_FD); it is killed when we die.  A call is one message and its answer, both of one size, both
 * beginning with a struct channel_head; nothing that the answer says is believed but that it came.
 * Threads: one; SIGCHLD is the caller's.
 */
#ifndef SIPSEAL_DAEMON_PROC_H
#define SIPSEAL_DAEMON_PROC_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/channel.h"

#define PROC_ERR_LEN 512

/* One program; constant. */
struct proc_kind {
	const char *program;     /* file name, and argv[0] */
	const char *user;
	const char *name;        /* "the signer", for errors */
	uint32_t version;        /* of its messages */
	uint32_t result;         /* type of its answers */
	size_t msg_len;          /* of each message, at most PROC_MSG_MAX */
	size_t text_at, text_len; /* where an answer says in words what is wrong */
	unsigned timeout_ms;     /* for an answer */
	unsigned stop_ms;        /* for its end once the socket is closed; then it is killed */
};

#define PROC_MSG_MAX 4096

struct proc {
	char path[PATH_MAX];
	uid_t uid;
	gid_t gid;
	bool is_nobody;          /* its user does not exist: runs as 65534 */
	pid_t pid;               /* 0: none */
	pid_t lost;              /* killed, and has not ended; 0: none */
	int fd;                  /* our end, or -1 */
	uint32_t seq;
	char how[32];            /* how the last one ended: "exit 1", "signal 9" */
};

/** proc_init() - find program and user.
 * @libexec: directory, or NULL: beside our own program, then ../libexec/sipseal
 * Return: 0; -ENOENT no program there (reterr). */
int proc_init(struct proc *p, const struct proc_kind *k, const char *libexec, char reterr[PROC_ERR_LEN]);

/** proc_spawn() - Return: 0; -EBUSY: one that was killed has not ended yet; other negative errno (reterr says what). */
int proc_spawn(struct proc *p, const struct proc_kind *k, char reterr[PROC_ERR_LEN]);

/**
 * proc_call() - send a message and wait for its answer.
 * @m: k->msg_len bytes; type is set, version, seq and error are not
 * @ret: k->msg_len bytes for the answer as it came, of 0 and of 1; may be @m
 * Return: 0; 1: it refused (error of the answer is negative), reterr has its words, printable; -ETIMEDOUT; -EPIPE
 * it is gone; -EPROTO it answered something else; other errno (reterr).
 */
int proc_call(struct proc *p, const struct proc_kind *k, void *m, const int *fds, unsigned fd_cnt, void *ret,
	      char reterr[PROC_ERR_LEN]);

/** proc_reap() - has it ended?  Return: true, once; p->how says how. */
bool proc_reap(struct proc *p);

/** proc_stop() - close its socket, give it k->stop_ms, then SIGKILL; reaped on return (p->how), but for one that stands
 * in the kernel (a disk that does not answer): nobody waits for that, and there is no other until it has ended. */
void proc_stop(struct proc *p, const struct proc_kind *k);

/** proc_kill() - the same without grace, for one that does not answer. */
void proc_kill(struct proc *p);

/* When one that has died is started again: soon, but one that dies at once not in a circle. */
struct proc_retry {
	uint64_t started_ns;     /* 0: it did not come up */
	unsigned wait_ms;
	uint64_t at_ns;          /* 0: it runs */
};

void proc_retry_started(struct proc_retry *r);

/** proc_retry_later() - it has gone, or did not come up; r->wait_ms says how long it rests: 100 ms, twice as long each
 * time up to 5 s while it runs for less than that, so that it is there for half of the time at least if it works at all. */
void proc_retry_later(struct proc_retry *r);

/** proc_retry_is_due() - true once. */
bool proc_retry_is_due(struct proc_retry *r);

/** proc_text() - copy a text of another process for terminals and logs: at most @max bytes or up to NUL, bytes
 * outside 20-7e become '?'. */
void proc_text(char *dst, size_t cap, const char *text, size_t max);

#endif

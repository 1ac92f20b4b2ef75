/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fetching_internal - what fetching.c (its life), fetching_handover.c and fetching_files.c (what it is given) and
 * fetching_ask.c (what it is asked) share.
 */
#ifndef SIPSEAL_DAEMON_FETCHING_INTERNAL_H
#define SIPSEAL_DAEMON_FETCHING_INTERNAL_H

#include "daemon/daemon.h"

struct fetching {
	struct proc proc;
	struct proc_retry retry;
	bool is_up;                /* START has been answered */
	unsigned restarts;
	/* Of the last one that was ready: the signer may have them longer than it lives; -1: none was yet. */
	int verdicts_fd, wants_fd;
	uint64_t verdicts_len, wants_len;
	bool is_given;             /* to the signer that runs now */
	uint64_t give_at_ns;       /* not before */
	/* The trust anchors that it has, for the next one: a file that is broken meanwhile must not end verification. */
	int anchors_fd;            /* sealed memfd; -1: to be read */
};

/**
 * fetching_call() - one message.  One that does not answer, or answers nonsense, is stopped and started again later.
 * @ret: the answer, of 0 and of 1; may be @m
 * Return: as proc_call(); -ENOTCONN none runs.  *reterr is printable.
 */
int fetching_call(struct fetching *f, struct fetcher_msg *m, const int *fds, unsigned fd_cnt, struct fetcher_msg *ret,
		  char reterr[FETCHING_ERR_LEN]);

/** fetching_give_file() - ANCHORS, CRL or CACHE; @what: word for the log of what it has to say to it.
 * Return: as fetching_call(). */
int fetching_give_file(struct fetching *f, enum fetcher_type type, int fd, const char *what,
		       char reterr[FETCHING_ERR_LEN]);

/* The memory of one fetcher; -1: none. */
struct fetching_regions {
	int verdicts, wants;
	uint64_t verdicts_len, wants_len;
};

void fetching_regions_done(struct fetching_regions *r);

/** fetching_hand_over() - all of it to a fetcher that has just been started, START included.
 * Return: enum daemon_exit (reterr); *s is to be done in any case. */
int fetching_hand_over(struct sipseald *d, struct fetching_regions *s, char reterr[FETCHING_ERR_LEN]);

/** fetching_anchors_open() - a sealed memfd of certificates.trust_anchors.
 * Return: descriptor; -EINVAL, or other negative errno (reterr). */
int fetching_anchors_open(const struct gateway *g, char reterr[FETCHING_ERR_LEN]);

/** fetching_crl_open() - certificates.crl.path.  Return: descriptor; -ENOENT: none is configured, *reterr is "";
 * negative errno (reterr). */
int fetching_crl_open(const struct gateway *g, char reterr[FETCHING_ERR_LEN]);

/**
 * fetching_cache_open() - fetch.cache_dir, made where it is missing: of @uid, mode 0700.
 * One that is a link, or somebody else's, is refused; an empty one that is ours becomes the fetcher's.
 * Return: descriptor; -ENOENT: none is configured, *reterr is ""; negative errno (reterr).
 */
int fetching_cache_open(const struct gateway *g, uid_t uid, gid_t gid, char reterr[FETCHING_ERR_LEN]);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * child - how the programs begin that sipseald starts (sipseal-signer, sipseal-fetcher): their few options, the
 * daemon at descriptor 3 (base/channel.h), signals, and the user they become.
 */
#ifndef SIPSEAL_CHILD_H
#define SIPSEAL_CHILD_H

struct child {
	const char *program;     /* "sipseal-signer" */
	const char *event;       /* "signer": first word of its log lines */
	const char *about;       /* what --help says of it; whole lines */
	unsigned uid, gid;       /* --uid, --gid; (unsigned)-1: not given */
};

/** child_begin() - options, then what has to be so before anything else: no descriptor but those up to the daemon's, no
 * signal of the terminal.  Return: -1 go on, or the exit code. */
int child_begin(struct child *c, int argc, char **argv);

/** child_confine() - base/unprivileged.h, with a log line when it fails.  Return: as unprivileged_become(). */
int child_confine(const struct child *c);

#endif

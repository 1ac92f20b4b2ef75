/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon - everything that a running sipseald holds.
 *
 *     start.c       configuration -> checks -> XDP -> signer -> control socket; or nothing
 *     generation.c  policy memfd, match tables, configuration word
 *     signer_start.c  what a signer is given, in order
 *     supervise.c   the loop: signals, a signer that died, neighbours, HTTP
 *     api.c, report_*.c, metrics.c  what is told about it
 *
 * One thread: whatever happens, happens in the loop.
 */
#ifndef SIPSEAL_DAEMON_DAEMON_H
#define SIPSEAL_DAEMON_DAEMON_H

#include "config/assemble.h"
#include "daemon/bpfgw.h"
#include "daemon/control.h"
#include "daemon/counts.h"
#include "daemon/nic.h"
#include "daemon/options.h"
#include "daemon/shm.h"
#include "daemon/signer_proc.h"

struct sipseald {
	struct options opt;
	struct gateway *gateway;
	struct assembled *assembled;
	int lock_fd;                       /* flock on the bpffs: one daemon per set of pins */
	struct nic nics[SIPSEAL_PORTS_MAX];   /* port = index */
	bool is_attached[SIPSEAL_PORTS_MAX], is_native[SIPSEAL_PORTS_MAX];
	unsigned workers;
	struct bpfgw *bpf;
	uint32_t generation;
	struct policy_shm policy;
	bool is_forwarding;                /* fast path by XDP */
	char fast_path_why[160];
	bool is_ip_forward_off, is_ip6_forward_off;

	struct counts counts;
	uint64_t steered_base;             /* XDP counters outlive us: STEERED when we started */
	uint64_t lost_with_signer;
	const volatile uint64_t *heartbeats;  /* mapping of the heartbeat array, or NULL */

	struct signer_proc signer;
	uint64_t signer_started_ns;
	unsigned restarts, backoff_ms;
	uint64_t retry_at_ns;              /* when a dead signer is started again */

	uint64_t neighbours_at_ns;         /* when stale neighbours are used again; 0: now */

	struct control *control;
	uint64_t started_ns;
};

/** daemon_start() - Return: enum daemon_exit; what went wrong has been logged, and everything
 * undone.  *d must be zero but for opt. */
int daemon_start(struct sipseald *d);

/** daemon_done() - stop the signer, remove the control socket, free all; pins and XDP stay. */
void daemon_done(struct sipseald *d);

/** daemon_detach() - `--detach`.  Return: enum daemon_exit. */
int daemon_detach(const struct options *opt);

/** daemon_check() - `--check`: configuration, certificates and keys.  Return: enum daemon_exit. */
int daemon_check(const struct options *opt);

/** generation_build() - compile @d->generation into policy memfd and match tables, publish the
 * configuration.
 * Return: 0, or negative errno (reterr). */
int generation_build(struct sipseald *d, char reterr[BPFGW_ERR_LEN]);

/** signer_start() - counters, process, sockets, hand-over; traffic flows on return.
 * @is_first: a credential that the signer refuses is an error; later it is logged and left out
 * Return: enum daemon_exit (reterr). */
int signer_start(struct sipseald *d, bool is_first, char reterr[SIGNER_ERR_LEN]);

/** supervise() - the loop, until SIGTERM or SIGINT.  @signal_fd: signalfd of daemon_signals(). */
void supervise(struct sipseald *d, int signal_fd);

/** daemon_signals() - block the signals that the loop takes.  Return: signalfd, or negative
 * errno. */
int daemon_signals(void);

/** daemon_steered() - frames that XDP gave to signers since we started. */
uint64_t daemon_steered(const struct sipseald *d);

#endif

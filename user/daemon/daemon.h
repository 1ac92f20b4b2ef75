/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * daemon - everything that a running sipseald holds.
 *
 *     checks.c      what the machine and its NICs must have
 *     start.c       configuration -> checks -> XDP -> signer -> control socket; or nothing
 *     generation*.c a change: policy memfd, match tables, configuration word; live.c: what there is now
 *     trunks.c, reload.c  changes that users ask for, and their files
 *     callevents.c, dialplan.c  what comes from the calls, and what is set for one
 *     capturing*.c  INVITEs before and after, while somebody asks for them
 *     signer_start.c  what a signer is given, in order
 *     fetching*.c   the fetcher: given, asked, started again
 *     supervise.c   the loop: signals, a signer that died or hangs (watchdog.h), neighbours, HTTP
 *     api.c, report_*.c, metrics.c  what is told about it; expiry.c: what is said unasked
 *
 * One thread: whatever happens, happens in the loop.
 */
#ifndef SIPSEAL_DAEMON_DAEMON_H
#define SIPSEAL_DAEMON_DAEMON_H

#include "config/assemble.h"
#include "config/origids.h"
#include "daemon/bpfgw.h"
#include "daemon/callevents.h"
#include "daemon/capturing.h"
#include "daemon/control.h"
#include "daemon/counts.h"
#include "daemon/dialplan.h"
#include "daemon/fetching.h"
#include "daemon/generation.h"
#include "daemon/live.h"
#include "daemon/nic.h"
#include "daemon/options.h"
#include "daemon/shm.h"
#include "daemon/signer_proc.h"
#include "daemon/topology.h"
#include "daemon/watchdog.h"

struct sipseald {
	struct options opt;
	struct config *config;             /* main file and defaults */
	struct gateway *gateway;           /* of config; its trunks are in `live` */
	struct live *live;
	int lock_fd;                       /* flock on the bpffs: one daemon per set of pins */
	struct interface ports[SIPSEAL_PORTS_MAX]; /* those of the configuration, and what the mode adds (topology.h) */
	unsigned port_cnt;
	uint8_t rx_only;                   /* bit i: nothing is sent on port i (mode host: its far end) */
	struct nic nics[SIPSEAL_PORTS_MAX];   /* of the same index */
	bool is_attached[SIPSEAL_PORTS_MAX], is_native[SIPSEAL_PORTS_MAX];
	unsigned workers;
	struct bpfgw *bpf;
	struct topology *topology;         /* of the mode; NULL: routed needs none */
	uint32_t generation;               /* the active one */
	struct policy_shm policy;
	struct image *image;
	struct matchset *match;
	struct origids *origids;
	bool is_settling;                  /* the copies of the former generation have not followed yet */
	uint64_t flip_ns, grace_ns;        /* when it was replaced; when no CPU ran it any more (0: not known yet) */
	struct callevents *events;
	struct capturing *capturing;
	struct dialplan *dialplan;
	int regulatory;                    /* -1: as configured; else set by PATCH /v1/regulatory, until a restart */
	int64_t regulatory_since;          /* CLOCK_REALTIME seconds: how long it has been as it is */
	uint64_t expiry_at_ns, alarm_at_ns; /* when expiry.c looks again */
	bool is_forwarding;                /* fast path by XDP */
	char fast_path_why[160];
	bool is_ip_forward_off, is_ip6_forward_off;

	struct counts counts;
	uint64_t steered_base;             /* XDP counters outlive us: STEERED when we started */
	uint64_t lost_with_signer;
	const volatile uint64_t *heartbeats;  /* mapping of the heartbeat array, or NULL */

	struct proc signer;
	struct proc_retry signer_retry;
	struct watchdog watchdog;          /* over its workers */
	unsigned restarts;                 /* of the signer */
	struct fetching *fetching;         /* NULL: no trust anchors */

	uint64_t neighbours_at_ns;         /* when stale neighbours are used again; 0: now */

	struct control *control;
	uint64_t started_ns;
};

/** daemon_is_regulatory() - regulatory.enabled as it is in force. */
static inline bool daemon_is_regulatory(const struct sipseald *d)
{
	return d->regulatory < 0 ? d->gateway->regulatory_enabled : d->regulatory > 0;
}

/** daemon_start() - Return: enum daemon_exit; what went wrong has been logged, and everything
 * undone.  *d must be zero but for opt. */
int daemon_start(struct sipseald *d);

/** daemon_done() - stop the signer, remove the control socket, free all; pins and XDP stay. */
void daemon_done(struct sipseald *d);

/** daemon_detach() - `--detach`.  Return: enum daemon_exit. */
int daemon_detach(const struct options *opt);

/** daemon_check() - `--check`: configuration, certificates and keys.  Return: enum daemon_exit. */
int daemon_check(const struct options *opt);

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

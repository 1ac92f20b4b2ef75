/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/sockets.h"
#include "xsk/socket.h"

static int give_hello(struct sipseald *d, int events_fd, uint64_t events_len, char *reterr)
{
	uint64_t overrides_len = 0;
	int overrides_fd = dialplan_fd(d->dialplan, &overrides_len);
	const int fds[] = { d->policy.fd, d->counts.fd, events_fd, overrides_fd,
			    bpfgw_heartbeat_fd(d->bpf) };
	struct handover_msg m = {
		.type = HANDOVER_HELLO,
		.hello = { .workers = d->workers,
			   .ports = d->port_cnt,
			   .idle = d->gateway->idle,
			   .policy_len = d->policy.len,
			   .counters_len = d->counts.len,
			   .events_len = events_len,
			   .overrides_len = overrides_len },
	};

	return signer_proc_call(&d->signer, &m, fds, ARRAY_SIZE(fds), reterr);
}

static int give_socket(struct sipseald *d, const struct sockets *s, unsigned port, unsigned queue,
		       char *reterr)
{
	unsigned worker = queue % d->workers;
	uint32_t size = sockets_ring_size(s->plan);
	struct handover_msg m = {
		.type = HANDOVER_SOCKET,
		.socket = { .worker = worker,
			    .port = port,
			    .queue = queue,
			    .ifindex = d->nics[port].ifindex,
			    .mtu = d->nics[port].mtu,
			    .fill_size = sockets_fill_size(s->plan, worker),
			    .comp_size = size,
			    .rx_size = size,
			    .tx_size = s->plan->rx_only >> port & 1 ? 0 : size },
	};

	return signer_proc_call(&d->signer, &m, &s->fd[port][queue], 1, reterr);
}

/* The order of sockets_open(): the first socket of a worker owns its UMEM. */
static int give_worker(struct sipseald *d, const struct sockets *s, unsigned worker, char *reterr)
{
	struct handover_msg m = {
		.type = HANDOVER_WORKER,
		.worker = { .worker = worker,
			    .frames = s->plan->frames,
			    .frame_size = XSK_FRAME_SIZE },
	};
	int r = signer_proc_call(&d->signer, &m, &s->umem[worker], 1, reterr);

	for (unsigned p = 0; !r && p < d->port_cnt; p++)
		for (unsigned q = worker; !r && q < d->nics[p].queues; q += d->workers)
			r = give_socket(d, s, p, q, reterr);
	return r;
}

static int give_raw(struct sipseald *d, int family, char *reterr)
{
	CLEANUP(closep) int fd = raw_socket_open(family);
	struct handover_msg m = { .type = HANDOVER_RAW, .raw = { .family = (uint32_t)family } };

	if (fd == -EAFNOSUPPORT && family == AF_INET6)
		return 0; /* ipv6.disable=1: nothing to send there */
	if (fd < 0) {
		snprintf(reterr, SIGNER_ERR_LEN, "raw socket: %s", strerror(-fd));
		return fd;
	}
	return signer_proc_call(&d->signer, &m, &fd, 1, reterr);
}

/* Calls do not depend on it: what fails costs captures alone.  Return: negative errno where the signer is gone. */
static int give_capture(struct sipseald *d, char *reterr)
{
	struct handover_msg m = { .type = HANDOVER_CAPTURE };
	int fd = -1, r = capturing_renew(d->capturing, &fd, &m.capture.capture_len);

	if (r < 0) {
		log_err("event=capture reason=\"no memory for captures: %s\"", strerror(-r));
		return 0;
	}
	r = signer_proc_call(&d->signer, &m, &fd, 1, reterr);
	if (r > 0) {
		log_err("event=capture reason=\"%s\"", reterr);
		capturing_drop(d->capturing);
	}
	return r < 0 ? r : 0;
}

static int give_all(struct sipseald *d, const struct sockets *s, bool is_first, char *reterr)
{
	struct handover_msg start = { .type = HANDOVER_START };
	char err[FETCHING_ERR_LEN];
	uint64_t events_len = 0;
	int events_fd = -1, r;

	dialplan_renew(d->dialplan);
	if ((r = callevents_renew(d->events, &events_fd, &events_len)) < 0) {
		snprintf(reterr, SIGNER_ERR_LEN, "events: %s", strerror(-r));
		return EXIT_ERROR;
	}
	r = give_hello(d, events_fd, events_len, reterr);
	if (!r)
		r = give_capture(d, reterr);
	for (unsigned w = 0; !r && w < d->workers; w++)
		r = give_worker(d, s, w, reterr);
	if (!r)
		r = give_raw(d, AF_INET, reterr);
	if (!r)
		r = give_raw(d, AF_INET6, reterr);
	if (!r && (r = generation_keys_give(d, is_first, reterr)) > 0)
		return EXIT_REFUSED;
	if (!r)
		r = signer_proc_call(&d->signer, &start, NULL, 0, reterr);
	if (!r) /* if this fails, later: without it calls leave unjudged */
		fetching_give(d, err);
	return r ? EXIT_ERROR : EXIT_DONE;
}

/* Last: this lets traffic in.  The map holds the sockets from now on, and the signer; not we. */
static int let_traffic_in(struct sipseald *d, const struct sockets *s, char *reterr)
{
	for (unsigned p = 0; p < d->port_cnt; p++) {
		for (unsigned q = 0; q < d->nics[p].queues; q++) {
			int r = bpfgw_xsk_set(d->bpf, p, q, s->fd[p][q]);

			if (r < 0) {
				snprintf(reterr, SIGNER_ERR_LEN, "%s queue %u: XSKMAP: %s",
					 d->nics[p].name, q, strerror(-r));
				return EXIT_ERROR;
			}
		}
	}
	return EXIT_DONE;
}

/* What XDP gave to the signer before and nobody has accounted for went down with it. */
static void count_lost(struct sipseald *d)
{
	uint64_t steered = daemon_steered(d), seen;
	struct counts_total t;

	counts_sum(&d->counts, &t);
	seen = counts_reasons_sum(&t) + counts_ring_drops(&t);
	if (steered > seen)
		d->lost_with_signer = steered - seen;
}

int signer_start(struct sipseald *d, bool is_first, char reterr[SIGNER_ERR_LEN])
{
	struct sockets_plan plan = { .nics = d->nics,
				     .nic_cnt = d->port_cnt,
				     .rx_only = d->rx_only,
				     .workers = d->workers,
				     .frames = d->gateway->umem_frames };
	CLEANUP(sockets_done) struct sockets s = { 0 };
	int r;

	generation_turn(d); /* no signer runs: the former generation is gone */
	if ((r = counts_renew(&d->counts, live_slots(d->live))) < 0) {
		snprintf(reterr, SIGNER_ERR_LEN, "counters: %s", strerror(-r));
		return EXIT_ERROR;
	}
	if (!is_first)
		count_lost(d);
	if (signer_proc_spawn(&d->signer, reterr) < 0 || sockets_open(&plan, &s, reterr) < 0)
		r = EXIT_ERROR;
	if (!r)
		r = give_all(d, &s, is_first, reterr);
	if (!r)
		r = let_traffic_in(d, &s, reterr);
	if (r) {
		signer_proc_stop(&d->signer);
		return r;
	}
	watchdog_reset(&d->watchdog, clock_mono_ns());
	proc_retry_started(&d->signer_retry);
	return EXIT_DONE;
}

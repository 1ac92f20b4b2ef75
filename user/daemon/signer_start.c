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

static int give_hello(struct sipseald *d, char *reterr)
{
	const int fds[] = { d->policy.fd, d->counts.fd, bpfgw_heartbeat_fd(d->bpf) };
	struct handover_msg m = {
		.type = HANDOVER_HELLO,
		.hello = { .workers = d->workers,
			   .ports = d->gateway->interface_cnt,
			   .idle = d->gateway->idle,
			   .policy_len = d->policy.len,
			   .counters_len = d->counts.len },
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
			    .tx_size = size },
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

	for (unsigned p = 0; !r && p < d->gateway->interface_cnt; p++)
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

/* Who signs with it, for messages: "trunk NAME", or the gateway. */
static const char *credential_user(const struct sipseald *d, size_t i, char dst[TRUNK_NAME_MAX + 16])
{
	for (size_t k = 0; k < d->assembled->trunk_cnt; k++) {
		const struct compile_trunk *t = &d->assembled->trunks[k];

		if (t->credential != i || !t->trunk->cert.cert_path)
			continue;
		snprintf(dst, TRUNK_NAME_MAX + 16, "trunk %s", t->trunk->name);
		return dst;
	}
	return "gateway";
}

/* Return: as signer_proc_call(); 1 also where the key file cannot be opened. */
static int give_credential(struct sipseald *d, size_t i, char *reterr)
{
	struct assembled_credential *c = &d->assembled->credentials[i];
	/* each signer reads from a description of its own: offsets are shared otherwise */
	CLEANUP(closep)
	int fd = c->key_fd >= 0 ? TAKE_FD(c->key_fd)
				: confined_open(d->gateway->cert_root, c->key_path, true);
	struct handover_msg m = { .type = HANDOVER_CREDENTIAL,
				  .credential = { .id = (uint32_t)i } };
	char text[SIGNER_ERR_LEN] = "", user[TRUNK_NAME_MAX + 16];
	int r;

	if (fd < 0) {
		snprintf(reterr, SIGNER_ERR_LEN, "%.200s: %s", c->key_path, strerror(-fd));
		return 1;
	}
	memcpy(m.credential.point, c->info->point, CERT_POINT_LEN);
	r = signer_proc_call(&d->signer, &m, &fd, 1, text);
	if (r > 0)
		snprintf(reterr, SIGNER_ERR_LEN, "%.100s (with %.100s, %s): %.120s", c->key_path, c->cert_path,
			 credential_user(d, i, user), text);
	else if (r)
		snprintf(reterr, SIGNER_ERR_LEN, "%.250s", text);
	return r;
}

static int give_credentials(struct sipseald *d, bool is_first, char *reterr)
{
	for (size_t i = 0; i < d->assembled->credential_cnt; i++) {
		const struct assembled_credential *c = &d->assembled->credentials[i];
		int r;

		if (!c->info || !c->key_path) /* no certificate: assemble() has said so */
			continue;
		r = give_credential(d, i, reterr);
		if (r > 0 && !is_first) {
			log_err("event=key_refused file=%s reason=\"%s\"", c->key_path, reterr);
			continue;
		}
		if (r)
			return r;
	}
	return 0;
}

static int give_all(struct sipseald *d, const struct sockets *s, bool is_first, char *reterr)
{
	struct handover_msg start = { .type = HANDOVER_START };
	int r = give_hello(d, reterr);

	for (unsigned w = 0; !r && w < d->workers; w++)
		r = give_worker(d, s, w, reterr);
	if (!r)
		r = give_raw(d, AF_INET, reterr);
	if (!r)
		r = give_raw(d, AF_INET6, reterr);
	if (!r && (r = give_credentials(d, is_first, reterr)) > 0)
		return EXIT_REFUSED;
	if (!r)
		r = signer_proc_call(&d->signer, &start, NULL, 0, reterr);
	return r ? EXIT_ERROR : EXIT_DONE;
}

/* Last: this lets traffic in.  The map holds the sockets from now on, and the signer; not we. */
static int let_traffic_in(struct sipseald *d, const struct sockets *s, char *reterr)
{
	for (unsigned p = 0; p < d->gateway->interface_cnt; p++) {
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
				     .nic_cnt = d->gateway->interface_cnt,
				     .workers = d->workers,
				     .frames = d->gateway->umem_frames };
	CLEANUP(sockets_done) struct sockets s = { 0 };
	int r = counts_renew(&d->counts, (uint32_t)d->assembled->trunk_cnt);

	if (r < 0) {
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
	if (r)
		signer_proc_stop(&d->signer);
	else
		d->signer_started_ns = clock_mono_ns();
	return r;
}

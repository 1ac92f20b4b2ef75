/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/origids.h"
#include "daemon/api.h"
#include "daemon/daemon.h"
#include "daemon/fastpath.h"
#include "daemon/load.h"
#include "daemon/preflight.h"

#define CONTROL_GROUP "sipseal"

/* Slots for twice the trunks there are, so that trunks can be added without a new region. */
#define TRUNK_MAX_MIN 1024

static unsigned cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : (unsigned)CPU_COUNT(&set);
}

static void workers_decide(struct sipseald *d)
{
	unsigned queues = 1, want = d->gateway->workers ? d->gateway->workers : cpus();

	for (unsigned i = 0; i < d->gateway->interface_cnt; i++)
		if (d->nics[i].queues > queues)
			queues = d->nics[i].queues;
	d->workers =
		want < queues ? want : queues; /* one without a queue would have nothing to do */
	if (d->gateway->workers > queues)
		log_warning(
			"event=workers configured=%u used=%u reason=\"no NIC has more rx queues\"",
			d->gateway->workers, d->workers);
}

static int nics_check(struct sipseald *d)
{
	char err[NIC_ERR_LEN];
	int ret = EXIT_DONE;

	for (unsigned i = 0; i < d->gateway->interface_cnt; i++) {
		struct nic *n = &d->nics[i];

		if (nic_get(d->gateway->interfaces[i].name, n, err) < 0) {
			log_err("event=start reason=\"%s\"", err);
			ret = EXIT_ERROR; /* go on: all that is missing is named */
		} else if (n->queues > SIPSEAL_QUEUES_MAX) {
			log_err("event=start reason=\"%s has %u rx queues, %d is the limit: "
				"ethtool -L %s combined %d\"",
				n->name, n->queues, SIPSEAL_QUEUES_MAX, n->name,
				SIPSEAL_QUEUES_MAX);
			ret = EXIT_ERROR;
		}
	}
	return ret;
}

static int preflight(struct sipseald *d)
{
	char err[PREFLIGHT_ERR_LEN];

	if (preflight_capabilities(err) < 0) {
		log_err("event=start reason=\"%s\"", err);
		return EXIT_ERROR;
	}
	if (preflight_bpffs(d->gateway->bpffs, "/proc/1/mountinfo", err) < 0) {
		log_err("event=start reason=\"%s\"", err);
		return EXIT_ERROR;
	}
	if (nics_check(d))
		return EXIT_ERROR;
	workers_decide(d);
	if (signer_proc_init(&d->signer, d->opt.libexec, err) < 0) {
		log_err("event=start reason=\"%s\"", err);
		return EXIT_ERROR;
	}
	if (d->signer.is_nobody)
		log_warning("event=signer_user reason=\"there is no user %s: the signer runs as "
			    "nobody (%u); "
			    "systemd-sysusers makes it\"",
			    SIGNER_USER, (unsigned)d->signer.uid);
	if (d->gateway->mode == GATEWAY_ROUTED) {
		d->is_ip_forward_off = !preflight_forwarding(false);
		d->is_ip6_forward_off =
			preflight_wants_v6(d->gateway) && !preflight_forwarding(true);
	}
	if (d->is_ip_forward_off)
		log_warning("event=ip_forward reason=\"the kernel forwards no IPv4 here: sysctl -w "
			    "net.ipv4.ip_forward=1\"");
	if (d->is_ip6_forward_off)
		log_warning("event=ip_forward reason=\"the kernel forwards no IPv6 here: "
			    "sysctl -w net.ipv6.conf.all.forwarding=1\"");
	return EXIT_DONE;
}

/* Two daemons on the same pins would fill each other's maps.  A missing directory is
 * bpfgw_open()'s to name. */
static int lock_take(const char *bpffs)
{
	CLEANUP(closep) int fd = open(bpffs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		log_err("event=start reason=\"another sipseald runs on %s: stop that one first\"",
			bpffs);
		return -EBUSY;
	}
	return TAKE_FD(fd);
}

static void fast_path_decide(struct sipseald *d)
{
	const struct gateway *g = d->gateway;

	if (g->fast_path == FAST_PATH_AUTO) {
		d->is_forwarding = fastpath_decide(g, d->fast_path_why);
	} else {
		d->is_forwarding = g->fast_path == FAST_PATH_FORWARD;
		snprintf(d->fast_path_why, sizeof(d->fast_path_why), "by configuration");
	}
}

static int bpf_start(struct sipseald *d)
{
	char err[BPFGW_ERR_LEN], origids_err[ORIGIDS_ERR_LEN];

	if (bpfgw_open(d->gateway->bpffs, &d->bpf, err) < 0) {
		log_err("event=start reason=\"%s\"", err);
		return EXIT_ERROR;
	}
	if (origids_make(d->gateway, d->opt.state_dir, origids_err) < 0) {
		log_err("event=start reason=\"%s\"", origids_err);
		return EXIT_ERROR;
	}
	d->generation = bpfgw_generation(d->bpf) + 1;
	if (!d->generation)
		d->generation = 1; /* 0 means none */
	if (generation_build(d, err) < 0) {
		log_err("event=start reason=\"%s\"", err);
		return EXIT_ERROR;
	}
	for (unsigned i = 0; i < d->gateway->interface_cnt; i++) {
		if (bpfgw_attach(d->bpf, i, d->nics[i].ifindex, d->nics[i].name,
				 (int)d->gateway->xdp_mode, &d->is_native[i], err) < 0) {
			log_err("event=start interface=%s reason=\"%s\"", d->nics[i].name, err);
			return EXIT_ERROR;
		}
		d->is_attached[i] = true;
	}
	d->steered_base = daemon_steered(d);
	return EXIT_DONE;
}

static int signer_first_start(struct sipseald *d)
{
	size_t want = 2 * d->assembled->trunk_cnt;
	char err[SIGNER_ERR_LEN];
	void *map = mmap(NULL, SIPSEAL_BEATS_MAX * sizeof(uint64_t), PROT_READ, MAP_SHARED,
			 bpfgw_heartbeat_fd(d->bpf), 0);
	int r;

	d->heartbeats = map == MAP_FAILED ? NULL : map; /* only status shows it */
	if (counts_init(&d->counts, d->workers,
			(uint32_t)(want > TRUNK_MAX_MIN ? want : TRUNK_MAX_MIN)) < 0) {
		log_err("event=start reason=\"out of memory\"");
		return EXIT_ERROR;
	}
	if ((r = signer_start(d, true, err)))
		log_err("event=start reason=\"%s\"", err);
	return r;
}

static int control_prepare(struct sipseald *d)
{
	char err[CONTROL_ERR_LEN];
	const struct control_cfg cfg = {
		.socket = d->gateway->control_socket,
		.group = CONTROL_GROUP,
		.metrics = d->gateway->metrics,
		.routes = api_routes,
		.ctx = d,
	};

	if (control_open(&cfg, &d->control, err) == 0)
		return EXIT_DONE;
	log_err("event=start reason=\"%s\"", err);
	return EXIT_ERROR;
}

static int control_start(struct sipseald *d)
{
	char err[CONTROL_ERR_LEN];

	if (control_serve(d->control, err) == 0)
		return EXIT_DONE;
	log_err("event=start reason=\"%s\"", err);
	return EXIT_ERROR;
}

static int all_steps(struct sipseald *d)
{
	int r;

	if ((r = load_gateway(&d->opt, &d->gateway)) ||
	    (r = load_assembled(d->gateway, &d->assembled)) || (r = preflight(d)))
		return r;
	if ((d->lock_fd = lock_take(d->gateway->bpffs)) == -EBUSY)
		return EXIT_ERROR;
	fast_path_decide(d);
	/* addresses first: a port that is taken must not cost a moment of traffic */
	if ((r = control_prepare(d)) || (r = bpf_start(d)) || (r = signer_first_start(d)))
		return r;
	return control_start(d);
}

/* What stood before us stays: pins that were adopted are the former daemon's; our own go with the
 * last port. */
static void bpf_undo(struct sipseald *d)
{
	for (unsigned i = 0; i < SIPSEAL_PORTS_MAX; i++)
		if (d->is_attached[i])
			bpfgw_detach_port(d->bpf, i);
	bpfgw_close(TAKE(d->bpf));
}

int daemon_start(struct sipseald *d)
{
	int r;

	d->lock_fd = -1;
	d->signer.fd = -1;
	d->started_ns = clock_mono_ns();
	if ((r = all_steps(d)) == EXIT_DONE)
		return EXIT_DONE;
	signer_proc_stop(&d->signer);
	if (d->bpf)
		bpf_undo(d);
	daemon_done(d);
	return r;
}

void daemon_done(struct sipseald *d)
{
	signer_proc_stop(&d->signer);
	control_close(TAKE(d->control));
	if (d->heartbeats)
		munmap((void *)(uintptr_t)TAKE(d->heartbeats),
		       SIPSEAL_BEATS_MAX * sizeof(uint64_t));
	counts_done(&d->counts);
	policy_shm_done(&d->policy);
	if (d->bpf)
		bpfgw_close(TAKE(d->bpf));
	if (d->assembled)
		assembled_free(TAKE(d->assembled));
	if (d->gateway)
		gateway_free(TAKE(d->gateway));
	closep(&d->lock_fd); /* last: until here the pins were ours */
	d->lock_fd = -1;
}

int daemon_check(const struct options *opt)
{
	CLEANUP(gateway_freep) struct gateway *g = NULL;
	CLEANUP(assembled_freep) struct assembled *a = NULL;
	int r;

	if ((r = load_gateway(opt, &g)) || (r = load_assembled(g, &a)))
		return r;
	printf("configuration ok: %u interfaces, %zu trunks, %zu credentials\n", g->interface_cnt,
	       g->trunk_cnt, a->credential_cnt);
	return EXIT_DONE;
}

int daemon_detach(const struct options *opt)
{
	CLEANUP(gateway_freep) struct gateway *g = NULL;
	CLEANUP(closep) int lock = -1;
	char err[BPFGW_ERR_LEN];
	int r;

	if (opt->config && (r = load_gateway(opt, &g)))
		return r;
	if (!g && !(g = gateway_new()))
		return EXIT_ERROR;
	if ((lock = lock_take(opt->bpffs ? opt->bpffs : g->bpffs)) == -EBUSY)
		return EXIT_ERROR;
	r = bpfgw_detach_all(opt->bpffs ? opt->bpffs : g->bpffs, err);
	if (r < 0) {
		log_err("event=detach reason=\"%s\"", err);
		return EXIT_ERROR;
	}
	printf("%d interface%s detached\n", r, r == 1 ? "" : "s");
	return EXIT_DONE;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/store.h"
#include "daemon/api.h"
#include "daemon/checks.h"
#include "daemon/daemon.h"
#include "daemon/fastpath.h"
#include "daemon/live_internal.h"
#include "daemon/load.h"

#define CONTROL_GROUP "sipseal"

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

/* What a crash left half-written, and what must be kept over a restart. */
static int state_start(struct sipseald *d)
{
	char err[ORIGIDS_ERR_LEN] = "";
	int r = store_clean(config_trunks_dir(d->config));

	if (r > 0)
		log_notice("event=store_clean removed=%d", r);
	else if (r < 0 && r != -ENOENT)
		log_warning("event=store_clean dir=%s reason=\"%s\"", config_trunks_dir(d->config),
			    strerror(-r));
	if ((r = origids_open(d->opt.state_dir, &d->origids, err)) < 0) {
		log_err("event=start reason=\"%s\"", *err ? err : strerror(-r));
		return EXIT_ERROR;
	}
	return EXIT_DONE;
}

/* From here on d->live holds the trunks.  Refused by what stands in files: certificates, keys,
 * addresses. */
static int first_generation(struct sipseald *d)
{
	CLEANUP(fault_done) struct fault f = { 0 };
	int r = policy_shm_new(POLICY_COPY_SIZE, &d->policy);

	if (r < 0) {
		log_err("event=start reason=\"policy: %s\"", strerror(-r));
		return EXIT_ERROR;
	}
	r = generation_start(d, &f);
	load_report(&f.report);
	if (r == 0)
		return EXIT_DONE;
	log_err("event=config reason=\"configuration refused: %s\"", f.text);
	return f.report.error_cnt ? EXIT_REFUSED : EXIT_ERROR;
}

/* The far end of mode host is a veth, whatever the NIC is; generic XDP is not shown what tc has redirected. */
static int xdp_mode(const struct sipseald *d, unsigned port)
{
	return d->gateway->mode == GATEWAY_HOST && port ? XDP_MODE_NATIVE : (int)d->gateway->xdp_mode;
}

static int attach(struct sipseald *d)
{
	char err[TOPOLOGY_ERR_LEN];
	_Static_assert(BPFGW_ERR_LEN <= TOPOLOGY_ERR_LEN, "one text for both");

	for (unsigned i = 0; i < d->port_cnt; i++) {
		if (bpfgw_attach(d->bpf, i, d->nics[i].ifindex, d->nics[i].name,
				 xdp_mode(d, i), &d->is_native[i], err) < 0) {
			log_err("event=start interface=%s reason=\"%s\"", d->nics[i].name, err);
			return EXIT_ERROR;
		}
		d->is_attached[i] = true;
	}
	if (topology_attached(d, err) < 0) {
		log_err("event=start reason=\"%s\"", err);
		return EXIT_ERROR;
	}
	return EXIT_DONE;
}

static int bpf_start(struct sipseald *d)
{
	char err[BPFGW_ERR_LEN];
	int r;

	if (bpfgw_open(d->gateway->bpffs, &d->bpf, err) < 0) {
		log_err("event=start reason=\"%s\"", err);
		return EXIT_ERROR;
	}
	if ((r = state_start(d)) || (r = first_generation(d)))
		return r;
	if ((r = generation_publish(d)) < 0) {
		log_err("event=start reason=\"the configuration cannot be given to XDP: %s\"",
			strerror(-r));
		return EXIT_ERROR;
	}
	if ((r = attach(d)))
		return r;
	d->steered_base = daemon_steered(d);
	return EXIT_DONE;
}

/* What comes from the calls, and what is set for one: the signer gets both. */
static int calls_start(struct sipseald *d)
{
	int r;

	if (counts_init(&d->counts, d->workers, SIPSEAL_TRUNKS_MAX) < 0 ||
	    callevents_new(d, &d->events) < 0 || dialplan_new(d, &d->dialplan) < 0 ||
	    capturing_new(d, &d->capturing) < 0) {
		log_err("event=start reason=\"out of memory\"");
		return EXIT_ERROR;
	}
	if ((r = callevents_file(d->events, d->gateway->events_file)) < 0) {
		log_err("event=start reason=\"control.events_file %s: %s\"",
			d->gateway->events_file, strerror(-r));
		return EXIT_ERROR;
	}
	return EXIT_DONE;
}

static int signer_first_start(struct sipseald *d)
{
	char err[SIGNER_ERR_LEN];
	void *map = mmap(NULL, SIPSEAL_BEATS_MAX * sizeof(uint64_t), PROT_READ, MAP_SHARED,
			 bpfgw_heartbeat_fd(d->bpf), 0);
	int r;

	d->heartbeats = map == MAP_FAILED ? NULL : map; /* only status shows it */
	if ((r = signer_start(d, true, err)))
		log_err("event=start reason=\"%s\"", err);
	return r;
}

/* After the signer: outbound calls do not wait for it.  One that does not come up is tried again; anchors that it
 * refuses are for people. */
static int fetcher_first_start(struct sipseald *d)
{
	char err[FETCHING_ERR_LEN];
	int r = d->fetching ? fetching_start(d, err) : EXIT_DONE;

	if (r)
		log_err("event=fetcher_start reason=\"%s\"%s", err,
			r == EXIT_REFUSED ? "" : " restart=\"it is tried again\"");
	else
		fetching_give(d, err);
	return r == EXIT_REFUSED ? r : EXIT_DONE;
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

	if ((r = load_start(&d->opt, &d->config)))
		return r;
	d->gateway = config_gateway(d->config);
	if ((r = checks_machine(d)))
		return r;
	if ((d->lock_fd = lock_take(d->gateway->bpffs)) == -EBUSY)
		return EXIT_ERROR;
	if ((r = checks_nics(d)))
		return r;
	d->is_forwarding = fastpath_decide(d->gateway, d->fast_path_why);
	/* addresses first: a port that is taken must not cost a moment of traffic */
	if ((r = control_prepare(d)) || (r = calls_start(d)) || (r = bpf_start(d)) ||
	    (r = signer_first_start(d)) || (r = fetcher_first_start(d)))
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
	d->policy.fd = -1;
	d->regulatory = -1;
	d->started_ns = clock_mono_ns();
	if ((r = all_steps(d)) == EXIT_DONE)
		return EXIT_DONE;
	signer_proc_stop(&d->signer);
	if (d->bpf)
		bpf_undo(d);
	topology_undo(d);
	daemon_done(d);
	return r;
}

void daemon_done(struct sipseald *d)
{
	signer_proc_stop(&d->signer);
	fetching_free(TAKE(d->fetching));
	control_close(TAKE(d->control));
	if (d->heartbeats)
		munmap((void *)(uintptr_t)TAKE(d->heartbeats),
		       SIPSEAL_BEATS_MAX * sizeof(uint64_t));
	capturing_free(TAKE(d->capturing)); /* after those who read */
	dialplan_free(TAKE(d->dialplan));
	callevents_free(TAKE(d->events));
	counts_done(&d->counts);
	image_free(TAKE(d->image));
	policy_shm_done(&d->policy);
	matchset_free(TAKE(d->match));
	live_free(TAKE(d->live));
	origids_close(TAKE(d->origids));
	topology_free(TAKE(d->topology));
	bpfgw_close(TAKE(d->bpf));
	config_close(TAKE(d->config));
	d->gateway = NULL;
	closep(&d->lock_fd); /* last: until here the pins were ours */
	d->lock_fd = -1;
}

int daemon_detach(const struct options *opt)
{
	CLEANUP(config_closep) struct config *c = NULL;
	CLEANUP(gateway_freep) struct gateway *defaults = gateway_new();
	CLEANUP(closep) int lock = -1;
	char err[BPFGW_ERR_LEN], terr[TOPOLOGY_ERR_LEN];
	const char *bpffs;
	int r, left;

	if (opt->config && (r = load_start(opt, &c)))
		return r;
	if (!defaults)
		return EXIT_ERROR;
	bpffs = opt->bpffs ? opt->bpffs : c ? config_gateway(c)->bpffs : defaults->bpffs;
	if ((lock = lock_take(bpffs)) == -EBUSY)
		return EXIT_ERROR;
	left = topology_detach(bpffs, terr); /* first: nothing leads to a NIC without a program */
	if (left < 0)
		log_err("event=detach reason=\"%s\"", terr);
	r = bpfgw_detach_all(bpffs, err);
	if (r < 0) {
		log_err("event=detach reason=\"%s\"", err);
		return EXIT_ERROR;
	}
	printf("%d interface%s detached\n", r, r == 1 ? "" : "s");
	return left < 0 ? EXIT_ERROR : EXIT_DONE;
}

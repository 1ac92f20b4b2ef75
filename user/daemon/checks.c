/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/checks.h"

#include <errno.h>
#include <sched.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/preflight.h"

static unsigned cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : (unsigned)CPU_COUNT(&set);
}

static void workers_decide(struct sipseald *d)
{
	unsigned queues = 1, want = d->gateway->workers ? d->gateway->workers : cpus();

	for (unsigned i = 0; i < d->port_cnt; i++)
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

	for (unsigned i = 0; i < d->port_cnt; i++) {
		struct nic *n = &d->nics[i];

		if (nic_get(d->ports[i].name, n, err) < 0) {
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

static void user_check(const struct proc *p, const char *what, const char *user)
{
	if (p->is_nobody)
		log_warning("event=%s_user reason=\"there is no user %s: the %s runs as nobody (%u); "
			    "systemd-sysusers makes it\"",
			    what, user, what, (unsigned)p->uid);
}

static int programs_find(struct sipseald *d)
{
	char err[PROC_ERR_LEN];
	int r = signer_proc_init(&d->signer, d->opt.libexec, err);

	if (r == 0)
		r = fetching_new(d, &d->fetching, err);
	if (r < 0) {
		log_err("event=start reason=\"%s\"", err);
		return r == -EINVAL ? EXIT_REFUSED : EXIT_ERROR;
	}
	user_check(&d->signer, "signer", SIGNER_USER);
	if (d->fetching)
		user_check(fetching_proc(d->fetching), "fetcher", FETCHER_USER);
	return EXIT_DONE;
}

int checks_machine(struct sipseald *d)
{
	char err[PREFLIGHT_ERR_LEN];
	int r;

	if (preflight_capabilities(err) < 0) {
		log_err("event=start reason=\"%s\"", err);
		return EXIT_ERROR;
	}
	if (preflight_bpffs(d->gateway->bpffs, "/proc/1/mountinfo", err) < 0) {
		log_err("event=start reason=\"%s\"", err);
		return EXIT_ERROR;
	}
	if ((r = programs_find(d)))
		return r;
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

int checks_nics(struct sipseald *d)
{
	char err[TOPOLOGY_ERR_LEN];

	if (topology_prepare(d, err) < 0) {
		log_err("event=start reason=\"%s\"", err);
		return EXIT_ERROR;
	}
	if (nics_check(d))
		return EXIT_ERROR;
	workers_decide(d);
	return EXIT_DONE;
}

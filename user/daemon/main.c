/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/notify.h"
#include "daemon/oddities.h"

static void say_what_runs(const struct sipseald *d)
{
	const struct gateway *g = d->gateway;

	for (unsigned i = 0; i < d->port_cnt; i++)
		log_notice("event=attached interface=%s side=%s xdp=%s queues=%u", d->nics[i].name,
			   d->ports[i].side == SIPSEAL_SIDE_CORE	   ? "core"
			   : d->ports[i].side == SIPSEAL_SIDE_CARRIER ? "carrier"
									   : "both",
			   d->is_native[i] ? "native" : "generic", d->nics[i].queues);
	topology_say(d);
	log_notice("event=fast_path mode=%s reason=\"%s\"", d->is_forwarding ? "forward" : "kernel",
		   d->fast_path_why);
	oddities_log(g, d->is_forwarding, d->nics, d->port_cnt);
	if (!live_cnt(d->live))
		log_notice("event=no_trunks reason=\"no trunks configured: packets are counted and "
			   "forwarded, "
			   "nothing is signed; trunks go to %s, or come by `sipseal trunk add`\"",
			   config_trunks_dir(d->config));
	log_notice("event=ready version=%s generation=%u trunks=%zu workers=%u signer=%d fetcher=%d socket=%s",
		   SIPSEAL_VERSION, d->generation, live_cnt(d->live), d->workers, (int)d->signer.pid,
		   d->fetching ? (int)fetching_proc(d->fetching)->pid : 0, g->control_socket);
}

static int run(const struct options *opt)
{
	struct sipseald d = { .opt = *opt };
	CLEANUP(closep) int signal_fd = daemon_signals();
	int r;

	if (signal_fd < 0) {
		log_err("event=start reason=\"signals: %s\"", strerror(-signal_fd));
		return EXIT_ERROR;
	}
	if ((r = daemon_start(&d)))
		return r;
	say_what_runs(&d);
	notify_send("READY=1");
	supervise(&d, signal_fd);
	notify_send("STOPPING=1");
	daemon_done(&d);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct options opt;

	log_set_name("sipseald");
	if (options_parse(argc, argv, &opt) < 0)
		return EXIT_USAGE;
	switch (opt.action) {
	case ACTION_HELP:
		options_help();
		return EXIT_DONE;
	case ACTION_VERSION:
		printf("sipseald %s\n", SIPSEAL_VERSION);
		return EXIT_DONE;
	case ACTION_CHECK:
		return daemon_check(&opt);
	case ACTION_DETACH:
		return daemon_detach(&opt);
	case ACTION_RUN:
		break;
	}
	return run(&opt);
}

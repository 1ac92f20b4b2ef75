/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/expiry.h"
#include "daemon/neighbours.h"
#include "daemon/notify.h"
#include "daemon/trunks.h"

int daemon_signals(void)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP); /* else it would end us */
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static void on_signer_gone(struct sipseald *d)
{
	proc_retry_later(&d->signer_retry);
	log_err("event=signer_died how=\"%s\" restart_in_ms=%u traffic=%s", d->signer.how,
		d->signer_retry.wait_ms, d->gateway->on_signer_failure == SIPSEAL_DROP ? "drop" : "pass");
}

/* One that hangs takes no notice of a closed socket. */
static void signer_watch(struct sipseald *d)
{
	int worker;

	if (!d->signer.pid || !d->heartbeats)
		return;
	worker = watchdog_look(&d->watchdog, d->heartbeats, d->workers, d->gateway->heartbeat_ms, clock_mono_ns());
	if (worker < 0)
		return;
	log_err("event=signer_hung worker=%d pid=%d", worker, (int)d->signer.pid);
	proc_kill(&d->signer);
	on_signer_gone(d);
}

static void restart(struct sipseald *d)
{
	char err[SIGNER_ERR_LEN];

	d->restarts++;
	if (signer_start(d, false, err)) {
		proc_retry_later(&d->signer_retry);
		log_err("event=signer_restart reason=\"%s\" restart_in_ms=%u", err,
			d->signer_retry.wait_ms);
		return;
	}
	log_notice("event=signer_restart pid=%d restarts=%u lost=%llu", (int)d->signer.pid,
		   d->restarts, (unsigned long long)d->lost_with_signer);
}

/* SIGHUP: the configuration again, and the events file by its name (logrotate has moved it away).
 */
static void on_hangup(struct sipseald *d)
{
	CLEANUP(fault_done) struct fault f = { 0 };
	CLEANUP(freep) char *line = NULL;
	json_t *what = NULL;
	int r = callevents_file(d->events, d->gateway->events_file);

	if (r < 0)
		log_err("event=events_file file=%s reason=\"%s\"", d->gateway->events_file,
			strerror(-r));
	r = reload(d, false, &what, &f);
	if (r < 0) {
		for (size_t i = 0; i < f.report.cnt && !line; i++)
			line = f.report.m[i].is_error ? config_message_format(&f.report.m[i])
						      : NULL;
		log_err("event=reload_refused code=%s reason=\"%s%s%s\"",
			f.code ? f.code : "internal", f.text, line ? "; first: " : "",
			line ? line : "");
	} else {
		json_object_del(what, "changed"); /* key by key: too much for a line */
		line = json_dumps(what, JSON_COMPACT);
		log_notice("event=reload result=%s", line ? line : "?");
	}
	json_decref(what);
}

/* Return: false: it is time to end. */
static bool on_signals(struct sipseald *d, int signal_fd)
{
	struct signalfd_siginfo si;

	while (read(signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGTERM || si.ssi_signo == SIGINT) {
			log_notice("event=stop signal=%u", si.ssi_signo);
			return false;
		}
		if (si.ssi_signo == SIGHUP)
			on_hangup(d);
	}
	if (proc_reap(&d->signer))
		on_signer_gone(d);
	return true;
}

/* Outside a call the signer says nothing; its socket only becomes readable when it ends.  One
 * that closed the socket and lives on is of no use. */
static void on_signer_socket(struct sipseald *d)
{
	struct handover_msg m;
	int fds[HANDOVER_FDS_MAX], r;
	unsigned fd_cnt = 0;

	r = handover_recv(d->signer.fd, &m, fds, &fd_cnt);
	while (r > 0 && fd_cnt)
		close(fds[--fd_cnt]);
	if (r > 0) /* an answer that came too late */
		return;
	signer_proc_stop(&d->signer);
	on_signer_gone(d);
}

static void neighbours_turn(struct sipseald *d)
{
	int r;

	if (clock_mono_ns() < d->neighbours_at_ns)
		return;
	if ((r = neighbours_use(d->nics, d->port_cnt)) < 0)
		log_warning("event=neighbours reason=\"%s\"", strerror(-r));
	d->neighbours_at_ns = clock_mono_ns() + NEIGHBOURS_PERIOD_MS * 1000000ull;
}

/* The sooner of two timeouts; -1: none. */
static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Everything that is due; HTTP last, for the others have something to tell.  Return: ms until the
 * next turn. */
static int turns(struct sipseald *d)
{
	uint64_t now, next;
	int ms = generation_turn(d);

	ms = sooner(ms, callevents_turn(d->events));
	ms = sooner(ms, capturing_turn(d->capturing));
	ms = sooner(ms, dialplan_turn(d->dialplan));
	ms = sooner(ms, fetching_turn(d));
	ms = sooner(ms, expiry_turn(d));
	ms = sooner(ms, topology_turn(d));
	ms = sooner(ms, control_run(d->control));
	if (d->is_settling && !d->grace_ns) /* a change came in just now */
		ms = 0;
	now = clock_mono_ns();
	next = d->neighbours_at_ns;
	if (d->signer.pid && d->watchdog.at_ns < next)
		next = d->watchdog.at_ns;
	if (d->signer_retry.at_ns && d->signer_retry.at_ns < next)
		next = d->signer_retry.at_ns;
	return sooner(ms, next <= now ? 0 : (int)((next - now) / 1000000) + 1);
}

void supervise(struct sipseald *d, int signal_fd)
{
	for (;;) {
		int ms = turns(d), http[2];
		struct pollfd p[6];

		control_fds(d->control, http);
		p[0] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = d->signer.fd, .events = POLLIN };
		p[2] = (struct pollfd){ .fd = http[0], .events = POLLIN };
		p[3] = (struct pollfd){ .fd = http[1], .events = POLLIN };
		p[4] = (struct pollfd){ .fd = fetching_fd(d->fetching), .events = POLLIN };
		p[5] = (struct pollfd){ .fd = topology_fd(d), .events = POLLIN };
		if (poll(p, ARRAY_SIZE(p), ms) < 0 && errno != EINTR)
			return;
		/* signals first: SIGTERM must not wait for a restart */
		if (!on_signals(d, signal_fd))
			return;
		if (d->signer.fd >= 0 && p[1].revents)
			on_signer_socket(d);
		signer_watch(d);
		if (proc_retry_is_due(&d->signer_retry))
			restart(d);
		neighbours_turn(d);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/fetching.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/fetching_internal.h"

/* A worker takes new memfds within its heartbeat. */
#define GIVE_AGAIN_MS  20
/* A signer that did not answer has its own supervision; each try may cost its time limit. */
#define GIVE_LATER_MS  5000

static const struct proc_kind fetcher = {
	.program = "sipseal-fetcher",
	.user = FETCHER_USER,
	.name = "the fetcher",
	.version = FETCHER_VERSION,
	.result = FETCHER_RESULT,
	.msg_len = sizeof(struct fetcher_msg),
	.text_at = offsetof(struct fetcher_msg, result.text),
	.text_len = sizeof(((struct fetcher_msg *)0)->result.text),
	.timeout_ms = FETCHING_TIMEOUT_MS,
	.stop_ms = 1000, /* it holds nothing that a kill could damage */
};
_Static_assert(sizeof(struct fetcher_msg) <= PROC_MSG_MAX, "fits a call");

int fetching_new(const struct sipseald *d, struct fetching **ret, char reterr[FETCHING_ERR_LEN])
{
	CLEANUP(freep) struct fetching *f = NULL;
	int r;

	if (!d->gateway->trust_anchors) {
		*ret = NULL;
		return 0;
	}
	f = calloc(1, sizeof(*f));
	if (!f) {
		snprintf(reterr, FETCHING_ERR_LEN, "out of memory");
		return -ENOMEM;
	}
	f->verdicts_fd = f->wants_fd = f->anchors_fd = -1;
	if ((r = proc_init(&f->proc, &fetcher, d->opt.libexec, reterr)) < 0)
		return r;
	f->anchors_fd = fetching_anchors_open(d->gateway, reterr);
	if (f->anchors_fd < 0)
		return f->anchors_fd == -ENOMEM ? -ENOMEM : -EINVAL;
	*ret = TAKE(f);
	return 0;
}

void fetching_free(struct fetching *f)
{
	if (!f)
		return;
	proc_stop(&f->proc, &fetcher);
	closep(&f->verdicts_fd);
	closep(&f->wants_fd);
	closep(&f->anchors_fd);
	free(f);
}

static void on_gone(struct fetching *f)
{
	f->is_up = false;
	proc_retry_later(&f->retry);
	log_err("event=fetcher_died how=\"%s\" restart_in_ms=%u reason=\"certificates that are known stay known, new ones "
		"are not fetched\"",
		f->proc.how, f->retry.wait_ms);
}

int fetching_call(struct fetching *f, struct fetcher_msg *m, const int *fds, unsigned fd_cnt, struct fetcher_msg *ret,
		  char reterr[FETCHING_ERR_LEN])
{
	bool was_up = f->is_up;
	int r;

	if (f->proc.fd < 0) {
		snprintf(reterr, FETCHING_ERR_LEN, "the fetcher does not run");
		return -ENOTCONN;
	}
	r = proc_call(&f->proc, &fetcher, m, fds, fd_cnt, ret, reterr);
	if (r >= 0)
		return r;
	if (r == -EPIPE)
		proc_stop(&f->proc, &fetcher); /* so that its own exit status is known */
	else
		proc_kill(&f->proc);
	if (was_up)
		on_gone(f);
	return r;
}

/* ---- its memory, for the signer ---- */

int fetching_start(struct sipseald *d, char reterr[FETCHING_ERR_LEN])
{
	CLEANUP(fetching_regions_done) struct fetching_regions s = { .verdicts = -1, .wants = -1 };
	struct fetching *f = d->fetching;
	int r = EXIT_ERROR;

	f->is_up = false;
	if (proc_spawn(&f->proc, &fetcher, reterr) == 0)
		r = fetching_hand_over(d, &s, reterr);
	if (r) {
		proc_kill(&f->proc);
		proc_retry_later(&f->retry);
		return r;
	}
	f->is_up = true;
	proc_retry_started(&f->retry);
	closep(&f->verdicts_fd);
	closep(&f->wants_fd);
	f->verdicts_len = s.verdicts_len;
	f->wants_len = s.wants_len;
	f->verdicts_fd = TAKE_FD(s.verdicts);
	f->wants_fd = TAKE_FD(s.wants);
	f->is_given = false;
	f->give_at_ns = 0;
	return EXIT_DONE;
}

int fetching_give(struct sipseald *d, char reterr[FETCHING_ERR_LEN])
{
	struct fetching *f = d->fetching;
	struct handover_msg m = { .type = HANDOVER_VERDICTS };
	int r;

	if (!f || f->verdicts_fd < 0 || !d->signer.pid)
		return 0;
	m.verdicts.verdicts_len = f->verdicts_len;
	m.verdicts.wants_len = f->wants_len;
	f->is_given = false;
	r = signer_proc_call(&d->signer, &m, (const int[]){ f->verdicts_fd, f->wants_fd }, 2, reterr);
	if (r == 1 && m.error == -EAGAIN) {
		f->give_at_ns = clock_mono_ns() + GIVE_AGAIN_MS * 1000000ull;
		return -EAGAIN;
	}
	f->is_given = r >= 0; /* what it has refused once it will refuse again */
	if (r < 0)
		f->give_at_ns = clock_mono_ns() + GIVE_LATER_MS * 1000000ull;
	if (r)
		log_err("event=verdicts reason=\"%s\"", reterr);
	return r;
}

/* ---- its life ---- */

int fetching_fd(const struct fetching *f)
{
	return f ? f->proc.fd : -1;
}

/* Outside a call it has nothing to say: what can be read is its end, or it is not what it should be. */
static bool is_speaking(const struct fetching *f)
{
	struct pollfd p = { .fd = f->proc.fd, .events = POLLIN };

	return f->proc.fd >= 0 && poll(&p, 1, 0) > 0;
}

static void restart(struct sipseald *d)
{
	struct fetching *f = d->fetching;
	char err[FETCHING_ERR_LEN] = "";

	f->restarts++;
	if (fetching_start(d, err)) {
		log_err("event=fetcher_restart reason=\"%s\" restart_in_ms=%u", err, f->retry.wait_ms);
		return;
	}
	log_notice("event=fetcher_restart pid=%d restarts=%u", (int)f->proc.pid, f->restarts);
}

static int until(uint64_t at_ns)
{
	uint64_t now = clock_mono_ns();

	return at_ns <= now ? 0 : (int)((at_ns - now) / 1000000) + 1;
}

int fetching_turn(struct sipseald *d)
{
	struct fetching *f = d->fetching;
	char err[FETCHING_ERR_LEN];
	int ms = -1;

	if (!f)
		return -1;
	if (proc_reap(&f->proc)) {
		on_gone(f);
	} else if (is_speaking(f)) {
		proc_stop(&f->proc, &fetcher);
		on_gone(f);
	}
	if (proc_retry_is_due(&f->retry))
		restart(d);
	if (!f->is_given && f->verdicts_fd >= 0 && d->signer.pid) {
		if (clock_mono_ns() >= f->give_at_ns)
			fetching_give(d, err);
		ms = f->is_given ? -1 : until(f->give_at_ns);
	}
	if (f->retry.at_ns && (ms < 0 || until(f->retry.at_ns) < ms))
		ms = until(f->retry.at_ns);
	return ms;
}

/* Both files are opened before the first is given. */
int fetching_reload(struct sipseald *d, char reterr[FETCHING_ERR_LEN])
{
	struct fetching *f = d->fetching;
	CLEANUP(closep) int anchors = -1;
	CLEANUP(closep) int crl = -1;
	int r;

	if (!f)
		return 0;
	anchors = fetching_anchors_open(d->gateway, reterr);
	crl = anchors < 0 ? -1 : fetching_crl_open(d->gateway, reterr);
	if (anchors < 0 || (crl < 0 && *reterr))
		return -EINVAL;
	if (!f->is_up) { /* the next one judges them */
		closep(&f->anchors_fd);
		f->anchors_fd = TAKE_FD(anchors);
		snprintf(reterr, FETCHING_ERR_LEN, "the fetcher does not run: they are for the next one");
		return -EPIPE;
	}
	if ((r = fetching_give_file(f, FETCHER_ANCHORS, anchors, "anchors", reterr)) == 0) {
		closep(&f->anchors_fd);
		f->anchors_fd = TAKE_FD(anchors);
		r = crl < 0 ? 0 : fetching_give_file(f, FETCHER_CRL, crl, "crl", reterr);
	}
	return r == 1 ? -EINVAL : r == -ETIMEDOUT || r == 0 ? r : -EPIPE;
}

unsigned fetching_restarts(const struct fetching *f)
{
	return f->restarts;
}

bool fetching_is_up(const struct fetching *f)
{
	return f->is_up;
}

const struct proc *fetching_proc(const struct fetching *f)
{
	return &f->proc;
}

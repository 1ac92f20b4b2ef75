/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/api_internal.h"

#define NUMBER_MAX 1000000000u

static ssize_t stream_read(void *ctx, char *dst, size_t cap)
{
	return capturing_read(ctx, dst, cap);
}

static void stream_done(void *ctx)
{
	capturing_close(ctx);
}

/* ?name=NUMBER, 1 to NUMBER_MAX; absent: 0.  Return: 0, -EINVAL. */
static int number(const struct control_request *q, const char *name, uint64_t *ret)
{
	const char *v = control_query(q, name);
	uint64_t n;

	if (!v) {
		*ret = 0;
		return 0;
	}
	if (!*v || strspn(v, "0123456789") != strlen(v) || strlen(v) > 10)
		return -EINVAL;
	n = strtoull(v, NULL, 10);
	if (!n || n > NUMBER_MAX)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int refused(struct control_answer *a, int r)
{
	switch (r) {
	case -ENOENT:
		return control_error(a, 404, "no_such_trunk", "there is no trunk of that name");
	case -EUSERS:
		return control_error(a, 503, "too_many_captures", "%d captures run already", CAPTURING_READERS_MAX);
	case -ENODEV:
		return control_error(a, 503, "no_capture", "the signer has no memory for captures: see the log");
	default:
		return control_error(a, 503, "no_memory", "no memory for a capture: %s", strerror(-r));
	}
}

int api_capture_get(void *ctx, const struct control_request *q, struct control_answer *a)
{
	static const char *const names[] = { "trunk", "count", "seconds", NULL };
	struct capturing_ask ask = { .trunk = control_query(q, "trunk"), .wake = control_wake, .ctx = q->conn };
	struct capturing_reader *reader = NULL;
	struct sipseald *d = ctx;
	int r = api_query_check(q, names, a);

	if (r)
		return r < 0 ? r : 0;
	if (number(q, "count", &ask.count) < 0 || number(q, "seconds", &ask.seconds) < 0)
		return control_error(a, 400, "bad_query", "count, seconds: allowed: 1 to %u", NUMBER_MAX);
	if ((r = capturing_open(d->capturing, &ask, &reader)) < 0)
		return refused(a, r);
	/* it shows whole calls: who asked is worth a line */
	log_notice("event=capture uid=%d pid=%d trunk=%s", (int)q->uid, (int)q->pid, ask.trunk ? ask.trunk : "*");
	a->type = "application/x-pcapng";
	a->stream = (struct control_stream){ .read = stream_read, .done = stream_done, .ctx = reader };
	return 0;
}

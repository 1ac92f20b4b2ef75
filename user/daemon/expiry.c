/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/expiry.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/live_internal.h"
#include "daemon/daemon.h"

#define DAY_S 86400

/* A clock that jumps is seen within minutes; a reload is judged at once (generation.c). */
#define LOOK_NS (10ull * 60 * 1000000000)
#define ALARM_NS (10ull * 60 * 1000000000)

enum expiry expiry_of(const struct cert_info *info, int64_t now)
{
	int64_t left = info->not_after - now;

	if (left <= 0)
		return EXPIRY_OVER;
	if (left <= DAY_S)
		return EXPIRY_1_DAY;
	if (left <= 7 * DAY_S)
		return EXPIRY_7_DAYS;
	return left <= 30 * DAY_S ? EXPIRY_30_DAYS : EXPIRY_FAR;
}

const char *expiry_level(enum expiry e)
{
	static const char *const names[] = { "info", "notice", "warning", "critical", "critical" };

	return names[e];
}

const char *expiry_text(int64_t not_after, int64_t now, char dst[32])
{
	int64_t left = not_after - now, n = left >= 2 * DAY_S ? left / DAY_S
					    : left >= 7200    ? left / 3600
							      : left / 60;

	snprintf(dst, 32, "in %lld %s%s", (long long)n,
		 left >= 2 * DAY_S ? "day"
		 : left >= 7200	   ? "hour"
				   : "minute",
		 n == 1 ? "" : "s");
	return dst;
}

static void say(const struct live_credential *c, enum expiry e, int64_t now)
{
	const char *name = c->now.cert_path;
	char when[32];

	if (e == EXPIRY_OVER)
		log_err("event=certificate_expired file=%s reason=\"its trunks do not sign: renew "
			"it, then sipseal "
			"cert reload\"",
			name);
	else if (e == EXPIRY_1_DAY)
		log_err("event=certificate_expires file=%s reason=\"%s: renew it now, then sipseal "
			"cert reload\"",
			name, expiry_text(c->now.info->not_after, now, when));
	else if (e == EXPIRY_7_DAYS)
		log_warning("event=certificate_expires file=%s reason=\"%s\"", name,
			    expiry_text(c->now.info->not_after, now, when));
	else
		log_notice("event=certificate_expires file=%s reason=\"%s\"", name,
			   expiry_text(c->now.info->not_after, now, when));
}

static void look(struct sipseald *d)
{
	int64_t now = (int64_t)(clock_real_ms() / 1000);
	struct live_credential *c, *next;

	HASH_ITER(hh, d->live->credentials, c, next)
	{
		enum expiry e = c->now.info ? expiry_of(c->now.info, now) : EXPIRY_FAR;

		if (e > c->expiry_said)
			say(c, e, now);
		if (e > c->expiry_said)
			c->expiry_said = (uint8_t)e;
	}
}

int expiry_turn(struct sipseald *d)
{
	uint64_t now = clock_mono_ns();

	if (now >= d->expiry_at_ns) {
		look(d);
		d->expiry_at_ns = now + LOOK_NS;
	}
	if (now >= d->alarm_at_ns) {
		if (!daemon_is_regulatory(d))
			log_err("event=regulatory_off reason=\"nothing is signed: sipseal "
				"regulatory on\"");
		d->alarm_at_ns = now + ALARM_NS;
	}
	now = (d->expiry_at_ns < d->alarm_at_ns ? d->expiry_at_ns : d->alarm_at_ns) - now;
	return (int)(now / 1000000) + 1;
}

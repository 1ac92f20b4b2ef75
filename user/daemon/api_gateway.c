/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include "daemon/api_internal.h"
#include "daemon/report.h"
#include "daemon/trunks.h"

int api_config_reload(void *ctx, const struct control_request *q, struct control_answer *a)
{
	static const char *const keys[] = { "dry_run", NULL };
	struct sipseald *d = ctx;
	struct fault f = { 0 };
	bool want_dry = false;
	json_t *json = NULL;
	int r = api_keys(q->body, keys, &f);

	if (r == 0)
		r = api_bool(q->body, "dry_run", &want_dry, &f);
	if (r >= 0)
		reload(d, want_dry, &json, &f);
	return api_changed(d, q, want_dry ? "config_dry_run" : "config_reload", NULL, json, &f, a);
}

int api_regulatory_get(void *ctx, const struct control_request *q, struct control_answer *a)
{
	(void)q;
	return api_json(a, report_regulatory(ctx));
}

static int regulatory_set(struct sipseald *d, bool want, struct fault *f)
{
	const struct generation_change c = { .regulatory = want };

	return daemon_is_regulatory(d) == want ? 0 : generation_change(d, &c, f, NULL);
}

int api_regulatory_patch(void *ctx, const struct control_request *q, struct control_answer *a)
{
	static const char *const keys[] = { "enabled", NULL };
	struct sipseald *d = ctx;
	struct fault f = { 0 };
	bool want = false;
	int r = api_keys(q->body, keys, &f);

	if (r == 0)
		r = api_bool(q->body, "enabled", &want, &f);
	if (r == 0)
		r = fault_set(&f, "invalid", "enabled is missing, allowed: {\"enabled\": true or false}");
	if (r > 0)
		r = regulatory_set(d, want, &f);
	return api_changed(d, q, want ? "regulatory_on" : "regulatory_off", NULL, r == 0 ? report_regulatory(d) : NULL,
			   &f, a);
}

int api_dialplan_post(void *ctx, const struct control_request *q, struct control_answer *a)
{
	struct sipseald *d = ctx;
	struct fault f = { 0 };
	json_t *json = NULL;

	if (!q->body)
		fault_set(&f, "invalid", "no body, allowed: a JSON object");
	else
		dialplan_execute(d->dialplan, q->body, &json, &f);
	return api_changed(d, q, "dialplan", NULL, json, &f, a);
}

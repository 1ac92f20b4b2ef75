/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/api.h"

#include <errno.h>
#include <microhttpd.h>
#include <string.h>

#include "daemon/report.h"

static int json_answer(struct control_answer *a, json_t *json)
{
	a->json = json;
	return json ? 0 : -ENOMEM;
}

static int get_status(void *ctx, const char *tail, struct control_answer *a)
{
	(void)tail;
	return json_answer(a, report_status(ctx));
}

static int get_stats(void *ctx, const char *tail, struct control_answer *a)
{
	(void)tail;
	return json_answer(a, report_stats(ctx));
}

static int get_trunks(void *ctx, const char *tail, struct control_answer *a)
{
	(void)tail;
	return json_answer(a, report_trunks(ctx));
}

static int get_trunk(void *ctx, const char *name, struct control_answer *a)
{
	const struct sipseald *d = ctx;

	for (size_t i = 0; i < d->assembled->trunk_cnt; i++)
		if (!strcmp(d->assembled->trunks[i].trunk->name, name))
			return json_answer(a, report_trunk(d, i));
	/* the name is the client's: not repeated, it might be anything */
	return control_error(a, MHD_HTTP_NOT_FOUND, "no_such_trunk",
			     "there is no trunk of that name");
}

static int get_metrics(void *ctx, const char *tail, struct control_answer *a)
{
	(void)tail;
	a->text = report_metrics(ctx);
	return a->text ? 0 : -ENOMEM;
}

const struct control_route api_routes[] = {
	{ .path = "/v1/status", .get = get_status },
	{ .path = "/v1/stats", .get = get_stats },
	{ .path = "/v1/trunks", .get = get_trunks },
	{ .path = "/v1/trunks/", .is_prefix = true, .get = get_trunk },
	{ .path = "/metrics", .is_metrics = true, .get = get_metrics },
	{ .path = NULL },
};

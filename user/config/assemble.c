// SPDX-License-Identifier: BSD-2-Clause
#include "config/assemble.h"

#include <errno.h>
#include <string.h>

#include "config/credentials.h"
#include "location/pidf.h"

void assembled_free(struct assembled *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->credential_cnt; i++)
		assembled_credential_done(&a->credentials[i]);
	free(a->credentials);
	free(a->compiled_credentials);
	free(a->trunks);
	for (size_t i = 0; a->locations && i < a->trunk_cnt; i++)
		free(a->locations[i]);
	free(a->locations);
	match_tables_done(&a->match);
	free(a);
}

static struct assembled *assembled_new(const struct gateway *g)
{
	CLEANUP(assembled_freep) struct assembled *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->trunks = calloc(g->trunk_cnt + 1, sizeof(*a->trunks));
	a->locations = calloc(g->trunk_cnt + 1, sizeof(*a->locations));
	if (!a->trunks || !a->locations)
		return NULL;
	a->trunk_cnt = g->trunk_cnt;
	for (size_t i = 0; i < g->trunk_cnt; i++)
		a->trunks[i] = (struct compile_trunk){ g->trunks[i], (uint32_t)i, POLICY_CREDENTIAL_NONE,
						       NULL };
	return TAKE(a);
}

static int same_location(const struct trunk *x, const struct trunk *y)
{
	int r = memcmp(&x->civic, &y->civic, sizeof(x->civic));

	return r ? r : (int)x->geo_pidf - (int)y->geo_pidf;
}

static int by_location(const void *a, const void *b)
{
	const struct compile_trunk *x = *(struct compile_trunk *const *)a;
	const struct compile_trunk *y = *(struct compile_trunk *const *)b;
	int r = same_location(x->trunk, y->trunk);

	return r ? r : x->slot < y->slot ? -1 : x->slot > y->slot;
}

int assemble_location(const struct trunk *t, struct pidf_template **ret, struct config_report *report)
{
	enum pidf_form form = t->geo_pidf == GEO_PIDF_LEGACY ? PIDF_LEGACY : PIDF_RFC;
	CLEANUP(freep) struct pidf_template *p = calloc(1, sizeof(*p));
	int r = 0;

	if (p && t->has_geolocation)
		r = pidf_render(&t->civic, form, p);
	if (!p || r == -ENOMEM)
		return -ENOMEM;
	*ret = NULL;
	if (r < 0)
		config_report_add(report, true, &t->pos, "extras.geolocation.default_civic_address",
				  r == -E2BIG ? "is too long for a PIDF-LO of %d bytes" :
						"cannot be carried by XML (PIDF-LO of at most %d bytes)",
				  PIDF_TEMPLATE_MAX);
	else if (t->has_geolocation)
		*ret = TAKE(p);
	return 0;
}

/* Each different address is rendered once; trunks share the template. */
static int add_locations(struct assembled *a, struct config_report *report)
{
	CLEANUP(freep) struct compile_trunk **order = calloc(a->trunk_cnt + 1, sizeof(*order));
	size_t cnt = 0, made = 0;
	int r = 0;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < a->trunk_cnt; i++) {
		if (a->trunks[i].trunk->has_geolocation)
			order[cnt++] = &a->trunks[i];
	}
	qsort(order, cnt, sizeof(*order), by_location);
	for (size_t i = 0; i < cnt && r == 0; i++) {
		if (i == 0 || same_location(order[i - 1]->trunk, order[i]->trunk))
			r = assemble_location(order[i]->trunk, &a->locations[made++], report);
		order[i]->location = a->locations[made - 1];
	}
	return r;
}

static int add_match(const struct gateway *g, struct assembled *a, struct config_report *report)
{
	struct compile_input in = { .gateway = g, .trunks = a->trunks, .trunk_cnt = a->trunk_cnt,
				    .generation = 1 };
	size_t x = 0, y = 0;
	int r = match_tables_compile(&in, &a->match, &x, &y);

	if (r == -ENOMEM)
		return r;
	if (r == -EEXIST) /* a gateway that config_load() has not seen */
		config_report_add(report, true, &g->trunks[y]->pos, "carrier.peers",
				  "trunk %s shares a carrier peer and core prefix with trunk %s, "
				  "allowed: different core.peers", g->trunks[y]->name, g->trunks[x]->name);
	else if (r < 0)
		config_report_add(report, true, NULL, "trunks", "cannot be compiled: %s", strerror(-r));
	return 0;
}

int assemble(const struct gateway *g, const struct assemble_opts *opts, struct assembled **ret,
	     struct config_report *report)
{
	CLEANUP(assembled_freep) struct assembled *a = assembled_new(g);
	size_t errors = report->error_cnt;
	int r;

	if (!a)
		return -ENOMEM;
	if ((r = credentials_assemble(g, opts, a, report)) < 0 || (r = inbound_assemble(g, opts, report)) < 0 ||
	    (r = add_locations(a, report)) < 0 || (r = add_match(g, a, report)) < 0)
		return r;
	if (report->error_cnt != errors)
		return -EINVAL;
	*ret = TAKE(a);
	return 0;
}

ssize_t assembled_compile(const struct gateway *g, const struct assembled *a, uint64_t generation,
			  struct policy_copy *dst, size_t cap)
{
	struct compile_input in = { .gateway = g, .trunks = a->trunks, .trunk_cnt = a->trunk_cnt,
				    .credentials = a->compiled_credentials,
				    .credential_cnt = a->credential_cnt, .generation = generation };

	return policy_compile(&in, dst, cap);
}

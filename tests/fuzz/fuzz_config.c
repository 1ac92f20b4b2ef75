// SPDX-License-Identifier: BSD-2-Clause
/*
 * A configuration text.  Invariants: it is refused exactly when the report has an error; every message is
 * printable; what is taken compiles into a policy and into match tables, and reads back; all of it can be
 * rendered; its trunks outlive it.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/render.h"
#include "trunk/compile.h"

static void check_messages(const struct config_report *r)
{
	for (size_t i = 0; i < r->cnt; i++) {
		CLEANUP(freep) char *line = config_message_format(&r->m[i]);

		assert(line && *line);
		for (const char *p = line; *p; p++)
			assert(*p >= 0x20 && *p <= 0x7e);
	}
}

static void check_match(const struct compile_input *in)
{
	struct match_tables t;
	size_t a = 0, b = 0;

	assert(match_tables_compile(in, &t, &a, &b) == 0); /* config_load has refused overlaps */
	for (size_t i = 0; i < in->trunk_cnt; i++) {
		const struct peer *p = &in->trunks[i].trunk->carrier_peers[0];
		static const uint8_t core[16];

		assert(match_lookup(&t, p->addr, 0, core) != -ENOENT);
	}
	match_tables_done(&t);
}

static void check_policy(const struct compile_input *in)
{
	ssize_t len = policy_compile(in, NULL, 0);
	struct policy_copy *c;

	assert(len > 0);
	c = malloc((size_t)len);
	assert(c && policy_compile(in, c, (size_t)len) == len);
	for (uint32_t i = 0; i < in->trunk_cnt; i++) {
		const struct policy_trunk *t = policy_trunk_get(c, i);
		struct slice name;

		assert(t);
		name = policy_text(c, t->name);
		assert(name.len == strlen(in->trunks[i].trunk->name));
		policy_number_inside(c, t, SLICE("12155550112"));
	}
	free(c);
}

static void check_gateway(const struct gateway *g)
{
	struct compile_trunk *ct = calloc(g->trunk_cnt + 1, sizeof(*ct));
	struct compile_input in = { .gateway = g, .trunks = ct, .trunk_cnt = g->trunk_cnt, .generation = 1 };

	assert(ct && g->interface_cnt >= 2 && g->sip_port_cnt >= 1);
	for (size_t i = 0; i < g->trunk_cnt; i++)
		ct[i] = (struct compile_trunk){ g->trunks[i], (uint32_t)i, POLICY_CREDENTIAL_NONE, NULL };
	check_match(&in);
	check_policy(&in);
	free(ct);
}

static void check_rendered(const struct gateway *g)
{
	json_t *j = render_gateway(g);

	assert(j);
	json_decref(j);
}

/* Whatever a trunk points to is its own. */
static void close_and_check(struct config *c)
{
	size_t cnt = 0;
	struct trunk **t = config_trunks_take(c, &cnt);

	config_close(c);
	for (size_t i = 0; i < cnt; i++) {
		json_t *j = render_trunk(t[i]);

		assert(j && t[i]->pos.file == t[i]->file && strlen(t[i]->file));
		for (size_t k = 0; k < t[i]->carrier_cnt; k++)
			assert(strlen(t[i]->carrier_peers[k].pos.file));
		json_decref(j);
		trunk_free(t[i]);
	}
	free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_report r = { 0 };
	struct config *c = NULL;
	int e = config_open_buffer("fuzz.yaml", (const char *)data, size, &c, &r);

	assert(e == 0 || e == -EINVAL);
	assert((e == 0) == (r.error_cnt == 0) && (e == 0) == (c != NULL));
	check_messages(&r);
	if (c) {
		assert(*config_trunks_dir(c) == '/');
		check_gateway(config_gateway(c));
		check_rendered(config_gateway(c));
		close_and_check(c);
	}
	config_report_done(&r);
	return 0;
}

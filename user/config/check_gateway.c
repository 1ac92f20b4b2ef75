// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "config/check.h"
#include "trunk/compile.h"

/* Overlaps that are shown; each costs one compilation of the match tables. */
#define OVERLAPS_MAX 16

/* NICs by side: of the core, of the carrier, of both. */
struct sides {
	unsigned core, carrier, both;
};

static struct sides count_sides(const struct gateway *g)
{
	struct sides s = { 0 };

	for (unsigned i = 0; i < g->interface_cnt; i++) {
		s.core += g->interfaces[i].side == SIPSEAL_SIDE_CORE;
		s.carrier += g->interfaces[i].side == SIPSEAL_SIDE_CARRIER;
		s.both += g->interfaces[i].side == SIPSEAL_SIDE_BOTH;
	}
	return s;
}

/* One NIC of both sides tells carrier from core by next hops, which are of one NIC; beside others nobody could say
 * what theirs are. */
static void check_routed(struct load *l, const struct node *list, const struct sides *s)
{
	if (s->both && l->g->interface_cnt > 1)
		load_error(l, list, "has a NIC of side both and %u more, needed: one of each side, or one of side both alone",
			   l->g->interface_cnt - 1);
	else if (!s->both && !(s->core && s->carrier))
		load_error(l, list, "has no NIC of side %s, needed: one of each side, or one of side both",
			   s->core ? "carrier" : "core");
}

static void check_mode(struct load *l, const struct node *list)
{
	const struct sides s = count_sides(l->g);

	switch (l->g->mode) {
	case GATEWAY_ROUTED:
		check_routed(l, list, &s);
		break;
	case GATEWAY_WIRE:
		if (s.core != 1 || s.carrier != 1 || s.both)
			load_error(l, list, "does not suit mode wire, needed: exactly one NIC of side core and one of side carrier");
		break;
	case GATEWAY_HOST:
		if (s.carrier != 1 || l->g->interface_cnt != 1)
			load_error(l, list, "does not suit mode host, needed: exactly one NIC, of side carrier (the core is "
				   "this machine itself)");
		break;
	}
}

static const char *needed_interfaces(enum gateway_mode mode)
{
	if (mode == GATEWAY_HOST)
		return "one NIC of side carrier";
	return "one NIC of side core and one of side carrier";
}

static void check_interfaces(struct load *l, const struct node *root)
{
	const struct node *gw = node_find(root, "gateway"), *list = node_find(gw, "interfaces");
	const struct gateway *g = l->g;
	size_t len = load_push(l, "gateway.interfaces");

	if (!list)
		load_error(l, gw ? gw : root, "is missing, needed: %s", needed_interfaces(g->mode));
	else if (list->kind == NODE_SEQUENCE && list->cnt && list->cnt == g->interface_cnt)
		check_mode(l, list); /* else something was refused already */
	load_pop(l, len);
}

/* What goes to the kernel of a bump in the wire has no way out of it. */
static void check_fast_path(struct load *l, const struct node *root)
{
	const struct node *n = node_find(node_find(root, "gateway"), "fast_path");
	size_t len = load_push(l, "gateway.fast_path");

	if (n && l->g->mode == GATEWAY_WIRE && l->g->fast_path == FAST_PATH_KERNEL)
		load_error(l, n, "kernel does not suit mode wire, where all leaves by the other NIC; allowed: auto, forward");
	load_pop(l, len);
}

/* Port of the URL is none, 443 or 8443 (ATIS-1000074). */
static bool has_usual_port(const char *x5u)
{
	const char *host = strstr(x5u, "://") + 3, *end = host + strcspn(host, "/"), *colon = end;

	while (colon > host && *colon != ':' && *colon != ']')
		colon--;
	if (*colon != ':')
		return true;
	return (end - colon == 4 && memcmp(colon, ":443", 4) == 0) ||
	       (end - colon == 5 && memcmp(colon, ":8443", 5) == 0);
}

void check_x5u(struct load *l, const struct node *certificates)
{
	const struct node *n = node_find(certificates, "x5u");
	size_t len = load_push(l, "%scertificates.x5u", *l->path ? "." : "");

	if (n && n->kind == NODE_SCALAR && strstr(n->text, "://")) {
		if (strncasecmp(n->text, "http:", 5) == 0)
			load_warning(l, n, "http is for labs only, verifiers fetch https");
		else if (!has_usual_port(n->text))
			load_warning(l, n, "verifiers fetch from the ports 443 and 8443 only");
	}
	load_pop(l, len);
}

const char *check_cert(const struct cert_config *c, const struct node *certificates)
{
	const struct { const char *key, *value; } all[] = {
		{ "cert_path", c->cert_path }, { "key_path", c->key_path }, { "x5u", c->x5u },
	};
	const char *missing = NULL;
	unsigned given = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		const struct node *n = node_find(certificates, all[i].key);

		if (all[i].value || (n && (n->kind != NODE_SCALAR || *n->text)))
			given++;
		else if (!missing)
			missing = all[i].key;
	}
	return given ? missing : NULL;
}

static void check_certificates(struct load *l, const struct node *root)
{
	const struct node *n = node_find(root, "certificates");
	const struct cert_config *c = &l->g->cert;
	const char *missing = check_cert(c, n);
	size_t len;

	check_x5u(l, n);
	len = load_push(l, "certificates");
	if (missing)
		load_error(l, n, "%s is missing, needed: cert_path, key_path and x5u together", missing);
	load_pop(l, len);
	l->is_cert_broken = !(c->cert_path && c->key_path && c->x5u) &&
			    (missing || node_find(n, "cert_path"));
}

void check_gateway(struct load *l, const struct node *root)
{
	const struct node *n;
	size_t len;

	check_interfaces(l, root);
	check_fast_path(l, root);
	check_certificates(l, root);
	check_fetch(l, root);
	n = node_find(node_find(root, "gateway"), "on_signer_failure");
	len = load_push(l, "gateway.on_signer_failure");
	if (l->g->on_signer_failure == SIPSEAL_PASS)
		load_warning(l, n, "pass: calls leave unsigned while the signer is down");
	load_pop(l, len);
	n = node_find(node_find(root, "regulatory"), "enabled");
	len = load_push(l, "regulatory.enabled");
	if (!l->g->regulatory_enabled)
		load_warning(l, n, "false: nothing is signed or added");
	load_pop(l, len);
}

struct named {
	const struct trunk *t;
	size_t index;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int r = strcmp(x->t->name, y->t->name);

	return r ? r : x->index < y->index ? -1 : x->index > y->index;
}

/* A second one of a name counts as broken from then on: that its peers are the first one's, too, is no news. */
static void check_names(struct load *l, struct named *all, bool *is_broken)
{
	size_t cnt = l->g->trunk_cnt, first = 0;

	for (size_t i = 0; i < cnt; i++)
		all[i] = (struct named){ l->g->trunks[i], i };
	qsort(all, cnt, sizeof(*all), by_name);
	for (size_t i = 1; i < cnt; i++) {
		const struct trunk *a = all[first].t, *b = all[i].t;

		if (!*b->name || strcmp(a->name, b->name)) {
			first = i;
			continue;
		}
		config_report_add(l->report, true, &b->pos, "name",
				  "trunk %s stands twice, first at %s:%u:%u; allowed: once", b->name,
				  a->pos.file, a->pos.line, a->pos.col);
		is_broken[all[i].index] = true;
	}
}

static void check_overlaps(struct load *l, struct compile_input *in, struct compile_trunk *ct)
{
	for (unsigned shown = 0; shown < OVERLAPS_MAX; shown++) {
		struct match_tables tables;
		size_t a = 0, b = 0;
		int r = match_tables_compile(in, &tables, &a, &b);

		if (r == 0)
			match_tables_done(&tables);
		if (r == -E2BIG)
			config_report_add(l->report, true, NULL, "trunks", "core.peers of trunks with shared "
					  "carrier peers are too many, allowed: 10000000 in all");
		l->is_out_of_memory |= r == -ENOMEM;
		if (r != -EEXIST)
			return;
		const struct trunk *x = ct[a].trunk, *y = ct[b].trunk;

		config_report_add(l->report, true, &y->pos, "carrier.peers",
				  "trunk %s shares a carrier peer and core prefix with trunk %s at %s:%u:%u, "
				  "allowed: different core.peers", y->name, x->name, x->pos.file,
				  x->pos.line, x->pos.col);
		memmove(&ct[b], &ct[b + 1], (in->trunk_cnt - b - 1) * sizeof(*ct));
		in->trunk_cnt--;
	}
}

void check_trunks(struct load *l, bool *is_broken)
{
	size_t cnt = l->g->trunk_cnt;
	CLEANUP(freep) struct named *names = calloc(cnt + 1, sizeof(*names));
	CLEANUP(freep) struct compile_trunk *ct = calloc(cnt + 1, sizeof(*ct));
	struct compile_input in = { .gateway = l->g, .trunks = ct, .generation = 1 };

	if (!names || !ct) {
		l->is_out_of_memory = true;
		return;
	}
	check_names(l, names, is_broken);
	for (size_t i = 0; i < cnt; i++) {
		if (!is_broken[i])
			ct[in.trunk_cnt++] = (struct compile_trunk){ l->g->trunks[i], (uint32_t)i,
								     POLICY_CREDENTIAL_NONE, NULL };
	}
	check_overlaps(l, &in, ct);
	if (!cnt)
		config_report_add(l->report, false, &(struct model_pos){ l->file, 0, 0 }, "trunks",
				  "there are none: no call is signed");
}

// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "config/check.h"
#include "config/text.h"
#include "stir/fetcher_msg.h"

static size_t push(struct load *l, const char *key)
{
	return load_push(l, "%s%s", *l->path ? "." : "", key);
}

/* Where it is not given it goes with the trust anchors; where it is inherited its fault was told in `defaults`. */
static void check_enabled(struct load *l, struct trunk_verification *v, const struct node *n)
{
	size_t len = push(l, "verification.enabled");

	v->is_given |= n != NULL;
	if (!v->is_given)
		v->is_enabled = l->has_anchors;
	else if (n && v->is_enabled && !l->has_anchors)
		load_error(l, n, "true needs certificates.trust_anchors, which is not given");
	load_pop(l, len);
}

void check_verification(struct load *l, struct trunk *t, const struct node *map)
{
	const struct node *own = node_find(map, "verification");
	struct trunk_verification *v = &t->verification;
	size_t len;

	check_enabled(l, v, node_find(own, "enabled"));
	len = push(l, "verification.verstat");
	if ((node_find(own, "verstat") || node_find(own, "trust_pai")) && v->verstat == VERSTAT_PAI && !v->trust_pai)
		load_warning(l, own, "pai: with trust_pai false no P-Asserted-Identity is kept that could carry it");
	load_pop(l, len);
}

void check_unverified(struct load *l, const struct node *root)
{
	const struct node *n = node_find(root, "certificates");
	const struct gateway *g = l->g;
	const char *first = NULL;
	size_t cnt = 0, len;

	for (size_t i = 0; i < g->trunk_cnt && !l->has_anchors; i++) {
		if (g->trunks[i]->verification.is_given)
			continue;
		first = first ? first : g->trunks[i]->name;
		cnt++;
	}
	len = push(l, "certificates.trust_anchors");
	if (cnt)
		load_warning(l, n, "is not given: inbound calls of %zu trunk%s are not verified (%s%s); where that is "
			     "meant: verification: { enabled: false }", cnt, cnt == 1 ? "" : "s", first,
			     cnt == 1 ? "" : ", ...");
	load_pop(l, len);
}

static void check_crl(struct load *l, const struct node *certificates)
{
	const struct node *crl = node_find(certificates, "crl"), *url = node_find(crl, "url"),
			  *path = node_find(crl, "path"), *policy = node_find(crl, "policy");
	const struct gateway *g = l->g;
	bool is_given = (url && (url->kind != NODE_SCALAR || *url->text)) ||
			(path && (path->kind != NODE_SCALAR || *path->text));
	size_t len = push(l, "certificates.crl.policy");
	const char *wrong;

	if (g->crl_policy == CRL_MODE_HARD && !is_given)
		load_error(l, policy, "hard needs a list, needed: certificates.crl.path or certificates.crl.url");
	load_pop(l, len);
	wrong = g->crl_url && !g->allow_private_addresses ? text_https_public(g->crl_url) : NULL;
	len = push(l, "certificates.crl.url");
	if (wrong)
		load_error(l, url, QUOTE_FMT " %s, allowed: a DNS name and the ports 443 and 8443 (others with "
			   "fetch.allow_private_addresses)", g->crl_url, wrong);
	load_pop(l, len);
}

/* The message to the process that fetches has room for so much. */
static void check_https_ca(struct load *l, const struct node *fetch)
{
	const char *path = l->g->https_ca;
	size_t len = push(l, "fetch.https_ca");

	if (path && strlen(path) >= FETCHER_PATH_MAX)
		load_error(l, node_find(fetch, "https_ca"), QUOTE_FMT " is too long, allowed: %d bytes, "
			   "certificates.root included", path, FETCHER_PATH_MAX - 1);
	load_pop(l, len);
}

void check_fetch(struct load *l, const struct node *root)
{
	const struct node *certificates = node_find(root, "certificates"),
			  *n = node_find(node_find(root, "fetch"), "allow_private_addresses"),
			  *anchors = node_find(certificates, "trust_anchors");
	size_t len = push(l, "fetch.allow_private_addresses");

	if (l->g->allow_private_addresses)
		load_warning(l, n, "true is for labs only: strangers can make the gateway send requests into its own "
			     "network");
	load_pop(l, len);
	check_crl(l, certificates);
	check_https_ca(l, node_find(root, "fetch"));
	l->g->anchors_pos = load_pos(l, anchors);
	l->g->crl_pos = load_pos(l, node_find(node_find(certificates, "crl"), "path"));
	l->g->https_ca_pos = load_pos(l, node_find(node_find(root, "fetch"), "https_ca"));
	/* a value that was refused counts as given: one fault, one message */
	l->has_anchors = l->g->trust_anchors ||
			 (anchors && (anchors->kind != NODE_SCALAR || *anchors->text));
}

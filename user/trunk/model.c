// SPDX-License-Identifier: BSD-2-Clause
#include "trunk/model.h"

#include <string.h>

/* Strings of the defaults; gateway_new() fails as a whole where memory ends in the middle. */
static bool set_strings(struct gateway *g)
{
	g->bpffs = strdup("/run/sipseal/bpf");
	g->control_socket = strdup("/run/sipseal/control.sock");
	g->metrics = strdup("127.0.0.1:9497");
	g->cert_root = strdup("/etc/sipseal/sti");
	return g->bpffs && g->control_socket && g->metrics && g->cert_root;
}

struct gateway *gateway_new(void)
{
	static const char *const emergency[] = { "911", "112", "933" };
	CLEANUP(gateway_freep) struct gateway *g = calloc(1, sizeof(*g));

	if (!g || !set_strings(g))
		return NULL;
	g->mode = GATEWAY_ROUTED;
	g->xdp_mode = XDP_MODE_AUTO;
	g->fast_path = FAST_PATH_AUTO;
	g->on_signer_failure = SIPSEAL_DROP;
	g->unmatched_invite = SIPSEAL_PASS;
	g->other_transports = SIPSEAL_PASS;
	g->heartbeat_ms = 500;
	g->sip_ports[0] = 5060;
	g->sip_port_cnt = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(emergency); i++)
		strcpy(g->emergency[i], emergency[i]);
	g->emergency_cnt = ARRAY_SIZE(emergency);
	g->umem_frames = 4096;
	g->idle = IDLE_POLL;
	g->regulatory_enabled = true;
	g->profile = PROFILE_SHAKEN;
	return TAKE(g);
}

static void cert_config_done(struct cert_config *c)
{
	free(c->cert_path);
	free(c->key_path);
	free(c->x5u);
}

void gateway_free(struct gateway *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->trunk_cnt; i++)
		trunk_free(g->trunks[i]);
	free(g->trunks);
	for (size_t i = 0; i < g->file_cnt; i++)
		free(g->files[i]);
	free(g->files);
	free(g->bpffs);
	free(g->control_socket);
	free(g->metrics);
	free(g->cert_root);
	cert_config_done(&g->cert);
	free(g);
}

struct trunk *trunk_new(void)
{
	struct trunk *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->mode = TRUNK_ENFORCE;
	t->attestation = ATTEST_NONE;
	t->attestation_other = ATTEST_B;
	t->on_unsignable = UNSIGNABLE_PASS;
	t->existing_identity = EXISTING_CHECK;
	t->origid_mode = ORIGID_TRUNK;
	t->orig_from[0] = SOURCE_PAI;
	t->orig_from[1] = SOURCE_FROM;
	t->dest_from[0] = SOURCE_TO;
	t->dest_from[1] = SOURCE_REQUEST_URI;
	t->pai_mode = PAI_SET;
	t->pai_restricted = RESTRICTED_REMOVE;
	t->add_privacy_none = true;
	t->privacy = PRIVACY_AUTO;
	t->freshness_s = 60;
	t->geo_attach = GEO_ALWAYS;
	t->geo_existing = GEO_KEEP;
	t->geo_routing = GEO_ROUTING_EMERGENCY;
	t->geo_pidf = GEO_PIDF_RFC;
	return t;
}

void trunk_free(struct trunk *t)
{
	if (!t)
		return;
	free(t->carrier_peers);
	free(t->core_peers);
	cert_config_done(&t->cert);
	free(t->numbers);
	free(t->origid);
	free(t->country_code);
	for (size_t i = 0; i < t->rule_cnt; i++) {
		free(t->rules[i].prefix);
		free(t->rules[i].replace);
	}
	free(t->rules);
	free(t->pai_domain);
	free(t->pai_default_number);
	free(t);
}

const struct trunk *gateway_trunk(const struct gateway *g, const char *name)
{
	for (size_t i = 0; i < g->trunk_cnt; i++) {
		if (strcmp(g->trunks[i]->name, name) == 0)
			return g->trunks[i];
	}
	return NULL;
}

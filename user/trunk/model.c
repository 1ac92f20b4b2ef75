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
	g->cache_dir = strdup("/var/cache/sipseal");
	return g->bpffs && g->control_socket && g->metrics && g->cert_root && g->cache_dir;
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
	g->withhold_options = true;
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
	g->crl_policy = CRL_MODE_SOFT;
	g->fetch_timeout_ms = 2000;
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
	free(g->file);
	free(g->bpffs);
	free(g->control_socket);
	free(g->metrics);
	free(g->events_file);
	free(g->cert_root);
	cert_config_done(&g->cert);
	free(g->trust_anchors);
	free(g->crl_path);
	free(g->crl_url);
	free(g->https_ca);
	free(g->cache_dir);
	free(g);
}

/* Off until somebody has seen whether there are trust anchors: config/check_verification.c. */
static bool set_verification(struct trunk_verification *v)
{
	v->on_failure = VERIFY_TAG;
	v->on_missing = VERIFY_TAG;
	v->verstat = VERSTAT_OFF;
	v->carrier_verstat = VERSTAT_KEEP;
	v->trust_pai = true;
	v->replay = REPLAY_FAIL;
	v->wait_ms = VERIFY_WAIT_MS;
	v->result_header = strdup(VERIFY_HEADER);
	return v->result_header;
}

struct trunk *trunk_new(void)
{
	CLEANUP(trunk_freep) struct trunk *t = calloc(1, sizeof(*t));

	if (!t || !set_verification(&t->verification))
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
	return TAKE(t);
}

/* Copies that cannot be told from NULL without memory: *is_ok says. */
static char *copy_text(const char *s, bool *is_ok)
{
	char *copy = s ? strdup(s) : NULL;

	*is_ok &= !s || copy;
	return copy;
}

static void *copy_array(const void *array, size_t cnt, size_t size, bool *is_ok)
{
	size_t room = 1;
	void *copy;

	if (!cnt)
		return NULL;
	while (room < cnt) /* a power of two, as all arrays that grow one by one */
		room *= 2;
	copy = calloc(room, size);
	if (copy)
		memcpy(copy, array, cnt * size);
	*is_ok &= copy != NULL;
	return copy;
}

static struct number_rule *copy_rules(const struct trunk *base, bool *is_ok)
{
	struct number_rule *r = copy_array(base->rules, base->rule_cnt, sizeof(*r), is_ok);

	for (size_t i = 0; r && i < base->rule_cnt; i++) {
		r[i].prefix = copy_text(base->rules[i].prefix, is_ok);
		r[i].replace = copy_text(base->rules[i].replace, is_ok);
	}
	return r;
}

static struct peer *copy_peers(const struct peer *peers, size_t cnt, const char *file, bool *is_ok)
{
	struct peer *p = copy_array(peers, cnt, sizeof(*p), is_ok);

	for (size_t i = 0; p && i < cnt; i++)
		p[i].pos.file = file;
	return p;
}

/* The strings alone: everything else is copied with the struct. */
static void copy_verification(struct trunk_verification *v, const struct trunk_verification *base, bool *is_ok)
{
	v->result_header = copy_text(base->result_header, is_ok);
	for (unsigned i = 0; i < LABEL_CNT; i++)
		v->label[i] = copy_text(base->label[i], is_ok);
}

struct trunk *trunk_inherit(const struct trunk *base, bool want_numbers)
{
	CLEANUP(trunk_freep) struct trunk *t = malloc(sizeof(*t));
	bool is_ok = true;

	if (!t)
		return NULL;
	*t = *base; /* from here on every pointer is replaced before anything can fail */
	*t->name = '\0';
	memset(t->digest, 0, sizeof(t->digest));
	t->file = NULL;
	t->pos = (struct model_pos){ NULL, 0, 0 };
	t->defaults_file = copy_text(base->file, &is_ok);
	t->carrier_peers = copy_peers(base->carrier_peers, base->carrier_cnt, t->defaults_file, &is_ok);
	t->core_peers = copy_peers(base->core_peers, base->core_cnt, t->defaults_file, &is_ok);
	t->cert = (struct cert_config){ copy_text(base->cert.cert_path, &is_ok),
					copy_text(base->cert.key_path, &is_ok),
					copy_text(base->cert.x5u, &is_ok), base->cert.pos };
	t->cert.pos.file = t->cert.pos.file ? t->defaults_file : NULL;
	t->number_cnt = want_numbers ? base->number_cnt : 0;
	t->has_numbers = want_numbers && base->has_numbers;
	t->numbers = copy_array(base->numbers, t->number_cnt, sizeof(*t->numbers), &is_ok);
	t->numbers_file = want_numbers ? copy_text(base->numbers_file, &is_ok) : NULL;
	t->origid = copy_text(base->origid, &is_ok);
	t->country_code = copy_text(base->country_code, &is_ok);
	t->rules = copy_rules(base, &is_ok);
	t->rule_cnt = t->rules ? base->rule_cnt : 0;
	t->pai_domain = copy_text(base->pai_domain, &is_ok);
	t->pai_default_number = copy_text(base->pai_default_number, &is_ok);
	copy_verification(&t->verification, &base->verification, &is_ok);
	return is_ok ? TAKE(t) : NULL;
}

void trunk_free(struct trunk *t)
{
	if (!t)
		return;
	free(t->file);
	free(t->defaults_file);
	free(t->carrier_peers);
	free(t->core_peers);
	cert_config_done(&t->cert);
	free(t->numbers);
	free(t->numbers_file);
	free(t->origid);
	free(t->country_code);
	for (size_t i = 0; i < t->rule_cnt; i++) {
		free(t->rules[i].prefix);
		free(t->rules[i].replace);
	}
	free(t->rules);
	free(t->pai_domain);
	free(t->pai_default_number);
	free(t->verification.result_header);
	for (unsigned i = 0; i < LABEL_CNT; i++)
		free(t->verification.label[i]);
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

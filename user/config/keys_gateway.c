// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "config/keys.h"
#include "config/text.h"
#include "stir/passport.h"

#define AT(member) SCHEMA_MEMBER(struct gateway, member)
#define WORD(key, member, list) { .name = key, .type = SCHEMA_WORD, AT(member), .words = list }

static const struct schema_word mode_words[] = {
	{ "routed", GATEWAY_ROUTED }, { "wire", GATEWAY_WIRE },
	{ "host", GATEWAY_HOST }, { NULL, 0 },
};

static const struct schema_word side_words[] = {
	{ "core", SIPSEAL_SIDE_CORE }, { "carrier", SIPSEAL_SIDE_CARRIER },
	{ "both", SIPSEAL_SIDE_BOTH }, { NULL, 0 },
};

static const struct schema_word xdp_words[] = {
	{ "auto", XDP_MODE_AUTO }, { "native", XDP_MODE_NATIVE },
	{ "generic", XDP_MODE_GENERIC }, { NULL, 0 },
};

static const struct schema_word fast_path_words[] = {
	{ "auto", FAST_PATH_AUTO }, { "forward", FAST_PATH_FORWARD },
	{ "kernel", FAST_PATH_KERNEL }, { NULL, 0 },
};

static const struct schema_word pass_words[] = {
	{ "pass", SIPSEAL_PASS }, { "drop", SIPSEAL_DROP }, { NULL, 0 },
};

static const struct schema_word idle_words[] = {
	{ "poll", IDLE_POLL }, { "spin", IDLE_SPIN }, { NULL, 0 },
};

static const struct schema_word profile_words[] = {
	{ "shaken", PROFILE_SHAKEN }, { "stir", PROFILE_STIR }, { NULL, 0 },
};

static const struct schema_word crl_words[] = {
	{ "soft", CRL_MODE_SOFT }, { "hard", CRL_MODE_HARD }, { NULL, 0 },
};

/* A NIC while it is read: the schema stores strings as pointers. */
struct interface_value {
	char *name;
	uint8_t side;
};

static const struct schema_key interface_keys[] = {
	{ .name = "name", .type = SCHEMA_STRING, SCHEMA_MEMBER(struct interface_value, name), .min = 1,
	  .max = 15, .check = text_ifname, .allowed = "the name of a NIC, 1 to 15 characters" },
	{ .name = "side", .type = SCHEMA_WORD, SCHEMA_MEMBER(struct interface_value, side),
	  .words = side_words },
	{ .name = NULL },
};

static void begin_interfaces(struct load *l, const struct node *n, void *target)
{
	(void)n;
	(void)target;
	l->g->interface_cnt = 0;
}

static void add_interface(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	struct interface *i = &l->g->interfaces[l->g->interface_cnt];
	struct interface_value v = { 0 };
	size_t errors = l->report->error_cnt;

	(void)k;
	(void)target;
	if (n->kind != NODE_MAPPING) {
		load_error(l, n, "is no mapping, allowed: { name: NIC, side: core, carrier or both }");
		return;
	}
	schema_apply(l, interface_keys, n, &v);
	if (l->report->error_cnt == errors && (!v.name || !v.side))
		load_error(l, n, "has no %s, needed: name and side", v.name ? "side" : "name");
	for (unsigned j = 0; v.name && j < l->g->interface_cnt; j++) {
		if (strcmp(l->g->interfaces[j].name, v.name) == 0)
			load_error(l, n, "%s stands twice%s; allowed: once", v.name,
				   load_at(", first at ", l->g->interfaces[j].pos.line,
						 l->g->interfaces[j].pos.col).text);
	}
	if (l->report->error_cnt == errors) {
		*i = (struct interface){ .side = v.side, .pos = load_pos(l, n) };
		strcpy(i->name, v.name);
		l->g->interface_cnt++;
	}
	free(v.name);
}

static void begin_sip_ports(struct load *l, const struct node *n, void *target)
{
	(void)n;
	(void)target;
	l->g->sip_port_cnt = 0;
}

static void add_sip_port(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	static const struct schema_key port_key[] = { { .name = "port", .type = SCHEMA_UINT,
		.size = sizeof(uint16_t), .min = 1, .max = 65535 } };
	struct gateway *g = l->g;
	uint16_t port = 0;

	(void)k;
	(void)target;
	schema_value(l, port_key, n, &port);
	for (unsigned i = 0; port && i < g->sip_port_cnt; i++) {
		if (g->sip_ports[i] == port) {
			load_error(l, n, "%u stands twice, allowed: once", port);
			return;
		}
	}
	if (port)
		g->sip_ports[g->sip_port_cnt++] = port;
}

static void begin_emergency(struct load *l, const struct node *n, void *target)
{
	(void)n;
	(void)target;
	l->g->emergency_cnt = 0;
	memset(l->g->emergency, 0, sizeof(l->g->emergency));
}

static void add_emergency(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	struct gateway *g = l->g;
	const char *s = schema_text(l, n, k->allowed);

	(void)target;
	if (!s)
		return;
	if (!*s || strlen(s) > SIPSEAL_EMERGENCY_LEN || text_digits(s)) {
		load_error(l, n, QUOTE_FMT " is no number, allowed: %s", s, k->allowed);
		return;
	}
	for (unsigned i = 0; i < g->emergency_cnt; i++) {
		if (strcmp(g->emergency[i], s) == 0) {
			load_error(l, n, "%s stands twice, allowed: once", s);
			return;
		}
	}
	strcpy(g->emergency[g->emergency_cnt++], s);
}

static void set_workers(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	static const struct schema_key number[] = { { .name = "workers", .type = SCHEMA_UINT,
		.size = sizeof(unsigned), .min = 1, .max = SIPSEAL_WORKERS_MAX } };

	(void)k;
	(void)target;
	if (n->kind == NODE_SCALAR && strcmp(n->text, "auto") == 0)
		l->g->workers = 0;
	else if (n->kind == NODE_SCALAR && !n->is_quoted && strspn(n->text, "0123456789") && !n->has_nul)
		schema_value(l, number, n, &l->g->workers);
	else if (schema_text(l, n, "auto, 1 to 64"))
		load_error(l, n, QUOTE_FMT " is not allowed, allowed: auto, 1 to 64", n->text);
}

static void set_umem_frames(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	static const struct schema_key number[] = { { .name = "umem_frames", .type = SCHEMA_UINT,
		.size = sizeof(unsigned), .min = 256, .max = 65536 } };
	unsigned v = 0;

	(void)k;
	(void)target;
	schema_value(l, number, n, &v);
	if (v & (v - 1))
		load_error(l, n, "%u is no power of two, allowed: 256, 512, 1024 ... 65536", v);
	else if (v)
		l->g->umem_frames = v;
}

static void set_metrics(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	const char *s = schema_text(l, n, k->allowed), *wrong;

	(void)target;
	if (!s)
		return;
	if (strcmp(s, "off") == 0) {
		free(l->g->metrics);
		l->g->metrics = NULL;
	} else if ((wrong = text_listen(s))) {
		load_error(l, n, QUOTE_FMT " %s, allowed: %s", s, wrong, k->allowed);
	} else {
		load_strdup(l, &l->g->metrics, s);
	}
}

/* A relative one starts at certificates.root, which is not known yet: load_all() sees to it. */
static void set_https_ca(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	const char *s = schema_text(l, n, k->allowed), *wrong = NULL;

	(void)target;
	if (!s)
		return;
	if (!*s)
		wrong = "is empty";
	else
		wrong = *s == '/' ? text_path(s) : text_below(s);
	if (wrong) {
		load_error(l, n, QUOTE_FMT " %s, allowed: %s", s, wrong, k->allowed);
	} else if (strcmp(s, "system")) {
		load_strdup(l, &l->g->https_ca, s);
	} else {
		free(l->g->https_ca);
		l->g->https_ca = NULL;
	}
}

static void begin_certificates(struct load *l, const struct node *n, void *target)
{
	(void)target;
	l->g->cert.pos = load_pos(l, n);
}

/* Read by config_load() once everything else is known. */
static void skip(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	(void)l;
	(void)k;
	(void)n;
	(void)target;
}

static const struct schema_key gateway_keys[] = {
	WORD("mode", mode, mode_words),
	{ .name = "interfaces", .type = SCHEMA_LIST, .min = 1, .max = SIPSEAL_PORTS_MAX,
	  .allowed = "{ name: NIC, side: core, carrier or both }", .begin = begin_interfaces,
	  .set = add_interface, .get = keys_get_interfaces },
	WORD("xdp_mode", xdp_mode, xdp_words),
	WORD("fast_path", fast_path, fast_path_words),
	WORD("on_signer_failure", on_signer_failure, pass_words),
	{ .name = "withhold_options", .type = SCHEMA_BOOL, AT(withhold_options) },
	{ .name = "heartbeat_ms", .type = SCHEMA_UINT, AT(heartbeat_ms), .min = 50, .max = 10000 },
	WORD("unmatched_invite", unmatched_invite, pass_words),
	WORD("other_transports", other_transports, pass_words),
	{ .name = "sip_ports", .type = SCHEMA_LIST, .min = 1, .max = SIPSEAL_SIP_PORTS_MAX,
	  .allowed = "ports", .begin = begin_sip_ports, .set = add_sip_port,
	  .get = keys_get_sip_ports },
	{ .name = "emergency_numbers", .type = SCHEMA_LIST, .min = 0, .max = SIPSEAL_EMERGENCY_MAX,
	  .allowed = "1 to 15 digits", .begin = begin_emergency, .set = add_emergency,
	  .get = keys_get_emergency },
	{ .name = "workers", .type = SCHEMA_CUSTOM, .set = set_workers, .get = keys_get_workers },
	{ .name = "umem_frames", .type = SCHEMA_CUSTOM, .set = set_umem_frames,
	  .get = keys_get_umem_frames },
	WORD("idle", idle, idle_words),
	{ .name = "bpffs", .type = SCHEMA_STRING, AT(bpffs), .min = 1, .max = 200,
	  .check = text_absolute, .allowed = "an absolute path of a mounted bpffs" },
	{ .name = NULL },
};

/* 107: sun_path of a UNIX socket without its NUL */
static const struct schema_key control_keys[] = {
	{ .name = "socket", .type = SCHEMA_STRING, AT(control_socket), .min = 1, .max = 107,
	  .check = text_absolute, .allowed = "an absolute path of at most 107 bytes" },
	{ .name = "metrics", .type = SCHEMA_CUSTOM, .set = set_metrics,
	  .allowed = "off, or ADDRESS:PORT (IPv6 in brackets)", .get = keys_get_metrics },
	{ .name = "events_file", .type = SCHEMA_STRING, AT(events_file), .max = 1024,
	  .check = text_absolute, .allowed = "an absolute path, or \"\" for none" },
	{ .name = NULL },
};

static const struct schema_key regulatory_keys[] = {
	{ .name = "enabled", .type = SCHEMA_BOOL, AT(regulatory_enabled) },
	{ .name = NULL },
};

static const struct schema_key crl_keys[] = {
	{ .name = "path", .type = SCHEMA_STRING, AT(crl_path), .max = 1024, .check = text_path,
	  .allowed = "a file inside certificates.root" },
	{ .name = "url", .type = SCHEMA_STRING, AT(crl_url), .max = PASSPORT_X5U_MAX, .check = text_https,
	  .allowed = "an https URL of at most 512 bytes" },
	WORD("policy", crl_policy, crl_words),
	{ .name = NULL },
};

static const struct schema_key certificates_keys[] = {
	{ .name = "root", .type = SCHEMA_STRING, AT(cert_root), .min = 1, .max = 1024,
	  .check = text_path, .allowed = "a directory" },
	{ .name = "cert_path", .type = SCHEMA_STRING, AT(cert.cert_path), .max = 1024,
	  .check = text_path, .allowed = "a PEM file inside certificates.root" },
	{ .name = "key_path", .type = SCHEMA_STRING, AT(cert.key_path), .max = 1024,
	  .check = text_path, .allowed = "a PEM file inside certificates.root" },
	{ .name = "x5u", .type = SCHEMA_STRING, AT(cert.x5u), .max = PASSPORT_X5U_MAX,
	  .check = text_x5u, .allowed = "an https URL of at most 512 bytes, {serial} may stand in it" },
	{ .name = "trust_anchors", .type = SCHEMA_STRING, AT(trust_anchors), .max = 1024, .check = text_path,
	  .allowed = "a PEM file inside certificates.root, or a directory of them" },
	{ .name = "crl", .type = SCHEMA_MAP, .keys = crl_keys },
	WORD("profile", profile, profile_words),
	{ .name = NULL },
};

static const struct schema_key fetch_keys[] = {
	{ .name = "https_ca", .type = SCHEMA_CUSTOM, .set = set_https_ca, .get = keys_get_https_ca,
	  .allowed = "system, an absolute path, or one inside certificates.root" },
	{ .name = "timeout_ms", .type = SCHEMA_UINT, AT(fetch_timeout_ms), .min = 100, .max = 10000 },
	{ .name = "allow_private_addresses", .type = SCHEMA_BOOL, AT(allow_private_addresses) },
	{ .name = "cache_dir", .type = SCHEMA_STRING, AT(cache_dir), .max = 1024, .check = text_absolute,
	  .allowed = "an absolute path, or \"\" for none" },
	{ .name = NULL },
};

const struct schema_key keys_file[] = {
	{ .name = "gateway", .type = SCHEMA_MAP, .keys = gateway_keys },
	{ .name = "control", .type = SCHEMA_MAP, .keys = control_keys },
	{ .name = "regulatory", .type = SCHEMA_MAP, .keys = regulatory_keys },
	{ .name = "certificates", .type = SCHEMA_MAP, .keys = certificates_keys,
	  .begin = begin_certificates },
	{ .name = "fetch", .type = SCHEMA_MAP, .keys = fetch_keys },
	{ .name = "defaults", .type = SCHEMA_CUSTOM, .set = skip },
	{ .name = "trunks_dir", .type = SCHEMA_CUSTOM, .set = skip },
	{ .name = "trunks", .type = SCHEMA_CUSTOM, .set = skip },
	{ .name = NULL },
};

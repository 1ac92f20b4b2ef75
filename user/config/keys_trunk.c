// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "config/keys.h"
#include "config/text.h"
#include "stir/passport.h"
#include "trunk/policy.h"

#define AT(member) SCHEMA_MEMBER(struct trunk, member)
#define WORD(key, member, list) { .name = key, .type = SCHEMA_WORD, AT(member), .words = list }

#define PEERS_MAX   65536   /* of one trunk */
#define NUMBERS_MAX 1000000 /* of one trunk, without numbers_file */
#define NUMBER_HELP "+18005550100, +1212555* or +13125550000-+13125559999"

static const struct schema_word mode_words[] = {
	{ "enforce", TRUNK_ENFORCE }, { "observe", TRUNK_OBSERVE }, { NULL, 0 },
};

static const struct schema_word attestation_words[] = {
	{ "A", ATTEST_A }, { "B", ATTEST_B }, { "C", ATTEST_C },
	{ "none", ATTEST_NONE }, { NULL, 0 },
};

static const struct schema_word other_words[] = {
	{ "A", ATTEST_A }, { "B", ATTEST_B }, { "C", ATTEST_C },
	{ "none", ATTEST_NONE }, { "reject", ATTEST_REJECT }, { NULL, 0 },
};

static const struct schema_word unsignable_words[] = {
	{ "pass", UNSIGNABLE_PASS }, { "reject", UNSIGNABLE_REJECT }, { NULL, 0 },
};

static const struct schema_word existing_words[] = {
	{ "check", EXISTING_CHECK }, { "trust", EXISTING_TRUST },
	{ "ignore", EXISTING_IGNORE }, { NULL, 0 },
};

static const struct schema_word orig_words[] = {
	{ "pai", SOURCE_PAI }, { "ppi", SOURCE_PPI }, { "rpid", SOURCE_RPID },
	{ "from", SOURCE_FROM }, { NULL, 0 },
};

static const struct schema_word dest_words[] = {
	{ "to", SOURCE_TO }, { "request_uri", SOURCE_REQUEST_URI }, { NULL, 0 },
};

static const struct schema_word pai_words[] = {
	{ "set", PAI_SET }, { "keep", PAI_KEEP }, { "off", PAI_OFF },
	{ NULL, 0 },
};

static const struct schema_word restricted_words[] = {
	{ "remove", RESTRICTED_REMOVE }, { "keep", RESTRICTED_KEEP }, { NULL, 0 },
};

static const struct schema_word privacy_words[] = {
	{ "auto", PRIVACY_AUTO }, { "id", PRIVACY_ID }, { "off", PRIVACY_OFF },
	{ NULL, 0 },
};

static void set_name(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	const char *s = schema_text(l, n, k->allowed);
	const char *wrong = !s ? NULL : strlen(s) > TRUNK_NAME_MAX ? "is too long" : text_trunk_name(s);
	struct trunk *t = target;

	if (wrong)
		load_error(l, n, QUOTE_FMT " %s, allowed: %s", s, wrong, k->allowed);
	else if (s)
		strcpy(t->name, s);
}

static bool read_peer(struct load *l, const struct node *n, bool is_carrier, struct peer *ret)
{
	const char *help = is_carrier ? "ADDRESS, ADDRESS:PORT (IPv6 in brackets) or ADDRESS/BITS" :
					"ADDRESS or ADDRESS/BITS";
	const char *s = schema_text(l, n, help), *wrong;

	if (!s)
		return false;
	if (peer_parse(s, is_carrier, ret, &wrong) < 0) {
		load_error(l, n, QUOTE_FMT " %s, allowed: %s", s, wrong, help);
		return false;
	}
	ret->pos = load_pos(l, n);
	return true;
}

static void add_peer(struct load *l, const struct node *n, bool is_carrier, struct peer **peers, size_t *cnt)
{
	struct peer p;

	if (read_peer(l, n, is_carrier, &p) && load_grow(l, peers, *cnt, sizeof(p)))
		(*peers)[(*cnt)++] = p;
}

static void begin_peers(struct peer **peers, size_t *cnt)
{
	free(*peers);
	*peers = NULL;
	*cnt = 0;
}

static void begin_carrier(struct load *l, const struct node *n, void *target)
{
	struct trunk *t = target;

	(void)l;
	(void)n;
	begin_peers(&t->carrier_peers, &t->carrier_cnt);
}

static void add_carrier(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	struct trunk *t = target;

	(void)k;
	add_peer(l, n, true, &t->carrier_peers, &t->carrier_cnt);
}

static void begin_core(struct load *l, const struct node *n, void *target)
{
	struct trunk *t = target;

	(void)l;
	(void)n;
	begin_peers(&t->core_peers, &t->core_cnt);
}

static void add_core(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	struct trunk *t = target;

	(void)k;
	add_peer(l, n, false, &t->core_peers, &t->core_cnt);
}

static void begin_certificates(struct load *l, const struct node *n, void *target)
{
	struct trunk *t = target;

	t->cert.pos = load_pos(l, n);
}

void keys_add_number(struct load *l, struct trunk *t, const struct model_pos *pos, const char *text,
		     bool want_quote)
{
	struct number_range r;
	const char *wrong;

	if (number_range_parse(text, &r, &wrong) < 0) {
		config_report_add(l->report, true, pos, l->path, "%s%.64s%s%s, allowed: " NUMBER_HELP,
				  want_quote ? "\"" : "", want_quote ? text : "a line",
				  want_quote ? "\" " : " ", wrong);
		return;
	}
	if (load_grow(l, &t->numbers, t->number_cnt, sizeof(r)))
		t->numbers[t->number_cnt++] = r;
}

/* Not emptied: numbers and numbers_file of one mapping add up; config_load() empties inherited ones. */
static void begin_numbers(struct load *l, const struct node *n, void *target)
{
	struct trunk *t = target;

	(void)l;
	(void)n;
	t->has_numbers = true;
}

static void add_number(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	const char *s = schema_text(l, n, NUMBER_HELP);
	struct model_pos pos = load_pos(l, n);

	(void)k;
	if (s)
		keys_add_number(l, target, &pos, s, true);
}

static void set_origid(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	const char *s = schema_text(l, n, k->allowed), *wrong = NULL;
	struct trunk *t = target;

	if (!s)
		return;
	if (!*s)
		wrong = "is empty";
	else if (strlen(s) > PASSPORT_ORIGID_MAX)
		wrong = "is too long";
	else
		wrong = text_printable(s);
	if (wrong) {
		load_error(l, n, QUOTE_FMT " %s, allowed: %s", s, wrong, k->allowed);
		return;
	}
	free(t->origid); /* of `defaults` */
	t->origid = NULL;
	t->origid_mode = strcmp(s, "trunk") == 0 ? ORIGID_TRUNK :
			 strcmp(s, "call") == 0 ? ORIGID_CALL : ORIGID_TEXT;
	if (t->origid_mode == ORIGID_TEXT)
		load_strdup(l, &t->origid, s);
}

static const struct schema_key rule_keys[] = {
	{ .name = "prefix", .type = SCHEMA_STRING, SCHEMA_MEMBER(struct number_rule, prefix), .max = 32,
	  .check = text_dial, .allowed = "up to 32 digits, +, * and #" },
	{ .name = "replace", .type = SCHEMA_STRING, SCHEMA_MEMBER(struct number_rule, replace), .max = 32,
	  .check = text_dial, .allowed = "up to 32 digits, +, * and #" },
	{ .name = NULL },
};

static void begin_rules(struct load *l, const struct node *n, void *target)
{
	struct trunk *t = target;

	(void)l;
	(void)n;
	for (size_t i = 0; i < t->rule_cnt; i++) {
		free(t->rules[i].prefix);
		free(t->rules[i].replace);
	}
	t->rule_cnt = 0;
	free(t->rules);
	t->rules = NULL;
}

static void add_rule(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	struct trunk *t = target;
	struct number_rule *r;

	if (n->kind != NODE_MAPPING || !node_find(n, "prefix") || !node_find(n, "replace")) {
		load_error(l, n, "is no rule, allowed: %s", k->allowed);
		return;
	}
	if (!load_grow(l, &t->rules, t->rule_cnt, sizeof(*r)))
		return;
	r = &t->rules[t->rule_cnt++];
	*r = (struct number_rule){ NULL, NULL };
	schema_apply(l, rule_keys, n, r);
	if (!r->prefix) /* "" */
		load_strdup(l, &r->prefix, "");
	if (!r->replace)
		load_strdup(l, &r->replace, "");
}

/* One more source at the end of an array that SOURCE_END ends early. */
static void add_source(struct load *l, const struct schema_word *words, const struct node *n,
		       enum number_source dst[NUMBER_SOURCES_MAX])
{
	const struct schema_key key = { .name = "source", .type = SCHEMA_WORD,
					.size = sizeof(unsigned), .words = words };
	unsigned v = SOURCE_END, i = 0;

	schema_value(l, &key, n, &v);
	for (; i < NUMBER_SOURCES_MAX && dst[i] != SOURCE_END; i++) {
		if (dst[i] == (enum number_source)v) {
			load_error(l, n, "%s stands twice, allowed: once", n->text);
			return;
		}
	}
	if (i < NUMBER_SOURCES_MAX)
		dst[i] = (enum number_source)v;
}

static void begin_orig_from(struct load *l, const struct node *n, void *target)
{
	(void)l;
	(void)n;
	memset(((struct trunk *)target)->orig_from, 0, sizeof(((struct trunk *)target)->orig_from));
}

static void add_orig_from(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	(void)k;
	add_source(l, orig_words, n, ((struct trunk *)target)->orig_from);
}

static void begin_dest_from(struct load *l, const struct node *n, void *target)
{
	(void)l;
	(void)n;
	memset(((struct trunk *)target)->dest_from, 0, sizeof(((struct trunk *)target)->dest_from));
}

static void add_dest_from(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	(void)k;
	add_source(l, dest_words, n, ((struct trunk *)target)->dest_from);
}

static void set_default_number(struct load *l, const struct schema_key *k, const struct node *n,
			       void *target)
{
	const char *s = schema_text(l, n, k->allowed), *wrong = "is a prefix or a range";
	struct trunk *t = target;
	struct number_range r;

	if (!s)
		return;
	if (!*s) {
		free(t->pai_default_number);
		t->pai_default_number = NULL;
	} else if (number_range_parse(s, &r, &wrong) < 0 || r.is_prefix || strchr(s, '-')) {
		load_error(l, n, QUOTE_FMT " %s, allowed: %s", s, wrong, k->allowed);
	} else {
		load_strdup(l, &t->pai_default_number, r.first);
	}
}

static const struct schema_key carrier_keys[] = {
	{ .name = "peers", .type = SCHEMA_LIST, .min = 1, .max = PEERS_MAX, .allowed = "addresses",
	  .begin = begin_carrier, .set = add_carrier, .get = keys_get_carrier },
	{ .name = NULL },
};

static const struct schema_key core_keys[] = {
	{ .name = "peers", .type = SCHEMA_LIST, .min = 0, .max = PEERS_MAX, .allowed = "addresses",
	  .begin = begin_core, .set = add_core, .get = keys_get_core },
	{ .name = NULL },
};

static const struct schema_key certificates_keys[] = {
	{ .name = "cert_path", .type = SCHEMA_STRING, AT(cert.cert_path), .max = 1024,
	  .check = text_path, .allowed = "a PEM file inside certificates.root" },
	{ .name = "key_path", .type = SCHEMA_STRING, AT(cert.key_path), .max = 1024,
	  .check = text_path, .allowed = "a PEM file inside certificates.root" },
	{ .name = "x5u", .type = SCHEMA_STRING, AT(cert.x5u), .max = PASSPORT_X5U_MAX,
	  .check = text_x5u, .allowed = "an https URL of at most 512 bytes, {serial} may stand in it" },
	{ .name = NULL },
};

static const struct schema_key pai_keys[] = {
	WORD("mode", pai_mode, pai_words),
	{ .name = "domain", .type = SCHEMA_STRING, AT(pai_domain), .max = 253, .check = text_host,
	  .allowed = "a host name or address" },
	{ .name = "default_number", .type = SCHEMA_CUSTOM, .set = set_default_number,
	  .allowed = "one number, +18005550100", .get = keys_get_default_number },
	WORD("restricted", pai_restricted, restricted_words),
	{ .name = "add_privacy_none", .type = SCHEMA_BOOL, AT(add_privacy_none) },
	{ .name = NULL },
};

static const struct schema_key extras_keys[] = {
	{ .name = "geolocation", .type = SCHEMA_MAP, .keys = keys_geolocation, .get = keys_get_geolocation },
	{ .name = "attestation", .type = SCHEMA_WORD, AT(attestation), .words = attestation_words,
	  .is_alias = true },
	{ .name = NULL },
};

const struct schema_key keys_trunk[] = {
	{ .name = "name", .type = SCHEMA_CUSTOM, .set = set_name,
	  .allowed = "1 to 63 of a-z, 0-9, . _ -, the first a-z or 0-9",
	  .get = keys_get_name },
	WORD("mode", mode, mode_words),
	{ .name = "carrier", .type = SCHEMA_MAP, .keys = carrier_keys },
	{ .name = "core", .type = SCHEMA_MAP, .keys = core_keys },
	{ .name = "certificates", .type = SCHEMA_MAP, .keys = certificates_keys,
	  .begin = begin_certificates },
	WORD("attestation", attestation, attestation_words),
	{ .name = "numbers", .type = SCHEMA_LIST, .min = 0, .max = NUMBERS_MAX, .allowed = NUMBER_HELP,
	  .begin = begin_numbers, .set = add_number, .get = keys_get_numbers },
	{ .name = "numbers_file", .type = SCHEMA_CUSTOM, .set = keys_read_numbers,
	  .allowed = "the path of a file, one number per line", .get = keys_get_numbers_file },
	WORD("attestation_other", attestation_other, other_words),
	WORD("on_unsignable", on_unsignable, unsignable_words),
	WORD("existing_identity", existing_identity, existing_words),
	{ .name = "origid", .type = SCHEMA_CUSTOM, .set = set_origid,
	  .allowed = "trunk, call, or up to 128 printable ASCII characters", .get = keys_get_origid },
	{ .name = "default_country_code", .type = SCHEMA_STRING, AT(country_code), .max = 3,
	  .check = text_country_code, .allowed = "1 to 3 digits, the first not 0" },
	{ .name = "number_rules", .type = SCHEMA_LIST, .min = 0, .max = POLICY_RULES_MAX,
	  .allowed = "{ prefix: DIGITS, replace: DIGITS }", .begin = begin_rules, .set = add_rule,
	  .get = keys_get_rules },
	{ .name = "orig_from", .type = SCHEMA_LIST, .min = 1, .max = 4, .allowed = "pai, ppi, rpid, from",
	  .begin = begin_orig_from, .set = add_orig_from, .get = keys_get_orig_from },
	{ .name = "dest_from", .type = SCHEMA_LIST, .min = 1, .max = 2, .allowed = "to, request_uri",
	  .begin = begin_dest_from, .set = add_dest_from, .get = keys_get_dest_from },
	{ .name = "pai", .type = SCHEMA_MAP, .keys = pai_keys },
	WORD("privacy", privacy, privacy_words),
	{ .name = "freshness_s", .type = SCHEMA_UINT, AT(freshness_s), .min = 1, .max = 3600 },
	{ .name = "max_cps", .type = SCHEMA_UINT, AT(max_cps), .max = 1000000 },
	{ .name = "verification", .type = SCHEMA_MAP, .keys = keys_verification },
	{ .name = "extras", .type = SCHEMA_MAP, .keys = extras_keys },
	{ .name = NULL },
};
_Static_assert(ARRAY_SIZE(keys_trunk) <= SCHEMA_KEYS_MAX, "schema_apply() remembers each key");

/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "daemon/report.h"

/* numbers_file may have a million lines; state.numbers_count tells how many there are. */
#define NUMBERS_SHOWN 1000

static const char *attestation_name(enum attest_policy a)
{
	switch (a) {
	case ATTEST_A:
		return "A";
	case ATTEST_B:
		return "B";
	case ATTEST_C:
		return "C";
	case ATTEST_REJECT:
		return "reject";
	case ATTEST_NONE:
		break;
	}
	return "none";
}

static json_t *peers(const struct peer *p, size_t cnt)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < cnt; i++) {
		char text[64];

		peer_format(&p[i], text);
		json_array_append_new(list, report_text(text));
	}
	return list;
}

static json_t *numbers(const struct trunk *t)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < t->number_cnt && i < NUMBERS_SHOWN; i++) {
		const struct number_range *n = &t->numbers[i];
		bool is_one = !n->is_prefix && (!n->last[0] || !strcmp(n->first, n->last));
		char text[40];

		snprintf(text, sizeof(text),
			 n->is_prefix ? "+%s*"
			 : is_one     ? "+%s"
				      : "+%s-+%s",
			 n->first, n->last);
		json_array_append_new(list, report_text(text));
	}
	return list;
}

static json_t *rules(const struct trunk *t)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < t->rule_cnt; i++)
		json_array_append_new(list, json_pack("{s:o,s:o}", "prefix",
						      report_text(t->rules[i].prefix), "replace",
						      report_text(t->rules[i].replace)));
	return list;
}

static json_t *sources(const enum number_source s[NUMBER_SOURCES_MAX])
{
	static const char *const names[] = {
		[SOURCE_PAI] = "pai",	[SOURCE_PPI] = "ppi", [SOURCE_RPID] = "rpid",
		[SOURCE_FROM] = "from", [SOURCE_TO] = "to",   [SOURCE_REQUEST_URI] = "request_uri",
	};
	json_t *list = json_array();

	for (size_t i = 0; list && i < NUMBER_SOURCES_MAX && s[i] != SOURCE_END; i++)
		json_array_append_new(list, json_string(names[s[i]]));
	return list;
}

static json_t *pai(const struct trunk *t)
{
	static const char *const modes[] = {
		[PAI_SET] = "set", [PAI_KEEP] = "keep", [PAI_OFF] = "off"
	};
	char number[32] = "";

	if (t->pai_default_number)
		snprintf(number, sizeof(number), "+%.20s", t->pai_default_number);
	return json_pack("{s:s,s:o,s:s,s:s,s:b}", "mode", modes[t->pai_mode], "domain",
			 report_text(t->pai_domain ? t->pai_domain : ""), "default_number", number,
			 "restricted", t->pai_restricted == RESTRICTED_KEEP ? "keep" : "remove",
			 "add_privacy_none", t->add_privacy_none);
}

static json_t *geolocation(const struct trunk *t)
{
	struct civic_address a = t->civic;
	json_t *civic = json_object();

	for (const char *const *key = civic_keys(); civic && *key; key++) {
		const char *value = civic_field(&a, *key);

		if (value && *value)
			json_object_set_new(civic, *key, report_text(value));
	}
	return json_pack("{s:{s:o,s:s,s:s,s:s,s:s}}", "geolocation", "default_civic_address", civic,
			 "geo_priv_routing",
			 t->geo_routing == GEO_ROUTING_NONE ? "none" : "emergency", "attach",
			 t->geo_attach == GEO_EMERGENCY ? "emergency" : "always", "existing",
			 t->geo_existing == GEO_REPLACE ? "replace" : "keep", "pidf",
			 t->geo_pidf == GEO_PIDF_LEGACY ? "legacy" : "rfc");
}

static json_t *certificates(const struct sipseald *d, size_t i)
{
	uint32_t id = d->assembled->trunks[i].credential;

	if (id >= d->assembled->credential_cnt)
		return json_object();
	return json_pack("{s:o,s:o,s:o}", "cert_path",
			 report_text(d->assembled->credentials[id].cert_path), "key_path",
			 report_text(d->assembled->credentials[id].key_path), "x5u",
			 report_text(d->assembled->credentials[id].x5u));
}

static json_t *state(const struct sipseald *d, size_t i)
{
	const struct compile_trunk *ct = &d->assembled->trunks[i];
	uint64_t c[COUNTERS_SIGNER_REASONS];
	json_t *o;

	counts_trunk(&d->counts, ct->slot, c);
	o = json_pack("{s:i,s:o,s:o,s:I,s:o}", "slot", (int)ct->slot, "file",
		      report_text(ct->trunk->pos.file), "calls", report_calls(d, i),
		      "numbers_count", (json_int_t)ct->trunk->number_cnt, "reasons",
		      report_reasons(c, SR_XDP_MAX, COUNTERS_SIGNER_REASONS, false));
	if (o)
		json_object_set_new(o, "credential",
				    ct->credential < d->assembled->credential_cnt
					    ? report_credential(d, ct->credential)
					    : json_null());
	return o;
}

static json_t *origid(const struct trunk *t)
{
	return t->origid_mode == ORIGID_CALL ? json_string("call")
					     : report_text(t->origid ? t->origid : "trunk");
}

static json_t *privacy(const struct trunk *t)
{
	return json_string(t->privacy == PRIVACY_ID    ? "id"
			   : t->privacy == PRIVACY_OFF ? "off"
						       : "auto");
}

/* Keys and their order as in the configuration's documentation. */
json_t *report_trunk(const struct sipseald *d, size_t i)
{
	static const char *const existing[] = {
		[EXISTING_CHECK] = "check",
		[EXISTING_TRUST] = "trust",
		[EXISTING_IGNORE] = "ignore",
	};
	const struct trunk *t = d->assembled->trunks[i].trunk;
	json_t *o = json_object();

	if (!o)
		return NULL;
	json_object_set_new(o, "name", report_text(t->name));
	json_object_set_new(o, "mode",
			    json_string(t->mode == TRUNK_OBSERVE ? "observe" : "enforce"));
	json_object_set_new(o, "carrier",
			    json_pack("{s:o}", "peers", peers(t->carrier_peers, t->carrier_cnt)));
	json_object_set_new(o, "core",
			    json_pack("{s:o}", "peers", peers(t->core_peers, t->core_cnt)));
	json_object_set_new(o, "certificates", certificates(d, i));
	json_object_set_new(o, "attestation", json_string(attestation_name(t->attestation)));
	if (t->has_numbers)
		json_object_set_new(o, "numbers", numbers(t));
	json_object_set_new(o, "attestation_other",
			    json_string(attestation_name(t->attestation_other)));
	json_object_set_new(o, "on_unsignable",
			    json_string(t->on_unsignable == UNSIGNABLE_REJECT ? "reject" : "pass"));
	json_object_set_new(o, "existing_identity", json_string(existing[t->existing_identity]));
	json_object_set_new(o, "origid", origid(t));
	if (t->country_code)
		json_object_set_new(o, "default_country_code", report_text(t->country_code));
	json_object_set_new(o, "number_rules", rules(t));
	json_object_set_new(o, "orig_from", sources(t->orig_from));
	json_object_set_new(o, "dest_from", sources(t->dest_from));
	json_object_set_new(o, "pai", pai(t));
	json_object_set_new(o, "privacy", privacy(t));
	json_object_set_new(o, "freshness_s", json_integer(t->freshness_s));
	if (t->has_geolocation)
		json_object_set_new(o, "extras", geolocation(t));
	json_object_set_new(o, "state", state(d, i));
	return o;
}

static json_t *summary(const struct sipseald *d, size_t i)
{
	const struct trunk *t = d->assembled->trunks[i].trunk;

	return json_pack("{s:o,s:s,s:s,s:b,s:o,s:o,s:o}", "name", report_text(t->name), "mode",
			 t->mode == TRUNK_OBSERVE ? "observe" : "enforce", "attestation",
			 attestation_name(t->attestation), "any_number",
			 t->attestation == ATTEST_A && !t->has_numbers, "carrier",
			 peers(t->carrier_peers, t->carrier_cnt), "core",
			 peers(t->core_peers, t->core_cnt), "calls", report_calls(d, i));
}

json_t *report_trunks(const struct sipseald *d)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < d->assembled->trunk_cnt; i++)
		json_array_append_new(list, summary(d, i));
	return json_pack("{s:o}", "trunks", list);
}

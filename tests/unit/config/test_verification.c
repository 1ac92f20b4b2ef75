// SPDX-License-Identifier: BSD-2-Clause
/* Inbound verification: when it is on, what trunks inherit, what a load warns about. */
#include "doc.h"
#include "verification.h"

#include <errno.h>

#include "base/cleanup.h"
#include "config/render.h"

/* ---- what stands where nothing is said ---- */

static void test_defaults(void **state)
{
	struct gateway *g = load_good("defaults", GW TRUNK);
	const struct trunk_verification *v = &g->trunks[0]->verification;

	(void)state;
	assert_null(g->trust_anchors);
	assert_null(g->crl_path);
	assert_null(g->crl_url);
	assert_int_equal(g->crl_policy, CRL_MODE_SOFT);
	assert_null(g->https_ca);
	assert_int_equal(g->fetch_timeout_ms, 2000);
	assert_false(g->allow_private_addresses);
	assert_string_equal(g->cache_dir, "/var/cache/sipseal");
	assert_false(v->is_enabled);
	assert_false(v->is_given);
	assert_int_equal(v->on_failure, VERIFY_TAG);
	assert_int_equal(v->on_missing, VERIFY_TAG);
	assert_string_equal(v->result_header, "X-STIR-Result");
	assert_int_equal(v->verstat, VERSTAT_OFF);
	assert_int_equal(v->carrier_verstat, VERSTAT_KEEP);
	assert_true(v->trust_pai);
	assert_int_equal(v->replay, REPLAY_FAIL);
	assert_int_equal(v->wait_ms, 400);
	for (unsigned i = 0; i < LABEL_CNT; i++)
		assert_null(v->label[i]);
	gateway_free(g);
}

/* "system" and "" take back what a key would set; a relative CA lies below certificates.root. */
static void test_gateway_values(void **state)
{
	struct tree *t = *state;
	struct config_report r = { 0 };
	struct gateway *g = NULL;
	char path[128];

	assert_int_equal(config_load(tree_put(t, "g.yaml", HEAD_GATEWAY "trunks_dir: /\n"
		"certificates: { root: sti, trust_anchors: a.pem, crl: { path: c.pem, url: '', policy: hard } }\n"
		"fetch: { https_ca: ca.pem, timeout_ms: 10000, cache_dir: '' }\n"), &g, &r), 0);
	snprintf(path, sizeof(path), "%s/sti/ca.pem", t->dir);
	assert_string_equal(g->https_ca, path);
	assert_string_equal(g->trust_anchors, "a.pem");
	assert_string_equal(g->crl_path, "c.pem");
	assert_null(g->crl_url);
	assert_null(g->cache_dir);
	assert_int_equal(g->fetch_timeout_ms, 10000);
	gateway_free(g);
	g = load_good("system", GW "fetch: { https_ca: system }\n");
	assert_null(g->https_ca);
	gateway_free(g);
	config_report_done(&r);
}

/* ---- enabled or not ---- */

static const struct {
	const char *name;
	bool has_anchors;
	const char *defaults, *trunk; /* NULL: not given */
	bool is_good, is_enabled, is_given;
} combinations[] = {
	{ "nothing", false, NULL, NULL, true, false, false },
	{ "anchors", true, NULL, NULL, true, true, false },
	{ "trunk false", false, NULL, "false", true, false, true },
	{ "trunk false, anchors", true, NULL, "false", true, false, true },
	{ "trunk true", false, NULL, "true", false, false, false },
	{ "trunk true, anchors", true, NULL, "true", true, true, true },
	{ "defaults false", false, "false", NULL, true, false, true },
	{ "defaults false, anchors", true, "false", NULL, true, false, true },
	{ "defaults true", false, "true", NULL, false, false, false },
	{ "defaults true, anchors", true, "true", NULL, true, true, true },
	{ "both false, anchors", true, "false", "false", true, false, true },
	{ "both true, anchors", true, "true", "true", true, true, true },
	{ "defaults false, trunk true", false, "false", "true", false, false, false },
	{ "defaults false, trunk true, anchors", true, "false", "true", true, true, true },
	{ "defaults true, trunk false", false, "true", "false", false, false, false },
	{ "defaults true, trunk false, anchors", true, "true", "false", true, false, true },
};

static void check_enabled(size_t i, const char *way, int e, const struct trunk *t)
{
	if ((e == 0) != combinations[i].is_good)
		fail_msg("%s by %s: returns %d", combinations[i].name, way, e);
	if (e == 0 && (t->verification.is_enabled != combinations[i].is_enabled ||
		       t->verification.is_given != combinations[i].is_given))
		fail_msg("%s by %s: is %s, %s", combinations[i].name, way, t->verification.is_enabled ? "on" : "off",
			 t->verification.is_given ? "given" : "not given");
}

/* One trunk of the main file, and the same over the control socket on top of the gateway alone. */
static void test_enabled(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(combinations); i++) {
		const char *d = combinations[i].defaults, *own = combinations[i].trunk;
		char head[512], text[1024], json[256];
		struct config_report r = { 0 };
		struct gateway *g = NULL;
		struct config *c = NULL;
		struct trunk *t = NULL;
		json_t *doc;
		int e;

		snprintf(head, sizeof(head), GW "%s%s%s%s", combinations[i].has_anchors ? ANCHORS : "",
			 d ? "defaults: { verification: { enabled: " : "", d ? d : "", d ? " } }\n" : "");
		snprintf(text, sizeof(text), "%s" TRUNK "%s%s%s", head, own ? "  verification: { enabled: " : "",
			 own ? own : "", own ? " }\n" : "");
		e = config_load_buffer("t.yaml", text, strlen(text), &g, &r);
		check_enabled(i, "file", e, g ? g->trunks[0] : NULL);
		gateway_free(g);
		config_report_done(&r);
		r = (struct config_report){ 0 };
		e = config_open_buffer("t.yaml", head, strlen(head), &c, &r);
		snprintf(json, sizeof(json), "{\"name\": \"a\", \"carrier.peers\": [\"192.0.2.1\"], \"attestation\": "
			 "\"none\"%s%s}", own ? ", \"verification.enabled\": " : "", own ? own : "");
		doc = doc_parse(json);
		if (e == 0)
			e = doc_json(c, doc, &t, &r);
		check_enabled(i, "JSON", e, t);
		json_decref(doc);
		trunk_free(t);
		config_close(c);
		config_report_done(&r);
	}
}

/* ---- what a trunk inherits ---- */

static void test_inherited(void **state)
{
	struct gateway *g = load_good("inherited", GW ANCHORS
		"defaults:\n"
		"  verification:\n"
		"    { on_failure: reject, result_header: X-Common, verstat: pai, trust_pai: true, replay: ignore,\n"
		"      wait_ms: 0, display_label: { A: '[A]', failed: '[!]' } }\n"
		"trunks:\n"
		"- { name: a, carrier: { peers: [192.0.2.1] }, attestation: none }\n"
		"- name: b\n"
		"  carrier: { peers: [192.0.2.2] }\n"
		"  attestation: none\n"
		"  verification: { on_failure: tag, result_header: off, display_label: { A: '', B: '[b]' }, wait_ms: 7 }\n");
	const struct trunk_verification *a = &g->trunks[0]->verification, *b = &g->trunks[1]->verification;

	(void)state;
	assert_true(a->is_enabled && b->is_enabled);
	assert_int_equal(a->on_failure, VERIFY_REJECT);
	assert_string_equal(a->result_header, "X-Common");
	assert_int_equal(a->wait_ms, 0);
	assert_string_equal(a->label[LABEL_A], "[A]");
	assert_string_equal(a->label[LABEL_FAILED], "[!]");
	assert_null(a->label[LABEL_B]);
	assert_int_equal(b->on_failure, VERIFY_TAG);
	assert_null(b->result_header);
	assert_int_equal(b->verstat, VERSTAT_PAI);
	assert_int_equal(b->replay, REPLAY_IGNORE);
	assert_int_equal(b->wait_ms, 7);
	assert_null(b->label[LABEL_A]);
	assert_string_equal(b->label[LABEL_B], "[b]");
	assert_string_equal(b->label[LABEL_FAILED], "[!]");
	gateway_free(g);
}

/* Rendered, stored and read again: dotted keys, `off`, labels that YAML would take for something else. */
static void test_round_trip(void **state)
{
	static const char *const texts[] = {
		"{\"verification.enabled\": true}",
		"{\"verification.enabled\": false, \"verification.result_header\": \"off\"}",
		"{\"verification.display_label.A\": \"true\", \"verification.display_label.B\": \"# 1: {\","
		" \"verification.display_label.missing\": \" \", \"verification.wait_ms\": 0}",
		"{\"verification\": {\"on_failure\": \"reject\", \"on_missing\": \"reject\", \"verstat\": \"pai\","
		" \"carrier_verstat\": \"strip\", \"replay\": \"ignore\", \"result_header\": \"yes\"}}",
	};
	struct tree *tree = *state;
	struct config_report r = { 0 };
	struct config *c = NULL;

	assert_int_equal(config_open_buffer("t.yaml", GW ANCHORS, strlen(GW ANCHORS), &c, &r), 0);
	tree_mkdir(tree, "trunks");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		json_t *doc = doc_parse(texts[i]), *first, *second;
		struct trunk *t = NULL, *again = NULL;
		CLEANUP(freep) char *yaml = NULL;

		doc_set(doc, "name", json_string("a"));
		doc_set(doc, "attestation", json_string("none"));
		doc_set(doc, "carrier.peers", json_pack("[s]", "192.0.2.1"));
		if (doc_json(c, doc, &t, &r) < 0)
			fail_msg("%s: %s", texts[i], report_text(&r));
		first = render_trunk(t);
		yaml = store_emit(first);
		if (doc_yaml(tree, c, yaml, &again, &r) < 0)
			fail_msg("%s: %s\n%s", texts[i], report_text(&r), yaml);
		second = render_trunk(again);
		if (!json_equal(first, second))
			fail_msg("%s becomes\n%s\n%s", texts[i], json_dumps(first, 0), json_dumps(second, 0));
		assert_int_equal(t->verification.is_enabled, again->verification.is_enabled);
		trunk_free(t);
		trunk_free(again);
		json_decref(doc);
		json_decref(first);
		json_decref(second);
	}
	config_report_done(&r);
	config_close(c);
}

/* ---- warnings ---- */

static const struct { const char *name, *text, *want; } warnings[] = {
	{ "anchors", GW ANCHORS TRUNK, "" },
	{ "off on purpose", GW TRUNK "  verification: { enabled: false }\n", "" },
	{ "off for want of anchors", GW TRUNK,
	  "t.yaml: warning: certificates.trust_anchors: is not given: inbound calls of 1 trunk are not verified (a); where "
	  "that is meant: verification: { enabled: false }\n" },
	{ "one of three", GW "certificates: { profile: shaken }\n" TRUNK
	  "  verification: { enabled: false }\n"
	  "- { name: b, carrier: { peers: [192.0.2.2] }, attestation: none }\n"
	  "- { name: c, carrier: { peers: [192.0.2.3] }, attestation: none }\n",
	  "t.yaml:3:15: warning: certificates.trust_anchors: is not given: inbound calls of 2 trunks are not verified (b, "
	  "...); where that is meant: verification: { enabled: false }\n" },
	{ "no PAI to carry it", GW ANCHORS TRUNK "  verification: { verstat: pai, trust_pai: false }\n",
	  "t.yaml:8:17: warning: trunks[0].verification.verstat: pai: with trust_pai false no P-Asserted-Identity is kept "
	  "that could carry it\n" },
	{ "no PAI, of defaults", GW ANCHORS "defaults: { verification: { verstat: pai, trust_pai: false } }\n" TRUNK,
	  "t.yaml:4:27: warning: defaults.verification.verstat: pai: with trust_pai false no P-Asserted-Identity is kept "
	  "that could carry it\n" },
	{ "lab", GW ANCHORS "fetch: { allow_private_addresses: true }\n" TRUNK,
	  "t.yaml:4:35: warning: fetch.allow_private_addresses: true is for labs only: strangers can make the gateway send "
	  "requests into its own network\n" },
};

static void test_warnings(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(warnings); i++) {
		struct config_report r = { 0 };
		struct gateway *g = NULL;
		int e = config_load_buffer("t.yaml", warnings[i].text, strlen(warnings[i].text), &g, &r);
		CLEANUP(freep) char *text = report_text(&r);

		if (e != 0 || strcmp(text, warnings[i].want))
			fail_msg("%s: returns %d\n  got  %s\n  want %s", warnings[i].name, e, text, warnings[i].want);
		config_report_done(&r);
		gateway_free(g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_gateway_values),
		cmocka_unit_test(test_enabled),
		cmocka_unit_test(test_inherited),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_warnings),
	};

	return cmocka_run_group_tests_name("config/verification", tests, tree_setup, tree_teardown);
}

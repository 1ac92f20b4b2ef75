/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * doc - a trunk and a gateway as JSON that give every key, and reading such documents both ways.
 */
#ifndef SIPSEAL_TEST_DOC_H
#define SIPSEAL_TEST_DOC_H

#include "report.h"
#include "tree.h"

#include <jansson.h>

#include "config/node.h"
#include "config/store.h"

#define DOC_NICS "\"interfaces\": [{\"name\": \"eth0\", \"side\": \"core\"}, {\"name\": \"eth1\", \"side\": \"carrier\"}]"

/* numbers.txt and the certificates are not opened, but for numbers_file: doc_world() makes it. */
static const char doc_trunk[] =
	"{\"name\": \"acme\", \"mode\": \"observe\","
	" \"carrier\": {\"peers\": [\"203.0.113.10:5060\", \"[2001:db8::10]:5061\", \"198.51.100.0/28\"]},"
	" \"core\": {\"peers\": [\"10.0.0.0/24\", \"10.1.2.3\"]},"
	" \"certificates\": {\"cert_path\": \"a.pem\", \"key_path\": \"b.pem\", \"x5u\": \"https://cert.example/c\"},"
	" \"attestation\": \"A\","
	" \"numbers\": [\"+18005550100\", \"+1212555*\", \"+13125550000-+13125559999\"],"
	" \"numbers_file\": \"numbers.txt\", \"attestation_other\": \"C\", \"on_unsignable\": \"reject\","
	" \"existing_identity\": \"trust\", \"origid\": \"of-acme\", \"default_country_code\": \"1\","
	" \"number_rules\": [{\"prefix\": \"011\", \"replace\": \"+\"}, {\"prefix\": \"9\", \"replace\": \"\"}],"
	" \"orig_from\": [\"from\", \"rpid\"], \"dest_from\": [\"request_uri\"],"
	" \"pai\": {\"mode\": \"keep\", \"domain\": \"example.net\", \"default_number\": \"+18005550100\","
	"  \"restricted\": \"keep\", \"add_privacy_none\": false},"
	" \"privacy\": \"id\", \"freshness_s\": 90, \"max_cps\": 250,"
	" \"verification\": {\"enabled\": false, \"on_failure\": \"reject\", \"on_missing\": \"reject\","
	"  \"result_header\": \"X-Verified\", \"verstat\": \"from\", \"carrier_verstat\": \"strip\", \"trust_pai\": false,"
	"  \"replay\": \"ignore\", \"display_label\": {\"A\": \"[A]\", \"B\": \"[B]\", \"C\": \"[C]\", \"failed\": \"FAKE?\","
	"   \"missing\": \"?\"}, \"wait_ms\": 250},"
	" \"extras\": {\"attestation\": \"A\", \"geolocation\": {"
	"  \"default_civic_address\": {\"country\": \"US\", \"region\": \"CA\", \"county\": \"X\", \"city\": \"San Jos\\u00e9\","
	"   \"street\": \"1 Market Street\", \"postal\": \"94105\", \"building\": \"B\", \"floor\": \"2\", \"unit\": \"3\","
	"   \"room\": \"4\", \"landmark\": \"by the \\\"sea\\\"\"},"
	"  \"geo_priv_routing\": \"none\", \"attach\": \"emergency\", \"existing\": \"replace\", \"pidf\": \"legacy\"}}}";

static const char doc_gateway[] =
	"{\"gateway\": {\"mode\": \"routed\", " DOC_NICS ", \"xdp_mode\": \"generic\", \"fast_path\": \"kernel\","
	" \"on_signer_failure\": \"pass\", \"withhold_options\": false, \"heartbeat_ms\": 700, \"unmatched_invite\": \"drop\","
	" \"other_transports\": \"drop\", \"sip_ports\": [5060, 5080], \"emergency_numbers\": [\"911\", \"110\"],"
	" \"workers\": 3, \"umem_frames\": 1024, \"idle\": \"spin\", \"bpffs\": \"/run/x\"},"
	" \"control\": {\"socket\": \"/run/c.sock\", \"metrics\": \"[::1]:99\", \"events_file\": \"/var/log/e\"},"
	" \"regulatory\": {\"enabled\": false},"
	" \"certificates\": {\"root\": \"/sti\", \"cert_path\": \"c\", \"key_path\": \"k\", \"x5u\": \"https://x/y\","
	"  \"trust_anchors\": \"anchors\", \"crl\": {\"path\": \"crl.pem\", \"url\": \"https://crl.example/list.crl\","
	"   \"policy\": \"hard\"}, \"profile\": \"stir\"},"
	" \"fetch\": {\"https_ca\": \"/etc/ca.pem\", \"timeout_ms\": 700, \"allow_private_addresses\": true,"
	"  \"cache_dir\": \"/var/cache/x\"},"
	" \"defaults\": {\"privacy\": \"off\"}, \"trunks_dir\": \"/\", \"trunks\": []}";

static inline json_t *doc_parse(const char *text)
{
	json_error_t e;
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &e);

	if (!j)
		fail_msg("%s: %s", text, e.text);
	return j;
}

/* The value at a dotted path; NULL: none. */
static inline json_t *doc_get(json_t *doc, const char *dotted)
{
	char part[64];

	while (doc && *dotted) {
		size_t len = strcspn(dotted, ".");

		snprintf(part, sizeof(part), "%.*s", (int)len, dotted);
		doc = json_object_get(doc, part);
		dotted += len + (dotted[len] == '.');
	}
	return doc;
}

/* Takes @value; objects on the way are made. */
static inline void doc_set(json_t *doc, const char *dotted, json_t *value)
{
	char part[64];

	for (size_t len; (len = strcspn(dotted, ".")), dotted[len]; dotted += len + 1) {
		snprintf(part, sizeof(part), "%.*s", (int)len, dotted);
		if (!json_is_object(json_object_get(doc, part)))
			json_object_set_new(doc, part, json_object());
		doc = json_object_get(doc, part);
	}
	assert_int_equal(json_object_set_new(doc, dotted, value), 0);
}

/* A configuration with certificates.root in the tree, in which numbers.txt is; also beside the main file. */
static inline struct config *doc_world(const struct tree *t, const char *more)
{
	struct config_report r = { 0 };
	struct config *c = NULL;
	char text[2048];

	tree_mkdir(t, "sti");
	tree_mkdir(t, "trunks");
	tree_put(t, "sti/numbers.txt", "+19005550100\n");
	tree_put(t, "numbers.txt", "+19005550100\n");
	snprintf(text, sizeof(text), HEAD_GATEWAY "trunks_dir: trunks\ncertificates: { root: sti, cert_path: c.pem, "
		 "key_path: k.pem, x5u: 'https://cert.example/c.pem' }\n%s", more);
	if (config_open(tree_put(t, "s.yaml", text), &c, &r) < 0)
		fail_msg("%s", report_text(&r));
	config_report_done(&r);
	return c;
}

/* By the way of the control socket.  Return: as config_trunk(); -EINVAL from the JSON, too. */
static inline int doc_json(const struct config *c, const json_t *doc, struct trunk **ret, struct config_report *r)
{
	struct node_tree *tree = NULL;
	const struct node *root = NULL;
	int e = node_from_json(doc, r, &tree, &root);

	if (e == 0)
		e = config_trunk(c, "/trunks/acme.yaml", root, ret, r);
	node_tree_free(tree);
	return e;
}

/* By the way of a file. */
static inline int doc_yaml(const struct tree *t, const struct config *c, const char *text, struct trunk **ret,
			   struct config_report *r)
{
	bool is_ours;

	return config_trunk_file(c, tree_put(t, "trunks/acme.yaml", text), ret, &is_ours, r);
}

/** doc_setup() - group fixture: a tree of files with doc_world() in it; tree_teardown() after config_close(). */
static inline int doc_setup(void **state, struct tree **ret_tree, struct config **ret_config)
{
	if (tree_setup(state) < 0)
		return -1;
	*ret_tree = *state;
	*ret_config = doc_world(*ret_tree, "");
	return 0;
}

#endif

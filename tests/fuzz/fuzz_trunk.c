// SPDX-License-Identifier: BSD-2-Clause
/*
 * A trunk as the control socket takes it: JSON.  Invariants: it is refused exactly when the report has an
 * error, and then nothing is given; every message is printable; what is taken is the same trunk when it was
 * written as YAML and read again, and is taken again as it is rendered.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/node.h"
#include "config/render.h"
#include "config/store.h"

#define FILE_NAME "/nosuch/trunk.yaml"

static const char text[] =
	"gateway: { interfaces: [{ name: a, side: core }, { name: b, side: carrier }] }\n"
	"certificates: { root: /nosuch, cert_path: c, key_path: k, x5u: 'https://cert.example/c' }\n"
	"trunks_dir: /\n"
	"defaults:\n"
	"  default_country_code: 1\n"
	"  number_rules: [{ prefix: '011', replace: '+' }]\n"
	"  extras: { geolocation: { default_civic_address: { country: US, region: CA, city: X, street: Y } } }\n";

static void check_messages(const struct config_report *r)
{
	for (size_t i = 0; i < r->cnt; i++) {
		CLEANUP(freep) char *line = config_message_format(&r->m[i]);

		assert(line && *line);
		for (const char *p = line; *p; p++)
			assert(*p >= 0x20 && *p <= 0x7e);
	}
}

static struct trunk *read_json(const struct config *c, const json_t *json, struct config_report *r)
{
	CLEANUP(node_tree_freep) struct node_tree *tree = NULL;
	const struct node *root = NULL;
	struct trunk *t = NULL;
	int e = node_from_json(json, r, &tree, &root);

	assert(e == 0 || e == -EINVAL);
	assert((e == 0) == (tree != NULL) && (e == 0) == (r->error_cnt == 0));
	if (e < 0)
		return NULL;
	e = config_trunk(c, FILE_NAME, root, &t, r);
	assert(e == 0 || e == -EINVAL);
	assert((e == 0) == (t != NULL) && (e == 0) == (r->error_cnt == 0));
	return t;
}

/* A file has no dotted keys. */
static json_t *without_dots(const json_t *json)
{
	CLEANUP(node_tree_freep) struct node_tree *tree = NULL;
	const struct node *root = NULL;
	struct config_report r = { 0 };

	assert(node_from_json(json, &r, &tree, &root) == 0);
	return node_to_json(root);
}

/* The way over the file. */
static void check_stored(const struct config *c, const json_t *json, const struct trunk *want)
{
	json_t *nested = without_dots(json);
	CLEANUP(freep) char *yaml = store_emit(nested);
	CLEANUP(node_tree_freep) struct node_tree *tree = NULL;
	CLEANUP(trunk_freep) struct trunk *t = NULL;
	const struct node *root = NULL;
	struct config_report r = { 0 };

	assert(yaml && node_parse_yaml(FILE_NAME, yaml, strlen(yaml), &r, &tree, &root) == 0);
	assert(config_trunk(c, FILE_NAME, root, &t, &r) == 0);
	assert(memcmp(t->digest, want->digest, sizeof(t->digest)) == 0);
	config_report_done(&r);
	json_decref(nested);
}

static void check_rendered(const struct config *c, const struct trunk *t)
{
	json_t *first = render_trunk(t), *second;
	struct config_report r = { 0 };
	struct trunk *again;

	assert(first);
	if (t->number_cnt <= RENDER_NUMBERS_MAX) {
		again = read_json(c, first, &r);
		assert(again);
		second = render_trunk(again);
		assert(json_equal(first, second));
		json_decref(second);
		trunk_free(again);
	}
	json_decref(first);
	config_report_done(&r);
}

static void check_trunk(const struct config *c, const json_t *json)
{
	struct config_report r = { 0 };
	struct trunk *t = read_json(c, json, &r);

	check_messages(&r);
	if (t) {
		assert(*t->name && t->carrier_cnt && t->is_managed && strcmp(t->file, FILE_NAME) == 0);
		check_stored(c, json, t);
		check_rendered(c, t);
	}
	trunk_free(t);
	config_report_done(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config *c;
	struct config_report r = { 0 };
	json_t *json;

	if (!c)
		assert(config_open_buffer("/fuzz.yaml", text, sizeof(text) - 1, &c, &r) == 0);
	config_report_done(&r);
	json = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (json)
		check_trunk(c, json);
	json_decref(json);
	return 0;
}

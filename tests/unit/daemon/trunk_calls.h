/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trunk_calls - the calls of daemon/trunks.h with their bodies as text and the expected code.
 */
#ifndef SIPSEAL_TEST_TRUNK_CALLS_H
#define SIPSEAL_TEST_TRUNK_CALLS_H

#include "changes.h"

#define ACME                                                                                       \
	"{\"name\":\"acme\",\"carrier\":{\"peers\":[\"" ACME_PEER "\"]},\"attestation\":\"A\","    \
	"\"numbers\":[\"+18005550100\"]}"
#define HAND "name: hand\ncarrier: { peers: [203.0.113.20] }\nattestation: none # by hand\n"

static inline json_t *parse(const char *text)
{
	json_error_t e;
	json_t *j = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);

	if (!j)
		fail_msg("test JSON: %s in %s", e.text, text);
	return j;
}

/* The calls with the body as text; the fault stays in @f. */
static inline int add(const char *text, struct fault *f)
{
	json_t *body = parse(text);
	int r = trunks_add(&world->d, body, f);

	json_decref(body);
	return r;
}

static inline int patch(const char *name, const char *text, struct fault *f)
{
	json_t *body = parse(text);
	int r = trunks_patch(&world->d, name, body, f);

	json_decref(body);
	return r;
}

static inline void expect(const char *what, int r, const struct fault *f, const char *code)
{
	if (code ? r != -EINVAL || !f->code || strcmp(f->code, code) : r != 0 || f->code) {
		print_report(what, f);
		fail_msg("%s: returns %d, want %s", what, r, code ? code : "success");
	}
}

static inline void add_as(const char *text, const char *code)
{
	struct fault f = { 0 };

	expect(text, add(text, &f), &f, code);
	fault_done(&f);
}

static inline void patch_as(const char *name, const char *text, const char *code)
{
	struct fault f = { 0 };

	expect(text, patch(name, text, &f), &f, code);
	fault_done(&f);
}

static inline void remove_as(const char *name, const char *code)
{
	struct fault f = { 0 };

	expect(name, trunks_remove(&world->d, name, &f), &f, code);
	fault_done(&f);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* reloads - reloads of the world of changes.h, dry and for good, and what they are expected to say. */
#ifndef TESTS_RELOADS_H
#define TESTS_RELOADS_H

#include "changes.h"

#include <stdlib.h>
#include <unistd.h>

#include "config/render.h"
#include "daemon/reload_diff.h"

#define TRUNK(name, peer, more)                                                                    \
	"name: " name "\ncarrier: { peers: [" peer "] }\nattestation: none\n" more
#define REPLACE_GATEWAY(more)                                                                      \
	"gateway: { interfaces: [{ name: eth0, side: core }, { name: eth1, side: carrier }]" more  \
	" }\n"                                                                                     \
	"control: { metrics: 'off' }\n"                                                            \
	"certificates: { root: sti, cert_path: c.pem, key_path: k.pem, x5u: "                      \
	"'https://cert.example/c.pem' }\n"                                                         \
	"trunks_dir: trunks.d\n"

/* A reload that is expected to end with @code (NULL: well); the answer, or NULL. */
static inline json_t *reload_as(const char *what, bool want_dry, const char *code, struct fault *f)
{
	json_t *answer = NULL;
	int r = reload(&world->d, want_dry, &answer, f);

	if (code ? r != -EINVAL || !f->code || strcmp(f->code, code) || answer
		 : r != 0 || f->code || !answer) {
		print_report(what, f);
		fail_msg("%s: returns %d, want %s", what, r, code ? code : "success");
	}
	return answer;
}

/* The four parts of an answer that say what differs, as one text. */
static inline char *parts(const json_t *answer)
{
	json_t *all = json_object();
	char *text;

	for (const char *const *k =
		     (const char *const[]){ "added", "removed", "changed", "gateway", NULL };
	     *k; k++)
		json_object_set(all, *k, json_object_get(answer, *k));
	text = json_dumps(all, JSON_COMPACT);
	json_decref(all);
	return text;
}

static inline bool is_integer(const json_t *answer, const char *key, json_int_t want)
{
	return json_integer_value(json_object_get(answer, key)) == want;
}

/* Dry first, then for good: both say @want. */
static inline void reload_says(const char *what, const char *want)
{
	unsigned changes = world->changes;
	uint32_t generation = world->d.generation;
	struct config *config = world->d.config;
	json_t *wanted = json_loads(want, 0, NULL);

	assert_non_null(wanted);
	for (int want_dry = 1; want_dry >= 0; want_dry--) {
		struct fault f = { 0 };
		json_t *answer = reload_as(what, want_dry, NULL, &f);
		char *text = parts(answer);
		json_t *got = json_loads(text, 0, NULL);

		if (!json_equal(got, wanted))
			fail_msg("%s: %s run says\n%s, want\n%s", what, want_dry ? "dry" : "real",
				 text, want);
		assert_true(json_is_array(json_object_get(answer, "warnings")));
		assert_int_equal(json_is_true(json_object_get(answer, "applied")), !want_dry);
		assert_true(is_integer(answer, "generation", generation + !want_dry));
		assert_int_equal(world->d.generation, generation + !want_dry);
		assert_int_equal(world->d.config == config, want_dry);
		assert_true(world->want_certificates);
		assert_true(world->has_config);
		json_decref(got);
		free(text);
		json_decref(answer);
		fault_done(&f);
	}
	assert_int_equal(world->changes, changes + 2);
	json_decref(wanted);
}

#define SAME ",\"gateway\":[]}"

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* docs/sipseal.yaml.5.md has every key and every word that the schema takes, and no other key. */
#include "guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/keys.h"

#define MANUAL   "docs/sipseal.yaml.5.md" /* tests run in the top directory */
#define TERM_MAX 160

/* A term of the page and what is said of it. */
static struct term {
	char key[96];       /* dotted; of a trunk without prefix */
	bool is_trunk, is_seen;
	char *text;         /* shared by the terms of one line; the defaults in the term line included */
} terms[TERM_MAX];
static size_t term_cnt;

/* "**certificates.cert_path**, **key_path** (none)": the second inherits what stands before the dot. */
static void add_terms(const char *line, bool is_trunk, char *text)
{
	char prefix[64] = "";

	for (const char *p = line; (p = strstr(p, "**")); ) {
		const char *end = strstr(p + 2, "**"), *dot;
		struct term *t = &terms[term_cnt++];

		assert_non_null(end);
		assert_true(term_cnt < TERM_MAX);
		snprintf(t->key, sizeof(t->key), "%.*s", (int)(end - p - 2), p + 2);
		dot = strrchr(t->key, '.');
		if (dot)
			snprintf(prefix, sizeof(prefix), "%.*s", (int)(dot - t->key + 1), t->key);
		else if (*prefix && p != line)
			snprintf(t->key, sizeof(t->key), "%s%.*s", prefix, (int)(end - p - 2), p + 2);
		t->is_trunk = is_trunk;
		t->text = text;
		p = end + 2;
	}
}

static int read_manual(void **state)
{
	bool is_key_part = false, is_trunk = false;
	char *line = NULL, *text = NULL;
	size_t cap = 0;
	FILE *f = fopen(MANUAL, "r");

	(void)state;
	if (!f)
		return -1;
	while (getline(&line, &cap, f) > 0) {
		if (strncmp(line, "## ", 3) == 0) {
			is_trunk = strcmp(line, "## A TRUNK\n") == 0;
			is_key_part = is_trunk || strcmp(line, "## THE GATEWAY\n") == 0;
		} else if (is_key_part && strncmp(line, "**", 2) == 0) {
			text = calloc(1, 4096);
			strcat(text, line);
			add_terms(line, is_trunk, text);
		} else if (is_key_part && text && strlen(text) + strlen(line) < 4096) {
			strcat(text, line);
		}
	}
	free(line);
	fclose(f);
	return term_cnt ? 0 : -1;
}

static int free_manual(void **state)
{
	(void)state;
	for (size_t i = 0; i < term_cnt; i++)
		if (!i || terms[i].text != terms[i - 1].text)
			free(terms[i].text);
	return 0;
}

static struct term *find(const char *key, bool is_trunk)
{
	for (size_t i = 0; i < term_cnt; i++)
		if (terms[i].is_trunk == is_trunk && strcmp(terms[i].key, key) == 0)
			return &terms[i];
	return NULL;
}

static void check_words(const struct term *t, const struct schema_word *w)
{
	char quoted[64];

	for (; w->word; w++) {
		snprintf(quoted, sizeof(quoted), "`%s`", w->word);
		if (!strstr(t->text, quoted))
			fail_msg("%s: the word %s is not there", t->key, w->word);
	}
}

static void check_keys(const struct schema_key *k, bool is_trunk, const char *prefix)
{
	for (; k->name; k++) {
		char key[128];
		struct term *t;

		snprintf(key, sizeof(key), "%s%s%s", prefix, *prefix ? "." : "", k->name);
		if (k->type == SCHEMA_MAP) {
			check_keys(k->keys, is_trunk, key);
			continue;
		}
		t = find(key, is_trunk);
		/* the same key in another place is told with the first */
		if (!t && is_trunk && strcmp(key, "extras.attestation") == 0 &&
		    strstr(find("attestation", true)->text, "`extras.attestation`"))
			continue;
		if (!t)
			fail_msg("%s is not in " MANUAL, key);
		t->is_seen = true;
		if (k->type == SCHEMA_WORD)
			check_words(t, k->words);
	}
}

static void test_every_key(void **state)
{
	(void)state;
	check_keys(keys_file, false, "");
	check_keys(keys_trunk, true, "");
	for (size_t i = 0; i < term_cnt; i++)
		if (!terms[i].is_seen)
			fail_msg("%s is in " MANUAL ", but no key", terms[i].key);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_key) };

	return cmocka_run_group_tests(tests, read_manual, free_manual);
}

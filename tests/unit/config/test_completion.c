// SPDX-License-Identifier: BSD-2-Clause
/* conf/completion/sipseal has every key that a trunk takes, every command of the manual, and offers
 * the right words at each place. */
#include "guard.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/keys.h"
#include "location/civic.h"

#define SCRIPT "conf/completion/sipseal" /* tests run in the top directory */
#define MANUAL "docs/sipseal.1.md"
#define LINES_MAX 200

struct lines {
	char *line[LINES_MAX];
	size_t cnt;
};

static void add_line(struct lines *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add_line(struct lines *l, const char *fmt, ...)
{
	va_list ap;

	assert_true(l->cnt < LINES_MAX);
	va_start(ap, fmt);
	assert_true(vasprintf(&l->line[l->cnt++], fmt, ap) >= 0);
	va_end(ap);
}

static void free_lines(struct lines *l)
{
	while (l->cnt)
		free(l->line[--l->cnt]);
}

static bool has_line(const struct lines *l, const char *line)
{
	for (size_t i = 0; i < l->cnt; i++)
		if (strcmp(l->line[i], line) == 0)
			return true;
	return false;
}

static void compare(const char *what, const struct lines *got, const char *of,
		    const struct lines *want)
{
	for (size_t i = 0; i < want->cnt; i++)
		if (!has_line(got, want->line[i]))
			fail_msg("%s misses %s", what, want->line[i]);
	for (size_t i = 0; i < got->cnt; i++)
		if (!has_line(want, got->line[i]))
			fail_msg("%s has %s, which is not in %s", what, got->line[i], of);
	assert_int_equal(got->cnt, want->cnt);
}

/* Output of a bash that has read the script. */
static void bash(const char *text, struct lines *ret)
{
	char command[2048], line[512];
	FILE *f;

	assert_true((size_t)snprintf(command, sizeof(command), "bash -u -c '. " SCRIPT "; %s'",
				     text) < sizeof(command));
	f = popen(command, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (*line)
			add_line(ret, "%s", line);
	}
	assert_int_equal(pclose(f), 0);
}

/* ---- keys ---- */

static void add_words(struct lines *l, const char *path, const struct schema_word *w)
{
	char text[256] = "";

	for (; w->word; w++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", *text ? "|" : "=",
			 w->word);
	add_line(l, "%s%s", path, text);
}

static void add_keys(struct lines *l, const char *outer, const struct schema_key *k)
{
	char path[128];

	for (; k->name; k++) {
		snprintf(path, sizeof(path), "%s%s%s", outer, *outer ? "." : "", k->name);
		if (strcmp(k->name, "default_civic_address") == 0) {
			for (const char *const *c = civic_keys(); *c; c++)
				add_line(l, "%s.%s", path, *c);
		} else if (k->type == SCHEMA_MAP) {
			add_keys(l, path, k->keys);
		} else if (k->type == SCHEMA_WORD) {
			add_words(l, path, k->words);
		} else if (k->type == SCHEMA_BOOL) {
			add_line(l, "%s=true|false", path);
		} else {
			add_line(l, "%s", path);
		}
	}
}

static void test_keys(void **state)
{
	struct lines got = { .cnt = 0 }, want = { .cnt = 0 };

	(void)state;
	bash("echo \"$_sipseal_keys\"", &got);
	add_keys(&want, "", keys_trunk);
	compare(SCRIPT, &got, "the schema", &want);
	free_lines(&got);
	free_lines(&want);
}

/* ---- commands ---- */

/* "**trunk show** *NAME*" -> "trunk show"; "trunk show TRUNK" -> the same. */
static void add_command(struct lines *l, const char *line)
{
	size_t len = 0, word;

	for (;;) {
		word = strspn(line + len, "abcdefghijklmnopqrstuvwxyz");
		if (!word || (line[len + word] && !strchr(" *", line[len + word])))
			break;
		len += word;
		if (line[len] != ' ')
			break;
		len++;
	}
	while (len && line[len - 1] == ' ')
		len--;
	add_line(l, "%.*s", (int)len, line);
}

static void test_commands(void **state)
{
	struct lines all = { .cnt = 0 }, got = { .cnt = 0 }, want = { .cnt = 0 };
	FILE *f = fopen(MANUAL, "r");
	bool is_commands = false;
	char *line = NULL;
	size_t cap = 0;

	(void)state;
	assert_non_null(f);
	while (getline(&line, &cap, f) > 0) {
		if (strncmp(line, "## ", 3) == 0)
			is_commands = strcmp(line, "## COMMANDS\n") == 0;
		else if (is_commands && strncmp(line, "**", 2) == 0)
			add_command(&want, line + 2);
	}
	free(line);
	fclose(f);
	bash("echo \"$_sipseal_commands\"", &all);
	for (size_t i = 0; i < all.cnt; i++)
		add_command(&got, all.line[i]);
	compare(SCRIPT, &got, MANUAL, &want);
	free_lines(&all);
	free_lines(&got);
	free_lines(&want);
}

/* ---- what is offered ---- */

/* A daemon with two trunks, if asked with the right socket; the line, and the answer in one line.
 */
#define COMPLETE                                                                                   \
	"sipseal() { [[ $* == \"${want}trunk list -j\" ]] && echo \"[{\\\"name\\\": \\\"acme\\\"," \
	"\\\"peers\\\":[\\\"x\\\"]},{\\\"name\\\":\\\"b.c\\\"}]\"; }; want=\"%s\"; "               \
	"COMP_WORDBREAKS=\" =:\"; COMP_LINE=\"%s\"; COMP_POINT=${#COMP_LINE}; _sipseal; echo "     \
	"\"${COMPREPLY[*]-}\""

static void test_offers(void **state)
{
	static const struct {
		const char *line, *offers, *socket;
	} cases[] = {
		{ "sipseal ", "status stats trunk config cert events capture call regulatory explain" },
		{ "sipseal st", "status stats" },
		{ "sipseal nothing ", "" },
		{ "sipseal trunk ", "list show add set remove export" },
		{ "sipseal trunk s", "show set" },
		{ "sipseal trunk show ", "acme b.c" },
		{ "sipseal trunk show b", "b.c" },
		{ "sipseal trunk show acme ", "" },
		{ "sipseal trunk add ", "" },
		{ "sipseal trunk add new pai.d", "pai.domain= pai.default_number=" },
		{ "sipseal trunk add new attestation=", "A B C none" },
		{ "sipseal trunk set acme mode=o", "observe" },
		{ "sipseal trunk set acme mode=observe priv", "privacy=" },
		{ "sipseal trunk set acme pai.add_privacy_none=", "true false" },
		{ "sipseal trunk set acme freshness_s=", "" },
		{ "sipseal trunk set acme --unset pai.m", "pai.mode" },
		{ "sipseal trunk set acme --unset pai.mode mo", "mode=" },
		{ "sipseal trunk set acme --u", "--unset" },
		{ "sipseal capture --trunk ", "acme b.c" },
		{ "sipseal capture --s", "--seconds --socket" },
		{ "sipseal -s /s trunk remove ", "acme b.c", "-s /s " },
		{ "sipseal --socket=/s -j trunk export a", "acme", "-s /s " },
		{ "sipseal cert reload --trunk ", "acme b.c" },
		{ "sipseal cert r", "reload request" },
		{ "sipseal events --", "--follow --trunk --json --socket --help" },
		{ "sipseal events --follow --trunk b", "b.c" },
		{ "sipseal regulatory ", "on off" },
		{ "sipseal regulatory of", "off" },
		{ "sipseal config ", "reload check" },
		{ "sipseal config reload --d", "--dry-run" },
		{ "sipseal config check conf/sip", "conf/sipseal.yaml" },
		{ "sipseal explain --output ", "sip" },
		{ "sipseal call override --l", "--lifetime" },
		{ "sipseal *; ", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lines got = { .cnt = 0 };
		char text[1024];

		snprintf(text, sizeof(text), COMPLETE, cases[i].socket ? cases[i].socket : "",
			 cases[i].line);
		bash(text, &got);
		if (strcmp(got.cnt ? got.line[0] : "", cases[i].offers))
			fail_msg("%s: offers \"%s\", want \"%s\"", cases[i].line,
				 got.cnt ? got.line[0] : "", cases[i].offers);
		free_lines(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

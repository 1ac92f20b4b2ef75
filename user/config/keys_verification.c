// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "config/keys.h"
#include "config/render.h"
#include "config/text.h"

#define AT(member) SCHEMA_MEMBER(struct trunk, verification.member)
#define WORD(key, member, list) { .name = key, .type = SCHEMA_WORD, AT(member), .words = list }

static const struct schema_word action_words[] = {
	{ "tag", VERIFY_TAG }, { "reject", VERIFY_REJECT }, { NULL, 0 },
};

static const struct schema_word verstat_words[] = {
	{ "off", VERSTAT_OFF }, { "pai", VERSTAT_PAI }, { "from", VERSTAT_FROM },
	{ NULL, 0 },
};

static const struct schema_word foreign_words[] = {
	{ "keep", VERSTAT_KEEP }, { "strip", VERSTAT_STRIP }, { NULL, 0 },
};

static const struct schema_word replay_words[] = {
	{ "fail", REPLAY_FAIL }, { "ignore", REPLAY_IGNORE }, { NULL, 0 },
};

static void set_header(struct load *l, const struct schema_key *k, const struct node *n, void *target)
{
	const char *s = schema_text(l, n, k->allowed), *wrong = NULL;
	char **header = &((struct trunk *)target)->verification.result_header;

	if (!s)
		return;
	if (strcmp(s, "off") == 0) {
		free(*header);
		*header = NULL;
		return;
	}
	if (!*s)
		wrong = "is empty";
	else if (strlen(s) > VERIFY_HEADER_MAX)
		wrong = "is too long";
	else
		wrong = text_header(s);
	if (wrong)
		load_error(l, n, QUOTE_FMT " %s, allowed: %s", s, wrong, k->allowed);
	else
		load_strdup(l, header, s);
}

static json_t *get_header(const void *trunk)
{
	const char *header = ((const struct trunk *)trunk)->verification.result_header;

	return render_text(header ? header : "off");
}

#define LABEL(key, which) { .name = key, .type = SCHEMA_STRING, AT(label[which]), .max = VERIFY_LABEL_MAX, \
			    .check = text_label, \
			    .allowed = "up to 32 printable ASCII characters, no quote, no backslash" }
_Static_assert(VERIFY_LABEL_MAX == 32, "what messages say");

static const struct schema_key label_keys[] = {
	LABEL("A", LABEL_A), LABEL("B", LABEL_B), LABEL("C", LABEL_C), LABEL("failed", LABEL_FAILED),
	LABEL("missing", LABEL_MISSING),
	{ .name = NULL },
};

const struct schema_key keys_verification[] = {
	{ .name = "enabled", .type = SCHEMA_BOOL, AT(is_enabled) },
	WORD("on_failure", on_failure, action_words),
	WORD("on_missing", on_missing, action_words),
	{ .name = "result_header", .type = SCHEMA_CUSTOM, .set = set_header, .get = get_header,
	  .allowed = "off, or up to 64 characters of a header field that SIP does not know" },
	WORD("verstat", verstat, verstat_words),
	WORD("carrier_verstat", carrier_verstat, foreign_words),
	{ .name = "trust_pai", .type = SCHEMA_BOOL, AT(trust_pai) },
	WORD("replay", replay, replay_words),
	{ .name = "display_label", .type = SCHEMA_MAP, .keys = label_keys },
	{ .name = "wait_ms", .type = SCHEMA_UINT, AT(wait_ms), .max = VERIFY_WAIT_MAX_MS },
	{ .name = NULL },
};
_Static_assert(VERIFY_HEADER_MAX == 64, "what messages say");

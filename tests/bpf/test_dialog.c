// SPDX-License-Identifier: BSD-2-Clause
/*
 * What XDP takes for a request inside a dialog must be what the signer would leave unchanged, or somebody
 * could carry an initial INVITE past it.  Random To rows from the bytes that matter, XDP against the parser.
 */
#include "gateway_setup.h"

#include "base/reason.h"
#include "sip/message.h"
#include "sip/uri.h"

#define ROUNDS 20000

static uint32_t seed = 12345;

static uint32_t next_random(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

/* Pieces, so that legal rows are common among the illegal ones. */
static size_t random_row(char *dst)
{
	static const char *const pieces[] = {
		"<sip:x@y>", ";tag=1", "<sip:", ">", "\"", ";", "tag", "=", "a", " ", "\t", ",", "\\", "1", "\r\n ",
		"\"q\"", ";a=b", "<", "sip:x@y", "\r", "\n", "\r\n", ":", ";tag=", "@",
	};
	static const char *const starts[] = { "", "", "<sip:x@y>", "\"q>;tag=1\" <sip:x@y>", "a <sip:x@y>",
					      "<sip:x@y>;a=\"" };
	size_t n = (size_t)sprintf(dst, "%s", starts[next_random(ARRAY_SIZE(starts))]);

	for (uint32_t i = next_random(5); i; i--) {
		const char *p = pieces[next_random(ARRAY_SIZE(pieces))];

		memcpy(dst + n, p, strlen(p));
		n += strlen(p);
	}
	dst[n] = '\0';
	return n;
}

/* engine/call.c decides alike: parse, From and To, tag. */
static bool is_left_unchanged(const char *text)
{
	static struct sip_message m;
	struct slice value, tag;
	struct sip_addr to;
	struct sip_uri uri;

	if (sip_message_parse(text, strlen(text), &m) != SR_NONE)
		return true;
	value = sip_message_first(&m, SIP_H_TO)->value;
	if (sip_addr_next(&value, &to) != 1 || slice_trim(value).len || sip_uri_parse(to.uri, &uri) < 0)
		return true;
	return sip_param_get(to.params, SLICE("tag"), &tag) >= 0;
}

static void test_agrees_with_the_parser(void **state)
{
	static const char *const names[] = { "To:", "t:", "To: ", "T : ", "TO:" };
	static struct frame f;
	static struct run r;
	unsigned dialogs = 0, tagged = 0;
	char row[256], text[1024];
	struct spec s = { .src = "10.0.1.5", .dst = "203.0.113.10", .text = text };
	uint64_t before[SR_XDP_MAX], after[SR_XDP_MAX];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 100 == 0)
			gateway_apply(0, 6); /* a fresh heartbeat */
		random_row(row);
		snprintf(text, sizeof(text),
			 "INVITE sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=2\r\n"
			 "%s%s\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
			 names[next_random(ARRAY_SIZE(names))], row);
		frame_build(&f, &s);
		assert_int_equal(bpfgw_counters(gw, CORE, before), 0);
		gateway_run(&f, CORE, 0, &r);
		assert_int_equal(bpfgw_counters(gw, CORE, after), 0);
		tagged += is_left_unchanged(text);
		if (after[SR_DIALOG] == before[SR_DIALOG]) {
			for (unsigned k = 0; k < SR_XDP_MAX; k++)
				if (after[k] != before[k] && k != SR_STEERED)
					fail_msg("counted %s:\n%s", reason_token(k), text);
			continue;
		}
		dialogs++;
		if (!is_left_unchanged(text))
			fail_msg("passed by XDP, but the signer would sign:\n%s", text);
	}
	print_message("%d rows: %u unchanged by the parser, %u of them seen by XDP\n", ROUNDS, tagged, dialogs);
	assert_true(dialogs > ROUNDS / 100); /* else the rows prove nothing */
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_agrees_with_the_parser) };
	int failed;

	lab_up();
	lab_network();
	gateway_open();
	failed = cmocka_run_group_tests_name("dialog", tests, NULL, NULL);
	gateway_close();
	return !!failed;
}

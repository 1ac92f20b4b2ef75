/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What does not fit: the message stays whole, or only the location stays away.
 */
#include "world.h"

/* At the limit of a datagram an edit that does not fit leaves the message whole. */
static void test_too_large(void **state)
{
	static struct world w;
	static char big[65507];
	size_t head = strlen(HEAD(URI, FROM, TO)), tail = strlen(SDP_TAIL), pad = sizeof(big) - head - tail;

	(void)state;
	memcpy(big, HEAD(URI, FROM, TO), head);
	memcpy(big + head, "X-Pad: ", 7);
	memset(big + head + 7, 'x', pad - 9);
	memcpy(big + head + pad - 2, "\r\n", 2);
	memcpy(big + head + pad, SDP_TAIL, tail);
	world_new(&w, NULL);
	world_run(&w, big, sizeof(big));
	assert_int_equal(w.out.reason, SR_OUTPUT_LIMIT);
	assert_int_equal(w.out.verdict, VERDICT_PASS);
	assert_int_equal(w.len, sizeof(big));
	world_free(&w);
}

/* @head, then @fill until the message with @tail has @len bytes. */
static void fill_message(char *dst, size_t len, const char *head, const char *tail)
{
	size_t h = strlen(head), t = strlen(tail);

	assert_true(h + t <= len);
	memcpy(dst, head, h);
	memset(dst + h, 'x', len - h - t);
	memcpy(dst + len - t, tail, t);
}

/* Nobody gets rows past us by sending many of them. */
static void test_many_rows(void **state)
{
	static char big[32768];
	static struct world w;

	(void)state;
	strcpy(big, HEAD(URI, FROM, TO));
	for (unsigned i = 0; i < 200; i++)
		strcat(big, i & 1 ? "X-STIR-A: 1\r\n" : "P-Asserted-Identity: <sip:+13125550100@x>\r\n");
	strcat(big, SDP_TAIL);
	world_new(&w, t_inside);
	world_run(&w, big, strlen(big));
	assert_int_equal(w.out.reason, SR_SIGNED);
	assert_null(memmem(w.bytes, w.len, "X-STIR", 6));
	assert_null(memmem(w.bytes, w.len, "13125550100", 11));
	world_free(&w);
}

/* What does not fit beside a location costs the location, not the signature. */
static void test_location_too_large(void **state)
{
	static const struct {
		const char *name, *head, *tail;
		size_t len;
	} big[] = {
		{ "row of the body over the arena", HEAD(URI, FROM, TO) "Content-Disposition: session;", "\r\n" SDP_TAIL,
		  ENGINE_ARENA_MAX + 1000 },
		{ "no room in the datagram", HEAD(URI, FROM, TO) "X-Pad: ", "\r\n" SDP_TAIL, 65507 - 700 },
	};
	static struct world w;
	static char msg[65507];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(big); i++) {
		fill_message(msg, big[i].len, big[i].head, big[i].tail);
		world_new(&w, t_geo);
		world_run(&w, msg, big[i].len);
		if (w.out.reason != SR_SIGNED || !(w.out.notes & EVENT_NOTE_LOCATION_SIZE) ||
		    w.out.notes & EVENT_NOTE_LOCATION)
			fail_msg("%s: %s, notes %x", big[i].name, reason_token(w.out.reason), w.out.notes);
		assert_null(memmem(w.bytes, w.len, "Geolocation", 11));
		assert_non_null(memmem(w.bytes, w.len, "\r\nIdentity: eyJ", 15));
		world_free(&w);
	}
}

/* A From host that is no host is not copied; a name of 255 bytes is. */
static void test_long_host(void **state)
{
	static char msg[32768];
	static struct world w;
	const char head[] = "INVITE " URI " SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1\r\nFrom: <sip:+12155550112@";
	const char tail[] = ">;tag=1\r\nTo: " TO "\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n" SDP_TAIL;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		static const size_t host[] = { 255, 256, 23000 };
		size_t len = sizeof(head) + sizeof(tail) - 2 + host[i];

		fill_message(msg, len, head, tail);
		world_new(&w, t_geo_host);
		world_run(&w, msg, len);
		assert_int_equal(w.out.reason, SR_SIGNED);
		assert_true(w.out.notes & EVENT_NOTE_LOCATION);
		assert_int_equal(!memmem(w.bytes, w.len, "<tel:+12155550112>", 18), host[i] == 255);
		world_free(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_many_rows),
		cmocka_unit_test(test_location_too_large),
		cmocka_unit_test(test_long_host),
	};

	return cmocka_run_group_tests_name("engine_limits", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "guard.h"

#include "base/cleanup.h"
#include "packet.h"
#include "wire/checksum.h"

static uint8_t data[65536 + 8];

static uint16_t plain(const void *p, size_t len)
{
	return htons((uint16_t)~packet_sum(0, p, len));
}

/* RFC 1071 s3 works this example out. */
static void test_example(void **state)
{
	static const uint8_t in[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	uint16_t sum = checksum_fold(checksum_add(0, in, sizeof(in)));

	(void)state;
	assert_int_equal(ntohs(sum), 0x220d); /* ~0xddf2 */
}

static void test_lengths(void **state)
{
	(void)state;
	for (size_t len = 0; len < 2000; len++) {
		struct guard g = guard_new(data + len, len);
		uint16_t got = checksum_fold(checksum_add(0, g.p, len));

		if (got != plain(g.p, len))
			fail_msg("%zu bytes: %04x", len, got);
		guard_free(&g);
	}
	for (size_t len = 65000; len <= 65535; len++) /* alignment changes with it */
		assert_int_equal(checksum_fold(checksum_add(0, data + len % 8, len)),
				 plain(data + len % 8, len));
}

static void test_pieces(void **state)
{
	(void)state;
	for (size_t a = 0; a < 64; a += 2)
		for (size_t b = 0; b < 64; b += 2)
			for (size_t c = 0; c < 20; c++) {
				uint64_t sum = checksum_add(0, data, a);

				sum = checksum_add(sum, data + a, b);
				sum = checksum_add(sum, data + a + b, c);
				assert_int_equal(checksum_fold(sum), plain(data, a + b + c));
			}
}

static void test_extremes(void **state)
{
	(void)state;
	memset(data, 0xff, sizeof(data));
	assert_int_equal(checksum_fold(checksum_add(0, data, 65535)), plain(data, 65535));
	assert_int_equal(checksum_fold(checksum_add(0, data, 2)), 0);
	assert_int_equal(checksum_fold(UINT64_MAX), 0);
	assert_int_equal(checksum_fold(0), 0xffff);
	/* each step of the folding carries */
	assert_int_equal(checksum_fold(0x00000001ffffffff), (uint16_t)~1);
	assert_int_equal(checksum_fold(0xffffffff0001fffe), (uint16_t)~0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_example),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_extremes),
	};

	srandom(1);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)random();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

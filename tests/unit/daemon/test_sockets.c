/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "daemon/sockets.h"

static const struct {
	const char *name;
	unsigned queues[2], workers;
	uint32_t frames;
	uint32_t fill[2]; /* of worker 0 and of the last one */
	uint32_t ring;
} cases[] = {
	{ "one queue each", { 1, 1 }, 1, 4096, { 1024, 1024 }, 1024 },
	{ "four queues, two workers", { 4, 4 }, 2, 4096, { 512, 512 }, 1024 },
	{ "uneven", { 3, 1 }, 2, 4096, { 512, 2048 }, 1024 }, /* 3 sockets, 1 socket */
	{ "small UMEM", { 4, 4 }, 2, 1024, { 128, 128 }, 1024 },
	{ "tiny UMEM", { 1, 1 }, 1, 64, { 16, 16 }, 64 },
	{ "too many queues", { 64, 64 }, 1, 1024, { 0, 0 }, 1024 },
	{ "just enough", { 64, 64 }, 1, 4096, { 16, 16 }, 1024 },
	{ "large UMEM is capped", { 1, 1 }, 1, 65536, { 2048, 2048 }, 1024 },
};

static void test_ring_sizes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct nic nics[] = { { .queues = cases[i].queues[0] },
					    { .queues = cases[i].queues[1] } };
		const struct sockets_plan plan = { .nics = nics,
						   .nic_cnt = 2,
						   .workers = cases[i].workers,
						   .frames = cases[i].frames };
		uint32_t first = sockets_fill_size(&plan, 0);
		uint32_t last = sockets_fill_size(&plan, cases[i].workers - 1);

		if (first != cases[i].fill[0] || last != cases[i].fill[1])
			fail_msg("%s: fill %u, %u", cases[i].name, first, last);
		if (sockets_ring_size(&plan) != cases[i].ring)
			fail_msg("%s: ring %u", cases[i].name, sockets_ring_size(&plan));
	}
}

/* All fill rings of a worker together leave half of the frames for sending. */
static void test_umem_suffices(void **state)
{
	(void)state;
	for (unsigned q0 = 1; q0 <= 16; q0++) {
		for (unsigned q1 = 1; q1 <= 16; q1++) {
			const struct nic nics[] = { { .queues = q0 }, { .queues = q1 } };
			struct sockets_plan plan = { .nics = nics, .nic_cnt = 2, .frames = 1024 };
			unsigned max = q0 > q1 ? q0 : q1;

			for (plan.workers = 1; plan.workers <= max; plan.workers++) {
				for (unsigned w = 0; w < plan.workers; w++) {
					unsigned cnt = 0;

					for (unsigned q = w; q < max; q += plan.workers)
						cnt += (q < q0) + (q < q1);
					assert_true(cnt * sockets_fill_size(&plan, w) <= 512);
					assert_true(sockets_fill_size(&plan, w) > 0);
				}
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring_sizes),
		cmocka_unit_test(test_umem_suffices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

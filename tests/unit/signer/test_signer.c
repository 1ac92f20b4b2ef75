/* SPDX-License-Identifier: BSD-2-Clause */
/* signer: which messages are taken, in which order, with which files. */
#include "signer/handing.h"

static const struct hello hellos[] = {
	{ "policy shorter than it says", -EINVAL, .policy_cut = 1 },
	{ "foreign counters", -EBADMSG, .counters_magic = 1 },
	{ "foreign events", -EBADMSG, .events_magic = 1 },
	{ "events of another version", -EBADMSG, .events_version = 1 },
	{ "events: block before the end of the header", -EBADMSG, .events_off = -4096 },
	{ "events: block beyond the end", -EBADMSG, .events_off = 4096 },
	{ "events: odd place", -EBADMSG, .events_off = -4 },
	{ "events: block too small", -EBADMSG, .events_size = -8192 },
	{ "events: block too large", -EBADMSG, .events_size = 4096 },
	{ "foreign overrides", -EBADMSG, .overrides_magic = 1 },
	{ "overrides of another version", -EBADMSG, .overrides_version = 1 },
	{ "overrides too short", -EBADMSG, .overrides_cut = 8 },
	{ "policy and counters in the other order", -EINVAL, .swap = 1 },
	{ "events and overrides in the other order", -EACCES, .swap = 3 },
	{ "good", 0 },
	{ "again", -EEXIST },
};

/* Each refusal leaves the signer as it was: the good one is taken after all of them. */
static void test_hello(void **state)
{
	struct signer s;

	(void)state;
	assert_int_equal(signer_init(&s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(hellos); i++) {
		int r = hello(&s, &hellos[i]);

		if (r != hellos[i].ret)
			fail_msg("%s: returns %d, want %d", hellos[i].name, r, hellos[i].ret);
		if (r < 0 && r != -EEXIST && (s.policy || s.events || s.maps[0].p))
			fail_msg("%s: something stays", hellos[i].name);
	}
	signer_done(&s);
}

static void test_order(void **state)
{
	struct signer s;
	struct handover_msg m = msg(HANDOVER_SOCKET);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(signer_init(&s), 0);
	s.want_sandbox = false;
	assert_int_equal(take_quiet(&s, &start, -1), -EPROTO);
	assert_int_equal(take_quiet(&s, &m, null), -EPROTO);
	assert_int_equal(fcntl(null, F_GETFD), -1); /* closed, though refused */
	m = msg(HANDOVER_VERDICTS);
	assert_int_equal(take_fds(&s, &m, (int[2]){ source_region(NULL), source_wants(1) }, 2), -EPROTO);
	m = msg(HANDOVER_HELLO);
	assert_int_equal(take_quiet(&s, &m, -1), -EBADMSG);
	assert_int_equal(hello(&s, &good_hello), 0);
	m = msg(HANDOVER_VERDICTS);
	m.verdicts.verdicts_len = verdict_region_size();
	m.verdicts.wants_len = sizeof(struct verdict_wants);
	assert_int_equal(take_quiet(&s, &m, source_region(NULL)), -EBADMSG); /* without wants */
	for (int i = 0; i < 4; i++) /* nobody runs who could hold on to the former ones */
		assert_int_equal(take_fds(&s, &m, (int[2]){ source_region(NULL), source_wants(1) }, 2), 0);
	assert_int_equal(take_quiet(&s, &start, -1), -EPROTO); /* no WORKER */
	m = msg(HANDOVER_WORKER);
	m.worker.frames = 16;
	m.worker.frame_size = 2048;
	assert_int_equal(take_quiet(&s, &m, file_of("", 0, 65536)), -EINVAL);
	m.worker.frame_size = XSK_FRAME_SIZE;
	m.worker.worker = 1;
	assert_int_equal(take_quiet(&s, &m, file_of("", 0, 65536)), -EINVAL);
	m.worker.worker = 0;
	assert_int_equal(take_quiet(&s, &m, file_of("", 0, 65535)), -EINVAL);
	assert_int_equal(take_quiet(&s, &m, file_of("", 0, 65536)), 0);
	m = msg(HANDOVER_SOCKET);
	m.socket.fill_size = m.socket.comp_size = m.socket.rx_size = 64;
	assert_int_equal(take_quiet(&s, &m, file_of("", 0, 1)), -ENOTSOCK);
	assert_int_equal(take_quiet(&s, &start, -1), -EINVAL); /* a worker without sockets */
	assert_int_equal(take_quiet(&s, &start, -1), -EPROTO); /* no second try */
	signer_done(&s);
}

static const struct {
	const char *name;
	uint32_t workers;        /* that the file was formatted for */
	int64_t len, says;       /* bytes more than it needs, of the file and of the message */
	int seals, ret;
} captures[] = {
	{ "can shrink", 1, 0, 0, F_SEAL_GROW, -EINVAL },
	{ "no seals at all", 1, 0, 0, 0, -EINVAL },
	{ "too short", 1, -1, -1, F_SEAL_SHRINK, -EINVAL },
	{ "shorter than it says", 1, -4096, 0, F_SEAL_SHRINK, -EINVAL },
	{ "formatted for nobody", 0, 0, 0, F_SEAL_SHRINK, -EBADMSG },
	{ "formatted for more than fit", 2, 0, 0, F_SEAL_SHRINK, -EBADMSG },
	{ "good", 1, 0, 0, F_SEAL_SHRINK | F_SEAL_GROW, 0 },
	{ "again", 1, 0, 0, F_SEAL_SHRINK | F_SEAL_GROW, -EEXIST },
};

static void test_capture(void **state)
{
	struct handover_msg m = msg(HANDOVER_CAPTURE);
	struct signer s;

	(void)state;
	assert_int_equal(signer_init(&s), 0);
	m.capture.capture_len = capture_size(1);
	assert_int_equal(take_quiet(&s, &m, capture_file(1, capture_size(1), F_SEAL_SHRINK)), -EPROTO);
	assert_int_equal(hello(&s, &good_hello), 0);
	assert_int_equal(take_quiet(&s, &m, -1), -EBADMSG);
	assert_int_equal(take_quiet(&s, &m, file_of("", 0, capture_size(1))), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(captures); i++) {
		const __typeof__(captures[0]) *c = &captures[i];
		int fd = capture_file(c->workers, capture_size(1) + (uint64_t)c->len, c->seals);
		const struct capture_region *former = s.capture;
		int r;

		m.capture.capture_len = capture_size(1) + (uint64_t)c->says;
		r = take_quiet(&s, &m, fd);
		if (r != c->ret)
			fail_msg("%s: returns %d, want %d", c->name, r, c->ret);
		if ((s.capture != former) != !r)
			fail_msg("%s: something changes", c->name);
		assert_int_equal(fcntl(fd, F_GETFD), -1); /* closed in any case */
	}
	signer_done(&s);
	/* long enough, but not for as many workers */
	assert_int_equal(signer_init(&s), 0);
	assert_int_equal(hello(&s, &good_hello), 0);
	s.worker_cnt = 2;
	m.capture.capture_len = capture_size(2);
	assert_int_equal(take_quiet(&s, &m, capture_file(1, capture_size(2), F_SEAL_SHRINK)), -EBADMSG);
	assert_int_equal(take_quiet(&s, &m, capture_file(2, capture_size(2), F_SEAL_SHRINK)), 0);
	signer_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_capture),
	};

	return cmocka_run_group_tests_name("signer", tests, NULL, NULL);
}

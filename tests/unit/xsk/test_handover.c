/* SPDX-License-Identifier: BSD-2-Clause */
/* handover: messages and descriptors over a socketpair, and what a hostile or confused peer sends. */
#include "guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "xsk/handover.h"
#include "send_raw.h"

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void pair(int sv[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
}

static void test_round_trip(void **state)
{
	struct handover_msg m = { .version = HANDOVER_VERSION, .type = HANDOVER_HELLO, .seq = 7 };
	struct handover_msg got;
	int sv[2], fds[3] = { 0, 1, 2 }, got_fds[HANDOVER_FDS_MAX];
	unsigned cnt = 99;

	(void)state;
	pair(sv);
	m.hello.workers = 3;
	m.hello.policy_len = 1ull << 40;
	assert_int_equal(handover_send(sv[0], &m, fds, 3), 0);
	assert_int_equal(handover_recv(sv[1], &got, got_fds, &cnt), 1);
	assert_int_equal(cnt, 3);
	assert_memory_equal(&got, &m, sizeof(m));
	for (unsigned i = 0; i < cnt; i++) {
		assert_true(fcntl(got_fds[i], F_GETFD) & FD_CLOEXEC);
		close(got_fds[i]);
	}
	m.type = HANDOVER_START;
	assert_int_equal(handover_send(sv[0], &m, NULL, 0), 0);
	assert_int_equal(handover_recv(sv[1], &got, got_fds, &cnt), 1);
	assert_int_equal(cnt, 0);
	assert_int_equal(handover_send(sv[0], &m, fds, HANDOVER_FDS_MAX + 1), -EINVAL);
	close(sv[0]);
	assert_int_equal(handover_recv(sv[1], &got, got_fds, &cnt), 0);
	assert_true(handover_send(sv[1], &m, NULL, 0) < 0); /* -EPIPE and no SIGPIPE */
	close(sv[1]);
}

static void test_text_is_terminated(void **state)
{
	struct handover_msg m = { .version = HANDOVER_VERSION, .type = HANDOVER_RESULT }, got;
	int sv[2], fds[HANDOVER_FDS_MAX];
	unsigned cnt;

	(void)state;
	pair(sv);
	memset(m.text, 'x', sizeof(m.text));
	assert_int_equal(handover_send(sv[0], &m, NULL, 0), 0);
	assert_int_equal(handover_recv(sv[1], &got, fds, &cnt), 1);
	assert_int_equal(strnlen(got.text, sizeof(got.text)), sizeof(got.text) - 1);
	close(sv[0]);
	close(sv[1]);
}

static const struct {
	const char *name;
	uint32_t version, type;
	int len_diff;
	unsigned fds;
	int ret;
	unsigned ret_fds;
} cases[] = {
	{ "truncated",          HANDOVER_VERSION, HANDOVER_HELLO,  -1,  2, -EBADMSG, 0 },
	{ "one byte",           HANDOVER_VERSION, HANDOVER_HELLO,  1 - (int)sizeof(struct handover_msg), 1, -EBADMSG, 0 },
	{ "too long",           HANDOVER_VERSION, HANDOVER_HELLO,  +8,  1, -EBADMSG, 0 },
	{ "version 0",          0, HANDOVER_HELLO,  0,   1, -EBADMSG, 0 },
	{ "next version",       HANDOVER_VERSION + 1, HANDOVER_HELLO,  0,   3, -EBADMSG, 0 },
	{ "type 0",             HANDOVER_VERSION, 0,               0,   1, -EBADMSG, 0 },
	{ "type past the last", HANDOVER_VERSION, HANDOVER_CAPTURE + 1, 0, 1, -EBADMSG, 0 },
	{ "surplus closed",     HANDOVER_VERSION, HANDOVER_SOCKET, 0,   9, 1, HANDOVER_FDS_MAX },
	{ "more than we ask for", HANDOVER_VERSION, HANDOVER_SOCKET, 0, 40, -EBADMSG, 0 },
	{ "no descriptor",      HANDOVER_VERSION, HANDOVER_SOCKET, 0,   0, 1, 0 },
};

static void test_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char buf[sizeof(struct handover_msg) + 8] = { 0 };
		struct handover_msg m = { .version = cases[i].version, .type = cases[i].type };
		struct handover_msg got = { .seq = 4711 };
		int sv[2], fds[HANDOVER_FDS_MAX], r;
		unsigned cnt = 99, before = open_fds(), taken;

		pair(sv);
		memcpy(buf, &m, sizeof(m));
		send_raw(sv[0], buf, sizeof(m) + (size_t)cases[i].len_diff, cases[i].fds);
		r = handover_recv(sv[1], &got, fds, &cnt);
		if (r != cases[i].ret)
			fail_msg("%s: returns %d, want %d", cases[i].name, r, cases[i].ret);
		if (r < 0 && (cnt != 99 || got.seq != 4711))
			fail_msg("%s: output touched on failure", cases[i].name);
		if (r == 1 && cnt != cases[i].ret_fds)
			fail_msg("%s: %u descriptors", cases[i].name, cnt);
		for (taken = r == 1 ? cnt : 0; taken; taken--)
			close(fds[taken - 1]);
		close(sv[0]);
		close(sv[1]);
		if (open_fds() != before)
			fail_msg("%s: descriptors leaked", cases[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_text_is_terminated),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

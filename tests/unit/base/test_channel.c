/* SPDX-License-Identifier: BSD-2-Clause */
/* channel: messages of any size, descriptors up to the limit and beyond, ends that go away. */
#include "guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/channel.h"
#include "base/cleanup.h"
#include "send_raw.h"

#define VERSION 7

struct message {
	struct channel_head head;
	char text[40];
};

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

static const struct {
	const char *name;
	size_t sent;          /* bytes */
	unsigned fds, room;
	uint32_t version;
	int ret;
	unsigned ret_fds;
} cases[] = {
	{ "whole", sizeof(struct message), 0, 2, VERSION, 1, 0 },
	{ "with descriptors", sizeof(struct message), 2, 2, VERSION, 1, 2 },
	{ "room for fewer", sizeof(struct message), 5, 2, VERSION, 1, 2 },
	{ "room for none", sizeof(struct message), 3, 0, VERSION, 1, 0 },
	{ "as many as the kernel hands over", sizeof(struct message), 16, CHANNEL_FDS_MAX, VERSION, 1, CHANNEL_FDS_MAX },
	{ "more than that", sizeof(struct message), 18, CHANNEL_FDS_MAX, VERSION, -EBADMSG, 0 },
	{ "another version", sizeof(struct message), 1, 2, VERSION + 1, -EBADMSG, 0 },
	{ "a byte short", sizeof(struct message) - 1, 1, 2, VERSION, -EBADMSG, 0 },
	{ "half a head", sizeof(struct channel_head) / 2, 1, 2, VERSION, -EBADMSG, 0 },
	{ "one byte", 1, 0, 2, VERSION, -EBADMSG, 0 },
	{ "a byte more", sizeof(struct message) + 1, 1, 2, VERSION, -EBADMSG, 0 },
	{ "nothing but descriptors", 0, 1, 2, VERSION, -EBADMSG, 0 },
	{ "nothing", 0, 0, 2, VERSION, 0, 0 },
};

static void test_recv(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buf[sizeof(struct message) + 1] = { 0 };
		struct message m = { .head = { cases[i].version, 3, 4, -5 }, .text = "text" };
		struct guard in = guard_new(&(struct message){ 0 }, sizeof(struct message));
		int sv[2], fds[CHANNEL_FDS_MAX], r;
		unsigned before = open_fds(), cnt = 99;

		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
		memcpy(buf, &m, sizeof(m));
		send_raw(sv[0], buf, cases[i].sent, cases[i].fds);
		r = channel_recv(sv[1], VERSION, in.p, in.len, fds, cases[i].room, &cnt);
		if (r != cases[i].ret)
			fail_msg("%s: returns %d, want %d", cases[i].name, r, cases[i].ret);
		if (cnt != (r == 1 ? cases[i].ret_fds : 99))
			fail_msg("%s: %u descriptors", cases[i].name, cnt);
		if (r == 1 && memcmp(in.p, &m, sizeof(m)))
			fail_msg("%s: another message", cases[i].name);
		for (unsigned k = 0; r == 1 && k < cnt; k++) {
			assert_true(fcntl(fds[k], F_GETFD) & FD_CLOEXEC);
			close(fds[k]);
		}
		close(sv[0]);
		close(sv[1]);
		if (open_fds() != before)
			fail_msg("%s: descriptors leaked", cases[i].name);
		guard_free(&in);
	}
}

static void test_send(void **state)
{
	struct message m = { .head = { VERSION, 1, 2, 0 } }, got;
	int sv[2], fds[CHANNEL_FDS_MAX + 1], got_fds[CHANNEL_FDS_MAX];
	unsigned cnt;

	(void)state;
	for (unsigned i = 0; i <= CHANNEL_FDS_MAX; i++)
		fds[i] = STDERR_FILENO;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(channel_send(sv[0], &m, sizeof(m), fds, CHANNEL_FDS_MAX + 1), -EINVAL);
	assert_int_equal(channel_send(sv[0], &m, sizeof(m), fds, CHANNEL_FDS_MAX), 0);
	assert_int_equal(channel_recv(sv[1], VERSION, &got, sizeof(got), got_fds, CHANNEL_FDS_MAX, &cnt), 1);
	assert_int_equal(cnt, CHANNEL_FDS_MAX);
	while (cnt)
		close(got_fds[--cnt]);
	fds[0] = -1;
	assert_int_equal(channel_send(sv[0], &m, sizeof(m), fds, 1), -EBADF);
	close(sv[0]);
	assert_int_equal(channel_recv(sv[1], VERSION, &got, sizeof(got), got_fds, CHANNEL_FDS_MAX, &cnt), 0);
	assert_int_equal(channel_send(sv[1], &m, sizeof(m), NULL, 0), -EPIPE); /* and no SIGPIPE */
	close(sv[1]);
	assert_int_equal(channel_recv(sv[1], VERSION, &got, sizeof(got), got_fds, CHANNEL_FDS_MAX, &cnt), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recv),
		cmocka_unit_test(test_send),
	};

	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}

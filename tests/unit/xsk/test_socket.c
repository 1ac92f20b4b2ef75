/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket: real AF_XDP and raw sockets on a veth pair in a network namespace of our own.  Needs root;
 * without it the tests are skipped and say so.
 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "xsk/socket.h"

#define QUEUES 4
#define FRAMES 256
#define UMEM_LEN ((uint64_t)FRAMES * XSK_FRAME_SIZE)

static unsigned ifindex;
static int umem_fd = -1;
static void *umem;

static int setup(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		return 0; /* ifindex stays 0: each test skips */
	if (system("ip link add sst0 numrxqueues 4 numtxqueues 4 type veth peer name sst1 "
		   "numrxqueues 4 numtxqueues 4 && ip link set sst0 up && ip link set sst1 up") != 0)
		return 0;
	ifindex = if_nametoindex("sst0");
	umem_fd = xsk_umem_create(UMEM_LEN);
	if (umem_fd < 0)
		return -1;
	umem = mmap(NULL, UMEM_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, umem_fd, 0);
	return umem == MAP_FAILED ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state; /* the namespace and all in it end with this process */
	if (umem)
		munmap(umem, UMEM_LEN);
	if (umem_fd >= 0)
		close(umem_fd);
	return 0;
}

static void need_root(void)
{
	if (ifindex)
		return;
	print_message("skipped: no network namespace with veth (needs root and iproute2)\n");
	skip();
}

static struct xsk_socket_cfg cfg(unsigned queue, int owner)
{
	return (struct xsk_socket_cfg){
		.ifindex = ifindex, .queue = queue, .umem_owner_fd = owner,
		.umem = umem, .umem_len = UMEM_LEN,
		.fill_size = 64, .comp_size = 64, .rx_size = 64, .tx_size = queue ? 0 : 64,
	};
}

static void test_all_queues_and_reopen(void **state)
{
	(void)state;
	need_root();
	/* the second round opens queues that were closed a moment ago: EBUSY is waited for */
	for (int round = 0; round < 3; round++) {
		int fd[QUEUES];

		for (unsigned q = 0; q < QUEUES; q++) {
			struct xsk_socket_cfg c = cfg(q, q ? fd[0] : -1);

			fd[q] = xsk_socket_open(&c);
			if (fd[q] < 0)
				fail_msg("round %d queue %u: %s", round, q, strerror(-fd[q]));
			assert_true(fcntl(fd[q], F_GETFD) & FD_CLOEXEC);
		}
		for (unsigned q = 0; q < QUEUES; q++)
			close(fd[q]);
	}
}

static void test_faults(void **state)
{
	struct xsk_socket_cfg c, same;
	int fd;

	(void)state;
	need_root();
	c = cfg(QUEUES, -1);
	assert_int_equal(xsk_socket_open(&c), -EINVAL); /* no such queue */
	c = cfg(0, -1);
	c.rx_size = 63; /* no power of two */
	assert_int_equal(xsk_socket_open(&c), -EINVAL);
	c = cfg(0, -1);
	c.ifindex = 9999;
	assert_int_equal(xsk_socket_open(&c), -ENODEV);
	c = cfg(0, -1);
	fd = xsk_socket_open(&c);
	assert_true(fd >= 0);
	same = cfg(0, -1); /* taken by another UMEM: given up after the retries */
	assert_int_equal(xsk_socket_open(&same), -EBUSY);
	close(fd);
}

static void test_umem_is_sealed(void **state)
{
	int fd = xsk_umem_create(2 * XSK_FRAME_SIZE);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, XSK_FRAME_SIZE), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 4 * XSK_FRAME_SIZE), -1);
	close(fd);
}

static void test_raw(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };

	(void)state;
	need_root();
	for (size_t i = 0; i < 2; i++) {
		int fd = raw_socket_open(families[i]), on = 0;
		socklen_t len = sizeof(on);

		assert_true(fd >= 0);
		if (families[i] == AF_INET)
			assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, &len), 0);
		else
			assert_int_equal(getsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &on, &len), 0);
		assert_int_equal(on, 1);
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
	}
	assert_int_equal(raw_socket_open(AF_UNIX), -EAFNOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_queues_and_reopen),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_umem_is_sealed),
		cmocka_unit_test(test_raw),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

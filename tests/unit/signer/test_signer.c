/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signer: the hand-over, with real AF_XDP sockets on a veth pair in a network namespace of our own, up to
 * a running signer under its filter.  Needs root; without it the kernel's part is skipped and says so.
 */
#include "signer/world.h"

#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "signer/keys.h"
#include "signer/sandbox.h"
#include "signer/signer.h"

#define QUEUES 2
#define UMEM_FRAMES 256

static const struct handover_msg start = { .version = HANDOVER_VERSION, .type = HANDOVER_START };

static struct handover_msg msg(enum handover_type type)
{
	return (struct handover_msg){ .version = HANDOVER_VERSION, .type = type, .seq = 100 + type };
}

static int take_quiet(struct signer *s, const struct handover_msg *m, int fd0, int fd1, int fd2)
{
	int fds[3] = { fd0, fd1, fd2 };
	struct handover_msg r;

	signer_take(s, m, fds, (fd0 >= 0) + (fd1 >= 0) + (fd2 >= 0), &r);
	if (r.type != HANDOVER_RESULT || r.seq != m->seq || (r.error < 0) != !!r.text[0])
		return -1000;
	return r.error;
}

static int file_of(const void *data, size_t len, size_t size)
{
	int fd = memfd_create("part", MFD_CLOEXEC);

	if (ftruncate(fd, (off_t)size) < 0 || write(fd, data, len) != (ssize_t)len ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return fd;
}

/* Return: 0, or what the signer says; ret_*: sizes for HELLO */
static int hello(struct signer *s, uint64_t policy_cut, uint32_t magic)
{
	struct handover_msg m = msg(HANDOVER_HELLO);
	struct policy_region *p = world_policy(NULL);
	struct counters_region c = { magic, 1, 1, WORLD_TRUNKS, 4096, counters_worker_size(WORLD_TRUNKS) };
	int policy, counters, beat;

	m.hello.workers = m.hello.ports = 1;
	m.hello.policy_len = p->size;
	m.hello.counters_len = counters_size(1, WORLD_TRUNKS);
	policy = file_of(p, p->size - policy_cut, p->size - policy_cut);
	counters = file_of(&c, sizeof(c), m.hello.counters_len);
	beat = file_of("", 0, SIPSEAL_BEATS_MAX * sizeof(uint64_t));
	free(p);
	return take_quiet(s, &m, policy, counters, beat);
}

static void test_order(void **state)
{
	struct signer s;
	struct handover_msg m = msg(HANDOVER_SOCKET);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(signer_init(&s), 0);
	s.want_sandbox = false;
	assert_int_equal(take_quiet(&s, &start, -1, -1, -1), -EPROTO);
	assert_int_equal(take_quiet(&s, &m, null, -1, -1), -EPROTO);
	assert_int_equal(fcntl(null, F_GETFD), -1); /* closed, though refused */
	m = msg(HANDOVER_HELLO);
	assert_int_equal(take_quiet(&s, &m, -1, -1, -1), -EBADMSG);
	assert_int_equal(hello(&s, 1, COUNTERS_MAGIC), -EINVAL); /* file shorter than it says */
	assert_int_equal(hello(&s, 0, COUNTERS_MAGIC), 0);
	assert_int_equal(hello(&s, 0, COUNTERS_MAGIC), -EEXIST);
	assert_int_equal(take_quiet(&s, &start, -1, -1, -1), -EPROTO); /* no WORKER */
	m = msg(HANDOVER_WORKER);
	m.worker.frames = 16;
	m.worker.frame_size = 2048;
	assert_int_equal(take_quiet(&s, &m, file_of("", 0, 65536), -1, -1), -EINVAL);
	m.worker.frame_size = XSK_FRAME_SIZE;
	m.worker.worker = 1;
	assert_int_equal(take_quiet(&s, &m, file_of("", 0, 65536), -1, -1), -EINVAL);
	m.worker.worker = 0;
	assert_int_equal(take_quiet(&s, &m, file_of("", 0, 65535), -1, -1), -EINVAL);
	assert_int_equal(take_quiet(&s, &m, file_of("", 0, 65536), -1, -1), 0);
	m = msg(HANDOVER_SOCKET);
	m.socket.fill_size = m.socket.comp_size = m.socket.rx_size = 64;
	assert_int_equal(take_quiet(&s, &m, file_of("", 0, 1), -1, -1), -ENOTSOCK);
	assert_int_equal(take_quiet(&s, &start, -1, -1, -1), -EINVAL); /* a worker without sockets */
	assert_int_equal(take_quiet(&s, &start, -1, -1, -1), -EPROTO); /* no second try */
	signer_done(&s);
}

static void test_foreign_counters(void **state)
{
	struct signer s;

	(void)state;
	assert_int_equal(signer_init(&s), 0);
	assert_int_equal(hello(&s, 0, 4711), -EBADMSG);
	signer_done(&s);
}

/* ---- with the kernel; these run in a child, so no assertions: each returns the line that failed ---- */

#define CHECK(x) do { if (!(x)) { fprintf(stderr, "line %d: " #x "\n", __LINE__); return 1; } } while (0)

static int links_up(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	return system("ip link add sgn0 numrxqueues 2 numtxqueues 2 type veth peer name sgn1 numrxqueues 2 "
		      "numtxqueues 2 && ip link set sgn0 up && ip link set sgn1 up") ? -1 : 0;
}

static int sockets_hand(struct signer *s, int umem_fd, char *umem)
{
	int owner = -1;

	for (unsigned q = 0; q < QUEUES; q++) {
		struct xsk_socket_cfg c = { if_nametoindex("sgn0"), q, owner, umem,
					    UMEM_FRAMES * XSK_FRAME_SIZE, 128, 128, 128, q ? 0 : 128 };
		struct handover_msg m = msg(HANDOVER_SOCKET);
		int fd = xsk_socket_open(&c);

		CHECK(fd >= 0);
		if (!q)
			owner = dup(fd);
		m.socket.queue = q;
		m.socket.mtu = 1500;
		m.socket.fill_size = m.socket.comp_size = m.socket.rx_size = 128;
		m.socket.tx_size = c.tx_size;
		CHECK(take_quiet(s, &m, fd, -1, -1) == 0);
	}
	close(owner);
	close(umem_fd);
	return 0;
}

static int hand_over(struct signer *s)
{
	struct handover_msg m = msg(HANDOVER_WORKER);
	int umem_fd = xsk_umem_create(UMEM_FRAMES * XSK_FRAME_SIZE);
	char *umem = mmap(NULL, UMEM_FRAMES * XSK_FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, umem_fd, 0);
	bool is_locked;

	CHECK(umem != MAP_FAILED);
	CHECK(keys_openssl_init(&is_locked) == 0 && signer_init(s) == 0);
	CHECK(hello(s, 0, COUNTERS_MAGIC) == 0);
	m.worker.frames = UMEM_FRAMES;
	m.worker.frame_size = XSK_FRAME_SIZE;
	CHECK(take_quiet(s, &m, dup(umem_fd), -1, -1) == 0);
	CHECK(sockets_hand(s, umem_fd, umem) == 0);
	munmap(umem, UMEM_FRAMES * XSK_FRAME_SIZE); /* the broker may */
	for (int i = 0; i < 2; i++) {
		m = msg(HANDOVER_RAW);
		m.raw.family = i ? AF_INET6 : AF_INET;
		CHECK(take_quiet(s, &m, raw_socket_open((int)m.raw.family), -1, -1) == 0);
		CHECK(take_quiet(s, &m, raw_socket_open((int)m.raw.family), -1, -1) == -EEXIST);
	}
	return 0;
}

static int credential(struct signer *s, uint32_t id)
{
	struct handover_msg m = msg(HANDOVER_CREDENTIAL);

	m.credential.id = id;
	return take_quiet(s, &m, file_of(VECTOR_PRIVATE_PEM, strlen(VECTOR_PRIVATE_PEM), 0), -1, -1);
}

/* A whole life: hand-over, START, keys that come and go later, statistics, the end. */
static int life(void)
{
	static struct signer s;
	struct handover_msg m = msg(HANDOVER_CREDENTIAL_DROP);
	struct counters_worker *c;
	uint64_t beat;
	int late = file_of(VECTOR_PRIVATE_PEM, strlen(VECTOR_PRIVATE_PEM), 0);

	CHECK(links_up() == 0 && hand_over(&s) == 0);
	CHECK(credential(&s, 0) == 0);
	CHECK(sandbox_unprivileged(65534, 65534) == 0);
	CHECK(take_quiet(&s, &start, -1, -1, -1) == 0);
	c = counters_worker(s.counters, 0);
	CHECK(c->frames_total == UMEM_FRAMES && c->frames_lost == 0);
	CHECK(c->frames_rx == UMEM_FRAMES * 3 / 4);
	beat = s.heartbeat[0];
	CHECK(beat && clock_mono_ns() - beat < 1000000000);
	poll(NULL, 0, 1200); /* statistics once per second */
	CHECK(s.heartbeat[0] > beat && clock_mono_ns() - s.heartbeat[0] < 125000000);
	CHECK(c->cpu_ns > 0);
	m.credential.id = 0;
	CHECK(take_quiet(&s, &m, -1, -1, -1) == 0);
	m = msg(HANDOVER_CREDENTIAL);
	m.credential.id = 9;
	CHECK(take_quiet(&s, &m, late, -1, -1) == 0);
	m = msg(HANDOVER_RAW);
	m.raw.family = AF_INET;
	CHECK(take_quiet(&s, &m, 2, -1, -1) == -EPROTO); /* too late for that */
	signer_done(&s);
	return 0;
}

static int frames_seen(int fd, char first)
{
	char buf[2048];
	ssize_t n;
	int seen = 0;

	while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		seen += n >= 60 && (uint8_t)buf[12] == 0x88 && (uint8_t)buf[13] == 0xb5 && buf[14] == first;
	return seen;
}

static int frames_put(struct port *p, int n, char first)
{
	for (int i = 0; i < n; i++) {
		int64_t addr;

		CHECK(port_tx_room(p, 1));
		addr = umem_get(p->umem);
		memset(umem_at(p->umem, (uint64_t)addr), 0xff, 60);
		memcpy(umem_at(p->umem, (uint64_t)addr) + 12, "\x88\xb5", 2); /* local experimental */
		umem_at(p->umem, (uint64_t)addr)[14] = first;
		port_tx_put(p, (uint64_t)addr, 60);
	}
	return 0;
}

/* The real kernel: more than one sendto() takes; then a link that goes down with frames queued. */
static int tx(void)
{
	static struct signer s;
	struct worker *w;
	struct port *p;
	int peer;

	CHECK(links_up() == 0 && hand_over(&s) == 0);
	w = s.threads[0].worker;
	p = &w->ports[0];
	peer = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(0x88b5));
	CHECK(peer >= 0 && worker_prepare(w) == 0);
	CHECK(frames_put(p, 60, 'a') == 0);
	for (int i = 0; i < 50 && (port_flush(p, 1, 1000) < 0 || w->umem->count[UMEM_TX]); i++) {
		poll(NULL, 0, 2);
		port_reap(p);
	}
	CHECK(w->umem->count[UMEM_TX] == 0 && umem_lost(w->umem) == 0 && w->umem->bad == 0);
	CHECK(frames_seen(peer, 'a') == 60);
	CHECK(frames_put(p, 7, 'o') == 0);
	CHECK(system("ip link set sgn0 down") == 0);
	CHECK(port_flush(p, 2, 1000000000) == -ENETDOWN);
	CHECK(w->umem->count[UMEM_VOID] == 7 && !port_tx_room(p, 1));
	CHECK(system("ip link set sgn0 up") == 0);
	poll(NULL, 0, 50);
	CHECK(frames_put(p, 3, 'n') == 0);
	for (int i = 0; i < 50 && (port_flush(p, 3, 1000) < 0 || w->umem->count[UMEM_TX]); i++) {
		poll(NULL, 0, 2);
		port_reap(p);
	}
	CHECK(w->umem->count[UMEM_TX] == 0 && w->umem->count[UMEM_VOID] == 0);
	CHECK(umem_lost(w->umem) == 0 && w->umem->bad == 0);
	CHECK(recv(peer, &(char){ 0 }, 1, MSG_PEEK | MSG_DONTWAIT) == 1);
	CHECK(frames_seen(peer, 'o') == 0);
	close(peer);
	signer_done(&s);
	return 0;
}

static ssize_t udp_recv(int fd, char *buf, size_t cap)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 2000) == 1 ? recv(fd, buf, cap, MSG_DONTWAIT) : -1;
}

/* Neighbour unknown: a real raw socket, whole and in hand-made fragments; retransmissions alike. */
static int raw(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(5080) };
	struct sipseal_meta m = world_meta();
	char first[4096], again[4096];
	struct world x;
	ssize_t n;
	int fd;

	CHECK(unshare(CLONE_NEWNET) == 0);
	CHECK(system("ip link set lo up && ip addr add 203.0.113.10/32 dev lo && "
		     "ip addr add 10.0.0.1/32 dev lo") == 0);
	memcpy(&to.sin_addr, packet_v4_dst, 4);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	world_new(&x, NULL);
	x.w->emitter.raw_v4 = raw_socket_open(AF_INET);
	m.flags = SIPSEAL_META_F_RAW;
	world_send(&x, &m, world_invite);
	world_run(&x);
	n = udp_recv(fd, first, sizeof(first));
	CHECK(n > (ssize_t)strlen(world_invite) + 300 && memmem(first, (size_t)n, "\r\nIdentity: eyJ", 15));
	m.mtu = 600;
	world_send(&x, &m, world_invite);
	world_run(&x);
	CHECK(udp_recv(fd, again, sizeof(again)) == n && memcmp(first, again, (size_t)n) == 0);
	CHECK(x.w->counters->sent_raw == 2 && x.w->counters->sent_fragments >= 2);
	CHECK(x.carrier->sent_cnt == 0 && world_reason(&x, SR_RETRANSMISSION) == 1);
	/* no chunk left to send with: the raw socket is the way out */
	x.w->umem->tx_max = 0;
	m.flags = 0;
	m.mtu = 1500;
	world_send(&x, &m, world_options);
	world_run(&x);
	CHECK(udp_recv(fd, again, sizeof(again)) == (ssize_t)strlen(world_options));
	CHECK(world_reason(&x, SR_NOT_INVITE) == 1 && x.w->counters->sent_raw == 3);
	close(x.w->emitter.raw_v4);
	close(fd);
	world_free(&x);
	return 0;
}

static void in_child(int (*fn)(void))
{
	int status;
	pid_t pid;

	if (getuid() != 0) {
		print_message("skipped: AF_XDP needs root\n");
		skip();
	}
	pid = fork();
	if (pid == 0) {
		alarm(60);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_life(void **state)
{
	(void)state;
	in_child(life);
}

static void test_tx(void **state)
{
	(void)state;
	in_child(tx);
}

static void test_raw(void **state)
{
	(void)state;
	in_child(raw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_foreign_counters),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_tx),
		cmocka_unit_test(test_raw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

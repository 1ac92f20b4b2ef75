/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * signer: the hand-over, with real AF_XDP sockets on a veth pair in a network namespace of our own, up to
 * a running signer under its filter.  Needs root; without it the kernel's part is skipped and says so.
 */
#include "base/unprivileged.h"
#include "signer/world.h"

#include <fcntl.h>
#include <net/if.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
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

static int take_fds(struct signer *s, const struct handover_msg *m, int *fds, unsigned cnt)
{
	struct handover_msg r;

	signer_take(s, m, fds, cnt, &r);
	if (r.type != HANDOVER_RESULT || r.seq != m->seq || (r.error < 0) != !!r.text[0])
		return -1000;
	return r.error;
}

/* With one descriptor, or none (-1). */
static int take_quiet(struct signer *s, const struct handover_msg *m, int fd)
{
	return take_fds(s, m, &fd, fd >= 0);
}

static int file_of(const void *data, size_t len, size_t size)
{
	int fd = memfd_create("part", MFD_CLOEXEC);

	if (ftruncate(fd, (off_t)size) < 0 || write(fd, data, len) != (ssize_t)len ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return fd;
}

/* What may be wrong with the five files of HELLO. */
struct hello {
	const char *name;
	int ret;
	uint64_t policy_cut;             /* bytes missing at its end */
	uint32_t counters_magic, events_magic, events_version, overrides_magic, overrides_version; /* added */
	int64_t events_off, events_size; /* added to the place of a worker's block and its size */
	uint64_t overrides_cut;          /* bytes less that HELLO says */
	int swap;                        /* the file that changes places with the next one */
};

static const struct hello good_hello;

static int read_only(int fd)
{
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	return r;
}

static int hello(struct signer *s, const struct hello *h)
{
	struct handover_msg m = msg(HANDOVER_HELLO);
	struct policy_region *p = world_policy(NULL);
	struct events_region *e = world_events();
	struct override_region *o = world_overrides();
	struct counters_region c = { COUNTERS_MAGIC + h->counters_magic, 1, 1, WORLD_TRUNKS, 4096,
				     counters_worker_size(WORLD_TRUNKS) };
	int fds[SIGNER_MAPS];

	e->magic += h->events_magic;
	e->version += h->events_version;
	e->worker_off += (uint64_t)h->events_off;
	e->worker_size += (uint64_t)h->events_size;
	o->magic += h->overrides_magic;
	o->version += h->overrides_version;
	m.hello.workers = m.hello.ports = 1;
	m.hello.policy_len = p->size;
	m.hello.counters_len = counters_size(1, WORLD_TRUNKS);
	m.hello.events_len = events_size(1);
	m.hello.overrides_len = sizeof(*o) - h->overrides_cut;
	fds[0] = read_only(file_of(p, p->size - h->policy_cut, p->size - h->policy_cut));
	fds[1] = file_of(&c, sizeof(c), m.hello.counters_len);
	fds[2] = file_of(e, sizeof(*e), m.hello.events_len);
	fds[3] = read_only(file_of(o, sizeof(*o), sizeof(*o))); /* a mapping to write to would fail */
	fds[4] = file_of("", 0, SIPSEAL_BEATS_MAX * sizeof(uint64_t));
	if (h->swap) {
		int fd = fds[h->swap - 1];

		fds[h->swap - 1] = fds[h->swap];
		fds[h->swap] = fd;
	}
	free(p);
	free(e);
	free(o);
	return take_fds(s, &m, fds, SIGNER_MAPS);
}

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
	m = msg(HANDOVER_HELLO);
	assert_int_equal(take_quiet(&s, &m, -1), -EBADMSG);
	assert_int_equal(hello(&s, &good_hello), 0);
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
		CHECK(take_quiet(s, &m, fd) == 0);
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
	CHECK(hello(s, &good_hello) == 0);
	m.worker.frames = UMEM_FRAMES;
	m.worker.frame_size = XSK_FRAME_SIZE;
	CHECK(take_quiet(s, &m, dup(umem_fd)) == 0);
	CHECK(sockets_hand(s, umem_fd, umem) == 0);
	munmap(umem, UMEM_FRAMES * XSK_FRAME_SIZE); /* the broker may */
	for (int i = 0; i < 2; i++) {
		m = msg(HANDOVER_RAW);
		m.raw.family = i ? AF_INET6 : AF_INET;
		CHECK(take_quiet(s, &m, raw_socket_open((int)m.raw.family)) == 0);
		CHECK(take_quiet(s, &m, raw_socket_open((int)m.raw.family)) == -EEXIST);
	}
	return 0;
}

static int credential(struct signer *s, uint32_t id)
{
	struct handover_msg m = msg(HANDOVER_CREDENTIAL);

	m.credential.id = id;
	return take_quiet(s, &m, file_of(VECTOR_PRIVATE_PEM, strlen(VECTOR_PRIVATE_PEM), 0));
}

/* Key files for the time after START, made before it: the filter lets nobody open anything. */
static int key_file(EVP_PKEY *key, const EVP_CIPHER *cipher, bool is_sec1)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long len;
	int fd;

	if (is_sec1)
		PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL);
	else
		PEM_write_bio_PrivateKey(bio, key, cipher, NULL, 0, NULL, (void *)"word");
	len = BIO_get_mem_data(bio, &pem);
	fd = file_of(pem, (size_t)len, 0);
	BIO_free(bio);
	EVP_PKEY_free(key);
	return fd;
}

#define LATE 6

static const struct { uint32_t id; int ret; } late[LATE] = {
	{ CREDENTIAL_KEYS_MAX - 1, 0 }, { 9, 0 }, { 10, -EOPNOTSUPP }, { 10, -EBADMSG }, { 10, -EOPNOTSUPP }, { 10, -EBADMSG },
};

static void late_files(int fds[LATE])
{
	fds[0] = file_of(VECTOR_PRIVATE_PEM, strlen(VECTOR_PRIVATE_PEM), 0);
	fds[1] = key_file(EVP_EC_gen("P-256"), NULL, true);
	fds[2] = key_file(EVP_EC_gen("P-384"), NULL, false);
	fds[3] = key_file(EVP_EC_gen("P-256"), EVP_aes_256_cbc(), false);
	fds[4] = key_file(EVP_RSA_gen(2048), NULL, false);
	fds[5] = file_of("-----BEGIN PRIVATE KEY-----\nMEEC\n-----END PRIVATE KEY-----\n", 59, 0);
}

static int drop(struct signer *s, uint32_t id)
{
	struct handover_msg m = msg(HANDOVER_CREDENTIAL_DROP);

	m.credential.id = id;
	return take_quiet(s, &m, -1);
}

/* Keys come, sign, and go under the filter; OpenSSL gets along without opening a file. */
static int keys_under_filter(struct signer *s, const int fds[LATE])
{
	uint8_t digest[PASSPORT_DIGEST_LEN] = { 1 }, sig[PASSPORT_SIG_LEN];
	struct handover_msg m = msg(HANDOVER_CREDENTIAL);
	struct credential_signer *c = NULL;

	CHECK(credential_signer_new(s->credentials, &c) == 0);
	for (int i = 0; i < LATE; i++) {
		m.credential.id = late[i].id;
		if (take_quiet(s, &m, fds[i]) != late[i].ret) {
			fprintf(stderr, "late key %d\n", i);
			return 1;
		}
	}
	for (int i = 0; i < 2; i++) {
		CHECK(credential_sign(c, late[i].id, digest, sig) == 0);
		CHECK(drop(s, late[i].id) == 0);
		CHECK(credential_sign(c, late[i].id, digest, sig) == -ENOKEY);
	}
	CHECK(drop(s, 4711) == 0); /* nobody there */
	CHECK(drop(s, UINT32_MAX) == 0);
	credential_signer_free(c);
	return 0;
}

/* A whole life: hand-over, START, keys that come and go later, statistics, the end. */
static int life(void)
{
	static struct signer s;
	struct handover_msg m;
	struct counters_worker *c;
	uint64_t beat, drained;
	size_t secure;
	int fds[LATE];

	CHECK(links_up() == 0 && hand_over(&s) == 0);
	late_files(fds);
	secure = CRYPTO_secure_used();
	CHECK(credential(&s, 0) == 0);
	secure = CRYPTO_secure_used() - secure; /* of that key */
	CHECK(secure > 0);
	CHECK(unprivileged_become(65534, 65534) == 0);
	CHECK(take_quiet(&s, &start, -1) == 0);
	secure = CRYPTO_secure_used() - secure; /* of all but keys: each thread has a generator */
	c = counters_worker(s.counters, 0);
	CHECK(c->frames_total == UMEM_FRAMES && c->frames_lost == 0);
	CHECK(c->frames_rx == UMEM_FRAMES * 3 / 4);
	beat = s.heartbeat[0];
	CHECK(beat && clock_mono_ns() - beat < 1000000000);
	CHECK(keys_under_filter(&s, fds) == 0);
	CHECK(drop(&s, 0) == 0);
	drained = clock_mono_ns();
	poll(NULL, 0, 1300); /* statistics and keys: once per second */
	CHECK(s.heartbeat[0] > beat && clock_mono_ns() - s.heartbeat[0] < 125000000);
	CHECK(c->drained_ns > drained && clock_mono_ns() - c->drained_ns < 250000000); /* idle, and yet */
	CHECK(c->cpu_ns > 0);
	CHECK(CRYPTO_secure_used() == secure); /* the worker had made ready for key 0: wiped all the same */
	m = msg(HANDOVER_RAW);
	m.raw.family = AF_INET;
	CHECK(take_quiet(&s, &m, 2) == -EPROTO); /* too late for that */
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
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_tx),
		cmocka_unit_test(test_raw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

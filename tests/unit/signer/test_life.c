/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * life: a signer from the hand-over to its end, under its filter, and the real kernel's rings and raw sockets.  Needs
 * root; without it this is skipped and says so.
 */
#include "signer/captures.h"
#include "signer/handing.h"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "base/unprivileged.h"
#include "signer/sandbox.h"

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

#define PAIRS 5

/* Fetchers that come while traffic flows, made before the filter closes: the first can shrink. */
static void pairs_new(int ret[PAIRS][2])
{
	for (int i = 0; i < PAIRS; i++) {
		ret[i][0] = i ? source_region(NULL) : source_file(verdict_region_size(), F_SEAL_GROW);
		ret[i][1] = source_wants(1);
	}
}

static int pairs_under_filter(struct signer *s, int pairs[PAIRS][2])
{
	struct handover_msg m = msg(HANDOVER_VERDICTS);
	const struct source *former = NULL;

	m.verdicts.verdicts_len = verdict_region_size();
	m.verdicts.wants_len = sizeof(struct verdict_wants);
	for (int i = 0; i < PAIRS; i++) {
		int want = i ? 0 : -EINVAL;

		CHECK(take_fds(s, &m, pairs[i], 2) == want);
		CHECK((s->sources.current != former) == (want == 0));
		former = s->sources.current;
		for (int k = 0; k < 200 && s->threads[0].worker->source != former; k++)
			poll(NULL, 0, 10); /* an idle worker looks 50 times per second */
		CHECK(s->threads[0].worker->source == former);
	}
	return 0;
}

/* Somebody captures: the worker takes it up as it runs. */
static int capture_under_filter(struct signer *s, int fd)
{
	struct handover_msg m = msg(HANDOVER_CAPTURE);

	m.capture.capture_len = capture_size(1);
	CHECK(take_quiet(s, &m, fd) == 0);
	for (int k = 0; k < 200 && !s->threads[0].worker->capture.worker; k++)
		poll(NULL, 0, 10);
	CHECK(s->threads[0].worker->capture.worker == capture_worker(s->capture, 0));
	return 0;
}

/* What a worker does with a call from the carrier. */
static int verify_under_filter(struct es256 *e)
{
	static const char text[] = VECTOR_HEADER_B64 "." VECTOR_PAYLOAD_B64;
	static struct passport_parsed p;
	uint8_t point[CERT_POINT_LEN] = { 4 };
	int n = 0;

	CHECK(passport_parse(SLICE(VECTOR_TOKEN), &p) == 0);
	CHECK(passport_parse(SLICE("e30.e30.AA"), &p) == -EBADMSG);
	CHECK(es256_verify(e, point, slice_str(text), p.sig) == 0); /* no point of the curve */
	for (size_t i = 0; i < CERT_POINT_LEN; i++)
		n += sscanf(&VECTOR_POINT[2 * i], "%2hhx", &point[i]);
	CHECK(n == CERT_POINT_LEN);
	CHECK(passport_parse(SLICE(VECTOR_TOKEN), &p) == 0);
	for (int i = 0; i < 2; i++) /* a new key, and one that is known */
		CHECK(es256_verify(e, point, slice_str(text), p.sig) == 1);
	p.sig[7] ^= 1;
	CHECK(es256_verify(e, point, slice_str(text), p.sig) == 0);
	return 0;
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
	int fds[LATE], pairs[PAIRS][2], capture = capture_file(1, capture_size(1), F_SEAL_SHRINK);
	struct es256 *e = NULL;

	CHECK(links_up() == 0 && hand_over(&s) == 0);
	CHECK(es256_new(&e) == 0);
	late_files(fds);
	pairs_new(pairs);
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
	CHECK(pairs_under_filter(&s, pairs) == 0);
	CHECK(capture_under_filter(&s, capture) == 0);
	CHECK(verify_under_filter(e) == 0);
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
	es256_free(e);
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

/* In the record: @cnt IP packets that left by no NIC that we know of, of the first the payload. */
static int raw_captured(struct captures *c, unsigned cnt, struct slice payload)
{
	const struct capture_call *k = captures_take(c);
	struct capture_packet p;
	struct slice d;
	size_t off = 0;

	CHECK(k && k->packet_cnt == 1 + cnt);
	CHECK(capture_next(c->copy, &off, &p, &d) && p.stage == CAPTURE_BEFORE);
	for (unsigned i = 0; i < cnt; i++) {
		CHECK(capture_next(c->copy, &off, &p, &d));
		CHECK(p.stage == CAPTURE_AFTER && p.form == CAPTURE_L3 && p.nic == CAPTURE_NIC_NONE);
		CHECK(d.p[0] == 0x45 && (uint8_t)d.p[2] * 256u + (uint8_t)d.p[3] == d.len);
		CHECK(!payload.p || slice_eq(slice_of(d.p + 28, d.len - 28), payload));
	}
	return 0;
}

/* Neighbour unknown: a real raw socket, whole and in hand-made fragments; retransmissions alike. */
static int raw(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(5080) };
	struct sipseal_meta m = world_meta();
	char first[4096], again[4096];
	struct captures c;
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
	captures_new(&c, &x, CAPTURE_ALL);
	x.w->emitter.raw_v4 = raw_socket_open(AF_INET);
	m.flags = SIPSEAL_META_F_RAW;
	world_send(&x, &m, world_invite);
	world_run(&x);
	n = udp_recv(fd, first, sizeof(first));
	CHECK(n > (ssize_t)strlen(world_invite) + 300 && memmem(first, (size_t)n, "\r\nIdentity: eyJ", 15));
	CHECK(raw_captured(&c, 1, slice_of(first, (size_t)n)) == 0);
	m.mtu = 600;
	world_send(&x, &m, world_invite);
	world_run(&x);
	CHECK(udp_recv(fd, again, sizeof(again)) == n && memcmp(first, again, (size_t)n) == 0);
	CHECK(x.w->counters->sent_raw == 2 && x.w->counters->sent_fragments >= 2);
	CHECK(x.carrier->sent_cnt == 0 && world_reason(&x, SR_RETRANSMISSION) == 1);
	CHECK(raw_captured(&c, (unsigned)x.w->counters->sent_fragments, SLICE_NONE) == 0);
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
	captures_free(&c);
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
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_tx),
		cmocka_unit_test(test_raw),
	};

	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * handing - a signer and the messages that a daemon sends it, with the real files; AF_XDP sockets on a veth pair in a
 * network namespace of our own.
 */
#ifndef SIPSEAL_TEST_HANDING_H
#define SIPSEAL_TEST_HANDING_H

#include "signer/world.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>

#include "signer/keys.h"
#include "signer/signer.h"
#include "signer/sources.h"
#include "trunk/capture.h"

#define QUEUES 2
#define UMEM_FRAMES 256

static const struct handover_msg start = { .version = HANDOVER_VERSION, .type = HANDOVER_START };

static inline struct handover_msg msg(enum handover_type type)
{
	return (struct handover_msg){ .version = HANDOVER_VERSION, .type = type, .seq = 100 + type };
}

static inline int take_fds(struct signer *s, const struct handover_msg *m, int *fds, unsigned cnt)
{
	struct handover_msg r;

	signer_take(s, m, fds, cnt, &r);
	if (r.type != HANDOVER_RESULT || r.seq != m->seq || (r.error < 0) != !!r.text[0])
		return -1000;
	return r.error;
}

/* With one descriptor, or none (-1). */
static inline int take_quiet(struct signer *s, const struct handover_msg *m, int fd)
{
	return take_fds(s, m, &fd, fd >= 0);
}

static inline int file_of(const void *data, size_t len, size_t size)
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

static inline int read_only(int fd)
{
	char path[32];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	return r;
}

static inline int hello(struct signer *s, const struct hello *h)
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

/* As the daemon formats it. */
static inline int capture_file(uint32_t workers, uint64_t len, int seals)
{
	struct capture_region r = { 0 };
	int fd = source_file(len, seals);

	capture_region_init(&r, workers);
	return pwrite(fd, &r, sizeof(r), 0) == sizeof(r) ? fd : -1;
}

/* In a child there are no assertions: who fails returns the line. */
#define CHECK(x) do { if (!(x)) { fprintf(stderr, "line %d: " #x "\n", __LINE__); return 1; } } while (0)

static inline int links_up(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	return system("ip link add sgn0 numrxqueues 2 numtxqueues 2 type veth peer name sgn1 numrxqueues 2 "
		      "numtxqueues 2 && ip link set sgn0 up && ip link set sgn1 up") ? -1 : 0;
}

static inline int sockets_hand(struct signer *s, int umem_fd, char *umem)
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

static inline int hand_over(struct signer *s)
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

static inline int credential(struct signer *s, uint32_t id)
{
	struct handover_msg m = msg(HANDOVER_CREDENTIAL);

	m.credential.id = id;
	return take_quiet(s, &m, file_of(VECTOR_PRIVATE_PEM, strlen(VECTOR_PRIVATE_PEM), 0));
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "signer/signer.h"

#include <errno.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "signer/keys.h"
#include "stir/es256_table.h"

/* A message while it is handled: closing what is left of `fds` is the caller's. */
struct request {
	const struct handover_msg *m;
	int fds[HANDOVER_FDS_MAX];
	unsigned fd_cnt;
	char *text;              /* [200], of the RESULT */
};

static int refuse(const struct request *q, int error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(const struct request *q, int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(q->text, 200, fmt, ap);
	va_end(ap);
	return error;
}

int signer_init(struct signer *s)
{
	int r;

	memset(s, 0, sizeof(*s));
	s->raw_v4 = s->raw_v6 = -1;
	s->want_sandbox = true;
	sem_init(&s->ready, 0, 0);
	sem_init(&s->go, 0, 0);
	if (RAND_bytes(s->tag_key, sizeof(s->tag_key)) != 1 ||
	    RAND_bytes((unsigned char *)&s->mail.key, sizeof(s->mail.key)) != 1)
		return -EIO;
	if ((r = seen_new(&s->seen)) < 0 || (r = es256_tables_new(&s->tables)) < 0)
		return r;
	return credential_set_new(&s->credentials);
}

static void unmap(void *p, uint64_t len)
{
	if (p)
		munmap(p, len);
}

static void maps_done(struct signer_map maps[SIGNER_MAPS])
{
	for (unsigned i = 0; i < SIGNER_MAPS; i++)
		unmap(maps[i].p, maps[i].len);
}

void signer_done(struct signer *s)
{
	for (unsigned i = 0; i < SIPSEAL_WORKERS_MAX; i++)
		if (s->threads[i].is_running)
			worker_stop(s->threads[i].worker);
	for (unsigned i = 0; i < SIPSEAL_WORKERS_MAX; i++) {
		if (s->threads[i].is_running)
			pthread_join(s->threads[i].thread, NULL);
		worker_free(s->threads[i].worker);
		unmap(s->threads[i].umem, s->threads[i].umem_len);
	}
	credential_set_free(s->credentials);
	seen_free(s->seen);
	es256_tables_free(s->tables);
	for (unsigned i = 0; i < SIPSEAL_WORKERS_MAX; i++)
		mailbox_free(s->mail.box[i]);
	OPENSSL_cleanse(s->tag_key, sizeof(s->tag_key));
	sources_done(&s->sources);
	unmap(s->capture, s->capture_len);
	maps_done(s->maps);
	closep(&s->raw_v4);
	closep(&s->raw_v6);
	sem_destroy(&s->ready);
	sem_destroy(&s->go);
}

/* Map @len bytes of @fd; a file that is shorter would raise SIGBUS later. */
static int map_fd(int fd, uint64_t len, int prot, void **ret)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!len || (S_ISREG(st.st_mode) && (uint64_t)st.st_size < len))
		return -EINVAL;
	p = mmap(NULL, len, prot, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

/* Do @workers blocks of at least @want bytes lie where the header says? */
static bool is_blocks_ok(uint64_t len, uint64_t header, uint32_t workers, uint64_t off,
			 uint64_t size, uint64_t want)
{
	return size >= want && off >= header && off % 8 == 0 && size % 8 == 0 && off <= len &&
	       size <= (len - off) / workers;
}

static bool is_counters_ok(const struct signer_map *m, uint32_t workers)
{
	const struct counters_region *c = m->p;

	return m->len >= sizeof(*c) && c->magic == COUNTERS_MAGIC && c->workers >= workers &&
	       is_blocks_ok(m->len, sizeof(*c), c->workers, c->worker_off, c->worker_size,
			    counters_worker_size(c->trunk_max));
}

static bool is_events_ok(const struct signer_map *m, uint32_t workers)
{
	const struct events_region *e = m->p;

	return m->len >= sizeof(*e) && e->magic == EVENTS_MAGIC && e->version == EVENTS_VERSION &&
	       e->workers >= workers &&
	       is_blocks_ok(m->len, sizeof(*e), e->workers, e->worker_off, e->worker_size,
			    sizeof(struct events_worker));
}

static bool is_overrides_ok(const struct signer_map *m)
{
	const struct override_region *r = m->p;

	return m->len >= sizeof(*r) && r->magic == OVERRIDE_MAGIC && r->version == OVERRIDE_VERSION;
}

enum { MAP_POLICY, MAP_COUNTERS, MAP_EVENTS, MAP_OVERRIDES, MAP_HEARTBEAT };

static const struct {
	const char *name;
	int prot;
} hello_maps[SIGNER_MAPS] = {
	[MAP_POLICY] = { "policy", PROT_READ },
	[MAP_COUNTERS] = { "counters", PROT_READ | PROT_WRITE },
	[MAP_EVENTS] = { "events", PROT_READ | PROT_WRITE },
	[MAP_OVERRIDES] = { "overrides", PROT_READ },
	[MAP_HEARTBEAT] = { "heartbeat map", PROT_READ | PROT_WRITE },
};

/* Map what came with HELLO and look whether it is what it should be.  Mapped so far is in @maps even on
 * failure. */
static int hello_map(const struct request *q, struct signer_map maps[SIGNER_MAPS])
{
	const uint64_t lens[SIGNER_MAPS] = {
		[MAP_POLICY] = q->m->hello.policy_len,
		[MAP_COUNTERS] = q->m->hello.counters_len,
		[MAP_EVENTS] = q->m->hello.events_len,
		[MAP_OVERRIDES] = q->m->hello.overrides_len,
		[MAP_HEARTBEAT] = SIPSEAL_BEATS_MAX * sizeof(uint64_t),
	};
	uint32_t workers = q->m->hello.workers;

	for (unsigned i = 0; i < SIGNER_MAPS; i++) {
		int r = map_fd(q->fds[i], lens[i], hello_maps[i].prot, &maps[i].p);

		if (r < 0)
			return refuse(q, r, "%s cannot be mapped: %s", hello_maps[i].name, strerror(-r));
		maps[i].len = lens[i];
	}
	if (policy_region_check(maps[MAP_POLICY].p, maps[MAP_POLICY].len) < 0)
		return refuse(q, -EBADMSG, "policy has another layout");
	if (!is_counters_ok(&maps[MAP_COUNTERS], workers))
		return refuse(q, -EBADMSG, "counters have another layout");
	if (!is_events_ok(&maps[MAP_EVENTS], workers))
		return refuse(q, -EBADMSG, "events have another layout");
	if (!is_overrides_ok(&maps[MAP_OVERRIDES]))
		return refuse(q, -EBADMSG, "overrides have another layout");
	return 0;
}

static int take_hello(struct signer *s, struct request *q)
{
	const struct handover_msg *m = q->m;
	struct signer_map maps[SIGNER_MAPS] = { 0 };
	int r;

	if (s->has_hello)
		return refuse(q, -EEXIST, "HELLO came twice");
	if (!m->hello.workers || m->hello.workers > SIPSEAL_WORKERS_MAX || !m->hello.ports ||
	    m->hello.ports > SIPSEAL_PORTS_MAX || m->hello.idle > IDLE_SPIN)
		return refuse(q, -EINVAL, "HELLO out of range");
	if ((r = hello_map(q, maps)) < 0) {
		maps_done(maps);
		return r;
	}
	memcpy(s->maps, maps, sizeof(maps));
	s->policy = maps[MAP_POLICY].p;
	s->counters = maps[MAP_COUNTERS].p;
	s->events = maps[MAP_EVENTS].p;
	s->overrides = maps[MAP_OVERRIDES].p;
	s->heartbeat = maps[MAP_HEARTBEAT].p;
	s->worker_cnt = m->hello.workers;
	s->nic_cnt = m->hello.ports;
	s->idle = (enum idle_mode)m->hello.idle;
	s->has_hello = true;
	return 0;
}

static int take_worker(struct signer *s, struct request *q)
{
	uint32_t i = q->m->worker.worker;
	uint64_t len = (uint64_t)q->m->worker.frames * XSK_FRAME_SIZE;
	struct signer_thread *t = &s->threads[i < SIPSEAL_WORKERS_MAX ? i : 0];
	struct worker_cfg cfg = {
		.index = i, .idle = s->idle, .policy = s->policy, .counters = s->counters,
		.heartbeat = s->heartbeat + i, .slots = s->heartbeat, .credentials = s->credentials,
		.events = s->events, .overrides = s->overrides,
		.source = &s->sources.current, .capture = &s->capture, .seen = s->seen, .tables = s->tables,
		.mail = s->worker_cnt > 1 ? &s->mail : NULL,
		.frames = q->m->worker.frames, .raw_v4 = -1, .raw_v6 = -1,
	};
	void *p;
	int r;

	if (i >= s->worker_cnt || q->m->worker.frame_size != XSK_FRAME_SIZE)
		return refuse(q, -EINVAL, "WORKER out of range");
	if (t->worker)
		return refuse(q, -EEXIST, "WORKER %u came twice", i);
	if ((r = map_fd(q->fds[0], len, PROT_READ | PROT_WRITE, &p)) < 0)
		return refuse(q, r, "UMEM of worker %u cannot be mapped: %s", i, strerror(-r));
	cfg.umem = p;
	memcpy(cfg.tag_key, s->tag_key, sizeof(cfg.tag_key));
	if ((cfg.mail && !s->mail.box[i] && (r = mailbox_new(&s->mail.box[i])) < 0) ||
	    (r = worker_new(&cfg, &t->worker)) < 0) {
		munmap(p, len);
		return refuse(q, r, "worker %u: %s", i, strerror(-r));
	}
	t->umem = p;
	t->umem_len = len;
	return 0;
}

static int take_socket(struct signer *s, struct request *q)
{
	const struct handover_msg *m = q->m;
	struct port_cfg cfg = {
		.fd = q->fds[0], .index = m->socket.port, .queue = m->socket.queue, .mtu = m->socket.mtu,
		.fill_size = m->socket.fill_size, .comp_size = m->socket.comp_size,
		.rx_size = m->socket.rx_size, .tx_size = m->socket.tx_size,
	};
	int r;

	if (m->socket.worker >= s->worker_cnt || !s->threads[m->socket.worker].worker ||
	    m->socket.port >= s->nic_cnt || m->socket.queue >= SIPSEAL_QUEUES_MAX)
		return refuse(q, -EINVAL, "SOCKET out of range, or its WORKER is missing");
	q->fds[0] = -1;
	r = worker_port_add(s->threads[m->socket.worker].worker, &cfg);
	if (r < 0)
		return refuse(q, r, "rings of port %u queue %u cannot be mapped: %s", m->socket.port,
			      m->socket.queue, strerror(-r));
	return 0;
}

static int take_raw(struct signer *s, struct request *q)
{
	int *slot = q->m->raw.family == AF_INET ? &s->raw_v4 : &s->raw_v6;

	if (q->m->raw.family != AF_INET && q->m->raw.family != AF_INET6)
		return refuse(q, -EAFNOSUPPORT, "RAW of unknown family");
	if (*slot >= 0)
		return refuse(q, -EEXIST, "RAW came twice");
	*slot = TAKE_FD(q->fds[0]);
	return 0;
}

static int take_credential(struct signer *s, struct request *q)
{
	static const uint8_t none[CERT_POINT_LEN];
	const uint8_t *point = q->m->credential.point;

	/* all zero: the daemon has no certificate to compare with */
	if (memcmp(point, none, sizeof(none)) == 0)
		point = NULL;
	return keys_add(s->credentials, q->m->credential.id, q->fds[0], point, q->text);
}

static int take_verdicts(struct signer *s, struct request *q)
{
	source_ptr *noted[SIPSEAL_WORKERS_MAX];
	unsigned running = 0;

	for (unsigned i = 0; i < s->worker_cnt; i++)
		if (s->threads[i].is_running)
			noted[running++] = &s->threads[i].worker->source;
	return sources_take(&s->sources, q->fds, q->m->verdicts.verdicts_len, q->m->verdicts.wants_len,
			    s->worker_cnt, noted, running, q->text);
}

/* Workers find it at the top of their loop.  It stays: `want` in it says whether anybody reads. */
static int take_capture(struct signer *s, struct request *q)
{
	uint64_t len = q->m->capture.capture_len;
	struct capture_region *c;
	void *p;
	int r;

	if (s->capture)
		return refuse(q, -EEXIST, "CAPTURE came twice");
	if (len < capture_size(s->worker_cnt))
		return refuse(q, -EINVAL, "capture is too short");
	if ((r = source_map(q->fds[0], len, PROT_READ | PROT_WRITE, &p)) < 0)
		return refuse(q, r, "capture cannot be mapped: %s", strerror(-r));
	c = p;
	if (capture_region_check(c, len) < 0 || c->workers < s->worker_cnt) {
		munmap(p, len);
		return refuse(q, -EBADMSG, "capture has another layout");
	}
	s->capture_len = len;
	atomic_store_explicit(&s->capture, c, memory_order_release);
	return 0;
}

/* What may come while traffic flows. */
static bool is_late(uint32_t type)
{
	return type == HANDOVER_CREDENTIAL || type == HANDOVER_CREDENTIAL_DROP || type == HANDOVER_VERDICTS ||
	       type == HANDOVER_CAPTURE;
}

static int dispatch(struct signer *s, struct request *q)
{
	static const uint8_t fds_wanted[] = { [HANDOVER_HELLO] = SIGNER_MAPS, [HANDOVER_WORKER] = 1,
		[HANDOVER_SOCKET] = 1, [HANDOVER_RAW] = 1, [HANDOVER_CREDENTIAL] = 1,
		[HANDOVER_CREDENTIAL_DROP] = 0, [HANDOVER_START] = 0, [HANDOVER_RESULT] = 0,
		[HANDOVER_VERDICTS] = 2, [HANDOVER_CAPTURE] = 1 };
	uint32_t type = q->m->type;

	if (type >= ARRAY_SIZE(fds_wanted) || q->fd_cnt != fds_wanted[type])
		return refuse(q, -EBADMSG, "message %u came with %u descriptors", type, q->fd_cnt);
	if (!s->has_hello && type != HANDOVER_HELLO)
		return refuse(q, -EPROTO, "message %u before HELLO", type);
	if (s->is_started && !is_late(type))
		return refuse(q, -EPROTO, "message %u after START", type);
	switch (type) {
	case HANDOVER_HELLO:
		return take_hello(s, q);
	case HANDOVER_WORKER:
		return take_worker(s, q);
	case HANDOVER_SOCKET:
		return take_socket(s, q);
	case HANDOVER_RAW:
		return take_raw(s, q);
	case HANDOVER_CREDENTIAL:
		return take_credential(s, q);
	case HANDOVER_CREDENTIAL_DROP:
		credential_drop(s->credentials, q->m->credential.id);
		return 0;
	case HANDOVER_START:
		return signer_start(s, q->text);
	case HANDOVER_VERDICTS:
		return take_verdicts(s, q);
	case HANDOVER_CAPTURE:
		return take_capture(s, q);
	default:
		return refuse(q, -EPROTO, "message %u is not for a signer", type);
	}
}

void signer_take(struct signer *s, const struct handover_msg *m, int *fds, unsigned fd_cnt,
		 struct handover_msg *ret)
{
	struct request q = { .m = m, .fd_cnt = fd_cnt, .text = ret->text };

	*ret = (struct handover_msg){ .version = HANDOVER_VERSION, .type = HANDOVER_RESULT,
				      .seq = m->seq };
	for (unsigned i = 0; i < fd_cnt; i++)
		q.fds[i] = fds[i];
	ret->error = dispatch(s, &q);
	for (unsigned i = 0; i < fd_cnt; i++)
		closep(&q.fds[i]);
}

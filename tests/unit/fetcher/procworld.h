/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procworld - sipseal-fetcher itself, started as the daemon does.  Where the test is root it becomes nobody.
 */
#ifndef SIPSEAL_TEST_PROCWORLD_H
#define SIPSEAL_TEST_PROCWORLD_H

#include "procnet.h"

#include "base/reason.h"
#include "stir/fetcher_msg.h"

/* One process. */
struct proc {
	pid_t pid;
	int fd;
	uint32_t seq;
	const struct verdict_region *region;
	struct verdict_wants *wants;
	uint64_t region_len;
	rlim_t fsize;	   /* 0: no limit of file sizes */
	const char *hosts; /* file that stands in for /etc/hosts; NULL: none.  Takes root */
};

#define PROC_WORKERS 2

/* ---- messages ---- */

static inline struct fetcher_msg proc_call(struct proc *p, struct fetcher_msg m, const int *fds, unsigned fd_cnt)
{
	struct fetcher_msg ret;
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
	unsigned got = 0;

	m.head.version = FETCHER_VERSION;
	m.head.seq = ++p->seq;
	assert_int_equal(channel_send(p->fd, &m, sizeof(m), fds, fd_cnt), 0);
	if (poll(&pfd, 1, 5000) != 1)
		fail_msg("message %u: no answer within five seconds", m.head.type);
	if (channel_recv(p->fd, FETCHER_VERSION, &ret, sizeof(ret), NULL, 0, &got) != 1)
		fail_msg("message %u: the process has gone", m.head.type);
	assert_int_equal(ret.head.type, FETCHER_RESULT);
	assert_int_equal(ret.head.seq, p->seq);
	assert_non_null(memchr(ret.result.text, 0, sizeof(ret.result.text)));
	return ret;
}

static inline int memfd_of(const void *data, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_int_equal(write(fd, data, len), (ssize_t)len);
	return fd;
}

static inline struct fetcher_msg proc_give(struct proc *p, enum fetcher_type type, const void *data, size_t len)
{
	CLEANUP(closep) int fd = memfd_of(data, len);

	return proc_call(p, (struct fetcher_msg){ .head.type = type }, &fd, 1);
}

static inline struct fetcher_msg proc_give_crl(struct proc *p, X509_CRL *crl)
{
	unsigned char *der = NULL;
	int len = i2d_X509_CRL(crl, &der);
	struct fetcher_msg r = proc_give(p, FETCHER_CRL, der, (size_t)len);

	OPENSSL_free(der);
	return r;
}

static inline void must(struct fetcher_msg r, const char *what)
{
	if (r.head.error || r.result.text[0])
		fail_msg("%s: %d '%s'", what, r.head.error, r.result.text);
}

static inline struct fetcher_msg proc_url(struct proc *p, enum fetcher_type type, const char *url)
{
	struct fetcher_msg m = { .head.type = type };

	snprintf(m.x5u, sizeof(m.x5u), "%s", url);
	return proc_call(p, m, NULL, 0);
}

static inline struct fetcher_stats proc_stats(struct proc *p)
{
	struct fetcher_msg r = proc_call(p, (struct fetcher_msg){ .head.type = FETCHER_STATUS }, NULL, 0);

	must(r, "STATUS");
	return r.result.stats;
}

/* ---- start and end ---- */

static inline void proc_exec(int fd, const struct proc *p)
{
	char *as_nobody[] = { net.program, "--uid", "65534", "--gid", "65534", NULL },
	     *as_self[] = { net.program, NULL };
	struct rlimit limit = { p->fsize, p->fsize };

	if (p->fsize) { /* a write beyond fails, as on a full disk */
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
	}
	if (p->hosts && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
			 mount(p->hosts, "/etc/hosts", NULL, MS_BIND, NULL) < 0))
		_exit(97);
	if (dup2(fd, CHANNEL_FD) < 0)
		_exit(99);
	execv(net.program, geteuid() == 0 ? as_nobody : as_self);
	_exit(98);
}

/* Only the process and its end of the socket. */
static inline void proc_spawn(struct proc *p)
{
	int s[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s), 0);
	p->fd = s[0];
	p->pid = fork();
	if (p->pid == 0)
		proc_exec(s[1], p);
	close(s[1]);
	assert_true(net.pid_cnt < ARRAY_SIZE(net.pids));
	net.pids[net.pid_cnt++] = p->pid;
}

static inline int shared(uint64_t len, int prot, void *ret_map)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *map;

	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	map = mmap(NULL, len, prot, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	memcpy(ret_map, &map, sizeof(map));
	return fd;
}

/* HELLO, as the daemon: sealed behind it. */
static inline void proc_hello(struct proc *p, struct fetcher_msg m)
{
	int fds[2];

	p->region_len = verdict_region_size();
	fds[0] = shared(p->region_len, PROT_READ, &p->region);
	fds[1] = shared(PROC_WORKERS * sizeof(*p->wants), PROT_READ | PROT_WRITE, &p->wants);
	m.head.type = FETCHER_HELLO;
	m.hello.verdicts_len = p->region_len;
	m.hello.wants_len = PROC_WORKERS * sizeof(*p->wants);
	m.hello.workers = PROC_WORKERS;
	m.hello.timeout_ms = m.hello.timeout_ms ? m.hello.timeout_ms : 5000; /* also of a busy machine */
	m.hello.want_tnauthlist = 1;
	snprintf(m.hello.https_ca, sizeof(m.hello.https_ca), "%s", net.ca);
	must(proc_call(p, m, fds, 2), "HELLO");
	assert_int_equal(fcntl(fds[0], F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
	assert_int_equal(verdict_region_check(p->region, p->region_len), 0);
	close(fds[0]);
	close(fds[1]);
}

static inline void proc_give_dir(struct proc *p, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	must(proc_call(p, (struct fetcher_msg){ .head.type = FETCHER_CACHE }, &fd, 1), "CACHE");
	close(fd);
}

/* @hello: its flags; private addresses are allowed.  @dir: NULL: no disk cache. */
static inline void proc_start_with(struct proc *p, struct fetcher_msg hello, const char *dir, X509_CRL *crl)
{
	hello.hello.allow_private = 1;
	proc_spawn(p);
	proc_hello(p, hello);
	must(proc_give(p, FETCHER_ANCHORS, net.anchors, net.anchors_len), "ANCHORS");
	if (crl)
		must(proc_give_crl(p, crl), "CRL");
	if (dir)
		proc_give_dir(p, dir);
	must(proc_call(p, (struct fetcher_msg){ .head.type = FETCHER_START }, NULL, 0), "START");
}

static inline struct proc proc_start(const char *dir)
{
	struct proc p = { 0 };

	proc_start_with(&p, (struct fetcher_msg){ 0 }, dir, NULL);
	return p;
}

/* It has ended. */
static inline void proc_forget(struct proc *p)
{
	for (unsigned i = 0; i < net.pid_cnt; i++)
		if (net.pids[i] == p->pid)
			net.pids[i] = 0;
	close(p->fd);
	if (p->region)
		munmap((void *)(uintptr_t)p->region, p->region_len);
	if (p->wants)
		munmap(p->wants, PROC_WORKERS * sizeof(*p->wants));
}

/* EOF ends it, at once and well. */
static inline void proc_stop(struct proc *p)
{
	uint64_t end = clock_mono_ns() + DEADLINE_NS / 5;
	int status = -1;
	pid_t r;

	shutdown(p->fd, SHUT_RDWR);
	while ((r = waitpid(p->pid, &status, WNOHANG)) == 0 && clock_mono_ns() < end)
		usleep(2000);
	if (r == 0) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, &status, 0);
		fail_msg("did not end with its daemon");
	}
	proc_forget(p);
	if (status != 0)
		fail_msg("ended with status %x", status);
}

static inline void proc_kill(struct proc *p)
{
	int status;

	kill(p->pid, SIGKILL);
	waitpid(p->pid, &status, 0);
	proc_forget(p);
}

/* ---- wants and verdicts ---- */

/* https://HOST:PORT/PATH */
static inline const char *url_to(const char *host, const struct httpsd *s, const char *path)
{
	static char text[4][300];
	static unsigned n;

	snprintf(text[n % 4], sizeof(text[0]), "https://%s:%u%s", host, s->port, path);
	return text[n++ % 4];
}

static inline void want_as(struct proc *p, const char *url, uint16_t flags)
{
	assert_true(verdict_ask(&p->wants[p->seq % PROC_WORKERS], 7, slice_str(url), flags));
}

static inline enum verdict_kind look(struct proc *p, const char *url, struct verdict *ret)
{
	memset(ret, 0, sizeof(*ret));
	return verdict_find(p->region, slice_str(url), (int64_t)time(NULL), ret);
}

/* Until the region says @kind of it. */
static inline struct verdict wait_for(struct proc *p, const char *url, enum verdict_kind kind)
{
	uint64_t end = clock_mono_ns() + DEADLINE_NS;
	struct verdict v;

	while (look(p, url, &v) != kind)
		if (usleep(1000) || clock_mono_ns() > end)
			fail_msg("%s: kind %u, reason %s, want %u", url, v.kind, reason_token(v.reason), kind);
	return v;
}

static inline struct verdict want(struct proc *p, const char *url, enum verdict_kind kind)
{
	want_as(p, url, 0);
	return wait_for(p, url, kind);
}

/* Until the reader has taken all, and some turns more. */
static inline void wants_settle(struct proc *p)
{
	uint64_t end = clock_mono_ns() + DEADLINE_NS;

	for (unsigned i = 0; i < PROC_WORKERS; i++)
		while (p->wants[i].tail != p->wants[i].head)
			if (usleep(1000) || clock_mono_ns() > end)
				fail_msg("wants are not taken");
	proc_stats(p); /* a message is taken behind the wants before it */
	proc_stats(p);
}

/* Records of LIST or HOSTS; at most @max of @size. */
static inline unsigned records(struct proc *p, struct fetcher_msg m, void *ret, unsigned max, size_t size,
			       uint32_t *ret_total)
{
	CLEANUP(closep) int fd = memfd_create("records", MFD_CLOEXEC);
	struct fetcher_msg r;

	assert_int_equal(ftruncate(fd, (off_t)(max * size)), 0);
	r = proc_call(p, m, &fd, 1);
	must(r, "LIST or HOSTS");
	assert_true(r.result.cnt <= max);
	assert_int_equal(pread(fd, ret, r.result.cnt * size, 0), (ssize_t)(r.result.cnt * size));
	*ret_total = r.result.total;
	return r.result.cnt;
}

static inline unsigned entries(struct proc *p, const char *url, uint32_t skip, struct fetcher_entry *ret, unsigned max,
			       uint32_t *ret_total)
{
	struct fetcher_msg m = { .head.type = FETCHER_LIST, .list.skip = skip };

	snprintf(m.list.x5u, sizeof(m.list.x5u), "%s", url);
	return records(p, m, ret, max, sizeof(*ret), ret_total);
}

/* The one record of a URL. */
static inline struct fetcher_entry entry(struct proc *p, const char *url)
{
	struct fetcher_entry e;
	uint32_t total;

	if (entries(p, url, 0, &e, 1, &total) != 1 || total != 1)
		fail_msg("%s is not in the list", url);
	return e;
}

#endif

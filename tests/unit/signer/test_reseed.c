/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reseed: what OpenSSL does after hours works under the signer's real filter.  Its generators are seeded anew after an hour
 * (the first one) or seven minutes (those of threads), after so many draws, when the clock was set back, and in a process
 * that was forked.  The clock is ours: time(2) of this program is the one below, also for libcrypto.
 */
#include "guard.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/cleanup.h"
#include "signer/keys.h"
#include "signer/sandbox.h"
#include "stir/vector.h"

#define THREADS 4
#define HOUR 3600
#define DRAWS 66000 /* a generator of a thread is seeded anew after 65536 */
#define KEY 7

static _Atomic time_t offset;
static _Atomic unsigned asked;

time_t time(time_t *ret)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	atomic_fetch_add(&asked, 1);
	t.tv_sec += atomic_load(&offset);
	if (ret)
		*ret = t.tv_sec;
	return t.tv_sec;
}

/* How often a generator has been seeded; it only grows. */
static unsigned seeds(EVP_RAND_CTX *ctx)
{
	unsigned n = 0;
	OSSL_PARAM p[] = { OSSL_PARAM_uint(OSSL_DRBG_PARAM_RESEED_COUNTER, &n), OSSL_PARAM_END };

	return ctx && EVP_RAND_CTX_get_params(ctx, p) == 1 ? n : 0;
}

struct seeded {
	unsigned primary, public, private;
};

static struct seeded seeded(void)
{
	return (struct seeded){ seeds(RAND_get0_primary(NULL)), seeds(RAND_get0_public(NULL)),
				seeds(RAND_get0_private(NULL)) };
}

struct task {
	pthread_t thread;
	struct credential_set *set;
	unsigned index;
	int line; /* where it failed */
};

static atomic_uint step, arrived;

/* All threads and the test meet: nobody draws while the clock moves. */
static void meet(unsigned n)
{
	atomic_fetch_add(&arrived, 1);
	while (atomic_load(&step) < n)
		poll(NULL, 0, 1);
}

#define WANT(x) do { if (!(x)) { t->line = __LINE__; return false; } } while (0)

static bool sign_once(struct task *t, struct credential_signer *s)
{
	const uint8_t digest[PASSPORT_DIGEST_LEN] = { (uint8_t)t->index };
	uint8_t sig[PASSPORT_SIG_LEN], random[64];

	WANT(credential_sign(s, KEY, digest, sig) == 0);
	WANT(RAND_bytes(random, sizeof(random)) == 1 && RAND_priv_bytes(random, sizeof(random)) == 1);
	return true;
}

/* Signs, and both generators of this thread have fresh seeds after it. */
static bool sign_seeds(struct task *t, struct credential_signer *s, unsigned n)
{
	struct seeded before = seeded(), after;

	meet(n);
	WANT(sign_once(t, s));
	after = seeded();
	WANT(after.public > before.public);
	WANT(after.private > before.private);
	return true;
}

static bool life(struct task *t, struct credential_signer *s)
{
	uint8_t byte;
	struct seeded before;

	WANT(sign_once(t, s));
	meet(1); /* the filter closes */
	WANT(sign_once(t, s));
	WANT(sign_seeds(t, s, 2)); /* two hours later */
	WANT(sign_seeds(t, s, 3)); /* a day back */
	before = seeded();
	for (unsigned i = 0; i < DRAWS; i++)
		WANT(RAND_priv_bytes(&byte, 1) == 1);
	WANT(seeded().private > before.private);
	WANT(sign_once(t, s));
	return true;
}

static void *thread_main(void *arg)
{
	CLEANUP(credential_signer_freep) struct credential_signer *s = NULL;
	struct task *t = arg;

	if (credential_signer_new(t->set, &s) < 0)
		t->line = __LINE__;
	else
		life(t, s);
	if (t->line) /* the others need not wait for it */
		atomic_store(&arrived, 1u << 20);
	return NULL;
}

static bool wait_all(unsigned n)
{
	for (int i = 0; i < 20000 && atomic_load(&arrived) < n * THREADS; i++)
		poll(NULL, 0, 1);
	return atomic_load(&arrived) >= n * THREADS;
}

static int key_file(void)
{
	int fd = memfd_create("key", MFD_CLOEXEC);

	return write(fd, VECTOR_PRIVATE_PEM, strlen(VECTOR_PRIVATE_PEM)) < 0 || lseek(fd, 0, SEEK_SET) < 0 ? -1 : fd;
}

static bool openssl_start(void)
{
	bool is_locked;

	return keys_openssl_init(&is_locked) == 0 && keys_warm_up() == 0;
}

static bool confine(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && sandbox_close() == 0; }

static int do_life(void)
{
	static struct task tasks[THREADS];
	struct credential_set *set;
	struct seeded before;
	char text[200];
	int line = 0;

	if (!openssl_start() || credential_set_new(&set) < 0 || keys_add(set, KEY, key_file(), NULL, text) < 0)
		return 2;
	for (unsigned i = 0; i < THREADS; i++) {
		tasks[i] = (struct task){ .set = set, .index = i };
		if (pthread_create(&tasks[i].thread, NULL, thread_main, &tasks[i]))
			return 3;
	}
	if (!wait_all(1) || !confine())
		return 4;
	atomic_store(&step, 1);
	if (!wait_all(2))
		return 5;
	before = seeded();
	atomic_store(&asked, 0);
	atomic_fetch_add(&offset, 2 * HOUR);
	atomic_store(&step, 2);
	if (!wait_all(3))
		return 6;
	if (seeds(RAND_get0_primary(NULL)) <= before.primary || !atomic_load(&asked))
		return 7; /* the first of all, which the others take theirs from */
	atomic_fetch_sub(&offset, 24 * HOUR);
	atomic_store(&step, 3);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(tasks[i].thread, NULL);
		line = line ? line : tasks[i].line;
	}
	if (line)
		fprintf(stderr, "failed in line %d\n", line);
	return line ? 8 : 0;
}

/* What two processes draw that were forked from one. */
static int draw(int out)
{
	unsigned before = seeds(RAND_get0_primary(NULL));
	uint8_t random[32];

	if (!confine() || RAND_bytes(random, sizeof(random)) != 1)
		return 10;
	if (write(out, random, sizeof(random)) != sizeof(random))
		return 11;
	return seeds(RAND_get0_primary(NULL)) > before ? 0 : 12;
}

static int do_fork(void)
{
	uint8_t random[2][32];
	int p[2], status;

	if (!openssl_start() || RAND_bytes(random[0], 32) != 1 || pipe(p) < 0)
		return 2;
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(draw(p[1]));
		if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || read(p[0], random[i], 32) != 32)
			return 3;
		if (WEXITSTATUS(status))
			return WEXITSTATUS(status);
	}
	return memcmp(random[0], random[1], 32) ? 0 : 4;
}

/* In a child: OpenSSL is new there, and the filter stays there. */
static void in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60);
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("%s %d", WIFEXITED(status) ? "exit" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static void test_hours_later(void **state)
{
	(void)state;
	in_child(do_life);
}

static void test_forked(void **state)
{
	(void)state;
	in_child(do_fork);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hours_later),
		cmocka_unit_test(test_forked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox: what is forbidden kills the process; what the signer does for hours (sign, take keys, reseed
 * OpenSSL's generators, stop its threads) works.  Each case runs in a child of its own.
 */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/unprivileged.h"
#include "signer/keys.h"
#include "signer/sandbox.h"
#include "stir/vector.h"

typedef int child_fn(void);

/* Return: wait status; the child exits with what @fn returns. */
static int in_child(child_fn *fn)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(30); /* bounded, whatever goes wrong */
		_exit(fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int confined(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -1 : sandbox_close();
}

static int do_open(void) { return confined() < 0 ? 9 : open("/etc/passwd", O_RDONLY) < 0; }
static int do_socket(void) { return confined() < 0 ? 9 : socket(AF_INET, SOCK_DGRAM, 0) < 0; }
static int do_fork(void) { return confined() < 0 ? 9 : fork() < 0; }
static int do_kill(void) { return confined() < 0 ? 9 : kill(getppid(), 0) < 0; }

static int do_exec(void)
{
	char *argv[] = { "true", NULL };

	return confined() < 0 ? 9 : execv("/bin/true", argv);
}

static int do_map_exec(void)
{
	return confined() < 0 ? 9 : mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
					 -1, 0) == MAP_FAILED;
}

static int do_make_exec(void)
{
	static char page[8192] __attribute__((aligned(4096)));

	return confined() < 0 ? 9 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static int do_getsockopt(void)
{
	int v;
	socklen_t len = sizeof(v);

	return confined() < 0 ? 9 : getsockopt(0, SOL_SOCKET, SO_TYPE, &v, &len) < 0;
}

/* Only the question for seals is let through. */
static int do_fcntl(void) { return confined() < 0 ? 9 : fcntl(0, F_SETFD, FD_CLOEXEC); }

/* TSYNC: a thread that was there before is in it, too */
static void *open_late(void *go)
{
	while (!__atomic_load_n((int *)go, __ATOMIC_ACQUIRE))
		poll(NULL, 0, 1);
	return (void *)(intptr_t)open("/etc/passwd", O_RDONLY);
}

static int do_other_thread(void)
{
	static int go;
	pthread_t t;

	if (pthread_create(&t, NULL, open_late, &go) || confined() < 0)
		return 9;
	__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
	pthread_join(t, NULL);
	return 0;
}

static const struct { const char *name; child_fn *fn; } forbidden[] = {
	{ "open", do_open }, { "socket", do_socket }, { "fork", do_fork }, { "kill", do_kill },
	{ "execve", do_exec }, { "mmap PROT_EXEC", do_map_exec }, { "mprotect PROT_EXEC", do_make_exec },
	{ "getsockopt SOL_SOCKET", do_getsockopt }, { "fcntl F_SETFD", do_fcntl }, { "open in an older thread", do_other_thread },
};

static void test_forbidden(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
		int status = in_child(forbidden[i].fn);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status %x, want death by SIGSYS", forbidden[i].name, status);
	}
}

static int reseed_soon(EVP_RAND_CTX *ctx)
{
	time_t second = 1;
	OSSL_PARAM p[] = { OSSL_PARAM_time_t(OSSL_DRBG_PARAM_RESEED_TIME_INTERVAL, &second),
			   OSSL_PARAM_END };

	return EVP_RAND_CTX_set_params(ctx, p);
}

static unsigned reseeds(EVP_RAND_CTX *ctx)
{
	unsigned n = 0;
	OSSL_PARAM p[] = { OSSL_PARAM_uint(OSSL_DRBG_PARAM_RESEED_COUNTER, &n), OSSL_PARAM_END };

	return EVP_RAND_CTX_get_params(ctx, p) == 1 ? n : 0;
}

struct task {
	struct credential_set *set;
	int key_fd;
	bool is_ready, may_go;
	int result;
};

/* A worker's life: signs, waits until its generators must be seeded anew, signs again, ends. */
static void *sign_thread(void *arg)
{
	struct task *t = arg;
	struct credential_signer *s = NULL;
	uint8_t digest[PASSPORT_DIGEST_LEN] = { 1 }, sig[PASSPORT_SIG_LEN], random[64];
	unsigned before;

	t->result = 1;
	if (credential_signer_new(t->set, &s) < 0 || RAND_bytes(random, 1) != 1 ||
	    RAND_priv_bytes(random, 1) != 1 || reseed_soon(RAND_get0_primary(NULL)) != 1 ||
	    reseed_soon(RAND_get0_public(NULL)) != 1 || reseed_soon(RAND_get0_private(NULL)) != 1)
		return NULL;
	before = reseeds(RAND_get0_primary(NULL));
	__atomic_store_n(&t->is_ready, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&t->may_go, __ATOMIC_ACQUIRE))
		poll(NULL, 0, 1);
	t->result = 2;
	for (int i = 0; i < 2; i++) {
		if (credential_sign(s, 7, digest, sig) < 0 || RAND_bytes(random, sizeof(random)) != 1)
			return NULL;
		poll(NULL, 0, i ? 0 : 2100); /* the clock moves past the reseed */
	}
	t->result = reseeds(RAND_get0_primary(NULL)) > before ? 0 : 3;
	credential_drop(t->set, 7); /* a key goes while its signer lives */
	if (credential_sign(s, 7, digest, sig) != -ENOKEY)
		t->result = 4;
	credential_signer_sync(s);
	if (credential_sign(s, 7, digest, sig) != -ENOKEY)
		t->result = 5;
	credential_signer_free(s);
	return NULL;
}

static int do_work(void)
{
	char text[200] = "", *big;
	bool is_locked;
	struct task t = { .key_fd = memfd_create("key", MFD_CLOEXEC) };
	pthread_t thread;

	if (keys_openssl_init(&is_locked) < 0 || keys_warm_up() < 0 || credential_set_new(&t.set) < 0 ||
	    pthread_create(&thread, NULL, sign_thread, &t))
		return 10;
	if (write(t.key_fd, VECTOR_PRIVATE_PEM, strlen(VECTOR_PRIVATE_PEM)) < 0 ||
	    lseek(t.key_fd, 0, SEEK_SET) < 0)
		return 11;
	while (!__atomic_load_n(&t.is_ready, __ATOMIC_ACQUIRE))
		poll(NULL, 0, 1);
	if (confined() < 0)
		return 12;
	if (keys_add(t.set, 7, t.key_fd, NULL, text) < 0) /* a key that comes later */
		return 13;
	big = malloc(1 << 24);
	if (!big || !(big = realloc(big, 1 << 25)))
		return 14;
	memset(big, 1, 1 << 25);
	free(big);
	fprintf(stderr, "a line under the filter\n");
	__atomic_store_n(&t.may_go, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	credential_drop(t.set, 7);
	credential_set_free(t.set);
	return t.result;
}

static void test_work(void **state)
{
	int status = in_child(do_work);

	(void)state;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("status %x: %s %d", status, WIFEXITED(status) ? "exit" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

static int do_unprivileged(void)
{
	if (getuid() != 0)
		return unprivileged_become((uid_t)-1, (gid_t)-1) == 0 ? 0 : 1;
	if (unprivileged_become((uid_t)-1, (gid_t)-1) != -EPERM || unprivileged_become(0, 0) != -EINVAL)
		return 2;
	if (unprivileged_become(65534, 65534) != 0)
		return 3;
	if (getuid() != 65534 || geteuid() != 65534 || getgid() != 65534 || setuid(0) == 0)
		return 4;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 5;
	return getgroups(0, NULL) == 0 && socket(AF_INET, SOCK_RAW, 255) < 0 ? 0 : 6;
}

static void test_unprivileged(void **state)
{
	(void)state;
	assert_int_equal(in_child(do_unprivileged), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_unprivileged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

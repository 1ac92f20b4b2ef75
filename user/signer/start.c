/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * START: threads first, then the filter, then traffic.  A thread that starts under the filter would need
 * more system calls than the data path does, so all of them are up and have drawn their first random
 * numbers (OpenSSL makes a DRBG per thread) before the filter closes over them.
 */
#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>

#include <jansson.h>

#include "signer/keys.h"
#include "signer/sandbox.h"
#include "signer/signer.h"

/* Verification takes some 60 KiB, in test builds four times as much; what RLIMIT_STACK says would do, but is
 * nobody's promise.  Only what is touched takes memory. */
#define THREAD_STACK (1u << 20)

static void sem_wait_all(sem_t *s, unsigned n)
{
	while (n)
		if (sem_wait(s) == 0)
			n--;
}

static void *thread_main(void *arg)
{
	struct signer_thread *t = arg;
	uint8_t first[16];

	RAND_bytes(first, sizeof(first));
	RAND_priv_bytes(first, sizeof(first));
	sem_post(t->ready);
	sem_wait_all(t->go, 1);
	worker_run(t->worker);
	return NULL;
}

static int thread_create(struct signer_thread *t)
{
	pthread_attr_t attr;
	int r = pthread_attr_init(&attr);

	if (r)
		return -r;
	r = pthread_attr_setstacksize(&attr, THREAD_STACK);
	if (r == 0)
		r = pthread_create(&t->thread, &attr, thread_main, t);
	pthread_attr_destroy(&attr);
	return -r;
}

static int thread_start(struct signer *s, struct signer_thread *t)
{
	int r;

	t->ready = &s->ready;
	t->go = &s->go;
	t->worker->cfg.raw_v4 = t->worker->emitter.raw_v4 = s->raw_v4;
	t->worker->cfg.raw_v6 = t->worker->emitter.raw_v6 = s->raw_v6;
	if ((r = worker_prepare(t->worker)) < 0)
		return r;
	if ((r = thread_create(t)) < 0)
		return r;
	t->is_running = true;
	return 0;
}

/* Has it a socket on every NIC?  Without, what it would have to send there could only leave by a raw socket. */
static bool is_everywhere(const struct signer *s, const struct worker *w)
{
	for (unsigned nic = 0; nic < s->nic_cnt; nic++)
		if (!w->tx_cnt[nic])
			return false;
	return true;
}

/* Queue q is worker q % workers's: those that a NIC has no queue for are the last ones. */
static unsigned owners(const struct signer *s)
{
	unsigned n = 0;

	while (n < s->worker_cnt && is_everywhere(s, s->threads[n].worker))
		n++;
	return n ? n : s->worker_cnt;
}

int signer_start(struct signer *s, char reterr_text[200])
{
	int r = 0;
	unsigned i;

	for (i = 0; i < s->worker_cnt; i++) {
		if (!s->threads[i].worker) {
			snprintf(reterr_text, 200, "START without WORKER %u", i);
			return -EPROTO;
		}
	}
	s->mail.owners = s->worker_cnt > 1 ? owners(s) : 0;
	s->is_started = true; /* whatever comes of it: there is no second try */
	if (keys_warm_up() < 0) {
		snprintf(reterr_text, 200, "OpenSSL cannot sign with P-256");
		return -EIO;
	}
	json_object_seed(0); /* jansson's first object would open /dev/urandom behind the filter */
	for (i = 0; i < s->worker_cnt && r == 0; i++)
		r = thread_start(s, &s->threads[i]);
	if (r < 0) {
		snprintf(reterr_text, 200, "worker %u cannot start: %s", i - 1, strerror(-r));
		i--;
	}
	sem_wait_all(&s->ready, i);
	if (r == 0 && s->want_sandbox && (r = sandbox_close()) < 0)
		snprintf(reterr_text, 200, "seccomp filter: %s", strerror(-r));
	for (unsigned k = 0; k < i; k++) {
		if (r < 0)
			worker_stop(s->threads[k].worker);
		sem_post(&s->go);
	}
	return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sipseal-signer - the data path: holds the private keys, sees the packets, may do nothing else.
 * Started by sipseald with descriptor 3 connected to it; ends with it.
 */
#include <errno.h>
#include <poll.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/log.h"
#include "signer/keys.h"
#include "signer/pid.h"
#include "signer/sandbox.h"
#include "signer/signer.h"
#include "signer/sslheap.h"
#include "stir/es256_table.h"

#define TURN_MS 500

static int confine(const struct child *c)
{
	bool is_locked;
	int r = child_confine(c);

	if (r < 0)
		return r;
	if ((r = sslheap_install()) < 0 || (r = keys_openssl_init(&is_locked)) < 0) {
		log_err("event=signer_openssl error=\"libcrypto cannot be initialised\"");
		return r;
	}
	if (!is_locked)
		log_warning("event=signer_heap locked=no "
			    "hint=\"keys may be swapped out: raise RLIMIT_MEMLOCK\"");
	return 0;
}

/* Until the daemon says something.  Meanwhile this thread, which has nothing else to do, makes tables for the workers;
 * no more than one per turn: where more keys come than there are tables, that shall cost little. */
static void await_message(struct signer *s)
{
	struct pollfd p = { .fd = HANDOVER_FD, .events = POLLIN };
	int r;

	while (s->is_started && ((r = poll(&p, 1, TURN_MS)) == 0 || (r < 0 && errno == EINTR)))
		if (r == 0)
			es256_tables_turn(s->tables, clock_mono_ns() / 1000000000);
}

/* Until the daemon goes away.  Return: exit code. */
static int serve(struct signer *s)
{
	struct handover_msg m, result;
	int fds[HANDOVER_FDS_MAX], r;
	unsigned fd_cnt;

	while (await_message(s), (r = handover_recv(HANDOVER_FD, &m, fds, &fd_cnt)) != 0) {
		if (r < 0) {
			log_err("event=signer_handover error=\"%s\"", strerror(-r));
			return EXIT_FAILURE;
		}
		signer_take(s, &m, fds, fd_cnt, &result);
		if (result.error)
			log_warning("event=signer_refused message=%u error=\"%s\"", m.type, result.text);
		if ((r = handover_send(HANDOVER_FD, &result, NULL, 0)) == -EPIPE)
			return EXIT_SUCCESS;
		if (r < 0 || (m.type == HANDOVER_START && result.error))
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct child c = {
		.program = "sipseal-signer",
		.event = "signer",
		.about = "The data path of sipseal.  Started by sipseald, which hands it sockets, packet memory,\n"
			 "policy and keys over descriptor 3; it is of no use alone.\n",
	};
	static struct signer signer;
	int r = child_begin(&c, argc, argv);

	if (r >= 0)
		return r;
	pid_fix();
	if (confine(&c) < 0 || signer_init(&signer) < 0)
		return EXIT_FAILURE;
	r = serve(&signer);
	signer_done(&signer);
	/* no exit handlers: they are not in the filter's list, and there is nothing left to flush */
	_exit(r);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sipseal-signer - the data path: holds the private keys, sees the packets, may do nothing else.
 * Started by sipseald with descriptor 3 connected to it; ends with it.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/unprivileged.h"
#include "signer/keys.h"
#include "signer/sandbox.h"
#include "signer/signer.h"

#define EXIT_USAGE 2

static void usage(FILE *f)
{
	fputs("Usage: sipseal-signer [--uid N --gid N]\n\n"
	      "The data path of sipseal.  Started by sipseald, which hands it sockets, packet memory,\n"
	      "policy and keys over descriptor 3; it is of no use alone.\n\n"
	      "  --uid N, --gid N  user and group to become where it is started as root\n"
	      "  --version         print the version\n"
	      "  --help            print this text\n", f);
}

static int id_parse(const char *text, unsigned *ret)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno || end == text || *end || text[0] == '-' || v >= UINT32_MAX)
		return -EINVAL;
	*ret = (unsigned)v;
	return 0;
}

/* Return: -1 go on, or the exit code. */
static int options_parse(int argc, char **argv, unsigned *uid, unsigned *gid)
{
	static const struct option options[] = {
		{ "uid", required_argument, NULL, 'u' }, { "gid", required_argument, NULL, 'g' },
		{ "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'V':
			puts("sipseal-signer " SIPSEAL_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		case 'u':
		case 'g':
			if (id_parse(optarg, c == 'u' ? uid : gid) == 0)
				continue;
			fprintf(stderr, "sipseal-signer: %s: want a number\n", optarg);
			return EXIT_USAGE;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	return -1;
}

static bool has_daemon(void)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(HANDOVER_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

static int confine(unsigned uid, unsigned gid)
{
	bool is_locked;
	int r = unprivileged_become(uid, gid);

	if (r < 0) {
		log_err("event=signer_privileges error=\"%s\" hint=\"%s\"", strerror(-r),
			r == -EPERM ? "started as root: give --uid and --gid" :
			r == -EINVAL ? "the user must not be root" : "privileges cannot be dropped");
		return r;
	}
	if ((r = keys_wipe_freed()) < 0 || (r = keys_openssl_init(&is_locked)) < 0) {
		log_err("event=signer_openssl error=\"libcrypto cannot be initialised\"");
		return r;
	}
	if (!is_locked)
		log_warning("event=signer_heap locked=no "
			    "hint=\"keys may be swapped out: raise RLIMIT_MEMLOCK\"");
	return 0;
}

/* Until the daemon goes away.  Return: exit code. */
static int serve(struct signer *s)
{
	struct handover_msg m, result;
	int fds[HANDOVER_FDS_MAX], r;
	unsigned fd_cnt;

	while ((r = handover_recv(HANDOVER_FD, &m, fds, &fd_cnt)) != 0) {
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
	unsigned uid = (unsigned)-1, gid = (unsigned)-1;
	static struct signer signer;
	int r = options_parse(argc, argv, &uid, &gid);

	if (r >= 0)
		return r;
	log_set_name("sipseal-signer");
	if (!has_daemon()) {
		fprintf(stderr, "sipseal-signer: descriptor 3 is not connected to sipseald; "
				"it is started by sipseald, not by hand\n");
		return EXIT_USAGE;
	}
	/* the end comes by EOF: a Ctrl-C or reload for the whole terminal is the daemon's to handle */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	close_range(HANDOVER_FD + 1, ~0u, 0);
	if (confine(uid, gid) < 0 || signer_init(&signer) < 0)
		return EXIT_FAILURE;
	r = serve(&signer);
	signer_done(&signer);
	/* no exit handlers: they are not in the filter's list, and there is nothing left to flush */
	_exit(r);
}

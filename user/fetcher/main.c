/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sipseal-fetcher - gets the certificates that Identity rows name: talks to strangers' HTTPS servers, sees no key and
 * no packet.  Started by sipseald with descriptor 3 connected to it; ends with it.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/channel.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/unprivileged.h"
#include "fetcher/serve.h"

#define EXIT_USAGE 2

/* The signer has calls in hand; what comes from here is awaited for wait_ms at the most. */
#define NICE 10

static void usage(FILE *f)
{
	fputs("Usage: sipseal-fetcher [--uid N --gid N]\n\n"
	      "Fetches and judges the certificates of callers for sipseal.  Started by sipseald, which\n"
	      "hands it shared memory, trust anchors and the cache directory over descriptor 3; it is of\n"
	      "no use alone.\n\n"
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
			puts("sipseal-fetcher " SIPSEAL_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		case 'u':
		case 'g':
			if (id_parse(optarg, c == 'u' ? uid : gid) == 0)
				continue;
			fprintf(stderr, "sipseal-fetcher: %s: want a number\n", optarg);
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

	return getsockopt(CHANNEL_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

/* What libraries would take from there. */
static void environment_set(void)
{
	static const char *const unwanted[] = {
		"SSLKEYLOGFILE", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
		"no_proxy", "NO_PROXY", "HOSTALIASES", "LOCALDOMAIN", "CURL_HOME",
	};

	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++)
		unsetenv(unwanted[i]);
	/* a look-up that nobody answers is over after seconds, not after half a minute (fetch.h) */
	setenv("RES_OPTIONS", "timeout:1 attempts:2", 1);
}

static int confine(unsigned uid, unsigned gid)
{
	int r = unprivileged_become(uid, gid);

	if (r < 0)
		log_err("event=fetcher_privileges error=\"%s\" hint=\"%s\"", strerror(-r),
			r == -EPERM ? "started as root: give --uid and --gid" :
			r == -EINVAL ? "the user must not be root" : "privileges cannot be dropped");
	return r;
}

int main(int argc, char **argv)
{
	unsigned uid = (unsigned)-1, gid = (unsigned)-1;
	int r = options_parse(argc, argv, &uid, &gid);

	if (r >= 0)
		return r;
	log_set_name("sipseal-fetcher");
	if (!has_daemon()) {
		fprintf(stderr, "sipseal-fetcher: descriptor 3 is not connected to sipseald; "
				"it is started by sipseald, not by hand\n");
		return EXIT_USAGE;
	}
	/* the end comes by EOF: a Ctrl-C or reload for the whole terminal is the daemon's to handle */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	close_range(CHANNEL_FD + 1, ~0u, 0);
	environment_set();
	setpriority(PRIO_PROCESS, 0, NICE); /* threads that look names up inherit it */
	if (confine(uid, gid) < 0)
		return EXIT_FAILURE;
	r = serve(CHANNEL_FD);
	/* no exit handlers: a name look-up may go on in a thread, and there is nothing left to flush */
	_exit(r);
}

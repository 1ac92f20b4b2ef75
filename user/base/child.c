/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/child.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/log.h"
#include "base/unprivileged.h"

#define EXIT_USAGE 2

static void usage(const struct child *c, FILE *f)
{
	fprintf(f, "Usage: %s [--uid N --gid N]\n\n%s\n", c->program, c->about);
	fputs("  --uid N, --gid N  user and group to become where it is started as root\n"
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
static int options_parse(struct child *c, int argc, char **argv)
{
	static const struct option options[] = {
		{ "uid", required_argument, NULL, 'u' }, { "gid", required_argument, NULL, 'g' },
		{ "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'V':
			printf("%s " SIPSEAL_VERSION "\n", c->program);
			return EXIT_SUCCESS;
		case 'h':
			usage(c, stdout);
			return EXIT_SUCCESS;
		case 'u':
		case 'g':
			if (id_parse(optarg, opt == 'u' ? &c->uid : &c->gid) == 0)
				continue;
			fprintf(stderr, "%s: %s: want a number\n", c->program, optarg);
			return EXIT_USAGE;
		default:
			usage(c, stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		usage(c, stderr);
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

int child_begin(struct child *c, int argc, char **argv)
{
	int r;

	c->uid = c->gid = (unsigned)-1;
	if ((r = options_parse(c, argc, argv)) >= 0)
		return r;
	log_set_name(c->program);
	if (!has_daemon()) {
		fprintf(stderr, "%s: descriptor 3 is not connected to sipseald; "
				"it is started by sipseald, not by hand\n", c->program);
		return EXIT_USAGE;
	}
	/* the end comes by EOF: a Ctrl-C or reload for the whole terminal is the daemon's to handle */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	close_range(CHANNEL_FD + 1, ~0u, 0);
	return -1;
}

int child_confine(const struct child *c)
{
	int r = unprivileged_become(c->uid, c->gid);

	if (r < 0)
		log_err("event=%s_privileges error=\"%s\" hint=\"%s\"", c->event, strerror(-r),
			r == -EPERM ? "started as root: give --uid and --gid" :
			r == -EINVAL ? "the user must not be root" : "privileges cannot be dropped");
	return r;
}

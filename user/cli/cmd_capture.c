/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sipseal capture -w FILE|- [--trunk NAME] [--count N] [--seconds N]
 *
 * The file is opened when the daemon has said yes, and has whole blocks only, however this ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/blocks.h"
#include "cli/client.h"
#include "cli/out.h"

#define NUMBER_MAX 1000000000l
#define PROGRESS_NS 500000000ull

struct capture {
	const char *file, *trunk;   /* trunk NULL: all */
	long count, seconds;        /* 0: no end */
	int fd;                     /* -1: nothing has come yet */
	bool is_tty;                /* progress is shown */
	uint64_t shown_ns;
	enum cli_exit failed;
	struct blocks blocks;
};

static volatile sig_atomic_t is_stopped;

static void on_signal(int signal)
{
	(void)signal;
	is_stopped = 1;
}

/* No SA_RESTART: the wait in libcurl ends, and it asks on_time(). */
static void signals_catch(struct sigaction before[2])
{
	const struct sigaction a = { .sa_handler = on_signal };

	is_stopped = 0;
	sigaction(SIGINT, &a, &before[0]);
	sigaction(SIGTERM, &a, &before[1]);
}

static void signals_restore(const struct sigaction before[2])
{
	sigaction(SIGINT, &before[0], NULL);
	sigaction(SIGTERM, &before[1], NULL);
}

static bool is_stdout(const struct capture *c)
{
	return strcmp(c->file, "-") == 0;
}

static int failed(struct capture *c, const char *what, int error)
{
	cli_error("%s: %s%s%s", is_stdout(c) ? "standard output" : c->file, what, error ? ": " : "",
		  error ? strerror(error) : "");
	c->failed = CLI_FAILED;
	return 1;
}

/* What others said on the phone, and where they are: for nobody else's eyes. */
static int file_open(struct capture *c)
{
	c->fd = is_stdout(c) ? STDOUT_FILENO : open(c->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	return c->fd < 0 ? failed(c, "cannot be written", errno) : 0;
}

/* What cannot be written as a whole is taken back where that can be done. */
static int file_write(struct capture *c, const char *p, size_t len)
{
	off_t at = lseek(c->fd, 0, SEEK_CUR);
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(c->fd, p + done, len - done);
		int error = errno;

		/* whole blocks first, then on_time() ends it; but a pipe that nobody reads must not hold us */
		if (n < 0 && error == EINTR && (at >= 0 || !is_stopped))
			continue;
		if (n < 0) {
			if (at < 0 || ftruncate(c->fd, at) < 0)
				return failed(c, "ends within a packet", error);
			return failed(c, "cannot be written", error);
		}
		done += (size_t)n;
	}
	return 0;
}

static void show_progress(struct capture *c)
{
	uint64_t now_ns = clock_mono_ns();

	if (!c->is_tty || now_ns - c->shown_ns < PROGRESS_NS)
		return;
	c->shown_ns = now_ns;
	fprintf(stderr, "\r%llu INVITEs, %llu lost ", (unsigned long long)c->blocks.invites,
		(unsigned long long)blocks_lost(&c->blocks));
}

static int on_data(void *ctx, const char *data, size_t len)
{
	struct capture *c = ctx;
	int whole = blocks_add(&c->blocks, data, len);

	if (whole < 0)
		return failed(c, whole == -ENOMEM ? "out of memory" : "the daemon's answer is no pcapng", 0);
	if (c->fd < 0 && file_open(c))
		return 1;
	if (whole && file_write(c, c->blocks.buf, (size_t)whole))
		return 1;
	blocks_take(&c->blocks, (size_t)whole);
	show_progress(c);
	return is_stopped;
}

static int on_time(void *ctx)
{
	show_progress(ctx);
	return is_stopped;
}

static void show_end(const struct cli *cli, const struct capture *c)
{
	uint64_t lost = blocks_lost(&c->blocks);
	json_t *o;

	if (c->is_tty)
		fputc('\r', stderr);
	if (cli->json) {
		o = json_pack("{s:s,s:I,s:I,s:I}", "file", c->file, "invites", (json_int_t)c->blocks.invites, "packets",
			      (json_int_t)c->blocks.packets, "lost", (json_int_t)lost);
		out_json(stdout, o);
		json_decref(o);
	} else {
		fprintf(stderr, "%llu INVITE%s in %llu packets, %llu lost\n", (unsigned long long)c->blocks.invites,
			c->blocks.invites == 1 ? "" : "s", (unsigned long long)c->blocks.packets,
			(unsigned long long)lost);
	}
}

static char *path_of(const struct capture *c)
{
	char base[96] = "/v1/capture?";
	size_t len = strlen(base);

	if (c->count)
		len += (size_t)snprintf(base + len, sizeof(base) - len, "count=%ld&", c->count);
	if (c->seconds)
		len += (size_t)snprintf(base + len, sizeof(base) - len, "seconds=%ld&", c->seconds);
	if (c->trunk)
		snprintf(base + len, sizeof(base) - len, "trunk=");
	else
		base[len - 1] = '\0'; /* the last & or ? */
	return client_path(base, c->trunk ? c->trunk : "");
}

/* The stream has an end of its own: the one that was asked for, or there was nothing to capture any more. */
static bool is_early(const struct capture *c, uint64_t start_ns)
{
	uint64_t ns = clock_mono_ns() - start_ns;

	if (is_stopped || (c->count && c->blocks.invites >= (uint64_t)c->count))
		return false;
	return !c->seconds || ns < (uint64_t)c->seconds * 1000000000u;
}

static int run(const struct cli *cli, struct capture *c)
{
	const struct client_stream to = { .on_data = on_data, .on_time = on_time, .ctx = c };
	CLEANUP(freep) char *path = path_of(c);
	uint64_t start_ns = clock_mono_ns();
	struct sigaction before[2];
	int r;

	if (!path)
		return CLI_FAILED;
	signals_catch(before);
	r = client_stream(cli, path, &to);
	signals_restore(before);
	if (c->fd >= 0)
		show_end(cli, c);
	if (c->failed)
		r = c->failed;
	else if (r == CLI_OK && is_early(c, start_ns)) {
		cli_error("the daemon has ended the capture: %s", c->trunk ? "the trunk was removed, or see its log" : "see its log");
		r = CLI_FAILED;
	}
	if (c->fd >= 0 && !is_stdout(c) && close(c->fd) < 0)
		r = failed(c, "cannot be written", errno);
	return c->trunk ? client_no_trunk(r, c->trunk) : r;
}

/* Return: 0: that is none. */
static long number(const char *s)
{
	char *end;
	long n;

	if (*s < '0' || *s > '9')
		return 0;
	errno = 0;
	n = strtol(s, &end, 10);
	return *end || errno || n > NUMBER_MAX ? 0 : n;
}

int cmd_capture(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		{ "write", required_argument, NULL, 'w' }, { "trunk", required_argument, NULL, 't' },
		{ "count", required_argument, NULL, 'c' }, { "seconds", required_argument, NULL, 's' }, { 0 }
	};
	struct capture c = { .fd = -1, .is_tty = isatty(STDERR_FILENO) };
	int opt, r;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "w:", options, NULL)) != -1) {
		if (opt == 'w')
			c.file = optarg;
		else if (opt == 't')
			c.trunk = optarg;
		else if ((opt != 'c' && opt != 's') || !number(optarg))
			return cli_usage_error(cli, "an unknown option, one without its value, or a number that is none");
		else if (opt == 'c')
			c.count = number(optarg);
		else
			c.seconds = number(optarg);
	}
	if (optind < argc)
		return cli_usage_error(cli, "unexpected argument %s", argv[optind]);
	if (!c.file || !*c.file)
		return cli_usage_error(cli, "-w FILE is missing; -w - is standard output");
	if (is_stdout(&c) && (cli->json || isatty(STDOUT_FILENO)))
		return cli_usage_error(cli, cli->json ? "-j and the capture cannot both go to standard output"
						      : "a terminal cannot show a capture: -w FILE, or a pipe behind -w -");
	r = run(cli, &c);
	blocks_done(&c.blocks);
	return r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * siplatency - sends INVITEs at a steady rate and measures how long each takes from sender to receiver.
 *
 * usage: siplatency --from-ns FILE --from IP --to-ns FILE --to IP:PORT --count N --rate PER_SECOND [--wait MS]
 *        [--key FILE --x5u URL [--each N]] [--expect TEXT]
 * FILE is that of a network namespace.  --key, --x5u as of sipflood; --each: so many in a row have the same x5u.
 * --wait: for what is late, behind the last one (600).  --expect: what an INVITE that arrives has to hold.
 * From the clock just before send() to the kernel's time stamp of arrival: no thread of this program has to wake up in
 * time for it, only the sender, and it asks for real-time priority.
 * Prints {"sent":N,"arrived":N,"as_expected":N,"us":[...]}: by INVITE, -1 where it did not arrive.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "sipgen.h"

#define SENT_MAX 20000
#define BUFFER	 (64 << 20)

struct latency {
	struct sipgen g;
	const char *from_ns, *to_ns, *expect;
	unsigned long count, rate, wait_ms;
	struct timespec sent[SENT_MAX];
	double us[SENT_MAX];
	unsigned long arrived, as_expected;
};

static int parse(int argc, char **argv, struct latency *l)
{
	static const struct option options[] = {
		{ "from-ns", required_argument, NULL, 'F' }, { "to-ns", required_argument, NULL, 'T' },
		{ "from", required_argument, NULL, 'f' },    { "to", required_argument, NULL, 't' },
		{ "count", required_argument, NULL, 'c' },   { "rate", required_argument, NULL, 'r' },
		{ "wait", required_argument, NULL, 'w' },    { "key", required_argument, NULL, 'k' },
		{ "x5u", required_argument, NULL, 'x' },     { "each", required_argument, NULL, 'e' },
		{ "expect", required_argument, NULL, 'E' },  { 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'F': l->from_ns = optarg; break;
		case 'T': l->to_ns = optarg; break;
		case 'f': l->g.from = optarg; break;
		case 't':
			if (!sipgen_to(&l->g, optarg))
				return -1;
			break;
		case 'c': l->count = strtoul(optarg, NULL, 10); break;
		case 'r': l->rate = strtoul(optarg, NULL, 10); break;
		case 'w': l->wait_ms = strtoul(optarg, NULL, 10); break;
		case 'k': sipgen_key(&l->g, optarg); break;
		case 'x': l->g.x5u[0] = optarg; l->g.x5u_cnt = 1; break;
		case 'e': l->g.x5u_each = strtoul(optarg, NULL, 10); break;
		case 'E': l->expect = optarg; break;
		default: return -1;
		}
	}
	return l->from_ns && l->to_ns && l->g.from && l->g.to.sin_port && l->rate && l->count && l->count <= SENT_MAX &&
	       !l->g.signer == !l->g.x5u_cnt ? 0 : -1;
}

/* A socket keeps the namespace that it was made in. */
static int open_socket(const char *ns, const struct sockaddr_in *local)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), other = open(ns, O_RDONLY | O_CLOEXEC), fd, yes = 1;

	if (own < 0 || other < 0 || setns(other, CLONE_NEWNET) < 0)
		sipgen_die("entering a network namespace");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
	    bind(fd, (const struct sockaddr *)local, sizeof(*local)) < 0 || setns(own, CLONE_NEWNET) < 0)
		sipgen_die("opening a socket");
	close(own);
	close(other);
	return fd;
}

static void open_sockets(const struct latency *l, int *ret_from, int *ret_to)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(5060) };
	int yes = 1, size = BUFFER;

	inet_pton(AF_INET, l->g.from, &local.sin_addr);
	*ret_from = open_socket(l->from_ns, &local);
	*ret_to = open_socket(l->to_ns, &l->g.to);
	if (connect(*ret_from, (const struct sockaddr *)&l->g.to, sizeof(l->g.to)) < 0 ||
	    setsockopt(*ret_to, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
	    setsockopt(*ret_to, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof(yes)) < 0)
		sipgen_die("setting up a socket");
	usleep(50000); /* the kernel begins to stamp a little later */
}

/* Each is made before it is due. */
static void send_all(struct latency *l, int fd)
{
	struct timespec due;
	char text[SIPGEN_MAX + 1], caller[16];

	clock_gettime(CLOCK_MONOTONIC, &due);
	for (unsigned long n = 0; n < l->count; n++) {
		size_t len;

		snprintf(caller, sizeof(caller), "1212555%04lu", n % 9973);
		len = sipgen_invite(&l->g, n, caller, text);
		due.tv_nsec += 1000000000l / (long)l->rate;
		due.tv_sec += due.tv_nsec / 1000000000;
		due.tv_nsec %= 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		clock_gettime(CLOCK_REALTIME, &l->sent[n]);
		l->us[n] = -1;
		if (send(fd, text, len, 0) < 0 && errno != ECONNREFUSED)
			sipgen_die("sending");
	}
}

static void take(struct latency *l, const char *text, const struct timespec *at)
{
	const char *id = strstr(text, "\r\nCall-ID: ");
	unsigned long run, n;

	if (!id || sscanf(id + 11, "%lx-%lu@", &run, &n) != 2 || run != l->g.run || n >= l->count || l->us[n] >= 0)
		return;
	l->us[n] = (double)(at->tv_sec - l->sent[n].tv_sec) * 1e6 + (double)(at->tv_nsec - l->sent[n].tv_nsec) / 1e3;
	l->arrived++;
	l->as_expected += !l->expect || strstr(text, l->expect);
}

static void receive_all(struct latency *l, int fd)
{
	static char text[65536];
	char control[256];
	struct iovec iov = { text, sizeof(text) - 1 };

	for (;;) {
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
				    .msg_controllen = sizeof(control) };
		ssize_t len = recvmsg(fd, &m, MSG_DONTWAIT);

		if (len < 0)
			return;
		text[len] = '\0';
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			struct timespec at;

			if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
				continue;
			memcpy(&at, CMSG_DATA(c), sizeof(at));
			take(l, text, &at);
		}
	}
}

int main(int argc, char **argv)
{
	static struct latency l = { .wait_ms = 600 };
	struct sched_param p = { .sched_priority = 10 };
	int from, to;

	l.g.run = (unsigned long)clock_real_ms();
	if (parse(argc, argv, &l) < 0) {
		fprintf(stderr, "usage: siplatency --from-ns FILE --from IP --to-ns FILE --to IP:PORT --count N "
				"--rate R [--wait MS] [--key FILE --x5u URL [--each N]] [--expect TEXT]\n");
		return 2;
	}
	open_sockets(&l, &from, &to);
	if (sched_setscheduler(0, SCHED_FIFO, &p) < 0)
		perror("siplatency: no real-time priority");
	send_all(&l, from);
	usleep((unsigned)l.wait_ms * 1000);
	receive_all(&l, to);
	printf("{\"sent\":%lu,\"arrived\":%lu,\"as_expected\":%lu,\"us\":[", l.count, l.arrived, l.as_expected);
	for (unsigned long n = 0; n < l.count; n++)
		printf("%s%.1f", n ? "," : "", l.us[n]);
	puts("]}");
	return 0;
}

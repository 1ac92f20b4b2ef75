/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sipflood - sends INVITEs that are all different (Call-ID, branch, tag, numbers), paced, by sendmmsg.
 * sipp ends at a few thousand calls per second; this is for measuring, not for completing calls.
 *
 * usage: sipflood --from IP --to IP:PORT --count N [--rate PER_SECOND] [--repeat N] [--trunks N [--first N]]
 *        [--key FILE --x5u URL...] [--ahead]
 * --repeat sends each INVITE N times in a row (retransmissions).
 * --trunks: each INVITE belongs to one of the N trunks from --first on, drawn at random (mktrunks.py): trunk T calls
 * from address 10.128.0.0 + T with a number of its ten ranges, +442TTTTTTR00 to +442TTTTTTR49.
 * --key, --x5u: each carries a PASSporT of its own (sipgen.h); '*' in the URL becomes something that no other has.
 * --ahead: all are made, and signed, before the first is sent, so that no more than sending limits the rate.
 * Prints one JSON line: {"sent":N,"seconds":S,"bytes":LENGTH}.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "sipgen.h"

#define BATCH 32
#define CALLERS 0x0a800000u /* 10.128.0.0 */

struct flood {
	struct sipgen g;
	unsigned long count, rate, repeat, trunks, first;
	bool is_ahead;
};

/* splitmix64: numbers without order. */
static uint64_t scatter(uint64_t n)
{
	n += 0x9e3779b97f4a7c15;
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
	n = (n ^ n >> 27) * 0x94d049bb133111eb;
	return n ^ n >> 31;
}

/* Trunk of INVITE @n, and its number. */
static unsigned caller(const struct flood *f, unsigned long n, char dst[16])
{
	uint64_t r = scatter(f->g.run + n);
	unsigned trunk = (unsigned)(f->first + (r & 0xffffffff) % (f->trunks ? f->trunks : 1));

	if (f->trunks)
		snprintf(dst, 16, "442%06u%u%02u", trunk % 1000000, (unsigned)(r >> 32) % 10, (unsigned)(r >> 48) % 50);
	else
		snprintf(dst, 16, "1212555%04lu", n % 9973);
	return trunk;
}

static int parse(int argc, char **argv, struct flood *f)
{
	static const struct option options[] = {
		{ "from", required_argument, NULL, 'f' },  { "to", required_argument, NULL, 't' },
		{ "count", required_argument, NULL, 'c' }, { "rate", required_argument, NULL, 'r' },
		{ "repeat", required_argument, NULL, 'n' }, { "trunks", required_argument, NULL, 'T' },
		{ "first", required_argument, NULL, 'F' },  { "key", required_argument, NULL, 'k' },
		{ "x5u", required_argument, NULL, 'x' },    { "ahead", no_argument, NULL, 'a' }, { 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'f')
			f->g.from = optarg;
		else if (opt == 't' && sipgen_to(&f->g, optarg))
			continue;
		else if (opt == 'k')
			sipgen_key(&f->g, optarg);
		else if (opt == 'x' && f->g.x5u_cnt < SIPGEN_X5US)
			f->g.x5u[f->g.x5u_cnt++] = optarg;
		else if (opt == 'c')
			f->count = strtoul(optarg, NULL, 10);
		else if (opt == 'r')
			f->rate = strtoul(optarg, NULL, 10);
		else if (opt == 'n')
			f->repeat = strtoul(optarg, NULL, 10);
		else if (opt == 'T')
			f->trunks = strtoul(optarg, NULL, 10);
		else if (opt == 'a')
			f->is_ahead = true;
		else if (opt == 'F')
			f->first = strtoul(optarg, NULL, 10);
		else
			return -1;
	}
	return f->g.from && f->count && f->repeat && f->g.to.sin_port && !f->g.signer == !f->g.x5u_cnt ? 0 : -1;
}

/* Wait until message @n is due. */
static void pace(const struct flood *f, uint64_t start, unsigned long n)
{
	uint64_t due = f->rate ? start + n * 1000000000ull / f->rate : 0, now = clock_mono_ns();

	if (due > now + 50000)
		usleep((unsigned)((due - now) / 1000));
}

static int send_all(int fd, struct mmsghdr *m, unsigned cnt)
{
	for (unsigned done = 0; done < cnt;) {
		int r = sendmmsg(fd, m + done, cnt - done, 0);

		if (r < 0 && errno != ENOBUFS && errno != ECONNREFUSED && errno != EINTR)
			return -errno;
		done += r > 0 ? (unsigned)r : 0;
	}
	return 0;
}

/* A datagram and where it comes from; its pointers hold where it stands. */
struct slot {
	char text[SIPGEN_MAX + 1];
	struct iovec iov;
	char control[CMSG_SPACE(sizeof(struct in_pktinfo))] __attribute__((aligned(8)));
};

static void make(struct flood *f, unsigned long n, struct slot *s)
{
	char from[16];
	unsigned trunk = caller(f, n, from);
	struct cmsghdr *c = (struct cmsghdr *)s->control;
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(CALLERS + trunk) };

	s->iov = (struct iovec){ s->text, sipgen_invite(&f->g, n, from, s->text) };
	*c = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(info)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO };
	memcpy(CMSG_DATA(c), &info, sizeof(info));
}

static struct slot *make_all(struct flood *f)
{
	struct slot *all = calloc(f->count, sizeof(*all));

	if (!all)
		sipgen_die("memory for all INVITEs");
	for (unsigned long n = 0; n < f->count; n++)
		make(f, n, &all[n]);
	return all;
}

static struct msghdr header(struct flood *f, struct slot *s)
{
	struct msghdr h = { .msg_name = &f->g.to, .msg_namelen = sizeof(f->g.to), .msg_iov = &s->iov, .msg_iovlen = 1 };

	if (f->trunks) {
		h.msg_control = s->control;
		h.msg_controllen = sizeof(s->control);
	}
	return h;
}

static int open_socket(const struct flood *f)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_port = htons(5060) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), yes = 1;

	if (!f->trunks)
		inet_pton(AF_INET, f->g.from, &local.sin_addr);
	/* two may run at the same time: nobody waits for answers */
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
	    bind(fd, (struct sockaddr *)&local, sizeof(local)) == 0)
		return fd;
	perror("sipflood: bind");
	exit(1);
}

int main(int argc, char **argv)
{
	static struct slot slots[BATCH];
	struct slot *all;
	struct flood f = { .repeat = 1, .g.run = (unsigned long)clock_real_ms() };
	struct mmsghdr m[BATCH] = { 0 };
	unsigned long total, len = 0;
	uint64_t start;
	int fd;

	if (parse(argc, argv, &f) < 0) {
		fprintf(stderr, "usage: sipflood --from IP --to IP:PORT --count N [--rate R] [--repeat N] "
			"[--trunks N [--first N]] [--key FILE --x5u URL...] [--ahead]\n");
		return 2;
	}
	fd = open_socket(&f);
	total = f.count * f.repeat;
	all = f.is_ahead ? make_all(&f) : NULL;
	start = clock_mono_ns();
	for (unsigned long n = 0; n < total;) {
		unsigned cnt = 0;

		pace(&f, start, n);
		for (; cnt < BATCH && n < total; cnt++, n++) {
			struct slot *s = all ? &all[n / f.repeat] : &slots[cnt];

			if (!all)
				make(&f, n / f.repeat, s);
			m[cnt].msg_hdr = header(&f, s);
			len = s->iov.iov_len;
		}
		if (send_all(fd, m, cnt) < 0) {
			perror("sipflood: send");
			return 1;
		}
	}
	printf("{\"sent\":%lu,\"seconds\":%.3f,\"bytes\":%lu}\n", total, (double)(clock_mono_ns() - start) / 1e9, len);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostile - what a stranger sends who wants the gateway to fail: raw frames on a NIC, paced, by sendmmsg.
 *
 * usage: hostile --nic NIC --mac GATEWAY --to IP [--from IP] [--stranger IP] [--to6 IP] [--rate N] [--seconds N]
 *                [--mix lost=40,spoof=25,big=25,random=10] [--seed N]
 *   lost    fragments of datagrams that never become complete: identification, offset, length and source at random,
 *           from each source a few
 *   spoof   whole INVITEs that are all different; one in four to --stranger, which is of no trunk
 *   big     INVITEs of 64 kB in fragments, one after the other
 *   random  frames of random bytes, or with headers of IP and UDP in which bytes are wrong
 * --to is a carrier's peer, and sources are at random; with --from, which then is the peer, all of it is inbound.
 * --to6: a third of `lost` is IPv6.  Prints one JSON line: {"sent":N,"seconds":S,"rate":R,"lost":N,...}; the rate is what was
 * reached, and what the queue of the NIC refused is not among `sent`.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/cleanup.h"

#define BATCH    32
#define FRAME    1514
#define BIG      65500          /* bytes of a datagram's payload */
#define PIECE    1480           /* of it in a fragment */
#define BIG_CNT  ((BIG + 8 + PIECE - 1) / PIECE)

enum kind { LOST, SPOOF, LARGE, RANDOM, KINDS };
static const char *const names[KINDS] = { "lost", "spoof", "big", "random" };

struct hostile {
	const char *nic;
	uint8_t mac[6], own[6];
	struct in_addr to, from, stranger;
	struct in6_addr to6;
	bool is_inbound, has_v6;
	unsigned long rate, seconds;
	unsigned mix[KINDS], mix_sum;
	uint64_t seed, n;
	uint64_t sent[KINDS];
	/* the datagram that is under way in fragments */
	unsigned big_at;
	uint16_t big_id;
	struct in_addr big_src;
	uint8_t big[BIG + 8];
};

struct frame {
	uint8_t b[FRAME];
	size_t len;
	enum kind kind;
};

/* splitmix64 */
static uint64_t dice(struct hostile *h)
{
	uint64_t n = h->seed += 0x9e3779b97f4a7c15;

	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9;
	n = (n ^ n >> 27) * 0x94d049bb133111eb;
	return n ^ n >> 31;
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void noise(struct hostile *h, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t r = dice(h);

		memcpy(p + i, &r, len - i < 8 ? len - i : 8);
	}
}

static uint32_t sum(const void *data, size_t len, uint32_t s)
{
	const uint8_t *p = data;

	for (; len > 1; len -= 2, p += 2)
		s += (uint32_t)(p[0] << 8 | p[1]);
	return len ? s + (uint32_t)(p[0] << 8) : s;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* From 10.128.0.0/9, or the peer; few_sources: 256 of them, so that each has its share. */
static struct in_addr source(struct hostile *h, bool few)
{
	uint32_t r = (uint32_t)dice(h);

	return h->is_inbound ? h->from : (struct in_addr){ htonl(0x0a800000 | (few ? r & 0xff : r & 0x7fffff)) };
}

static size_t ether(const struct hostile *h, uint8_t *b, unsigned proto)
{
	memcpy(b, h->mac, 6);
	memcpy(b + 6, h->own, 6);
	put16(b + 12, proto);
	return 14;
}

/* @off: the 16 bits of flags and offset */
static size_t ipv4(uint8_t *b, struct in_addr src, struct in_addr dst, unsigned id, unsigned off, size_t data)
{
	memset(b, 0, 20);
	b[0] = 0x45;
	put16(b + 2, (unsigned)(20 + data));
	put16(b + 4, id);
	put16(b + 6, off);
	b[8] = 64;
	b[9] = IPPROTO_UDP;
	memcpy(b + 12, &src, 4);
	memcpy(b + 16, &dst, 4);
	put16(b + 10, fold(sum(b, 20, 0)));
	return 20;
}

static void udp(uint8_t *b, struct in_addr src, struct in_addr dst, size_t len)
{
	uint32_t s = IPPROTO_UDP + (uint32_t)len;

	put16(b, 5060);
	put16(b + 2, 5060);
	put16(b + 4, (unsigned)len);
	put16(b + 6, 0);
	put16(b + 6, fold(sum(b, len, sum(&src, 4, sum(&dst, 4, s)))));
}

static size_t invite(struct hostile *h, char *dst, size_t size, const char *rows, size_t body)
{
	unsigned long long r = dice(h);
	int len = snprintf(dst, size,
		"INVITE sip:+1215555%04llu@10.66.2.2;user=phone SIP/2.0\r\nVia: SIP/2.0/UDP 10.128.0.1:5060;branch=z9hG4bK%llx\r\n"
		"Max-Forwards: 70\r\nFrom: <sip:+1212555%04llu@10.128.0.1>;tag=%llx\r\nTo: <sip:+1215555%04llu@10.66.2.2>\r\n"
		"Call-ID: %llx@hostile\r\nCSeq: 1 INVITE\r\nContact: <sip:h@10.128.0.1>\r\n%sContent-Length: %zu\r\n\r\n",
		r % 10000, r, r % 9973, r, r % 10000, r, rows, body);

	return len > 0 && (size_t)len < size ? (size_t)len : 0;
}

static void lost_v6(struct hostile *h, struct frame *f, size_t data, unsigned off)
{
	uint8_t *b = f->b + ether(h, f->b, ETHERTYPE_IPV6), *p = b + 48;

	memset(b, 0, 48);
	b[0] = 0x60;
	put16(b + 4, (unsigned)(8 + data));
	b[6] = 44; /* fragment */
	b[7] = 64;
	noise(h, b + 8, 16);
	put16(b + 8, 0xfd66);
	memcpy(b + 24, &h->to6, 16);
	b[40] = IPPROTO_UDP;
	put16(b + 42, off << 3 | 1);
	noise(h, b + 44, 4);
	noise(h, p, data);
	f->len = 14 + 48 + data;
}

static void lost(struct hostile *h, struct frame *f)
{
	uint64_t r = dice(h);
	size_t data = 8 * (1 + r % 180);          /* 8 .. 1440 */
	unsigned off = (r >> 8) % 3 ? (unsigned)(r >> 16) % 4096 : 0; /* a third are first ones */
	struct in_addr src = source(h, true);
	uint8_t *b;

	if (h->has_v6 && (r >> 32) % 3 == 0) {
		lost_v6(h, f, data, off);
		return;
	}
	b = f->b + ether(h, f->b, ETHERTYPE_IP);
	b += ipv4(b, src, h->to, (unsigned)(r >> 40) & 0xffff, 0x2000 | off, data);
	noise(h, b, data);
	if (!off) {
		put16(b, 5060);
		put16(b + 2, 5060);
		put16(b + 4, 4000);
		if (data > 40)
			memcpy(b + 8, "INVITE sip:x@10.66.2.2 SIP/2.0\r\n", 32);
	}
	f->len = 14 + 20 + data;
}

static void spoof(struct hostile *h, struct frame *f)
{
	struct in_addr src = source(h, false), dst = h->stranger.s_addr && dice(h) % 4 == 0 ? h->stranger : h->to;
	uint8_t *b = f->b + ether(h, f->b, ETHERTYPE_IP);
	size_t len = invite(h, (char *)b + 28, FRAME - 42, "", 0) + 8;

	ipv4(b, src, dst, (unsigned)dice(h) & 0xffff, 0, len);
	udp(b + 20, src, dst, len);
	f->len = 14 + 20 + len;
}

/* The next fragment of it; each datagram is a new INVITE in front of the same long body. */
static void large(struct hostile *h, struct frame *f)
{
	size_t at = (size_t)h->big_at * PIECE, len = sizeof(h->big) - at < PIECE ? sizeof(h->big) - at : PIECE;
	uint8_t *b = f->b + ether(h, f->b, ETHERTYPE_IP);

	if (!h->big_at) {
		size_t head = invite(h, (char *)h->big + 8, 1024, "Content-Type: text/plain\r\n", 0);

		head = invite(h, (char *)h->big + 8, 1024, "Content-Type: text/plain\r\n", BIG - head - 4);
		memset(h->big + 8 + head, 'x', BIG - head);
		h->big_id = (uint16_t)dice(h);
		h->big_src = source(h, true);
		udp(h->big, h->big_src, h->to, sizeof(h->big));
	}
	b += ipv4(b, h->big_src, h->to, h->big_id, (unsigned)(at / 8) | (at + len < sizeof(h->big) ? 0x2000 : 0), len);
	memcpy(b, h->big + at, len);
	f->len = 14 + 20 + len;
	h->big_at = (h->big_at + 1) % BIG_CNT;
}

static void random_frame(struct hostile *h, struct frame *f)
{
	static const uint16_t protos[] = { ETHERTYPE_IP, ETHERTYPE_IPV6, ETHERTYPE_VLAN, 0x88a8, 0x88cc, 0x0806 };
	uint64_t r = dice(h);

	if (r & 1) {
		spoof(h, f);
		for (unsigned i = 0; i < 1 + (r >> 8) % 4; i++)
			f->b[14 + dice(h) % 40] = (uint8_t)dice(h);
		if (r & 2)
			f->len = 15 + (r >> 16) % 60;
		return;
	}
	f->len = 15 + (r >> 16) % (FRAME - 15);
	noise(h, f->b, f->len);
	ether(h, f->b, protos[(r >> 32) % ARRAY_SIZE(protos)]);
	if (r & 4 && f->len > 34) { /* IPv4 to the peer */
		f->b[14] = 0x45;
		memcpy(f->b + 30, &h->to, 4);
	}
}

static void make(struct hostile *h, struct frame *f)
{
	static void (*const by[KINDS])(struct hostile *, struct frame *) = { lost, spoof, large, random_frame };
	unsigned r = (unsigned)(dice(h) % h->mix_sum), k = 0;

	while (r >= h->mix[k])
		r -= h->mix[k++];
	f->kind = k;
	by[k](h, f);
}

static bool parse_mix(struct hostile *h, char *text)
{
	memset(h->mix, 0, sizeof(h->mix));
	for (char *save, *p = strtok_r(text, ",", &save); p; p = strtok_r(NULL, ",", &save)) {
		char *eq = strchr(p, '=');
		unsigned k = 0;

		while (eq && k < KINDS && strncmp(p, names[k], (size_t)(eq - p)))
			k++;
		if (!eq || k == KINDS)
			return false;
		h->mix[k] = (unsigned)strtoul(eq + 1, NULL, 10);
	}
	return true;
}

static bool parse_one(struct hostile *h, int opt, char *arg)
{
	switch (opt) {
	case 'n':
		h->nic = arg;
		return true;
	case 'm':
		return sscanf(arg, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &h->mac[0], &h->mac[1], &h->mac[2], &h->mac[3], &h->mac[4],
			      &h->mac[5]) == 6;
	case 't':
		return inet_pton(AF_INET, arg, &h->to) == 1;
	case 'f':
		return h->is_inbound = inet_pton(AF_INET, arg, &h->from) == 1;
	case 'S':
		return inet_pton(AF_INET, arg, &h->stranger) == 1;
	case '6':
		return h->has_v6 = inet_pton(AF_INET6, arg, &h->to6) == 1;
	case 'r':
		return (h->rate = strtoul(arg, NULL, 10)) > 0;
	case 's':
		return (h->seconds = strtoul(arg, NULL, 10)) > 0;
	case 'x':
		return parse_mix(h, arg);
	case 'd':
		h->seed = strtoull(arg, NULL, 10);
		return true;
	}
	return false;
}

static bool parse(int argc, char **argv, struct hostile *h)
{
	static const struct option options[] = {
		{ "nic", required_argument, NULL, 'n' }, { "mac", required_argument, NULL, 'm' },
		{ "to", required_argument, NULL, 't' }, { "from", required_argument, NULL, 'f' },
		{ "stranger", required_argument, NULL, 'S' }, { "to6", required_argument, NULL, '6' },
		{ "rate", required_argument, NULL, 'r' }, { "seconds", required_argument, NULL, 's' },
		{ "mix", required_argument, NULL, 'x' }, { "seed", required_argument, NULL, 'd' }, { 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!parse_one(h, opt, optarg))
			return false;
	for (unsigned k = 0; k < KINDS; k++)
		h->mix_sum += h->mix[k];
	return h->nic && h->to.s_addr && h->mix_sum && optind == argc;
}

static int open_nic(struct hostile *h)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), size = 4 << 20;
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(h->nic) };
	socklen_t len = sizeof(a);

	if (fd < 0 || !a.sll_ifindex || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
		perror("hostile: socket");
		exit(1);
	}
	memcpy(h->own, a.sll_addr, 6);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return fd;
}

/* Return: how many of them went out; a full queue takes none. */
static unsigned send_all(int fd, struct mmsghdr *m, unsigned cnt)
{
	unsigned done = 0, tries = 0;

	while (done < cnt && tries < 100) {
		int r = sendmmsg(fd, m + done, cnt - done, 0);

		if (r > 0)
			done += (unsigned)r;
		else if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR)
			tries++;
		else
			break;
	}
	return done;
}

/* Batches are due at even times; one that is late by more than a tenth of a second does not make up for it. */
static void pace(uint64_t *due, uint64_t step)
{
	uint64_t now = clock_mono_ns();

	*due += step;
	if (*due > now) {
		struct timespec t = { (time_t)(*due / 1000000000), (long)(*due % 1000000000) };

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	} else if (now - *due > 100000000) {
		*due = now;
	}
}

int main(int argc, char **argv)
{
	static struct frame frames[BATCH];
	static struct hostile h = { .rate = 50000, .seconds = 5, .mix = { 40, 25, 25, 10 }, .seed = 1 };
	struct iovec iov[BATCH];
	struct mmsghdr m[BATCH] = { 0 };
	uint64_t start, due, end, total = 0;
	double s;
	int fd;

	if (!parse(argc, argv, &h)) {
		fprintf(stderr, "usage: hostile --nic NIC --mac GATEWAY --to IP [--from IP] [--stranger IP] [--to6 IP] [--rate N] "
			"[--seconds N] [--mix lost=40,spoof=25,big=25,random=10] [--seed N]\n");
		return 2;
	}
	fd = open_nic(&h);
	start = due = clock_mono_ns();
	end = start + h.seconds * 1000000000ull;
	while (due < end) {
		unsigned done;

		for (unsigned i = 0; i < BATCH; i++) {
			make(&h, &frames[i]);
			iov[i] = (struct iovec){ frames[i].b, frames[i].len };
			m[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
		}
		done = send_all(fd, m, BATCH);
		for (unsigned i = 0; i < done; i++)
			h.sent[frames[i].kind]++;
		total += done;
		pace(&due, BATCH * 1000000000ull / h.rate);
	}
	s = (double)(clock_mono_ns() - start) / 1e9;
	printf("{\"sent\":%llu,\"seconds\":%.3f,\"rate\":%.0f", (unsigned long long)total, s, (double)total / s);
	for (unsigned k = 0; k < KINDS; k++)
		printf(",\"%s\":%llu", names[k], (unsigned long long)h.sent[k]);
	printf("}\n");
	return 0;
}

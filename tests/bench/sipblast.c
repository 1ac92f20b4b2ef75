/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sipblast - sends INVITEs that are all different (Call-ID, branch, tag, numbers) at rates that sipflood does not
 * reach, for a fraction of its CPU time: a BPF program (sipblast.bpf.c), run again and again by BPF_PROG_RUN with live
 * frames, writes serial numbers into a template and sends it out of a NIC.  They arrive at the other end of a veth as
 * xdp_frames, as a NIC hands them over, on the queue of the processor that this runs on; XDP must be attached there.
 *
 * usage: sipblast --if NIC --mac MAC --from IP --to IP:PORT --count N [--rate PER_SECOND] [--repeat N [--apart N]]
 *        [--chunk N] [--message FILE]
 * --mac is the next hop's.  --repeat sends each message N times, --apart: N of them in turn, else in a row.  --chunk:
 * at most so many frames per call of the kernel.  --message: another text than sipgen's INVITE; in it 98765432 stands
 * for the serial number, and 12155555432 and 12125555432 for numbers.
 * Prints one JSON line when it is done, or at SIGTERM:
 * {"sent":N,"seconds":S,"cpu_us":C,"bytes":LENGTH,"calls":N,"gap_ms":LONGEST_PAUSE}
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/clock.h"
#include "sipblast.h"
#include "sipblast.skel.h"
#include "sipgen.h"

/* What stands in the template for the serial number, and behind it the numbers. */
#define MARK	    "98765432"
#define MARK_SERIAL 98765432ul
#define CALLED	    "1215555"
#define CALLER	    "1212555"

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES 2
#endif
#define BATCH	    64         /* frames between two looks of the kernel at its softirqs: a quarter of veth's ring */
#define CHUNK	    (1u << 20) /* unpaced, frames per call */
/* Paced, between calls.  Each takes some 45 us beside its frames, waking up included: 5 % of a processor at 1 ms. */
#define PERIOD_NS   2000000

struct run {
	struct sipgen g;
	const char *nic, *message;
	uint8_t mac[ETH_ALEN];
	unsigned long count, rate, repeat, apart, chunk;
	struct blast blast;
	unsigned char frame[BLAST_HEADS + SIPGEN_MAX + 1];
};

static volatile sig_atomic_t is_over;

static void on_signal(int signo)
{
	(void)signo;
	is_over = 1;
}

static int parse(int argc, char **argv, struct run *r)
{
	static const struct option options[] = {
		{ "if", required_argument, NULL, 'i' },	    { "mac", required_argument, NULL, 'm' },
		{ "from", required_argument, NULL, 'f' },   { "to", required_argument, NULL, 't' },
		{ "count", required_argument, NULL, 'c' },  { "rate", required_argument, NULL, 'r' },
		{ "repeat", required_argument, NULL, 'n' }, { "apart", required_argument, NULL, 'a' },
		{ "chunk", required_argument, NULL, 'k' },  { "message", required_argument, NULL, 'M' },
		{ 0 },
	};
	unsigned long *const numbers[] = { ['c'] = &r->count, ['r'] = &r->rate, ['n'] = &r->repeat, ['a'] = &r->apart,
					   ['k'] = &r->chunk };
	bool has_mac = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'i')
			r->nic = optarg;
		else if (opt == 'M')
			r->message = optarg;
		else if (opt == 'f')
			r->g.from = optarg;
		else if (opt == 't' && sipgen_to(&r->g, optarg))
			continue;
		else if (opt == 'm')
			has_mac = sscanf(optarg, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &r->mac[0], &r->mac[1], &r->mac[2],
					 &r->mac[3], &r->mac[4], &r->mac[5]) == ETH_ALEN;
		else if ((size_t)opt < ARRAY_SIZE(numbers) && numbers[opt])
			*numbers[opt] = strtoul(optarg, NULL, 10);
		else
			return -1;
	}
	return has_mac && r->nic && r->g.from && r->g.to.sin_port && r->count && r->repeat && r->apart ? 0 : -1;
}

static size_t text_read(const struct run *r, char dst[SIPGEN_MAX + 1])
{
	FILE *f = r->message ? fopen(r->message, "r") : NULL;
	size_t len;

	if (!r->message)
		return sipgen_invite(&r->g, MARK_SERIAL, CALLER "5432", dst);
	len = f ? fread(dst, 1, SIPGEN_MAX + 1, f) : 0;
	if (!len || len > SIPGEN_MAX)
		sipgen_die("reading the message");
	fclose(f);
	dst[len] = '\0';
	return len;
}

/* All places of the four or eight digits at the end of @mark. */
static void places(struct run *r, char *text, const char *mark, size_t digits, __u32 list[BLAST_PLACES])
{
	size_t before = strlen(mark) - digits, n = 0;

	for (char *p = text; (p = strstr(p, mark)); p += before + digits) {
		if (n == BLAST_PLACES)
			sipgen_die("more places than there may be");
		list[n++] = (__u32)(p + before - (char *)r->frame);
	}
}

static uint32_t sum_words(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	uint16_t word;

	for (; len > 1; len -= 2, p += 2) {
		memcpy(&word, p, 2);
		sum += word;
	}
	if (len)
		sum += *p; /* the next one would be 0; little endian, as BPF here */
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

static void zero(struct run *r, const __u32 list[BLAST_PLACES], size_t digits)
{
	for (unsigned i = 0; i < BLAST_PLACES && list[i]; i++)
		memset(r->frame + list[i], 0, digits);
}

static void mac_of(const char *nic, uint8_t dst[ETH_ALEN])
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq req = { 0 };

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", nic);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &req) < 0)
		sipgen_die("reading the NIC's address");
	memcpy(dst, req.ifr_hwaddr.sa_data, ETH_ALEN);
	close(fd);
}

/* Headers in front of @len bytes of text, and the sum that each frame's checksum starts with. */
static void heads(struct run *r, size_t len)
{
	struct ethhdr *eth = (struct ethhdr *)r->frame;
	uint16_t udp_len = htons((uint16_t)(len + sizeof(struct udphdr)));
	struct iphdr ip = { .version = 4, .ihl = 5, .tot_len = htons((uint16_t)(len + sizeof(struct udphdr) + 20)),
			    .frag_off = htons(IP_DF), .ttl = 64, .protocol = IPPROTO_UDP,
			    .daddr = r->g.to.sin_addr.s_addr };
	struct udphdr udp = { .source = htons(5060), .dest = r->g.to.sin_port, .len = udp_len };

	memcpy(eth->h_dest, r->mac, ETH_ALEN);
	mac_of(r->nic, eth->h_source);
	eth->h_proto = htons(ETH_P_IP);
	if (inet_pton(AF_INET, r->g.from, &ip.saddr) != 1)
		sipgen_die("reading the address");
	ip.check = (uint16_t)~fold(sum_words(&ip, sizeof(ip)));
	memcpy(r->frame + ETH_HLEN, &ip, sizeof(ip));
	memcpy(r->frame + ETH_HLEN + sizeof(ip), &udp, sizeof(udp));
	memcpy(r->blast.head, r->frame, sizeof(r->blast.head));
	r->blast.sum = fold(sum_words(&ip.saddr, 8) + htons(IPPROTO_UDP) + udp_len +
			    sum_words(r->frame + ETH_HLEN + sizeof(ip), len + sizeof(udp)));
}

static void template(struct run *r)
{
	char *text = (char *)r->frame + BLAST_HEADS;
	size_t len = text_read(r, text);

	places(r, text, MARK, 8, r->blast.serial);
	places(r, text, CALLED "5432", 4, r->blast.called);
	places(r, text, CALLER "5432", 4, r->blast.caller);
	zero(r, r->blast.serial, 8);
	zero(r, r->blast.called, 4);
	zero(r, r->blast.caller, 4);
	heads(r, len);
	r->blast.len = (uint32_t)(BLAST_HEADS + len);
	r->blast.repeat = (uint32_t)r->repeat;
	r->blast.apart = (uint32_t)r->apart;
	r->blast.ifindex = if_nametoindex(r->nic);
	if (!r->blast.serial[0] || !r->blast.ifindex)
		sipgen_die("finding the NIC, or the place of the serial number");
}

static struct sipblast_bpf *load(const struct run *r)
{
	struct sipblast_bpf *s = sipblast_bpf__open();

	if (!s)
		sipgen_die("opening the BPF program");
	memcpy((void *)&s->rodata->blast, &r->blast, sizeof(r->blast));
	/* another run begins somewhere else: the time in steps of 10 us, round in 1,000 s */
	s->bss->first = (uint32_t)(clock_ns(CLOCK_REALTIME) / 10000 % 100000000);
	if (sipblast_bpf__load(s) < 0)
		sipgen_die("loading the BPF program");
	return s;
}

/*
 * The kernel enters a program into its dispatcher of XDP at the first use and takes it out at the last one, and waits
 * for all processors each time: 25 ms per call.  So it stays in use: on a NIC that is never up and goes with this
 * process.
 */
static void keep(int prog)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);
	struct ifreq req = { .ifr_name = "blast%d", .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, TUNSETIFF, &req) < 0 ||
	    bpf_link_create(prog, (int)if_nametoindex(req.ifr_name), BPF_XDP, &opts) < 0)
		fprintf(stderr, "sipblast: no NIC for the program: a burst every 25 ms\n");
}

static void call(const struct run *r, int prog, unsigned long repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = r->frame, .data_size_in = r->blast.len,
		    .repeat = (int)repeat, .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = repeat < BATCH ? (__u32)repeat : BATCH);

	if (bpf_prog_test_run_opts(prog, &opts) < 0 && errno != EINTR)
		sipgen_die("BPF_PROG_RUN");
}

/* Sleep until the next period; what is due then.  What could not be kept up with is given up, and a quarter of each
 * period is left to others: this may run before all of them. */
static unsigned long due(const struct run *r, uint64_t *begin, double *owed)
{
	double period = (double)r->rate * PERIOD_NS / 1e9;
	uint64_t now = clock_mono_ns(), next = *begin + PERIOD_NS;
	unsigned long n;

	if (next < now + PERIOD_NS / 4)
		next = now + PERIOD_NS / 4;
	usleep((unsigned)((next - now) / 1000));
	now = clock_mono_ns();
	*owed += (double)r->rate * (double)(now - *begin) / 1e9;
	*begin = now;
	if (*owed > 2 * period + 1)
		*owed = 2 * period + 1;
	n = (unsigned long)*owed;
	*owed -= (double)n;
	return n;
}

static void blast(const struct run *r, struct sipblast_bpf *s)
{
	uint64_t start = clock_mono_ns(), cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), begin = start, last = start, gap = 0;
	unsigned long total = r->count * r->repeat, calls = 0;
	double owed = 0;

	while (!is_over && s->bss->sent < total) {
		unsigned long n = r->rate ? due(r, &begin, &owed) : total, left = total - s->bss->sent;
		uint64_t now = clock_mono_ns();

		n = n < left ? n : left;
		n = n < r->chunk ? n : r->chunk;
		if (!n)
			continue;
		gap = now - last > gap ? now - last : gap;
		call(r, bpf_program__fd(s->progs.sipblast), n);
		last = clock_mono_ns();
		calls++;
	}
	printf("{\"sent\":%llu,\"seconds\":%.3f,\"cpu_us\":%llu,\"bytes\":%u,\"calls\":%lu,\"gap_ms\":%.2f}\n",
	       s->bss->sent, (double)(clock_mono_ns() - start) / 1e9,
	       (unsigned long long)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1000, r->blast.len - BLAST_HEADS, calls,
	       (double)gap / 1e6);
}

int main(int argc, char **argv)
{
	static struct run r = { .repeat = 1, .apart = 1, .chunk = CHUNK };
	struct sipblast_bpf *s;

	r.g.run = (unsigned long)clock_real_ms();
	if (parse(argc, argv, &r) < 0) {
		fprintf(stderr, "usage: sipblast --if NIC --mac MAC --from IP --to IP:PORT --count N [--rate R] "
			"[--repeat N [--apart N]] [--chunk N] [--message FILE]\n");
		return 2;
	}
	sigaction(SIGTERM, &(struct sigaction){ .sa_handler = on_signal }, NULL);
	template(&r);
	s = load(&r);
	prctl(PR_SET_TIMERSLACK, 1);
	keep(bpf_program__fd(s->progs.sipblast));
	blast(&r, s);
	sipblast_bpf__destroy(s);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/capture_file.h"

#include <errno.h>
#include <stdio.h>

#include "base/reason.h"
#include "daemon/pcapng.h"
#include "daemon/udp_header.h"
#include "trunk/model.h"

#define COMMENT_MAX 256 /* the longest name of a trunk and the longest reasons take 200 */

/* What is being written; interfaces and counts are those of @f only when all has been. */
struct writer {
	struct capture_file f;
	char *dst;
	size_t cap, len;
	int r; /* the first error */
};

static struct writer writer_new(const struct capture_file *f, char *dst, size_t cap)
{
	return (struct writer){ .f = *f, .dst = dst, .cap = cap };
}

static ssize_t writer_end(struct writer *w, struct capture_file *f)
{
	if (w->r < 0)
		return w->r;
	*f = w->f;
	return (ssize_t)w->len;
}

static void wrote(struct writer *w, ssize_t n)
{
	if (n < 0)
		w->r = (int)n;
	else
		w->len += (size_t)n;
}

void capture_file_init(struct capture_file *f, const struct capture_nic nics[SIPSEAL_PORTS_MAX], uint64_t now_ns)
{
	*f = (struct capture_file){ .start_ns = now_ns };
	memcpy(f->nics, nics, sizeof(f->nics));
}

ssize_t capture_file_begin(char *dst, size_t cap)
{
	return pcapng_section(SLICE("sipseal " SIPSEAL_VERSION), dst, cap);
}

/* Number of the interface, told now if it is new. */
static uint32_t interface_of(struct writer *w, unsigned nic, enum capture_link link)
{
	static const struct capture_nic out = { "out", "raw socket" }, unknown = { "unknown", "" };
	const struct capture_nic *n = nic == CAPTURE_NIC_NONE ? &out : &w->f.nics[nic];
	uint32_t *known = &w->f.interface[nic][link];

	if (*known)
		return *known - 1;
	if (!n->name)
		n = &unknown;
	wrote(w, pcapng_interface(link == CAPTURE_LINK_IP ? PCAPNG_LINK_RAW : PCAPNG_LINK_ETHERNET, slice_str(n->name),
				  slice_str(n->side), w->dst + w->len, w->cap - w->len));
	*known = ++w->f.interface_cnt;
	return *known - 1;
}

static const char *const verdicts[] = {
	[EVENT_PASS] = "pass", [EVENT_SIGN] = "sign", [EVENT_REJECT] = "reject",
	[EVENT_DROP] = "drop", [EVENT_VERIFY] = "verify",
};
static const char *const stages[] = {
	[CAPTURE_BEFORE] = "before", [CAPTURE_AFTER] = "after", [CAPTURE_ANSWER] = "answer",
};

static struct slice comment_put(const struct capture_call *c, unsigned worker, struct slice trunk, uint8_t stage,
				char dst[COMMENT_MAX])
{
	int n = snprintf(dst, COMMENT_MAX, "trunk=%.*s direction=%s stage=%s verdict=%s reason=%s invite=%u.%llu",
			 (int)(trunk.len < TRUNK_NAME_MAX ? trunk.len : TRUNK_NAME_MAX), trunk.p,
			 c->is_inbound ? "inbound" : "outbound", stages[stage], verdicts[c->verdict],
			 reason_token(c->reason), worker, (unsigned long long)c->number);

	if (c->reason == SR_OBSERVE && n < COMMENT_MAX)
		n += snprintf(dst + n, COMMENT_MAX - (size_t)n, " decided=%s/%s", verdicts[c->decided_verdict],
			      reason_token(c->decided_reason));
	return slice_of(dst, n < COMMENT_MAX ? (size_t)n : COMMENT_MAX - 1);
}

/* Return: length of the headers that the packet lacks. */
static size_t headers_put(const struct capture_packet *p, struct slice data, uint8_t dst[UDP_HEADER_MAX])
{
	struct udp_flow f = { .is_v6 = p->flags & CAPTURE_V6, .src_port = p->src_port, .dst_port = p->dst_port };
	ssize_t n;

	if (p->form != CAPTURE_UDP)
		return 0;
	memcpy(f.src, p->src, sizeof(f.src));
	memcpy(f.dst, p->dst, sizeof(f.dst));
	n = udp_header_put(&f, data, dst);
	return n < 0 ? 0 : (size_t)n;
}

static void packet_put(struct writer *w, const struct capture_packet *p, struct slice data, uint64_t id,
		       struct slice comment)
{
	enum capture_link link = p->form == CAPTURE_L2 ? CAPTURE_LINK_FRAME : CAPTURE_LINK_IP;
	uint8_t headers[UDP_HEADER_MAX];
	struct pcapng_packet out = {
		.direction = p->stage == CAPTURE_BEFORE ? PCAPNG_IN : PCAPNG_OUT,
		.time_ns = p->time_ns,
		.id = id,
		.head = { (char *)headers, headers_put(p, data, headers) },
		.data = data,
		.comment = comment,
	};

	out.interface = interface_of(w, p->nic, link);
	if (w->r < 0)
		return;
	wrote(w, pcapng_packet(&out, w->dst + w->len, w->cap - w->len));
	w->f.packets[p->nic][link]++;
}

ssize_t capture_file_add(struct capture_file *f, const struct capture_copy *c, unsigned worker, struct slice trunk,
			 char *dst, size_t cap)
{
	struct writer w = writer_new(f, dst, cap);
	uint64_t id = (uint64_t)worker << 56 | (c->call.number & ((1ull << 56) - 1));
	char comment[COMMENT_MAX];
	struct capture_packet p;
	struct slice data;
	size_t off = 0;

	while (w.r == 0 && capture_next(c, &off, &p, &data))
		packet_put(&w, &p, data, id, comment_put(&c->call, worker, trunk, p.stage, comment));
	return writer_end(&w, f);
}

static void stats_put(struct writer *w, unsigned nic, enum capture_link link, uint64_t lost, uint64_t now_ns)
{
	struct pcapng_stats s = { .time_ns = now_ns, .start_ns = w->f.start_ns, .lost = lost };

	s.interface = interface_of(w, nic, link);
	s.received = w->f.packets[nic][link] + lost;
	if (w->r == 0)
		wrote(w, pcapng_stats(&s, w->dst + w->len, w->cap - w->len));
}

ssize_t capture_file_stats(struct capture_file *f, const uint64_t lost[CAPTURE_NICS], uint64_t now_ns, char *dst,
			   size_t cap)
{
	struct writer w = writer_new(f, dst, cap);

	for (unsigned nic = 0; nic < CAPTURE_NICS && w.r == 0; nic++) {
		/* what came by a NIC came in frames */
		if (lost[nic] || w.f.interface[nic][CAPTURE_LINK_FRAME])
			stats_put(&w, nic, CAPTURE_LINK_FRAME, lost[nic], now_ns);
		if (w.r == 0 && w.f.interface[nic][CAPTURE_LINK_IP])
			stats_put(&w, nic, CAPTURE_LINK_IP, 0, now_ns);
	}
	return writer_end(&w, f);
}

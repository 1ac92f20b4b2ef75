/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * packet.h - walk Ethernet, VLAN tags, IPv4 and IPv6 down to UDP.  What UDP holds: request.h.
 *
 *   Ethernet [802.1Q|802.1ad]{0,2}  IPv4 + options            [AH]{0,8}   UDP
 *                                   IPv6 + extension headers {0,8}
 *
 * Nothing is read before its bounds are checked.  The walk leaves offsets, no pointers: they survive
 * calls of helpers.  Addresses are read later (packet_addrs), for most packets never need them.
 */
#ifndef SIPSEAL_PACKET_H
#define SIPSEAL_PACKET_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

#define PACKET_TAGS_MAX 2

/* Extension headers: RFC 8200 s4.1 names seven that may stand before the upper layer. */
#define PACKET_EXT_MAX 8

/*
 * Headers must end before this offset, for the verifier wants a bound on every packet pointer.  What
 * is longer is opaque, as a chain of too many headers is.
 */
#define PACKET_OFF_MAX 4095

#define PACKET_IP_MF     0x2000
#define PACKET_IP_OFFSET 0x1fff

struct packet {
	__u32 port;          /* index of the NIC it came in on */
	__u32 reason;        /* the verdict's word, enum sipseal_reason */
	__u32 l3_off;        /* all offsets: from the start of the frame */
	__u32 l3_end;        /* end of the IP packet; bytes behind it are padding */
	__u32 l4_off;
	__u32 text_off;      /* UDP payload; after packet_request() what follows "INVITE " or "CANCEL " */
	__u32 text_end;      /* its end: inside the UDP length and the frame */
	__u32 frag_id;       /* of a fragment, as it stands in the packet */
	__u32 frag_off;      /* where its bytes belong in the datagram */
	__u32 frag_data;     /* where they start in the frame */
	__u8 frag_proto;     /* IPv4: protocol of the datagram, the same in each of its fragments; IPv6: 0 */
	__be16 dst_port_be;
	__be16 src_port_be;
	__u8 proto;          /* last header reached */
	bool is_v6;
	bool is_tagged;
	bool is_fragment;
	bool has_l4;         /* l4_off is the start of proto (false: later fragment) */
	bool is_opaque;      /* headers that cannot be walked; of a fragment also: that do not end in it */
	bool has_options;    /* the kernel has to see it: IPv4 options, hop-by-hop options */
	bool is_emergency;
	bool is_follower;    /* fragment whose first one went to the signer */
	__u8 meta_flags;     /* SIPSEAL_META_F_*, for the signer: what is known before the route is */
};

struct packet_addrs {
	__u8 src[16], dst[16];
} __attribute__((aligned(8))); /* read as words below */

/*
 * A function that the verifier checks once, by itself, and not once per state of its callers (that would
 * be over its limit of a million instructions).  It knows nothing of its arguments but their types:
 * pointers may be NULL, every value is checked anew.
 */
#define PACKET_GLOBAL __attribute__((noinline))

/* packet_at() - @len (constant) bytes at @off, or NULL. */
static __always_inline void *packet_at(const struct xdp_md *ctx, __u32 off, __u32 len)
{
	void *end = (void *)(long)ctx->data_end;
	void *p = (void *)(long)ctx->data;

	if (off > PACKET_OFF_MAX)
		return NULL;
	p += off;
	if (p + len > end)
		return NULL;
	return p;
}

static __always_inline __u32 packet_frame_len(const struct xdp_md *ctx)
{
	return (__u32)(ctx->data_end - ctx->data);
}

static __always_inline bool packet_is_ext(__u8 proto)
{
	switch (proto) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_AH:
	case IPPROTO_FRAGMENT:
	case 135: /* Mobility, RFC 6275 */
	case 139: /* HIP, RFC 7401 */
	case 140: /* Shim6, RFC 5533 */
		return true;
	default:
		return false;
	}
}

/* One extension header: sets p->proto and p->l4_off to what follows.  Return: 0 or a reason. */
static __always_inline int packet_ext_step(const struct xdp_md *ctx, struct packet *p)
{
	__u8 *h = packet_at(ctx, p->l4_off, 8);
	__u8 proto = p->proto;
	__u16 frag;

	if (!h || p->l4_off + 8 > p->l3_end)
		return SR_MALFORMED;
	p->proto = h[0];
	if (proto == IPPROTO_FRAGMENT) {
		frag = (__u16)(h[2] << 8 | h[3]);
		p->is_fragment = true;
		p->has_l4 = !(frag & 0xfff8); /* offset 0; RFC 8200 s4.5 */
		p->l4_off += 8;
		p->frag_id = *(__u32 *)(h + 4);
		p->frag_off = frag & 0xfff8;
		p->frag_data = p->l4_off;
	} else if (proto == IPPROTO_AH) {
		p->l4_off += ((__u32)h[1] + 2) * 4; /* RFC 4302 s2.2 */
	} else {
		p->has_options |= proto == IPPROTO_HOPOPTS || proto == IPPROTO_ROUTING;
		p->l4_off += ((__u32)h[1] + 1) * 8;
	}
	return p->l4_off > p->l3_end ? SR_MALFORMED : 0;
}

static __always_inline int packet_set_opaque(struct packet *p)
{
	p->is_opaque = true;
	p->has_l4 = false;
	return 0;
}

/*
 * Walk the chain that starts at p->l4_off.  Ordinary packets never come here.  A chain that does not end in the
 * first fragment (RFC 7112 forbids it) is no reason to leave that fragment to the kernel: who puts the datagram
 * together finds it well-formed.
 */
PACKET_GLOBAL int packet_walk_ext(const struct xdp_md *ctx, struct packet *p)
{
	int i, r;

	if (!p)
		return SR_MALFORMED;
	for (i = 0; i < PACKET_EXT_MAX; i++) {
		/* a later fragment has no headers to walk, only the number of what its first starts with */
		if (!p->has_l4 || !packet_is_ext(p->proto))
			return 0;
		if (p->l4_off > PACKET_OFF_MAX - 8)
			break;
		r = packet_ext_step(ctx, p);
		if (r)
			return p->is_fragment ? packet_set_opaque(p) : r;
	}
	if (p->has_l4 && packet_is_ext(p->proto))
		return packet_set_opaque(p);
	return 0;
}

static __always_inline int packet_ipv4(const struct xdp_md *ctx, struct packet *p)
{
	struct iphdr *ip = packet_at(ctx, p->l3_off, sizeof(*ip));
	__u32 ihl, len;
	__u16 frag;

	if (!ip || ip->version != 4)
		return SR_MALFORMED;
	ihl = ip->ihl * 4;
	len = bpf_ntohs(ip->tot_len);
	if (ihl < sizeof(*ip) || len < ihl || p->l3_off + len > packet_frame_len(ctx))
		return SR_MALFORMED;
	frag = bpf_ntohs(ip->frag_off);
	p->is_fragment = frag & (PACKET_IP_MF | PACKET_IP_OFFSET);
	p->has_l4 = !(frag & PACKET_IP_OFFSET);
	p->has_options = ihl > sizeof(*ip);
	p->proto = ip->protocol;
	p->l3_end = p->l3_off + len;
	p->l4_off = p->l3_off + ihl;
	if (p->is_fragment) {
		p->frag_proto = ip->protocol;
		p->frag_id = ip->id;
		p->frag_off = (__u32)(frag & PACKET_IP_OFFSET) * 8;
		p->frag_data = p->l4_off;
	}
	return p->proto == IPPROTO_AH ? packet_walk_ext(ctx, p) : 0;
}

static __always_inline int packet_ipv6(const struct xdp_md *ctx, struct packet *p)
{
	struct ipv6hdr *ip = packet_at(ctx, p->l3_off, sizeof(*ip));
	__u32 len;

	if (!ip || ip->version != 6)
		return SR_MALFORMED;
	len = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	/* Linux forwards and takes that also without a jumbo option (RFC 2675), up to the end of the frame */
	if (!ip->payload_len && ip->nexthdr == IPPROTO_HOPOPTS)
		len = packet_frame_len(ctx) - p->l3_off;
	if (p->l3_off + len > packet_frame_len(ctx))
		return SR_MALFORMED;
	p->is_v6 = true;
	p->has_l4 = true;
	p->proto = ip->nexthdr;
	p->l3_end = p->l3_off + len;
	p->l4_off = p->l3_off + sizeof(*ip);
	return packet_is_ext(p->proto) ? packet_walk_ext(ctx, p) : 0;
}

/* UDP header at p->l4_off: ports and where the payload stands. */
static __always_inline int packet_udp(const struct xdp_md *ctx, struct packet *p)
{
	struct udphdr *udp = packet_at(ctx, p->l4_off, sizeof(*udp));
	__u32 len, room = p->l3_end - p->l4_off;

	if (!udp || room < sizeof(*udp))
		return SR_MALFORMED;
	len = bpf_ntohs(udp->len);
	/* Receivers take a length of 0 in IPv6 as "up to the end" (RFC 2675 s4): so do we */
	if (p->is_fragment || (p->is_v6 && !len))
		len = room;
	if (len < sizeof(*udp) || len > room)
		return SR_MALFORMED;
	p->src_port_be = udp->source;
	p->dst_port_be = udp->dest;
	p->text_off = p->l4_off + sizeof(*udp);
	p->text_end = p->l4_off + len;
	return 0;
}

/*
 * packet_walk() - from Ethernet to the upper layer.
 * Return: 0, or the reason why it is not looked at any further.
 */
static __always_inline int packet_walk(const struct xdp_md *ctx, struct packet *p)
{
	struct ethhdr *eth = packet_at(ctx, 0, sizeof(*eth));
	__be16 proto, *tag;
	int i;

	if (!eth)
		return SR_MALFORMED;
	proto = eth->h_proto;
	p->l3_off = sizeof(*eth);
#pragma unroll
	for (i = 0; i < PACKET_TAGS_MAX; i++) {
		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		tag = packet_at(ctx, p->l3_off, 4); /* TCI, EtherType */
		if (!tag)
			return SR_MALFORMED;
		proto = tag[1];
		p->l3_off += 4;
		p->is_tagged = true;
	}
	if (proto == bpf_htons(ETH_P_IP))
		return packet_ipv4(ctx, p);
	if (proto == bpf_htons(ETH_P_IPV6))
		return packet_ipv6(ctx, p);
	return p->is_tagged ? SR_VLAN_OTHER : SR_NOT_IP;
}

static __always_inline bool packet_is_mapped(const __u8 *addr)
{
	const __u32 *w = (const __u32 *)addr;

	return !w[0] && !w[1] && w[2] == bpf_htonl(0xffff);
}

static __always_inline void packet_map_ipv4(__u8 *addr, __be32 v4)
{
	__u32 *w = (__u32 *)addr;

	w[0] = 0;
	w[1] = 0;
	w[2] = bpf_htonl(0xffff);
	w[3] = v4;
}

/*
 * packet_addrs() - both addresses, IPv4 as ::ffff:a.b.c.d.
 * Return: false for an IPv6 packet with such an address: it must never be taken for IPv4.
 */
static __always_inline bool packet_addrs(const struct xdp_md *ctx, const struct packet *p,
					 struct packet_addrs *ret)
{
	if (p->is_v6) {
		struct ipv6hdr *ip = packet_at(ctx, p->l3_off, sizeof(*ip));

		if (!ip)
			return false;
		__builtin_memcpy(ret->src, &ip->saddr, 32); /* daddr follows */
		return !packet_is_mapped(ret->src) && !packet_is_mapped(ret->dst);
	}
	struct iphdr *ip = packet_at(ctx, p->l3_off, sizeof(*ip));

	if (!ip)
		return false;
	packet_map_ipv4(ret->src, ip->saddr);
	packet_map_ipv4(ret->dst, ip->daddr);
	return true;
}

#endif

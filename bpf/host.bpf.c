// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * host.bpf.c - mode host: clsact egress of the carrier NIC.  What this machine sends itself never meets the XDP program
 * there, so what may concern us takes a way round: through a veth pair of ours, whose far end has that program, which
 * decides.  Here only, and without policy: what could it be?
 *
 *   our own mark ------------------------------------------------------> leaves
 *   UDP, starts like an INVITE; UDP GSO to a SIP port -----------------> veth
 *   to a carrier peer: OPTIONS, any fragment, UDP GSO, headers that
 *                      have to be walked, TCP that opens, SCTP --------> veth
 *   all else ----------------------------------------------------------> leaves
 *
 * What XDP passes comes back by sipseal_back(), with our mark.
 *
 * One look at the IP header and eight bytes of the payload is what other traffic pays.  The match tables and the
 * configuration are those of the gateway program (the daemon gives us their maps).  A tag in the frame is walked as
 * there; one beside the frame (skb->vlan_tci) is put into it on the veth pair.
 */
#include <linux/pkt_cls.h>
#include <linux/tcp.h>

#include "request.h"
#include "trunk_match.h"

#define HOST_SCTP 132

/* The near end of the veth pair, and the carrier NIC; the daemon sets them before it loads us. */
const volatile __u32 host_near_ifindex = 0;
const volatile __u32 host_nic_ifindex = 0;

struct host_packet {
	__u32 off;           /* of the upper layer, in the skb */
	__u8 proto;          /* its number; IPv6: of the first header after the fixed one */
	bool is_fragment, is_v6;
	__u8 dst[16] __attribute__((aligned(8)));
};

static __always_inline int host_ipv4(struct __sk_buff *skb, struct host_packet *p)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(skb, p->off, &ip, sizeof(ip)) < 0 || ip.version != 4)
		return -1;
	packet_map_ipv4(p->dst, ip.daddr);
	p->is_fragment = ip.frag_off & bpf_htons(PACKET_IP_MF | PACKET_IP_OFFSET);
	p->proto = ip.protocol;
	p->off += ip.ihl * 4;
	return 0;
}

static __always_inline int host_ipv6(struct __sk_buff *skb, struct host_packet *p)
{
	struct ipv6hdr ip;

	if (bpf_skb_load_bytes(skb, p->off, &ip, sizeof(ip)) < 0 || ip.version != 6)
		return -1;
	__builtin_memcpy(p->dst, &ip.daddr, sizeof(p->dst));
	p->is_v6 = true;
	p->proto = ip.nexthdr;
	p->off += sizeof(ip);
	return 0;
}

/* Down to the header after IP.  Return: 0, or -1: no IP. */
static __always_inline int host_walk(struct __sk_buff *skb, struct host_packet *p)
{
	__be16 proto;
	int i;

	p->off = offsetof(struct ethhdr, h_proto);
	if (bpf_skb_load_bytes(skb, p->off, &proto, 2) < 0)
		return -1;
#pragma unroll
	for (i = 0; i < PACKET_TAGS_MAX; i++) {
		if (proto != bpf_htons(ETH_P_8021Q) && proto != bpf_htons(ETH_P_8021AD))
			break;
		p->off += 4;
		if (bpf_skb_load_bytes(skb, p->off, &proto, 2) < 0)
			return -1;
	}
	p->off += 2;
	if (proto == bpf_htons(ETH_P_IP))
		return host_ipv4(skb, p);
	return proto == bpf_htons(ETH_P_IPV6) ? host_ipv6(skb, p) : -1;
}

static __always_inline bool host_is_to_peer(const struct host_packet *p)
{
	if (p->is_v6 && packet_is_mapped(p->dst)) /* never taken for IPv4 */
		return false;
	return match_group(sipseal_config.generation, p->dst, 0) >= 0;
}

/* Eight bytes decide for all but those that begin with blanks: in doubt the gateway program looks.  It also withholds
 * OPTIONS, from peers. */
static __always_inline bool host_is_request(struct __sk_buff *skb, const struct host_packet *p)
{
	__u8 c[8];

	if (bpf_skb_load_bytes(skb, p->off + sizeof(struct udphdr), c, sizeof(c)) < 0)
		return false; /* shorter than any request line */
	if (packet_is_space(c[0]) || PACKET_STARTS(c, 0x20, "invite"))
		return true;
	return PACKET_STARTS(c, 0, "OPTIONS") && host_is_to_peer(p);
}

static __always_inline bool host_udp(struct __sk_buff *skb, const struct host_packet *p)
{
	struct udphdr udp;

	if (host_is_request(skb, p))
		return true;
	if (!skb->gso_size)
		return false;
	/* one of the datagrams that it will be cut into may be an INVITE */
	if (bpf_skb_load_bytes(skb, p->off, &udp, sizeof(udp)) < 0)
		return false;
	return match_is_sip_port(udp.dest) || host_is_to_peer(p);
}

/* Who opens a connection, or answers that. */
static __always_inline bool host_tcp(struct __sk_buff *skb, const struct host_packet *p)
{
	struct tcphdr tcp;

	return bpf_skb_load_bytes(skb, p->off, &tcp, sizeof(tcp)) >= 0 && tcp.syn && host_is_to_peer(p);
}

static __always_inline bool host_concerns_us(struct __sk_buff *skb)
{
	struct host_packet p = { 0 };

	if (host_walk(skb, &p))
		return false;
	if (p.is_fragment)
		return host_is_to_peer(&p);
	if (p.proto == IPPROTO_UDP)
		return host_udp(skb, &p);
	if (p.proto == IPPROTO_TCP)
		return host_tcp(skb, &p);
	return (p.proto == HOST_SCTP || packet_is_ext(p.proto)) && host_is_to_peer(&p);
}

/* TC_ACT_UNSPEC: programs of others have their turn; what leads to the veth pair has left for them. */
SEC("tc")
int sipseal_host(struct __sk_buff *skb)
{
	if (skb->mark == SIPSEAL_MARK_RAW || !host_concerns_us(skb))
		return TC_ACT_UNSPEC;
	return (int)bpf_redirect(host_near_ifindex, 0);
}

/*
 * Ingress of the far end: what XDP passed there leaves by the carrier NIC after all.  XDP_REDIRECT would need a driver
 * with native XDP on both.
 */
SEC("tc")
int sipseal_back(struct __sk_buff *skb)
{
	skb->mark = SIPSEAL_MARK_RAW;
	return (int)bpf_redirect(host_nic_ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

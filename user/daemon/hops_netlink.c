/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/hops_netlink.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

/* What the kernel sends at most in one piece of a dump. */
#define DUMP_SIZE 32768

static const uint8_t v4[12] = { [10] = 0xff, [11] = 0xff };

bool hops_is_v4(const uint8_t addr[16])
{
	return memcmp(addr, v4, sizeof(v4)) == 0;
}

static void put_addr(struct nlmsghdr *nlh, uint16_t type, const uint8_t addr[16])
{
	if (hops_is_v4(addr))
		mnl_attr_put(nlh, type, 4, addr + 12);
	else
		mnl_attr_put(nlh, type, 16, addr);
}

/* Return: false: of no length that an address has. */
static bool take_addr(const void *p, size_t len, uint8_t ret[16])
{
	if (len == 4) {
		memcpy(ret, v4, sizeof(v4));
		memcpy(ret + 12, p, 4);
	} else if (len == 16) {
		memcpy(ret, p, 16);
	}
	return len == 4 || len == 16;
}

/* ---- routes ---- */

struct route {
	unsigned ifindex; /* that we look for */
	hops_route_fn *found;
	void *ctx;
};

/* One next hop: of the route itself, or of a multipath one. */
struct nexthop {
	unsigned oif;
	bool has_gateway;
	uint8_t gateway[16];
	const struct nlattr *multipath;
};

static int on_nexthop_attr(const struct nlattr *a, void *data)
{
	const uint16_t len = mnl_attr_get_payload_len(a);
	const uint8_t *p = mnl_attr_get_payload(a);
	struct nexthop *n = data;

	switch (mnl_attr_get_type(a)) {
	case RTA_OIF:
		n->oif = len == 4 ? mnl_attr_get_u32(a) : 0;
		break;
	case RTA_GATEWAY:
		n->has_gateway |= take_addr(p, len, n->gateway);
		break;
	case RTA_VIA: /* struct rtvia: the family, then an address of the other one */
		n->has_gateway |= len > 2 && take_addr(p + 2, len - 2u, n->gateway);
		break;
	case RTA_MULTIPATH:
		n->multipath = a;
		break;
	}
	return MNL_CB_OK;
}

static void tell(const struct route *r, const struct nexthop *n)
{
	if (n->oif == r->ifindex)
		r->found(r->ctx, n->has_gateway ? n->gateway : NULL);
}

static void tell_multipath(const struct route *r, const struct nlattr *a)
{
	const struct rtnexthop *nh = mnl_attr_get_payload(a);
	size_t left = mnl_attr_get_payload_len(a);

	while (left >= sizeof(*nh) && nh->rtnh_len >= sizeof(*nh) && nh->rtnh_len <= left) {
		struct nexthop n = { .oif = (unsigned)nh->rtnh_ifindex };
		size_t step = RTNH_ALIGN(nh->rtnh_len);

		mnl_attr_parse_payload(RTNH_DATA(nh), nh->rtnh_len - sizeof(*nh), on_nexthop_attr, &n);
		tell(r, &n);
		if (step >= left)
			break;
		left -= step;
		nh = RTNH_NEXT(nh);
	}
}

static int on_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct route *r = data;
	struct nexthop n = { 0 };

	if (nlh->nlmsg_type != RTM_NEWROUTE || rtm->rtm_type != RTN_UNICAST ||
	    mnl_attr_parse(nlh, sizeof(*rtm), on_nexthop_attr, &n) < 0)
		return MNL_CB_OK;
	if (n.multipath)
		tell_multipath(r, n.multipath);
	else
		tell(r, &n);
	return MNL_CB_OK;
}

/* Return: 0; negative errno: the kernel's answer, -ENETUNREACH ... among them. */
static int ask_route(struct mnl_socket *s, const uint8_t dst[16], unsigned flags, struct route *r)
{
	char buf[DUMP_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	static unsigned seq;
	struct rtmsg *rtm;
	ssize_t n;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = ++seq;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = hops_is_v4(dst) ? AF_INET : AF_INET6;
	rtm->rtm_dst_len = hops_is_v4(dst) ? 32 : 128;
	rtm->rtm_flags = flags;
	put_addr(nlh, RTA_DST, dst);
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0 || (n = mnl_socket_recvfrom(s, buf, sizeof(buf))) < 0)
		return -errno;
	return mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(s), on_route, r) < 0 ? -errno : 0;
}

int hops_routes(struct mnl_socket *s, unsigned ifindex, const uint8_t dst[16], hops_route_fn *found, void *ctx)
{
	struct route r = { ifindex, found, ctx };
	int e = ask_route(s, dst, RTM_F_FIB_MATCH, &r); /* the entry, so that all next hops of a multipath one are told */

	if (e == -EINVAL || e == -EOPNOTSUPP)
		e = ask_route(s, dst, 0, &r);
	return e == -ENETUNREACH || e == -EHOSTUNREACH || e == -EINVAL || e == -EACCES || e == -ESRCH ? 0 : e;
}

/* ---- neighbours ---- */

struct neighbours {
	unsigned ifindex;
	hops_neighbour_fn *found;
	void *ctx;
};

struct neighbour {
	bool has_addr, has_mac;
	uint8_t addr[16], mac[6];
};

static int on_neighbour_attr(const struct nlattr *a, void *data)
{
	struct neighbour *n = data;

	if (mnl_attr_get_type(a) == NDA_DST)
		n->has_addr = take_addr(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a), n->addr);
	if (mnl_attr_get_type(a) == NDA_LLADDR && mnl_attr_get_payload_len(a) == sizeof(n->mac)) {
		memcpy(n->mac, mnl_attr_get_payload(a), sizeof(n->mac));
		n->has_mac = true;
	}
	return MNL_CB_OK;
}

static int on_neighbour(const struct nlmsghdr *nlh, void *data)
{
	const unsigned valid = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct neighbours *l = data;
	struct neighbour n = { 0 };

	if (nlh->nlmsg_type != RTM_NEWNEIGH || ndm->ndm_ifindex != (int)l->ifindex || !(ndm->ndm_state & valid) ||
	    (ndm->ndm_flags & NTF_PROXY))
		return MNL_CB_OK;
	if (mnl_attr_parse(nlh, sizeof(*ndm), on_neighbour_attr, &n) >= 0 && n.has_addr && n.has_mac)
		l->found(l->ctx, n.addr, n.mac);
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *s, uint8_t family, struct neighbours *l)
{
	char buf[DUMP_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	static unsigned seq = 1u << 31; /* not one of ask_route()'s */
	struct ndmsg *ndm;
	ssize_t n;
	int r;

	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++seq;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = family;
	mnl_attr_put_u32(nlh, NDA_IFINDEX, l->ifindex); /* kernels that know it tell of this NIC only */
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		if ((n = mnl_socket_recvfrom(s, buf, sizeof(buf))) < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(s), on_neighbour, l);
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : 0;
}

int hops_neighbours(struct mnl_socket *s, unsigned ifindex, hops_neighbour_fn *found, void *ctx)
{
	struct neighbours l = { ifindex, found, ctx };
	int r = dump(s, AF_INET, &l);

	return r < 0 ? r : dump(s, AF_INET6, &l);
}

void hops_resolve(struct mnl_socket *s, unsigned ifindex, const uint8_t addr[16])
{
	char buf[1024];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;

	nlh->nlmsg_type = RTM_NEWNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = hops_is_v4(addr) ? AF_INET : AF_INET6;
	ndm->ndm_ifindex = (int)ifindex;
	ndm->ndm_flags = NTF_USE;
	put_addr(nlh, NDA_DST, addr);
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		return;
	/* a refusal is there at once, and must not be taken for the answer to the next question */
	(void)!recv(mnl_socket_get_fd(s), buf, sizeof(buf), MSG_DONTWAIT);
}

/* ---- what changes ---- */

static void mnl_closep(struct mnl_socket **s)
{
	if (*s)
		mnl_socket_close(*s);
}

struct mnl_socket *hops_listen(void)
{
	CLEANUP(mnl_closep) struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	static int groups[] = { RTNLGRP_NEIGH, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEXTHOP };

	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (mnl_socket_setsockopt(s, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof(groups[i])) < 0)
			return NULL;
	return TAKE(s);
}

struct heard {
	unsigned ifindex, what;
};

static int on_change(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct heard *h = data;

	if (nlh->nlmsg_type != RTM_NEWNEIGH && nlh->nlmsg_type != RTM_DELNEIGH)
		h->what |= HOPS_HEARD_ROUTES;
	else if (ndm->ndm_ifindex == (int)h->ifindex)
		h->what |= HOPS_HEARD_NEIGHBOURS;
	return MNL_CB_OK;
}

unsigned hops_heard(struct mnl_socket *s, unsigned ifindex)
{
	struct heard h = { .ifindex = ifindex };
	char buf[DUMP_SIZE];
	ssize_t n;

	/* bounded: a router that learns its table anew tells for long; what is left wakes us again */
	for (unsigned i = 0; i < 64; i++) {
		n = mnl_socket_recvfrom(s, buf, sizeof(buf));
		if (n < 0 && errno == ENOBUFS) /* something was lost */
			h.what |= HOPS_HEARD_ROUTES | HOPS_HEARD_NEIGHBOURS;
		else if (n <= 0)
			break;
		else
			mnl_cb_run(buf, (size_t)n, 0, 0, on_change, &h);
	}
	return h.what;
}

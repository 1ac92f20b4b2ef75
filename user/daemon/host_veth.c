/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/host_internal.h"

/* A link with all its attributes is some 2 KiB; the kernel sends no larger pieces than this unasked. */
#define REPLY_SIZE 32768
#define REQUEST_SIZE 1024

/* Locally administered ("sps").  By them a pair is known that was not finished: they stand from its first moment, its
 * alias comes later. */
static const uint8_t near_mac[6] = { 0x02, 0x73, 0x70, 0x73, 0x00, 0x00 };
static const uint8_t far_mac[6] = { 0x02, 0x73, 0x70, 0x73, 0x00, 0x01 };

static void mnl_closep(struct mnl_socket **s)
{
	if (*s)
		mnl_socket_close(*s);
}

/* Send, and run @cb on what comes until the kernel says it is done. */
static int request(struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	CLEANUP(mnl_closep) struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	CLEANUP(freep) char *buf = malloc(REPLY_SIZE);
	unsigned seq = (unsigned)time(NULL);
	ssize_t n;
	int r;

	if (!buf)
		return -ENOMEM;
	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	nlh->nlmsg_seq = seq;
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		if ((n = mnl_socket_recvfrom(s, buf, REPLY_SIZE)) < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(s), cb, data);
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : 0;
}

static struct nlmsghdr *message(char buf[REQUEST_SIZE], uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	return nlh;
}

static struct ifinfomsg *link_message(struct nlmsghdr *nlh, unsigned ifindex)
{
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	*ifi = (struct ifinfomsg){ .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };
	return ifi;
}

/* ---- what is there ------------------------------------------------------------------------------ */

static int on_kind(const struct nlattr *a, void *data)
{
	bool *is_veth = data;

	if (mnl_attr_get_type(a) == IFLA_INFO_KIND && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
		*is_veth = !strcmp(mnl_attr_get_str(a), "veth");
	return MNL_CB_OK;
}

struct found {
	struct host_link *l;
	bool is_veth, is_elsewhere;
};

static int on_attr(const struct nlattr *a, void *data)
{
	struct found *f = data;
	struct host_link *l = f->l;

	switch (mnl_attr_get_type(a)) {
	case IFLA_MTU:
		l->mtu = mnl_attr_get_u32(a);
		break;
	case IFLA_NUM_TX_QUEUES:
		l->tx_queues = mnl_attr_get_u32(a);
		break;
	case IFLA_LINK:
		l->peer = mnl_attr_get_u32(a);
		break;
	case IFLA_LINK_NETNSID:
		f->is_elsewhere = true;
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(a) == sizeof(l->mac))
			memcpy(l->mac, mnl_attr_get_payload(a), sizeof(l->mac));
		break;
	case IFLA_IFALIAS:
		snprintf(l->alias, sizeof(l->alias), "%.*s", (int)mnl_attr_get_payload_len(a),
			 mnl_attr_get_str(a));
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(a, on_kind, &f->is_veth);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct found f = { .l = data };

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_attr_parse(nlh, sizeof(*ifi), on_attr, &f) < 0)
		return MNL_CB_OK;
	f.l->ifindex = (unsigned)ifi->ifi_index;
	f.l->is_up = ifi->ifi_flags & IFF_UP;
	if (!f.is_veth || f.is_elsewhere)
		f.l->peer = 0;
	return MNL_CB_OK;
}

int host_link_get(const char *name, struct host_link *ret)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *nlh = message(buf, RTM_GETLINK, 0);
	struct host_link l = { 0 };
	int r;

	link_message(nlh, 0);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	r = request(nlh, on_link, &l);
	if (r < 0)
		return r;
	if (!l.ifindex)
		return -ENODEV;
	*ret = l;
	return 0;
}

bool host_veth_is_ours(const struct host_link *near, const struct host_link *far)
{
	return near->peer == far->ifindex && far->peer == near->ifindex &&
	       !memcmp(near->mac, near_mac, sizeof(near_mac)) && !memcmp(far->mac, far_mac, sizeof(far_mac));
}

/* ---- changes ---------------------------------------------------------------------------------------- */

static void end_put(struct nlmsghdr *nlh, const char *name, const uint8_t mac[6], unsigned queues, unsigned mtu)
{
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	mnl_attr_put_u32(nlh, IFLA_NUM_TX_QUEUES, queues);
	mnl_attr_put_u32(nlh, IFLA_NUM_RX_QUEUES, queues);
}

int host_veth_make(unsigned queues, unsigned mtu)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *nlh = message(buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info, *data, *peer;

	link_message(nlh, 0);
	end_put(nlh, HOST_NEAR, near_mac, queues, mtu);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	link_message(nlh, 0); /* VETH_INFO_PEER: a header, then attributes */
	end_put(nlh, HOST_FAR, far_mac, queues, mtu);
	mnl_attr_nest_end(nlh, peer);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return request(nlh, NULL, NULL);
}

int host_veth_remove(void)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *nlh = message(buf, RTM_DELLINK, 0);
	int r;

	link_message(nlh, 0);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, HOST_NEAR);
	r = request(nlh, NULL, NULL);
	return r == -ENODEV ? 0 : r;
}

int host_link_alias(unsigned ifindex, const char *alias)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *nlh = message(buf, RTM_NEWLINK, 0);

	link_message(nlh, ifindex);
	mnl_attr_put(nlh, IFLA_IFALIAS, strlen(alias), alias);
	return request(nlh, NULL, NULL);
}

int host_link_mtu(unsigned ifindex, unsigned mtu)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *nlh = message(buf, RTM_NEWLINK, 0);

	link_message(nlh, ifindex);
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
	return request(nlh, NULL, NULL);
}

/* Without ARP the stack has nothing of its own to say there. */
static int up(const char *name)
{
	char buf[REQUEST_SIZE];
	struct nlmsghdr *nlh = message(buf, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = link_message(nlh, 0);

	ifi->ifi_flags = IFF_UP | IFF_NOARP;
	ifi->ifi_change = IFF_UP | IFF_NOARP;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return request(nlh, NULL, NULL);
}

/* Return: 0 (also where the kernel has no IPv6), or negative errno. */
static int ipv6_off(const char *name)
{
	CLEANUP(closep) int fd = -1;
	char path[96];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return write(fd, "1", 1) < 0 ? -errno : 0;
}

int host_veth_up(void)
{
	int r;

	if ((r = ipv6_off(HOST_NEAR)) < 0 || (r = ipv6_off(HOST_FAR)) < 0 ||
	    (r = host_offloads_off(HOST_NEAR)) < 0 || (r = up(HOST_NEAR)) < 0)
		return r;
	return up(HOST_FAR);
}

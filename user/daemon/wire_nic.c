/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/wire_nic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"

/* What the kernel sends at most in one piece of a dump. */
#define DUMP_SIZE 32768

static int ask(const char *name, unsigned long request, struct ifreq *ifr)
{
	CLEANUP(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	return fd < 0 || ioctl(fd, request, ifr) < 0 ? -errno : 0;
}

/* ---- promiscuous ---- */

static int promisc_is(const char *name)
{
	struct ifreq ifr = { 0 };
	int r = ask(name, SIOCGIFFLAGS, &ifr);

	return r < 0 ? r : !!(ifr.ifr_flags & IFF_PROMISC);
}

static int promisc_set(const char *name, bool want)
{
	struct ifreq ifr = { 0 };
	int r = ask(name, SIOCGIFFLAGS, &ifr);

	if (r < 0)
		return r;
	ifr.ifr_flags = (short)((ifr.ifr_flags & ~IFF_PROMISC) | (want ? IFF_PROMISC : 0));
	return ask(name, SIOCSIFFLAGS, &ifr);
}

/* ---- IPv6 ---- */

static int ipv6_open(const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int ipv6_is_off(const char *name)
{
	CLEANUP(closep) int fd = ipv6_open(name, O_RDONLY);
	char c = '0';

	if (fd < 0)
		return fd;
	return read(fd, &c, 1) == 1 ? c != '0' : -EIO;
}

static int ipv6_set_off(const char *name, bool want)
{
	CLEANUP(closep) int fd = ipv6_open(name, O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, want ? "1" : "0", 1) == 1 ? 0 : -errno;
}

/* ---- VLAN tags ---- */

static int rxvlan_get(const char *name, struct ethtool_value *ret)
{
	struct ifreq ifr = { .ifr_data = (void *)ret };

	*ret = (struct ethtool_value){ .cmd = ETHTOOL_GFLAGS };
	return ask(name, SIOCETHTOOL, &ifr);
}

static int rxvlan_is_off(const char *name)
{
	struct ethtool_value v;
	int r = rxvlan_get(name, &v);

	return r < 0 ? r : !(v.data & ETH_FLAG_RXVLAN);
}

static int rxvlan_set_off(const char *name, bool want)
{
	struct ethtool_value v;
	struct ifreq ifr = { .ifr_data = (void *)&v };
	int r = rxvlan_get(name, &v);

	if (r < 0)
		return r;
	v.cmd = ETHTOOL_SFLAGS;
	v.data = want ? v.data & ~(unsigned)ETH_FLAG_RXVLAN : v.data | ETH_FLAG_RXVLAN;
	return ask(name, SIOCETHTOOL, &ifr);
}

/* ---- all of them ---- */

static const struct {
	int (*is)(const char *name);
	int (*set)(const char *name, bool want);
} settings[] = {
	[WIRE_PROMISC] = { promisc_is, promisc_set },
	[WIRE_IPV6] = { ipv6_is_off, ipv6_set_off },
	[WIRE_RXVLAN] = { rxvlan_is_off, rxvlan_set_off },
};
_Static_assert(ARRAY_SIZE(settings) == WIRE_SETTING_CNT, "a line each");

int wire_nic_is(const char *name, enum wire_setting what)
{
	return settings[what].is(name);
}

int wire_nic_set(const char *name, enum wire_setting what, bool want)
{
	return settings[what].set(name, want);
}

/* ---- addresses ---- */

static void mnl_closep(struct mnl_socket **s)
{
	if (*s)
		mnl_socket_close(*s);
}

struct search {
	unsigned ifindex;
	const void *addr; /* of the message that is looked at */
	char *text;	  /* empty: none yet */
	size_t text_len;
};

static int on_attr(const struct nlattr *a, void *data)
{
	struct search *s = data;

	/* the own one where both are there: IFA_ADDRESS is the peer's on a point-to-point link */
	if (mnl_attr_get_type(a) == IFA_LOCAL || (mnl_attr_get_type(a) == IFA_ADDRESS && !s->addr))
		s->addr = mnl_attr_get_payload_len(a) >= 4 ? mnl_attr_get_payload(a) : NULL;
	return MNL_CB_OK;
}

static int on_address(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct search *s = data;
	char ip[INET6_ADDRSTRLEN];

	if (ifa->ifa_index != s->ifindex || (ifa->ifa_family == AF_INET6 && ifa->ifa_scope == RT_SCOPE_LINK) || *s->text)
		return MNL_CB_OK;
	s->addr = NULL;
	if (mnl_attr_parse(nlh, sizeof(*ifa), on_attr, s) < 0 || !s->addr ||
	    !inet_ntop(ifa->ifa_family, s->addr, ip, sizeof(ip)))
		return MNL_CB_OK;
	snprintf(s->text, s->text_len, "%s/%u", ip, ifa->ifa_prefixlen);
	return MNL_CB_OK;
}

int wire_nic_address(unsigned ifindex, char *ret, size_t ret_len)
{
	CLEANUP(mnl_closep) struct mnl_socket *m = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct search s = { .ifindex = ifindex, .text = ret, .text_len = ret_len };
	char buf[DUMP_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	unsigned seq = (unsigned)time(NULL);
	struct ifaddrmsg *ifa;
	ssize_t n;
	int r;

	*ret = '\0';
	if (!m || mnl_socket_bind(m, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	nlh->nlmsg_type = RTM_GETADDR;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = AF_UNSPEC;
	if (mnl_socket_sendto(m, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		if ((n = mnl_socket_recvfrom(m, buf, sizeof(buf))) < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(m), on_address, &s);
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : *ret != '\0';
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/nic.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"

/* What the kernel sends at most in one piece of a dump. */
#define DUMP_SIZE 32768

/* VLAN devices that are looked at; of more, the rest counts as of other NICs. */
#define VLANS_MAX 256

struct dump {
	const char *name; /* the one we look for */
	struct nic nic;	  /* ifindex 0: not seen */
	char list[NIC_ERR_LEN / 2];
	unsigned below[VLANS_MAX]; /* the NICs of VLAN devices */
	unsigned vlan_cnt;
};

static void mnl_closep(struct mnl_socket **s)
{
	if (*s)
		mnl_socket_close(*s);
}

static void list_add(struct dump *d, const char *name, bool is_up)
{
	size_t len = strlen(d->list);

	snprintf(d->list + len, sizeof(d->list) - len, "%s%s%s", len ? ", " : "", name,
		 is_up ? "" : " (down)");
}

struct link {
	const char *name;
	unsigned mtu, queues;
	unsigned link;           /* IFLA_LINK: the other end of a veth, the NIC below a VLAN device */
	bool is_link_elsewhere;  /* in another network namespace */
	bool is_vlan;
};

static int on_info_attr(const struct nlattr *a, void *data)
{
	struct link *l = data;

	if (mnl_attr_get_type(a) == IFLA_INFO_KIND && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
		l->is_vlan = !strcmp(mnl_attr_get_str(a), "vlan");
	return MNL_CB_OK;
}

static int on_attr(const struct nlattr *a, void *data)
{
	struct link *l = data;

	if (mnl_attr_get_type(a) == IFLA_IFNAME && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
		l->name = mnl_attr_get_str(a);
	else if (mnl_attr_get_type(a) == IFLA_MTU)
		l->mtu = mnl_attr_get_u32(a);
	else if (mnl_attr_get_type(a) == IFLA_NUM_RX_QUEUES)
		l->queues = mnl_attr_get_u32(a);
	else if (mnl_attr_get_type(a) == IFLA_LINK)
		l->link = mnl_attr_get_u32(a);
	else if (mnl_attr_get_type(a) == IFLA_LINK_NETNSID)
		l->is_link_elsewhere = true;
	else if (mnl_attr_get_type(a) == IFLA_LINKINFO)
		mnl_attr_parse_nested(a, on_info_attr, l);
	return MNL_CB_OK;
}

static int on_link(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct link l = { .queues = 1 };
	struct dump *d = data;

	if (mnl_attr_parse(nlh, sizeof(*ifi), on_attr, &l) < 0 || !l.name)
		return MNL_CB_OK;
	list_add(d, l.name, ifi->ifi_flags & IFF_UP);
	if (l.is_vlan && d->vlan_cnt < VLANS_MAX)
		d->below[d->vlan_cnt++] = l.link;
	if (strcmp(l.name, d->name) == 0) {
		snprintf(d->nic.name, sizeof(d->nic.name), "%s", l.name);
		d->nic.ifindex = (unsigned)ifi->ifi_index;
		d->nic.mtu = l.mtu;
		d->nic.queues = l.queues;
		d->nic.is_up = ifi->ifi_flags & IFF_UP;
		d->nic.has_link = ifi->ifi_flags & IFF_RUNNING;
		d->nic.peer = l.is_link_elsewhere ? 0 : l.link;
	}
	return MNL_CB_OK;
}

static int dump_links(struct dump *d)
{
	CLEANUP(mnl_closep) struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	char buf[DUMP_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	unsigned seq = (unsigned)time(NULL);
	struct ifinfomsg *ifi;
	ssize_t n;
	int r;

	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		if ((n = mnl_socket_recvfrom(s, buf, sizeof(buf))) < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(s), on_link, d);
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : 0;
}

static int ethtool(const char *name, void *cmd)
{
	CLEANUP(closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_data = cmd };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	return fd < 0 || ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

/* IFLA_NUM_RX_QUEUES counts the queues allocated; sockets can only be bound to those in use,
 * which the driver tells by ethtool.  A driver without that call uses all. */
static unsigned queues_in_use(const char *name, unsigned allocated)
{
	struct ethtool_channels ch = { .cmd = ETHTOOL_GCHANNELS };

	if (ethtool(name, &ch) < 0 || ch.rx_count + ch.combined_count == 0)
		return allocated ? allocated : 1;
	return ch.rx_count + ch.combined_count;
}

bool nic_is_veth(const char *name)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	return ethtool(name, &info) == 0 && !strcmp(info.driver, "veth");
}

int nic_gro(const char *name)
{
	struct ethtool_value v = { .cmd = ETHTOOL_GGRO };
	int r = ethtool(name, &v);

	return r < 0 ? r : v.data != 0;
}

int nic_hides_tags(const char *name)
{
	struct ethtool_value v = { .cmd = ETHTOOL_GFLAGS };
	int r = ethtool(name, &v);

	return r < 0 ? r : (v.data & ETH_FLAG_RXVLAN) != 0;
}

int nic_has_xdp(unsigned ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);
	int r = bpf_xdp_query((int)ifindex, 0, &q);

	return r < 0 ? r : q.attach_mode != XDP_ATTACHED_NONE;
}

static bool has_vlans(const struct dump *d)
{
	for (unsigned i = 0; i < d->vlan_cnt; i++)
		if (d->below[i] == d->nic.ifindex)
			return true;
	return false;
}

int nic_get(const char *name, struct nic *ret, char reterr[NIC_ERR_LEN])
{
	struct dump d = { .name = name };
	int r = dump_links(&d);

	if (r < 0) {
		snprintf(reterr, NIC_ERR_LEN, "cannot list the network interfaces: %s",
			 strerror(-r));
		return r;
	}
	if (!d.nic.ifindex) {
		snprintf(reterr, NIC_ERR_LEN,
			 "interface %s: there is none in this network namespace; there are: %s",
			 name, d.list);
		return -ENODEV;
	}
	if (!d.nic.is_up) {
		snprintf(reterr, NIC_ERR_LEN, "interface %s is down: `ip link set %s up` first",
			 name, name);
		return -ENETDOWN;
	}
	d.nic.queues = queues_in_use(name, d.nic.queues);
	d.nic.is_veth = nic_is_veth(name);
	d.nic.peer = d.nic.is_veth ? d.nic.peer : 0;
	d.nic.has_vlans = has_vlans(&d);
	*ret = d.nic;
	return 0;
}

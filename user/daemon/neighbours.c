/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/neighbours.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"

/* What the kernel sends at most in one piece of a dump. */
#define DUMP_SIZE 32768

/* More than one NIC has next hops; the rest has its turn when these are no longer stale. */
#define STALE_MAX 2048

struct stale {
	struct ndmsg ndm;
	uint8_t addr[16];
	uint16_t addr_len;
};

struct dump {
	const struct nic *nics;
	unsigned nic_cnt;
	struct stale *list; /* [STALE_MAX] */
	unsigned cnt;
};

static void mnl_closep(struct mnl_socket **s)
{
	if (*s)
		mnl_socket_close(*s);
}

static bool is_ours(const struct dump *d, int ifindex)
{
	for (unsigned i = 0; i < d->nic_cnt; i++)
		if ((int)d->nics[i].ifindex == ifindex)
			return true;
	return false;
}

static int on_attr(const struct nlattr *a, void *data)
{
	struct stale *s = data;
	uint16_t len = mnl_attr_get_payload_len(a);

	if (mnl_attr_get_type(a) == NDA_DST && len <= sizeof(s->addr)) {
		memcpy(s->addr, mnl_attr_get_payload(a), len);
		s->addr_len = len;
	}
	return MNL_CB_OK;
}

static int on_neighbour(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct dump *d = data;
	struct stale s = { .ndm = *ndm };

	if (nlh->nlmsg_type != RTM_NEWNEIGH || ndm->ndm_state != NUD_STALE ||
	    (ndm->ndm_flags & NTF_PROXY) || !is_ours(d, ndm->ndm_ifindex) || d->cnt == STALE_MAX)
		return MNL_CB_OK;
	if (mnl_attr_parse(nlh, sizeof(*ndm), on_attr, &s) >= 0 && s.addr_len)
		d->list[d->cnt++] = s;
	return MNL_CB_OK;
}

static int dump_stale(struct mnl_socket *s, uint8_t family, struct dump *d)
{
	char buf[DUMP_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	unsigned seq = (unsigned)time(NULL);
	struct ndmsg *ndm;
	ssize_t n;
	int r;

	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = family;
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		if ((n = mnl_socket_recvfrom(s, buf, sizeof(buf))) < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(s), on_neighbour, d);
	} while (r > MNL_CB_STOP);
	return r < 0 ? -errno : 0;
}

/* NTF_USE: as if the kernel had sent something there.  The other flags have to be said again, or they are
 * lost; without an address nothing else changes.  No answer is asked for: an entry may be gone by now. */
static void use(struct mnl_socket *s, const struct stale *e)
{
	char buf[128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;

	nlh->nlmsg_type = RTM_NEWNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	*ndm = e->ndm;
	ndm->ndm_flags |= NTF_USE;
	mnl_attr_put(nlh, NDA_DST, e->addr_len, e->addr);
	(void)!mnl_socket_sendto(s, nlh, nlh->nlmsg_len);
}

int neighbours_use(const struct nic *nics, unsigned nic_cnt)
{
	CLEANUP(mnl_closep) struct mnl_socket *s = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	CLEANUP(freep) struct stale *list = calloc(STALE_MAX, sizeof(*list));
	struct dump d = { .nics = nics, .nic_cnt = nic_cnt, .list = list };
	int r;

	if (!list)
		return -ENOMEM;
	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	if ((r = dump_stale(s, AF_INET, &d)) < 0 || (r = dump_stale(s, AF_INET6, &d)) < 0)
		return r;
	for (unsigned i = 0; i < d.cnt; i++)
		use(s, &list[i]);
	return (int)d.cnt;
}

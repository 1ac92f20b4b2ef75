// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/fastpath.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <sys/socket.h>

#include "daemon/nic.h"

#define WHY_LEN 160

/* Chains whose rules are looked at; more of them than that count as rules unseen. */
#define CHAINS_MAX 64

struct chain {
	char table[64], name[64];
	uint32_t family;
	bool has_policy_drop;
};

struct chains {
	struct chain c[CHAINS_MAX];
	unsigned cnt;
	bool is_full;
};

static void mnl_closep(struct mnl_socket **nl)
{
	if (*nl)
		mnl_socket_close(*nl);
}

static void chain_freep(struct nftnl_chain **c)
{
	if (*c)
		nftnl_chain_free(*c);
}

static void rule_freep(struct nftnl_rule **r)
{
	if (*r)
		nftnl_rule_free(*r);
}

static const char *family_name(uint32_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_INET:
		return "inet";
	default:
		return "other";
	}
}

/* Does what XDP forwards go around this chain? */
static bool is_bypassed(const struct nftnl_chain *c)
{
	const char *type = nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE);
	uint32_t family = nftnl_chain_get_u32(c, NFTNL_CHAIN_FAMILY);

	if (!nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM))
		return false; /* no base chain */
	if (family != NFPROTO_IPV4 && family != NFPROTO_IPV6 && family != NFPROTO_INET)
		return false;
	if (type && !strcmp(type, "nat"))
		return true;
	return nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM) == NF_INET_FORWARD;
}

static int on_chain(const struct nlmsghdr *h, void *arg)
{
	CLEANUP(chain_freep) struct nftnl_chain *c = nftnl_chain_alloc();
	struct chains *all = arg;
	struct chain *dst;

	if (!c || nftnl_chain_nlmsg_parse(h, c) < 0 || !is_bypassed(c))
		return MNL_CB_OK;
	if (all->cnt == CHAINS_MAX) {
		all->is_full = true;
		return MNL_CB_OK;
	}
	dst = &all->c[all->cnt++];
	snprintf(dst->table, sizeof(dst->table), "%s", nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE));
	snprintf(dst->name, sizeof(dst->name), "%s", nftnl_chain_get_str(c, NFTNL_CHAIN_NAME));
	dst->family = nftnl_chain_get_u32(c, NFTNL_CHAIN_FAMILY);
	dst->has_policy_drop = nftnl_chain_is_set(c, NFTNL_CHAIN_POLICY) &&
			       nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) == NF_DROP;
	return MNL_CB_OK;
}

static int on_rule(const struct nlmsghdr *h, void *arg)
{
	(void)h;
	*(bool *)arg = true;
	return MNL_CB_OK;
}

static int nl_dump(struct mnl_socket *nl, struct nlmsghdr *h, mnl_cb_t cb, void *arg)
{
	char buf[16384]; /* the kernel fills at most that much per message of a dump */
	unsigned port = mnl_socket_get_portid(nl), seq = h->nlmsg_seq;
	ssize_t n;
	int r = MNL_CB_OK;

	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return -errno;
	while (r > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		r = mnl_cb_run(buf, (size_t)n, seq, port, cb, arg);
		if (r < 0)
			return -errno;
	}
	return 0;
}

static bool chain_has_rules(struct mnl_socket *nl, const struct chain *c)
{
	CLEANUP(rule_freep) struct nftnl_rule *rule = nftnl_rule_alloc();
	char buf[1024];
	struct nlmsghdr *h;
	bool has_rules = false;

	if (!rule)
		return true;
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, c->table);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, c->name);
	h = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETRULE, (uint16_t)c->family, NLM_F_DUMP,
				  (uint32_t)time(NULL));
	nftnl_rule_nlmsg_build_payload(h, rule);
	if (nl_dump(nl, h, on_rule, &has_rules) < 0)
		return true; /* it cannot be seen: do not go around it */
	return has_rules;
}

/* A kernel without nf_tables answers with an error: then there are no rules to go around. */
static bool nf_tables_in_the_way(char why[WHY_LEN])
{
	CLEANUP(mnl_closep) struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	CLEANUP(freep) struct chains *all = calloc(1, sizeof(*all));
	char buf[1024];
	struct nlmsghdr *h;

	if (!nl || !all || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return false;
	h = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, NLM_F_DUMP,
				  (uint32_t)time(NULL));
	if (nl_dump(nl, h, on_chain, all) < 0)
		return false;
	for (unsigned i = 0; i < all->cnt; i++) {
		const struct chain *c = &all->c[i];

		if (!c->has_policy_drop && !chain_has_rules(nl, c))
			continue;
		snprintf(why, WHY_LEN, "nf_tables chain %s %s %s", family_name(c->family), c->table,
			 c->name);
		return true;
	}
	if (all->is_full)
		snprintf(why, WHY_LEN, "more than %d nf_tables chains", CHAINS_MAX);
	return all->is_full;
}

/* The tables of iptables-legacy that are loaded here; their rules are not to be had cheaply. */
static bool iptables_in_the_way(const char *path, const char *what, char why[WHY_LEN])
{
	CLEANUP(fclosep) FILE *f = fopen(path, "re");
	char table[32];

	while (f && fscanf(f, "%31s", table) == 1) {
		if (strcmp(table, "filter") && strcmp(table, "nat"))
			continue;
		snprintf(why, WHY_LEN, "%s table %s", what, table);
		return true;
	}
	return false;
}

bool fastpath_decide(const struct gateway *g, char ret_why[WHY_LEN])
{
	if (g->mode == GATEWAY_WIRE) {
		snprintf(ret_why, WHY_LEN, "mode wire: all leaves by the other NIC");
		return true;
	}
	if (g->mode == GATEWAY_HOST) {
		snprintf(ret_why, WHY_LEN, "mode host: the kernel of the PBX's machine");
		return false;
	}
	if (g->fast_path != FAST_PATH_AUTO) {
		snprintf(ret_why, WHY_LEN, "by configuration");
		return g->fast_path == FAST_PATH_FORWARD;
	}
	for (unsigned i = 0; i < g->interface_cnt; i++) {
		/* only its owner knows whether the far end takes redirected frames (oddities.h) */
		if (!nic_is_veth(g->interfaces[i].name))
			continue;
		snprintf(ret_why, WHY_LEN, "veth driver on %s", g->interfaces[i].name);
		return false;
	}
	if (nf_tables_in_the_way(ret_why) ||
	    iptables_in_the_way("/proc/net/ip_tables_names", "iptables", ret_why) ||
	    iptables_in_the_way("/proc/net/ip6_tables_names", "ip6tables", ret_why))
		return false;
	snprintf(ret_why, WHY_LEN, "no forward or NAT rules, no veth");
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/host_internal.h"

/* Somebody may take the tc program away (`tc qdisc del`), and then INVITEs leave unsigned: so that it is not long. */
#define TURN_NS 1000000000ull

int host_fail(char reterr[TOPOLOGY_ERR_LEN], int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reterr, TOPOLOGY_ERR_LEN, fmt, ap);
	va_end(ap);
	return error;
}

/* ---- whose pair it is ------------------------------------------------------------------------------- */

struct owner {
	char nic[16];
	unsigned ifindex;
	bool is_qdisc_own;
	char pins[HOST_ALIAS_MAX + 1];
};

#define ALIAS "sipseal host nic=%s ifindex=%u qdisc=%s pins=%s"

static int alias_write(const struct host *h, bool is_qdisc_own)
{
	char alias[HOST_ALIAS_MAX + 1];
	int n = snprintf(alias, sizeof(alias), ALIAS, h->name, h->ifindex, is_qdisc_own ? "own" : "found", h->bpffs);

	return n >= (int)sizeof(alias) ? -ENAMETOOLONG : host_link_alias(h->near.ifindex, alias);
}

static bool alias_read(const char *alias, struct owner *ret)
{
	char qdisc[8];

	if (sscanf(alias, "sipseal host nic=%15s ifindex=%u qdisc=%7s pins=%255[^\n]", ret->nic, &ret->ifindex, qdisc,
		   ret->pins) != 4)
		return false;
	ret->is_qdisc_own = !strcmp(qdisc, "own");
	return true;
}

/* One directory, one name. */
static void name_pins(const char *bpffs, char ret[PATH_MAX])
{
	if (!realpath(bpffs, ret))
		snprintf(ret, PATH_MAX, "%s", bpffs);
}

/* ---- the pair --------------------------------------------------------------------------------------- */

/* Return: 1 both are there; 0 neither is; -EEXIST: something else has their names; negative errno. */
static int pair_get(struct host *h)
{
	int near = host_link_get(HOST_NEAR, &h->near), far = host_link_get(HOST_FAR, &h->far);

	if (near == -ENODEV && far == -ENODEV)
		return 0;
	if (near < 0 || far < 0)
		return near == -ENODEV || far == -ENODEV ? -EEXIST : near < 0 ? near : far;
	return host_veth_is_ours(&h->near, &h->far) ? 1 : -EEXIST;
}

static int pair_make(struct host *h, const struct nic *nic, char reterr[TOPOLOGY_ERR_LEN])
{
	unsigned queues = nic->queues < SIPSEAL_QUEUES_MAX ? nic->queues : SIPSEAL_QUEUES_MAX;
	int r = host_veth_make(queues, nic->mtu);

	if (r < 0)
		return host_fail(reterr, r, "cannot make the veth pair " HOST_NEAR ", " HOST_FAR ": %s%s", strerror(-r),
				 r == -EOPNOTSUPP ? " (the kernel has no veth: CONFIG_VETH)" : "");
	h->is_pair_new = true;
	r = pair_get(h);
	if (r == 1)
		r = alias_write(h, false);
	if (r == -ENAMETOOLONG)
		return host_fail(reterr, r, "gateway.bpffs %.64s...: too long to be noted at " HOST_NEAR, h->bpffs);
	return r < 0 ? host_fail(reterr, r, HOST_NEAR ": %s", strerror(-r)) : 0;
}

/* What a former run has left, if it is ours.  Return: 1 adopted; 0 there is none (any more); negative errno. */
static int pair_adopt(struct host *h, char reterr[TOPOLOGY_ERR_LEN])
{
	struct owner o;
	int r = pair_get(h);

	if (r == -EEXIST)
		return host_fail(reterr, r, "mode host needs the names " HOST_NEAR " and " HOST_FAR
				 " for its veth pair, and another interface has one of them: rename that");
	if (r < 0)
		return host_fail(reterr, r, HOST_NEAR ": %s", strerror(-r));
	if (!r)
		return 0;
	if (!alias_read(h->near.alias, &o)) { /* a start that was cut off before it had its name */
		r = host_veth_remove();
		return r < 0 ? host_fail(reterr, r, HOST_NEAR ": cannot remove: %s", strerror(-r)) : 0;
	}
	if (strcmp(o.pins, h->bpffs) != 0)
		return host_fail(reterr, -EEXIST,
				 "the veth pair " HOST_NEAR " belongs to a gateway with bpffs %.128s (mode host: one in a "
				 "network namespace); end it: sipseald --detach --bpffs %.128s", o.pins, o.pins);
	h->is_qdisc_own = o.is_qdisc_own && o.ifindex == h->ifindex;
	return 1;
}

static int pair_start(struct host *h, const struct nic *nic, char reterr[TOPOLOGY_ERR_LEN])
{
	int r;

	if (nic->mtu > HOST_MTU_MAX)
		return host_fail(reterr, -ERANGE, "%s has MTU %u, mode host takes %d at most (native XDP on a veth): "
				 "`ip link set %s mtu %d`", h->name, nic->mtu, HOST_MTU_MAX, h->name, HOST_MTU_MAX);
	r = pair_adopt(h, reterr);
	if (!r)
		r = pair_make(h, nic, reterr);
	if (r < 0)
		return r;
	if ((r = host_veth_up()) < 0)
		return host_fail(reterr, r, "cannot set up the veth pair " HOST_NEAR ", " HOST_FAR ": %s", strerror(-r));
	/* where the NIC's has been changed meanwhile; the far end first: what comes from the near one must fit */
	if (h->far.mtu != nic->mtu && (r = host_link_mtu(h->far.ifindex, nic->mtu)) == 0)
		r = host_link_mtu(h->near.ifindex, nic->mtu);
	return r < 0 ? host_fail(reterr, r, HOST_NEAR ": MTU %u, that of %s: %s", nic->mtu, h->name, strerror(-r)) : 0;
}

/* The way of the raw socket to our own stack. */
static int lo_check(char reterr[TOPOLOGY_ERR_LEN])
{
	struct host_link lo;
	int r = host_link_get("lo", &lo);

	if (r < 0)
		return host_fail(reterr, r, "lo: %s", strerror(-r));
	if (!lo.is_up)
		return host_fail(reterr, -ENETDOWN, "interface lo is down, and by it calls from the carrier reach the PBX: "
				 "`ip link set lo up` first");
	return 0;
}

int host_prepare(struct sipseald *d, struct host **ret, char reterr[TOPOLOGY_ERR_LEN])
{
	CLEANUP(host_freep) struct host *h = calloc(1, sizeof(*h));
	_Static_assert(NIC_ERR_LEN <= TOPOLOGY_ERR_LEN, "one text for both");
	struct nic nic;
	int r;

	if (!h)
		return host_fail(reterr, -ENOMEM, "out of memory");
	r = nic_get(d->ports[0].name, &nic, reterr);
	if (r < 0 || (r = lo_check(reterr)) < 0)
		return r;
	memcpy(h->name, nic.name, sizeof(h->name));
	h->ifindex = nic.ifindex;
	name_pins(d->gateway->bpffs, h->bpffs);
	r = pair_start(h, &nic, reterr);
	if (r < 0) {
		host_undo(h);
		return r;
	}
	d->ports[1] = (struct interface){ .side = SIPSEAL_SIDE_CORE };
	snprintf(d->ports[1].name, sizeof(d->ports[1].name), HOST_FAR);
	d->port_cnt = 2;
	d->rx_only = 1 << 1; /* answers to our own stack go by the raw socket, which lo brings there */
	*ret = TAKE(h);
	return 0;
}

void host_port(unsigned i, struct sipseal_port *ret)
{
	ret->flags = i ? SIPSEAL_PORT_F_BRIDGE | SIPSEAL_PORT_F_TC : SIPSEAL_PORT_F_LOCAL;
	ret->peer = 0;
}

/* ---- the tc program --------------------------------------------------------------------------------- */

/* Of all NICs but @except.  Return: how many there were, or negative errno. */
static int filters_remove(unsigned except)
{
	struct if_nameindex *all = if_nameindex();
	int n = 0, r = 0;

	for (struct if_nameindex *i = all; r >= 0 && i && i->if_index; i++) {
		if (i->if_index == except)
			continue;
		r = host_tc_remove(i->if_index);
		n += r > 0;
	}
	if (all)
		if_freenameindex(all);
	return r < 0 ? r : n;
}

/* The alias says that it is ours before it is there: one that a crash leaves is not forgotten. */
static int qdisc_start(struct host *h)
{
	int r;

	if (!h->is_qdisc_own && (r = alias_write(h, true)) < 0)
		return r;
	r = host_tc_qdisc_add(h->ifindex);
	if (r < 0)
		return r;
	h->is_qdisc_new = r > 0;
	h->is_qdisc_own |= r > 0;
	return h->is_qdisc_own ? 0 : alias_write(h, false);
}

/* The configuration named another NIC before. */
static void former_nic_clean(const struct host *h, const struct owner *was)
{
	filters_remove(h->ifindex);
	if (was->is_qdisc_own && was->ifindex != h->ifindex)
		host_tc_qdisc_remove(was->ifindex);
}

int host_attached(struct sipseald *d, struct host *h, char reterr[TOPOLOGY_ERR_LEN])
{
	struct owner was = { 0 };
	int r = host_tc_load(h, d->bpf);

	if (r < 0)
		return host_fail(reterr, r, "the tc program does not load: %s", strerror(-r));
	alias_read(h->near.alias, &was);
	if ((r = host_tc_back_attach(h)) < 0)
		return host_fail(reterr, r, HOST_FAR ": cannot attach the tc program: %s%s", strerror(-r),
				 r == -ENOENT ? " (the kernel lacks CONFIG_NET_SCH_INGRESS or CONFIG_NET_CLS_BPF)" : "");
	if ((r = qdisc_start(h)) < 0)
		return host_fail(reterr, r, "%s: cannot add a clsact qdisc: %s", h->name, strerror(-r));
	r = host_tc_attach(h);
	if (r == -EBUSY)
		return host_fail(reterr, r, "%s: a tc program of others has our place (egress, priority 1, handle "
				 "0x%x): remove it", h->name, SIPSEAL_MARK_RAW);
	if (r < 0)
		return host_fail(reterr, r, "%s: cannot attach the tc program: %s", h->name, strerror(-r));
	former_nic_clean(h, &was);
	log_notice("event=host interface=%s near=" HOST_NEAR " far=" HOST_FAR " pair=%s tc=%s", h->name,
		   h->is_pair_new ? "new" : "adopted", h->is_filter_new ? "new" : "replaced");
	return 0;
}

/* ---- later ------------------------------------------------------------------------------------------ */

static void back_look(struct host *h)
{
	if (host_tc_back_is_there(h) || host_tc_back_attach(h) < 0)
		return;
	log_warning("event=host interface=" HOST_FAR " reason=\"the tc program was taken away: what passed XDP was lost; it "
		    "is back\"");
}

static void filter_look(struct host *h)
{
	int r;

	if (host_tc_is_there(h))
		return;
	r = host_tc_qdisc_add(h->ifindex);
	if (r >= 0)
		r = host_tc_attach(h);
	if (r >= 0 || !h->is_filter_said)
		log_warning("event=host interface=%s reason=\"the tc program was taken away: INVITEs left unsigned; %s\"",
			    h->name, r < 0 ? strerror(-r) : "it is back");
	h->is_filter_said = r < 0;
}

/* The NIC's MTU has been changed: frames of that length must come through the pair, and none longer leave. */
static void mtu_follow(struct sipseald *d, struct host *h, unsigned mtu)
{
	int r = host_link_mtu(h->far.ifindex, mtu);

	if (r >= 0)
		r = host_link_mtu(h->near.ifindex, mtu);
	log_warning("event=host reason=\"%s has MTU %u now; that of the veth pair: %s\"", h->name, mtu,
		    r < 0 ? strerror(-r) : "the same");
	d->nics[0].mtu = mtu;
	if (r >= 0)
		d->nics[1].mtu = mtu;
	generation_publish(d);
}

static void pair_look(struct sipseald *d, struct host *h)
{
	struct host_link nic;
	int r = pair_get(h);

	if (r != 1) {
		if (!h->is_gone)
			log_err("event=host reason=\"the veth pair " HOST_NEAR " is gone: INVITEs are dropped; restart "
				"sipseald\"");
		h->is_gone = true;
		return;
	}
	if (!h->near.is_up || !h->far.is_up) {
		r = host_veth_up();
		log_warning("event=host reason=\"the veth pair " HOST_NEAR " was down; %s\"",
			    r < 0 ? strerror(-r) : "it is up again");
	}
	if (host_link_get(h->name, &nic) == 0 && nic.mtu != d->nics[0].mtu)
		mtu_follow(d, h, nic.mtu);
}

void host_turn(struct sipseald *d, struct host *h)
{
	uint64_t now = clock_mono_ns();

	if (!h || !h->is_attached || now < h->turn_at_ns)
		return;
	h->turn_at_ns = now + TURN_NS;
	back_look(h);
	filter_look(h);
	pair_look(d, h);
}

void host_undo(struct host *h)
{
	if (!h)
		return;
	/* also one that was adopted, if it leads to a pair that goes now */
	if (h->is_attached && (h->is_filter_new || h->is_pair_new))
		host_tc_remove(h->ifindex);
	if (h->is_qdisc_new)
		host_tc_qdisc_remove(h->ifindex);
	if (h->is_pair_new)
		host_veth_remove();
	h->is_attached = h->is_filter_new = h->is_qdisc_new = h->is_pair_new = false;
}

void host_free(struct host *h)
{
	if (!h)
		return;
	if (h->skel)
		host_tc_unload(h);
	free(h);
}

int host_detach(const char *bpffs, char reterr[TOPOLOGY_ERR_LEN])
{
	struct host h = { 0 };
	struct owner o = { 0 };
	int pair = pair_get(&h), n, r = 0;

	name_pins(bpffs, h.bpffs);
	if (pair == 1 && alias_read(h.near.alias, &o) && strcmp(o.pins, h.bpffs) != 0)
		return 0; /* of another gateway */
	n = filters_remove(0); /* first: nothing is led to a pair that is not there */
	if (n < 0)
		return host_fail(reterr, n, "cannot remove the tc program: %s", strerror(-n));
	if (o.is_qdisc_own)
		host_tc_qdisc_remove(o.ifindex);
	if (pair == 1)
		r = host_veth_remove();
	return r < 0 ? host_fail(reterr, r, HOST_NEAR ": cannot remove: %s", strerror(-r)) : n + (pair == 1);
}

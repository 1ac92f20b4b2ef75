/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/oddities.h"

#include <net/if.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

struct look {
	const struct nic *n;
	oddity_fn *fn;
	void *ctx;
};

static void say(const struct look *l, const char *code, const char *level, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void say(const struct look *l, const char *code, const char *level, const char *fmt, ...)
{
	struct oddity o = { .code = code, .level = level };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o.text, sizeof(o.text), fmt, ap);
	va_end(ap);
	l->fn(l->ctx, &o);
}

/* Does XDP send frames out of this NIC by redirection?  What the signer sends needs no NAPI at the far end. */
static bool is_redirected_to(const struct gateway *g, bool is_forwarding)
{
	if (g->xdp_mode == XDP_MODE_GENERIC) /* hands over whole skbs */
		return false;
	return g->mode == GATEWAY_WIRE || (g->mode == GATEWAY_ROUTED && is_forwarding);
}

/* What else helps: a bump in the wire has no kernel to leave it to. */
static const char *else_kernel(const struct gateway *g)
{
	return g->mode == GATEWAY_ROUTED ? "; or fast_path: kernel" : "";
}

static void look_veth(const struct gateway *g, const struct look *l)
{
	const struct nic *n = l->n;
	char peer[IF_NAMESIZE];

	if (!n->peer || !if_indextoname(n->peer, peer)) {
		say(l, "veth_far_end_unseen", "notice",
		    "%s is a veth whose far end is in another network namespace: XDP's frames are lost there without a "
		    "trace unless that end has GRO (ethtool -K NIC gro on, there) or an XDP program%s",
		    n->name, else_kernel(g));
		return;
	}
	if (nic_gro(peer) != 0 || nic_has_xdp(n->peer) != 0)
		return;
	say(l, "veth_far_end", "warning",
	    "%s is a veth whose far end has neither GRO nor XDP: frames that XDP forwards are lost there without a trace: "
	    "ethtool -K %s gro on%s",
	    n->name, peer, else_kernel(g));
}

/* But for a bridge, a NIC without VLAN devices has no use for tagged frames. */
static void look_tags(const struct gateway *g, const struct look *l)
{
	if (g->mode != GATEWAY_WIRE && !l->n->has_vlans)
		return;
	if (nic_hides_tags(l->n->name) != 1)
		return;
	say(l, "vlan_tags_hidden", "warning",
	    "%s takes VLAN tags out of frames (rx-vlan-offload): XDP takes tagged packets for untagged ones%s: "
	    "ethtool -K %s rxvlan off",
	    l->n->name, g->mode == GATEWAY_WIRE ? ", and they would leave without their tag" : "", l->n->name);
}

void oddities_look(const struct gateway *g, bool is_forwarding, const struct nic *n, oddity_fn *fn, void *ctx)
{
	const struct look l = { n, fn, ctx };

	if (n->is_veth && is_redirected_to(g, is_forwarding))
		look_veth(g, &l);
	look_tags(g, &l);
}

static void log_one(void *ctx, const struct oddity *o)
{
	const struct nic *n = (const struct nic *)ctx;

	if (!strcmp(o->level, "warning"))
		log_warning("event=oddity interface=%s code=%s reason=\"%s\"", n->name, o->code, o->text);
	else
		log_notice("event=oddity interface=%s code=%s reason=\"%s\"", n->name, o->code, o->text);
}

void oddities_log(const struct gateway *g, bool is_forwarding, const struct nic *nics, unsigned cnt)
{
	for (unsigned i = 0; i < cnt; i++)
		oddities_look(g, is_forwarding, &nics[i], log_one, (void *)(uintptr_t)&nics[i]);
}

static void print_one(void *ctx, const struct oddity *o)
{
	fprintf(ctx, "%s: %s\n", o->level, o->text);
}

void oddities_print(const struct gateway *g, bool is_forwarding, FILE *f)
{
	for (unsigned i = 0; i < g->interface_cnt; i++) {
		char err[NIC_ERR_LEN];
		struct nic n;

		if (nic_get(g->interfaces[i].name, &n, err) == 0)
			oddities_look(g, is_forwarding, &n, print_one, f);
		else
			fprintf(f, "notice: not looked at: %s\n", err);
	}
}

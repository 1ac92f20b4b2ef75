/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/topology.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/report.h"
#include "daemon/report_verification.h"
#include "daemon/topology_internal.h"

/* Next hops that answer at all do so at once; one that is down shall not hold a start up for long. */
#define HOPS_WAIT_MS 1000

#define HOST_PERIOD_MS 1000 /* host_turn() looks once a second */

static bool is_stick(const struct sipseald *d)
{
	return d->gateway->mode == GATEWAY_ROUTED && d->gateway->interfaces[0].side == SIPSEAL_SIDE_BOTH;
}

int topology_prepare(struct sipseald *d, char reterr[TOPOLOGY_ERR_LEN])
{
	CLEANUP(freep) struct topology *t = calloc(1, sizeof(*t));
	int r = 0;

	snprintf(reterr, TOPOLOGY_ERR_LEN, "out of memory");
	if (!t)
		return -ENOMEM;
	memcpy(d->ports, d->gateway->interfaces, sizeof(d->ports));
	d->port_cnt = d->gateway->interface_cnt;
	if (d->gateway->mode == GATEWAY_WIRE)
		r = wire_prepare(d->gateway->bpffs, d->ports, &t->wire, reterr);
	else if (d->gateway->mode == GATEWAY_HOST)
		r = host_prepare(d, &t->host, reterr);
	if (r < 0)
		return r;
	d->topology = TAKE(t);
	return 0;
}

void topology_port(const struct sipseald *d, unsigned i, struct sipseal_port *ret)
{
	if (d->gateway->mode == GATEWAY_WIRE) {
		ret->flags = SIPSEAL_PORT_F_BRIDGE;
		ret->peer = (uint8_t)!i;
	} else if (d->gateway->mode == GATEWAY_HOST) {
		host_port(i, ret);
	}
}

/* XDP_REDIRECT from a NIC with native XDP needs the same of the other one; where the driver has none it has no way to
 * take such frames either. */
static int wire_check(const struct sipseald *d, char *reterr)
{
	const bool which = d->is_native[0]; /* index of the one that has it not */

	if (d->is_native[0] == d->is_native[1])
		return 0;
	snprintf(reterr, TOPOLOGY_ERR_LEN,
		 "mode wire: %s has native XDP, %s only generic, and frames could not cross: set gateway.xdp_mode: generic",
		 d->nics[!which].name, d->nics[which].name);
	return -ENOTSUP;
}

/* What an earlier run, in another mode or with other NICs, has left. */
static void leave_others(struct sipseald *d)
{
	const bool is_wire = d->gateway->mode == GATEWAY_WIRE;
	const unsigned keep[] = { d->nics[0].ifindex, d->nics[1].ifindex };
	char err[TOPOLOGY_ERR_LEN] = "";
	int r = wire_detach(d->gateway->bpffs, keep, is_wire ? ARRAY_SIZE(keep) : 0, err);

	if (r > 0)
		log_notice("event=topology reason=\"%d settings of mode wire were taken back\"", r);
	if (r < 0)
		log_warning("event=topology reason=\"%s\"", err);
	r = d->gateway->mode == GATEWAY_HOST ? 0 : host_detach(d->gateway->bpffs, err);
	if (r > 0)
		log_notice("event=topology reason=\"what mode host had made was removed\"");
	if (r < 0)
		log_warning("event=topology reason=\"%s\"", err);
}

static int hops_start(struct sipseald *d, char *reterr)
{
	struct hops **h = &d->topology->hops;
	int r = hops_new(d->nics[0].ifindex, 0, h);

	if (r == 0)
		r = hops_trunks(*h, d->live, d->bpf);
	if (r == 0)
		hops_wait(*h, d->bpf, HOPS_WAIT_MS);
	else
		snprintf(reterr, TOPOLOGY_ERR_LEN, "next hops of carriers: %s", strerror(-r));
	return r;
}

int topology_attached(struct sipseald *d, char reterr[TOPOLOGY_ERR_LEN])
{
	int r = 0;

	if (d->gateway->mode == GATEWAY_WIRE)
		r = wire_check(d, reterr);
	else if (d->gateway->mode == GATEWAY_HOST)
		r = host_attached(d, d->topology->host, reterr);
	else if (is_stick(d))
		r = hops_start(d, reterr);
	if (r == 0)
		leave_others(d);
	return r;
}

void topology_trunks(struct sipseald *d)
{
	if (d->topology && d->topology->hops)
		hops_trunks(d->topology->hops, d->live, d->bpf); /* a failure is logged, and tried again in the next turn */
}

int topology_fd(const struct sipseald *d)
{
	return d->topology && d->topology->hops ? hops_fd(d->topology->hops) : -1;
}

int topology_turn(struct sipseald *d)
{
	if (d->topology && d->topology->hops)
		return hops_turn(d->topology->hops, d->bpf);
	if (!d->topology || !d->topology->host)
		return -1;
	host_turn(d, d->topology->host);
	return HOST_PERIOD_MS;
}

void topology_undo(struct sipseald *d)
{
	if (!d->topology)
		return;
	host_undo(d->topology->host);
	if (d->topology->wire)
		wire_undo(d->topology->wire);
}

void topology_free(struct topology *t)
{
	if (!t)
		return;
	host_free(t->host);
	hops_free(t->hops);
	wire_free(t->wire);
	free(t);
}

int topology_detach(const char *bpffs, char reterr[TOPOLOGY_ERR_LEN])
{
	int w = wire_detach(bpffs, NULL, 0, reterr), h = host_detach(bpffs, w < 0 ? (char[TOPOLOGY_ERR_LEN]){ "" } : reterr);

	return w < 0 ? w : h < 0 ? h : 0;
}

/* ---- what is told ---- */

const char *topology_mode(const struct sipseald *d)
{
	static const char *const words[] = { [GATEWAY_ROUTED] = "routed", [GATEWAY_WIRE] = "wire", [GATEWAY_HOST] = "host" };

	return words[d->gateway->mode];
}

void topology_say(const struct sipseald *d)
{
	struct hops_counts c;

	log_notice("event=topology mode=%s%s", topology_mode(d), is_stick(d) ? " side=both" : "");
	for (unsigned i = 0; d->topology->wire && i < 2; i++)
		log_notice("event=wire interface=%s done=\"%s\"", d->nics[i].name, wire_said(d->topology->wire, i));
	if (d->topology->wire && d->nics[0].mtu != d->nics[1].mtu)
		log_warning("event=wire reason=\"%s has an MTU of %u, %s of %u: frames that are longer than the smaller one do not "
			    "cross\"",
			    d->nics[0].name, d->nics[0].mtu, d->nics[1].name, d->nics[1].mtu);
	if (!d->topology->hops)
		return;
	hops_counts(d->topology->hops, &c);
	log_notice("event=hops interface=%s peers=%u next_hops=%u unresolved=%u macs=%u", d->nics[0].name, c.peers, c.next_hops,
		   c.unresolved, c.macs);
}

static json_t *wire_report(const struct sipseald *d)
{
	json_t *o = json_object();

	for (unsigned i = 0; o && i < 2; i++)
		json_object_set_new(o, d->nics[i].name, report_text(wire_said(d->topology->wire, i)));
	return json_pack("{s:o}", "interfaces", o);
}

json_t *topology_report(const struct sipseald *d)
{
	struct hops_counts c;

	if (!d->topology)
		return NULL;
	if (d->topology->wire)
		return wire_report(d);
	if (!d->topology->hops)
		return NULL;
	hops_counts(d->topology->hops, &c);
	return json_pack("{s:i,s:i,s:i,s:i}", "carrier_peers", (int)c.peers, "next_hops", (int)c.next_hops, "unresolved",
			 (int)c.unresolved, "macs", (int)c.macs);
}

void topology_warnings(const struct sipseald *d, json_t *list)
{
	struct hops_counts c;

	if (d->topology && d->topology->wire && d->nics[0].mtu != d->nics[1].mtu)
		report_warn(list, "warning", "wire_mtu", NULL, "%s has an MTU of %u bytes, %s of %u: frames longer than the smaller one "
			    "do not cross", d->nics[0].name, d->nics[0].mtu, d->nics[1].name, d->nics[1].mtu);
	if (!d->topology || !d->topology->hops)
		return;
	hops_counts(d->topology->hops, &c);
	if (c.unresolved)
		report_warn(list, "warning", "hops_unresolved", NULL, "next hops of carriers without a MAC: %u, %s among them: frames "
			    "from there are told by their source address only", c.unresolved, c.unresolved_example);
	if (c.peers_left_out)
		report_warn(list, "warning", "hops_left_out", NULL, "carrier peers whose next hops are not looked up: %u, for there "
			    "are more than %d different ones", c.peers_left_out, HOPS_PEERS_MAX);
}

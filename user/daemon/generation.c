/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon.h"

/* Enough for some 10,000 trunks with location; grows by itself where a compile needs more. */
#define COPY_SIZE (64ull << 20)
#define COPY_SIZE_MAX (4096ull << 20)

/* A policy region large enough for this configuration.  Only at start: a region that is in use
 * keeps its size, because the signer has it mapped. */
static int policy_build(struct sipseald *d, char *reterr)
{
	for (uint64_t size = COPY_SIZE; size <= COPY_SIZE_MAX; size *= 2) {
		ssize_t r = policy_shm_new(size, &d->policy);

		if (r == 0)
			r = assembled_compile(d->gateway, d->assembled, d->generation,
					      policy_shm_copy(&d->policy, d->generation), size);
		if (r >= 0)
			return 0;
		policy_shm_done(&d->policy);
		if (r != -ENOSPC) {
			snprintf(reterr, BPFGW_ERR_LEN, "the policy cannot be compiled: %s",
				 strerror((int)-r));
			return (int)r;
		}
	}
	snprintf(reterr, BPFGW_ERR_LEN, "the policy of %zu trunks is too large",
		 d->gateway->trunk_cnt);
	return -ENOSPC;
}

static void port_fill(const struct sipseald *d, unsigned i, struct sipseal_port *port)
{
	*port = (struct sipseal_port){
		.ifindex = d->nics[i].ifindex,
		.side = d->gateway->interfaces[i].side,
		.queues = (uint16_t)d->nics[i].queues,
	};
	for (unsigned q = 0; q < d->nics[i].queues; q++)
		port->worker[q] = (uint8_t)(q % d->workers);
}

static void config_fill(const struct sipseald *d, struct sipseal_config *c)
{
	const struct gateway *g = d->gateway;

	*c = (struct sipseal_config){
		.abi_version = SIPSEAL_ABI_VERSION,
		.generation = d->generation,
		.heartbeat_limit_ns = g->heartbeat_ms * 1000000ull,
		.on_signer_failure = g->on_signer_failure,
		.unmatched_invite = g->unmatched_invite,
		.other_transports = g->other_transports,
		.fast_path_forward = d->is_forwarding,
		.regulatory_enabled = g->regulatory_enabled,
		.sip_port_cnt = (uint16_t)g->sip_port_cnt,
	};
	memcpy(c->sip_ports, g->sip_ports, sizeof(c->sip_ports));
	for (unsigned i = 0; i < g->emergency_cnt; i++) {
		c->emergency[i].len = (uint8_t)strnlen(g->emergency[i], SIPSEAL_EMERGENCY_LEN);
		memcpy(c->emergency[i].digits, g->emergency[i], c->emergency[i].len);
	}
	for (unsigned i = 0; i < g->interface_cnt; i++)
		port_fill(d, i, &c->ports[i]);
}

int generation_build(struct sipseald *d, char reterr[BPFGW_ERR_LEN])
{
	struct sipseal_config c;
	int r;

	if ((r = policy_build(d, reterr)) < 0 ||
	    (r = bpfgw_fill(d->bpf, &d->assembled->match, d->generation, reterr)) < 0)
		return r;
	config_fill(d, &c);
	if ((r = bpfgw_config_set(d->bpf, &c)) < 0)
		snprintf(reterr, BPFGW_ERR_LEN, "the configuration cannot be given to XDP: %s",
			 strerror(-r));
	return r;
}

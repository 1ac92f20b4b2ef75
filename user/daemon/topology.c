/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/topology.h"

#include <string.h>

#include "daemon/daemon.h"

int topology_prepare(struct sipseald *d, char reterr[TOPOLOGY_ERR_LEN])
{
	(void)reterr;
	memcpy(d->ports, d->gateway->interfaces, sizeof(d->ports));
	d->port_cnt = d->gateway->interface_cnt;
	return 0;
}

void topology_port(const struct sipseald *d, unsigned i, struct sipseal_port *ret)
{
	(void)d;
	(void)i;
	ret->flags = 0;
}

int topology_attached(struct sipseald *d, char reterr[TOPOLOGY_ERR_LEN])
{
	(void)d;
	(void)reterr;
	return 0;
}

void topology_turn(struct sipseald *d)
{
	(void)d;
}

void topology_undo(struct sipseald *d)
{
	(void)d;
}

void topology_free(struct topology *t)
{
	(void)t;
}

int topology_detach(const char *bpffs, char reterr[TOPOLOGY_ERR_LEN])
{
	(void)bpffs;
	(void)reterr;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/host.h"

#include <errno.h>

int host_prepare(struct sipseald *d, struct host **ret, char reterr[TOPOLOGY_ERR_LEN])
{
	(void)d;
	(void)ret;
	snprintf(reterr, TOPOLOGY_ERR_LEN, "mode host is not there yet");
	return -EOPNOTSUPP;
}

void host_port(unsigned i, struct sipseal_port *ret)
{
	ret->flags = i ? SIPSEAL_PORT_F_BRIDGE : SIPSEAL_PORT_F_LOCAL;
	ret->peer = 0;
}

int host_attached(struct sipseald *d, struct host *h, char reterr[TOPOLOGY_ERR_LEN])
{
	(void)d;
	(void)h;
	(void)reterr;
	return 0;
}

void host_turn(struct sipseald *d, struct host *h)
{
	(void)d;
	(void)h;
}

void host_undo(struct host *h)
{
	(void)h;
}

void host_free(struct host *h)
{
	(void)h;
}

int host_detach(const char *bpffs, char reterr[TOPOLOGY_ERR_LEN])
{
	(void)bpffs;
	(void)reterr;
	return 0;
}

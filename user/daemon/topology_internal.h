/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topology_internal - the parts behind topology.h: at most one of them is there.
 */
#ifndef SIPSEAL_DAEMON_TOPOLOGY_INTERNAL_H
#define SIPSEAL_DAEMON_TOPOLOGY_INTERNAL_H

#include "daemon/hops.h"
#include "daemon/host.h"
#include "daemon/wire.h"

struct topology {
	struct wire *wire;  /* mode wire */
	struct hops *hops;  /* mode routed, a NIC of side both */
	struct host *host;  /* mode host */
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* topology_none - what reports ask the topology for, in programs that have none: modes are shown in the lab. */
#ifndef TESTS_TOPOLOGY_NONE_H
#define TESTS_TOPOLOGY_NONE_H

#include "daemon/topology.h"

const char *topology_mode(const struct sipseald *d)
{
	(void)d;
	return "routed";
}

json_t *topology_report(const struct sipseald *d)
{
	(void)d;
	return NULL;
}

void topology_warnings(const struct sipseald *d, json_t *list)
{
	(void)d, (void)list;
}

#endif

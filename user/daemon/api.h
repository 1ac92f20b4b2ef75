/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api - the calls of the control socket (docs/api.md) and the metrics, as a table for control.h.
 * The context of the routes is a struct sipseald.
 */
#ifndef SIPSEAL_DAEMON_API_H
#define SIPSEAL_DAEMON_API_H

#include "daemon/control.h"

struct sipseald;

extern const struct control_route api_routes[];

#endif

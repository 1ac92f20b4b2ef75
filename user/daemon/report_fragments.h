/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report_fragments - what signers do with datagrams that are too large for one frame, both ways.
 */
#ifndef SIPSEAL_DAEMON_REPORT_FRAGMENTS_H
#define SIPSEAL_DAEMON_REPORT_FRAGMENTS_H

#include <jansson.h>

#include "daemon/daemon.h"

/** report_fragments() - {"held","bytes","limit_bytes","whole","mailed","refused","incomplete","shed"} of status. */
json_t *report_fragments(const struct sipseald *d);

/** report_fragments_warnings() - appends what an operator must act on. */
void report_fragments_warnings(const struct sipseald *d, json_t *list);

#endif

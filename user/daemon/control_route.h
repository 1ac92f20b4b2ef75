/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control_route - which route a request line asks for; pure, so that a fuzzer can ask as well.
 *
 * The fixed part of a path is compared as it stands; what stands behind a prefix is one segment and is
 * percent-decoded.  An escape that is none, and one that gives NUL, are refused: nothing behind this module
 * ever sees a text that another reader would cut elsewhere.
 */
#ifndef SIPSEAL_DAEMON_CONTROL_ROUTE_H
#define SIPSEAL_DAEMON_CONTROL_ROUTE_H

#include "daemon/control.h"

#define CONTROL_TAIL_MAX  255 /* a trunk's name has 63 */
#define CONTROL_ALLOW_LEN 40

/** control_decode() - percent-decode @src; may be done in place.
 * Return: 0; -EINVAL an escape that is none, or NUL; -E2BIG does not fit @cap with its NUL. */
int control_decode(const char *src, char *dst, size_t cap);

/** control_route_find() - the route of @path (not decoded, without query); @ret_tail is set for prefixes.
 * Return: NULL where there is none. */
const struct control_route *control_route_find(const struct control_route *routes, bool is_metrics,
					       const char *path, char ret_tail[CONTROL_TAIL_MAX + 1]);

/** control_route_fn() - what serves @method; NULL: nothing does. */
control_fn *control_route_fn(const struct control_route *r, const char *method);

/** control_route_allow() - "GET, HEAD, POST". */
void control_route_allow(const struct control_route *r, char ret[CONTROL_ALLOW_LEN]);

#endif

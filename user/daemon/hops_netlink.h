/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hops_netlink - what hops.c asks the kernel.  Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d.
 */
#ifndef SIPSEAL_DAEMON_HOPS_NETLINK_H
#define SIPSEAL_DAEMON_HOPS_NETLINK_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

/** hops_is_v4() - is it a mapped one? */
bool hops_is_v4(const uint8_t addr[16]);

/** hops_routes() - next hops on @ifindex of the route to @dst: all of a multipath route.
 * @found: once per next hop; @gateway NULL: @dst is on the link itself
 * Return: 0, also where there is no route; negative errno: netlink. */
typedef void hops_route_fn(void *ctx, const uint8_t *gateway);
int hops_routes(struct mnl_socket *s, unsigned ifindex, const uint8_t dst[16], hops_route_fn *found, void *ctx);

/** hops_neighbours() - all neighbours on @ifindex that have a MAC.  Return: as hops_routes(). */
typedef void hops_neighbour_fn(void *ctx, const uint8_t addr[16], const uint8_t mac[6]);
int hops_neighbours(struct mnl_socket *s, unsigned ifindex, hops_neighbour_fn *found, void *ctx);

/** hops_resolve() - as if the kernel had something to send to @addr.  Nobody waits for an answer. */
void hops_resolve(struct mnl_socket *s, unsigned ifindex, const uint8_t addr[16]);

/** hops_listen() - a socket that tells of routes and neighbours; does not block.  Return: NULL: errno. */
struct mnl_socket *hops_listen(void);

/** hops_heard() - take all that has come.  Two bits: */
#define HOPS_HEARD_ROUTES     0x1
#define HOPS_HEARD_NEIGHBOURS 0x2
unsigned hops_heard(struct mnl_socket *s, unsigned ifindex);

#endif

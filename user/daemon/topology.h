/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * topology - what a mode needs of the machine besides XDP on the configured NICs, and the ports that come of it.
 *
 *     routed   nothing; with a NIC of side both: the MACs of the carrier's next hops (hops.c)
 *     wire     both NICs promiscuous, without addresses, IPv6 off (wire*.c)
 *     host     a veth pair of our own and the tc program on the carrier NIC (host.c); the far end of the pair is one more
 *              port, of side core
 *
 * What is made here stays when the daemon ends, as the XDP program does; the next start adopts it, topology_detach()
 * removes it.  Threads: one.
 */
#ifndef SIPSEAL_DAEMON_TOPOLOGY_H
#define SIPSEAL_DAEMON_TOPOLOGY_H

#include <jansson.h>

#include "abi.h"

struct sipseald;
struct topology;

#define TOPOLOGY_ERR_LEN 512

/** topology_prepare() - before XDP: fills d->ports, makes and checks what the mode needs.
 * Return: 0, or negative errno (reterr: what is wrong, and the remedy); then nothing of it is left. */
int topology_prepare(struct sipseald *d, char reterr[TOPOLOGY_ERR_LEN]);

/** topology_port() - flags and peer of port @i for XDP. */
void topology_port(const struct sipseald *d, unsigned i, struct sipseal_port *ret);

/** topology_attached() - XDP is on all ports, with its maps and sockets' places: what has to come last.
 * Return: as topology_prepare(). */
int topology_attached(struct sipseald *d, char reterr[TOPOLOGY_ERR_LEN]);

/** topology_trunks() - the trunks are others now: also after topology_attached(). */
void topology_trunks(struct sipseald *d);

/** topology_fd() - readable: there is something to do; -1: never. */
int topology_fd(const struct sipseald *d);

/** topology_turn() - from the loop: what changes with the network.  Return: ms until the next time; -1: none. */
int topology_turn(struct sipseald *d);

/** topology_mode() - its word in the configuration. */
const char *topology_mode(const struct sipseald *d);

/** topology_say() - log what was done. */
void topology_say(const struct sipseald *d);

/** topology_report() - the same for status.  Return: an object, or NULL: routed, nothing to tell. */
json_t *topology_report(const struct sipseald *d);

/** topology_warnings() - what an operator has to know; onto report_warn()'s list. */
void topology_warnings(const struct sipseald *d, json_t *list);

/** topology_undo() - a start that failed: what it made goes, what it adopted stays. */
void topology_undo(struct sipseald *d);

/** topology_free() - forget it; what was made stays. */
void topology_free(struct topology *t);

/** topology_detach() - remove what earlier runs with pins below @bpffs have made.
 * Return: 0, or negative errno (reterr). */
int topology_detach(const char *bpffs, char reterr[TOPOLOGY_ERR_LEN]);

#endif

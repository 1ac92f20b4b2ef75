/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oddities - what is odd about the NICs and their neighbours, and loses packets or calls without a word: said at start
 * (event=oddity), by `status` and by `sipseald --check`, in plain words and with the remedy.
 *
 *     veth_far_end       XDP sends frames into a veth whose far end has neither GRO nor XDP, hence no NAPI: they vanish
 *     veth_far_end_unseen  the same cannot be found out: that end is in another network namespace
 *     vlan_tags_hidden   the NIC takes VLAN tags out of frames before XDP sees them
 *
 * Others show themselves elsewhere: another XDP program, an MTU or a count of queues that native XDP refuses (errors of
 * bpfgw_attach()), unfinished checksums (reason partial_checksum), a NIC that is gone (interface_gone).
 * Nothing is kept: what is mended is no longer said.  Threads: one.
 */
#ifndef SIPSEAL_DAEMON_ODDITIES_H
#define SIPSEAL_DAEMON_ODDITIES_H

#include <stdio.h>

#include "daemon/nic.h"
#include "trunk/model.h"

struct oddity {
	const char *code;
	const char *level;   /* "warning", or "notice" where it may be nothing */
	char text[360];
};

typedef void oddity_fn(void *ctx, const struct oddity *o);

/** oddities_look() - @fn for each that @n has.  @is_forwarding: XDP forwards what is not for the signer. */
void oddities_look(const struct gateway *g, bool is_forwarding, const struct nic *n, oddity_fn *fn, void *ctx);

/** oddities_log() - of all @nics, as they are when traffic starts. */
void oddities_log(const struct gateway *g, bool is_forwarding, const struct nic *nics, unsigned cnt);

/** oddities_print() - of the interfaces of the configuration, a line each; those that are not here are named. */
void oddities_print(const struct gateway *g, bool is_forwarding, FILE *f);

#endif

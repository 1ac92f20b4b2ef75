/* SPDX-License-Identifier: BSD-2-Clause */
/* steered - one received frame, or a datagram that came in fragments, on its way through the worker.  Private to the
 * data path: datapath.c, fragments.c, inbound.c, leave.c, record.c and tell.c. */
#ifndef SIPSEAL_SIGNER_STEERED_H
#define SIPSEAL_SIGNER_STEERED_H

#include "signer/worker.h"

struct steered {
	struct port *in;
	struct sipseal_meta meta;
	struct slice frame;		  /* SLICE_NONE: it came in `pieces` */
	const struct pieces *pieces;	  /* NULL: it came in one frame */
	struct wire_frame wire;		  /* payload.p NULL: not parsed */
	const struct policy_copy *policy; /* NULL: none of that generation */
	struct engine_output out;	  /* valid once decided */
	struct replay_key key;
	bool has_key;
	bool is_decided; /* the engine has seen it */
	bool is_copy;	 /* a retransmission, or the copy of one that waits */
	bool is_parked;	 /* it has waited, and is run again */
	bool is_untold; /* no call: fragments that are no datagram, datagrams that are no INVITE; it has no event */
	bool is_recorded; /* record_begin() was here */
	bool has_left;	 /* towards where it was sent to */
};

static inline bool steered_is_emergency(const struct steered *s)
{
	return s->meta.flags & SIPSEAL_META_F_EMERGENCY;
}

/* Leaves as it came, but for our edits: no hop. */
static inline bool steered_is_bridged(const struct steered *s)
{
	return s->meta.flags & SIPSEAL_META_F_BRIDGED;
}

static inline bool steered_is_inbound(const struct steered *s)
{
	return s->meta.flags & SIPSEAL_META_F_INBOUND;
}

#endif

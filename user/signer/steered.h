/* SPDX-License-Identifier: BSD-2-Clause */
/* steered - one received frame on its way through the worker.  Private to datapath.c and tell.c. */
#ifndef SIPSEAL_SIGNER_STEERED_H
#define SIPSEAL_SIGNER_STEERED_H

#include "signer/worker.h"

struct steered {
	struct port *in;
	struct sipseal_meta meta;
	struct slice frame;
	struct wire_frame wire;		  /* payload.p NULL: not parsed */
	const struct policy_copy *policy; /* NULL: none of that generation */
	struct engine_output out;	  /* valid once decided */
	struct replay_key key;
	bool has_key;
	bool is_decided; /* the engine has seen it */
	bool is_copy;	 /* a retransmission */
	bool has_left;	 /* towards the carrier */
};

#endif

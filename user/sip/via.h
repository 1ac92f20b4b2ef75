/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * via - the topmost value of a Via row, which may share its row with others (RFC 3261 s20.42, s25.1).
 * Inside sip/ only.
 */
#ifndef SIPSEAL_SIP_VIA_H
#define SIPSEAL_SIP_VIA_H

#include <stdbool.h>

#include "base/slice.h"

struct sip_via {
	struct slice host;
	struct slice params;      /* ";..." up to the comma or the end */
	struct slice branch;      /* value; p == NULL where there is none */
	struct slice rport;       /* name of an rport parameter without value, or p == NULL */
	bool has_received;
};

/** sip_via_parse() - the first value of a row.  Return: 0, or -EBADMSG. */
int sip_via_parse(struct slice value, struct sip_via *ret);

#endif

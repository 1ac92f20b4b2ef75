/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * invariant - what must hold between any datagram and what the engine made of it.
 *
 * No edit: the same bytes.  An edit: the request line, the order and bytes of every row that is not in the
 * list of what may change, and the bytes of the body are kept.
 */
#ifndef SIPSEAL_TEST_INVARIANT_H
#define SIPSEAL_TEST_INVARIANT_H

#include "engine/engine.h"

static inline bool row_may_change(enum sip_header id)
{
	switch (id) {
	case SIP_H_PAI: case SIP_H_PPI: case SIP_H_RPID: case SIP_H_PRIVACY: case SIP_H_MARK:
	case SIP_H_GEOLOCATION: case SIP_H_CONTENT_LENGTH: case SIP_H_CONTENT_TYPE:
	case SIP_H_CONTENT_DISPOSITION: case SIP_H_CONTENT_LANGUAGE: case SIP_H_CONTENT_ID:
		return true;
	default:
		return false;
	}
}

/* Is @in in @out as it was, in one piece (wrapped) or in two (a part put between)? */
static inline bool is_kept_inside(struct slice in, struct slice out)
{
	size_t front = 0, back = 0;

	if (!in.len || memmem(out.p, out.len, in.p, in.len))
		return true;
	if (out.len < in.len)
		return false;
	while (front < in.len && in.p[front] == out.p[front])
		front++;
	while (back < in.len && in.p[in.len - 1 - back] == out.p[out.len - 1 - back])
		back++;
	return front + back >= in.len;
}

/** invariant_broken() - NULL, or what is wrong.  @may_drop_parts: the trunk replaces locations. */
static inline const char *invariant_broken(struct slice in, struct slice out, bool is_edited, bool may_drop_parts)
{
	static struct sip_message a, b;
	unsigned j = 0;

	if (!is_edited)
		return slice_eq(in, out) ? NULL : "bytes changed without an edit";
	if (sip_message_parse(in.p, in.len, &a) != SR_NONE)
		return "edited a message that does not parse";
	if (sip_message_parse(out.p, out.len, &b) != SR_NONE)
		return "the result does not parse";
	if (a.rows[0].line.p - in.p != b.rows[0].line.p - out.p ||
	    memcmp(in.p, out.p, (size_t)(a.rows[0].line.p - in.p)))
		return "request line or leading CRLFs changed";
	for (unsigned i = 0; i < a.row_cnt; i++) {
		if (row_may_change(a.rows[i].id))
			continue;
		while (j < b.row_cnt && !slice_eq(a.rows[i].line, b.rows[j].line))
			j++;
		if (j++ == b.row_cnt)
			return "a row that is not ours was changed, moved or lost";
	}
	if (may_drop_parts)
		return NULL;
	if (b.count[SIP_H_GEOLOCATION] <= a.count[SIP_H_GEOLOCATION])
		return slice_eq(a.body, b.body) ? NULL : "the body changed without a location";
	return is_kept_inside(a.body, b.body) ? NULL : "bytes of the body were changed or lost";
}

#endif

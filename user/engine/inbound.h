/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inbound - an INVITE from the carrier: judged (inbound_judge.c), marked (inbound_marks.c), refused, or, where it is
 * not edited, searched for marks that somebody forged (inbound_forged.c).  Private to engine/.
 *
 *     bytes -> message -> who calls whom, Identity rows --stir/verify--> result -> policy of the trunk
 *              | does not parse, in dialog, does not fit             -> refusal, or marks and on it goes
 *              +-> carries a mark of ours? dropped
 */
#ifndef SIPSEAL_ENGINE_INBOUND_H
#define SIPSEAL_ENGINE_INBOUND_H

#include "engine/call.h"

struct inbound {
	struct call *c;
	const struct policy_verification *policy;
	bool is_privileged;          /* emergency call or callback: never waits, never refused, keeps its PAI */
	bool is_proven_bad;          /* stir FAILED by what the call says, not by what we could not find out */
	struct tn shown[CALL_NUMBERS_MAX]; /* numbers of the caller: what a verdict is about */
	unsigned shown_cnt;
	struct tn verified;          /* the number that a good row vouches for; len 0: none */
	struct slice result_header;  /* name; p NULL: off */
	struct verify_call asked;
	struct slice values[VERIFY_ROWS_MAX + 1]; /* one more than is taken */
};

/** inbound_run() - decide.  out->reason: of the parser. */
void inbound_run(struct call *c);

/** inbound_judge() - ask stir/verify about the call; fills e->judged and what the output says of it. */
void inbound_judge(struct inbound *in);

/** inbound_mark() - edits: marks of others go, ours come. */
void inbound_mark(struct inbound *in);

/** inbound_is_forged() - does the header block, as bytes, carry a mark of ours?
 * @result_header:      name of our own, or p NULL
 * @tolerates_verstat:  a verstat is none */
bool inbound_is_forged(struct slice datagram, struct slice result_header, bool tolerates_verstat);

/** inbound_has_forged_fold() - does a line of the row @line, but its first, look like a mark?  Who knows no folds takes
 * it for a row. */
bool inbound_has_forged_fold(struct slice line, struct slice result_header);

/** inbound_verstat_len() - bytes at the head of @s that say "verstat", as it stands or with %XX for characters (RFC 3261
 * s19.1.4), in any case; 0: they do not. */
size_t inbound_verstat_len(struct slice s);

/** inbound_may_begin_verstat() - is @c worth a look by the two others?  Few are: 0.3 us less for a From. */
static inline bool inbound_may_begin_verstat(char c)
{
	return c == '%' || (c | 0x20) == 'v';
}

/** inbound_is_verstat_at() - does @s begin with a verstat and a '='? */
bool inbound_is_verstat_at(struct slice s);

/** inbound_is_emergency_line() - is the Request-URI of what may not even parse that of an emergency call? */
bool inbound_is_emergency_line(const struct call *c);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dialplan - ExecuteDialplan, action ANSWER: a location for one call or one calling number, set before the INVITE
 * leaves (trunk/override.h).  Threads: one.
 *
 * Request: {"call_id" or "calling_number", "action": "ANSWER", "app_args": {"geolocation": {"civic_address": {..}}},
 * "lifetime_s"}; app_args may also be a string that holds that JSON.  Unknown keys are refused by name.
 * The address obeys the rules of a trunk's default_civic_address; numbers stand for their digits (postal: 94105).
 *
 * A Call-ID is compared byte by byte, a number in canonical digits; a second override for the same one takes the
 * place of the first.  "id" is what the event of the call shows as `override`.
 */
#ifndef SIPSEAL_DAEMON_DIALPLAN_H
#define SIPSEAL_DAEMON_DIALPLAN_H

#include <jansson.h>

#include "daemon/fault.h"
#include "trunk/override.h"

struct sipseald;
struct dialplan;

#define DIALPLAN_LIFETIME_S      60     /* where the request does not say; for a Call-ID: how long it waits for its INVITE */
#define DIALPLAN_LIFETIME_MAX_S  86400

int dialplan_new(struct sipseald *d, struct dialplan **ret);
void dialplan_free(struct dialplan *p);

/** dialplan_fd() - memfd for the signer, *ret_len its size; owned by p, the same for every signer. */
int dialplan_fd(const struct dialplan *p, uint64_t *ret_len);

/** dialplan_execute() - Return: 0 and *ret {"call_id"|"calling_number","expires","id"}; -EINVAL (*f:
 * invalid with the key, call_left, too_many, internal). */
int dialplan_execute(struct dialplan *p, const json_t *request, json_t **ret, struct fault *f);

/** dialplan_turn() - free entries that are over or used.  Return: ms until the next turn, -1: nothing set. */
int dialplan_turn(struct dialplan *p);

/** dialplan_renew() - before a new signer starts: what the former one used is gone. */
void dialplan_renew(struct dialplan *p);

size_t dialplan_cnt(const struct dialplan *p);

#endif

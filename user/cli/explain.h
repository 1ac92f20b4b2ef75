/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain - state of one `sipseal explain`; explain.c loads and asks the engine, explain_steer.c says what
 * XDP would do, explain_print.c shows.
 */
#ifndef SIPSEAL_CLI_EXPLAIN_H
#define SIPSEAL_CLI_EXPLAIN_H

#include "config/assemble.h"
#include "engine/engine.h"
#include "stir/credential.h"

struct explain {
	struct gateway *gateway;
	struct assembled *assembled;
	struct policy_copy *policy;
	struct credential_set *keys;
	struct credential_signer *signer;
	struct engine *engine;
	struct peer from, to;
	char *message, *out;
	size_t message_len, out_len;
	const char *direction;            /* "outbound", "inbound", NULL: no trunk */
	const struct policy_trunk *trunk; /* NULL: none matched */
	uint32_t slot;
	struct engine_output result;
	bool is_signed;                   /* by a real key */
	bool is_cert_assumed;             /* the certificate of the trunk cannot be read here */
};

void explain_done(struct explain *x);

/**
 * explain_steer() - what the XDP program would do with the packet, as far as its addresses and bytes tell.
 * Needs gateway, assembled, policy, from, to and message; sets direction, trunk, slot and result.verdict.
 * Not known here and left out: which NIC it comes in on (a destination that is a carrier peer is taken
 * as the core side), VLAN tags, fragments, whether a signer lives, what the fast path finds.
 * Return: SR_STEERED where the engine is asked; else the reason why not.
 */
enum sipseal_reason explain_steer(struct explain *x);

/** explain_print_json(), explain_print_text() - Return: enum cli_exit. */
int explain_print_json(const struct explain *x);
int explain_print_text(const struct explain *x);

#endif

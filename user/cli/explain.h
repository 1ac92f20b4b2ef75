/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain - state of one `sipseal explain`; explain.c decides, explain_print.c shows.
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
};

void explain_done(struct explain *x);

/** explain_print_json(), explain_print_text() - Return: enum cli_exit. */
int explain_print_json(const struct explain *x);
int explain_print_text(const struct explain *x);

#endif

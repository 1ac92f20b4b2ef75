/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain - state of one `sipseal explain`; explain.c loads and asks the engine, explain_steer.c says what
 * XDP would do, explain_cert.c has the certificates of inbound calls, explain_print.c and explain_inbound.c show.
 */
#ifndef SIPSEAL_CLI_EXPLAIN_H
#define SIPSEAL_CLI_EXPLAIN_H

#include <jansson.h>

#include "cli/explain_cert.h"
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
	struct explain_certs *certs;      /* inbound; NULL: the engine was not asked */
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

/** explain_is_inbound() - did the engine judge it as a call from the carrier? */
bool explain_is_inbound(const struct explain *x);

/** explain_headers_len() - of IP and UDP: options and extension headers are not known here. */
static inline size_t explain_headers_len(const struct explain *x)
{
	return (x->from.is_v4 ? 20 : 40) + 8;
}

/** explain_printable() - bytes of the message for JSON and terminals: those outside 20-7e as \xNN.
 * Return: malloc'd, or NULL. */
char *explain_printable(struct slice s);

/** explain_field() - a line "name  value"; nothing where the value is empty.
 * explain_json() - a string; null where it is empty. */
void explain_field(const char *name, struct slice value);
json_t *explain_json(struct slice s);

/** explain_inbound_head(), explain_inbound_rows() - the lines that only inbound calls have: status; certificate, each
 * Identity row, notes.  explain_inbound_json() - the keys: status, origid, x5u, certificate, rows (always there). */
void explain_inbound_head(const struct explain *x);
void explain_inbound_rows(const struct explain *x);
void explain_inbound_json(const struct explain *x, json_t *j);

/** explain_print_json(), explain_print_text() - Return: enum cli_exit. */
int explain_print_json(const struct explain *x);
int explain_print_text(const struct explain *x);

#endif

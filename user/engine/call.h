/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call - one INVITE on its way through the engine: what it says (call.c), what we decide outbound
 * (identity.c, pai.c, location.c) or inbound (inbound.h), and the edits.  Private to engine/.
 */
#ifndef SIPSEAL_ENGINE_CALL_H
#define SIPSEAL_ENGINE_CALL_H

#include "engine/engine.h"
#include "engine/text.h"
#include "sip/edit.h"
#include "sip/multipart.h"
#include "sip/uri.h"
#include "trunk/model.h"

#define CALL_OUT_MAX 65507 /* 65,535 less IPv4 and UDP headers: nothing longer leaves, whatever the caller says */
#define CALL_NUMBERS_MAX 4 /* PAI values that we compare: one sip, one tel (RFC 3325 s9.1), spare */
_Static_assert(SIP_EDITS_MAX >= SIP_ROWS_MAX + MULTIPART_PARTS_MAX + 16,
	       "every row, every part, and what we add");

struct call {
	struct engine *e;
	const struct engine_env *env;
	const struct engine_input *in;
	const struct policy_trunk *trunk;
	struct engine_output *out;
	struct tn_rules rules;
	struct tn_rule rule_room[POLICY_RULES_MAX];

	/* what the message says */
	struct sip_uri request_uri, from, to;
	bool is_emergency;

	/* outbound */
	bool is_anonymous, is_restricted;
	bool has_privacy_none, has_privacy_id;
	struct tn from_tn; /* len 0: none that may be orig */
	/* a number is shown, but nobody can say that it is inside */
	bool from_is_odd_number, pai_is_odd_number;
	struct tn pai_tn[CALL_NUMBERS_MAX];
	unsigned pai_tn_cnt;
	struct tn calling; /* first of orig_from that holds a number */

	/* what is decided */
	bool want_pai_removed, want_pai_set;
	struct tn pai_set;		       /* valid when want_pai_set */
	struct tn shown[CALL_NUMBERS_MAX + 1]; /* numbers that leave: PAI first, then From */
	unsigned shown_cnt;
	unsigned pai_at, pai_cnt; /* edits that add PAI and `Privacy: none`: what may be left out to fit */
	bool is_override; /* the location was set for this call alone */
	bool has_failed;  /* something did not fit: nothing is changed */
};

/** call_read_addresses() - From, To, Request-URI, the rules of their numbers, emergency.
 * Return: SR_NONE, SR_ADDRESS_SYNTAX or SR_IN_DIALOG. */
enum sipseal_reason call_read_addresses(struct call *c);

/** call_read_caller() - outbound, after the addresses: privacy, and the numbers of the caller. */
void call_read_caller(struct call *c);

/** call_numbers() - up to @max numbers in the rows of kind @h.
 * @ret_is_odd: set where one cannot be placed, or where what cannot be read may show any number; else left
 * Return: how many. */
unsigned call_numbers(const struct call *c, enum sip_header h, struct tn *ret, unsigned max, bool *ret_is_odd);

/** call_called_number() - the number of To or Request-URI.  Return: is there one? */
bool call_called_number(const struct call *c, const struct sip_uri *uri, struct tn *ret);

/** call_is_emergency_uri() - RFC 5031: urn:service:sos and its sub-services; else a user part
 * exactly in the gateway's list. */
bool call_is_emergency_uri(const struct policy_copy *p, const struct sip_uri *uri);

/** call_domain() - domain for URIs of ours: pai.domain, else the host of From; p == NULL: neither
 * is usable. An IPv6 address in brackets can come from pai.domain only. */
struct slice call_domain(const struct call *c);

/** call_edit() - replace @del bytes at @at by @text; a text with p == NULL fails the whole edit. */
void call_edit(struct call *c, size_t off, size_t del, struct slice text);

/** call_remove() - remove all rows of kind @h. */
void call_remove(struct call *c, enum sip_header h);

/** call_add_row() - a whole row, with CRLF, at the end of the header block. */
void call_add_row(struct call *c, struct slice row);

/** call_out_max() - longest datagram that can leave. */
size_t call_out_max(const struct call *c);

/** call_fits() - would what is collected so far fit into that? */
bool call_fits(const struct call *c);

/** call_edits_drop() - forget @cnt edits from @at on. */
void call_edits_drop(struct call *c, unsigned at, unsigned cnt);

/** pai_decide() - which PAI leaves, and so which numbers the verifier will see (c->shown). */
void pai_decide(struct call *c);

/** pai_edit() - PAI, PPI, RPID and Privacy rows. */
void pai_edit(struct call *c);

/** pai_shed() - leave out the PAI, and the `Privacy: none` beside it, that we would add.  Not where something is signed
 * for its number and From shows another: the verifier would look for that in vain.  `Privacy: id` stays. */
void pai_shed(struct call *c);

/** identity_decide() - may and must this call be signed?  Sets out->orig, dest, attest.
 * Return: SR_SIGNED yes, else the reason why not. */
enum sipseal_reason identity_decide(struct call *c);

/** identity_edit() - sign; add Identity, and Date where missing.
 * Return: SR_SIGNED, SR_SIGN_FAILED, or SR_OUTPUT_LIMIT. */
enum sipseal_reason identity_edit(struct call *c);

/** location_edit() - attach the PIDF-LO where the trunk wants it or it was set for this call, the body
 * allows it, and it fits: as it is, else without the blanks in it.
 * Otherwise a note in the output says why, and the other edits stand; but in an emergency call only the engine's
 * own memory keeps it away, so that afterwards the datagram may be too long. */
void location_edit(struct call *c);

/** location_body_is_protected() - by a digest that covers it (qop=auth-int). */
bool location_body_is_protected(const struct sip_message *m);

/** location_body_is_ours() - to change: not signed, encrypted, encoded, or of an unknown type.
 * @ret: its type; untouched where there is no body */
bool location_body_is_ours(const struct sip_message *m, struct sip_media_type *ret);

#endif

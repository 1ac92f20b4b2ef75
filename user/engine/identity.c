/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * identity - whether, with which attestation and for which numbers a call is signed
 * (RFC 8224 s6.1, RFC 8588).
 */
#include "engine/call.h"
#include "sip/date.h"

#include <errno.h>

static int64_t now_s(const struct call *c)
{
	return c->env->now_ms / 1000;
}

static bool is_fresh(const struct call *c, int64_t t)
{
	int64_t age = now_s(c) - t;

	return age <= (int64_t)c->trunk->freshness_s && -age <= (int64_t)c->trunk->freshness_s;
}

static const struct policy_credential *credential(const struct call *c)
{
	return policy_credential_get(c->in->policy, c->trunk->credential);
}

/* A means every number shown: one number outside, or one that nobody can place, and the other
 * attestation applies. */
static bool shows_number_outside(const struct call *c)
{
	if (!c->trunk->has_numbers)
		return false;
	for (unsigned i = 0; i < c->shown_cnt; i++)
		if (!policy_number_inside(c->in->policy, c->trunk, tn_slice(&c->shown[i])))
			return true;
	return c->from_is_odd_number ||
	       (c->pai_is_odd_number && !c->want_pai_set && !c->want_pai_removed);
}

/* A service URN fits in a claim as it stands: printable, and no longer than anybody has use for. */
static bool is_urn_for_claim(const struct sip_uri *uri)
{
	if (uri->scheme != SIP_SCHEME_URN || uri->raw.len > PASSPORT_DEST_URI_MAX)
		return false;
	for (size_t i = 0; i < uri->raw.len; i++)
		if (uri->raw.p[i] <= 0x20 || uri->raw.p[i] >= 0x7f)
			return false;
	return true;
}

static bool find_dest(struct call *c)
{
	struct tn tn;

	for (unsigned i = 0; i < NUMBER_SOURCES_MAX && c->trunk->dest_from[i] != SOURCE_END; i++) {
		const struct sip_uri *uri =
			c->trunk->dest_from[i] == SOURCE_TO ? &c->to : &c->request_uri;

		if (call_called_number(c, uri, &tn)) {
			c->out->dest = tn;
			return true;
		}
	}
	/* the one dest that is no number: urn:service:sos is kept as it is */
	return c->is_emergency && is_urn_for_claim(&c->request_uri);
}

static bool is_dest(const struct call *c, const struct passport_parsed *p)
{
	const struct tn *dest = &c->out->dest;

	if (!dest->len)
		return p->dest_uri[0] && slice_eq(slice_str(p->dest_uri), c->request_uri.raw);
	for (unsigned i = 0; i < p->dest_tn_cnt; i++)
		if (slice_eq(slice_str(p->dest_tn[i]), tn_slice(dest)))
			return true;
	return false;
}

/* Does this Identity say of this call what ours would say?  Not of a call without a number. */
static bool is_good_row(const struct call *c, const struct identity *id)
{
	struct passport_parsed p;

	if (!c->out->orig.len || (id->alg.p && !slice_ieq(id->alg, SLICE("ES256"))))
		return false;
	if (!id->ppt.p || !slice_ieq(id->ppt, SLICE("shaken")) || passport_parse(id->token, &p) < 0)
		return false;
	if (strcmp(p.ppt, "shaken") || strcmp(p.typ, "passport") || strcmp(p.alg, "ES256") ||
	    !slice_eq(slice_str(p.x5u), id->info) || !is_fresh(c, p.iat) || !p.attest ||
	    !p.origid[0])
		return false;
	return slice_eq(slice_str(p.orig_tn), tn_slice(&c->out->orig)) && is_dest(c, &p);
}

static bool is_already_signed(const struct call *c)
{
	const struct sip_row *row = sip_message_first(&c->e->msg, SIP_H_IDENTITY);

	if (c->trunk->existing_identity == EXISTING_IGNORE)
		return false;
	for (; row; row = sip_message_next(&c->e->msg, row)) {
		struct slice value = row->value;
		struct identity id;

		while (identity_next(&value, &id) == 1) {
			bool is_shaken = id.ppt.p && slice_ieq(id.ppt, SLICE("shaken"));

			if (c->trunk->existing_identity == EXISTING_TRUST ? is_shaken
									  : is_good_row(c, &id))
				return true;
		}
	}
	return false;
}

/* RFC 8224 s6.1 step 3: a Date that is there must be accurate, and it and now must lie within the
 * validity of the certificate.  A Date is never rewritten. */
static enum sipseal_reason check_time(const struct call *c)
{
	const struct sip_row *row = sip_message_first(&c->e->msg, SIP_H_DATE);
	const struct policy_credential *cred = credential(c);
	int64_t date = now_s(c);

	if (row && sip_date_parse(row->value, &date) < 0)
		return SR_BAD_DATE;
	if (row && !is_fresh(c, date))
		return SR_STALE_DATE;
	if (!cred || !cred->is_usable)
		return SR_CERTIFICATE_MISSING;
	if (now_s(c) < cred->not_before || now_s(c) > cred->not_after || date < cred->not_before ||
	    date > cred->not_after)
		return SR_CERTIFICATE_INVALID;
	return SR_SIGNED;
}

enum sipseal_reason identity_decide(struct call *c)
{
	uint8_t attest = c->trunk->attestation;

	/* orig is a number the verifier will see: the PAI if one leaves, else From */
	if (c->shown_cnt)
		c->out->orig = c->shown[0];
	bool has_dest = find_dest(c);

	if (attest != ATTEST_NONE && shows_number_outside(c)) {
		c->out->notes |= EVENT_NOTE_OUTSIDE;
		attest = c->trunk->attestation_other;
	}
	if (attest == ATTEST_REJECT)
		return SR_NUMBER_REFUSED;
	if (attest == ATTEST_NONE)
		return SR_ATTESTATION_NONE;
	if (is_already_signed(c))
		return SR_ALREADY_SIGNED;
	/* hidden on purpose, or just not there */
	if (!c->out->orig.len)
		return c->is_restricted && (c->is_anonymous || c->calling.len)
			       ? SR_RESTRICTED_UNSIGNED
			       : SR_NO_ORIG;
	if (!has_dest)
		return SR_NO_DEST;

	enum sipseal_reason r = check_time(c);

	if (r == SR_SIGNED)
		c->out->attest = (char)attest;
	return r;
}

/* UUID version 4 (RFC 4122 s4.4). */
static struct slice new_uuid(struct call *c)
{
	static const char hex[] = "0123456789abcdef";
	struct text t = text_begin(c->e);
	uint8_t r[16];
	char s[36];
	size_t n = 0;

	c->env->random(c->env->random_ctx, r, sizeof(r));
	r[6] = (r[6] & 0x0f) | 0x40;
	r[8] = (r[8] & 0x3f) | 0x80;
	for (unsigned i = 0; i < sizeof(r); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			s[n++] = '-';
		s[n++] = hex[r[i] >> 4];
		s[n++] = hex[r[i] & 15];
	}
	text_put(&t, slice_of(s, n));
	return text_end(&t);
}

static void add_date(struct call *c)
{
	struct text t = text_begin(c->e);
	char date[SIP_DATE_LEN];

	sip_date_emit(now_s(c), date);
	text_puts(&t, "Date: ");
	text_put(&t, slice_of(date, sizeof(date)));
	text_puts(&t, "\r\n");
	call_add_row(c, text_end(&t));
}

/* A copy that does not change with the policy: the event tells of it later. */
static struct slice kept(struct call *c, struct slice text)
{
	struct text t = text_begin(c->e);

	text_put(&t, text);
	return text_end(&t);
}

enum sipseal_reason identity_edit(struct call *c)
{
	const struct policy_copy *p = c->in->policy;
	const struct policy_credential *cred = credential(c);
	struct engine_output *out = c->out;
	struct passport_claims claims = {
		.attest = out->attest,
		.orig_tn = tn_slice(&out->orig),
		.iat = now_s(c),
		.origid =
			c->trunk->origid_per_call ? new_uuid(c) : policy_text(p, c->trunk->origid),
	};
	struct slice row;
	struct text t;
	size_t cap;
	char *room;
	ssize_t n;

	if (out->dest.len)
		claims.dest_tn = tn_slice(&out->dest);
	else
		claims.dest_uri = c->request_uri.raw;
	out->x5u = policy_text(p, cred->x5u);
	out->origid = kept(c, claims.origid);
	t = text_begin(c->e);
	text_puts(&t, "Identity: ");
	room = text_room(&t, &cap);
	n = identity_emit(policy_text(p, cred->header_b64), out->x5u, &claims, c->env->sign,
			  c->env->sign_ctx, cred->key, room, cap);
	if (n < 0) {
		c->has_failed = n == -ENOSPC;
		return n == -ENOSPC ? SR_OUTPUT_LIMIT : SR_SIGN_FAILED;
	}
	text_grow(&t, n);
	text_puts(&t, "\r\n");
	row = text_end(&t);
	out->is_signed = true;
	out->key = cred->key;
	if (!c->e->msg.count[SIP_H_DATE])
		add_date(c);
	call_add_row(c, row);
	return SR_SIGNED;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * location_may - bodies that nobody may put a location beside.
 */
#include "engine/call.h"

static bool contains_nocase(struct slice s, struct slice needle)
{
	for (; s.len >= needle.len; s = slice_cut(s, 1))
		if (slice_iprefix(s, needle))
			return true;
	return false;
}

/* qop=auth-int covers the body: changing it would break the digest (RFC 7616 s3.4.3).  Any mention
 * counts: a false alarm costs a location, a miss costs the call. */
bool location_body_is_protected(const struct sip_message *m)
{
	static const enum sip_header kinds[] = { SIP_H_AUTHORIZATION, SIP_H_PROXY_AUTHORIZATION };

	for (unsigned i = 0; i < 2; i++) {
		const struct sip_row *row = sip_message_first(m, kinds[i]);

		for (; row; row = sip_message_next(m, row))
			if (contains_nocase(row->value, SLICE("auth-int")))
				return true;
	}
	return false;
}

/* In MIME rows only, but some put it into the header: what is not sent as it is cannot be a
 * multipart (RFC 2045 s6.4). */
static bool has_transfer_encoding(const struct sip_message *m)
{
	for (unsigned i = 0; i < m->row_cnt; i++) {
		struct slice v = m->rows[i].value;

		if (slice_ieq(m->rows[i].name, SLICE("Content-Transfer-Encoding")) &&
		    !slice_ieq(v, SLICE("7bit")) && !slice_ieq(v, SLICE("8bit")) &&
		    !slice_ieq(v, SLICE("binary")))
			return true;
	}
	return false;
}

/* Bodies that must stay as they are: signed, encrypted, encoded, or of an unknown type. */
bool location_body_is_ours(const struct sip_message *m, struct sip_media_type *ret)
{
	const struct sip_row *type = sip_message_first(m, SIP_H_CONTENT_TYPE);

	if (m->count[SIP_H_CONTENT_ENCODING] || has_transfer_encoding(m))
		return false;
	if (!m->body.len)
		return true;
	if (!type || sip_media_type_parse(type->value, ret) < 0)
		return false;
	return !sip_media_type_is(ret, "multipart", "signed") &&
	       !sip_media_type_is(ret, "multipart", "encrypted") &&
	       !sip_media_type_is(ret, "application", "pkcs7-mime") &&
	       !sip_media_type_is(ret, "application", "x-pkcs7-mime");
}

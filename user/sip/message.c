/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One pass over the header block: memchr finds line ends, a table of octet classes ends the names.
 * What needs the whole block (counts, CSeq, Content-Length) is checked after it, in a fixed order.
 */
#include "sip/message.h"

#include "sip/chars.h"
#include "sip/via.h"

struct known_name {
	const char *name;
	uint8_t len;
	uint8_t id;
};

#define N(lit, h) { lit, sizeof(lit) - 1, SIP_H_##h }
#define END       { NULL, 0, SIP_H_OTHER }
#define LETTER(c) [(c) - 'a'] = (const struct known_name[])

/* By first letter; long and compact forms (RFC 3261 s7.3.3, RFC 8224 s4) together; lower case. */
static const struct known_name *const known_names[26] = {
	LETTER('a'){ N("authorization", AUTHORIZATION), N("attestation-info", MARK), END },
	LETTER('c'){ N("content-length", CONTENT_LENGTH), N("content-type", CONTENT_TYPE),
		     N("contact", CONTACT), N("call-id", CALL_ID), N("cseq", CSEQ),
		     N("c", CONTENT_TYPE), N("content-encoding", CONTENT_ENCODING),
		     N("content-disposition", CONTENT_DISPOSITION),
		     N("content-language", CONTENT_LANGUAGE), N("content-id", CONTENT_ID), END },
	LETTER('d'){ N("date", DATE), END },
	LETTER('e'){ N("e", CONTENT_ENCODING), END },
	LETTER('f'){ N("from", FROM), N("f", FROM), END },
	LETTER('g'){ N("geolocation", GEOLOCATION),
		     N("geolocation-routing", GEOLOCATION_ROUTING), END },
	LETTER('i'){ N("identity", IDENTITY), N("i", CALL_ID), END },
	LETTER('l'){ N("l", CONTENT_LENGTH), END },
	LETTER('m'){ N("max-forwards", MAX_FORWARDS), N("m", CONTACT),
		     N("mime-version", MIME_VERSION), END },
	LETTER('o'){ N("origination-id", MARK), END },
	LETTER('p'){ N("p-asserted-identity", PAI), N("p-preferred-identity", PPI),
		     N("privacy", PRIVACY), N("proxy-authorization", PROXY_AUTHORIZATION),
		     N("priority", PRIORITY), N("p-attestation-indicator", MARK),
		     N("p-origination-id", MARK), END },
	LETTER('r'){ N("remote-party-id", RPID), N("resource-priority", RESOURCE_PRIORITY), END },
	LETTER('t'){ N("to", TO), N("t", TO), END },
	LETTER('v'){ N("via", VIA), N("v", VIA), END },
	LETTER('y'){ N("y", IDENTITY), END },
};

static bool equal_lower(const char *s, const char *lower, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 'A' && c <= 'Z')
			c |= 0x20;
		if (c != (unsigned char)lower[i])
			return false;
	}
	return true;
}

enum sip_header sip_header_id(struct slice name)
{
	const struct known_name *k;
	unsigned letter;

	if (!name.len)
		return SIP_H_OTHER;
	letter = ((unsigned char)name.p[0] | 0x20u) - 'a';
	if (letter == 'x' - 'a')
		return slice_iprefix(name, SLICE("x-stir-")) ? SIP_H_MARK : SIP_H_OTHER;
	if (letter >= 26 || !known_names[letter])
		return SIP_H_OTHER;
	for (k = known_names[letter]; k->name; k++) {
		if (k->len == name.len && equal_lower(name.p, k->name, name.len))
			return (enum sip_header)k->id;
	}
	return SIP_H_OTHER;
}

/* The LF that ends the line at @s; only CRLF ends a line, and CR stands nowhere else. */
static enum sipseal_reason line_end(struct slice s, const char **ret_lf)
{
	const char *lf = s.len ? memchr(s.p, '\n', s.len) : NULL;

	if (!lf)
		return SR_INCOMPLETE;
	if (lf == s.p || lf[-1] != '\r')
		return SR_BARE_LF;
	if (memchr(s.p, '\r', (size_t)(lf - s.p)) != lf - 1)
		return SR_HEADER_SYNTAX;
	*ret_lf = lf;
	return SR_NONE;
}

/* RFC 3261 s7.1: Method SP Request-URI SP SIP-Version, exactly one SP each, no blank at the end. */
static enum sipseal_reason parse_request_line(struct slice line, struct slice method,
					      struct sip_message *m)
{
	size_t n = sip_span(line, SIP_C_TOKEN);

	if (slice_iprefix(line, SLICE("SIP/2.0 ")))
		return SR_NOT_INVITE;
	if (n == 0 || n == line.len || line.p[n] != ' ')
		return SR_START_LINE;
	m->method = slice_of(line.p, n);
	if (!slice_eq(m->method, method))
		return SR_NOT_INVITE;
	line = slice_cut(line, n + 1);

	n = sip_span(line, SIP_C_URI);
	if (n == 0 || n == line.len || line.p[n] != ' ')
		return SR_START_LINE;
	m->request_uri = slice_of(line.p, n);
	m->version = slice_cut(line, n + 1);
	return slice_ieq(m->version, SLICE("SIP/2.0")) ? SR_NONE : SR_START_LINE;
}

/*
 * One row, folds included.  HCOLON allows blanks, but no fold, before the colon (RFC 3261 s25.1).
 * The bytes after a fold are only known to be there because a row never ends the header block.
 */
static enum sipseal_reason parse_row(struct slice *rest, struct sip_row *row)
{
	const char *p = rest->p, *end = rest->p + rest->len, *lf = NULL, *q;
	enum sipseal_reason r;
	size_t n;

	do {
		r = line_end(slice_of(p, (size_t)(end - p)), &lf);
		if (r != SR_NONE)
			return r;
		p = lf + 1;
		if (p == end)
			return SR_INCOMPLETE;
	} while (*p == ' ' || *p == '\t');

	row->line = slice_of(rest->p, (size_t)(p - rest->p));
	/* the CRLF is no token byte and no blank: these loops end before it */
	n = sip_span(row->line, SIP_C_TOKEN);
	for (q = row->line.p + n; *q == ' ' || *q == '\t'; q++)
		;
	if (n == 0 || *q != ':')
		return SR_HEADER_SYNTAX;
	row->name = slice_of(row->line.p, n);
	row->value = slice_trim(slice_of(q + 1, (size_t)(lf - 1 - (q + 1))));
	row->id = sip_header_id(row->name);
	*rest = slice_of(p, (size_t)(end - p));
	return SR_NONE;
}

static enum sipseal_reason parse_rows(struct slice *rest, struct sip_message *m)
{
	while (!(rest->len >= 2 && rest->p[0] == '\r' && rest->p[1] == '\n')) {
		struct sip_row *row = &m->rows[m->row_cnt];
		enum sipseal_reason r;

		if (m->row_cnt == SIP_ROWS_MAX)
			return SR_HEADER_LIMIT;
		r = parse_row(rest, row);
		if (r != SR_NONE)
			return r;
		if (m->count[row->id]++ == 0)
			m->first[row->id] = (uint16_t)m->row_cnt;
		m->row_cnt++;
	}
	return SR_NONE;
}

/* Which of two wins is not defined (RFC 3261 s7.3.1, RFC 4475 s3.3.9): nobody may guess for us. */
static enum sipseal_reason check_counts(const struct sip_message *m)
{
	static const uint8_t needed[] = { SIP_H_VIA, SIP_H_FROM, SIP_H_TO, SIP_H_CALL_ID,
					  SIP_H_CSEQ };
	static const uint8_t single[] = { SIP_H_FROM, SIP_H_TO, SIP_H_CALL_ID, SIP_H_CSEQ,
					  SIP_H_MAX_FORWARDS, SIP_H_CONTENT_LENGTH,
					  SIP_H_CONTENT_TYPE, SIP_H_DATE };

	if (m->count[SIP_H_VIA] > SIP_VIA_MAX)
		return SR_HEADER_LIMIT;
	for (size_t i = 0; i < sizeof(needed); i++) {
		if (!m->count[needed[i]])
			return SR_MISSING_HEADER;
	}
	for (size_t i = 0; i < sizeof(single); i++) {
		if (m->count[single[i]] > 1)
			return SR_DUPLICATE_HEADER;
	}
	for (size_t i = 0; i < sizeof(needed); i++) {
		if (!sip_message_first(m, needed[i])->value.len)
			return SR_HEADER_SYNTAX;
	}
	return SR_NONE;
}

/* 1*DIGIT, leading zeros allowed, below @limit.  Returns the digits taken, 0 on failure. */
static size_t parse_number(struct slice s, uint64_t limit, uint64_t *ret)
{
	size_t n = sip_span(s, SIP_C_DIGIT);
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		v = v * 10 + (uint64_t)(s.p[i] - '0');
		if (v >= limit)
			return 0;
	}
	*ret = v;
	return n;
}

/* CSeq = 1*DIGIT LWS Method; the number is below 2^31 (RFC 3261 s8.1.1.5). */
static enum sipseal_reason check_cseq(const struct sip_message *m)
{
	struct slice v = sip_message_first(m, SIP_H_CSEQ)->value;
	uint64_t number = 0;
	size_t n = parse_number(v, 1ull << 31, &number);

	if (!n)
		return SR_CSEQ;
	v = slice_cut(v, n);
	n = sip_span(v, SIP_C_LWS);
	return n && slice_eq(slice_cut(v, n), m->method) ? SR_NONE : SR_CSEQ;
}

/* Without Content-Length the body runs to the end of the datagram (RFC 3261 s18.3). */
static enum sipseal_reason find_body(struct slice rest, struct sip_message *m)
{
	const struct sip_row *row = sip_message_first(m, SIP_H_CONTENT_LENGTH);
	uint64_t len = rest.len;

	if (row && parse_number(row->value, SIP_MESSAGE_MAX + 1, &len) != row->value.len)
		return SR_BODY_LENGTH;
	if (row && (!row->value.len || len != rest.len))
		return SR_BODY_LENGTH;
	m->body = rest;
	return SR_NONE;
}

enum sipseal_reason sip_request_parse(const char *buf, size_t len, struct slice method,
				      struct sip_message *ret)
{
	struct slice rest = { buf, len };
	enum sipseal_reason r;
	const char *lf = NULL;

	/* rows[] is 14 KiB and not touched before it is written */
	ret->raw = rest;
	ret->row_cnt = 0;
	memset(ret->count, 0, sizeof(ret->count));
	if (len > SIP_MESSAGE_MAX)
		return SR_HEADER_LIMIT;

	while (rest.len >= 2 && rest.p[0] == '\r' && rest.p[1] == '\n')
		rest = slice_cut(rest, 2);
	ret->start_off = len - rest.len;
	r = line_end(rest, &lf);
	if (r != SR_NONE)
		return r == SR_HEADER_SYNTAX ? SR_START_LINE : r;
	r = parse_request_line(slice_of(rest.p, (size_t)(lf - 1 - rest.p)), method, ret);
	if (r != SR_NONE)
		return r;
	rest = slice_cut(rest, (size_t)(lf + 1 - rest.p));

	r = parse_rows(&rest, ret);
	if (r != SR_NONE)
		return r;
	ret->headers_end = len - rest.len;
	if (memchr(buf, '\0', ret->headers_end))
		return SR_HEADER_SYNTAX;
	r = check_counts(ret);
	if (r == SR_NONE)
		r = check_cseq(ret);
	return r == SR_NONE ? find_body(slice_cut(rest, 2), ret) : r;
}

const struct sip_row *sip_message_next(const struct sip_message *m, const struct sip_row *row)
{
	const struct sip_row *end = m->rows + m->row_cnt;

	for (const struct sip_row *r = row + 1; r < end; r++) {
		if (r->id == row->id)
			return r;
	}
	return NULL;
}

enum sipseal_reason sip_message_parse(const char *buf, size_t len, struct sip_message *ret)
{
	return sip_request_parse(buf, len, SLICE("INVITE"), ret);
}

bool sip_transaction(const struct sip_message *m, struct slice *ret_branch,
		     struct slice *ret_call_id, struct slice *ret_cseq_number)
{
	struct slice cseq = sip_message_first(m, SIP_H_CSEQ)->value;
	struct sip_via via;

	if (sip_via_parse(sip_message_first(m, SIP_H_VIA)->value, &via) < 0 || !via.branch.len)
		return false;
	cseq.len = sip_span(cseq, SIP_C_DIGIT);
	while (cseq.len > 1 && *cseq.p == '0')
		cseq = slice_cut(cseq, 1);
	*ret_branch = via.branch;
	*ret_call_id = sip_message_first(m, SIP_H_CALL_ID)->value;
	*ret_cseq_number = cseq;
	return true;
}

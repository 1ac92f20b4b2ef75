/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * message - a SIP request as slices into the datagram (RFC 3261 s7, s25).
 *
 * The parser allocates nothing and writes nothing to its input.  It is strict: what it does not
 * accept is passed on unchanged by its callers, and counted under the reason it returns.
 * Header rows keep their exact bytes (`line` = name to the end of the CRLF, folds included), so
 * that an edit can remove or replace whole rows and leave every other octet alone.
 *
 * Memory: slices point into the input, which must outlive the message.  Threads: no state.
 */
#ifndef SIPSEAL_SIP_MESSAGE_H
#define SIPSEAL_SIP_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"
#include "base/slice.h"

#define SIP_MESSAGE_MAX 65535  /* one UDP datagram */
#define SIP_ROWS_MAX    256    /* header rows we take (limit of ours; a call has 15 to 40) */
#define SIP_VIA_MAX     32

/* Header fields that anybody here looks at; all others are SIP_H_OTHER. */
enum sip_header {
	SIP_H_OTHER,
	SIP_H_VIA, SIP_H_FROM, SIP_H_TO, SIP_H_CALL_ID, SIP_H_CSEQ, SIP_H_MAX_FORWARDS,
	SIP_H_CONTACT, SIP_H_DATE, SIP_H_IDENTITY,
	SIP_H_PAI, SIP_H_PPI, SIP_H_RPID, SIP_H_PRIVACY,
	SIP_H_GEOLOCATION, SIP_H_GEOLOCATION_ROUTING,
	SIP_H_AUTHORIZATION, SIP_H_PROXY_AUTHORIZATION,
	SIP_H_CONTENT_LENGTH, SIP_H_CONTENT_TYPE, SIP_H_CONTENT_ENCODING, SIP_H_CONTENT_DISPOSITION,
	SIP_H_CONTENT_LANGUAGE, SIP_H_CONTENT_ID, SIP_H_MIME_VERSION,
	SIP_H_PRIORITY, SIP_H_RESOURCE_PRIORITY,
	SIP_H_MARK,         /* X-STIR-*, Attestation-Info, Origination-Id, P-Attestation-Indicator, P-Origination-ID */
	SIP_H_CNT
};

struct sip_row {
	struct slice line;   /* the whole row with folds and its final CRLF */
	struct slice name;   /* without blanks */
	struct slice value;  /* trimmed at both ends; may hold folds inside */
	enum sip_header id;
};

struct sip_message {
	struct slice raw;            /* the whole datagram */
	size_t start_off;            /* bytes of leading CRLFs (RFC 3261 s7.5) */
	struct slice method, request_uri, version;
	struct sip_row rows[SIP_ROWS_MAX];
	unsigned row_cnt;
	uint16_t first[SIP_H_CNT];   /* index of the first row of that kind; only if count[] > 0 */
	uint16_t count[SIP_H_CNT];
	size_t headers_end;          /* offset of the empty line's CRLF: new rows are inserted here */
	struct slice body;           /* exactly Content-Length bytes, or to the end of the datagram */
};

/**
 * sip_message_parse() - parse a datagram that starts like a request.
 * @buf, @len: the UDP payload
 * @ret:       output; unspecified where the result is not SR_NONE
 *
 * Checks RFC 3261 s7 and standards limits: one SP each in the request line, header names are
 * tokens, blanks before the colon, folds, CRLF only, at most SIP_ROWS_MAX rows; single-value
 * headers (From, To, Call-ID, CSeq, Max-Forwards, Content-Length, Content-Type, Date) at most once;
 * Via, From, To, Call-ID and CSeq present; CSeq number < 2^31 and its method equal to the request's;
 * body length consistent with Content-Length (short, long, signed or overflowing is BODY_LENGTH).
 * Return: SR_NONE, or one of SR_NOT_INVITE (a response or another method), SR_START_LINE,
 * SR_HEADER_SYNTAX, SR_BARE_LF, SR_INCOMPLETE, SR_HEADER_LIMIT, SR_MISSING_HEADER,
 * SR_DUPLICATE_HEADER, SR_CSEQ, SR_BODY_LENGTH.
 */
enum sipseal_reason sip_message_parse(const char *buf, size_t len, struct sip_message *ret);

/** sip_request_parse() - the same for another method than INVITE, in upper case: SR_NOT_INVITE is a response or
 * not @method, SR_CSEQ one that does not say @method. */
enum sipseal_reason sip_request_parse(const char *buf, size_t len, struct slice method, struct sip_message *ret);

/**
 * sip_transaction() - what an INVITE and its CANCEL have in common (RFC 3261 s9.1, s17.2.3), beside the source.
 * @m: parsed, SR_NONE
 * @ret_branch:      of the topmost Via
 * @ret_cseq_number: digits without leading zeros
 * Return: false: the topmost Via does not parse or has no branch.
 */
bool sip_transaction(const struct sip_message *m, struct slice *ret_branch, struct slice *ret_call_id,
		     struct slice *ret_cseq_number);

/** sip_message_first() - the first row of kind @h, or NULL. */
static inline const struct sip_row *sip_message_first(const struct sip_message *m, enum sip_header h)
{
	return m->count[h] ? &m->rows[m->first[h]] : NULL;
}

/** sip_message_next() - the next row of the same kind after @row, or NULL. */
const struct sip_row *sip_message_next(const struct sip_message *m, const struct sip_row *row);

/** sip_header_id() - kind of a header name, long or compact form, any case. */
enum sip_header sip_header_id(struct slice name);

/** sip_offset() - offset of a slice of the message in its datagram. */
static inline size_t sip_offset(const struct sip_message *m, struct slice s)
{
	return (size_t)(s.p - m->raw.p);
}

#endif

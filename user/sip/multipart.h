/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * multipart - MIME multipart bodies (RFC 2046 s5.1, RFC 5621): find the parts and the place where
 * one more goes, byte-exact.
 */
#ifndef SIPSEAL_SIP_MULTIPART_H
#define SIPSEAL_SIP_MULTIPART_H

#include <stdbool.h>

#include "base/slice.h"

#define MULTIPART_PARTS_MAX 16

struct sip_media_type {
	struct slice type, subtype;   /* "application", "sdp" */
	struct slice params;
};

/** sip_media_type_parse() - the value of Content-Type.  Return: 0, or -EBADMSG. */
int sip_media_type_parse(struct slice value, struct sip_media_type *ret);

/** sip_media_type_is() - type and subtype equal, in any case. */
bool sip_media_type_is(const struct sip_media_type *m, const char *type, const char *subtype);

struct multipart_part {
	struct slice whole;      /* from the CRLF (or start) before "--boundary" to before the CRLF of the next
	                            delimiter: what must be cut to remove the part */
	struct slice headers;    /* rows of the part with their CRLFs; may be empty */
	struct slice content;    /* the bytes of the part */
};

struct multipart {
	struct slice boundary;
	unsigned part_cnt;
	struct multipart_part parts[MULTIPART_PARTS_MAX];
	size_t close_off;        /* offset in the body of the CRLF that starts the closing delimiter */
};

/** multipart_boundary() - the boundary parameter, unquoted, checked (1-70 legal characters).
 * Return: 0, or -EBADMSG. */
int multipart_boundary(const struct sip_media_type *m, struct slice *ret);

/** multipart_parse() - Return: 0; -EBADMSG no closing delimiter or no part; -E2BIG too many parts. */
int multipart_parse(struct slice body, struct slice boundary, struct multipart *ret);

/** multipart_header() - value of a header row of a part ("Content-Type"), any case; p == NULL if absent. */
struct slice multipart_header(const struct multipart_part *part, struct slice name);

/** multipart_collides() - does "--boundary" occur at a line start of the body? */
bool multipart_collides(struct slice body, struct slice boundary);

#endif

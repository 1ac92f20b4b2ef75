/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * response - the answer of a stateless UAS to an INVITE that is refused (RFC 3261 s8.2.6, s8.2.7,
 * s18.2.1; RFC 3581): Via rows in order, From, Call-ID, CSeq, To plus a tag, Content-Length: 0.
 */
#ifndef SIPSEAL_SIP_RESPONSE_H
#define SIPSEAL_SIP_RESPONSE_H

#include <stdint.h>
#include <sys/types.h>

#include "sip/message.h"

struct sip_response {
	unsigned code;           /* 403, 503 */
	const char *phrase;
	const char *extra;       /* further header rows, each with CRLF, or NULL */
	char to_tag[17];         /* NUL-terminated token; the same for every copy of the request */
	const char *source_ip;   /* text of the packet's source, for received= */
	uint16_t source_port;    /* for rport= */
};

/** sip_response_emit() - Return: length written, -ENOSPC, or -EBADMSG (top Via or To not parseable). */
ssize_t sip_response_emit(const struct sip_message *req, const struct sip_response *resp,
			  char *dst, size_t cap);

#endif

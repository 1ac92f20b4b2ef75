/* SPDX-License-Identifier: BSD-2-Clause */
#include "sip/response.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "sip/uri.h"
#include "sip/via.h"

struct out {
	char *p;
	size_t len, cap;
	bool is_full;
};

static void put(struct out *o, struct slice s)
{
	if (o->is_full || s.len > o->cap - o->len) {
		o->is_full = true;
		return;
	}
	if (s.len)
		memcpy(o->p + o->len, s.p, s.len);
	o->len += s.len;
}

static void put_str(struct out *o, const char *s)
{
	put(o, slice_str(s));
}

static void put_unsigned(struct out *o, unsigned v)
{
	char text[16];

	put(o, slice_of(text, (size_t)snprintf(text, sizeof(text), "%u", v)));
}

/* From the end of @s to the end of @whole, of which it is a part. */
static struct slice after(struct slice whole, struct slice s)
{
	return slice_cut(whole, (size_t)(s.p + s.len - whole.p));
}

/* Addresses compare by value: an IPv6 address has many spellings, in the Via with brackets. */
static bool is_same_host(struct slice host, const char *ip)
{
	unsigned char a[16], b[16];
	int family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	char text[INET6_ADDRSTRLEN];

	if (host.p[0] == '[')
		host = slice_of(host.p + 1, host.len - 2);
	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.p, host.len);
	text[host.len] = '\0';
	return inet_pton(family, text, a) == 1 && inet_pton(family, ip, b) == 1 &&
	       memcmp(a, b, family == AF_INET6 ? 16 : 4) == 0;
}

/*
 * received= where sent-by is not the source (RFC 3261 s18.2.1); with an empty rport both are set,
 * even if the address is the same (RFC 3581 s4).  All other bytes stay.
 */
static int put_top_via(struct out *o, const struct sip_row *row, const struct sip_response *resp)
{
	struct slice upto;
	struct sip_via via;

	if (sip_via_parse(row->value, &via) < 0)
		return -EBADMSG;
	upto = row->line;
	if (via.rport.p) {
		put(o, slice_of(upto.p, (size_t)(via.rport.p + via.rport.len - upto.p)));
		put_str(o, "=");
		put_unsigned(o, resp->source_port);
		upto = after(upto, via.rport);
	}
	put(o, slice_of(upto.p, (size_t)(via.params.p + via.params.len - upto.p)));
	if (!via.has_received && (via.rport.p || !is_same_host(via.host, resp->source_ip))) {
		put_str(o, ";received=");
		put_str(o, resp->source_ip);
	}
	put(o, after(row->line, via.params));
	return 0;
}

/* The tag is the same for every copy of the request (RFC 3261 s8.2.7); one that is there stays. */
static int put_to(struct out *o, const struct sip_row *row, const char *tag)
{
	struct slice value = row->value, ignored;
	struct sip_addr to;

	if (sip_addr_next(&value, &to) != 1 || value.len)
		return -EBADMSG;
	put(o, slice_of(row->line.p, (size_t)(row->value.p + row->value.len - row->line.p)));
	if (sip_param_get(to.params, SLICE("tag"), &ignored) < 0) {
		put_str(o, ";tag=");
		put_str(o, tag);
	}
	put(o, after(row->line, row->value));
	return 0;
}

static int put_row(struct out *o, const struct sip_message *req, const struct sip_row *row,
		   const struct sip_response *resp)
{
	switch (row->id) {
	case SIP_H_VIA:
		if (row == sip_message_first(req, SIP_H_VIA))
			return put_top_via(o, row, resp);
		put(o, row->line);
		return 0;
	case SIP_H_TO:
		return put_to(o, row, resp->to_tag);
	case SIP_H_FROM:
	case SIP_H_CALL_ID:
	case SIP_H_CSEQ:
		put(o, row->line);
		return 0;
	default:
		return 0;
	}
}

ssize_t sip_response_emit(const struct sip_message *req, const struct sip_response *resp,
			  char *dst, size_t cap)
{
	struct out o = { .p = dst, .cap = cap };

	put_str(&o, "SIP/2.0 ");
	put_unsigned(&o, resp->code);
	put_str(&o, " ");
	put_str(&o, resp->phrase);
	put_str(&o, "\r\n");
	for (unsigned i = 0; i < req->row_cnt; i++) {
		if (put_row(&o, req, &req->rows[i], resp) < 0)
			return -EBADMSG;
	}
	put_str(&o, resp->extra);
	put_str(&o, "Content-Length: 0\r\n\r\n");
	return o.is_full ? -ENOSPC : (ssize_t)o.len;
}

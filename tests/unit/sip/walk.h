/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk - what must hold for any bytes whatever: used by the fuzz target and by the hostile set.
 * A broken rule aborts.
 */
#ifndef SIPSEAL_TEST_WALK_H
#define SIPSEAL_TEST_WALK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sip/date.h"
#include "sip/edit.h"
#include "sip/message.h"
#include "sip/response.h"
#include "sip/tn.h"
#include "sip/uri.h"

#define WALK_CHECK(cond)                                                        \
	do {                                                                    \
		if (!(cond)) {                                                  \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			abort();                                                \
		}                                                               \
	} while (0)

static inline bool walk_inside(struct slice part, struct slice whole)
{
	return !part.p || (part.p >= whole.p && part.p + part.len <= whole.p + whole.len);
}

static inline void walk_user(struct slice user)
{
	static const struct tn_rule rule[] = { { { "011", 3 }, { "+", 1 } }, { { "9", 1 }, { NULL,
		0 } } };
	const struct tn_rules all[] = {
		{ NULL, 0, SLICE_NONE }, { rule, 2, SLICE("1") }, { rule, 1, SLICE("49") },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct tn tn = { .len = 99 };
		int r = tn_from_user(user, &all[i], &tn);

		WALK_CHECK(r == 0 || r == -EINVAL || r == -ERANGE || r == -EDOM);
		if (r < 0) {
			WALK_CHECK(tn.len == 99);
			continue;
		}
		WALK_CHECK(tn.len > 0 && tn.len <= TN_MAX && tn.digits[tn.len] == '\0');
		WALK_CHECK(strspn(tn.digits,
			tn.is_service ? "0123456789*#" : "0123456789") == tn.len);
		WALK_CHECK(tn.is_service || (tn.len >= 7 && tn.digits[0] != '0'));
	}
}

static inline void walk_uri(struct slice s)
{
	struct sip_uri u;
	struct slice v;

	if (sip_uri_parse(s, &u) < 0)
		return;
	WALK_CHECK(walk_inside(u.user, s) && walk_inside(u.host, s) && walk_inside(u.params, s));
	WALK_CHECK(u.raw.p == s.p && u.raw.len == s.len);
	if (sip_param_get(u.params, SLICE("user"), &v) == 1)
		WALK_CHECK(walk_inside(v, s));
	if (u.user.p)
		walk_user(u.user);
}

static inline void walk_value(struct slice value)
{
	struct slice rest = value, v;
	struct sip_addr a;
	int64_t t;
	int r;

	for (;;) {
		size_t before = rest.len;

		r = sip_addr_next(&rest, &a);
		WALK_CHECK(r == 0 || r == 1 || r == -EBADMSG);
		WALK_CHECK(walk_inside(rest, value));
		if (r != 1)
			break;
		WALK_CHECK(rest.len < before);
		WALK_CHECK(walk_inside(a.display, value) && walk_inside(a.uri, value) &&
			   walk_inside(a.params, value));
		if (sip_param_get(a.params, SLICE("tag"), &v) == 1)
			WALK_CHECK(walk_inside(v, value));
		walk_uri(a.uri);
	}
	if (sip_date_parse(value, &t) == 0) {
		char again[SIP_DATE_LEN];

		sip_date_emit(t, again);
		WALK_CHECK(memcmp(again, value.p, SIP_DATE_LEN) == 0);
	}
}

static inline void walk_rows(const struct sip_message *m)
{
	unsigned total = 0;

	for (unsigned i = 0; i < m->row_cnt; i++) {
		const struct sip_row *r = &m->rows[i];

		WALK_CHECK(walk_inside(r->line, m->raw) && walk_inside(r->name, r->line) &&
			   walk_inside(r->value, r->line));
		/* rows tile the header block */
		WALK_CHECK(sip_offset(m, r->line) + r->line.len ==
			   (i + 1 < m->row_cnt ? sip_offset(m, r[1].line) : m->headers_end));
		WALK_CHECK(memcmp(r->line.p + r->line.len - 2, "\r\n", 2) == 0);
		WALK_CHECK(sip_header_id(r->name) == r->id);
		walk_value(r->value);
	}
	for (int h = 0; h < SIP_H_CNT; h++) {
		unsigned cnt = 0;

		for (const struct sip_row *r = sip_message_first(m, h); r; r = sip_message_next(m,
			r))
			cnt++;
		WALK_CHECK(cnt == m->count[h]);
		total += cnt;
	}
	WALK_CHECK(total == m->row_cnt);
}

/* One more row at headers_end: all other bytes stay, and it is the last row of what comes out. */
static inline void walk_edit(const struct sip_message *m)
{
	static const struct slice row = { "X-Walk: 1\r\n", 11 };
	static char out[SIP_MESSAGE_MAX + 64];
	static struct sip_message again;
	struct sip_edits e;
	ssize_t n;

	sip_edits_init(&e);
	WALK_CHECK(sip_edits_add(&e, m->headers_end, 0, row) == 0);
	WALK_CHECK(sip_edits_seal(&e, m->raw.len, sizeof(out)) == 0);
	n = sip_edits_emit(&e, m->raw, out, sizeof(out));
	WALK_CHECK(n == (ssize_t)(m->raw.len + row.len));
	WALK_CHECK(memcmp(out, m->raw.p, m->headers_end) == 0);
	WALK_CHECK(memcmp(out + m->headers_end + row.len, m->raw.p + m->headers_end,
			  m->raw.len - m->headers_end) == 0);
	if (m->row_cnt == SIP_ROWS_MAX || n > SIP_MESSAGE_MAX)
		return;
	WALK_CHECK(sip_message_parse(out, (size_t)n, &again) == SR_NONE);
	WALK_CHECK(again.row_cnt == m->row_cnt + 1 && slice_eq(again.body, m->body));
	WALK_CHECK(slice_eq(again.rows[m->row_cnt].line, row));
}

static inline void walk_response(const struct sip_message *m)
{
	static const struct sip_response resp = { .code = 403, .phrase = "Forbidden",
		.to_tag = "0123456789abcdef",
						  .source_ip = "192.0.2.7", .source_port = 5061 };
	static char out[SIP_MESSAGE_MAX + 512];
	static struct sip_message again;
	ssize_t n = sip_response_emit(m, &resp, out, sizeof(out)), short_n;

	WALK_CHECK(n == -EBADMSG || n > 0);
	if (n < 0)
		return;
	WALK_CHECK(sip_message_parse(out, (size_t)n, &again) == SR_NOT_INVITE);
	short_n = sip_response_emit(m, &resp, out, (size_t)n - 1);
	WALK_CHECK(short_n == -ENOSPC);
}

static inline void walk_transaction(const struct sip_message *m)
{
	struct slice branch, call_id, cseq;

	if (!sip_transaction(m, &branch, &call_id, &cseq))
		return;
	WALK_CHECK(branch.len && call_id.len && cseq.len);
	WALK_CHECK(walk_inside(branch, m->raw) && walk_inside(call_id, m->raw) && walk_inside(cseq, m->raw));
	WALK_CHECK(cseq.len == 1 || cseq.p[0] != '0');
}

/** walk_bytes() - parse a datagram and, where it is accepted, everything in it. */
static inline enum sipseal_reason walk_bytes(const char *buf, size_t len)
{
	static struct sip_message m;
	struct slice raw = { buf, len };
	enum sipseal_reason r = sip_message_parse(buf, len, &m);

	walk_value(raw);
	walk_uri(raw);
	walk_user(raw);
	if (r != SR_NONE)
		return r;
	WALK_CHECK(m.row_cnt <= SIP_ROWS_MAX && m.headers_end + 2 + m.body.len == len);
	WALK_CHECK(walk_inside(m.request_uri, raw) && walk_inside(m.body, raw));
	walk_rows(&m);
	walk_uri(m.request_uri);
	walk_edit(&m);
	walk_response(&m);
	walk_transaction(&m);
	return r;
}

#endif

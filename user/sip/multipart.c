/* SPDX-License-Identifier: BSD-2-Clause */
#include "sip/multipart.h"

#include <errno.h>
#include <stdint.h>

#define BOUNDARY_MAX 70 /* RFC 2046 s5.1.1 */
#define CRLF "\r\n"
#define NOT_FOUND SIZE_MAX

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 3261 s25.1 */
static bool is_token_char(char c)
{
	return is_alnum(c) || (c && strchr("-.!%*_+`'~", c));
}

static size_t token_len(struct slice s)
{
	size_t n = 0;

	while (n < s.len && is_token_char(s.p[n]))
		n++;
	return n;
}

int sip_media_type_parse(struct slice value, struct sip_media_type *ret)
{
	struct sip_media_type m;
	struct slice s = slice_trim(value);
	size_t n = token_len(s);

	if (!n)
		return -EBADMSG;
	m.type = slice_of(s.p, n);
	s = slice_trim(slice_cut(s, n));
	if (!s.len || *s.p != '/')
		return -EBADMSG;
	s = slice_trim(slice_cut(s, 1));
	n = token_len(s);
	m.subtype = slice_of(s.p, n);
	m.params = slice_trim(slice_cut(s, n));
	if (!n || (m.params.len && *m.params.p != ';'))
		return -EBADMSG;
	*ret = m;
	return 0;
}

bool sip_media_type_is(const struct sip_media_type *m, const char *type, const char *subtype)
{
	return slice_ieq(m->type, slice_str(type)) && slice_ieq(m->subtype, slice_str(subtype));
}

/* Length of the quoted string at the start of @s with both quotes, or 0. */
static size_t quoted_len(struct slice s)
{
	for (size_t i = 1; i < s.len; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return 0;
}

/*
 * Takes one `;name=value` from the front of *s.  A value without quotes reaches to the next `;`
 * or blank: boundaries like ----=_Part_1 are no tokens, but are sent without quotes.
 */
static int param_next(struct slice *s, struct slice *ret_name, struct slice *ret_value)
{
	struct slice r = slice_trim(slice_cut(*s, 1)), value = SLICE_NONE;
	size_t n = token_len(r);

	if (*s->p != ';' || !n)
		return -EBADMSG;
	*ret_name = slice_of(r.p, n);
	r = slice_trim(slice_cut(r, n));
	if (r.len && *r.p == '=') {
		r = slice_trim(slice_cut(r, 1));
		if (r.len && *r.p == '"') {
			n = quoted_len(r);
		} else {
			n = 0;
			while (n < r.len && !strchr("; \t\r\n\"", r.p[n]))
				n++;
		}
		if (!n)
			return -EBADMSG;
		value = slice_of(r.p, n);
		r = slice_trim(slice_cut(r, n));
	}
	*s = r;
	*ret_value = value;
	return 0;
}

static bool boundary_ok(struct slice b)
{
	if (!b.len || b.len > BOUNDARY_MAX || b.p[b.len - 1] == ' ')
		return false;
	for (size_t i = 0; i < b.len; i++)
		if (!is_alnum(b.p[i]) && (!b.p[i] || !strchr("'()+_,-./:=? ", b.p[i])))
			return false;
	return true;
}

int multipart_boundary(const struct sip_media_type *m, struct slice *ret)
{
	struct slice s = m->params, found = SLICE_NONE, name, value;

	while (s.len) {
		if (param_next(&s, &name, &value) < 0)
			return -EBADMSG;
		if (!slice_ieq(name, SLICE("boundary")))
			continue;
		if (found.p || !value.p) /* two of them: who knows which one counts */
			return -EBADMSG;
		found = value;
	}
	if (found.len >= 2 && *found.p == '"')
		found = slice_of(found.p + 1, found.len - 2);
	if (!boundary_ok(found))
		return -EBADMSG;
	*ret = found;
	return 0;
}

struct delimiter {
	size_t off; /* of the CRLF before "--", which belongs to it, or of the start of the body */
	size_t dash_off; /* of "--" */
	size_t end;	 /* after the line's CRLF, or the end of the body */
	bool is_close;
};

/*
 * Is the line at @off the delimiter: "--" boundary ["--"] blanks CRLF (or the end of the body,
 * after the closing one)?  A line that goes on otherwise belongs to another boundary, of which
 * ours is a prefix.
 */
static bool delimiter_at(struct slice body, size_t off, struct slice boundary,
			 struct delimiter *ret)
{
	struct slice s = slice_cut(body, off);
	bool is_close;

	if (s.len < boundary.len + 2 || memcmp(s.p, "--", 2) ||
	    !slice_eq(slice_of(s.p + 2, boundary.len), boundary))
		return false;
	s = slice_cut(s, boundary.len + 2);
	is_close = s.len >= 2 && !memcmp(s.p, "--", 2);
	if (is_close)
		s = slice_cut(s, 2);
	while (s.len && (*s.p == ' ' || *s.p == '\t'))
		s = slice_cut(s, 1);
	if (s.len >= 2 && !memcmp(s.p, CRLF, 2))
		s = slice_cut(s, 2);
	else if (!is_close || s.len)
		return false;
	*ret = (struct delimiter){.off = off ? off - 2 : 0,
				  .dash_off = off,
				  .end = body.len - s.len,
				  .is_close = is_close};
	return true;
}

/* Offset after the next CRLF at or behind @off, or NOT_FOUND. */
static size_t line_next(struct slice body, size_t off)
{
	const char *q = memmem(body.p + off, body.len - off, CRLF, 2);

	return q ? (size_t)(q - body.p) + 2 : NOT_FOUND;
}

/* The first delimiter in a line that starts at @off or behind. */
static bool delimiter_find(struct slice body, size_t off, struct slice boundary,
			   struct delimiter *ret)
{
	for (; off != NOT_FOUND; off = line_next(body, off))
		if (delimiter_at(body, off, boundary, ret))
			return true;
	return false;
}

/* A CR or LF that is half of a line end: others might see two rows there. */
static bool has_bare_line_end(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] == '\r' && i + 1 < s.len && s.p[i + 1] == '\n')
			i++;
		else if (s.p[i] == '\r' || s.p[i] == '\n')
			return true;
	}
	return false;
}

/* Length of the row at the start of @s with its folds and the CRLF, or 0: no header row. */
static size_t row_len(struct slice s, size_t *ret_colon)
{
	size_t colon = token_len(s), end = 0;

	if (!colon)
		return 0;
	while (colon < s.len && (s.p[colon] == ' ' || s.p[colon] == '\t'))
		colon++;
	if (colon == s.len || s.p[colon] != ':')
		return 0;
	do {
		end = line_next(s, end);
		if (end == NOT_FOUND)
			return 0;
	} while (end < s.len && (s.p[end] == ' ' || s.p[end] == '\t'));
	*ret_colon = colon;
	return has_bare_line_end(slice_of(s.p, end)) ? 0 : end;
}

/*
 * body-part = rows [CRLF content] (RFC 2046 s5.1.1).  Without the CRLF there is no content: then
 * the last row's own CRLF ends the text.
 */
static int part_split(struct slice text, struct multipart_part *part)
{
	size_t off = 0, n, colon;

	while (off < text.len && (n = row_len(slice_cut(text, off), &colon)))
		off += n;
	part->headers = slice_of(text.p, off);
	if (off < text.len) {
		if (text.len - off < 2 || memcmp(text.p + off, CRLF, 2))
			return -EBADMSG;
		off += 2;
	}
	part->content = slice_cut(text, off);
	return 0;
}

int multipart_parse(struct slice body, struct slice boundary, struct multipart *ret)
{
	struct multipart m = {.boundary = boundary};
	struct delimiter d, next;

	if (!boundary_ok(boundary) || !body.len || !delimiter_find(body, 0, boundary, &d))
		return -EBADMSG;
	for (; !d.is_close; d = next) {
		struct multipart_part *part = &m.parts[m.part_cnt];

		/* two delimiters cannot share one CRLF */
		if (!delimiter_find(body, d.end, boundary, &next) || next.off < d.end)
			return -EBADMSG;
		if (m.part_cnt == MULTIPART_PARTS_MAX)
			return -E2BIG;
		part->whole = slice_of(body.p + d.off, next.off - d.off);
		if (part_split(slice_of(body.p + d.end, next.off - d.end), part) < 0)
			return -EBADMSG;
		m.part_cnt++;
	}
	if (!m.part_cnt)
		return -EBADMSG;
	m.close_off = d.off;
	*ret = m;
	return 0;
}

struct slice multipart_header(const struct multipart_part *part, struct slice name)
{
	struct slice s = part->headers;
	size_t n, colon;

	for (; s.len && (n = row_len(s, &colon)); s = slice_cut(s, n))
		if (slice_ieq(slice_of(s.p, token_len(s)), name))
			return slice_trim(slice_of(s.p + colon + 1, n - colon - 1));
	return SLICE_NONE;
}

bool multipart_collides(struct slice body, struct slice boundary)
{
	/* any line end counts here, and so does the start of a longer boundary */
	for (size_t off = 0; body.len - off >= boundary.len + 2; off++) {
		const char *q = memmem(body.p + off, body.len - off, "--", 2);

		if (!q)
			return false;
		off = (size_t)(q - body.p);
		if ((off == 0 || q[-1] == '\n' || q[-1] == '\r') &&
		    body.len - off >= boundary.len + 2 &&
		    slice_eq(slice_of(q + 2, boundary.len), boundary))
			return true;
	}
	return false;
}

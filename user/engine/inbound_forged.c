/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Marks in bytes that we do not edit, and maybe cannot parse: whoever gets them may read them
 * otherwise than we do, so the text is searched, not the rows.
 */
#include "engine/inbound.h"

/* Names as such, wherever they stand: what we take for a value may be a header for others. */
static const struct slice words[] = {
	{ "X-STIR-", 7 },	    { "Attestation-Info", 16 },
	{ "Origination-Id", 14 },   { "P-Attestation-Indicator", 23 },
	{ "P-Origination-ID", 16 },
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_break(char c)
{
	return c == '\r' || c == '\n';
}

static struct slice skip_blank(struct slice s)
{
	while (s.len && (is_blank(*s.p) || is_break(*s.p)))
		s = slice_cut(s, 1);
	return s;
}

/* The start line and the header block, or all where no empty line ends it. */
static struct slice header_block(struct slice datagram)
{
	struct slice s = skip_blank(datagram);
	const char *end = s.len ? memmem(s.p, s.len, "\r\n\r\n", 4) : NULL;

	return end ? slice_of(s.p, (size_t)(end - s.p)) : s;
}

static bool is_word_at(struct slice s)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_iprefix(s, words[i]))
			return true;
	return false;
}

/* A name that the operator chose may stand in any text: it is a header where a colon follows. */
static bool is_row_at(struct slice s, struct slice name)
{
	if (!slice_iprefix(s, name))
		return false;
	s = skip_blank(slice_cut(s, name.len));
	return s.len && *s.p == ':';
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character at the head of @s, which goes on behind it; s->len > 0. */
static int take_char(struct slice *s)
{
	int c = *s->p, hi = -1, lo = -1;

	if (c == '%' && s->len > 2) {
		hi = hex(s->p[1]);
		lo = hex(s->p[2]);
	}
	if (hi < 0 || lo < 0) {
		*s = slice_cut(*s, 1);
		return c;
	}
	*s = slice_cut(*s, 3);
	return hi << 4 | lo;
}

size_t inbound_verstat_len(struct slice s)
{
	const char *begin = s.p;

	for (const char *want = "verstat"; *want; want++)
		if (!s.len || (take_char(&s) | 0x20) != *want)
			return 0;
	return (size_t)(s.p - begin);
}

bool inbound_is_verstat_at(struct slice s)
{
	size_t n = inbound_verstat_len(s);

	if (!n)
		return false;
	s = skip_blank(slice_cut(s, n));
	return s.len && take_char(&s) == '=';
}

bool inbound_has_forged_fold(struct slice line, struct slice result_header)
{
	size_t n = slice_find(line, '\n');

	while (n < line.len) {
		line = skip_blank(slice_cut(line, n));
		if (is_word_at(line) || (result_header.p && is_row_at(line, result_header)))
			return true;
		n = slice_find(line, '\n');
	}
	return false;
}

bool inbound_is_forged(struct slice datagram, struct slice result_header, bool tolerates_verstat)
{
	bool is_start = false; /* of a line, blanks aside; the request line is none */

	for (struct slice s = header_block(datagram); s.len; s = slice_cut(s, 1)) {
		char c = *s.p;

		if (is_break(c)) {
			is_start = true;
			continue;
		}
		if (is_blank(c))
			continue;
		if (is_start && result_header.p && is_row_at(s, result_header))
			return true;
		is_start = false;
		if (memchr("xXaAoOpP", c, 8) && is_word_at(s))
			return true;
		if (!tolerates_verstat && inbound_may_begin_verstat(c) && inbound_is_verstat_at(s))
			return true;
	}
	return false;
}

static struct slice take_word(struct slice *s)
{
	size_t n = 0;
	struct slice word;

	while (n < s->len && !is_blank(s->p[n]) && !is_break(s->p[n]))
		n++;
	word = slice_of(s->p, n);
	*s = slice_cut(*s, n);
	while (s->len && is_blank(*s->p))
		*s = slice_cut(*s, 1);
	return word;
}

/* Of a URI that does not parse, what XDP sees of it (bpf/emergency.h); but without '@' there is no user part. */
static struct sip_uri broken_uri(struct slice word)
{
	size_t colon = slice_find(word, ':'), n = 0;
	struct slice scheme = slice_of(word.p, colon), rest;
	bool is_sip = slice_ieq(scheme, SLICE("sip")) || slice_ieq(scheme, SLICE("sips"));
	struct sip_uri uri = { .raw = word };

	if (colon == word.len || !(is_sip ? slice_find(word, '@') < word.len : slice_ieq(scheme, SLICE("tel"))))
		return uri;
	uri.scheme = is_sip ? SIP_SCHEME_SIP : SIP_SCHEME_TEL;
	rest = slice_cut(word, colon + 1);
	while (n < rest.len && rest.p[n] != ';' && (!is_sip || (rest.p[n] != '@' && rest.p[n] != ':')))
		n++;
	uri.user = slice_of(rest.p, n);
	return uri;
}

bool inbound_is_emergency_line(const struct call *c)
{
	struct slice s = skip_blank(c->in->datagram), word;
	struct sip_uri uri;

	take_word(&s);
	word = take_word(&s);
	if (!word.len)
		return false;
	if (sip_uri_parse(word, &uri) < 0)
		uri = broken_uri(word);
	return call_is_emergency_uri(c->in->policy, &uri);
}

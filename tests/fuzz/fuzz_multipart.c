/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input: a Content-Type value, a NUL, a body.  What parses keeps its parts when one more is added,
 * and the others when one is cut.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sip/multipart.h"

static char out[70000];

static void check(bool is_right)
{
	if (!is_right)
		abort();
}

static void check_inside(struct slice body, struct slice s)
{
	check(s.p >= body.p && s.p + s.len <= body.p + body.len);
}

static void check_cut(struct slice body, const struct multipart *m, unsigned k)
{
	struct slice whole = m->parts[k].whole;
	size_t off = (size_t)(whole.p - body.p);
	struct multipart rest;

	memcpy(out, body.p, off);
	memcpy(out + off, whole.p + whole.len, body.len - off - whole.len);
	check(multipart_parse(slice_of(out, body.len - whole.len), m->boundary, &rest) == 0);
	check(rest.part_cnt == m->part_cnt - 1);
	for (unsigned i = 0; i < rest.part_cnt; i++) {
		check(slice_eq(rest.parts[i].content, m->parts[i + (i >= k)].content));
		check(slice_eq(rest.parts[i].headers, m->parts[i + (i >= k)].headers));
	}
}

static void check_add(struct slice body, const struct multipart *m)
{
	struct multipart more;
	size_t n = m->close_off;

	memcpy(out, body.p, n);
	n += (size_t)sprintf(out + n, "\r\n--%.*s\r\nA: b\r\n\r\nx", (int)m->boundary.len,
			     m->boundary.p);
	memcpy(out + n, body.p + m->close_off, body.len - m->close_off);
	n += body.len - m->close_off;
	check(multipart_parse(slice_of(out, n), m->boundary, &more) == 0);
	check(more.part_cnt == m->part_cnt + 1);
	check(slice_eq(more.parts[m->part_cnt].content, SLICE("x")));
	check(slice_eq(multipart_header(&more.parts[m->part_cnt], SLICE("a")), SLICE("b")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of((const char *)data, size < 60000 ? size : 60000), body, boundary;
	size_t n = slice_find(in, '\0');
	struct sip_media_type type;
	struct multipart m;

	if (n == in.len || sip_media_type_parse(slice_of(in.p, n), &type) < 0)
		return 0;
	body = slice_cut(in, n + 1);
	if (multipart_boundary(&type, &boundary) < 0 || multipart_parse(body, boundary, &m) < 0)
		return 0;
	check(multipart_collides(body, boundary));
	for (unsigned i = 0; i < m.part_cnt; i++) {
		check_inside(body, m.parts[i].whole);
		check_inside(m.parts[i].whole, m.parts[i].headers);
		check_inside(m.parts[i].whole, m.parts[i].content);
		multipart_header(&m.parts[i], SLICE("Content-Type"));
		if (m.part_cnt > 1)
			check_cut(body, &m, i);
	}
	if (m.part_cnt < MULTIPART_PARTS_MAX)
		check_add(body, &m);
	return 0;
}

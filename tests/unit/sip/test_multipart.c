/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>

#include "guard.h"

#include "base/cleanup.h"
#include "sip/multipart.h"

#define SDP "v=0\r\ns=-\r\n"
#define SDPH "Content-Type: application/sdp\r\n"

static const struct {
	const char *name, *value;
	int ret;
	const char *type, *subtype, *params;
	int b_ret;
	const char *boundary;
} types[] = {
    {"plain", "application/sdp", 0, "application", "sdp", "", -EBADMSG, NULL},
    {"token", "multipart/mixed;boundary=abc", 0, "multipart", "mixed", ";boundary=abc", 0, "abc"},
    {"quoted, blanks, folded", " multipart / mixed ;\r\n boundary = \"a b:c\" ", 0, "multipart",
     "mixed", ";\r\n boundary = \"a b:c\"", 0, "a b:c"},
    {"among others", "multipart/related;type=\"a/b;boundary=x\";BOUNDARY=q;start=\"<1>\"", 0,
     "multipart", "related", NULL, 0, "q"},
    {"no token, no quotes", "multipart/mixed; boundary=----=_Part_1:a/b", 0, "multipart", "mixed",
     NULL, 0, "----=_Part_1:a/b"},
    {"flag parameter", "multipart/mixed;x;boundary=z", 0, "multipart", "mixed", NULL, 0, "z"},
    {"70 characters",
     "multipart/mixed;boundary="
     "0123456789012345678901234567890123456789012345678901234567890123456789",
     0, "multipart", "mixed", NULL, 0,
     "0123456789012345678901234567890123456789012345678901234567890123456789"},
    {"71 characters",
     "multipart/mixed;boundary="
     "01234567890123456789012345678901234567890123456789012345678901234567890",
     0, "multipart", "mixed", NULL, -EBADMSG, NULL},
    {"twice", "multipart/mixed;boundary=a;boundary=b", 0, "multipart", "mixed", NULL, -EBADMSG,
     NULL},
    {"empty", "multipart/mixed;boundary=", 0, "multipart", "mixed", NULL, -EBADMSG, NULL},
    {"empty quoted", "multipart/mixed;boundary=\"\"", 0, "multipart", "mixed", NULL, -EBADMSG,
     NULL},
    {"blank at the end", "multipart/mixed;boundary=\"a \"", 0, "multipart", "mixed", NULL, -EBADMSG,
     NULL},
    {"open quote", "multipart/mixed;boundary=\"a", 0, "multipart", "mixed", NULL, -EBADMSG, NULL},
    {"open quoted pair", "multipart/mixed;boundary=\"a\\", 0, "multipart", "mixed", NULL, -EBADMSG,
     NULL},
    {"quoted pair", "multipart/mixed;boundary=\"a\\b\"", 0, "multipart", "mixed", NULL, -EBADMSG,
     NULL},
    {"illegal character", "multipart/mixed;boundary=a*b", 0, "multipart", "mixed", NULL, -EBADMSG,
     NULL},
    {"line end inside", "multipart/mixed;boundary=\"a\r\nb\"", 0, "multipart", "mixed", NULL,
     -EBADMSG, NULL},
    {"junk behind", "multipart/mixed;boundary=a b", 0, "multipart", "mixed", NULL, -EBADMSG, NULL},
    {"no name", "multipart/mixed;=a", 0, "multipart", "mixed", NULL, -EBADMSG, NULL},
    {"no subtype", "multipart/", -EBADMSG, NULL, NULL, NULL, 0, NULL},
    {"no type", "/mixed", -EBADMSG, NULL, NULL, NULL, 0, NULL},
    {"no slash", "multipart", -EBADMSG, NULL, NULL, NULL, 0, NULL},
    {"nothing", "", -EBADMSG, NULL, NULL, NULL, 0, NULL},
    {"junk", "multipart/mixed boundary=a", -EBADMSG, NULL, NULL, NULL, 0, NULL},
};

static void check_slice(const char *name, const char *what, struct slice got, const char *want)
{
	if (!slice_eq(got, slice_str(want)))
		fail_msg("%s: %s is '%.*s', want '%s'", name, what, (int)got.len, got.p, want);
}

static void test_types(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct guard g = guard_new(types[i].value, strlen(types[i].value));
		struct sip_media_type m = {.type = SLICE("untouched")};
		struct slice b = SLICE("untouched");
		int r = sip_media_type_parse(slice_of(g.p, g.len), &m);

		if (r != types[i].ret)
			fail_msg("%s: returns %d, want %d", types[i].name, r, types[i].ret);
		check_slice(types[i].name, "type", m.type, r ? "untouched" : types[i].type);
		if (!r) {
			check_slice(types[i].name, "subtype", m.subtype, types[i].subtype);
			if (types[i].params)
				check_slice(types[i].name, "params", m.params, types[i].params);
			r = multipart_boundary(&m, &b);
			if (r != types[i].b_ret)
				fail_msg("%s: boundary returns %d, want %d", types[i].name, r,
					 types[i].b_ret);
			check_slice(types[i].name, "boundary", b,
				    r ? "untouched" : types[i].boundary);
		}
		guard_free(&g);
	}
	assert_int_equal(sip_media_type_parse(SLICE_NONE, &(struct sip_media_type){0}), -EBADMSG);
}

static void test_type_is(void **state)
{
	struct sip_media_type m;

	(void)state;
	assert_int_equal(sip_media_type_parse(SLICE("Application/PIDF+xml;charset=x"), &m), 0);
	assert_true(sip_media_type_is(&m, "application", "pidf+xml"));
	assert_false(sip_media_type_is(&m, "application", "pidf"));
	assert_false(sip_media_type_is(&m, "text", "pidf+xml"));
}

struct want {
	const char *headers, *content;
};

static const struct body_case {
	const char *name, *body, *boundary;
	int ret;
	unsigned cnt;
	struct want parts[3];
} bodies[] = {
    {"one part at the start of the body",
     "--b\r\n" SDPH "\r\n" SDP "\r\n--b--\r\n",
     "b",
     0,
     1,
     {{SDPH, SDP}}},
    {"preamble and epilogue",
     "pre\r\namble\r\n--b\r\n" SDPH "\r\n" SDP "\r\n--b--\r\nepi\r\n--b\r\nlogue",
     "b",
     0,
     1,
     {{SDPH, SDP}}},
    {"empty preamble line", "\r\n--b\r\n" SDPH "\r\n" SDP "\r\n--b--", "b", 0, 1, {{SDPH, SDP}}},
    {"three parts",
     "--b\r\nA: 1\r\n\r\none\r\n--b\r\nB: 2\r\n\r\ntwo\r\n--b\r\nC: 3\r\n\r\n3\r\n--b--\r\n",
     "b",
     0,
     3,
     {{"A: 1\r\n", "one"}, {"B: 2\r\n", "two"}, {"C: 3\r\n", "3"}}},
    {"transport padding",
     "--b \t\r\nA: 1\r\n\r\none\r\n--b  \r\n\r\ntwo\r\n--b-- \t\r\n",
     "b",
     0,
     2,
     {{"A: 1\r\n", "one"}, {"", "two"}}},
    {"no rows", "--b\r\n\r\none\r\n--b--", "b", 0, 1, {{"", "one"}}},
    {"no rows, no content", "--b\r\n\r\n\r\n--b--", "b", 0, 1, {{"", ""}}},
    {"nothing in the part", "--b\r\n\r\n--b--", "b", 0, 1, {{"", ""}}},
    {"rows without content", "--b\r\nA: 1\r\n\r\n--b--", "b", 0, 1, {{"A: 1\r\n", ""}}},
    {"content ends in CRLF", "--b\r\n\r\none\r\n\r\n--b--", "b", 0, 1, {{"", "one\r\n"}}},
    {"folded row",
     "--b\r\nA: 1;\r\n\tx=y\r\nB :2\r\n\r\none\r\n--b--",
     "b",
     0,
     1,
     {{"A: 1;\r\n\tx=y\r\nB :2\r\n", "one"}}},
    {"ours is a prefix of an inner one",
     "--b\r\nA: 1\r\n\r\n--b2\r\n\r\nin\r\n--b2--\r\n\r\n--b\r\n\r\ntwo\r\n--b--",
     "b",
     0,
     2,
     {{"A: 1\r\n", "--b2\r\n\r\nin\r\n--b2--\r\n"}, {"", "two"}}},
    {"an inner one is a prefix of ours",
     "--bb\r\n\r\n--b\r\n\r\nin\r\n--b--\r\n\r\n--bb--",
     "bb",
     0,
     1,
     {{"", "--b\r\n\r\nin\r\n--b--\r\n"}}},
    {"inner one is ours with dashes",
     "--b\r\n\r\n--b--x\r\n--b-\r\n--b-- x\r\n\r\n--b--",
     "b",
     0,
     1,
     {{"", "--b--x\r\n--b-\r\n--b-- x\r\n"}}},
    {"not at a line start",
     "--b\r\n\r\nx--b--\r\n --b--\r\ny\r\n--b--",
     "b",
     0,
     1,
     {{"", "x--b--\r\n --b--\r\ny"}}},
    {"after a bare LF",
     "--b\r\n\r\none\n--b--\ntwo\r\n--b--",
     "b",
     0,
     1,
     {{"", "one\n--b--\ntwo"}}},
    {"boundary of specials",
     "--a b'()+_,-./:=?\r\n\r\n1\r\n--a b'()+_,-./:=?--",
     "a b'()+_,-./:=?",
     0,
     1,
     {{"", "1"}}},
    {"16 parts",
     "--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b\r\n\r\n3\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--"
     "b\r\n\r\n\r\n--b\r\n"
     "\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--"
     "b\r\n\r\n\r\n"
     "--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--",
     "b",
     0,
     16,
     {{"", "1"}, {"", "2"}, {"", "3"}}},
    {"17 parts",
     "--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b\r\n\r\n3\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--"
     "b\r\n\r\n\r\n--b\r\n"
     "\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--"
     "b\r\n\r\n\r\n"
     "--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--",
     "b",
     -E2BIG,
     0,
     {{0}}},
    {"no closing delimiter", "--b\r\n" SDPH "\r\n" SDP, "b", -EBADMSG, 0, {{0}}},
    {"cut in the closing one", "--b\r\n\r\n1\r\n--b-", "b", -EBADMSG, 0, {{0}}},
    {"cut before its dashes", "--b\r\n\r\n1\r\n--b", "b", -EBADMSG, 0, {{0}}},
    {"closing delimiter only", "--b--\r\n", "b", -EBADMSG, 0, {{0}}},
    {"no delimiter", SDP, "b", -EBADMSG, 0, {{0}}},
    {"empty", "", "b", -EBADMSG, 0, {{0}}},
    {"bare LF", "--b\n\nv=0\n--b--\n", "b", -EBADMSG, 0, {{0}}},
    {"two delimiters on one CRLF", "--b\r\n--b--", "b", -EBADMSG, 0, {{0}}},
    {"no empty line after rows", "--b\r\nA: 1\r\n--b--", "b", -EBADMSG, 0, {{0}}},
    {"no row, no empty line", "--b\r\nv=0\r\n\r\nx\r\n--b--", "b", -EBADMSG, 0, {{0}}},
    {"bare LF in a row", "--b\r\nA: 1\nB: 2\r\n\r\nx\r\n--b--", "b", -EBADMSG, 0, {{0}}},
    {"bare CR in a row", "--b\r\nA: 1\rB: 2\r\n\r\nx\r\n--b--", "b", -EBADMSG, 0, {{0}}},
    {"case matters", "--B\r\n\r\n1\r\n--B--", "b", -EBADMSG, 0, {{0}}},
    {"empty boundary", "--\r\n\r\n1\r\n----", "", -EBADMSG, 0, {{0}}},
};

static void check_parts(const struct body_case *c, const struct multipart *m)
{
	if (m->part_cnt != c->cnt)
		fail_msg("%s: %u parts, want %u", c->name, m->part_cnt, c->cnt);
	for (unsigned i = 0; i < m->part_cnt && i < ARRAY_SIZE(c->parts); i++) {
		check_slice(c->name, "headers", m->parts[i].headers, c->parts[i].headers);
		check_slice(c->name, "content", m->parts[i].content, c->parts[i].content);
	}
}

static void test_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		const struct body_case *c = &bodies[i];
		struct guard g = guard_new(c->body, strlen(c->body));
		struct multipart m = {.part_cnt = 99};
		int r = multipart_parse(slice_of(g.p, g.len), slice_str(c->boundary), &m);

		if (r != c->ret)
			fail_msg("%s: returns %d, want %d", c->name, r, c->ret);
		if (r)
			assert_int_equal(m.part_cnt, 99);
		else
			check_parts(c, &m);
		guard_free(&g);
	}
}

/* Every prefix of every body: no crash, no read too far, and never success without the end. */
static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
		for (size_t n = 0; n < strlen(bodies[i].body); n++) {
			struct guard g = guard_new(bodies[i].body, n);
			struct multipart m = {0};
			int r =
			    multipart_parse(slice_of(g.p, n), slice_str(bodies[i].boundary), &m);

			if (!r)
				assert_memory_equal(g.p + m.close_off, "\r\n--", 4);
			guard_free(&g);
		}
}

static size_t cut(const char *body, size_t len, struct slice what, char *dst)
{
	size_t off = (size_t)(what.p - body);

	memcpy(dst, body, off);
	memcpy(dst + off, what.p + what.len, len - off - what.len);
	return len - what.len;
}

/* Removing `whole` leaves a legal multipart of the other parts; the last one cannot be removed. */
static void test_cut_part(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		const struct body_case *c = &bodies[i];
		size_t len = strlen(c->body);
		struct multipart m, rest;
		char left[512];

		if (c->ret)
			continue;
		assert_int_equal(
		    multipart_parse(slice_of(c->body, len), slice_str(c->boundary), &m), 0);
		for (unsigned k = 0; k < m.part_cnt; k++) {
			size_t n = cut(c->body, len, m.parts[k].whole, left);
			int r = multipart_parse(slice_of(left, n), slice_str(c->boundary), &rest);

			if (r != (m.part_cnt == 1 ? -EBADMSG : 0))
				fail_msg("%s: without part %u: %d", c->name, k, r);
			for (unsigned j = 0; !r && j < rest.part_cnt; j++) {
				const struct multipart_part *want = &m.parts[j + (j >= k)];

				assert_true(slice_eq(rest.parts[j].content, want->content));
				assert_true(slice_eq(rest.parts[j].headers, want->headers));
			}
			if (!r)
				assert_int_equal(rest.part_cnt, m.part_cnt - 1);
			/* the epilogue stays: what follows the closing delimiter is the same */
			assert_memory_equal(left + n - (len - m.close_off), c->body + m.close_off,
					    len - m.close_off);
		}
	}
}

/* A part put in at close_off is the last one, and the others keep their bytes. */
static void test_add_part(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		const struct body_case *c = &bodies[i];
		size_t len = strlen(c->body), n;
		struct multipart m, more;
		char grown[512];
		int r;

		if (c->ret || c->cnt == MULTIPART_PARTS_MAX)
			continue;
		assert_int_equal(
		    multipart_parse(slice_of(c->body, len), slice_str(c->boundary), &m), 0);
		n = m.close_off;
		memcpy(grown, c->body, n);
		n +=
		    sprintf(grown + n, "\r\n--%s\r\nContent-ID: <x@y>\r\n\r\nnew\r\n", c->boundary);
		/* our part's content ends in CRLF: the delimiter brings its own */
		memcpy(grown + n, c->body + m.close_off, len - m.close_off);
		n += len - m.close_off;
		r = multipart_parse(slice_of(grown, n), slice_str(c->boundary), &more);
		if (r || more.part_cnt != m.part_cnt + 1)
			fail_msg("%s: one part more: %d, %u parts", c->name, r, more.part_cnt);
		check_slice(c->name, "new", more.parts[m.part_cnt].content, "new\r\n");
		for (unsigned k = 0; k < m.part_cnt; k++)
			assert_true(slice_eq(more.parts[k].whole, m.parts[k].whole));
	}
}

static void test_header(void **state)
{
	static const char body[] =
	    "--b\r\nContent-type :  application/sdp;\r\n x=y \r\nContent-Type2: no\r\n"
	    "Empty:\r\nContent-Type: second\r\n\r\nContent-ID: <c>\r\n--b--";
	struct guard g = guard_new(body, sizeof(body) - 1);
	struct multipart m;

	(void)state;
	assert_int_equal(multipart_parse(slice_of(g.p, g.len), SLICE("b"), &m), 0);
	check_slice("first row counts", "value",
		    multipart_header(&m.parts[0], SLICE("CONTENT-TYPE")),
		    "application/sdp;\r\n x=y");
	check_slice("whole name", "value", multipart_header(&m.parts[0], SLICE("content-type2")),
		    "no");
	assert_non_null(multipart_header(&m.parts[0], SLICE("empty")).p);
	assert_int_equal(multipart_header(&m.parts[0], SLICE("empty")).len, 0);
	assert_null(multipart_header(&m.parts[0], SLICE("Content-ID")).p);
	assert_null(multipart_header(&m.parts[0], SLICE("Content")).p);
	guard_free(&g);
}

static const struct {
	const char *name, *body;
	bool ret;
} collisions[] = {
    {"at the start", "--bound", true},
    {"after CRLF", "x\r\n--bound--\r\n", true},
    {"after LF", "x\n--bound", true},
    {"after CR", "x\r--bound", true},
    {"longer one", "\r\n--boundary", true},
    {"after more dashes", "----bound", false},
    {"second look", "--\r\n--b\r\n--bound", true},
    {"inside a line", "x--bound\r\n --bound", false},
    {"other case", "--BOUND", false},
    {"cut", "\r\n--boun", false},
    {"empty", "", false},
    {"dashes only", "--------", false},
};

static void test_collides(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(collisions); i++) {
		struct guard g = guard_new(collisions[i].body, strlen(collisions[i].body));

		if (multipart_collides(slice_of(g.p, g.len), SLICE("bound")) != collisions[i].ret)
			fail_msg("%s: want %d", collisions[i].name, collisions[i].ret);
		guard_free(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_types),    cmocka_unit_test(test_type_is),
	    cmocka_unit_test(test_bodies),   cmocka_unit_test(test_prefixes),
	    cmocka_unit_test(test_cut_part), cmocka_unit_test(test_add_part),
	    cmocka_unit_test(test_header),   cmocka_unit_test(test_collides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <libgen.h>
#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "guard.h"

#include "base/cleanup.h"
#include "location/pidf.h"

#define DOC_MAX (PIDF_TEMPLATE_MAX + 256)

static const struct civic_address market = {
    .country = "US",
    .region = "CA",
    .city = "San Francisco",
    .street = "1 Market Street",
    .postal = "94105",
};
static const struct civic_address camden = {
    .country = "us",
    .region = "NJ",
    .city = "Camden",
    .street = "101 Federal Street",
    .postal = "08103",
};
static const struct civic_address full = {
    .country = "US",
    .region = "NY",
    .county = "Kings",
    .city = "New York",
    .street = "350A Fifth Avenue",
    .postal = "10118",
    .building = "East",
    .floor = "4",
    .unit = "4b",
    .room = "412",
    .landmark = "By the clock",
};

/* Data files lie beside the sources: tests/data. */
static void data_path(const char *name, char *dst, size_t cap)
{
	char here[] = __FILE__;

	snprintf(dst, cap, "%s/../../data/location/%s", dirname(here), name);
}

/* The golden files have LF line ends, so that they can be read and diffed; the wire has CRLF. */
static size_t golden(const char *name, char *dst, size_t cap)
{
	CLEANUP(fclosep) FILE *f = NULL;
	char path[512];
	size_t n = 0;
	int c;

	data_path(name, path, sizeof(path));
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s: cannot be read; run the tests in the project's directory", path);
	while ((c = getc(f)) != EOF && n + 2 < cap) {
		if (c == '\n')
			dst[n++] = '\r';
		dst[n++] = (char)c;
	}
	dst[n] = '\0';
	return n;
}

static size_t render(const struct civic_address *a, enum pidf_form form, int64_t now, char *dst)
{
	const struct pidf_values v = {
	    .entity = SLICE("+12155550112@pbx.example.com"), .now = now, .id = "7f3c9a10d2e44b58"};
	static struct pidf_template t;
	ssize_t n;

	assert_int_equal(pidf_render(a, form, &t), 0);
	n = pidf_fill(&t, &v, dst, DOC_MAX - 1);
	assert_true(n > 0);
	dst[n] = '\0';
	return (size_t)n;
}

static void check_golden(const struct civic_address *a, enum pidf_form form, int64_t now,
			 const char *file)
{
	char got[DOC_MAX], want[DOC_MAX];
	size_t len = golden(file, want, sizeof(want));

	assert_int_equal(render(a, form, now, got), len);
	assert_string_equal(got, want);
}

static void test_golden(void **state)
{
	(void)state;
	check_golden(&camden, PIDF_RFC, 1767225600, "rfc.xml");
	check_golden(&market, PIDF_LEGACY, 1777201200, "legacy.xml"); /* 2026-04-26T11:00:00Z */
}

/* Text of the node at an XPath; fails where there is not exactly one. */
static void check_xpath(const char *name, xmlXPathContextPtr x, const char *path, const char *want)
{
	xmlXPathObjectPtr o = xmlXPathEvalExpression(BAD_CAST path, x);
	xmlChar *text;

	assert_non_null(o);
	if (!o->nodesetval || o->nodesetval->nodeNr != (want ? 1 : 0))
		fail_msg("%s: %s: %d nodes", name, path, o->nodesetval ? o->nodesetval->nodeNr : 0);
	if (want) {
		text = xmlNodeGetContent(o->nodesetval->nodeTab[0]);
		if (strcmp((char *)text, want))
			fail_msg("%s: %s is '%s'", name, path, (char *)text);
		xmlFree(text);
	}
	xmlXPathFreeObject(o);
}

static xmlXPathContextPtr xpath_new(xmlDocPtr doc)
{
	xmlXPathContextPtr x = xmlXPathNewContext(doc);

	assert_non_null(x);
	xmlXPathRegisterNs(x, BAD_CAST "p", BAD_CAST "urn:ietf:params:xml:ns:pidf");
	xmlXPathRegisterNs(x, BAD_CAST "gp", BAD_CAST "urn:ietf:params:xml:ns:pidf:geopriv10");
	xmlXPathRegisterNs(x, BAD_CAST "bp",
			   BAD_CAST "urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy");
	xmlXPathRegisterNs(x, BAD_CAST "ca",
			   BAD_CAST "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr");
	return x;
}

static xmlDocPtr parse(const char *text, size_t len)
{
	xmlDocPtr doc =
	    xmlReadMemory(text, (int)len, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOBLANKS);

	if (!doc)
		fail_msg("not well-formed: %s", text);
	return doc;
}

/* What the grammar says against a document is wanted in some tests, and no news. */
static void ignore(void *ctx, const char *fmt, ...)
{
	(void)ctx;
	(void)fmt;
}

static int validate(xmlDocPtr doc)
{
	xmlRelaxNGParserCtxtPtr pc;
	xmlRelaxNGValidCtxtPtr vc;
	xmlRelaxNGPtr rng;
	char path[512];
	int r;

	data_path("pidf-lo.rng", path, sizeof(path));
	pc = xmlRelaxNGNewParserCtxt(path);
	assert_non_null(pc);
	rng = xmlRelaxNGParse(pc);
	assert_non_null(rng);
	vc = xmlRelaxNGNewValidCtxt(rng);
	assert_non_null(vc);
	xmlRelaxNGSetValidErrors(vc, ignore, ignore, NULL);
	r = xmlRelaxNGValidateDoc(vc, doc);
	xmlRelaxNGFreeValidCtxt(vc);
	xmlRelaxNGFree(rng);
	xmlRelaxNGFreeParserCtxt(pc);
	return r;
}

#define GEOPRIV "/p:presence/p:tuple/p:status/gp:geopriv"
#define CIVIC GEOPRIV "/gp:location-info/ca:civicAddress"
#define RULES GEOPRIV "/gp:usage-rules"

static const struct {
	const char *path, *want;
} rfc_nodes[] = {
    {"/p:presence/@entity", "pres:+12155550112@pbx.example.com"},
    {"/p:presence/p:tuple/@id", "loc7f3c9a10d2e44b58"},
    {"/p:presence/p:tuple/p:timestamp", "2026-01-01T00:00:00Z"},
    {RULES "/bp:retransmission-allowed", "false"},
    {RULES "/bp:retention-expiry", "2026-01-02T00:00:00Z"},
    {GEOPRIV "/gp:method", "Manual"},
    /* the sequence of RFC 5139 s3 */
    {CIVIC "/ca:*[1][self::ca:country]", "US"},
    {CIVIC "/ca:*[2][self::ca:A1]", "NY"},
    {CIVIC "/ca:*[3][self::ca:A2]", "Kings"},
    {CIVIC "/ca:*[4][self::ca:A3]", "New York"},
    {CIVIC "/ca:*[5][self::ca:RD]", "Fifth Avenue"},
    {CIVIC "/ca:*[6][self::ca:HNO]", "350"},
    {CIVIC "/ca:*[7][self::ca:HNS]", "A"},
    {CIVIC "/ca:*[8][self::ca:LMK]", "By the clock"},
    {CIVIC "/ca:*[9][self::ca:FLR]", "4"},
    {CIVIC "/ca:*[10][self::ca:PC]", "10118"},
    {CIVIC "/ca:*[11][self::ca:BLD]", "East"},
    {CIVIC "/ca:*[12][self::ca:UNIT]", "4b"},
    {CIVIC "/ca:*[13][self::ca:ROOM]", "412"},
    {CIVIC "/ca:*[14]", NULL},
    {CIVIC "/ca:A6", NULL},
};

static void test_rfc_nodes(void **state)
{
	char text[DOC_MAX];
	size_t len = render(&full, PIDF_RFC, 1767225600, text);
	xmlDocPtr doc = parse(text, len);
	xmlXPathContextPtr x = xpath_new(doc);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rfc_nodes); i++)
		check_xpath("full", x, rfc_nodes[i].path, rfc_nodes[i].want);
	assert_int_equal(validate(doc), 0);
	xmlXPathFreeContext(x);
	xmlFreeDoc(doc);
}

/* Without layout it is the same document: what is left of both, parsed and written without blanks, is the same. */
static void test_compact(void **state)
{
	static const struct {
		const char *name;
		const struct civic_address *a;
		enum pidf_form form;
		size_t saved;
	} cases[] = {
		{"rfc", &camden, PIDF_RFC, 140},
		{"rfc, all fields", &full, PIDF_RFC, 160},
		{"legacy", &market, PIDF_LEGACY, 200},
	};
	struct pidf_values v = {
	    .entity = SLICE("+12155550112@pbx.example.com"), .now = 1767225600, .id = "7f3c9a10d2e44b58", .is_compact = true};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static struct pidf_template t;
		char text[DOC_MAX], dense[DOC_MAX];
		size_t len = render(cases[i].a, cases[i].form, v.now, text);
		xmlChar *was, *is;
		xmlDocPtr a, b;
		ssize_t n;

		assert_int_equal(pidf_render(cases[i].a, cases[i].form, &t), 0);
		n = pidf_fill(&t, &v, dense, sizeof(dense) - 1);
		assert_true(n > 0);
		dense[n] = '\0';
		if ((size_t)n + cases[i].saved > len || strpbrk(dense, "\r\n"))
			fail_msg("%s: %zd of %zu bytes\n%s", cases[i].name, n, len, dense);
		a = parse(text, len);
		b = parse(dense, (size_t)n);
		if (cases[i].form == PIDF_RFC)
			assert_int_equal(validate(b), 0);
		xmlDocDumpMemory(a, &was, NULL);
		xmlDocDumpMemory(b, &is, NULL);
		assert_string_equal(was, is);
		xmlFree(was);
		xmlFree(is);
		xmlFreeDoc(a);
		xmlFreeDoc(b);
	}
}

/* The grammar refuses what the RFCs refuse: else the test above says nothing. */
static void test_grammar(void **state)
{
	static const struct {
		const char *name, *from, *to;
	} cases[] = {
	    {"lower case country", ">US<", ">us<"},
	    {"no is not a boolean", ">false<", ">no<"},
	    {"id starts with a digit", "id=\"loc", "id=\"1oc"},
	    {"wrong civic namespace", "civicAddr\"", "civicLoc_\""},
	    {"no entity", "entity=", "xml:xx="},
	    {"street in A6", "RD>", "A6>"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[DOC_MAX], *q = text;
		size_t len = render(&full, PIDF_RFC, 1767225600, text);
		size_t n = strlen(cases[i].from), changed = 0;
		xmlDocPtr doc;

		while ((q = strstr(q, cases[i].from))) {
			size_t m = strlen(cases[i].to);

			memmove(q + m, q + n, strlen(q + n) + 1);
			memcpy(q, cases[i].to, m);
			len += m - n;
			q += m;
			changed++;
		}
		assert_true(changed);
		doc = parse(text, len);
		if (validate(doc) == 0)
			fail_msg("%s: accepted", cases[i].name);
		xmlFreeDoc(doc);
	}
}

static const struct {
	const char *name, *street, *rd, *hno, *hns;
} streets[] = {
    {"number", "1 Market Street", "Market Street", "1", NULL},
    {"number and letter", "101A Main Street", "Main Street", "101", "A"},
    {"small letter", "5b Rue X", "Rue X", "5", "b"},
    {"letter apart", "101 A Street", "A Street", "101", NULL},
    {"several blanks", "  12   High St", "High St", "12", NULL},
    {"no number", "Market Street", "Market Street", NULL, NULL},
    {"number alone", "101", "101", NULL, NULL},
    {"number and blank", "101 ", "101 ", NULL, NULL},
    {"ordinal", "1st Street", "1st Street", NULL, NULL},
    {"range", "12-14 High St", "12-14 High St", NULL, NULL},
    {"fraction", "12 1/2 High St", "1/2 High St", "12", NULL},
    {"number behind", "Bahnhofstrasse 1", "Bahnhofstrasse 1", NULL, NULL},
    {"UTF-8 after the number", "1\xc3\xbc Weg", "1\xc3\xbc Weg", NULL, NULL},
};

static void test_streets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(streets); i++) {
		struct civic_address a = market;
		char text[DOC_MAX];
		xmlXPathContextPtr x;
		xmlDocPtr doc;

		strcpy(a.street, streets[i].street);
		doc = parse(text, render(&a, PIDF_RFC, 0, text));
		x = xpath_new(doc);
		check_xpath(streets[i].name, x, CIVIC "/ca:RD", streets[i].rd);
		check_xpath(streets[i].name, x, CIVIC "/ca:HNO", streets[i].hno);
		check_xpath(streets[i].name, x, CIVIC "/ca:HNS", streets[i].hns);
		xmlXPathFreeContext(x);
		xmlFreeDoc(doc);
	}
}

/* Values that try to leave their element, or to look like a hole. */
static const char *const hostile[] = {
    "&",
    "<",
    ">",
    "\"",
    "'",
    "a & b <c> \"d\" 'e'",
    "]]>",
    "<!-- -->",
    "&amp;&#x41;",
    "</cl:RD></cl:civicAddress><x/>",
    "Z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x8f\xa0",
    "{timestamp}",
    "<timestamp>{timestamp}<",
    "\"pres:{entity}\"",
    "{id}\"",
    "c{id}",
    "<tuple id=\"loc{id}\"",
    "{expiry}",
    "<gbp:retention-expiry>{expiry}</",
    "{entity}",
    "<presence ",
    "a\" b",
    "%s%n",
};

static void test_hostile(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		static struct pidf_template t;
		struct civic_address a = full;
		char text[DOC_MAX];
		xmlXPathContextPtr x;
		xmlDocPtr doc;
		size_t len;

		strcpy(a.street, hostile[i]);
		strcpy(a.region, hostile[i]);
		strcpy(a.room, hostile[i]);
		len = render(&a, PIDF_RFC, 1767225600, text);
		doc = parse(text, len);
		x = xpath_new(doc);
		check_xpath(hostile[i], x, CIVIC "/ca:RD", hostile[i]);
		check_xpath(hostile[i], x, CIVIC "/ca:A1", hostile[i]);
		check_xpath(hostile[i], x, CIVIC "/ca:ROOM", hostile[i]);
		check_xpath(hostile[i], x, "/p:presence/p:tuple/@id", "loc7f3c9a10d2e44b58");
		check_xpath(hostile[i], x, "/p:presence/p:tuple/p:timestamp",
			    "2026-01-01T00:00:00Z");
		assert_int_equal(validate(doc), 0);
		xmlXPathFreeContext(x);
		xmlFreeDoc(doc);
		assert_int_equal(pidf_render(&a, PIDF_RFC, &t), 0);
		assert_int_equal(t.hole_cnt, 4);
		assert_int_equal(pidf_render(&a, PIDF_LEGACY, &t), 0);
		assert_int_equal(t.hole_cnt, 2);
	}
}

static void test_line_ends(void **state)
{
	char text[DOC_MAX];
	size_t len;

	(void)state;
	for (int form = PIDF_RFC; form <= PIDF_LEGACY; form++) {
		len = render(&full, form, 0, text);
		for (size_t i = 0; i < len; i++)
			if (text[i] == '\n')
				assert_true(i > 0 && text[i - 1] == '\r');
			else if (text[i] == '\r')
				assert_int_equal(text[i + 1], '\n');
		assert_string_equal(text + len - 13, "</presence>\r\n");
	}
}

static void test_refused(void **state)
{
	static struct pidf_template t, untouched;
	struct civic_address a;

	(void)state;
	memset(&t, 0x5a, sizeof(t));
	untouched = t;
	a = market;
	strcpy(a.city, "a\r\nb");
	assert_int_equal(pidf_render(&a, PIDF_RFC, &t), -EINVAL);
	a = market;
	strcpy(a.city, "\xff");
	assert_int_equal(pidf_render(&a, PIDF_RFC, &t), -EINVAL);
	a = market;
	a.street[0] = '\0';
	assert_int_equal(pidf_render(&a, PIDF_LEGACY, &t), -EINVAL);
	/* escaped, 128 quotes have 768 bytes */
	a = full;
	for (const char *const *k = civic_keys() + 1; *k; k++)
		memset(civic_field(&a, *k), '"', CIVIC_VALUE_MAX);
	assert_int_equal(pidf_render(&a, PIDF_RFC, &t), -E2BIG);
	assert_int_equal(pidf_render(&a, PIDF_LEGACY, &t), -E2BIG);
	assert_memory_equal(&t, &untouched, sizeof(t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden),  cmocka_unit_test(test_rfc_nodes),
	    cmocka_unit_test(test_compact), cmocka_unit_test(test_grammar), cmocka_unit_test(test_streets),
	    cmocka_unit_test(test_hostile), cmocka_unit_test(test_line_ends),
	    cmocka_unit_test(test_refused),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	xmlRelaxNGCleanupTypes();
	xmlCleanupParser();
	return r;
}

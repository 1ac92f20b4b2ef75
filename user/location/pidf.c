/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libxml2 writes the document with marks where the holes are; a copy of the text with CRLF line
 * ends, without the marks, is the template.  Marks are recognised together with the markup before
 * them, which the values of an address cannot contain: libxml2 escapes '<' and '"'.
 */
#include "location/pidf.h"

#include <errno.h>
#include <libxml/xmlwriter.h>

#include "base/cleanup.h"

#define NS_PIDF "urn:ietf:params:xml:ns:pidf"
#define NS_GP NS_PIDF ":geopriv10"
#define NS_BASIC NS_GP ":basicPolicy"
#define NS_CIVIC NS_GP ":civicAddr"

#define MARK_ENTITY "{entity}"
#define MARK_ID "{id}"
#define MARK_EXPIRY "{expiry}"
#define MARK_EXPIRY_1H "{expiry1h}"
#define MARK_TIMESTAMP "{timestamp}"

struct attr {
	const char *name, *value;
};

/* What the two forms do not share. */
static const struct form {
	const char *indent;	 /* per level */
	const char *root_indent; /* before each attribute of the root but the first, on lines of
				    their own */
	struct attr root[6];
	const char *tuple_id;
	const char *street;   /* RFC 5139 s3.2 wants RD; A6 was RFC 4119's place for it */
	struct attr rules[3]; /* elements of usage-rules */
	const char *method;   /* or NULL */
} forms[] = {
    [PIDF_RFC] =
	{
	    .indent = " ",
	    .root_indent = " ",
	    .root = {{"xmlns", NS_PIDF},
		     {"xmlns:gp", NS_GP},
		     {"xmlns:gbp", NS_BASIC},
		     {"xmlns:cl", NS_CIVIC},
		     {"entity", "pres:" MARK_ENTITY}},
	    .tuple_id = "loc" MARK_ID, /* an XML ID starts with a letter */
	    .street = "cl:RD",
	    .rules = {{"gbp:retransmission-allowed", "false"},
		      {"gbp:retention-expiry", MARK_EXPIRY}},
	    .method = "Manual",
	},
    [PIDF_LEGACY] =
	{
	    .indent = "  ",
	    .root_indent = "          ",
	    .root = {{"xmlns", NS_PIDF}, {"xmlns:gp", NS_GP}, {"xmlns:cl", NS_CIVIC}},
	    .tuple_id = "loc",
	    .street = "cl:A6",
	    .rules = {{"gp:retransmission-allowed", "no"},
		      {"gp:retention-expires", MARK_EXPIRY_1H}},
	},
};

/* Text before the hole (stays), the mark, text after it (is read again: it ends here or goes on).
 */
static const struct mark {
	const char *before, *text, *after;
	enum pidf_hole_kind kind;
} marks[] = {
    {"\"pres:", MARK_ENTITY, "\"", PIDF_HOLE_ENTITY},
    {"<tuple id=\"loc", MARK_ID, "\"", PIDF_HOLE_TUPLE_ID},
    {"<gbp:retention-expiry>", MARK_EXPIRY, "<", PIDF_HOLE_EXPIRY},
    {"<gp:retention-expires>", MARK_EXPIRY_1H, "<", PIDF_HOLE_EXPIRY_1H},
    {"<timestamp>", MARK_TIMESTAMP, "<", PIDF_HOLE_TIMESTAMP},
};

DEFINE_FREEP(xmlBufferPtr, xmlBufferFree)
DEFINE_FREEP(xmlTextWriterPtr, xmlFreeTextWriter)

/* The document as it is written; the one thing that can fail in between is memory. */
struct doc {
	xmlTextWriterPtr w;
	bool is_failed;
};

static void start(struct doc *d, const char *name)
{
	d->is_failed |= xmlTextWriterStartElement(d->w, BAD_CAST name) < 0;
}

static void end(struct doc *d)
{
	d->is_failed |= xmlTextWriterEndElement(d->w) < 0;
}

static void element(struct doc *d, const char *name, const char *value)
{
	if (*value)
		d->is_failed |= xmlTextWriterWriteElement(d->w, BAD_CAST name, BAD_CAST value) < 0;
}

static void attr(struct doc *d, const char *name, const char *value)
{
	d->is_failed |= xmlTextWriterWriteAttribute(d->w, BAD_CAST name, BAD_CAST value) < 0;
}

/* A street in pieces; hno and hns may be empty. */
struct street {
	char hno[CIVIC_VALUE_MAX + 1], hns[2];
	const char *name;
};

/* "101A Main Street" is 101, A and Main Street.  Anything else in front of a name is part of it. */
static void street_split(const char *text, struct street *ret)
{
	size_t digits, letter, blanks;

	text += strspn(text, " ");
	digits = strspn(text, "0123456789");
	letter = (text[digits] >= 'A' && text[digits] <= 'Z') ||
		 (text[digits] >= 'a' && text[digits] <= 'z');
	blanks = strspn(text + digits + letter, " ");
	*ret = (struct street){.name = text};
	if (!digits || !blanks || !text[digits + letter + blanks])
		return;
	memcpy(ret->hno, text, digits);
	memcpy(ret->hns, text + digits, letter);
	ret->name = text + digits + letter + blanks;
}

/* The schema of RFC 5139 s3 has a sequence: this order and no other. */
static void civic_write(struct doc *d, const struct civic_address *a, const struct form *f)
{
	struct street s;

	street_split(a->street, &s);
	start(d, "cl:civicAddress");
	element(d, "cl:country", a->country);
	element(d, "cl:A1", a->region);
	element(d, "cl:A2", a->county);
	element(d, "cl:A3", a->city);
	element(d, f->street, s.name);
	element(d, "cl:HNO", s.hno);
	element(d, "cl:HNS", s.hns);
	element(d, "cl:LMK", a->landmark);
	element(d, "cl:FLR", a->floor);
	element(d, "cl:PC", a->postal);
	element(d, "cl:BLD", a->building);
	element(d, "cl:UNIT", a->unit);
	element(d, "cl:ROOM", a->room);
	end(d);
}

static void geopriv_write(struct doc *d, const struct civic_address *a, const struct form *f)
{
	start(d, "gp:geopriv");
	start(d, "gp:location-info");
	civic_write(d, a, f);
	end(d);
	start(d, "gp:usage-rules");
	for (const struct attr *r = f->rules; r->name; r++)
		element(d, r->name, r->value);
	end(d);
	if (f->method)
		element(d, "gp:method", f->method);
	end(d);
}

static void presence_write(struct doc *d, const struct civic_address *a, const struct form *f)
{
	start(d, "presence");
	for (const struct attr *r = f->root; r->name; r++)
		attr(d, r->name, r->value);
	start(d, "tuple");
	attr(d, "id", f->tuple_id);
	start(d, "status");
	geopriv_write(d, a, f);
	end(d);
	element(d, "timestamp", MARK_TIMESTAMP);
	end(d);
	end(d);
}

static int document_write(xmlBufferPtr buf, const struct civic_address *a, const struct form *f)
{
	CLEANUP(xmlFreeTextWriterp) xmlTextWriterPtr w = xmlNewTextWriterMemory(buf, 0);
	struct doc d = {.w = w};

	if (!w)
		return -ENOMEM;
	xmlTextWriterSetIndent(w, 1);
	if (xmlTextWriterSetIndentString(w, BAD_CAST f->indent) < 0 ||
	    xmlTextWriterStartDocument(w, "1.0", "UTF-8", NULL) < 0)
		return -ENOMEM;
	presence_write(&d, a, f);
	if (d.is_failed || xmlTextWriterEndDocument(w) < 0 || xmlTextWriterFlush(w) < 0)
		return -ENOMEM;
	return 0;
}

static int put(struct pidf_template *t, const char *p, size_t len)
{
	if (len > sizeof(t->text) - t->len)
		return -E2BIG;
	memcpy(t->text + t->len, p, len);
	t->len += (uint32_t)len;
	return 0;
}

static bool skip(const char **p, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(*p, text, n))
		return false;
	*p += n;
	return true;
}

static const struct mark *mark_at(const char *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		const char *q = p;

		if (skip(&q, marks[i].before) && skip(&q, marks[i].text) &&
		    skip(&q, marks[i].after))
			return &marks[i];
	}
	return NULL;
}

/* Return: bytes of the document that are done, or -E2BIG. */
static ssize_t hole_put(struct pidf_template *t, const struct mark *m)
{
	if (t->hole_cnt == PIDF_HOLES_MAX || put(t, m->before, strlen(m->before)) < 0)
		return -E2BIG;
	t->holes[t->hole_cnt++] =
	    (struct pidf_hole){.off = (uint16_t)t->len, .kind = (uint16_t)m->kind};
	return (ssize_t)(strlen(m->before) + strlen(m->text));
}

/* One step of the copy.  Return: bytes of @p that are done, or -E2BIG. */
static ssize_t step(struct pidf_template *t, const struct form *f, const char *p, bool in_root)
{
	const struct mark *m = mark_at(p);
	int r;

	if (m)
		return hole_put(t, m);
	if (*p == '\n') {
		r = put(t, "\r\n", 2);
	} else if (in_root && !strncmp(p, "\" ", 2)) {
		r = put(t, "\"\r\n", 3);
		if (r == 0)
			r = put(t, f->root_indent, strlen(f->root_indent));
		return r < 0 ? r : 2;
	} else {
		r = put(t, p, 1);
	}
	return r < 0 ? r : 1;
}

static int template_make(struct pidf_template *t, const struct form *f, const char *text)
{
	const char *root = text ? strstr(text, "<presence ") : NULL;
	const char *root_end = root ? strchr(root, '>') : NULL;
	ssize_t n;

	if (!root_end)
		return -ENOMEM;
	for (const char *p = text; *p; p += n) {
		n = step(t, f, p, p > root && p < root_end);
		if (n < 0)
			return (int)n;
	}
	return 0;
}

int pidf_render(const struct civic_address *a, enum pidf_form form, struct pidf_template *ret)
{
	CLEANUP(xmlBufferFreep) xmlBufferPtr buf = xmlBufferCreate();
	CLEANUP(freep) struct pidf_template *t = calloc(1, sizeof(*t));
	struct civic_address checked = *a;
	const char *key, *fault;
	int r;

	if (!buf || !t)
		return -ENOMEM;
	if (civic_check(&checked, &key, &fault) < 0)
		return -EINVAL;
	if ((r = document_write(buf, &checked, &forms[form])) < 0 ||
	    (r = template_make(t, &forms[form], (const char *)xmlBufferContent(buf))) < 0)
		return r;
	*ret = *t;
	return 0;
}

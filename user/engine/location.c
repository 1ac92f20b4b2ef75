/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * location - PIDF-LO into the body, Geolocation rows into the header (RFC 6442, RFC 5621).
 *
 * What may change: Content-Type (replaced), the other rows that describe the body (moved into its
 * part), Content-Length, and bytes added around the body.  The body's own bytes stay.
 */
#include "engine/call.h"

#include "location/template.h"
#include "sip/multipart.h"

#define ID_LEN 16 /* hex digits: 64 random bits, unique world-wide with the domain */

struct place {
	char id[ID_LEN + 1];
	struct slice domain;
	bool is_compact;
	struct slice pidf; /* the finished document */
	size_t new_body_len;
};

static void make_id(struct call *c, char dst[ID_LEN + 1])
{
	static const char hex[] = "0123456789abcdef";
	uint8_t r[ID_LEN / 2];

	c->env->random(c->env->random_ctx, r, sizeof(r));
	for (unsigned i = 0; i < sizeof(r); i++) {
		dst[2 * i] = hex[r[i] >> 4];
		dst[2 * i + 1] = hex[r[i] & 15];
	}
	dst[ID_LEN] = '\0';
}

/* Who is there: the number that is signed, unless the call hides it. */
static struct slice entity(struct call *c, const struct place *pl)
{
	struct text t = text_begin(c->e);

	if (c->is_restricted)
		return SLICE("anonymous@anonymous.invalid");
	if (c->out->orig.len) {
		text_puts(&t, "+");
		text_put(&t, tn_slice(&c->out->orig));
	} else {
		text_puts(&t, "loc.");
		text_puts(&t, pl->id);
	}
	text_puts(&t, "@");
	text_put(&t, pl->domain);
	return text_end(&t);
}

static bool make_pidf(struct call *c, const struct pidf_template *tpl, struct place *pl)
{
	struct pidf_values v = { .entity = entity(c, pl), .now = c->env->now_ms / 1000, .is_compact = pl->is_compact };
	struct text t = text_begin(c->e);
	size_t cap;
	char *room = text_room(&t, &cap);

	memcpy(v.id, pl->id, sizeof(v.id));
	text_grow(&t, pidf_fill(tpl, &v, room, cap));
	pl->pidf = text_end(&t);
	return pl->pidf.p != NULL;
}

static void put_cid(struct text *t, const struct place *pl)
{
	text_puts(t, "<");
	text_puts(t, "loc.");
	text_puts(t, pl->id);
	text_puts(t, "@");
	text_put(t, pl->domain);
	text_puts(t, ">");
}

/* The part with its headers, from the CRLF before the delimiter to the last byte of the document.
 * The disposition keeps phones that do not know PIDF-LO from answering 415 (RFC 5621 s9.4). */
static void put_part(struct text *t, struct slice boundary, const struct place *pl)
{
	text_puts(t, "--");
	text_put(t, boundary);
	text_puts(t, "\r\nContent-Type: application/pidf+xml\r\nContent-ID: ");
	put_cid(t, pl);
	text_puts(t, "\r\nContent-Disposition: by-reference;handling=optional\r\n\r\n");
	text_put(t, pl->pidf);
}

static void body_edit(struct call *c, struct place *pl, size_t off, size_t del, struct slice text)
{
	call_edit(c, off, del, text);
	pl->new_body_len += text.len;
	pl->new_body_len -= del;
}

static bool is_pidf_part(const struct multipart_part *part)
{
	struct slice type = multipart_header(part, SLICE("Content-Type"));
	struct sip_media_type mt;

	return type.p && sip_media_type_parse(type, &mt) == 0 &&
	       sip_media_type_is(&mt, "application", "pidf+xml");
}

static bool has_pidf_part(const struct multipart *mp)
{
	for (unsigned i = 0; i < mp->part_cnt; i++)
		if (is_pidf_part(&mp->parts[i]))
			return true;
	return false;
}

/* existing: replace - location parts of others go. */
static void drop_pidf_parts(struct call *c, struct place *pl, const struct multipart *mp)
{
	for (unsigned i = 0; i < mp->part_cnt; i++)
		if (is_pidf_part(&mp->parts[i]))
			body_edit(c, pl, sip_offset(&c->e->msg, mp->parts[i].whole),
				  mp->parts[i].whole.len, SLICE(""));
}

/* A location in the call stays where the trunk says so and none was set for this very call, and in
 * every emergency call. */
static bool keeps_existing(const struct call *c)
{
	return (c->trunk->geo_existing == GEO_KEEP && !c->is_override) || c->is_emergency;
}

/* One more part in a multipart/mixed that is there.  Return: what to note. */
static uint32_t extend_body(struct call *c, struct place *pl, const struct sip_media_type *mt)
{
	const struct sip_message *m = &c->e->msg;
	struct text t = text_begin(c->e);
	struct multipart mp;
	struct slice boundary;

	if (multipart_boundary(mt, &boundary) < 0 || multipart_parse(m->body, boundary, &mp) < 0 ||
	    multipart_collides(pl->pidf, boundary))
		return EVENT_NOTE_LOCATION_BODY;
	if (keeps_existing(c) && has_pidf_part(&mp))
		return EVENT_NOTE_LOCATION_PRESENT;
	drop_pidf_parts(c, pl, &mp);
	text_puts(&t, "\r\n");
	put_part(&t, boundary, pl);
	body_edit(c, pl, sip_offset(m, m->body) + mp.close_off, 0, text_end(&t));
	return EVENT_NOTE_LOCATION;
}

/* Rows that describe the body move into its part; Content-Encoding never gets here. */
static void move_body_rows(struct call *c, struct text *t)
{
	static const enum sip_header kinds[] = { SIP_H_CONTENT_DISPOSITION, SIP_H_CONTENT_LANGUAGE,
						 SIP_H_CONTENT_ID };
	const struct sip_message *m = &c->e->msg;

	for (unsigned i = 0; i < 3; i++) {
		const struct sip_row *row = sip_message_first(m, kinds[i]);

		for (; row; row = sip_message_next(m, row))
			text_put(t, row->line);
		call_remove(c, kinds[i]);
	}
}

static void put_type_row(struct call *c, const char *boundary)
{
	const struct sip_row *row = sip_message_first(&c->e->msg, SIP_H_CONTENT_TYPE);
	struct text t = text_begin(c->e);

	text_puts(&t, "Content-Type: multipart/mixed;boundary=\"");
	text_puts(&t, boundary);
	text_puts(&t, "\"\r\n");
	if (row)
		call_edit(c, sip_offset(&c->e->msg, row->line), row->line.len, text_end(&t));
	else
		call_add_row(c, text_end(&t));
}

/* The whole body becomes the first part of a new multipart/mixed; no body: the PIDF-LO is the only
 * one. Return: what to note. */
static uint32_t wrap_body(struct call *c, struct place *pl)
{
	const struct sip_message *m = &c->e->msg;
	const struct sip_row *type = sip_message_first(m, SIP_H_CONTENT_TYPE);
	size_t body_off = (size_t)(m->body.p - m->raw.p);
	char boundary[8 + ID_LEN + 1] = "sipseal-";
	struct text t;

	memcpy(boundary + 8, pl->id, sizeof(pl->id));
	/* 64 random bits: a collision is somebody's trick, and then the location stays away */
	if (multipart_collides(m->body, slice_str(boundary)))
		return EVENT_NOTE_LOCATION_BODY;
	put_type_row(c, boundary);
	t = text_begin(c->e);
	if (m->body.len) {
		text_puts(&t, "--");
		text_puts(&t, boundary);
		text_puts(&t, "\r\nContent-Type: ");
		text_put(&t, type->value);
		text_puts(&t, "\r\n");
		move_body_rows(c, &t);
		text_puts(&t, "\r\n");
		body_edit(c, pl, body_off, 0, text_end(&t));
		t = text_begin(c->e);
		text_puts(&t, "\r\n");
	}
	put_part(&t, slice_str(boundary), pl);
	text_puts(&t, "\r\n--");
	text_puts(&t, boundary);
	text_puts(&t, "--\r\n");
	body_edit(c, pl, body_off + m->body.len, 0, text_end(&t));
	return EVENT_NOTE_LOCATION;
}

static void put_content_length(struct call *c, size_t len)
{
	const struct sip_row *row = sip_message_first(&c->e->msg, SIP_H_CONTENT_LENGTH);
	struct text t = text_begin(c->e);

	if (row) {
		text_put_number(&t, len);
		call_edit(c, sip_offset(&c->e->msg, row->value), row->value.len, text_end(&t));
		return;
	}
	text_puts(&t, "Content-Length: ");
	text_put_number(&t, len);
	text_puts(&t, "\r\n");
	call_add_row(c, text_end(&t));
}

static void add_geolocation(struct call *c, const struct place *pl)
{
	struct text t = text_begin(c->e);

	text_puts(&t, "Geolocation: <cid:loc.");
	text_puts(&t, pl->id);
	text_puts(&t, "@");
	text_put(&t, pl->domain);
	text_puts(&t, ">\r\n");
	/* a received routing row is the rule maker's and stays (RFC 6442 s4.2) */
	if (c->trunk->geo_routing == GEO_ROUTING_EMERGENCY &&
	    !c->e->msg.count[SIP_H_GEOLOCATION_ROUTING])
		text_puts(&t, "Geolocation-Routing: yes\r\n");
	call_add_row(c, text_end(&t));
}

/* What was set for this call, else the trunk's; NULL: no location. */
static const struct pidf_template *choose(struct call *c)
{
	const struct engine_env *env = c->env;
	const struct pidf_template *tpl = NULL;

	if (env->override)
		tpl = env->override(env->override_ctx, c->out->call_id, tn_slice(&c->calling));
	if (tpl) {
		c->is_override = true;
		c->out->notes |= EVENT_NOTE_OVERRIDE;
		return tpl;
	}
	if (!c->trunk->has_location || (c->trunk->geo_attach == GEO_EMERGENCY && !c->is_emergency))
		return NULL;
	return policy_table(c->in->policy, c->trunk->location, 1, sizeof(*tpl));
}

static bool is_possible(struct call *c)
{
	if (c->e->msg.count[SIP_H_GEOLOCATION] && keeps_existing(c)) {
		c->out->notes |= EVENT_NOTE_LOCATION_PRESENT;
		return false;
	}
	if (location_body_is_protected(&c->e->msg)) {
		c->out->notes |= EVENT_NOTE_LOCATION_AUTHINT;
		return false;
	}
	return true;
}

/* The domain of the cid and the entity: what needs no escape in a URI (RFC 2392 s2) or in XML. */
static struct slice place_domain(const struct call *c)
{
	struct slice d = call_domain(c);

	return d.p && d.p[0] != '[' ? d : SLICE("anonymous.invalid");
}

/* Return: what to note. */
static uint32_t attach(struct call *c, const struct pidf_template *tpl, bool is_compact)
{
	const struct sip_message *m = &c->e->msg;
	struct place pl = { .domain = place_domain(c), .is_compact = is_compact, .new_body_len = m->body.len };
	struct sip_media_type mt = { 0 };
	uint32_t note;

	if (!location_body_is_ours(m, &mt))
		return EVENT_NOTE_LOCATION_BODY;
	if (m->body.len && keeps_existing(c) && sip_media_type_is(&mt, "application", "pidf+xml"))
		return EVENT_NOTE_LOCATION_PRESENT;
	make_id(c, pl.id);
	if (!make_pidf(c, tpl, &pl))
		return EVENT_NOTE_LOCATION_SIZE;
	if (m->body.len && sip_media_type_is(&mt, "multipart", "mixed"))
		note = extend_body(c, &pl, &mt);
	else
		note = wrap_body(c, &pl);
	if (note != EVENT_NOTE_LOCATION)
		return note;
	call_remove(c, SIP_H_GEOLOCATION);
	add_geolocation(c, &pl);
	put_content_length(c, pl.new_body_len);
	return note;
}

/* What the call was before its location was tried. */
struct before {
	unsigned edit_cnt;
	size_t arena_len;
};

static void go_back(struct call *c, const struct before *b)
{
	c->e->edits.cnt = b->edit_cnt;
	c->e->arena_len = b->arena_len;
	c->has_failed = false;
}

/* Return: EVENT_NOTE_LOCATION: it is in the edits, and fits or @c is an emergency call; _SIZE: it may do with
 * less; else why not. */
static uint32_t try_form(struct call *c, const struct pidf_template *tpl, bool is_compact)
{
	uint32_t note = attach(c, tpl, is_compact);

	if (c->has_failed)
		return EVENT_NOTE_LOCATION_SIZE; /* over the arena */
	if (note == EVENT_NOTE_LOCATION && !call_fits(c) && !(is_compact && c->is_emergency))
		return EVENT_NOTE_LOCATION_SIZE;
	return note;
}

void location_edit(struct call *c)
{
	const struct pidf_template *tpl = c->has_failed ? NULL : choose(c);
	struct before b = { c->e->edits.cnt, c->e->arena_len };
	uint32_t note;

	if (!tpl || !is_possible(c))
		return;
	note = try_form(c, tpl, false);
	if (note == EVENT_NOTE_LOCATION_SIZE) {
		go_back(c, &b);
		note = try_form(c, tpl, true);
		if (note == EVENT_NOTE_LOCATION)
			c->out->shed |= ENGINE_SHED_COMPACT;
		else if (!c->is_emergency)
			c->out->shed |= ENGINE_SHED_LOCATION;
	}
	/* all or nothing: the call itself is signed without its location rather than not at all */
	if (note != EVENT_NOTE_LOCATION)
		go_back(c, &b);
	c->out->notes |= note;
}

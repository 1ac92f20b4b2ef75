/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <time.h>

#include "base/reason.h"
#include "daemon/callevents_internal.h"

#define TIME_LEN 32
#define ADDR_LEN (INET6_ADDRSTRLEN + sizeof("[]:65535"))

/* The escape of the header: what is left is printable ASCII, and nothing is ambiguous. */
static json_t *json_text(const char *p, size_t len)
{
	CLEANUP(freep) char *s = len ? malloc(4 * len + 1) : NULL;
	char *q = s;

	if (!len)
		return json_null();
	if (!s)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\\')
			q += sprintf(q, "\\\\");
		else if (c >= 0x20 && c <= 0x7e)
			*q++ = (char)c;
		else
			q += sprintf(q, "\\x%02x", c);
	}
	*q = '\0';
	return json_string(s);
}

static json_t *json_word(const char *word)
{
	return word ? json_text(word, strlen(word)) : json_null();
}

json_t *callevent_time(uint64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char date[TIME_LEN], text[TIME_LEN + 8];
	struct tm tm;

	if (!gmtime_r(&s, &tm) || !strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm))
		return json_null();
	snprintf(text, sizeof(text), "%s.%03uZ", date, (unsigned)(ms % 1000));
	return json_string(text);
}

static json_t *json_addr(const struct event_record *r, const uint8_t addr[16], uint16_t port)
{
	char host[INET6_ADDRSTRLEN] = "", text[ADDR_LEN];

	if (r->flags & EVENT_V6) {
		inet_ntop(AF_INET6, addr, host, sizeof(host));
		snprintf(text, sizeof(text), "[%s]:%u", host, port);
	} else {
		inet_ntop(AF_INET, addr + 12, host, sizeof(host));
		snprintf(text, sizeof(text), "%s:%u", host, port);
	}
	return json_string(text);
}

static bool is_inbound(const struct event_record *r)
{
	return r->flags & EVENT_INBOUND;
}

/* Outbound, a call that did not leave is REJECTED, whether it was answered or not.  Inbound it is what the
 * verification found, whatever became of it. */
static const char *status_word(const struct event_record *r, uint8_t verdict)
{
	static const char *const words[] = { [EVENT_PASS] = "UNSIGNED",
					     [EVENT_SIGN] = "SIGNED",
					     [EVENT_REJECT] = "REJECTED",
					     [EVENT_DROP] = "REJECTED" };

	if (is_inbound(r))
		return event_stir_word(r->stir ? r->stir : event_stir_of(r->decided_reason));
	return words[verdict];
}

/* Of the signature that was made, or that is in the call. */
static json_t *json_x5u(const struct callevent *c)
{
	return is_inbound(&c->r) ? json_text(c->r.x5u, c->r.x5u_len) : json_word(c->x5u);
}

static json_t *json_attest(char attest)
{
	return attest ? json_text(&attest, 1) : json_null();
}

/* Return: -1 without memory; @value is given away. */
static int put(json_t *j, const char *key, json_t *value)
{
	return json_object_set_new(j, key, value);
}

/* Keys that are only there when they say something. */
static int put_word(json_t *j, const char *key, const char *word)
{
	return word ? put(j, key, json_word(word)) : 0;
}

static int put_true(json_t *j, const char *key, bool is_true)
{
	return is_true ? put(j, key, json_true()) : 0;
}

static bool is_observed(const struct event_record *r)
{
	return r->reason == SR_OBSERVE || r->notes & EVENT_NOTE_OBSERVE;
}

/* What was left out to fit: a list, only where there is something. */
static int put_shed(json_t *j, uint32_t notes)
{
	json_t *list;

	if (!(notes & EVENT_NOTES_SHED))
		return 0;
	list = json_array();
	for (unsigned i = 0; i < EVENT_SHED_CNT; i++)
		if (event_shed(notes, i))
			json_array_append_new(list, json_word(event_shed(notes, i)));
	return put(j, "shed", list);
}

/* What was decided about the call.  In mode observe that stands under `observed`, for nothing
 * of it was done. */
static int put_decision(json_t *j, const struct callevent *c)
{
	const struct event_record *r = &c->r;
	const char *why = is_inbound(r) ? NULL :
					  event_attest_why(r->attest, r->decided_reason, r->notes);

	if (put_word(j, "attest_why", why) < 0 ||
	    put_word(j, "location", event_location(r->notes)) < 0 || put_shed(j, r->notes) < 0)
		return -1;
	if (r->decided_verdict == EVENT_REJECT && r->code)
		return put(j, "response", json_integer(r->code));
	return 0;
}

static json_t *json_observed(const struct callevent *c)
{
	const struct event_record *r = &c->r;
	json_t *j = json_pack(
		"{s:s, s:s, s:o, s:o, s:o}", "status", status_word(r, r->decided_verdict), "reason",
		reason_token(r->decided_reason), "attest", json_attest(r->attest), "origid",
		json_text(r->origid, r->origid_len), "x5u", json_x5u(c));

	if (j && put_decision(j, c) < 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

static int put_inbound(json_t *j, const struct event_record *r)
{
	if (!is_inbound(r))
		return 0;
	if (put(j, "spc", json_text(r->spc, strlen(r->spc))) < 0 ||
	    put_true(j, "waited", r->notes & EVENT_NOTE_WAITED) < 0 ||
	    put_true(j, "diverted", r->notes & EVENT_NOTE_DIVERTED) < 0 ||
	    put_true(j, "callback", r->notes & EVENT_NOTE_CALLBACK) < 0 ||
	    put_true(j, "pai_removed", r->notes & EVENT_NOTE_PAI_REMOVED) < 0)
		return -1;
	return put_true(j, "x5u_cut", r->flags & EVENT_X5U_CUT);
}

static int put_extras(json_t *j, const struct callevent *c)
{
	const struct event_record *r = &c->r;

	if (is_observed(r) ? put(j, "observed", json_observed(c)) < 0 : put_decision(j, c) < 0)
		return -1;
	if (put_inbound(j, r) < 0)
		return -1;
	if (r->override_seq && put(j, "override", json_integer((json_int_t)r->override_seq)) < 0)
		return -1;
	if (put_true(j, "emergency", r->notes & EVENT_NOTE_EMERGENCY) < 0 ||
	    put_true(j, "restricted", r->notes & EVENT_NOTE_RESTRICTED) < 0)
		return -1;
	return put_true(j, "call_id_cut", r->flags & EVENT_CALL_ID_CUT);
}

json_t *callevent_json(const struct callevent *c)
{
	const struct event_record *r = &c->r;
	bool has_identity = is_inbound(r) || r->verdict == EVENT_SIGN;
	/* clang-format off */
	json_t *j = json_pack("{s:o, s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}",
			      "time", callevent_time(r->time_ms),
			      "direction", is_inbound(r) ? "inbound" : "outbound",
			      "trunk", json_text(c->trunk, strlen(c->trunk)),
			      "call_id", json_text(r->call_id, r->call_id_len),
			      "status", status_word(r, r->verdict),
			      "reason", reason_token(r->reason),
			      "attest", json_attest(has_identity ? r->attest : 0),
			      "orig", json_text(r->orig, r->orig_len),
			      "dest", json_text(r->dest, r->dest_len),
			      "origid", json_text(r->origid, has_identity ? r->origid_len : 0),
			      "x5u", has_identity ? json_x5u(c) : json_null(),
			      "source", json_addr(r, r->src, r->src_port),
			      "destination", json_addr(r, r->dst, r->dst_port),
			      "latency_us", (json_int_t)r->latency_us,
			      "generation", (json_int_t)r->generation);
	/* clang-format on */

	if (j && put_extras(j, c) < 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

char *callevent_line(const struct callevent *c, size_t *ret_len)
{
	json_t *j = callevent_json(c);
	CLEANUP(freep) char *s = j ? json_dumps(j, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	size_t len = s ? strlen(s) : 0;
	char *line = s ? realloc(s, len + 2) : NULL;

	json_decref(j);
	if (!line)
		return NULL;
	s = NULL;
	line[len] = '\n';
	line[len + 1] = '\0';
	*ret_len = len + 1;
	return line;
}

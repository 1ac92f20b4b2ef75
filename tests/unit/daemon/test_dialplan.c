/* SPDX-License-Identifier: BSD-2-Clause */
/* Overrides from the request to what the signer finds, with the signer's own look-up. */
#include "daemon/events_world.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"

struct dial_world {
	struct world *w;
	const struct override_region *region; /* the signer's mapping */
	uint64_t len;
};

static int setup(void **state)
{
	struct dial_world *v = calloc(1, sizeof(*v));
	int fd;

	world_setup((void **)&v->w);
	assert_int_equal(dialplan_new(&v->w->d, &v->w->d.dialplan), 0);
	fd = dialplan_fd(v->w->d.dialplan, &v->len);
	v->region = mmap(NULL, v->len, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(v->region != MAP_FAILED);
	*state = v;
	return 0;
}

static int teardown(void **state)
{
	struct dial_world *v = *state;

	munmap((void *)v->region, v->len);
	dialplan_free(v->w->d.dialplan);
	world_teardown((void **)&v->w);
	free(v);
	return 0;
}

/* Return: code of the fault, or NULL; the answer, if wanted, in *ret. */
static const char *execute(struct dial_world *v, const char *text, json_t **ret)
{
	json_t *request = json_loads(text, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL),
	       *answer = NULL;
	struct fault f = { 0 };
	const char *code;
	int r;

	assert_non_null(request);
	r = dialplan_execute(v->w->d.dialplan, request, &answer, &f);
	assert_int_equal(r, f.code ? -EINVAL : 0);
	assert_int_equal(!!answer, !f.code);
	code = f.code;
	json_decref(request);
	if (ret)
		*ret = answer;
	else
		json_decref(answer);
	fault_done(&f);
	return code;
}

#define CIVIC(city)                                                                                \
	"{\"country\":\"us\",\"region\":\"NY\",\"city\":\"" city                                   \
	"\",\"street\":\"350 Fifth Avenue\"}"
#define ARGS(city)                                                                                 \
	"\"action\":\"ANSWER\",\"app_args\":{\"geolocation\":{\"civic_address\":" CIVIC(city) "}}"
#define CALL(id) "{\"call_id\":\"" id "\"," ARGS("New York") "}"

static void set_ok(struct dial_world *v, const char *text)
{
	const char *code = execute(v, text, NULL);

	if (code)
		fail_msg("%s: %s", text, code);
}

static bool find(struct dial_world *v, enum override_kind kind, const char *key,
		 struct override_hit *ret)
{
	return override_find(v->region, v->w->signer->override_used, kind, slice_str(key),
			     clock_mono_ns(), ret);
}

static bool has_text(const struct override_hit *h, const char *text)
{
	return memmem(h->location.text, h->location.len, text, strlen(text)) != NULL;
}

static void test_call(void **state)
{
	struct dial_world *v = *state;
	struct override_hit h;
	json_t *answer;
	const char *call_id, *expires;
	json_int_t id;

	assert_int_equal(dialplan_turn(v->w->d.dialplan), -1);
	assert_null(execute(v, CALL("a@pbx"), &answer));
	assert_int_equal(json_unpack(answer, "{s:s, s:s, s:I !}", "call_id", &call_id, "expires",
				     &expires, "id", &id),
			 0);
	assert_string_equal(call_id, "a@pbx");
	assert_int_equal(strlen(expires), strlen("2026-01-01T00:00:00.123Z"));
	assert_int_equal(dialplan_cnt(v->w->d.dialplan), 1);
	assert_in_range(dialplan_turn(v->w->d.dialplan), 1, 1000);

	assert_false(find(v, OVERRIDE_CALL_ID, "b@pbx", &h));
	assert_false(find(v, OVERRIDE_CALLING, "a@pbx", &h));
	assert_true(find(v, OVERRIDE_CALL_ID, "a@pbx", &h));
	assert_int_equal(h.seq, id);
	assert_true(has_text(&h, "<cl:country>US</cl:country>"));
	assert_true(has_text(&h, "<cl:A3>New York</cl:A3>"));
	assert_true(has_text(&h, "<cl:RD>Fifth Avenue</cl:RD>")); /* the form of RFC 5139 */
	assert_false(find(v, OVERRIDE_CALL_ID, "a@pbx", &h));	  /* once */
	assert_int_equal(dialplan_turn(v->w->d.dialplan), -1);
	assert_int_equal(dialplan_cnt(v->w->d.dialplan), 0);
	assert_int_equal(v->region->cnt, 0);
	assert_int_equal(v->region->entries[h.index].seq, 0);
	json_decref(answer);
}

static void test_number(void **state)
{
	struct dial_world *v = *state;
	struct override_hit h;
	json_t *answer;

	assert_null(execute(
		v,
		"{\"calling_number\":\"+1 (212) 555-0100\",\"lifetime_s\":1," ARGS("New York") "}",
		&answer));
	assert_string_equal(json_string_value(json_object_get(answer, "calling_number")),
			    "+12125550100");
	json_decref(answer);
	for (unsigned i = 0; i < 3; i++) { /* as often as it calls */
		assert_true(find(v, OVERRIDE_CALLING, "12125550100", &h));
		assert_in_range(dialplan_turn(v->w->d.dialplan), 1, 1000);
	}
	usleep(1050 * 1000);
	assert_false(find(v, OVERRIDE_CALLING, "12125550100", &h));
	assert_int_equal(dialplan_turn(v->w->d.dialplan), -1);
	assert_int_equal(dialplan_cnt(v->w->d.dialplan), 0);
}

static void test_args_as_text(void **state)
{
	struct dial_world *v = *state;
	struct override_hit h;

	set_ok(v, "{\"call_id\":\"t\",\"action\":\"ANSWER\",\"app_args\":\"{\\\"geolocation\\\":{"
		  "\\\"civic_address\\\":"
		  "{\\\"country\\\":\\\"US\\\",\\\"region\\\":\\\"CA\\\",\\\"city\\\":\\\"x\\\","
		  "\\\"street\\\":\\\"1 Market "
		  "Street\\\",\\\"postal\\\":94105}}}\"}");
	assert_true(find(v, OVERRIDE_CALL_ID, "t", &h));
	assert_true(has_text(&h, "<cl:PC>94105</cl:PC>"));
}

#define GEO "app_args.geolocation"
#define X128                                                                                       \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                         \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define AMP                                                                                        \
	"&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&" \
	"&&&&&&&&&&&&&&&&&&&&"
#define ANSWER "\"action\":\"ANSWER\""
#define WITH(civic)                                                                                \
	"{\"call_id\":\"c\"," ANSWER ",\"app_args\":{\"geolocation\":{\"civic_address\":" civic    \
	"}}}"
#define TEXT_ARGS(text) "{\"call_id\":\"c\"," ANSWER ",\"app_args\":\"" text "\"}"

static const struct {
	const char *name, *request;
	const char *key, *text; /* of the first error; a part of its text */
	unsigned errors;
} refused[] = {
	{ "a list", "[]", "", "is a list", 1 },
	{ "nothing", "{}", "call_id", "is missing, allowed: call_id or calling_number", 3 },
	{ "both", "{\"call_id\":\"a\",\"calling_number\":\"+12125550100\"," ARGS("x") "}",
	  "calling_number", "beside call_id", 1 },
	{ "unknown key", "{\"call_id\":\"a\",\"callid\":1," ARGS("x") "}", "callid",
	  "unknown key, allowed: call_id, calling_number, action, app_args, lifetime_s", 1 },
	{ "Call-ID is a number", "{\"call_id\":5," ARGS("x") "}", "call_id", "is a number", 1 },
	{ "Call-ID is empty", "{\"call_id\":\"\"," ARGS("x") "}", "call_id", "is empty", 1 },
	{ "Call-ID with a blank", "{\"call_id\":\"a b\"," ARGS("x") "}", "call_id",
	  "other characters", 1 },
	{ "Call-ID with NUL", "{\"call_id\":\"a\\u0000\"," ARGS("x") "}", "call_id",
	  "other characters", 1 },
	{ "Call-ID of 257", "{\"call_id\":\"" X128 X128 "x\"," ARGS("x") "}", "call_id", "too long",
	  1 },
	{ "national number", "{\"calling_number\":\"2125550100\"," ARGS("x") "}", "calling_number",
	  "has no '+'", 1 },
	{ "no NANP number", "{\"calling_number\":\"+11125550100\"," ARGS("x") "}", "calling_number",
	  "E.164", 1 },
	{ "number with parameters", "{\"calling_number\":\"+12125550100;x=y\"," ARGS("x") "}",
	  "calling_number", "is no number, allowed: an E.164", 1 },
	{ "number with NUL", "{\"calling_number\":\"+12125550100\\u0000\"," ARGS("x") "}",
	  "calling_number", "is no number", 1 },
	{ "number is null", "{\"calling_number\":null," ARGS("x") "}", "calling_number",
	  "has no value", 1 },
	{ "other action",
	  "{\"call_id\":\"c\",\"action\":\"answer\",\"app_args\":{\"geolocation\":{\"civic_"
	  "address\":" CIVIC("x") "}}}",
	  "action", "\"answer\" is not allowed, allowed: ANSWER", 1 },
	{ "no action",
	  "{\"call_id\":\"c\",\"app_args\":{\"geolocation\":{\"civic_address\":" CIVIC("x") "}}}",
	  "action", "is missing", 1 },
	{ "lifetime zero", "{\"call_id\":\"c\",\"lifetime_s\":0," ARGS("x") "}", "lifetime_s",
	  "is out of range", 1 },
	{ "lifetime too long", "{\"call_id\":\"c\",\"lifetime_s\":86401," ARGS("x") "}",
	  "lifetime_s", "1 to 86400", 1 },
	{ "lifetime as text", "{\"call_id\":\"c\",\"lifetime_s\":\"5\"," ARGS("x") "}",
	  "lifetime_s", "is a text", 1 },
	{ "lifetime real", "{\"call_id\":\"c\",\"lifetime_s\":1.5," ARGS("x") "}", "lifetime_s",
	  "is a number", 1 },
	{ "app_args a list", "{\"call_id\":\"c\"," ANSWER ",\"app_args\":[]}", "app_args",
	  "is a list", 1 },
	{ "app_args no JSON", TEXT_ARGS("{geo"), "app_args", "is no JSON", 1 },
	{ "app_args JSON twice", TEXT_ARGS("{\\\"geolocation\\\":{},\\\"geolocation\\\":{}}"),
	  "app_args", "duplicate", 1 },
	{ "app_args a number as text", TEXT_ARGS("[5]"), "app_args", "holds JSON that is a list",
	  1 },
	{ "app_args empty", "{\"call_id\":\"c\"," ANSWER ",\"app_args\":{}}", GEO, "is missing",
	  1 },
	{ "app_args of another",
	  "{\"call_id\":\"c\"," ANSWER
	  ",\"app_args\":{\"x\":1,\"geolocation\":{\"civic_address\":" CIVIC("x") "}}}",
	  "app_args.x", "unknown key, allowed: geolocation", 1 },
	{ "geolocation without",
	  "{\"call_id\":\"c\"," ANSWER ",\"app_args\":{\"geolocation\":{\"attach\":1}}}",
	  GEO ".attach", "unknown key, allowed: civic_address", 2 },
	{ "address is null", WITH("null"), GEO ".civic_address", "has no value", 1 },
	{ "no region", WITH("{\"country\":\"US\",\"city\":\"x\",\"street\":\"y\"}"),
	  GEO ".civic_address.region", "must be given", 1 },
	{ "country of three",
	  WITH("{\"country\":\"USA\",\"region\":\"NY\",\"city\":\"x\",\"street\":\"y\"}"),
	  GEO ".civic_address.country", "two letters", 1 },
	{ "unknown part",
	  WITH("{\"country\":\"US\",\"region\":\"NY\",\"city\":\"x\",\"street\":\"y\",\"planet\":"
	       "\"z\"}"),
	  GEO ".civic_address.planet", "unknown key, allowed: country, region, county", 1 },
	{ "part is a list",
	  WITH("{\"country\":\"US\",\"region\":[],\"city\":\"x\",\"street\":\"y\"}"),
	  GEO ".civic_address.region", "is a list", 1 },
	{ "part of 129",
	  WITH("{\"country\":\"US\",\"region\":\"" X128 "x\",\"city\":\"x\",\"street\":\"y\"}"),
	  GEO ".civic_address.region", "too long", 1 },
	{ "part with NUL",
	  WITH("{\"country\":\"US\",\"region\":\"N\\u0000\",\"city\":\"x\",\"street\":\"y\"}"),
	  GEO ".civic_address.region", "holds a NUL", 1 },
	{ "part with a control",
	  WITH("{\"country\":\"US\",\"region\":\"N\\u001b\",\"city\":\"x\",\"street\":\"y\"}"),
	  GEO ".civic_address.region", "control characters", 1 },
	{ "too long as a whole",
	  WITH("{\"country\":\"US\",\"region\":\"" AMP "\",\"city\":\"" AMP "\",\"street\":\"" AMP
	       "\",\"county\":\"" AMP "\",\"building\":\"" AMP "\",\"floor\":\"" AMP
	       "\",\"room\":\"" AMP "\",\"unit\":\"" AMP "\"}"),
	  GEO ".civic_address", "too long as a whole", 1 },
	{ "all at once",
	  "{\"call_id\":\"\",\"action\":\"HANGUP\",\"lifetime_s\":-1,\"app_args\":{\"geolocation\":"
	  "{\"civic_address\":{\"country\":1,\"x\":1,\"city\":true}}}}",
	  "call_id", "is empty", 5 },
};

static void test_refused(void **state)
{
	struct dial_world *v = *state;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		json_t *request = json_loads(refused[i].request, JSON_ALLOW_NUL, NULL),
		       *answer = NULL;
		struct fault f = { 0 };
		const char *key;

		if (!request)
			fail_msg("%s: the test is no JSON", refused[i].name);
		assert_int_equal(dialplan_execute(v->w->d.dialplan, request, &answer, &f), -EINVAL);
		assert_null(answer);
		assert_string_equal(f.code, "invalid");
		key = f.report.m[0].key ? f.report.m[0].key : "";
		if (f.report.error_cnt != refused[i].errors || strcmp(key, refused[i].key) ||
		    !strstr(f.report.m[0].text, refused[i].text))
			fail_msg("%s: %zu errors, the first: %s: %s", refused[i].name,
				 f.report.error_cnt, key, f.report.m[0].text);
		fault_done(&f);
		json_decref(request);
	}
	assert_int_equal(dialplan_cnt(v->w->d.dialplan), 0);
	assert_string_equal("invalid", ({
				    struct fault f = { 0 };
				    json_t *a;
				    dialplan_execute(v->w->d.dialplan, NULL, &a, &f);
				    const char *code = f.code;
				    fault_done(&f);
				    code;
			    }));
}

static void test_second_one_replaces(void **state)
{
	struct dial_world *v = *state;
	struct override_hit h;

	set_ok(v, "{\"call_id\":\"r\"," ARGS("Albany") "}");
	set_ok(v, "{\"call_id\":\"r\"," ARGS("Buffalo") "}");
	assert_int_equal(dialplan_cnt(v->w->d.dialplan), 1);
	assert_true(find(v, OVERRIDE_CALL_ID, "r", &h));
	assert_true(has_text(&h, "Buffalo"));
	assert_false(find(v, OVERRIDE_CALL_ID, "r", &h));
}

static void test_bounded(void **state)
{
	struct dial_world *v = *state;
	struct override_hit h;
	char text[512];

	for (unsigned i = 0; i < OVERRIDES_MAX; i++) {
		snprintf(text, sizeof(text), "{\"call_id\":\"%u@pbx\"," ARGS("x") "}", i);
		set_ok(v, text);
	}
	assert_string_equal(execute(v, CALL("late@pbx"), NULL), "too_many");
	set_ok(v, "{\"call_id\":\"5@pbx\"," ARGS("Ithaca") "}"); /* in place of one that is there */
	assert_int_equal(dialplan_cnt(v->w->d.dialplan), OVERRIDES_MAX);
	assert_true(find(v, OVERRIDE_CALL_ID, "5@pbx", &h));
	assert_true(has_text(&h, "Ithaca"));
	set_ok(v, CALL("late@pbx")); /* the one that was used makes room */
	for (unsigned i = 0; i < OVERRIDES_MAX; i++) {
		snprintf(text, sizeof(text), "%u@pbx", i);
		if (find(v, OVERRIDE_CALL_ID, text, &h) != (i != 5))
			fail_msg("%s", text);
	}
	assert_true(find(v, OVERRIDE_CALL_ID, "late@pbx", &h));
	assert_int_equal(dialplan_turn(v->w->d.dialplan), -1);
}

static void test_invite_has_left(void **state)
{
	struct dial_world *v = *state;
	struct event_record r = world_record("gone@pbx");
	struct override_hit h;

	world_push(v->w, 1, &r); /* nobody has read it */
	assert_string_equal(execute(v, CALL("gone@pbx"), NULL), "call_left");
	assert_int_equal(dialplan_cnt(v->w->d.dialplan), 0);
	assert_false(find(v, OVERRIDE_CALL_ID, "gone@pbx", &h));
	set_ok(v, CALL("coming@pbx"));
	assert_true(find(v, OVERRIDE_CALL_ID, "coming@pbx", &h));
	r = world_record("coming@pbx");
	world_push(v->w, 0, &r);
	assert_string_equal(execute(v, CALL("coming@pbx"), NULL), "call_left");
	/* a number calls again */
	set_ok(v, "{\"calling_number\":\"+12155550112\"," ARGS("x") "}");
}

/* The INVITE comes while the rings are read: by then it must find the entry. */
static void invite_comes(void *ctx)
{
	struct dial_world *v = ctx;
	struct event_record r = world_record("now@pbx");
	struct override_hit h;

	assert_true(find(v, OVERRIDE_CALL_ID, "now@pbx", &h));
	r.override_seq = h.seq;
	r.override_index = h.index;
	world_push(v->w, 0, &r);
}

static void test_invite_comes_in_between(void **state)
{
	struct dial_world *v = *state;
	struct event_record r = world_record("other@pbx");
	json_t *answer, *event;
	char *text, *line;

	world_push(v->w, 0, &r);
	world_while_reading_ctx = v;
	world_while_reading = invite_comes;
	assert_null(execute(v, CALL("now@pbx"), &answer)); /* it has left, and has it */
	assert_null(world_while_reading);
	assert_int_equal(dialplan_turn(v->w->d.dialplan), -1);
	/* the event tells which */
	text = callevents_recent(v->w->d.events, NULL);
	line = strchr(text, '\n') + 1;
	event = json_loads(line, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(event, "override")),
			 json_integer_value(json_object_get(answer, "id")));
	json_decref(event);
	json_decref(answer);
	free(text);
}

static void test_new_signer(void **state)
{
	for (unsigned order = 0; order < 2; order++) { /* whichever comes first */
		struct dial_world *v = *state;
		struct override_hit h;

		set_ok(v, CALL("used@pbx"));
		set_ok(v, CALL("waits@pbx"));
		assert_true(find(v, OVERRIDE_CALL_ID, "used@pbx", &h));
		if (order)
			dialplan_renew(v->w->d.dialplan);
		world_renew(v->w);
		if (!order)
			dialplan_renew(v->w->d.dialplan);
		assert_false(find(v, OVERRIDE_CALL_ID, "used@pbx", &h));
		assert_true(find(v, OVERRIDE_CALL_ID, "waits@pbx", &h));
	}
}

static void test_signer_cannot_write(void **state)
{
	struct dial_world *v = *state;
	uint64_t len;
	int fd = dialplan_fd(v->w->d.dialplan, &len);

	assert_ptr_equal(mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(mprotect((void *)v->region, len, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(v->region->magic, OVERRIDE_MAGIC);
	assert_int_equal(v->region->version, OVERRIDE_VERSION);
}

/* A worker that handles INVITEs while overrides are set: it looks up, then tells. */
#define RACES 3000

struct race {
	struct dial_world *v;
	_Atomic unsigned turn; /* call that may be handled */
	bool has_override[RACES];
};

static void *race_signer(void *ctx)
{
	struct race *x = ctx;

	for (unsigned i = 0; i < RACES; i++) {
		struct override_hit h;
		struct event_record r;
		char id[32];

		while (atomic_load(&x->turn) < i + 1)
			;
		for (volatile unsigned spin = 0; spin < i % 4096; spin++)
			;
		snprintf(id, sizeof(id), "race%u", i);
		r = world_record(id);
		x->has_override[i] = find(x->v, OVERRIDE_CALL_ID, id, &h);
		assert_true(world_push(x->v->w, 0, &r));
	}
	return NULL;
}

static void test_race_with_the_invite(void **state)
{
	struct dial_world *v = *state;
	struct race *x = calloc(1, sizeof(*x));
	bool *has_left = calloc(RACES, sizeof(*has_left));
	unsigned used = 0, left = 0;
	pthread_t signer;

	x->v = v;
	assert_int_equal(pthread_create(&signer, NULL, race_signer, x), 0);
	for (unsigned i = 0; i < RACES; i++) {
		char text[256];
		const char *code;

		snprintf(text, sizeof(text), "{\"call_id\":\"race%u\"," ARGS("x") "}", i);
		atomic_store(&x->turn, i + 1);
		code = execute(v, text, NULL);
		if (code)
			assert_string_equal(code, "call_left");
		has_left[i] = code != NULL;
		dialplan_turn(v->w->d.dialplan);
		if (i % 500 ==
		    499) { /* those the signer had in its hands wait in vain: they are few */
			assert_true(dialplan_cnt(v->w->d.dialplan) < OVERRIDES_MAX / 2);
		}
	}
	pthread_join(signer, NULL);
	for (unsigned i = 0; i < RACES; i++) {
		if (has_left[i] && x->has_override[i])
			fail_msg("call %u was refused and used", i);
		used += x->has_override[i];
		left += has_left[i];
	}
	assert_true(used + left > RACES / 2);
	free(has_left);
	free(x);
}

/* One address or the other, never half of each. */
struct tear {
	struct dial_world *v;
	_Atomic bool is_over;
	unsigned hits, torn;
};

static void *tear_signer(void *ctx)
{
	struct tear *x = ctx;

	while (!atomic_load(&x->is_over)) {
		struct override_hit h;

		if (!find(x->v, OVERRIDE_CALLING, "12125550100", &h))
			continue;
		x->hits++;
		x->torn += has_text(&h, "AAAA") == has_text(&h, "ZZZZ");
	}
	return NULL;
}

static void test_readers_see_a_whole_entry(void **state)
{
	struct dial_world *v = *state;
	struct tear x = { .v = v };
	pthread_t signer;

	set_ok(v, "{\"calling_number\":\"+12125550100\"," ARGS("AAAA") "}");
	assert_int_equal(pthread_create(&signer, NULL, tear_signer, &x), 0);
	for (unsigned i = 0; i < 3000; i++)
		set_ok(v, i % 2 ? "{\"calling_number\":\"+12125550100\"," ARGS("AAAA") "}"
				: "{\"calling_number\":\"+12125550100\"," ARGS("ZZZZ") "}");
	atomic_store(&x.is_over, true);
	pthread_join(signer, NULL);
	assert_int_equal(x.torn, 0);
	assert_true(x.hits > 100);
	assert_int_equal(dialplan_cnt(v->w->d.dialplan), 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_call),
		TEST(test_number),
		TEST(test_args_as_text),
		TEST(test_refused),
		TEST(test_second_one_replaces),
		TEST(test_bounded),
		TEST(test_invite_has_left),
		TEST(test_invite_comes_in_between),
		TEST(test_new_signer),
		TEST(test_signer_cannot_write),
		TEST(test_race_with_the_invite),
		TEST(test_readers_see_a_whole_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole API over its real socket: routes, trunks, files, configuration, events and overrides are the real
 * ones.  What needs the kernel is not: the counters of XDP, the NICs, and generation_change() (changes.h).
 */
#define callevents_file callevents_file_stub /* the events of this test are real */
#include "changes.h"
#undef callevents_file

#include <grp.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "control_client.h"
#include "daemon/api.h"
#include "daemon/preflight.h"
#include "topology_none.h"

#define POST "POST /v1/trunks"
#define ACME "{\"name\":\"acme\",\"carrier\":{\"peers\":[\"" ACME_PEER "\"]},\"attestation\":\"A\"," \
	     "\"numbers\":[\"+18005550100\"]}"
#define BETA_(more) "{\"name\":\"beta\",\"carrier\":{\"peers\":[\"203.0.113.11\"]},\"attestation\":\"C\"" more "}"
#define CIVIC "\"app_args\":{\"geolocation\":{\"civic_address\":{\"country\":\"US\",\"region\":\"NY\"," \
	      "\"city\":\"New York\",\"street\":\"350 Fifth Avenue\"}}}"
#define SECRET "MHcCAQEEIIr0"

int bpfgw_counters(const struct bpfgw *g, unsigned port, uint64_t ret[SR_XDP_MAX])
{
	(void)g, (void)port;
	memset(ret, 0, SR_XDP_MAX * sizeof(*ret));
	return 0;
}

int bpfgw_unmatched_peers(const struct bpfgw *g, struct bpfgw_unmatched *ret, unsigned max)
{
	(void)g, (void)ret, (void)max;
	return 0;
}

struct api_world {
	struct world *w;
	struct control *c;
	struct events_region *signer;
	uint64_t len;
	char answer[65536];
};

static int api_setup(void **state)
{
	struct api_world *v = calloc(1, sizeof(*v));
	struct control_cfg cfg = { .socket = path, .routes = api_routes };
	char err[CONTROL_ERR_LEN] = "";
	struct sipseald *d;
	int fd = -1;

	if (world_setup((void **)&v->w) < 0)
		return -1;
	d = &v->w->d;
	put_file("trunks.d/hand.yaml", "name: hand\ncarrier: { peers: [203.0.113.20] }\nattestation: none\n");
	put_file("sti/key.pem", SECRET "\n");
	put_file("sti/numbers", "+12025550100\n+12025550101\n");
	load_world();
	d->workers = 1;
	assert_int_equal(counts_init(&d->counts, 1, 16), 0);
	assert_int_equal(callevents_new(d, &d->events), 0);
	assert_int_equal(callevents_renew(d->events, &fd, &v->len), 0);
	v->signer = mmap(NULL, v->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(v->signer != MAP_FAILED);
	assert_int_equal(capturing_new(d, &d->capturing), 0);
	assert_int_equal(dialplan_new(d, &d->dialplan), 0);
	snprintf(path, sizeof(path), "%s/sock", v->w->dir);
	cfg.ctx = d;
	if (control_open(&cfg, &v->c, err) < 0 || control_serve(v->c, err) < 0)
		fail_msg("%s", err);
	*state = v;
	return 0;
}

static int api_teardown(void **state)
{
	struct api_world *v = *state;
	struct sipseald *d = &v->w->d;

	control_close(v->c);
	capturing_free(d->capturing);
	dialplan_free(d->dialplan);
	munmap(v->signer, v->len);
	callevents_free(d->events);
	counts_done(&d->counts);
	world_teardown((void **)&v->w);
	free(v);
	return 0;
}

/* In this order: each goes on from where the one before has led. */
static const struct {
	const char *name, *head, *body;
	unsigned status;
	const char *answer[4];
	int changes; /* generations that it makes */
} cases[] = {
	{ "trunks", "GET /v1/trunks", NULL, 200, { "{\"trunks\":[{\"name\":\"hand\"" }, 0 },
	{ "add", POST, ACME, 201, { "{\"name\":\"acme\",", "\"generation\":8,", "\"warnings\":[", "\"state\":{" }, 1 },
	{ "add again", POST, ACME, 409, { "{\"error\":{\"code\":\"exists\",\"message\":\"" }, 0 },
	{ "show", "GET /v1/trunks/acme", NULL, 200, { "{\"name\":\"acme\",\"mode\":\"enforce\"" }, 0 },
	{ "export", "GET /v1/trunks/acme?export=1", NULL, 200, { "\r\n\r\n" ACME }, 0 },
	{ "export, wrong", "GET /v1/trunks/acme?export=yes", NULL, 400, { "bad_query" }, 0 },
	{ "unknown parameter", "GET /v1/trunks/acme?exprot=1", NULL, 400, { "bad_query", "allowed: export" }, 0 },
	{ "set", "PATCH /v1/trunks/acme", "{\"mode\":\"observe\"}", 200, { "\"mode\":\"observe\"", "\"generation\":9," }, 1 },
	{ "set, dotted", "PATCH /v1/trunks/acme", "{\"pai.mode\":\"keep\"}", 200, { "\"pai\":{\"mode\":\"keep\"" }, 1 },
	{ "unknown key", "PATCH /v1/trunks/acme", "{\"moed\":\"observe\"}", 422,
	  { "\"code\":\"invalid\"", "\"errors\":[{\"key\":\"moed\"" }, 0 },
	{ "wrong value", "PATCH /v1/trunks/acme", "{\"mode\":\"watch\"}", 422, { "\"key\":\"mode\"", "\"allowed\":\"" }, 0 },
	{ "wrong type", "PATCH /v1/trunks/acme", "{\"numbers\":5}", 422, { "\"key\":\"numbers\"" }, 0 },
	{ "no body", "PATCH /v1/trunks/acme", NULL, 422, { "\"code\":\"invalid\"" }, 0 },
	{ "broken body", POST, "{", 400, { "\"code\":\"bad_json\"", "\"line\":1" }, 0 },
	{ "hand-written", "PATCH /v1/trunks/hand", "{\"mode\":\"observe\"}", 409, { "hand_written", "hand.yaml" }, 0 },
	{ "remove hand-written", "DELETE /v1/trunks/hand", NULL, 409, { "hand_written" }, 0 },
	{ "show nobody", "GET /v1/trunks/none", NULL, 404, { "\"code\":\"no_such_trunk\"" }, 0 },
	{ "set nobody", "PATCH /v1/trunks/none", "{}", 404, { "no_such_trunk" }, 0 },
	{ "remove nobody", "DELETE /v1/trunks/none", NULL, 404, { "no_such_trunk" }, 0 },
	{ "no name", POST, "{\"attestation\":\"C\"}", 422, { "\"key\":\"name\"" }, 0 },
	{ "name that is a path", POST, "{\"name\":\"../x\"}", 422, { "\"key\":\"name\"" }, 0 },
	{ "foreign numbers", POST, BETA_(",\"numbers_file\":\"/etc/passwd\""), 422,
	  { "\"key\":\"numbers_file\"", "\"allowed\":\"a regular file inside certificates.root\"" }, 0 },
	{ "numbers by ..", POST, BETA_(",\"numbers_file\":\"../sipseal.yaml\""), 422, { "numbers_file" }, 0 },
	{ "a key as numbers", POST, BETA_(",\"numbers_file\":\"key.pem\""), 422,
	  { "\"key\":\"numbers_file\"", "\"line\":1" }, 0 },
	{ "key outside", POST, BETA_(",\"certificates\":{\"key_path\":\"/etc/shadow\"}"), 422, { "certificates.key_path" }, 0 },
	{ "numbers", POST, BETA_(",\"numbers_file\":\"numbers\""), 201,
	  { "\"numbers\":[\"+12025550100\",\"+12025550101\"]" }, 1 },
	{ "numbers, exported", "GET /v1/trunks/beta?export=1", NULL, 200, { "\"numbers_file\":\"numbers\"" }, 0 },
	{ "remove", "DELETE /v1/trunks/beta", NULL, 200, { "{\"name\":\"beta\",\"generation\":12,\"warnings\":[]}" }, 1 },
	{ "regulatory", "GET /v1/regulatory", NULL, 200, { "{\"enabled\":true" }, 0 },
	{ "regulatory as it is", "PATCH /v1/regulatory", "{\"enabled\":true}", 200, { "\"generation\":12" }, 0 },
	{ "regulatory, no key", "PATCH /v1/regulatory", "{}", 422, { "enabled" }, 0 },
	{ "regulatory, wrong type", "PATCH /v1/regulatory", "{\"enabled\":\"no\"}", 422,
	  { "\"key\":\"enabled\"", "\"allowed\":\"true or false\"" }, 0 },
	{ "regulatory, unknown key", "PATCH /v1/regulatory", "{\"enable\":false}", 422, { "\"key\":\"enable\"" }, 0 },
	{ "regulatory off", "PATCH /v1/regulatory", "{\"enabled\":false}", 200, { "\"generation\":13" }, 1 },
	{ "certificates", "GET /v1/certificates", NULL, 200, { "{\"certificates\":[]}" }, 0 },
	{ "certificates again", "POST /v1/certificates/reload", NULL, 200,
	  { "{\"certificates\":[],\"generation\":14,\"warnings\":[]}" }, 1 },
	{ "certificates of nobody", "POST /v1/certificates/reload", "{\"trunk\":\"none\"}", 404, { "no_such_trunk" }, 0 },
	{ "certificates, wrong type", "POST /v1/certificates/reload", "{\"trunk\":1}", 422, { "\"key\":\"trunk\"" }, 0 },
	{ "certificates, unknown key", "POST /v1/certificates/reload", "{\"trunks\":[]}", 422,
	  { "\"key\":\"trunks\"", "\"allowed\":\"trunk\"" }, 0 },
	{ "reload, dry", "POST /v1/config/reload", "{\"dry_run\":true}", 200, { "\"applied\":false", "\"generation\":14" }, 0 },
	{ "reload, wrong type", "POST /v1/config/reload", "{\"dry_run\":1}", 422, { "\"key\":\"dry_run\"" }, 0 },
	{ "override", "POST /v1/dialplan", "{\"call_id\":\"a@b\",\"action\":\"ANSWER\"," CIVIC "}", 200,
	  { "\"call_id\":\"a@b\"", "\"expires\":\"" }, 0 },
	{ "override, no body", "POST /v1/dialplan", NULL, 422, { "\"code\":\"invalid\"" }, 0 },
	{ "override, unknown key", "POST /v1/dialplan", "{\"call_id\":\"a@b\",\"action\":\"ANSWER\",\"x\":1," CIVIC "}", 422,
	  { "\"key\":\"x\"" }, 0 },
	{ "events", "GET /v1/events", NULL, 200, { "Content-Type: application/x-ndjson" }, 0 },
	{ "events of nobody", "GET /v1/events?trunk=none", NULL, 404, { "no_such_trunk" }, 0 },
	{ "events of one that was", "GET /v1/events?trunk=beta", NULL, 200, { "ndjson" }, 0 },
	{ "events, unknown parameter", "GET /v1/events?folow=1", NULL, 400, { "bad_query" }, 0 },
	{ "status", "GET /v1/status", NULL, 200, { "\"warnings\":[" }, 0 },
	{ "stats", "GET /v1/stats", NULL, 200, { "\"sums\":{" }, 0 },
	{ "not there", "GET /v1/captures", NULL, 404, { "\"code\":\"not_found\"" }, 0 },
	{ "capture without a signer", "GET /v1/capture", NULL, 503, { "\"code\":\"no_capture\"" }, 0 },
	{ "capture of nobody", "GET /v1/capture?trunk=none", NULL, 404, { "no_such_trunk" }, 0 },
	{ "capture of one that was", "GET /v1/capture?trunk=beta", NULL, 404, { "no_such_trunk" }, 0 },
	{ "capture, unknown parameter", "GET /v1/capture?follow=1", NULL, 400, { "allowed: trunk, count, seconds" }, 0 },
	{ "capture of nothing", "GET /v1/capture?count=0", NULL, 400, { "bad_query" }, 0 },
	{ "capture, no number", "GET /v1/capture?seconds=1s", NULL, 400, { "bad_query" }, 0 },
	{ "capture, too long", "GET /v1/capture?seconds=1000000001", NULL, 400, { "bad_query" }, 0 },
	{ "capture, much too long", "GET /v1/capture?seconds=18446744073709551617", NULL, 400, { "bad_query" }, 0 },
	{ "capture, no value", "GET /v1/capture?count", NULL, 400, { "bad_query" }, 0 },
	{ "all at once", "DELETE /v1/trunks", NULL, 405, { "Allow: GET, HEAD, POST\r\n" }, 0 },
	{ "add by name", "POST /v1/trunks/acme", ACME, 405, { "Allow: GET, HEAD, PATCH, DELETE\r\n" }, 0 },
};

static void test_calls(void **state)
{
	struct api_world *v = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned generation = v->w->d.generation, status;

		status = ask(v->c, cases[i].head, cases[i].body, v->answer, sizeof(v->answer));
		if (status != cases[i].status || (int)(v->w->d.generation - generation) != cases[i].changes)
			fail_msg("%s: %u changes: %s", cases[i].name, v->w->d.generation - generation, v->answer);
		for (size_t k = 0; k < ARRAY_SIZE(cases[i].answer) && cases[i].answer[k]; k++)
			if (!strstr(v->answer, cases[i].answer[k]))
				fail_msg("%s: no %s in %s", cases[i].name, cases[i].answer[k], v->answer);
		if (strstr(v->answer, SECRET) || strstr(v->answer, "root:"))
			fail_msg("%s quotes a file: %s", cases[i].name, v->answer);
		if (strncmp(cases[i].name, "regulatory off", 14) == 0)
			assert_int_equal(v->w->regulatory, 0);
		if (strcmp(cases[i].name, "certificates again") == 0)
			assert_true(v->w->want_certificates && v->w->regulatory == -1);
	}
}

/* The signer's side: one call that was signed. */
static void push(struct api_world *v, const char *call_id)
{
	struct events_worker *w = events_worker(v->signer, 0);
	struct event_record *r = events_slot(w);

	assert_non_null(r);
	*r = (struct event_record){ .time_ms = clock_real_ms(), .key = UINT32_MAX, .generation = v->w->d.generation,
				    .verdict = EVENT_SIGN, .reason = SR_SIGNED, .decided_verdict = EVENT_SIGN,
				    .decided_reason = SR_SIGNED, .attest = 'A',
				    .src = { [10] = 0xff, 0xff, 10, 0, 0, 5 },
				    .dst = { [10] = 0xff, 0xff, 203, 0, 113, 10 }, .orig = "12155550112",
				    .orig_len = 11,
				    .call_id_len = (uint8_t)strlen(call_id) };
	memcpy(r->call_id, call_id, r->call_id_len);
	events_push(w);
}

static void test_events(void **state)
{
	static const char get[] = "GET /v1/events?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n";
	struct api_world *v = *state;
	struct callevents_totals t;
	int fd = client();

	say(v->c, fd, get, strlen(get));
	hear(v->c, fd, v->answer, sizeof(v->answer), "\r\n\r\n");
	assert_non_null(strstr(v->answer, "HTTP/1.1 200"));
	push(v, "one@pbx");
	callevents_turn(v->w->d.events);
	hear(v->c, fd, v->answer, sizeof(v->answer), "one@pbx");
	assert_non_null(strstr(v->answer, "\"call_id\":\"one@pbx\""));
	callevents_totals(v->w->d.events, &t);
	assert_int_equal(t.followers, 1);
	close(fd);
	turn(v->c, -1);
	turn(v->c, -1);
	callevents_totals(v->w->d.events, &t);
	assert_int_equal(t.followers, 0);

	assert_int_equal(ask(v->c, "GET /v1/events", NULL, v->answer, sizeof(v->answer)), 200);
	assert_non_null(strstr(v->answer, "\"call_id\":\"one@pbx\""));
	/* its INVITE has left */
	assert_int_equal(ask(v->c, "POST /v1/dialplan", "{\"call_id\":\"one@pbx\",\"action\":\"ANSWER\"," CIVIC "}",
			     v->answer, sizeof(v->answer)), 409);
	assert_non_null(strstr(v->answer, "\"code\":\"call_left\""));
}

/* A stream of another type, which begins at once and ends by itself, or with its client. */
static void test_capture(void **state)
{
	static const char get[] = "GET /v1/capture?trunk=hand HTTP/1.1\r\nHost: x\r\n\r\n";
	struct api_world *v = *state;
	struct capturing *c = v->w->d.capturing;
	struct capturing_totals t;
	uint64_t len;
	int fd;

	assert_int_equal(capturing_renew(c, &fd, &len), 0);
	fd = client();
	say(v->c, fd, get, strlen(get));
	hear(v->c, fd, v->answer, sizeof(v->answer), "\r\n\n\r\r\n");
	assert_non_null(strstr(v->answer, "HTTP/1.1 200"));
	assert_non_null(strstr(v->answer, "Content-Type: application/x-pcapng\r\n"));
	assert_non_null(strstr(v->answer, "\r\n\n\r\r\n")); /* the section */
	capturing_totals(c, &t);
	assert_int_equal(t.readers, 1);
	assert_int_equal(ask(v->c, "GET /v1/status", NULL, v->answer, sizeof(v->answer)), 200);
	assert_non_null(strstr(v->answer, "\"capture\":{\"readers\":1,\"invites\":0,"));
	close(fd);
	turn(v->c, -1);
	turn(v->c, -1);
	capturing_totals(c, &t);
	assert_int_equal(t.readers, 0);

	fd = client();
	say(v->c, fd, get, strlen(get));
	hear(v->c, fd, v->answer, sizeof(v->answer), "\r\n\n\r\r\n");
	capturing_drop(c);
	capturing_turn(c);
	hear(v->c, fd, v->answer, sizeof(v->answer), "0\r\n\r\n");
	assert_string_equal(v->answer, "0\r\n\r\n");
	close(fd);
	turn(v->c, -1);
	assert_int_equal(capturing_turn(c), -1);
}

static struct live_credential *credential(struct api_world *v, const char *cert, int64_t ends_in_s)
{
	struct cert_config c = { .cert_path = strdup(cert), .key_path = strdup("key.pem"),
				 .x5u = strdup("https://cert.example/{serial}.pem") };
	struct live_credential *ret = NULL;

	assert_int_equal(live_credential_new(v->w->d.live, &c, false, 0, 7, &ret), 0);
	free(c.cert_path);
	free(c.key_path);
	free(c.x5u);
	if (ends_in_s) {
		ret->now.info = calloc(1, sizeof(*ret->now.info));
		ret->now.info->not_after = (int64_t)(clock_real_ms() / 1000) + ends_in_s;
		strcpy(ret->now.info->serial, "1f");
		ret->now.info->tnauth = (struct tnauthlist){ 2, { { TNAUTH_SPC, "1234", 1 }, { TNAUTH_RANGE, "1202", 5 } } };
	}
	return ret;
}

/* What ends first stands first; each says of itself how it is. */
static void test_certificates(void **state)
{
	static const char *const levels[] = { "missing", "expired", "expires", "ok" };
	struct api_world *v = *state;
	json_t *all, *o;

	credential(v, "far.pem", 400 * 86400);
	credential(v, "none.pem", 0);
	credential(v, "soon.pem", 5 * 86400 + 60)->users = 1;
	credential(v, "over.pem", -60);
	((struct live_trunk *)live_find(v->w->d.live, "hand"))->credential = credential(v, "hand.pem", 500 * 86400);
	assert_int_equal(ask(v->c, "GET /v1/certificates", NULL, v->answer, sizeof(v->answer)), 200);
	all = json_loads(strstr(v->answer, "\r\n\r\n"), 0, NULL);
	assert_int_equal(json_array_size(json_object_get(all, "certificates")), 5);
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		o = json_array_get(json_object_get(all, "certificates"), i);
		assert_string_equal(json_string_value(json_object_get(o, "level")), levels[i]);
	}
	o = json_array_get(json_object_get(all, "certificates"), 2);
	assert_int_equal(json_integer_value(json_object_get(o, "days_left")), 5);
	assert_non_null(strstr(v->answer, "\"tnauthlist\":[{\"spc\":\"1234\"},{\"first\":\"1202\",\"count\":5}]"));
	o = json_array_get(json_object_get(all, "certificates"), 4);
	assert_string_equal(json_string_value(json_array_get(json_object_get(o, "trunk_names"), 0)), "hand");
	assert_string_equal(json_string_value(json_object_get(o, "cert_path")), "hand.pem");
	json_decref(all);
}

/* What differs is said first, and then done. */
static void test_reload(void **state)
{
	static const char differs[] = "\"added\":[\"new\"],\"removed\":[],\"changed\":[{\"name\":\"hand\",\"keys\":["
				      "{\"key\":\"attestation\",\"from\":\"none\",\"to\":\"C\"},";
	struct api_world *v = *state;

	put_file("trunks.d/hand.yaml", "name: hand\ncarrier: { peers: [203.0.113.20] }\nattestation: C\n");
	put_file("trunks.d/new.yaml", "name: new\ncarrier: { peers: [203.0.113.21] }\nattestation: C\n");
	assert_int_equal(ask(v->c, "POST /v1/config/reload", "{\"dry_run\":true}", v->answer, sizeof(v->answer)), 200);
	if (!strstr(v->answer, differs) || !strstr(v->answer, "\"generation\":7,\"applied\":false"))
		fail_msg("%s", v->answer);
	assert_null(trunk_of("new"));
	assert_int_equal(ask(v->c, "POST /v1/config/reload", NULL, v->answer, sizeof(v->answer)), 200);
	if (!strstr(v->answer, differs) || !strstr(v->answer, "\"generation\":8,\"applied\":true"))
		fail_msg("%s", v->answer);
	assert_non_null(trunk_of("new"));
	put_file("trunks.d/new.yaml", "name: new\nmoed: x\n");
	assert_int_equal(ask(v->c, "POST /v1/config/reload", NULL, v->answer, sizeof(v->answer)), 422);
	assert_non_null(strstr(v->answer, "/trunks.d/new.yaml\",\"line\":2,\"col\":1}"));
}

/* Trust anchors are read with our own certificates, and told where that fails; not with those of one trunk. */
static void test_anchors(void **state)
{
	static const char reload[] = "POST /v1/certificates/reload";
	static const char pem[] = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
	struct api_world *v = *state;
	struct sipseald *d = &v->w->d;
	char err[FETCHING_ERR_LEN] = "", libexec[96];

	snprintf(libexec, sizeof(libexec), "%s", v->w->dir);
	d->opt.libexec = libexec;
	put_file("sipseal-fetcher", ""); /* it is not started here */
	put_file("sti/anchors.pem", pem);
	d->gateway->trust_anchors = strdup("anchors.pem");
	if (fetching_new(d, &d->fetching, err) < 0)
		fail_msg("%s", err);
	assert_int_equal(ask(v->c, reload, NULL, v->answer, sizeof(v->answer)), 200);
	if (!strstr(v->answer, "\"warnings\":[{\"key\":\"certificates.trust_anchors\",\"message\":\"the fetcher does not run"))
		fail_msg("%s", v->answer);
	unlink(at("sti/anchors.pem"));
	assert_int_equal(ask(v->c, reload, NULL, v->answer, sizeof(v->answer)), 422);
	assert_non_null(strstr(v->answer, "\"code\":\"anchors_refused\",\"message\":\"certificates.trust_anchors: anchors.pem"));
	assert_int_equal(v->w->changes, 2); /* our own were read again both times */
	assert_int_equal(ask(v->c, reload, "{\"trunk\":\"hand\"}", v->answer, sizeof(v->answer)), 200);
	assert_non_null(strstr(v->answer, "\"warnings\":[]"));
	fetching_free(d->fetching);
	d->fetching = NULL;
}

/* As somebody who is not root; the server runs in the parent.  Return: HTTP status. */
static int ask_as(struct api_world *v, uid_t uid, const char *request)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct sockaddr_un sa = { .sun_family = AF_UNIX };
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		char answer[256] = "";

		strcpy(sa.sun_path, path);
		if (setgroups(0, NULL) < 0 || setgid(uid) < 0 || setuid(uid) < 0 ||
		    connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
		    send(fd, request, strlen(request), 0) < 0 || recv(fd, answer, sizeof(answer) - 1, 0) < 12)
			_exit(1);
		_exit(atoi(answer + 9) / 4); /* an exit status has 8 bits; those that are used can be told apart */
	}
	for (int i = 0; i < 200 && waitpid(pid, &status, WNOHANG) == 0; i++)
		turn(v->c, -1);
	return WIFEXITED(status) ? WEXITSTATUS(status) * 4 : -1;
}

#define OTHER_KEY "\"certificates\":{\"cert_path\":\"acme/c.pem\",\"key_path\":\"acme/k.pem\",\"x5u\":\"https://c.example/1\"}"

/* A tenant's directory is closed to others: they can neither name its key nor turn its trunk into theirs. */
static void test_tenants(void **state)
{
	struct api_world *v = *state;
	char request[1024];
	const char *body = BETA_("," OTHER_KEY);

	if (getuid() != 0)
		skip();
	mkdir(at("sti/acme"), 0700);
	chmod(v->w->dir, 0755);
	chmod(path, 0666);
	snprintf(request, sizeof(request), POST " HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
	assert_int_equal(ask_as(v, 51001, request), 400); /* 403 */
	assert_int_equal(v->w->changes, 0);
	assert_int_equal(ask(v->c, POST, body, v->answer, sizeof(v->answer)), 201);
	assert_int_equal(ask_as(v, 51001, "PATCH /v1/trunks/beta HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\n"
					  "{\"mode\":\"observe\"}"), 400);
	assert_int_equal(ask_as(v, 51001, "DELETE /v1/trunks/beta HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
	assert_int_equal(v->w->changes, 1);
	chmod(at("sti/acme"), 0755);
	assert_int_equal(ask_as(v, 51001, "DELETE /v1/trunks/beta HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_int_equal(v->w->changes, 2);
}

/* Who did what is in the log, in one line, whatever the name. */
static void test_log(void **state)
{
	struct api_world *v = *state;
	int copy = dup(2), fd = open(at("log"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	char want[128], *text;

	dup2(fd, 2);
	ask(v->c, POST, ACME, v->answer, sizeof(v->answer));
	ask(v->c, POST, "{\"name\":\"a b\\nevent=x \\\"\"}", v->answer, sizeof(v->answer));
	dup2(copy, 2);
	close(copy);
	close(fd);
	text = get_file("log");
	snprintf(want, sizeof(want), "event=change what=trunk_add name=acme uid=%d pid=%d generation=8 result=ok\n",
		 (int)getuid(), (int)getpid());
	if (!strstr(text, want) || !strstr(text, "name=a\\x20b\\x0aevent\\x3dx\\x20\\x22 uid=") ||
	    !strstr(text, "generation=8 result=invalid\n"))
		fail_msg("%s", text);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_calls, api_setup, api_teardown),
		cmocka_unit_test_setup_teardown(test_capture, api_setup, api_teardown),
		cmocka_unit_test_setup_teardown(test_events, api_setup, api_teardown),
		cmocka_unit_test_setup_teardown(test_certificates, api_setup, api_teardown),
		cmocka_unit_test_setup_teardown(test_reload, api_setup, api_teardown),
		cmocka_unit_test_setup_teardown(test_anchors, api_setup, api_teardown),
		cmocka_unit_test_setup_teardown(test_tenants, api_setup, api_teardown),
		cmocka_unit_test_setup_teardown(test_log, api_setup, api_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetchworld.h"

static const struct {
	const char *name;
	const struct httpsd *server;
	const char *path;
	int error;
	long status;
	int64_t max_age_s;
	const char *body, *text; /* text: part of it; NULL: none */
} answers[] = {
	{ "good", &world.good, "/good", 0, 200, -1, "hello", NULL },
	{ "kept", &world.good, "/kept", 0, 200, 3000, "ok", NULL },
	{ "no-store", &world.good, "/nostore", 0, 200, -1, "ok", "no-store" },
	{ "interim answer's max-age", &world.good, "/hints", 0, 200, 60, "ok", "content type: none" },
	{ "trailer's max-age", &world.good, "/trailer", 0, 200, -1, "ok", NULL },
	{ "wrong type", &world.good, "/html", 0, 200, -1, "ok", "content type: text/html?" },
	{ "exactly 64 KiB", &world.good, "/edge", 0, 200, -1, "xxxxxxxxxxxxxxx", "content type: none" },
	{ "redirect", &world.good, "/302", -EPROTO, 302, -1, "", "HTTP status 302" },
	{ "not found", &world.good, "/404", -EPROTO, 404, -1, "", "HTTP status 404" },
	{ "server error", &world.good, "/500", -EPROTO, 500, -1, "", "HTTP status 500" },
	{ "no content", &world.good, "/204", -EPROTO, 204, -1, "", "HTTP status 204" },
	{ "compressed", &world.good, "/gzip", -EPROTO, 200, -1, "", "Content-Encoding" },
	{ "claims 10 MiB", &world.good, "/claim", -EFBIG, 200, -1, "", "" },
	{ "sends 10 MiB", &world.good, "/big", -EFBIG, 200, -1, "", "too large" },
	{ "huge headers", &world.good, "/headers", -EFBIG, 200, -1, "", "headers" },
	{ "interim answers without end", &world.good, "/interim", -EFBIG, 103, -1, "", "headers" },
	{ "closes early", &world.good, "/early", -EHOSTUNREACH, 200, -1, "", "" },
	{ "closes at once", &world.good, "/nothing", -EHOSTUNREACH, 0, -1, "", "" },
	{ "HTTP/0.9", &world.good, "/old", -EPROTO, 0, -1, "", "" },
	{ "hangs", &world.good, "/hang", -ETIMEDOUT, 0, -1, "", "" },
	{ "drips", &world.good, "/drip", -ETIMEDOUT, 200, -1, "", "" },
	{ "no TLS", &world.mute, "/good", -ETIMEDOUT, 0, -1, "", "" },
	{ "wrong TLS name", &world.name, "/good", -EPROTO, 0, -1, "", "name" },
	{ "unknown CA", &world.untrusted, "/good", -EPROTO, 0, -1, "", "certificate" },
	{ "self-signed", &world.self, "/good", -EPROTO, 0, -1, "", "certificate" },
	{ "expired", &world.old, "/good", -EPROTO, 0, -1, "", "expired" },
	{ "TLS 1.1", &world.tls11, "/good", -EPROTO, 0, -1, "", "" },
};

static void test_answers(void **state)
{
	(void)state;
	fetcher(lab());
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		uint64_t at = clock_mono_ns();
		const struct note *n = one(url_of("a.localhost", answers[i].server, answers[i].path));
		const char *text = answers[i].text ? answers[i].text : "";

		if (clock_mono_ns() - at > 2500000000u) /* less than the limits of test_slow() */
			fail_msg("%s: took more than 2.5 s", answers[i].name);
		if (n->r.error != answers[i].error || n->r.status != answers[i].status || n->r.max_age_s != answers[i].max_age_s)
			fail_msg("%s: error %d, status %ld, max_age %ld (%s)", answers[i].name, n->r.error, n->r.status,
				 (long)n->r.max_age_s, n->r.text);
		if (strcmp(n->body, answers[i].body) != 0)
			fail_msg("%s: body '%s'", answers[i].name, n->body);
		if (!strstr(n->r.text, text) || !n->r.text[0] != !answers[i].text)
			fail_msg("%s: text '%s'", answers[i].name, n->r.text);
		/* the limits of one host are not this test's matter */
		if (i % 20 == 19) {
			fetcher_free(NULL);
			fetcher(lab());
		}
	}
}

static void test_refused_port(void **state)
{
	struct httpsd none = { 0 };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	/* bound and not listening: nobody else gets the port, and it refuses */
	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	none.port = ntohs(in.sin_port);
	fetcher(lab());
	assert_int_equal(one(url_of("a.localhost", &none, "/"))->r.error, -EHOSTUNREACH);
	assert_int_equal(one("https://nobody.test/")->r.error, -EHOSTUNREACH);
	close(fd);
}

/* Whatever the others do: what is good is answered before they are over. */
static void test_order(void **state)
{
	(void)state;
	fetcher(lab());
	ask(url_of("a.localhost", &world.good, "/hang"));
	ask(url_of("b.localhost", &world.good, "/drip"));
	ask(url_of("c.localhost", &world.mute, "/"));
	ask("https://hang.test/");
	ask(url_of("d.localhost", &world.good, "/good"));
	run(5);
	assert_string_equal(world.notes[0].url, url_of("d.localhost", &world.good, "/good"));
	assert_int_equal(world.notes[0].r.error, 0);
	for (unsigned i = 1; i < 5; i++)
		assert_int_equal(world.notes[i].r.error, -ETIMEDOUT);
}

/* Limits of their own, where the whole fetch may take long. */
static void test_slow(void **state)
{
	struct fetch_config cfg = lab();

	(void)state;
	cfg.timeout_ms = 20000;
	fetcher(cfg);
	ask(url_of("a.localhost", &world.good, "/drip"));
	ask(url_of("b.localhost", &world.mute, "/"));
	run(2);
	assert_string_equal(world.notes[0].url, url_of("b.localhost", &world.mute, "/"));
	assert_int_equal(world.notes[0].r.error, -ETIMEDOUT);
	assert_int_equal(world.notes[1].r.error, -ETIMEDOUT);
	assert_non_null(strstr(world.notes[1].r.text, "too slow"));
}

/* Many names of a server that does not answer, from three trunks. */
static void ask_hanging(unsigned trunk)
{
	char url[64];
	const char *why;

	for (unsigned i = 0; i < 16; i++) {
		snprintf(url, sizeof(url), "https://n%u-%u.hang.test/", trunk, i);
		assert_int_equal(ask_of(trunk, url, &why), 0);
	}
}

/* Their fetches end in time, the loop does not wait for the look-ups, and these are counted. */
static void test_hung_names(void **state)
{
	uint64_t longest = 0, end = clock_mono_ns() + 8000000000u;
	const char *why;

	(void)state;
	fetcher(lab());
	one(url_of("a.localhost", &world.good, "/good"));
	world.note_cnt = 0;
	for (unsigned trunk = 1; trunk <= 3; trunk++) {
		ask_hanging(trunk);
		while (world.note_cnt < trunk * 16 && clock_mono_ns() < end) {
			uint64_t at = clock_mono_ns();

			fetch_run(world.f, 20, -1);
			at = clock_mono_ns() - at;
			longest = at > longest ? at : longest;
		}
	}
	assert_int_equal(world.note_cnt, 48);
	assert_true(names_hanging >= 48); /* they hang still: nobody waited for them */
	assert_true(longest < 1500000000u); /* one joined thread would have taken 20 s */
	for (unsigned i = 0; i < 48; i++)
		assert_int_equal(world.notes[i].r.error, -ETIMEDOUT);
	assert_int_equal(ask_of(4, "https://new.test/", &why), -EAGAIN);
	assert_non_null(strstr(why, "look-ups"));
	assert_int_equal(one(url_of("a.localhost", &world.good, "/good"))->r.error, 0);
}

static void test_free_under_way(void **state)
{
	uint64_t at;

	(void)state;
	fetcher(lab());
	ask("https://free.hang.test/");
	ask(url_of("a.localhost", &world.good, "/hang"));
	fetch_run(world.f, 100, -1);
	at = clock_mono_ns();
	fetcher_free(NULL);
	assert_true(clock_mono_ns() - at < 2000000000u);
	assert_int_equal(world.note_cnt, 0);
}

/* What the street may not reach: refused before there is a socket, and looked up once. */
static void test_addresses(void **state)
{
	static const struct { const char *url, *text; } refused[] = {
		{ "https://one.test:8443/good", "address refused: loopback (127.0.0.0/8)" },
		{ "https://two.test:8443/good", "address refused: loopback (127.0.0.0/8)" },
		{ "https://link.test/latest/meta-data/", "link-local or cloud metadata" },
		{ "https://a.localhost/", "loopback" },
	};
	struct fetch_config cfg = lab();

	(void)state;
	cfg.rules.allow_private = false;
	fetcher(cfg);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		unsigned asked = names_asked;
		const struct note *n = one(refused[i].url);

		if (n->r.error != -EACCES || !strstr(n->r.text, refused[i].text))
			fail_msg("%s: %d (%s)", refused[i].url, n->r.error, n->r.text);
		if (names_asked - asked > 1)
			fail_msg("%s: looked up %u times", refused[i].url, names_asked - asked);
	}
	fetcher_free(NULL);
	/* the same names serve in a laboratory: it was the address */
	fetcher(lab());
	assert_int_equal(one(url_of("one.test", &world.good, "/good"))->r.error, 0);
	assert_int_equal(one(url_of("127.0.0.1", &world.good, "/good"))->r.error, 0);
}

static void test_rules(void **state)
{
	struct fetch_config cfg = lab();
	const char *why;

	(void)state;
	cfg.rules.allow_private = false;
	fetcher(cfg);
	assert_int_equal(ask_of(7, "http://cert.example/", &why), -EACCES);
	assert_non_null(strstr(why, "scheme"));
	assert_int_equal(ask_of(7, "https://127.0.0.1/", &why), -EACCES);
	assert_int_equal(ask_of(7, url_of("a.localhost", &world.good, "/good"), &why), -EACCES);
	assert_non_null(strstr(why, "port"));
	assert_int_equal(fetch_run(world.f, 0, -1), 0);
	assert_int_equal(world.note_cnt, 0);
}

static void test_one_per_url(void **state)
{
	const char *why;
	unsigned before = world.good.requests;

	(void)state;
	fetcher(lab());
	ask(url_of("a.localhost", &world.good, "/changes"));
	assert_int_equal(ask_of(8, url_of("a.localhost", &world.good, "/changes"), &why), 1);
	assert_int_equal(fetch_start(world.f, slice_str(url_of("a.localhost", &world.good, "/changes")), UINT32_MAX,
				     FETCH_CRL_MAX, &why), -EAGAIN);
	assert_int_equal(fetch_run(world.f, 0, -1), 1);
	run(1);
	assert_int_equal(fetch_run(world.f, 50, -1), 0);
	assert_int_equal(world.note_cnt, 1);
	assert_int_equal(world.good.requests - before, 1);
	assert_string_equal(world.notes[0].body, "0");
	/* asked again: the answer of now */
	assert_string_equal(one(url_of("a.localhost", &world.good, "/changes"))->body, "1");
}

static void test_crl_size(void **state)
{
	const char *why;

	(void)state;
	fetcher(lab());
	assert_int_equal(fetch_start(world.f, slice_str(url_of("a.localhost", &world.good, "/big")), UINT32_MAX,
				     FETCH_CRL_MAX, &why), 0);
	run(1);
	assert_int_equal(world.notes[0].r.error, 0);
	assert_int_equal(world.notes[0].r.len, 10 * 1024 * 1024);
}

/* Of one host four at a time, then others still go. */
static void test_host_limit(void **state)
{
	char path[16];
	const char *why;

	(void)state;
	fetcher(lab());
	for (unsigned i = 0; i < FETCH_HOST_MAX; i++) {
		snprintf(path, sizeof(path), "/%u", i);
		assert_int_equal(ask_of(20 + i, url_of("a.localhost", &world.mute, path), &why), 0);
	}
	assert_int_equal(ask_of(9, url_of("A.localhost", &world.mute, "/x"), &why), -EAGAIN);
	assert_non_null(strstr(why, "of this host"));
	ask(url_of("b.localhost", &world.good, "/good"));
	run(1 + FETCH_HOST_MAX);
	assert_string_equal(world.notes[0].body, "hello");
	ask(url_of("a.localhost", &world.good, "/good"));
	run(2 + FETCH_HOST_MAX);
}

static void test_hosts(void **state)
{
	struct fetch_host h[8];

	(void)state;
	fetcher(lab());
	assert_int_equal(fetch_hosts(world.f, h, 8), 0);
	one(url_of("a.localhost", &world.good, "/good"));
	one(url_of("b.localhost", &world.good, "/500"));
	one(url_of("b.localhost", &world.good, "/good"));
	one(url_of("b.localhost", &world.good, "/404"));
	assert_int_equal(fetch_hosts(world.f, h, 8), 2);
	assert_string_equal(h[0].host, "b.localhost");
	assert_int_equal(h[0].failed, 2);
	assert_int_equal(h[0].ok, 1);
	assert_string_equal(h[0].last_error, "HTTP status 404");
	assert_string_equal(h[1].host, "a.localhost");
	assert_int_equal(h[1].ok, 1);
	assert_int_equal(fetch_hosts(world.f, h, 1), 1);
}

/* The environment has no say. */
static void test_environment(void **state)
{
	static const char *const names[] = { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" };
	unsigned before = world.mute.accepted;
	const struct note *n;
	char proxy[64];

	(void)state;
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", world.mute.port);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		setenv(names[i], proxy, 1);
	fetcher(lab());
	n = one(url_of("a.localhost", &world.good, "/good"));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unsetenv(names[i]);
	assert_int_equal(n->r.error, 0);
	assert_int_equal(world.mute.accepted, before);
}

static void test_no_ca(void **state)
{
	struct fetch_config cfg = lab();
	struct fetch *f = (void *)1;

	(void)state;
	cfg.https_ca = "/nowhere/ca.pem";
	assert_int_equal(fetch_new(&cfg, noted, &world, &f), -EIO);
	assert_ptr_equal(f, (void *)1);
	cfg.https_ca = NULL; /* the system's: our CA is not among them */
	fetcher(cfg);
	assert_int_equal(one(url_of("a.localhost", &world.good, "/good"))->r.error, -EPROTO);
}

static void test_extra_fd(void **state)
{
	int p[2];
	uint64_t at;

	(void)state;
	fetcher(lab());
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	at = clock_mono_ns();
	assert_int_equal(fetch_run(world.f, 3000, p[0]), 0);
	assert_true(clock_mono_ns() - at < 2000000000u);
	close(p[0]);
	close(p[1]);
}

#define T(fn) cmocka_unit_test_teardown(fn, fetcher_free)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_answers), T(test_refused_port), T(test_order), T(test_slow), T(test_hung_names), T(test_free_under_way),
		T(test_addresses), T(test_rules), T(test_one_per_url), T(test_crl_size), T(test_host_limit),
		T(test_hosts), T(test_environment), T(test_no_ca), T(test_extra_fd),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}

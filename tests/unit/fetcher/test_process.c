/* SPDX-License-Identifier: BSD-2-Clause */
/* The program: wants become verdicts, what is good survives a restart, the operator's questions are answered. */
#include <sys/resource.h>

#include "procworld.h"

static unsigned requests(void) { return net.https.requests; }

static void test_want(void **state)
{
	struct proc p = proc_start(NULL);
	const char *url = url_to("a.localhost", &net.https, "/chain/1.pem");
	unsigned before = requests();
	struct fetcher_stats s;
	struct fetcher_entry e;
	struct verdict v;
	uint64_t changes = verdict_changes(p.region);

	(void)state;
	v = want(&p, url, VERDICT_GOOD);
	assert_true(verdict_changes(p.region) > changes);
	assert_string_equal(v.spc, "1234");
	assert_true(v.fetched_at >= net.now && v.expires_at >= v.fetched_at + 24 * 3600);
	/* known: nobody is asked, and a signature that does not fit is not believed twice a minute */
	want_as(&p, url, 0);
	want_as(&p, url, VERDICT_WANT_AGAIN);
	wants_settle(&p);
	usleep(100000);
	assert_int_equal(requests(), before + 1);
	e = entry(&p, url);
	assert_string_equal(e.x5u, url);
	assert_int_equal(e.kind, VERDICT_GOOD);
	assert_string_equal(e.spc, "1234");
	assert_non_null(strstr(e.subject, "SHAKEN 1234"));
	assert_false(e.is_stored || e.is_running);
	assert_int_equal(e.fetched_at, v.fetched_at);
	assert_int_equal(e.expires_at, v.expires_at);
	s = proc_stats(&p);
	assert_int_equal(s.good, 1);
	assert_int_equal(s.bad, 0);
	assert_int_equal(s.fetched, 1);
	assert_int_equal(s.failed + s.over_budget + s.running + s.stored, 0);
	proc_stop(&p);
}

/* What is wrong with a URL or its server, and what the verdict says. */
static const struct {
	const char *name, *host;
	const struct httpsd *server;
	const char *path;
	enum sipseal_reason reason;
	unsigned code, keep_s;
	const char *text;
} faults[] = {
	{ "status 429", "a.localhost", &net.https, "/429", SR_CERTIFICATE_UNREACHABLE, 436, 30, "HTTP status 429" },
	{ "status 500", "a.localhost", &net.https, "/500", SR_CERTIFICATE_UNREACHABLE, 436, 30, "HTTP status 500" },
	{ "never answers", "a.localhost", &net.https, "/hang", SR_CERTIFICATE_UNREACHABLE, 436, 30, "" },
	{ "drips", "b.localhost", &net.https, "/drip", SR_CERTIFICATE_UNREACHABLE, 436, 30, "" },
	{ "no TLS", "b.localhost", &net.mute, "/chain", SR_CERTIFICATE_UNREACHABLE, 436, 30, "" },
	{ "refuses", "127.0.0.1:1", NULL, "/chain", SR_CERTIFICATE_UNREACHABLE, 436, 30, "" },
	{ "cut off", "a.localhost", &net.https, "/early", SR_CERTIFICATE_UNREACHABLE, 436, 30, "" },
	{ "hangs up", "a.localhost", &net.https, "/nothing", SR_CERTIFICATE_UNREACHABLE, 436, 30, "" },
	{ "status 404", "a.localhost", &net.https, "/404", SR_FETCH_FAILED, 436, 60, "HTTP status 404" },
	{ "redirect", "a.localhost", &net.https, "/302", SR_FETCH_FAILED, 436, 60, "HTTP status 302" },
	{ "too large", "a.localhost", &net.https, "/big", SR_FETCH_FAILED, 436, 60, "too large" },
	{ "compressed", "b.localhost", &net.https, "/gzip", SR_FETCH_FAILED, 436, 60, "Content-Encoding" },
	{ "old certificate of the server", "a.localhost", &net.old, "/chain", SR_FETCH_FAILED, 436, 60, "expired" },
	{ "another name in TLS", "other.localhost", &net.https, "/chain", SR_FETCH_FAILED, 436, 60, "name" },
	{ "no chain", "a.localhost", &net.https, "/good", SR_CERTIFICATE_BAD, 437, 60, "no certificate chain" },
	{ "wrong type", "b.localhost", &net.https, "/html", SR_CERTIFICATE_BAD, 437, 60, "no certificate chain" },
	{ "another root", "b.localhost", &net.https, "/other", SR_CERTIFICATE_UNTRUSTED, 437, 60, "" },
	{ "a query", "a.localhost", &net.https, "/chain?x=1", SR_X5U_REFUSED, 436, 60, "a query" },
	{ "a user name", "me@a.localhost", &net.https, "/chain", SR_X5U_REFUSED, 436, 60, "user name" },
	{ "bytes that nobody prints", "a.localhost", &net.https, "/\x1b[2J\xff", SR_X5U_REFUSED, 436, 60, "printable" },
};

/* @e: the words have no control characters, whoever wrote them. */
static void fault_check(size_t i, const struct verdict *v, const struct fetcher_entry *e)
{
	if (v->reason != (uint8_t)faults[i].reason || v->code != faults[i].code ||
	    v->expires_at - v->fetched_at != faults[i].keep_s)
		fail_msg("%s: reason %s, code %u, for %ld s (%s)", faults[i].name, reason_token(v->reason), v->code,
			 (long)(v->expires_at - v->fetched_at), e->text);
	assert_int_equal(e->kind, VERDICT_BAD);
	assert_int_equal(e->reason, v->reason);
	assert_int_equal(e->code, v->code);
	assert_int_equal(e->is_stored, 0);
	if (!strstr(e->text, faults[i].text) || !e->text[0])
		fail_msg("%s: text '%s'", faults[i].name, e->text);
	for (const char *c = e->text; *c; c++)
		assert_true(*c >= ' ' && *c <= '~');
	for (const char *c = e->x5u; *c; c++)
		assert_true(*c >= ' ' && *c <= '~');
}

static const char *fault_url(size_t i)
{
	static char text[300];

	if (faults[i].server)
		return url_to(faults[i].host, faults[i].server, faults[i].path);
	snprintf(text, sizeof(text), "https://%s%s", faults[i].host, faults[i].path);
	return text;
}

static void test_faults(void **state)
{
	struct proc p = { 0 };
	struct fetcher_entry all[ARRAY_SIZE(faults) + 1];
	uint32_t total;

	(void)state;
	proc_start_with(&p, (struct fetcher_msg){ .hello.timeout_ms = 800 }, NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		struct verdict v = want(&p, fault_url(i), VERDICT_BAD);

		/* the newest is the first, and by name only where it can be named */
		assert_int_equal(entries(&p, "", 0, all, 1, &total), 1);
		assert_int_equal(total, i + 1);
		fault_check(i, &v, &all[0]);
	}
	proc_stop(&p);
}

/* With private addresses refused: by URL, by address, before anything is sent. */
static void test_street_only(void **state)
{
	static const char *const urls[] = { "https://a.localhost:8443/chain", "https://127.0.0.1/chain",
					    "https://a.localhost:444/" };
	struct proc p = { 0 };
	unsigned accepted = net.https.accepted;

	(void)state;
	proc_spawn(&p);
	proc_hello(&p, (struct fetcher_msg){ 0 });
	must(proc_give(&p, FETCHER_ANCHORS, net.anchors, net.anchors_len), "ANCHORS");
	must(proc_call(&p, (struct fetcher_msg){ .head.type = FETCHER_START }, NULL, 0), "START");
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct verdict v = want(&p, urls[i], VERDICT_BAD);

		if (v.reason != SR_X5U_REFUSED || v.code != 436)
			fail_msg("%s: %s", urls[i], reason_token(v.reason));
	}
	assert_int_equal(net.https.accepted, accepted);
	proc_stop(&p);
}

/* A hundred made-up URLs of one trunk and host: some are not asked for, all of that is counted, and the good call of
 * another host goes through. */
static void test_budget(void **state)
{
	struct proc p = proc_start(NULL);
	char path[32];
	struct fetcher_stats s;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/hang?%u", i);
		path[5] = '-';
		want_as(&p, url_to("c.localhost", &net.https, path), 0);
	}
	want(&p, url_to("a.localhost", &net.https, "/chain/budget"), VERDICT_GOOD);
	wants_settle(&p);
	s = proc_stats(&p);
	assert_true(s.over_budget >= 90);
	assert_int_equal(s.good, 1);
	assert_true(s.running <= 4);
	proc_stop(&p);
}

static void test_list_order(void **state)
{
	struct proc p = proc_start(NULL);
	struct fetcher_entry all[8];
	char path[32];
	uint32_t total;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), i % 2 ? "/404/%u" : "/chain/%u", i);
		want(&p,
		     url_to("a.localhost", &net.https,
			    i == 1   ? "/404"
			    : i == 3 ? "/500"
				     : path),
		     i % 2 ? VERDICT_BAD : VERDICT_GOOD);
	}
	assert_int_equal(entries(&p, "", 0, all, 8, &total), 5);
	assert_int_equal(total, 5);
	assert_non_null(strstr(all[0].x5u, "/chain/4"));
	assert_non_null(strstr(all[1].x5u, "/500"));
	assert_non_null(strstr(all[2].x5u, "/chain/2"));
	assert_non_null(strstr(all[3].x5u, "/404"));
	assert_non_null(strstr(all[4].x5u, "/chain/0"));
	/* in pages */
	assert_int_equal(entries(&p, "", 3, all, 8, &total), 2);
	assert_non_null(strstr(all[0].x5u, "/404"));
	assert_int_equal(entries(&p, "", 0, all, 2, &total), 2);
	assert_int_equal(total, 5);
	assert_int_equal(entries(&p, "", 9, all, 8, &total), 0);
	assert_int_equal(entries(&p, "https://nobody.example/", 0, all, 8, &total), 0);
	assert_int_equal(total, 0);
	proc_stop(&p);
}

static void test_hosts(void **state)
{
	struct proc p = proc_start(NULL);
	struct fetcher_host all[8];
	uint32_t total;

	(void)state;
	want(&p, url_to("a.localhost", &net.https, "/chain/h"), VERDICT_GOOD);
	want(&p, url_to("b.localhost", &net.https, "/404"), VERDICT_BAD);
	assert_int_equal(records(&p, (struct fetcher_msg){ .head.type = FETCHER_HOSTS }, all, 8, sizeof(*all), &total),
			 2);
	assert_int_equal(total, 2);
	assert_string_equal(all[0].host, "b.localhost");
	assert_int_equal(all[0].failed, 1);
	assert_non_null(strstr(all[0].last_error, "404"));
	assert_string_equal(all[1].host, "a.localhost");
	assert_int_equal(all[1].ok, 1);
	proc_stop(&p);
}

static void test_prefetch_flush(void **state)
{
	char *dir = dir_new();
	struct proc p = proc_start(dir);
	const char *url = url_to("a.localhost", &net.https, "/chain/p"),
		   *second = url_to("a.localhost", &net.https, "/chain/q");
	struct fetcher_msg r;
	struct verdict v;

	(void)state;
	must(proc_url(&p, FETCHER_PREFETCH, url), "PREFETCH");
	wait_for(&p, url, VERDICT_GOOD);
	assert_int_equal(entry(&p, url).is_stored, 1);
	r = proc_url(&p, FETCHER_PREFETCH, "http://a.localhost/chain");
	assert_int_equal(r.head.error, -EINVAL);
	assert_non_null(strstr(r.result.text, "scheme"));
	assert_int_equal(proc_url(&p, FETCHER_PREFETCH, "").head.error, -EINVAL);
	want(&p, second, VERDICT_GOOD);
	assert_int_equal(dir_each(dir, NULL), 2);
	must(proc_url(&p, FETCHER_FLUSH, url), "FLUSH");
	assert_int_equal(look(&p, url, &v), VERDICT_UNKNOWN);
	assert_int_equal(look(&p, second, &v), VERDICT_GOOD);
	assert_int_equal(dir_each(dir, NULL), 1);
	assert_int_equal(proc_url(&p, FETCHER_FLUSH, url).head.error, -ENOENT);
	must(proc_url(&p, FETCHER_FLUSH, ""), "FLUSH of all");
	assert_int_equal(look(&p, second, &v), VERDICT_UNKNOWN);
	assert_int_equal(dir_each(dir, NULL), 0);
	assert_int_equal(proc_stats(&p).good, 0);
	proc_stop(&p);
	dir_remove(dir);
}

/* Messages at the wrong time or with the wrong things: refused, and the process goes on. */
static void test_protocol(void **state)
{
	static const enum fetcher_type early[] = { FETCHER_ANCHORS,
						   FETCHER_CRL,
						   FETCHER_CACHE,
						   FETCHER_START,
						   FETCHER_PREFETCH,
						   FETCHER_FLUSH,
						   FETCHER_LIST,
						   FETCHER_HOSTS,
						   FETCHER_STATUS,
						   FETCHER_RESULT,
						   99,
						   0 };
	struct proc p = { 0 };

	(void)state;
	proc_spawn(&p);
	for (size_t i = 0; i < ARRAY_SIZE(early); i++)
		if (proc_call(&p, (struct fetcher_msg){ .head.type = early[i] }, NULL, 0).head.error >= 0)
			fail_msg("message %u was taken before HELLO", early[i]);
	proc_hello(&p, (struct fetcher_msg){ .hello.allow_private = 1 });
	assert_true(proc_call(&p, (struct fetcher_msg){ .head.type = FETCHER_START }, NULL, 0).head.error < 0);
	assert_int_equal(proc_give(&p, FETCHER_ANCHORS, "no PEM", 6).head.error, -EINVAL);
	assert_int_equal(proc_give(&p, FETCHER_CACHE, "", 0).head.error, -ENOTDIR);
	must(proc_give(&p, FETCHER_ANCHORS, net.anchors, net.anchors_len), "ANCHORS");
	assert_int_equal(proc_give(&p, FETCHER_CRL, "no CRL", 6).head.error, -EINVAL);
	must(proc_call(&p, (struct fetcher_msg){ .head.type = FETCHER_START }, NULL, 0), "START");
	assert_true(proc_call(&p, (struct fetcher_msg){ .head.type = FETCHER_START }, NULL, 0).head.error < 0);
	assert_true(proc_call(&p, (struct fetcher_msg){ .head.type = FETCHER_LIST }, NULL, 0).head.error < 0);
	want(&p, url_to("a.localhost", &net.https, "/chain/after"), VERDICT_GOOD);
	proc_stop(&p);
}

/* What the kernel says of it. */
static void confined(const struct proc *p)
{
	static const char *const want[] = { "Seccomp:\t2\n",
					    "NoNewPrivs:\t1\n",
					    "CapEff:\t0000000000000000\n",
					    "CapPrm:\t0000000000000000\n",
					    "Uid:\t65534\t65534\t65534\t65534\n",
					    "Gid:\t65534\t65534\t65534\t65534\n" };
	char path[64], text[4096];
	CLEANUP(fclosep) FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)p->pid);
	f = fopen(path, "re");
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(want) - (geteuid() == 0 ? 0 : 2); i++)
		if (!strstr(text, want[i]))
			fail_msg("its status does not say %s", want[i]);
	assert_true(getpriority(PRIO_PROCESS, (id_t)p->pid) >= 10); /* calls go first */
}

static void test_confined(void **state)
{
	struct proc p = proc_start(NULL);

	(void)state;
	confined(&p);
	proc_stop(&p);
}

/* A name by the C library's look-up, in a thread under the filter. */
static void test_name(void **state)
{
	char *dir, hosts[100];
	struct proc p = { .hosts = hosts };
	int fd;

	(void)state;
	if (geteuid() != 0)
		skip(); /* the hosts file of a mount namespace of its own */
	dir = dir_new();
	snprintf(hosts, sizeof(hosts), "%s/hosts", dir);
	fd = open(hosts, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(dprintf(fd, "127.0.0.1 one.test\n::1 six.test\n"), 32);
	assert_int_equal(fchmod(fd, 0644), 0);
	close(fd);
	proc_start_with(&p, (struct fetcher_msg){ 0 }, NULL, NULL);
	want(&p, url_to("one.test", &net.https, "/chain/name"), VERDICT_GOOD);
	assert_int_equal(want(&p, url_to("six.test", &net.https, "/chain/name"), VERDICT_BAD).reason,
			 SR_CERTIFICATE_UNREACHABLE);
	proc_stop(&p);
	dir_remove(dir);
}

/* EOF ends it while a server hangs; a message of another size is the end, too. */
static void test_end(void **state)
{
	struct proc p = proc_start(NULL);
	int status;

	(void)state;
	want_as(&p, url_to("a.localhost", &net.https, "/hang"), 0);
	wants_settle(&p);
	assert_int_equal(proc_stats(&p).running, 1);
	proc_stop(&p);
	p = proc_start(NULL);
	assert_int_equal(send(p.fd, "short", 5, 0), 5);
	assert_int_equal(waitpid(p.pid, &status, 0), p.pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	proc_forget(&p);
}

static uint64_t cpu_us(pid_t pid)
{
	unsigned long long ns;
	char path[64], text[128];
	CLEANUP(fclosep) FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	f = fopen(path, "re");
	assert_non_null(fgets(text, sizeof(text), f));
	assert_int_equal(sscanf(text, "%llu", &ns), 1);
	return ns / 1000;
}

/* Idle it takes next to nothing; with the sanitizers' checks some times as much. */
static void test_idle(void **state)
{
	struct proc p = proc_start(NULL);
	uint64_t before;

	(void)state;
	usleep(400000); /* the pages of the start */
	before = cpu_us(p.pid);
	usleep(2000000);
	if (cpu_us(p.pid) - before > 60000)
		fail_msg("%lu us of CPU in two idle seconds", (unsigned long)(cpu_us(p.pid) - before));
	proc_stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_want),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_street_only),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_list_order),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_prefetch_flush),
		cmocka_unit_test(test_protocol),
		cmocka_unit_test(test_confined),
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests(tests, net_setup, net_teardown);
}

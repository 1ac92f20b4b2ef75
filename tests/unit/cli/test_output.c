/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "cli/client.h"
#include "cli/globals.h"
#include "cli/out.h"
#include "cli/show.h"

static char text[8192];

/* What @show prints of @json, in text[]. */
static void shown(void (*show)(FILE *, const json_t *), const char *json)
{
	FILE *f = fmemopen(text, sizeof(text), "w");
	json_error_t error;
	json_t *o = json_loads(json, 0, &error);

	if (!o)
		fail_msg("%s", error.text);
	show(f, o);
	fclose(f);
	json_decref(o);
}

static void harmless(const char *name)
{
	for (const char *p = text; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\n') || (unsigned char)*p > 0x7e)
			fail_msg("%s: byte %02x in: %s", name, (unsigned char)*p, text);
}

static void test_status(void **state)
{
	(void)state;
	shown(show_status,
	      "{\"version\":\"0.1\",\"mode\":\"routed\",\"generation\":3,\"uptime_s\":3700,"
	      "\"regulatory_enabled\":true,"
	      "\"fast_path\":{\"mode\":\"kernel\",\"why\":\"veth\"},\"calls\":{\"signed\":12,"
	      "\"unsigned\":3},"
	      "\"signer\":{\"state\":\"running\",\"pid\":7,\"workers\":2},\"trunks\":{\"count\":2,"
	      "\"observe\":1},"
	      "\"interfaces\":[{\"name\":\"eth0\",\"side\":\"core\",\"xdp\":\"native\",\"queues\":"
	      "4,\"packets_total\":99,"
	      "\"packets\":{\"steered\":15,\"local\":0}}],"
	      "\"credentials\":[{\"cert\":\"c.pem\",\"key\":\"k.pem\",\"spc\":\"1234\",\"usable\":"
	      "false}],"
	      "\"warnings\":[{\"code\":\"x\",\"text\":\"look here\",\"trunk\":\"acme\"},"
	      "{\"code\":\"y\",\"level\":\"critical\",\"text\":\"act\"},"
	      "{\"code\":\"z\",\"level\":\"notice\",\"text\":\"by the way\"}]}");
	for (const char *const *want =
		     (const char *const[]){ "generation 3, up 1h 1m", "kernel (veth)",
					    "signed 12, unsigned 3", "running, pid 7", "steered 15",
					    "(hidden)", "NO", "warning: acme: look here\n",
					    "warning: act\n", "note: by the way\n", NULL };
	     *want; want++)
		if (!strstr(text, *want))
			fail_msg("no '%s' in: %s", *want, text);
	assert_null(strstr(text, "k.pem"));
	assert_null(strstr(text, "local"));
	harmless("status");
}

static void test_status_of_fragments(void **state)
{
	(void)state;
	shown(show_status, "{\"fragments\":{\"held\":0,\"whole\":0}}");
	assert_null(strstr(text, "fragments"));
	shown(show_status, "{\"fragments\":{\"held\":3,\"bytes\":8192,\"limit_bytes\":16777216,\"whole\":7,\"refused\":2,"
			   "\"incomplete\":1}}");
	if (!strstr(text, "fragments   3 held (8 of 16384 KiB), 7 datagrams put together, 2 refused, 1 incomplete\n"))
		fail_msg("fragments in: %s", text);
}

static void expect_all(const char *const *want)
{
	for (; *want; want++)
		if (!strstr(text, *want))
			fail_msg("no '%s' in: %s", *want, text);
}

static void test_status_of_verification(void **state)
{
	(void)state;
	shown(show_status,
	      "{\"calls\":{\"signed\":1,\"inbound\":{\"verified\":7,\"failed\":2,\"missing\":3,"
	      "\"unverified\":4,\"dropped\":5}},"
	      "\"verification\":{\"enabled\":true,"
	      "\"fetcher\":{\"pid\":77,\"up\":true,\"restarts\":1,\"user\":\"sipseal-fetcher\"},"
	      "\"cache\":{\"good\":120,\"bad\":4,\"stored\":118,\"stored_bytes\":4096,\"loading\":5,"
	      "\"hit_rate\":0.75,\"hits\":3,\"misses\":1,\"evicted\":0,\"store_errors\":6},"
	      "\"fetches\":{\"running\":1,\"ok\":12,\"failed\":8,\"over_budget\":9},"
	      "\"hosts\":[{\"host\":\"bad.example\",\"ok\":0,\"failed\":8,\"last_error\":\"time-out\"},"
	      "{\"host\":\"fine.example\",\"ok\":5,\"failed\":0,\"last_error\":null}],"
	      "\"crl\":{\"at\":\"2026-11-01T00:00:00Z\",\"next_update\":\"2026-12-01T00:00:00Z\",\"error\":\"over\"},"
	      "\"parked\":2,\"parked_ever\":15,\"park_full\":1,"
	      "\"clock_skew\":[{\"trunk\":\"acme\",\"mean_ms\":-1500,\"min_ms\":-2000,\"max_ms\":300,\"calls\":41}]}}");
	expect_all((const char *const[]){ "verified 7, failed 2, missing 3, unverified 4, dropped 5\n",
					  "running, pid 77, user sipseal-fetcher, 1 restarts\n",
					  "120 certificates good, 4 bad; 118 on disk (4 KiB), 5 still to be judged; "
					  "75.0 % of 4 look-ups hit\n",
					  "6 chains could not be written or read",
					  "12 ok, 8 failed, 9 over budget, 1 running\n",
					  "2 INVITEs wait for a certificate, 15 ever, 1 found no room\n",
					  "next 2026-12-01T00:00:00Z: over\n", "bad.example", "time-out",
					  "acme", "-1.5 s", "-2.0 s", "+0.3 s", "41", NULL });
	assert_null(strstr(text, "fine.example")); /* nothing is wrong there */
	shown(show_status, "{\"verification\":{\"enabled\":true,\"fetcher\":{\"up\":false}}}");
	expect_all((const char *const[]){ "DOWN", NULL });
	assert_null(strstr(text, "CRL"));
	shown(show_status, "{\"verification\":{\"enabled\":true,\"fetcher\":{\"up\":true},\"crl\":{\"policy\":\"hard\","
			   "\"at\":null,\"next_update\":null,\"error\":\"no PEM\"}}}");
	expect_all((const char *const[]){ "CRL         none (policy hard): no PEM\n", NULL });
	shown(show_status, "{\"verification\":{\"enabled\":false}}");
	expect_all((const char *const[]){ "off: no trunk verifies", NULL });
	assert_null(strstr(text, "fetcher"));
}

static void test_trunks_inbound(void **state)
{
	(void)state;
	shown(show_trunks, "{\"trunks\":[{\"name\":\"on\",\"verification\":true,\"calls\":{\"signed\":1,"
			   "\"inbound\":{\"verified\":71,\"failed\":72,\"missing\":73}}},"
			   "{\"name\":\"not\",\"verification\":false,\"calls\":{}}]}");
	expect_all((const char *const[]){ "VERIFIED  FAILED  MISSING", "71      72       73", "off     off      off",
					  NULL });
	shown(show_trunk, "{\"name\":\"t\",\"verification\":{\"enabled\":true,\"on_failure\":\"reject\","
			  "\"on_missing\":\"tag\",\"wait_ms\":300},"
			  "\"state\":{\"reasons_inbound\":{\"verified\":4}}}");
	expect_all((const char *const[]){ "# verification: a call that fails is refused; one without Identity passes, "
					  "marked; waits 300 ms",
					  "# INVITEs to the carrier: none yet\n",
					  "# INVITEs from the carrier: verified 4\n", NULL });
	shown(show_trunk, "{\"name\":\"t\",\"verification\":{\"enabled\":false}}");
	expect_all((const char *const[]){ "# verification: off", NULL });
}

static const struct {
	const char *name, *json, *line;
} events[] = {
	{ "outbound",
	  "{\"time\":\"T\",\"direction\":\"outbound\",\"trunk\":\"acme\",\"status\":\"SIGNED\",\"attest\":\"A\","
	  "\"orig\":\"1\",\"dest\":\"2\",\"reason\":\"signed\",\"latency_us\":93,\"call_id\":\"id\",\"override\":5}",
	  "T                        out acme         SIGNED        A 1               -> 2               signed           "
	  "       93 us  id (override)\n" },
	{ "inbound",
	  "{\"time\":\"T\",\"direction\":\"inbound\",\"trunk\":\"acme\",\"status\":\"STIR_VERIFIED\",\"attest\":\"B\","
	  "\"orig\":\"1\",\"dest\":\"2\",\"reason\":\"verified\",\"latency_us\":120,\"call_id\":\"id\",\"spc\":\"709J\","
	  "\"waited\":true}",
	  "T                        in  acme         STIR_VERIFIED B 1               -> 2               verified         "
	  "      120 us  id SPC 709J (waited)\n" },
	{ "inbound, refused",
	  "{\"time\":\"T\",\"direction\":\"inbound\",\"status\":\"STIR_FAILED\",\"attest\":null,"
	  "\"reason\":\"signature_bad\",\"call_id\":\"id\",\"spc\":null,\"response\":438}",
	  "T                        in  -            STIR_FAILED   - -               -> -               signature_bad    "
	  "        0 us  id (438)\n" },
	{ "lost", "{\"dropped\":3}", "(3 events were lost: this reader is too slow)\n" },
};

static void test_events(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		shown(show_event, events[i].json);
		if (strcmp(text, events[i].line))
			fail_msg("%s:\n%s%s", events[i].name, text, events[i].line);
	}
}

static void test_cache(void **state)
{
	(void)state;
	shown(show_cache, "{\"entries\":[{\"x5u\":\"https://a.example/1.pem\",\"state\":\"good\",\"spc\":\"709J\","
			  "\"fetched\":\"2026-11-22T00:00:00Z\",\"expires\":\"2026-11-23T00:00:00Z\",\"stored\":true},"
			  "{\"x5u\":\"https://b.example/2.pem\",\"state\":\"bad\",\"reason\":\"certificate_expired\"}],"
			  "\"total\":9}");
	expect_all((const char *const[]){ "good   -                    709J  2026-11-22T00:00:00Z", "yes",
					  "bad    certificate_expired", "https://b.example/2.pem",
					  "2 of 9 certificates\n", NULL });
	shown(show_cache_entry, "{\"x5u\":\"https://b.example/2.pem\",\"state\":\"bad\",\"code\":437,"
				"\"reason\":\"certificate_expired\",\"detail\":\"leaf: expired\",\"spc\":null}");
	expect_all((const char *const[]){ "state       bad\n", "code        437\n", "detail      leaf: expired\n", NULL });
	assert_null(strstr(text, "spc"));
}

/* The daemon's words are not ours to trust: nothing of them may drive the terminal. */
static void test_hostile_strings(void **state)
{
#define EVIL "\\u001b[31m\\u0007\\u009b\\r\\u202e"
	(void)state;
	shown(show_status, "{\"version\":\"" EVIL "\",\"mode\":\"" EVIL
			   "\",\"fast_path\":{\"why\":\"" EVIL "\"},"
			   "\"signer\":{\"state\":\"" EVIL "\"},"
			   "\"interfaces\":[{\"name\":\"" EVIL "\",\"packets\":{\"" EVIL "\":1}}],"
			   "\"credentials\":[{\"cert\":\"" EVIL
			   "\"}],\"warnings\":[{\"text\":\"" EVIL "\",\"trunk\":\"" EVIL "\"}],"
			   "\"unmatched_invite\":{\"peers\":[{\"source\":\"" EVIL "\"}]}}");
	harmless("status");
	assert_non_null(strstr(text, "\\x1b[31m"));
	shown(show_stats,
	      "{\"interfaces\":[{\"name\":\"" EVIL "\",\"packets\":{\"" EVIL "\":1}}]}");
	harmless("stats");
	shown(show_trunks, "{\"trunks\":[{\"name\":\"" EVIL "\",\"carrier\":[\"" EVIL "\"]}]}");
	harmless("trunk list");
	shown(show_trunk, "{\"name\":\"" EVIL "\",\"" EVIL "\":{\"a\":[\"" EVIL "\"]},"
			  "\"state\":{\"file\":\"" EVIL "\",\"reasons\":{\"" EVIL
			  "\":1},\"credential\":{\"spc\":\"" EVIL "\"}}}");
	harmless("trunk show");
	shown(show_status, "{\"calls\":{\"verified\":1},\"verification\":{\"enabled\":true,\"fetcher\":{\"up\":true,"
			   "\"user\":\"" EVIL "\"},\"crl\":{\"at\":\"" EVIL "\",\"error\":\"" EVIL "\"},"
			   "\"hosts\":[{\"host\":\"" EVIL "\",\"failed\":1,\"last_error\":\"" EVIL "\"}]},"
			   "\"clock_skew\":[{\"trunk\":\"" EVIL "\"}]}");
	harmless("status of verification");
	shown(show_cache, "{\"entries\":[{\"x5u\":\"" EVIL "\",\"state\":\"" EVIL "\",\"spc\":\"" EVIL "\"}]}");
	harmless("cert cache list");
	shown(show_cache_entry, "{\"x5u\":\"" EVIL "\",\"state\":\"" EVIL "\",\"detail\":\"" EVIL
				"\",\"subject\":\"" EVIL "\"}");
	harmless("cert cache show");
	shown(show_event, "{\"direction\":\"inbound\",\"status\":\"" EVIL "\",\"spc\":\"" EVIL "\",\"reason\":\"" EVIL
			  "\",\"call_id\":\"" EVIL "\"}");
	harmless("events");
}

/* Any JSON that a confused daemon might send. */
static void test_wrong_shapes(void **state)
{
	static const char *const docs[] = {
		"{}", "[]",
		"{\"interfaces\":7,\"trunks\":[1,null,\"x\"],\"signer\":[],\"state\":1}",
		"{\"interfaces\":[[]],\"credentials\":{},\"warnings\":[{}]}",
		"{\"verification\":{\"enabled\":true,\"fetcher\":[],\"cache\":1,\"hosts\":{},\"crl\":{\"error\":7}},"
		"\"clock_skew\":[1,{}],\"entries\":[3,null,{}],\"direction\":4}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(docs); i++) {
		shown(show_status, docs[i]);
		shown(show_stats, docs[i]);
		shown(show_trunks, docs[i]);
		shown(show_trunk, docs[i]);
		shown(show_cache, docs[i]);
		shown(show_cache_entry, docs[i]);
		shown(show_event, docs[i]);
		harmless(docs[i]);
	}
}

static const struct {
	const char *name, *json, *yaml;
} yaml[] = {
	{ "scalars", "{\"a\":1,\"b\":true,\"c\":\"x\",\"d\":null}",
	  "a: 1\nb: true\nc: x\nd: null\n" },
	{ "nested", "{\"a\":{\"b\":{\"c\":1}}}", "a:\n  b:\n    c: 1\n" },
	{ "list", "{\"a\":[\"x\",\"y\"]}", "a:\n  - x\n  - y\n" },
	{ "list of objects", "{\"a\":[{\"b\":1,\"c\":2},{\"b\":{\"d\":[3]}},{}]}",
	  "a:\n  - b: 1\n    c: 2\n  - b:\n      d:\n        - 3\n  - {}\n" },
	{ "lists in lists", "{\"a\":[[1,2],[]]}", "a:\n  -\n    - 1\n    - 2\n  - []\n" },
	{ "empty", "{\"a\":[],\"b\":{},\"c\":\"\"}", "a: []\nb: {}\nc: \"\"\n" },
	{ "words of YAML", "{\"a\":\"yes\",\"b\":\"null\",\"c\":\"1\",\"d\":\"True\"}",
	  "a: \"yes\"\nb: \"null\"\nc: \"1\"\nd: \"True\"\n" },
	{ "words of the schema", "{\"a\":\"off\",\"b\":\"none\"}", "a: off\nb: none\n" },
	{ "special", "{\"a\":\"x: y\",\"b\":\"# c\",\"c\":\"+1800*\",\"d\":\"a\\nb\",\"e\":\"-\"}",
	  "a: \"x: y\"\nb: \"# c\"\nc: \"+1800*\"\nd: \"a\\nb\"\ne: \"-\"\n" },
	{ "first plane", "{\"a\":\"S\u00e3o\",\"b\":\"\ue000\uffff\"}",
	  "a: \"S\\u00E3o\"\nb: \"\\uE000\\uFFFF\"\n" },
	{ "behind it", "{\"a\":\"x\\ud83d\\udcdey\",\"b\":\"\\udbff\\udfff\",\"c\":\"\\\\ud83d\"}",
	  "a: \"x\\U0001F4DEy\"\nb: \"\\U0010FFFF\"\nc: \"\\\\ud83d\"\n" },
	{ "DEL", "{\"a\":\"\x7f\"}", "a: \"\\x7F\"\n" },
};

static void test_yaml(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yaml); i++) {
		shown(out_yaml, yaml[i].json);
		if (strcmp(text, yaml[i].yaml))
			fail_msg("%s: %s", yaml[i].name, text);
	}
}

static void test_table(void **state)
{
	static const char *const heads[] = { "NAME", ">N", "LAST", NULL };
	struct out_table *t = out_table_new(heads);
	FILE *f = fmemopen(text, sizeof(text), "w");

	(void)state;
	out_table_cell(t, "a");
	out_table_cell(t, "%d", 1);
	out_table_cell(t, "x");
	out_table_cell(t, "longer");
	out_table_cell(t, "%d", 1000);
	out_table_cell(t, "y");
	out_table_cell(t, "b");
	out_table_cell(t, "%d", 22);
	out_table_cell(t, "%s", "");
	out_table_cell(t, "c");
	out_table_cell(t, "%s", "");
	out_table_cell(t, "z");
	out_table_print(t, f);
	fclose(f);
	assert_string_equal(text, "NAME       N  LAST\na          1  x\nlonger  1000  y\nb         22\nc             z\n");
}

static const struct {
	const char *name, *in[8], *out[8];
	int argc;
	bool json;
	const char *socket;
} args[] = {
	{ "nothing", { "sipseal" }, { "sipseal" }, 1, false, "/env" },
	{ "before",
	  { "sipseal", "-j", "-s", "/x", "stats" },
	  { "sipseal", "stats" },
	  2,
	  true,
	  "/x" },
	{ "behind",
	  { "sipseal", "stats", "--json", "--socket=/y" },
	  { "sipseal", "stats" },
	  2,
	  true,
	  "/y" },
	{ "between",
	  { "sipseal", "trunk", "-j", "show", "acme" },
	  { "sipseal", "trunk", "show", "acme" },
	  4,
	  true,
	  "/env" },
	{ "after --",
	  { "sipseal", "explain", "--", "-j" },
	  { "sipseal", "explain", "--", "-j" },
	  4,
	  false,
	  "/env" },
	{ "no value", { "sipseal", "-s" }, { NULL }, -1, false, NULL },
	{ "others stay",
	  { "sipseal", "--at", "0", "-c", "f" },
	  { "sipseal", "--at", "0", "-c", "f" },
	  5,
	  false,
	  "/env" },
};

static void test_globals(void **state)
{
	(void)state;
	setenv("SIPSEAL_SOCKET", "/env", 1);
	for (size_t i = 0; i < ARRAY_SIZE(args); i++) {
		char *argv[9] = { NULL };
		struct cli cli = { 0 };
		int argc = 0, r;

		while (argc < 8 && args[i].in[argc]) {
			argv[argc] = (char *)args[i].in[argc];
			argc++;
		}
		r = globals_take(&cli, argc, argv);
		if (r != args[i].argc)
			fail_msg("%s: argc %d", args[i].name, r);
		for (int k = 0; k < r; k++)
			if (strcmp(argv[k], args[i].out[k]))
				fail_msg("%s: argv[%d] %s", args[i].name, k, argv[k]);
		if (r >= 0 &&
		    (argv[r] || cli.json != args[i].json || strcmp(cli.socket, args[i].socket)))
			fail_msg("%s: json %d, socket %s", args[i].name, cli.json, cli.socket);
	}
	unsetenv("SIPSEAL_SOCKET");
	struct cli cli = { 0 };
	globals_take(&cli, 1, (char *[]){ (char *)"sipseal", NULL });
	assert_string_equal(cli.socket, CLI_SOCKET);
}

static void test_path(void **state)
{
	char *path = client_path("/v1/trunks/", "a/b?c %\xff..");

	(void)state;
	assert_string_equal(path, "/v1/trunks/a%2Fb%3Fc%20%25%FF..");
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),	     cmocka_unit_test(test_hostile_strings),
		cmocka_unit_test(test_status_of_fragments), cmocka_unit_test(test_status_of_verification), cmocka_unit_test(test_trunks_inbound),
		cmocka_unit_test(test_events), cmocka_unit_test(test_cache),
		cmocka_unit_test(test_wrong_shapes), cmocka_unit_test(test_yaml),
		cmocka_unit_test(test_table),	     cmocka_unit_test(test_globals),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

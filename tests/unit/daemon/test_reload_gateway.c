// SPDX-License-Identifier: BSD-2-Clause
/* A reload: keys of the gateway, those that only a restart can change, and what is refused. */
#include "reloads.h"

/* ---- the gateway ---- */

static void test_gateway(void **state)
{
	char want[512];

	(void)state;
	load_world();
	put_file("sipseal.yaml", REPLACE_GATEWAY(", heartbeat_ms: 700, on_signer_failure: pass"));
	reload_says("gateway",
		    "{\"added\":[],\"removed\":[],\"changed\":[],\"gateway\":["
		    "{\"key\":\"gateway.on_signer_failure\",\"from\":\"drop\",\"to\":\"pass\"},"
		    "{\"key\":\"gateway.heartbeat_ms\",\"from\":500,\"to\":700}]}");
	assert_int_equal(world->d.gateway->heartbeat_ms, 700);
	put_file("sipseal.yaml",
		 REPLACE_GATEWAY(", heartbeat_ms: 700, on_signer_failure: pass") "defaults: {}\n");
	assert_int_equal(mkdir(at("other.d"), 0755), 0);
	put_file("sipseal.yaml",
		 "gateway: { interfaces: [{ name: eth0, side: core }, { name: eth1, side: carrier "
		 "}], "
		 "heartbeat_ms: 700, on_signer_failure: pass }\ncontrol: { metrics: 'off' }\n"
		 "certificates: { root: sti, cert_path: c.pem, key_path: k.pem, x5u: "
		 "'https://cert.example/c.pem' }\n"
		 "trunks_dir: other.d\n");
	snprintf(want, sizeof(want),
		 "{\"added\":[],\"removed\":[],\"changed\":[],\"gateway\":["
		 "{\"key\":\"trunks_dir\",\"from\":\"%s\",\"to\":\"%s\"}]}",
		 at("trunks.d"), at("other.d"));
	reload_says("trunks_dir", want);
}

static void test_restart_required(void **state)
{
	static const struct {
		const char *name, *text, *keys[3];
	} cases[] = {
		{ "interfaces",
		  "gateway: { interfaces: [{ name: eth0, side: core }, { name: eth2, side: carrier "
		  "}] }\n"
		  "control: { metrics: 'off' }\n",
		  { "gateway.interfaces" } },
		{ "xdp_mode",
		  "gateway: { interfaces: [{ name: eth0, side: core }, { name: eth1, side: carrier "
		  "}], "
		  "xdp_mode: generic }\ncontrol: { metrics: 'off' }\n",
		  { "gateway.xdp_mode" } },
		{ "ports",
		  "gateway: { interfaces: [{ name: eth0, side: core }, { name: eth1, side: carrier "
		  "}], "
		  "sip_ports: [5060, 5080] }\ncontrol: { metrics: 'off' }\n",
		  { "gateway.sip_ports" } },
		{ "fast_path",
		  "gateway: { interfaces: [{ name: eth0, side: core }, { name: eth1, side: carrier "
		  "}], "
		  "fast_path: kernel }\ncontrol: { metrics: 'off' }\n",
		  { "gateway.fast_path" } },
		{ "three",
		  "gateway: { interfaces: [{ name: eth0, side: core }, { name: eth1, side: carrier "
		  "}], "
		  "workers: 2, umem_frames: 8192, idle: spin, heartbeat_ms: 50 }\ncontrol: { "
		  "metrics: 'off' }\n",
		  { "gateway.workers", "gateway.umem_frames", "gateway.idle" } },
		{ "sockets",
		  "gateway: { interfaces: [{ name: eth0, side: core }, { name: eth1, side: carrier "
		  "}], "
		  "bpffs: /run/x }\ncontrol: { socket: /run/s.sock }\n",
		  { "gateway.bpffs", "control.socket", "control.metrics" } },
	};
	char text[1024];

	(void)state;
	load_world();
	for (size_t i = 0; i < ARRAY_SIZE(cases) * 2; i++) {
		struct fault f = { 0 };

		snprintf(text, sizeof(text),
			 "%scertificates: { root: sti, cert_path: c.pem, key_path: k.pem, "
			 "x5u: 'https://cert.example/c.pem' }\ntrunks_dir: trunks.d\n",
			 cases[i / 2].text);
		put_file("sipseal.yaml", text);
		put_file("trunks.d/a.yaml", TRUNK("a", "192.0.2.1", ""));
		reload_as(cases[i / 2].name, i & 1, "restart_required", &f);
		for (size_t k = 0; k < 3 && cases[i / 2].keys[k]; k++)
			if (!strstr(f.text, cases[i / 2].keys[k]))
				fail_msg("%s: %s is not named: %s", cases[i / 2].name,
					 cases[i / 2].keys[k], f.text);
		if (strstr(f.text, "heartbeat"))
			fail_msg("%s: names what can change", f.text);
		assert_int_equal(f.report.error_cnt, cases[i / 2].keys[1] ? 3 : 1);
		fault_done(&f);
	}
	assert_int_equal(world->changes, 0);
	assert_null(trunk_of("a"));
}

/* All errors of all files, and nothing of the good ones. */
static void test_refused(void **state)
{
	struct fault f = { 0 };

	(void)state;
	put_file("trunks.d/a.yaml", TRUNK("a", "192.0.2.1", ""));
	load_world();
	put_file("trunks.d/b.yaml", TRUNK("b", "192.0.2.2", "privacy: x\n"));
	put_file("trunks.d/c.yaml", TRUNK("c", "192.0.2.1", ""));
	put_file("trunks.d/d.yaml", TRUNK("d", "192.0.2.4", ""));
	put_file("sipseal.yaml", MAIN "unknown: 1\n");
	for (int want_dry = 0; want_dry < 2; want_dry++) {
		reload_as("errors", want_dry, "invalid", &f);
		assert_int_equal(f.report.error_cnt, 3);
		fault_done(&f);
	}
	unlink(world->main);
	reload_as("no file", false, "invalid", &f);
	fault_done(&f);
	assert_int_equal(world->changes, 0);
	assert_int_equal(live_cnt(world->d.live), 1);
}

/* What only the generation can know, a dry run tells as well; nothing has changed hands. */
static void test_generation_refuses(void **state)
{
	struct fault f = { 0 };
	struct config *config;

	(void)state;
	put_file("trunks.d/a.yaml", TRUNK("a", "192.0.2.1", ""));
	load_world();
	config = world->d.config;
	put_file("trunks.d/a.yaml", TRUNK("a", "192.0.2.1", "mode: observe\n"));
	put_file("trunks.d/b.yaml", TRUNK("b", "192.0.2.2", ""));
	world->refuse = "key_refused";
	for (int want_dry = 0; want_dry < 2; want_dry++) {
		reload_as("key", want_dry, "key_refused", &f);
		fault_done(&f);
		assert_int_equal(world->d.generation, 7);
		assert_ptr_equal(world->d.config, config);
		assert_int_equal(trunk_of("a")->mode, TRUNK_ENFORCE);
		assert_null(trunk_of("b"));
	}
	world->refuse = NULL;
	json_decref(reload_as("now", false, NULL, &f));
	fault_done(&f);
	assert_int_equal(trunk_of("a")->mode, TRUNK_OBSERVE);
}

/* ---- regulatory.enabled ---- */

static bool warns(const json_t *answer, const char *key, const char *text)
{
	size_t i;
	json_t *w;

	json_array_foreach (json_object_get(answer, "warnings"), i, w) {
		const char *k = json_string_value(json_object_get(w, "key"));

		if (k && strcmp(k, key) == 0 &&
		    strstr(json_string_value(json_object_get(w, "message")), text))
			return true;
	}
	return false;
}

#define ON MAIN "regulatory: { enabled: true }\n"
#define OFF MAIN "regulatory: { enabled: false }\n"

static void test_regulatory(void **state)
{
	static const struct {
		const char *name;
		const char *before, *after;
		int set;   /* by PATCH /v1/regulatory */
		int asked; /* of the generation */
		int left;  /* d->regulatory */
		const char *warning;
	} cases[] = {
		{ "as it was", ON, ON, -1, -1, -1, NULL },
		{ "the file turns it off", ON, OFF, -1, 0, -1, NULL },
		{ "set off stays off", ON, ON, 0, -1, 0, "stays false" },
		{ "set on as the file says", ON, ON, 1, -1, 1, NULL },
		{ "set off, the file too", ON, OFF, 0, 0, -1, "ends with this reload" },
		{ "set on, the file on", OFF, ON, 1, 1, -1, "ends with this reload" },
		{ "set on, the file as it was off", OFF, OFF, 1, -1, 1, "stays true" },
	};

	(void)state;
	put_file("trunks.d/a.yaml", TRUNK("a", "192.0.2.1", ""));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		put_file("sipseal.yaml", cases[i].before);
		if (world->d.config)
			restart();
		else
			load_world();
		put_file("sipseal.yaml", cases[i].after);
		world->d.regulatory = cases[i].set;
		for (int want_dry = 1; want_dry >= 0; want_dry--) {
			struct fault f = { 0 };
			json_t *answer = reload_as(cases[i].name, want_dry, NULL, &f);

			if (world->regulatory != cases[i].asked)
				fail_msg("%s: asks for %d", cases[i].name, world->regulatory);
			if (world->d.regulatory != (want_dry ? cases[i].set : cases[i].left))
				fail_msg("%s: leaves %d", cases[i].name, world->d.regulatory);
			if (cases[i].warning
				    ? !warns(answer, "regulatory.enabled", cases[i].warning)
				    : warns(answer, "regulatory.enabled", "`sipseal regulatory"))
				fail_msg("%s: warnings %s", cases[i].name,
					 json_dumps(json_object_get(answer, "warnings"), 0));
			json_decref(answer);
			fault_done(&f);
		}
	}
}

/* ---- control.events_file ---- */

static void put_sink(const char *path)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "gateway: { interfaces: [{ name: eth0, side: core }, { name: eth1, side: carrier "
		 "}] }\n"
		 "control: { metrics: 'off', events_file: \"%s\" }\n"
		 "certificates: { root: sti, cert_path: c.pem, key_path: k.pem, x5u: "
		 "'https://cert.example/c.pem' }\n"
		 "trunks_dir: trunks.d\n",
		 path);
	put_file("sipseal.yaml", text);
}

static void test_events_file(void **state)
{
	struct fault f = { 0 };
	json_t *answer;

	(void)state;
	load_world();
	put_sink(at("none/events.json"));
	reload_as("no directory", false, "invalid", &f);
	assert_non_null(strstr(f.text, "control.events_file"));
	fault_done(&f);
	assert_int_equal(world->changes, 0);

	put_sink(at("events.json"));
	json_decref(reload_as("dry", true, NULL, &f));
	assert_int_equal(world->sinks, 0);
	assert_false(is_there("events.json"));
	fault_done(&f);
	json_decref(reload_as("new", false, NULL, &f));
	fault_done(&f);
	assert_int_equal(world->sinks, 1);
	assert_string_equal(world->sink, at("events.json"));
	json_decref(reload_as("same", false, NULL, &f));
	fault_done(&f);
	assert_int_equal(world->sinks, 1);

	world->sink_result = -ENOSPC; /* live already: told, not undone */
	put_file("sipseal.yaml", MAIN);
	answer = reload_as("away", false, NULL, &f);
	assert_true(warns(answer, "control.events_file", "No space"));
	assert_string_equal(world->sink, "(none)");
	json_decref(answer);
	fault_done(&f);
}

/* What the fetcher is told once, each key alone. */
static void test_restart_of_the_fetcher(void **state)
{
	static const struct {
		const char *certificates, *rest, *key;
	} cases[] = {
		{ ", trust_anchors: other", "", "certificates.trust_anchors" },
		{ ", trust_anchors: anchors, crl: { path: x.crl }", "", "certificates.crl.path" },
		{ ", trust_anchors: anchors, profile: stir", "", "certificates.profile" },
		{ ", trust_anchors: anchors", "fetch: { timeout_ms: 500 }\n", "fetch.timeout_ms" },
		{ ", trust_anchors: anchors", "fetch: { cache_dir: '' }\n", "fetch.cache_dir" },
		{ "", "", "certificates.trust_anchors" },
	};
	char text[1024];

	(void)state;
#define WITH_CERTIFICATES "%scertificates: { root: sti, cert_path: c.pem, key_path: k.pem, "                          \
			  "x5u: 'https://cert.example/c.pem'%s }\ntrunks_dir: trunks.d\n%s"
#define HEAD "gateway: { interfaces: [{ name: eth0, side: core }, { name: eth1, side: carrier }] }\n"                \
	     "control: { metrics: 'off' }\n"
	snprintf(text, sizeof(text), WITH_CERTIFICATES, HEAD, ", trust_anchors: anchors", "");
	put_file("sipseal.yaml", text);
	load_world();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fault f = { 0 };

		snprintf(text, sizeof(text), WITH_CERTIFICATES, HEAD, cases[i].certificates, cases[i].rest);
		put_file("sipseal.yaml", text);
		reload_as(cases[i].key, false, "restart_required", &f);
		if (!strstr(f.text, cases[i].key))
			fail_msg("%s is not named: %s", cases[i].key, f.text);
		fault_done(&f);
	}
	assert_int_equal(world->changes, 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_gateway),
		TEST(test_restart_required),
		TEST(test_restart_of_the_fetcher),
		TEST(test_refused),
		TEST(test_generation_refuses),
		TEST(test_regulatory),
		TEST(test_events_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: BSD-2-Clause
/* A reload: which trunks differ, and that they are applied; a dry run says the same and changes nothing.  The
 * gateway's own keys, and what is refused: test_reload_gateway.c. */
#include "reloads.h"

static void test_nothing(void **state)
{
	(void)state;
	put_file("trunks.d/a.yaml", TRUNK("a", "192.0.2.1", ""));
	load_world();
	reload_says("nothing", "{\"added\":[],\"removed\":[],\"changed\":[]" SAME);
	assert_int_equal(world->put_cnt, 0);
	assert_int_equal(world->drop_cnt, 0);
	assert_int_equal(world->sinks, 0);
	/* comments and order are no difference */
	put_file("trunks.d/a.yaml",
		 "# new\nattestation: none\n\nname: 'a'\ncarrier:\n  peers:\n    - 192.0.2.1\n");
	reload_says("comment", "{\"added\":[],\"removed\":[],\"changed\":[]" SAME);
	assert_int_equal(world->put_cnt, 0);
}

static void test_trunks(void **state)
{
	(void)state;
	put_file("trunks.d/b.yaml", TRUNK("b", "192.0.2.2", ""));
	put_file("trunks.d/d.yaml", TRUNK("d", "192.0.2.4", ""));
	put_file("trunks.d/same.yaml", TRUNK("same", "192.0.2.5", ""));
	load_world();
	put_file("trunks.d/c.yaml", TRUNK("c", "192.0.2.3", ""));
	put_file("trunks.d/0.yaml", TRUNK("z", "192.0.2.9", ""));
	put_file("trunks.d/b.yaml",
		 TRUNK("b", "192.0.2.22", "mode: observe\npai: { domain: b.example }\n"));
	unlink(at("trunks.d/d.yaml"));
	reload_says("all kinds",
		    "{\"added\":[\"c\",\"z\"],\"removed\":[\"d\"],\"changed\":[{\"name\":\"b\","
		    "\"keys\":["
		    "{\"key\":\"mode\",\"from\":\"enforce\",\"to\":\"observe\"},"
		    "{\"key\":\"carrier.peers\",\"from\":[\"192.0.2.2\"],\"to\":[\"192.0.2.22\"]},"
		    "{\"key\":\"pai.domain\",\"from\":\"\",\"to\":\"b.example\"}]}]" SAME);
	assert_int_equal(world->put_cnt, 3);
	assert_int_equal(world->drop_cnt, 1);
	assert_false(world->has_persist);
	assert_int_equal(live_cnt(world->d.live), 4);
	assert_null(trunk_of("d"));
	assert_int_equal(trunk_of("b")->mode, TRUNK_OBSERVE);
	reload_says("again", "{\"added\":[],\"removed\":[],\"changed\":[]" SAME);
}

/* `defaults` reach every trunk that does not say otherwise. */
static void test_defaults(void **state)
{
	(void)state;
	put_file("trunks.d/a.yaml", TRUNK("a", "192.0.2.1", ""));
	put_file("trunks.d/b.yaml", TRUNK("b", "192.0.2.2", "privacy: off\n"));
	load_world();
	put_file("sipseal.yaml", MAIN "defaults: { privacy: id }\n");
	reload_says(
		"defaults",
		"{\"added\":[],\"removed\":[],\"changed\":["
		"{\"name\":\"a\",\"keys\":[{\"key\":\"privacy\",\"from\":\"auto\",\"to\":\"id\"}]},"
		"{\"name\":\"b\",\"keys\":[]}]" SAME);
	assert_int_equal(trunk_of("a")->privacy, PRIVACY_ID);
}

/* One that moves keeps its name and so its slot; that it is ours, or not any more, is told. */
static void test_moved(void **state)
{
	char want[1024];
	uint32_t slot;

	(void)state;
	put_file("trunks.d/a.yaml", STORE_MARK TRUNK("a", "192.0.2.1", ""));
	load_world();
	slot = live_find(world->d.live, "a")->slot;
	assert_int_equal(rename(at("trunks.d/a.yaml"), at("trunks.d/b.yaml")), 0);
	snprintf(want, sizeof(want),
		 "{\"added\":[],\"removed\":[],\"changed\":[{\"name\":\"a\",\"keys\":["
		 "{\"key\":\"file\",\"from\":\"%s\",\"to\":\"%s\"}]}]" SAME,
		 at("trunks.d/a.yaml"), at("trunks.d/b.yaml"));
	reload_says("file to file", want);
	assert_string_equal(trunk_of("a")->file, at("trunks.d/b.yaml"));

	unlink(at("trunks.d/b.yaml"));
	put_file("sipseal.yaml", MAIN
		 "trunks: [{ name: a, carrier: { peers: [192.0.2.1] }, attestation: none }]\n");
	snprintf(want, sizeof(want),
		 "{\"added\":[],\"removed\":[],\"changed\":[{\"name\":\"a\",\"keys\":["
		 "{\"key\":\"file\",\"from\":\"%s\",\"to\":\"%s\"},"
		 "{\"key\":\"managed\",\"from\":true,\"to\":false}]}]" SAME,
		 at("trunks.d/b.yaml"), world->main);
	reload_says("into the main file", want);
	assert_false(trunk_of("a")->is_managed);
	assert_int_equal(live_find(world->d.live, "a")->slot, slot);
}

static void put_numbers(const char *name, unsigned cnt)
{
	FILE *f = fopen(at(name), "w");

	assert_non_null(f);
	for (unsigned i = 0; i < cnt; i++)
		fprintf(f, "+1212555%04u\n", i);
	assert_int_equal(fclose(f), 0);
}

/* Numbers behind those that are shown; the file that holds them is not the trunk's. */
static void test_numbers_file(void **state)
{
	char want[512], text[512];

	(void)state;
	put_numbers("n.txt", RENDER_NUMBERS_MAX + 5);
	snprintf(text, sizeof(text),
		 "name: a\ncarrier: { peers: [192.0.2.1] }\nattestation: A\nnumbers_file: %s\n",
		 at("n.txt"));
	put_file("trunks.d/a.yaml", text);
	load_world();
	put_numbers("n.txt", RENDER_NUMBERS_MAX + 7);
	snprintf(want, sizeof(want),
		 "{\"added\":[],\"removed\":[],\"changed\":[{\"name\":\"a\",\"keys\":["
		 "{\"key\":\"numbers\",\"from\":{\"count\":%d},\"to\":{\"count\":%d}}]}]" SAME,
		 RENDER_NUMBERS_MAX + 5, RENDER_NUMBERS_MAX + 7);
	reload_says("numbers", want);
	assert_int_equal(trunk_of("a")->number_cnt, RENDER_NUMBERS_MAX + 7);
}

/* ---- size ---- */

#define MANY 3000

static unsigned long json_allocs;

static void *count_alloc(size_t len)
{
	json_allocs++;
	return malloc(len);
}

/* Unchanged trunks make no JSON: a reload of them costs the reading of their files. */
static void check_unchanged(void)
{
	struct config_report report = { 0 };
	struct reload_diff r = { 0 };
	struct config *c = NULL;
	struct trunk **trunks;
	size_t cnt;

	assert_int_equal(config_open(world->main, &c, &report), 0);
	trunks = config_trunks_take(c, &cnt);
	assert_int_equal(cnt, MANY);
	json_set_alloc_funcs(count_alloc, free);
	assert_int_equal(reload_diff_trunks(world->d.live, trunks, cnt, &r), 0);
	json_set_alloc_funcs(malloc, free);
	assert_int_equal(r.put_cnt + r.drop_cnt, 0);
	assert_in_range(json_allocs, 3, 20);
	reload_diff_done(&r);
	config_close(c);
	config_report_done(&report);
}

static void test_many(void **state)
{
	struct fault f = { 0 };
	json_t *answer, *changed;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		char name[32], text[160];

		snprintf(name, sizeof(name), "trunks.d/t%u.yaml", i);
		snprintf(text, sizeof(text),
			 "name: t%u\ncarrier: { peers: [10.%u.%u.1] }\nattestation: none\n", i,
			 i / 250, i % 250);
		put_file(name, text);
	}
	load_world();
	check_unchanged();
	/* keys are told of a bounded number of changed ones */
	put_file("sipseal.yaml", MAIN "defaults: { freshness_s: 30 }\n");
	answer = reload_as("all", false, NULL, &f);
	changed = json_object_get(answer, "changed");
	assert_int_equal(world->put_cnt, MANY);
	assert_int_equal(json_array_size(changed), MANY);
	assert_true(json_is_array(
		json_object_get(json_array_get(changed, RELOAD_KEYS_MAX - 1), "keys")));
	assert_true(
		json_is_null(json_object_get(json_array_get(changed, RELOAD_KEYS_MAX), "keys")));
	json_decref(answer);
	fault_done(&f);
}

/* The quick start without a file has a configuration as well. */
static void test_attach(void **state)
{
	struct options *o = &world->d.opt;
	struct fault f = { 0 };
	json_t *answer;

	(void)state;
	if (access("/etc/sipseal/trunks.d", F_OK) == 0)
		skip(); /* it would read trunks of this machine */
	*o = (struct options){ .attach = { "eth0:core", "eth1:carrier" }, .attach_cnt = 2 };
	put_file("sipseal.yaml", "gateway: { interfaces: [{ name: eth0, side: core }, { name: "
				 "eth1, side: carrier }] }\n");
	o->config = NULL;
	assert_int_equal(config_open(world->main, &world->d.config, &f.report), 0);
	world->d.gateway = config_gateway(world->d.config);
	fault_done(&f);
	answer = reload_as("attach", true, NULL, &f);
	assert_int_equal(json_array_size(json_object_get(answer, "gateway")), 0);
	json_decref(answer);
	fault_done(&f);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_nothing),
		TEST(test_trunks),
		TEST(test_defaults),
		TEST(test_moved),
		TEST(test_numbers_file),
		TEST(test_many),
		TEST(test_attach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "generation_world.h"

#define OWN(name, serial)                                                                          \
	"certificates: { cert_path: " name ".pem, key_path: " name                                 \
	".key, x5u: 'https://cert.example/" name serial ".pem' }\n"

/* acme uses the gateway's, beta and gamma share one of their own, delta has one that names its
 * serial. */
static int setup(void **state)
{
	(void)state;
	world_new();
	put_certificate("gw", 0);
	put_certificate("own", 0);
	put_certificate("serial", 0);
	put_file("trunks.d/acme.yaml", trunk_text("acme", 1, NULL), 0644);
	put_file("trunks.d/beta.yaml", trunk_text("beta", 2, OWN("own", "")), 0644);
	put_file("trunks.d/gamma.yaml", trunk_text("gamma", 3, OWN("own", "")), 0644);
	put_file("trunks.d/delta.yaml", trunk_text("delta", 4, OWN("serial", "-{serial}")), 0644);
	daemon_begin(world, MAIN CERTS);
	signer_run(world);
	assert_int_equal(generation_keys_give(&world->d, true, (char[SIGNER_ERR_LEN]){ "" }), 0);
	return 0;
}

static const struct live_credential *of(const char *trunk)
{
	return live_find(world->d.live, trunk)->credential;
}

static const struct policy_credential *line(const struct live_credential *c)
{
	return policy_credential_get(
		policy_copy_get(world->d.policy.region, (uint16_t)world->d.generation), c->index);
}

static void reload_ok(const char *only, struct fault *f)
{
	const struct generation_change c = { .want_certificates = true,
					     .only_trunk = only,
					     .regulatory = -1 };

	if (generation_change(&world->d, &c, f, NULL) < 0)
		fail_msg("%s: %s", f->code, f->text);
}

static unsigned warnings(const struct fault *f, const char *start)
{
	unsigned n = 0;

	for (size_t i = 0; i < f->report.cnt; i++)
		n += !f->report.m[i].is_error &&
		     strncmp(f->report.m[i].text, start, strlen(start)) == 0;
	return n;
}

static void test_shared(void **state)
{
	(void)state;
	assert_int_equal(live_credential_cnt(world->d.live), 3);
	assert_ptr_equal(of("beta"), of("gamma"));
	assert_int_equal(of("beta")->users, 2);
	assert_int_equal(keys_cnt(world), 3);
}

/* The same files again: new keys all the same, and nothing to warn of. */
static void test_nothing_new(void **state)
{
	struct fault f = { 0 };
	uint32_t key = of("beta")->key, index = of("beta")->index;

	(void)state;
	reload_ok(NULL, &f);
	assert_int_equal(warnings(&f, "x5u-unchanged"), 0);
	assert_int_not_equal(of("beta")->key, key);
	assert_int_equal(of("beta")->index, index);
	assert_int_equal(line(of("beta"))->key, of("beta")->key);
	assert_int_equal(keys_cnt(world),
			 6); /* the former ones for the frames of the former generation */
	generation_turn(&world->d);
	assert_int_equal(keys_cnt(world), 3);
	assert_true(world->view->has[of("beta")->key]);
	fault_done(&f);
}

/* Room for twice the keys: enough for one reload after the other, settled or not. */
static void test_reload_at_the_limit(void **state)
{
	struct fault f = { 0 };

	(void)state;
	world->d.live->key_rest.cap = 6;
	for (unsigned i = 0; i < 8; i++) {
		reload_ok(NULL, &f);
		if (i % 2)
			generation_turn(&world->d);
	}
	generation_turn(&world->d);
	assert_int_equal(keys_cnt(world), 3);
	fault_done(&f);
}

static void test_other_leaf(void **state)
{
	struct fault f = { 0 };
	char serial[64], x5u[256];

	(void)state;
	snprintf(serial, sizeof(serial), "%s", of("beta")->now.info->serial);
	snprintf(x5u, sizeof(x5u), "%s", of("delta")->now.x5u);
	put_certificate("own", 86400);
	put_certificate("serial", 86400);
	reload_ok(NULL, &f);
	assert_string_not_equal(of("beta")->now.info->serial, serial);
	assert_string_not_equal(of("delta")->now.x5u, x5u);
	assert_int_equal(warnings(&f, "x5u-unchanged: own.pem"), 1);
	assert_int_equal(warnings(&f, "x5u-unchanged"), 1); /* {serial} avoids it */
	assert_int_equal(line(of("beta"))->not_after, of("beta")->now.info->not_after);
	assert_string_equal(live_key_x5u(world->d.live, of("delta")->key), of("delta")->now.x5u);
	fault_done(&f);
}

static void test_one_trunk(void **state)
{
	struct fault f = { 0 };
	uint32_t gw = of("acme")->key, own = of("beta")->key;
	const struct generation_change no_trunk = { .want_certificates = true,
						    .only_trunk = "nobody",
						    .regulatory = -1 };

	(void)state;
	reload_ok("gamma", &f);
	assert_int_not_equal(of("beta")->key, own); /* shared */
	assert_int_equal(of("acme")->key, gw);
	assert_int_equal(generation_change(&world->d, &no_trunk, &f, NULL), -EINVAL);
	assert_string_equal(f.code, "no_such_trunk");
	fault_done(&f);
}

static void broken_chain(void)
{
	put_file("sti/own.pem", "no certificate\n", 0644);
}
static void expired(void)
{
	put_certificate("own", -400 * 86400);
}
static void gone(void)
{
	unlink(at("sti/own.key"));
}
static void for_all(void)
{
	chmod(at("sti/own.key"), 0640);
}
static void no_key(void)
{
	put_file("sti/own.key", "no key\n", 0600);
}

static void new_key_alone(void)
{
	struct chain c = chain_new();

	put_key("sti/own.key", c.leaf.key);
	chain_free(&c);
}

/* The others are good and new; the old ones go on, all of them. */
static void test_bad_set_is_refused(void **state)
{
	static const struct {
		const char *name, *code, *word;
		void (*spoil)(void);
	} cases[] = {
		{ "broken", "certificate_refused", "own.pem", broken_chain },
		{ "expired", "certificate_refused", "expired", expired },
		{ "key gone", "certificate_refused", "own.key", gone },
		{ "key for all", "certificate_refused", "own.key", for_all },
		{ "key that is none", "key_refused", "own.key", no_key },
		{ "key of the next one", "key_refused", "own.key", new_key_alone },
	};
	const struct generation_change c = { .want_certificates = true, .regulatory = -1 };

	(void)state;
	put_certificate("gw", 86400);
	put_certificate("serial", 86400);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(freep) char *before = snapshot(world);
		CLEANUP(freep) char *after = NULL;
		struct fault f = { 0 };

		put_certificate("own", 86400);
		cases[i].spoil();
		assert_int_equal(generation_change(&world->d, &c, &f, NULL), -EINVAL);
		if (strcmp(f.code, cases[i].code) || !strstr(f.text, cases[i].word))
			fail_msg("%s: %s: %s", cases[i].name, f.code, f.text);
		after = snapshot(world);
		if (strcmp(before, after))
			fail_msg("%s:\n%s\nafter:\n%s", cases[i].name, before, after);
		fault_done(&f);
	}
}

/* A signer that dies after the files have been renewed, before the reload: the new one gets the old
 * key. */
static void test_restart_before_reload(void **state)
{
	char err[SIGNER_ERR_LEN] = "";

	(void)state;
	put_certificate("own", 86400);
	put_certificate("gw", 86400);
	signer_proc_stop(&world->d.signer);
	signer_run(world);
	assert_int_equal(generation_keys_give(&world->d, false, err), 0);
	assert_false(of("beta")->is_refused);
	assert_int_equal(keys_cnt(world), 3);
	assert_true(world->view->has[of("beta")->key]);
}

/* Keys that wait to be dropped went down with the old signer. */
static void test_restart_while_settling(void **state)
{
	struct fault f = { 0 };
	char err[SIGNER_ERR_LEN] = "";

	(void)state;
	reload_ok(NULL, &f);
	assert_int_equal(world->d.live->retired_cnt, 3);
	signer_proc_stop(&world->d.signer);
	signer_run(world);
	assert_int_equal(generation_keys_give(&world->d, false, err), 0);
	assert_int_equal(world->d.live->retired_cnt, 0);
	assert_int_equal(keys_cnt(world), 3);
	fault_done(&f);
}

/* As a reload does: trunks that are the same are not put. */
static void change_config(const char *text, struct trunk *put, const char *drop, struct fault *f)
{
	struct config *next = config_make(text);
	const struct generation_change c = { .config = next,
					     .put = &put,
					     .put_cnt = put != NULL,
					     .drop = &drop,
					     .drop_cnt = drop != NULL,
					     .regulatory = -1 };
	size_t cnt;
	struct trunk **trunks = config_trunks_take(next, &cnt);

	for (size_t i = 0; i < cnt; i++)
		trunk_free(trunks[i]);
	free(trunks);
	if (generation_change(&world->d, &c, f, NULL) < 0)
		fail_msg("%s: %s", f->code, f->text);
	assert_ptr_equal(world->d.config, next);
	generation_turn(&world->d);
}

/* Other certificates for the gateway: its trunks follow without being touched.  Then none, and new
 * ones. */
static void test_gateway_certificates_change(void **state)
{
	struct sipseald *d = &world->d;
	struct fault f = { 0 };
	struct trunk *trunk = live_find(d->live, "acme")->trunk;

	(void)state;
	change_config(MAIN "certificates: { root: sti, cert_path: own.pem, key_path: own.key, "
			   "x5u: 'https://cert.example/own.pem' }\n",
		      NULL, NULL, &f);
	assert_string_equal(of("acme")->now.x5u, "https://cert.example/own.pem");
	assert_string_equal(of("acme")->config.cert_path, "own.pem");
	assert_int_equal(of("acme")->index, LIVE_LINE_GATEWAY);
	assert_ptr_equal(live_find(d->live, "acme")->trunk, trunk);
	assert_ptr_not_equal(of("acme"), of("beta"));
	assert_int_equal(keys_cnt(world), 3);
	unlink(at("trunks.d/acme.yaml"));
	change_config(MAIN "certificates: { root: sti }\n", NULL, "acme", &f);
	assert_null(live_gateway_credential(d->live));
	assert_int_equal(keys_cnt(world), 2);
	assert_null(policy_credential_get(
		policy_copy_get(d->policy.region, (uint16_t)d->generation), LIVE_LINE_GATEWAY));
	change_config(MAIN CERTS, NULL, NULL, &f);
	assert_int_equal(live_gateway_credential(d->live)->users, 1);
	trunk = trunk_make("acme", 1, NULL);
	change_config(MAIN CERTS, trunk, NULL, &f);
	assert_string_equal(of("acme")->now.x5u, "https://cert.example/gw.pem");
	assert_int_equal(of("acme")->users, 2);
	assert_true(line(of("acme"))->is_usable);
	assert_int_equal(keys_cnt(world), 3);
	fault_done(&f);
}

static void test_last_user_goes(void **state)
{
	struct sipseald *d = &world->d;
	struct fault f = { 0 };
	const char *drop[] = { "beta" };
	struct trunk *put;

	(void)state;
	assert_int_equal(generation_change(d,
					   &(struct generation_change){
						   .drop = drop, .drop_cnt = 1, .regulatory = -1 },
					   &f, NULL),
			 0);
	assert_int_equal(of("gamma")->users, 1);
	put = trunk_make("gamma", 3, "attestation_other: C\n" OWN("gw", "-{serial}"));
	assert_int_equal(generation_change(d,
					   &(struct generation_change){
						   .put = &put, .put_cnt = 1, .regulatory = -1 },
					   &f, NULL),
			 0);
	generation_turn(d);
	assert_int_equal(live_credential_cnt(d->live), 3); /* gw, gw-{serial}, serial-{serial} */
	assert_int_equal(keys_cnt(world), 3);
	assert_int_equal(world->view->drops, 1);
	fault_done(&f);
}

/* Another certificate for a trunk, under the x5u that its former one had. */
static void test_x5u_of_a_trunk(void **state)
{
	struct fault f = { 0 };
	struct trunk *put =
		trunk_make("delta", 4,
			   "certificates: { cert_path: own.pem, key_path: own.key, x5u: "
			   "'https://cert.example/gw.pem' }\n");
	struct trunk *again =
		trunk_make("acme", 1,
			   "certificates: { cert_path: serial.pem, key_path: serial.key, x5u: "
			   "'https://cert.example/gw.pem' }\n");
	const struct generation_change c = { .put = &put, .put_cnt = 1, .regulatory = -1 };
	const struct generation_change same = { .put = &again, .put_cnt = 1, .regulatory = -1 };

	(void)state;
	assert_int_equal(generation_change(&world->d, &c, &f, NULL), 0);
	assert_int_equal(warnings(&f, "x5u-unchanged"), 0); /* delta had another x5u */
	assert_int_equal(generation_change(&world->d, &same, &f, NULL), 0);
	assert_int_equal(warnings(&f, "x5u-unchanged"), 1);
	fault_done(&f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_done)
	const struct CMUnitTest tests[] = {
		T(test_shared),
		T(test_nothing_new),
		T(test_reload_at_the_limit),
		T(test_other_leaf),
		T(test_one_trunk),
		T(test_bad_set_is_refused),
		T(test_restart_before_reload),
		T(test_restart_while_settling),
		T(test_gateway_certificates_change),
		T(test_last_user_goes),
		T(test_x5u_of_a_trunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

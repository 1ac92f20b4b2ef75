/* SPDX-License-Identifier: BSD-2-Clause */
#include "generation_world.h"

static int setup(void **state)
{
	(void)state;
	world_new();
	put_certificate("gw", 0);
	put_certificate("own", 0);
	put_certificate("other", 0);
	put_file("trunks.d/acme.yaml", trunk_text("acme", 1, NULL), 0644);
	put_file("trunks.d/beta.yaml",
		 trunk_text("beta", 2,
			    "certificates: { cert_path: own.pem, key_path: own.key, x5u: "
			    "'https://cert.example/own.pem' }\n"),
		 0644);
	daemon_begin(world, MAIN CERTS);
	signer_run(world);
	assert_int_equal(generation_keys_give(&world->d, true, (char[SIGNER_ERR_LEN]){ "" }), 0);
	return 0;
}

#define OWN(name)                                                                                  \
	"certificates: { cert_path: " name ".pem, key_path: " name                                 \
	".key, x5u: 'https://cert.example/" name "-{serial}.pem' }\n"

static void change_ok(const struct generation_change *c, struct fault *f)
{
	uint32_t before = world->d.generation, got = 0;
	unsigned topologies = world->topologies;

	if (generation_change(&world->d, c, f, &got) < 0)
		fail_msg("%s: %s", f->code, f->text);
	assert_int_equal(got, before + 1);
	assert_int_equal(world->topologies, topologies + 1);
	assert_int_equal(world->d.generation, got);
	assert_int_equal(world->published.generation, got);
	assert_int_equal(image_generation(world->d.image), got);
}

static int64_t slot_at(unsigned peer)
{
	const uint8_t addr[16] = { [10] = 0xff, 0xff, 203, 0, 113, (uint8_t)peer },
		      core[16] = { [15] = 1 };

	return matchset_lookup(world->d.match, addr, 5060, core);
}

static const struct policy_trunk *policy_of(const char *name, uint32_t generation)
{
	const struct live_trunk *t = live_find(world->d.live, name);
	const struct policy_copy *c = policy_copy_get(world->d.policy.region, (uint16_t)generation);

	return t && c ? policy_trunk_get(c, t->slot) : NULL;
}

static const struct policy_credential *line_of(uint32_t index)
{
	return policy_credential_get(
		policy_copy_get(world->d.policy.region, (uint16_t)world->d.generation), index);
}

static void test_start(void **state)
{
	const struct sipseald *d = &world->d;
	const struct live_trunk *beta = live_find(d->live, "beta");

	(void)state;
	assert_int_equal(d->generation, 7); /* goes on where the former daemon was */
	assert_int_equal(world->published.generation, 7);
	assert_int_equal(world->published.regulatory_enabled, 1);
	assert_int_equal(live_cnt(d->live), 2);
	assert_int_equal(slot_at(1), live_find(d->live, "acme")->slot);
	assert_int_equal(slot_at(2), beta->slot);
	assert_true(live_find(d->live, "acme")->credential->is_gateway);
	assert_int_equal(live_gateway_credential(d->live)->users, 2);
	assert_int_equal(policy_of("acme", 7)->credential, LIVE_LINE_GATEWAY);
	assert_int_equal(policy_of("beta", 7)->credential, beta->credential->index);
	assert_true(line_of(beta->credential->index)->is_usable);
	assert_int_equal(keys_cnt(world), 2);
	assert_string_equal(live_key_x5u(d->live, beta->credential->key),
			    "https://cert.example/own.pem");
	assert_int_equal(world->fills, 2); /* both copies */
}

/* Add, replace and remove in one: the former copy stays as it was until it is settled. */
static void test_one_generation(void **state)
{
	struct sipseald *d = &world->d;
	struct fault f = { 0 };
	struct trunk *put[] = { trunk_make("gamma", 3, NULL),
				trunk_make("acme", 9, "mode: observe\n") };
	const char *drop[] = { "beta" };
	const struct generation_change c = { .put = put,
					     .put_cnt = 2,
					     .drop = drop,
					     .drop_cnt = 1,
					     .regulatory = -1,
					     .persist = persist_count,
					     .ctx = world };
	uint32_t acme = live_find(d->live, "acme")->slot, beta = live_find(d->live, "beta")->slot;
	uint32_t key = live_find(d->live, "beta")->credential->key;
	unsigned fills = world->fills;

	(void)state;
	change_ok(&c, &f);
	assert_int_equal(world->persists, 1);
	assert_int_equal(world->fills, fills + 1);
	assert_int_equal(world->limiters, 1);
	assert_int_equal(live_find(d->live, "acme")->slot, acme);
	assert_null(live_find(d->live, "beta"));
	assert_string_equal(live_slot_name(d->live, beta), "beta");
	assert_int_not_equal(live_find(d->live, "gamma")->slot, beta); /* which rests */
	assert_int_equal(slot_at(1), -ENOENT);
	assert_int_equal(slot_at(9), acme);
	assert_int_equal(policy_of("acme", 8)->mode, TRUNK_OBSERVE);
	assert_int_equal(policy_of("acme", 7)->mode,
			 TRUNK_ENFORCE); /* who still holds a frame of it */
	assert_int_equal(live_credential_cnt(d->live), 1);
	assert_int_equal(live_gateway_credential(d->live)->users, 3);
	assert_true(world->view->has[key]); /* also for them */
	assert_true(d->is_settling);
	assert_int_equal(generation_turn(d), -1);
	assert_int_equal(world->fills, fills + 2);
	assert_true(image_is_settled(d->image));
	assert_false(world->view->has[key]);
	assert_int_equal(keys_cnt(world), 1);
	assert_string_equal(live_key_x5u(d->live, key),
			    "https://cert.example/own.pem"); /* its last events */
	fault_done(&f);
}

/* Two trunks change places: no order of theirs would do. */
static void test_peers_swap(void **state)
{
	struct sipseald *d = &world->d;
	struct fault f = { 0 };
	struct trunk *put[] = { trunk_make("acme", 2, NULL), trunk_make("beta", 1, NULL) };
	const struct generation_change c = { .put = put, .put_cnt = 2, .regulatory = -1 };

	(void)state;
	change_ok(&c, &f);
	assert_int_equal(slot_at(2), live_find(d->live, "acme")->slot);
	assert_int_equal(slot_at(1), live_find(d->live, "beta")->slot);
	fault_done(&f);
}

/* Each way to be refused, early and late; afterwards nothing is another. */
struct refusal {
	const char *name, *code, *word;
	unsigned peer;
	const char *more;
	void (*before)(void);
	const char *drop;
	unsigned persists;
};

static void fill_fails(void)
{
	world->fill_error = -ENOMEM;
}
static void tables_full(void)
{
	world->fill_error = -E2BIG;
}
static void disk_full(void)
{
	world->persist_result = -ENOSPC;
}
static void signer_stops(void)
{
	signer_proc_stop(&world->d.signer);
}
static void certificate_expired(void)
{
	put_certificate("other", -400 * 86400);
}
static void certificate_of_tomorrow(void)
{
	put_certificate("other", 20 * 86400);
}

static void key_of_another(void)
{
	struct chain c = chain_new();

	put_key("sti/other.key", c.leaf.key);
	chain_free(&c);
}

static void key_for_all(void)
{
	chmod(at("sti/other.key"), 0644);
}

static const struct refusal refusals[] = {
	{ "overlap", "overlap", "beta", 2, NULL, NULL, NULL, 0 },
	{ "no such trunk", "no_such_trunk", "no trunk", 5, NULL, NULL, "nobody", 0 },
	{ "twice", "invalid", "twice", 5, NULL, NULL, "gamma-acme", 0 },
	{ "no certificate", "certificate_refused", "none.pem", 5, OWN("none"), NULL, NULL, 0 },
	{ "expired", "certificate_refused", "expired", 5, OWN("other"), certificate_expired, NULL,
	  0 },
	{ "not yet valid", "certificate_refused", "not_yet_valid", 5, OWN("other"),
	  certificate_of_tomorrow, NULL, 0 },
	{ "key of another", "key_refused", "other.key", 5, OWN("other"), key_of_another, NULL, 0 },
	{ "key that all may read", "certificate_refused", "other.key", 5, OWN("other"), key_for_all,
	  NULL, 0 },
	{ "no signer", "signer_down", "other.key", 5, OWN("other"), signer_stops, NULL, 0 },
	{ "tables fail", "internal", "match tables", 5, OWN("other"), fill_fails, NULL, 0 },
	{ "tables are full", "too_many", "no", 5, OWN("other"), tables_full, NULL, 0 },
	{ "disk is full", "storage", "stored", 5, OWN("other"), disk_full, NULL, 1 },
};

/* Of two trunks the second is refused: the first one goes back, too, and so does what was to be
 * dropped. */
static void refuse(const struct refusal *r)
{
	struct fault f = { 0 };
	struct trunk *put[] = { trunk_make("acme", 7, "mode: observe\n"),
				trunk_make("new", 6, NULL), trunk_make("gamma", r->peer, r->more) };
	bool is_twice = r->drop && strcmp(r->drop, "gamma-acme") == 0;
	const char *drop[] = { is_twice ? "acme" : r->drop ? r->drop : "beta" };
	const struct generation_change c = { .put = put,
					     .put_cnt = 3,
					     .drop = drop,
					     .drop_cnt = strcmp(r->code, "overlap") != 0,
					     .regulatory = 0,
					     .persist = persist_count,
					     .ctx = world };
	CLEANUP(freep) char *before = NULL;
	CLEANUP(freep) char *after = NULL;
	uint32_t got = 77;

	if (r->before)
		r->before();
	before = snapshot(world);
	assert_int_equal(generation_change(&world->d, &c, &f, &got), -EINVAL);
	if (!f.code || strcmp(f.code, r->code) || !strstr(f.text, r->word))
		fail_msg("%s: %s: %s", r->name, f.code ? f.code : "(no code)", f.text);
	after = snapshot(world);
	if (strcmp(before, after))
		fail_msg("%s:\n%s\nafter:\n%s", r->name, before, after);
	assert_int_equal(got, 77);
	assert_int_equal(world->persists, r->persists);
	assert_int_equal(world->d.regulatory, -1);
	assert_int_equal(world->published.regulatory_enabled, 1);
	for (size_t i = 0; i < ARRAY_SIZE(put); i++)
		trunk_free(put[i]); /* ours still */
	fault_done(&f);
}

/* Nothing stands in the way of the same change, done right. */
static void try_again(void)
{
	struct fault f = { 0 };
	struct trunk *put[] = { trunk_make("acme", 7, NULL), trunk_make("new", 6, NULL),
				trunk_make("gamma", 5, OWN("other")) };
	const struct generation_change c = { .put = put, .put_cnt = 3, .regulatory = -1 };
	struct sipseald *d = &world->d;

	world->fill_error = 0;
	put_certificate("other", 0);
	if (!d->signer.pid) {
		signer_run(world);
		assert_int_equal(generation_keys_give(d, false, (char[SIGNER_ERR_LEN]){ "" }), 0);
	}
	change_ok(&c, &f);
	assert_int_equal(slot_at(7), live_find(d->live, "acme")->slot);
	assert_int_equal(slot_at(5), live_find(d->live, "gamma")->slot);
	assert_int_equal(live_slots(d->live), 4); /* no slot was lost */
	assert_int_equal(keys_cnt(world), 3);
	fault_done(&f);
}

static void test_refused_as_a_whole(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		refuse(&refusals[i]);
		try_again();
		world_done(state);
		setup(state);
	}
}

static void test_regulatory(void **state)
{
	struct sipseald *d = &world->d;
	struct fault f = { 0 };
	const struct policy_copy *copy;

	(void)state;
	d->regulatory_since = 0;
	change_ok(&(struct generation_change){ .regulatory = 0 }, &f);
	copy = policy_copy_get(d->policy.region, (uint16_t)d->generation);
	assert_int_equal(copy->regulatory_enabled, 0);
	assert_int_equal(world->published.regulatory_enabled, 0);
	assert_false(daemon_is_regulatory(d));
	assert_true(d->regulatory_since > 1000000000);
	change_ok(&(struct generation_change){ .regulatory = -1 }, &f); /* stays */
	assert_int_equal(world->published.regulatory_enabled, 0);
	change_ok(&(struct generation_change){ .regulatory = 1 }, &f);
	copy = policy_copy_get(d->policy.region, (uint16_t)d->generation);
	assert_int_equal(copy->regulatory_enabled, 1);
	assert_int_equal(world->published.regulatory_enabled, 1);
	fault_done(&f);
}

/* How long a change waits for the frames of the generation before the former one. */
static void test_grace(void **state)
{
	struct sipseald *d = &world->d;
	const struct generation_change c = { .regulatory = -1 };
	struct fault f = { 0 };
	uint64_t start;

	(void)state;
	drained(world, 0);
	change_ok(&c, &f);
	assert_true(generation_turn(d) >= 0); /* not yet */
	assert_true(d->is_settling);
	drained(world,
		d->flip_ns - 1); /* the worker has not come to the frames of the last moment */
	assert_true(generation_turn(d) >= 0);
	start = clock_mono_ns();
	change_ok(&c, &f); /* heartbeat_ms is 100 */
	assert_in_range((clock_mono_ns() - start) / 1000000, 100, 900);
	start = clock_mono_ns();
	drained(world, UINT64_MAX);
	change_ok(&c, &f);
	assert_in_range((clock_mono_ns() - start) / 1000000, 0, 90);
	drained(world, 0);
	kill(d->signer.pid, SIGKILL); /* not reaped yet */
	start = clock_mono_ns();
	change_ok(&c, &f);
	assert_in_range((clock_mono_ns() - start) / 1000000, 0, 90);
	assert_true(world->graces >= 4);
	fault_done(&f);
}

/* A slot that somebody else had starts from zero. */
static void test_counts_of_a_slot(void **state)
{
	struct sipseald *d = &world->d;
	struct fault f = { 0 };
	const char *drop[] = { "beta" };
	uint32_t slot = live_find(d->live, "beta")->slot;
	uint64_t c[COUNTERS_SIGNER_REASONS];
	struct trunk *put;

	(void)state;
	counters_bump(&counters_worker(d->counts.map, 0)->trunks[slot].reasons[COUNTERS_OUTBOUND][0], 5);
	change_ok(&(struct generation_change){ .drop = drop, .drop_cnt = 1, .regulatory = -1 }, &f);
	counts_trunk(&d->counts, slot, COUNTERS_OUTBOUND, c);
	assert_int_equal(c[0], 5);
	change_ok(&(struct generation_change){ .regulatory = -1 }, &f);
	d->live->slot_rest.queue[d->live->slot_rest.head].since_ns = 1; /* long ago */
	put = trunk_make("gamma", 3, NULL);
	change_ok(&(struct generation_change){ .put = &put, .put_cnt = 1, .regulatory = -1 }, &f);
	assert_int_equal(live_find(d->live, "gamma")->slot, slot);
	counts_trunk(&d->counts, slot, COUNTERS_OUTBOUND, c);
	assert_int_equal(c[0], 0);
	fault_done(&f);
}

/* What is live must load again after a restart. */
static void test_as_many_as_files_may_hold(void **state)
{
	struct sipseald *d = &world->d;
	const char *drop[] = { "beta" };
	struct fault f = { 0 };
	struct trunk *put = trunk_make("gamma", 3, NULL);
	struct live_trunk *t;
	char name[16];

	(void)state;
	for (unsigned i = 2; i < GATEWAY_TRUNKS_MAX; i++) {
		snprintf(name, sizeof(name), "t%u", i);
		assert_int_equal(live_trunk_new(d->live, name, 0, d->generation, &t), 0);
	}
	assert_int_equal(generation_change(d,
					   &(struct generation_change){
						   .put = &put, .put_cnt = 1, .regulatory = -1 },
					   &f, NULL),
			 -EINVAL);
	assert_string_equal(f.code, "too_many");
	fault_done(&f);
	memset(&f, 0, sizeof(f));
	change_ok(
		&(struct generation_change){
			.put = &put, .put_cnt = 1, .drop = drop, .drop_cnt = 1, .regulatory = -1 },
		&f);
	fault_done(&f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, world_done)
	const struct CMUnitTest tests[] = {
		T(test_start),
		T(test_one_generation),
		T(test_peers_swap),
		T(test_refused_as_a_whole),
		T(test_regulatory),
		T(test_grace),
		T(test_counts_of_a_slot),
		T(test_as_many_as_files_may_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

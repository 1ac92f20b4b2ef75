// SPDX-License-Identifier: BSD-2-Clause
#include "guard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "stir/passport.h"
#include "trunk/compile.h"
#include "trunk/intervals.h"

#define X5U "https://cr.example.com/shaken/1234.pem"

static void add_number(struct trunk *t, const char *s)
{
	const char *text = NULL;

	t->numbers = realloc(t->numbers, (t->number_cnt + 1) * sizeof(*t->numbers));
	if (number_range_parse(s, &t->numbers[t->number_cnt++], &text) < 0)
		fail_msg("%s: %s", s, text);
	t->has_numbers = true;
}

/* Two trunks in slots 0 and 2, one credential, one location. */
struct fixture {
	struct gateway *g;
	struct trunk *a, *b;
	struct pidf_template location;
	struct compile_trunk trunks[2];
	struct compile_credential credential;
	struct compile_input in;
	struct guard mem;
	struct policy_region *region;
};

#define COPY_SIZE 16384

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	CLEANUP(freep) char *zero = NULL;

	f->g = gateway_new();
	f->a = trunk_new();
	f->b = trunk_new();
	strcpy(f->a->name, "acme");
	f->a->attestation = ATTEST_A;
	f->a->country_code = strdup("1");
	f->a->pai_domain = strdup("example.net");
	f->a->origid = strdup("123e4567-e89b-42d3-a456-426655440000");
	f->a->rules = calloc(2, sizeof(*f->a->rules));
	f->a->rule_cnt = 2;
	f->a->rules[0] = (struct number_rule){ strdup("011"), strdup("+") };
	f->a->rules[1] = (struct number_rule){ strdup("9"), strdup("") };
	add_number(f->a, "+18005550100");
	strcpy(f->b->name, "beta");
	f->b->mode = TRUNK_OBSERVE;
	f->b->origid_mode = ORIGID_CALL;
	f->location = (struct pidf_template){ .len = 5, .text = "<a/>\n" };
	f->credential = (struct compile_credential){ X5U, 100, 200, true, 42 };
	f->trunks[0] = (struct compile_trunk){ f->a, 0, 0, &f->location };
	f->trunks[1] = (struct compile_trunk){ f->b, 2, POLICY_CREDENTIAL_NONE, &f->location };
	f->in = (struct compile_input){ f->g, f->trunks, 2, &f->credential, 1, 7 };
	zero = calloc(1, sizeof(*f->region) + 2 * COPY_SIZE);
	f->mem = guard_new(zero, sizeof(*f->region) + 2 * COPY_SIZE);
	f->region = (struct policy_region *)f->mem.p;
	*f->region = (struct policy_region){ POLICY_MAGIC, POLICY_VERSION, f->mem.len,
		{ sizeof(*f->region), sizeof(*f->region) + COPY_SIZE }, COPY_SIZE };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	gateway_free(f->g);
	trunk_free(f->a);
	trunk_free(f->b);
	guard_free(&f->mem);
	free(f);
	return 0;
}

static struct policy_copy *copy_of(struct fixture *f, uint64_t generation)
{
	return (struct policy_copy *)(f->mem.p + f->region->copy_off[generation & 1]);
}

static ssize_t compile(struct fixture *f, uint64_t generation)
{
	f->in.generation = generation;
	return policy_compile(&f->in, copy_of(f, generation), COPY_SIZE);
}

static void expect_text(const struct policy_copy *c, struct policy_ref ref, const char *want)
{
	struct slice s = policy_text(c, ref);

	assert_non_null(s.p);
	assert_int_equal(s.len, strlen(want));
	assert_memory_equal(s.p, want, s.len);
}

static void test_read_back(void **state)
{
	struct fixture *f = *state;
	const struct policy_copy *c;
	const struct policy_trunk *t;
	const struct policy_credential *cr;
	const struct policy_rule *rules;
	const struct pidf_template *loc;
	char header[PASSPORT_HEADER_B64_MAX + 1];
	ssize_t n = compile(f, 7);

	assert_true(n > 0);
	assert_int_equal(n, policy_compile(&f->in, NULL, 0)); /* counting is the same */
	assert_int_equal(policy_region_check(f->region, f->mem.len), 0);
	c = policy_copy_get(f->region, 7);
	assert_ptr_equal(c, copy_of(f, 7));
	assert_int_equal(c->len, n);
	assert_int_equal(c->trunk_cnt, 3);
	assert_int_equal(c->stale_ns, 500000000);
	assert_int_equal(c->regulatory_enabled, 1);
	assert_int_equal(c->emergency_cnt, 3);
	assert_int_equal(c->emergency[1].len, 3);
	assert_memory_equal(c->emergency[1].digits, "112", 3);
	assert_null(policy_trunk_get(c, 1)); /* a hole */
	assert_null(policy_trunk_get(c, 3));
	t = policy_trunk_get(c, 0);
	assert_non_null(t);
	expect_text(c, t->name, "acme");
	expect_text(c, t->origid, "123e4567-e89b-42d3-a456-426655440000");
	expect_text(c, t->country_code, "1");
	expect_text(c, t->pai_domain, "example.net");
	assert_null(policy_text(c, t->pai_default_number).p);
	assert_int_equal(t->attestation, 'A');
	assert_int_equal(t->orig_from[1], SOURCE_FROM);
	assert_int_equal(t->credential, 0);
	rules = policy_table(c, t->rules, t->rule_cnt, sizeof(*rules));
	assert_non_null(rules);
	expect_text(c, rules[0].prefix, "011");
	expect_text(c, rules[0].replace, "+");
	assert_null(policy_text(c, rules[1].replace).p);
	assert_true(policy_number_inside(c, t, SLICE("18005550100")));
	assert_false(policy_number_inside(c, t, SLICE("18005550101")));
	cr = policy_credential_get(c, 0);
	assert_non_null(cr);
	assert_null(policy_credential_get(c, 1));
	assert_null(policy_credential_get(c, POLICY_CREDENTIAL_NONE));
	expect_text(c, cr->x5u, X5U);
	n = passport_header_emit(SLICE(X5U), header, sizeof(header) - 1);
	assert_true(n > 0);
	header[n] = '\0';
	expect_text(c, cr->header_b64, header);
	assert_int_equal(cr->not_after, 200);
	assert_int_equal(cr->key, 42);
	assert_int_equal(cr->is_usable, 1);
	((struct policy_credential *)(uintptr_t)cr)->is_used = 0;
	assert_null(policy_credential_get(c, 0)); /* an empty line */
	t = policy_trunk_get(c, 2);
	assert_non_null(t);
	assert_int_equal(t->mode, TRUNK_OBSERVE);
	assert_int_equal(t->origid_per_call, 1);
	assert_int_equal(t->credential, POLICY_CREDENTIAL_NONE);
	assert_true(policy_number_inside(c, t, SLICE("911"))); /* no list */
	loc = policy_table(c, t->location, 1, sizeof(*loc));
	assert_non_null(loc);
	assert_int_equal(loc->len, 5);
	assert_int_equal(t->location.off, policy_trunk_get(c, 0)->location.off); /* shared */
}

/* Each word another one than its default, each text where it belongs. */
static void test_verification(void **state)
{
	static const char *const labels[LABEL_CNT] = { "[A]", "[B]", NULL, "fake", "?" };
	struct fixture *f = *state;
	struct trunk_verification *v = &f->a->verification;
	const struct policy_verification *p;
	const struct policy_copy *c;

	v->is_enabled = true;
	v->on_failure = VERIFY_REJECT;
	v->on_missing = VERIFY_REJECT;
	v->verstat = VERSTAT_FROM;
	v->carrier_verstat = VERSTAT_STRIP;
	v->trust_pai = false;
	v->replay = REPLAY_IGNORE;
	v->wait_ms = VERIFY_WAIT_MAX_MS;
	for (unsigned i = 0; i < LABEL_CNT; i++)
		v->label[i] = labels[i] ? strdup(labels[i]) : NULL;
	assert_true(compile(f, 7) > 0);
	c = policy_copy_get(f->region, 7);
	p = &policy_trunk_get(c, 0)->verification;
	assert_int_equal(p->is_enabled, 1);
	assert_int_equal(p->on_failure, VERIFY_REJECT);
	assert_int_equal(p->on_missing, VERIFY_REJECT);
	assert_int_equal(p->verstat, VERSTAT_FROM);
	assert_int_equal(p->carrier_verstat, VERSTAT_STRIP);
	assert_int_equal(p->trust_pai, 0);
	assert_int_equal(p->replay, REPLAY_IGNORE);
	assert_int_equal(p->wait_ms, VERIFY_WAIT_MAX_MS);
	expect_text(c, p->result_header, "X-STIR-Result");
	for (unsigned i = 0; i < LABEL_CNT; i++) {
		if (labels[i])
			expect_text(c, p->label[i], labels[i]);
		else
			assert_null(policy_text(c, p->label[i]).p);
	}
	p = &policy_trunk_get(c, 2)->verification; /* the other trunk: as trunk_new() made it */
	assert_int_equal(p->is_enabled, 0);
	assert_int_equal(p->trust_pai, 1);
	assert_int_equal(p->wait_ms, VERIFY_WAIT_MS);
	free(v->result_header);
	v->result_header = NULL;
	assert_true(compile(f, 8) > 0);
	c = policy_copy_get(f->region, 8);
	assert_null(policy_text(c, policy_trunk_get(c, 0)->verification.result_header).p);
}

static void test_generations(void **state)
{
	struct fixture *f = *state;

	assert_null(policy_copy_get(f->region, 0)); /* never written */
	assert_true(compile(f, 6) > 0);
	assert_true(compile(f, 7) > 0);
	assert_ptr_equal(policy_copy_get(f->region, 6), copy_of(f, 6));
	assert_ptr_equal(policy_copy_get(f->region, 7), copy_of(f, 7));
	assert_true(compile(f, 8) > 0);
	assert_null(policy_copy_get(f->region, 6));
	assert_non_null(policy_copy_get(f->region, 8));
	assert_true(compile(f, 0x10000) > 0); /* low 16 bits are 0 */
	assert_non_null(policy_copy_get(f->region, 0));
	/* a failed write leaves no generation behind */
	assert_int_equal(policy_compile(&f->in, copy_of(f, 0x10000), 512), -ENOSPC);
	assert_null(policy_copy_get(f->region, 0));
	f->in.generation = 0;
	assert_int_equal(policy_compile(&f->in, copy_of(f, 0), COPY_SIZE), -EINVAL);
}

static void test_newest(void **state)
{
	struct fixture *f = *state;
	uint16_t generation = 77;

	assert_null(policy_copy_newest(f->region, &generation));
	assert_int_equal(generation, 77);
	assert_true(compile(f, 6) > 0);
	assert_ptr_equal(policy_copy_newest(f->region, &generation), copy_of(f, 6));
	assert_int_equal(generation, 6);
	assert_true(compile(f, 7) > 0);
	assert_ptr_equal(policy_copy_newest(f->region, &generation), copy_of(f, 7));
	assert_int_equal(generation, 7);
	assert_true(compile(f, 8) > 0);
	assert_ptr_equal(policy_copy_newest(f->region, &generation), copy_of(f, 8));
	/* the low bits go round: 0x10001 is newer than 0xfffe, and than 0xffff that it replaces */
	assert_true(compile(f, 0xfffe) > 0);
	assert_true(compile(f, 0x10001) > 0);
	assert_ptr_equal(policy_copy_newest(f->region, &generation), copy_of(f, 1));
	assert_int_equal(generation, 1);
	/* one that is being written, and one whose words are damaged, are none */
	copy_of(f, 1)->generation = 0;
	assert_ptr_equal(policy_copy_newest(f->region, &generation), copy_of(f, 0));
	assert_int_equal(generation, 0xfffe);
	copy_of(f, 0)->len = UINT64_MAX;
	assert_null(policy_copy_newest(f->region, &generation));
	copy_of(f, 0)->len = 4096;
	f->region->copy_off[0] = f->region->size - 8;
	assert_null(policy_copy_newest(f->region, &generation));
	assert_int_equal(generation, 0xfffe);
}

static void test_refused_input(void **state)
{
	struct fixture *f = *state;

	f->trunks[1].slot = 0; /* twice */
	assert_int_equal(compile(f, 7), -EINVAL);
	f->trunks[1].slot = 2;
	f->trunks[1].credential = 1; /* not there */
	assert_int_equal(compile(f, 7), -EINVAL);
	f->trunks[1].credential = POLICY_CREDENTIAL_NONE;
	f->trunks[1].slot = UINT32_MAX;
	assert_int_equal(compile(f, 7), -EINVAL);
	f->trunks[1].slot = 2;
	for (size_t cap = 0; cap < (size_t)policy_compile(&f->in, NULL, 0); cap += 8)
		assert_int_equal(policy_compile(&f->in, copy_of(f, 1), cap), -ENOSPC);
	assert_true(compile(f, 7) > 0);
}

static void test_region_check(void **state)
{
	struct fixture *f = *state;
	struct policy_region ok = *f->region;
	static const struct { const char *name; size_t off; uint64_t value; } cases[] = {
		{ "size", offsetof(struct policy_region, size), UINT64_MAX },
		{ "size 0", offsetof(struct policy_region, size), 0 },
		{ "offset unaligned", offsetof(struct policy_region, copy_off[0]), 65 },
		{ "offset in header", offsetof(struct policy_region, copy_off[1]), 8 },
		{ "offset huge", offsetof(struct policy_region, copy_off[1]), UINT64_MAX - 7 },
		{ "copy small", offsetof(struct policy_region, copy_size), 8 },
		{ "copy huge", offsetof(struct policy_region, copy_size), UINT64_MAX },
	};

	assert_int_equal(policy_region_check(f->region, sizeof(ok) - 1), -EBADMSG);
	assert_int_equal(policy_region_check(f->region, f->mem.len - 1), -EBADMSG);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memcpy((char *)f->region + cases[i].off, &cases[i].value, 8);
		if (policy_region_check(f->region, f->mem.len) != -EBADMSG)
			fail_msg("%s: taken", cases[i].name);
		*f->region = ok;
	}
	f->region->magic++;
	assert_int_equal(policy_region_check(f->region, f->mem.len), -EBADMSG);
	*f->region = ok;
	f->region->version++;
	assert_int_equal(policy_region_check(f->region, f->mem.len), -EBADMSG);
	*f->region = ok;
	assert_int_equal(policy_region_check(f->region, f->mem.len), 0);
}

static unsigned sum(struct slice s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.len; i++)
		n += (unsigned char)s.p[i];
	return n;
}

/* Touches every byte that readers can be led to. */
static unsigned read_all(const struct policy_copy *c)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < 4; i++) {
		const struct policy_credential *cr = policy_credential_get(c, i);
		const struct policy_trunk *t = policy_trunk_get(c, i);
		const struct policy_rule *rules;
		const struct pidf_template *loc;

		if (cr)
			n += sum(policy_text(c, cr->x5u)) + sum(policy_text(c, cr->header_b64));
		if (!t)
			continue;
		n += sum(policy_text(c, t->name)) + sum(policy_text(c, t->origid)) +
		     sum(policy_text(c, t->country_code)) + sum(policy_text(c, t->pai_domain));
		n += policy_number_inside(c, t, SLICE("18005550100"));
		n += policy_number_inside(c, t, SLICE("999999999999999"));
		n += sum(policy_text(c, t->verification.result_header));
		for (unsigned k = 0; k < LABEL_CNT; k++)
			n += sum(policy_text(c, t->verification.label[k]));
		rules = policy_table(c, t->rules, t->rule_cnt, sizeof(*rules));
		for (uint32_t k = 0; rules && k < t->rule_cnt; k++)
			n += sum(policy_text(c, rules[k].prefix)) + sum(policy_text(c, rules[k].replace));
		loc = policy_table(c, t->location, 1, sizeof(*loc));
		if (loc)
			n += sum(slice_of(loc->text, sizeof(loc->text)));
	}
	return n;
}

/* Copy 1 ends at an unmapped page: whatever the words say, no reader may get there. */
static void test_damaged(void **state)
{
	struct fixture *f = *state;
	struct policy_copy *c = copy_of(f, 7);
	CLEANUP(freep) char *ok = malloc(COPY_SIZE);
	static const uint32_t evil[] = { 0, 1, 7, 8, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff,
					 COPY_SIZE, COPY_SIZE - 8, COPY_SIZE - 1 };
	ssize_t len = compile(f, 7);
	volatile unsigned used = 0;

	assert_true(len > 0);
	memcpy(ok, c, COPY_SIZE);
	for (size_t off = sizeof(uint64_t); off + 4 <= (size_t)len; off += 4) {
		for (size_t i = 0; i < ARRAY_SIZE(evil); i++) {
			const struct policy_copy *got;

			memcpy((char *)c + off, &evil[i], 4);
			got = policy_copy_get(f->region, 7);
			used += got ? read_all(got) : 0;
			memcpy((char *)c + off, ok + off, 4);
		}
	}
	c->len = UINT64_MAX;
	assert_null(policy_copy_get(f->region, 7));
	c->len = 8;
	assert_null(policy_copy_get(f->region, 7));
	assert_true(used > 0);
}

static const struct {
	const char *name, *numbers[4], *in[6], *out[8];
} interval_cases[] = {
	{ "exact", { "+18005550100" }, { "18005550100" },
	  { "18005550101", "18005550099", "8005550100", "1800555010", "118005550100", "911", "" } },
	{ "NANP prefix is 11 digits", { "+1212555*" },
	  { "12125550000", "12125559999", "12125555555" },
	  { "12125549999", "12125560000", "1212555", "121255500000", "1212555000" } },
	{ "NANP whole", { "+1*" }, { "10000000000", "19999999999" }, { "1", "911", "20000000000", "112" } },
	{ "prefix of any length", { "+4420*" },
	  { "4420", "44201", "442079460018", "442099999999999" },
	  { "442", "4421", "4419", "442179460018", "44200000000000000" } },
	{ "range edges", { "+13125550000-+13125559999" },
	  { "13125550000", "13125559999", "13125555000" },
	  { "13125549999", "13125560000", "1312555000", "131255500000" } },
	{ "overlap and touch", { "+13125550000-+13125550004", "+13125550005-+13125550009",
	  "+13125550003-+13125550007" }, { "13125550000", "13125550005", "13125550009" },
	  { "13125550010", "13125549999" } },
	{ "apart", { "+18005550100", "+33123456789", "+33123456787", "+49*" },
	  { "18005550100", "33123456789", "33123456787", "4930123", "49" },
	  { "33123456788", "33123456786", "4830123", "5030123" } },
	{ "no digits", { "+4*" }, { "4" }, { "*69", "4#", "#", "4*4" } },
	{ "fifteen digits", { "+999999999999999" }, { "999999999999999" }, { "99999999999999" } },
};

static void test_intervals(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(interval_cases); i++) {
		const struct policy_copy *c;
		const struct policy_trunk *t;

		f->a->number_cnt = 0;
		for (unsigned k = 0; k < 4 && interval_cases[i].numbers[k]; k++)
			add_number(f->a, interval_cases[i].numbers[k]);
		assert_true(compile(f, 7) > 0);
		c = policy_copy_get(f->region, 7);
		t = policy_trunk_get(c, 0);
		for (unsigned k = 0; k < 6 && interval_cases[i].in[k]; k++) {
			struct slice tn = slice_str(interval_cases[i].in[k]);

			if (!policy_number_inside(c, t, tn) ||
			    !intervals_cover(f->a->numbers, f->a->number_cnt, tn))
				fail_msg("%s: %s is outside", interval_cases[i].name, tn.p);
		}
		for (unsigned k = 0; k < 8 && interval_cases[i].out[k]; k++) {
			struct slice tn = slice_str(interval_cases[i].out[k]);

			if (policy_number_inside(c, t, tn) ||
			    intervals_cover(f->a->numbers, f->a->number_cnt, tn))
				fail_msg("%s: %s is inside", interval_cases[i].name, tn.p);
		}
	}
}

static void test_interval_merge(void **state)
{
	static const char *const in[] = { "+13125550005-+13125550009", "+13125550000-+13125550004",
					  "+13125550007", "+13125550011" };
	struct policy_interval *iv = NULL;
	struct trunk *t = trunk_new();

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(in); i++)
		add_number(t, in[i]);
	assert_int_equal(intervals_compile(t->numbers, t->number_cnt, &iv), 2);
	assert_int_equal(iv[0].lo, policy_number_key(SLICE("13125550000")));
	assert_int_equal(iv[0].hi, policy_number_key(SLICE("13125550009")));
	assert_int_equal(iv[1].lo, iv[1].hi);
	free(iv);
	/* an empty list is a list: nothing is inside */
	iv = NULL;
	assert_int_equal(intervals_compile(t->numbers, 0, &iv), 0);
	assert_null(iv);
	trunk_free(t);
}

static void test_empty_list(void **state)
{
	struct fixture *f = *state;
	const struct policy_copy *c;

	f->a->number_cnt = 0;
	assert_true(compile(f, 7) > 0);
	c = policy_copy_get(f->region, 7);
	assert_false(policy_number_inside(c, policy_trunk_get(c, 0), SLICE("18005550100")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_verification, setup, teardown),
		cmocka_unit_test_setup_teardown(test_generations, setup, teardown),
		cmocka_unit_test_setup_teardown(test_newest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_input, setup, teardown),
		cmocka_unit_test_setup_teardown(test_region_check, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_intervals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty_list, setup, teardown),
		cmocka_unit_test(test_interval_merge),
	};

	return cmocka_run_group_tests_name("trunk/policy", tests, NULL, NULL);
}

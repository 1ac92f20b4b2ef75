/* SPDX-License-Identifier: BSD-2-Clause */
/* capturing: from the rings of a signer, which this test plays by its own mapping, to readers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "daemon/daemon.h"
#include "trunk/capture.h"

#define WORKERS 2
#define PAYLOAD 1400

/* ---- what the kernel and the trunks say ---- */

static bool is_full; /* there is no memory for large pieces */

int fallocate(int fd, int mode, off_t off, off_t len)
{
	if (is_full && len > 4096) {
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_fallocate, fd, mode, off, len);
}

static struct live_trunk trunks[] = { { .name = "acme", .slot = 0 }, { .name = "beta", .slot = 5 } };
static bool is_beta_gone;

const struct live_trunk *live_find(const struct live *l, const char *name)
{
	(void)l;
	for (size_t i = 0; i < ARRAY_SIZE(trunks); i++)
		if (strcmp(trunks[i].name, name) == 0)
			return i == 1 && is_beta_gone ? NULL : &trunks[i];
	return NULL;
}

const char *live_slot_name(const struct live *l, uint32_t slot)
{
	(void)l;
	return slot == 0 ? "acme" : slot == 5 ? "beta" : NULL;
}

/* ---- the world ---- */

struct world {
	struct sipseald d;
	struct capture_region *signer;
	struct capture_writer writers[WORKERS];
	uint64_t len, now_ns;
	int fd;               /* the daemon's */
	unsigned wakes;
};

static void attach(struct world *w)
{
	w->signer = mmap(NULL, w->len, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd, 0);
	assert_true(w->signer != MAP_FAILED);
	assert_int_equal(capture_region_check(w->signer, w->len), 0);
	for (unsigned i = 0; i < WORKERS; i++)
		capture_writer_init(&w->writers[i], w->signer, i);
}

static void renew(struct world *w)
{
	if (w->signer)
		munmap(w->signer, w->len);
	assert_int_equal(capturing_renew(w->d.capturing, &w->fd, &w->len), 0);
	attach(w);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	is_full = is_beta_gone = false;
	w->d.workers = WORKERS;
	w->d.generation = 7;
	w->d.gateway = gateway_new();
	w->d.gateway->interface_cnt = 2;
	w->d.gateway->interfaces[0].side = SIPSEAL_SIDE_CORE;
	w->d.gateway->interfaces[1].side = SIPSEAL_SIDE_CARRIER;
	strcpy(w->d.nics[0].name, "core0");
	strcpy(w->d.nics[1].name, "carrier0");
	assert_int_equal(capturing_new(&w->d, &w->d.capturing), 0);
	renew(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	munmap(w->signer, w->len);
	capturing_free(w->d.capturing);
	gateway_free(w->d.gateway);
	free(w);
	return 0;
}

static void on_wake(void *ctx)
{
	struct world *w = ctx;

	w->wakes++;
}

static struct capturing_reader *reader(struct world *w, const char *trunk, uint64_t count)
{
	struct capturing_ask ask = { .trunk = trunk, .count = count, .wake = on_wake, .ctx = w };
	struct capturing_reader *r = NULL;

	assert_int_equal(capturing_open(w->d.capturing, &ask, &r), 0);
	return r;
}

static uint32_t want(const struct world *w)
{
	return atomic_load(&w->signer->want);
}

/* A worker tells of an INVITE with one packet before and one after.  Return: somebody asked. */
static bool tell(struct world *w, unsigned worker, uint32_t slot, uint64_t generation)
{
	struct capture_call call = { .generation = generation, .verdict = EVENT_SIGN, .reason = SR_SIGNED,
				     .decided_verdict = EVENT_SIGN, .decided_reason = SR_SIGNED };
	struct capture_packet p = { .form = CAPTURE_L2, .time_ns = 1700000000000000000ull };
	static const char frame[PAYLOAD] = "x";

	w->now_ns += 1000000000; /* the rate has its own test */
	if (!capture_begin(&w->writers[worker], slot, 0, w->now_ns))
		return false;
	capture_add(&w->writers[worker], &p, slice_of(frame, sizeof(frame)));
	p.stage = CAPTURE_AFTER;
	p.nic = 1;
	capture_add(&w->writers[worker], &p, slice_of(frame, sizeof(frame)));
	capture_end(&w->writers[worker], &call);
	return true;
}

static struct capturing_totals totals(const struct world *w)
{
	struct capturing_totals t;

	capturing_totals(w->d.capturing, &t);
	return t;
}

/* What a reader got: whole blocks, and no other. */
struct got {
	unsigned sections, packets, stats;
	uint64_t lost[8];
	bool is_ended;
	char comments[4096];
};

static uint32_t u32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static const char *option(const char *p, const char *end, uint16_t code, uint16_t *ret_len)
{
	while (p + 4 <= end) {
		uint16_t head[2];

		memcpy(head, p, 4);
		if (head[0] == code) {
			*ret_len = head[1];
			return p + 4;
		}
		p += 4 + (head[1] + 3) / 4 * 4;
	}
	return NULL;
}

static void block(struct got *g, const char *p, uint32_t len)
{
	const char *end = p + len - 4, *o;
	uint16_t o_len = 0;

	switch (u32(p)) {
	case 0x0a0d0d0a:
		g->sections++;
		break;
	case 6:
		g->packets++;
		o = option(p + 28 + (u32(p + 20) + 3) / 4 * 4, end, 1, &o_len);
		assert_non_null(o);
		if (strlen(g->comments) + o_len + 2 < sizeof(g->comments))
			sprintf(g->comments + strlen(g->comments), "%.*s\n", o_len, o);
		break;
	case 5:
		g->stats++;
		o = option(p + 20, end, 5, &o_len);
		assert_true(o && u32(p + 8) < ARRAY_SIZE(g->lost));
		memcpy(&g->lost[u32(p + 8)], o, 8);
		break;
	default:
		assert_int_equal(u32(p), 1);
	}
}

static void drain(struct capturing_reader *r, struct got *g)
{
	static char bytes[CAPTURING_QUEUE];
	size_t len = 0;
	ssize_t n;

	while ((n = capturing_read(r, bytes + len, sizeof(bytes) - len < 777 ? sizeof(bytes) - len : 777)) > 0)
		len += (size_t)n;
	if (n < 0)
		assert_int_equal(n, -ENODATA);
	g->is_ended = n < 0;
	for (size_t at = 0; at < len; at += u32(bytes + at + 4)) {
		assert_true(len - at >= 12 && u32(bytes + at + 4) <= len - at);
		block(g, bytes + at, u32(bytes + at + 4));
	}
}

static uint64_t memory_of(const struct world *w)
{
	struct stat st;

	assert_int_equal(fstat(w->fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

/* ---- tests ---- */

/* No reader: no memory and nothing asked for; whoever comes gets both, the last one takes the wish with him. */
static void test_want(void **state)
{
	struct world *w = *state;
	struct capturing_reader *a, *b, *c;

	assert_int_equal(want(w), 0);
	assert_true(memory_of(w) <= (WORKERS + 1) * 4096);
	assert_false(tell(w, 0, 0, 7));
	assert_int_equal(capturing_turn(w->d.capturing), -1);
	assert_int_equal(capturing_turn(NULL), -1);

	a = reader(w, "beta", 0);
	assert_int_equal(want(w), 5 + 1);
	assert_true(memory_of(w) >= w->len);
	assert_int_equal(capturing_turn(w->d.capturing), CAPTURING_TURN_MS);
	b = reader(w, "beta", 0);
	assert_int_equal(want(w), 5 + 1);
	c = reader(w, "acme", 0);
	assert_int_equal(want(w), CAPTURE_ALL);
	capturing_close(a);
	capturing_close(b);
	assert_int_equal(want(w), 0 + 1);
	a = reader(w, NULL, 0);
	assert_int_equal(want(w), CAPTURE_ALL);
	assert_int_equal(totals(w).readers, 2);
	capturing_close(c);
	assert_int_equal(want(w), CAPTURE_ALL);
	capturing_close(a);
	assert_int_equal(want(w), 0);
	assert_int_equal(totals(w).readers, 0);
	capturing_close(NULL);
}

static void test_readers(void **state)
{
	struct world *w = *state;
	struct capturing_reader *all = reader(w, NULL, 0), *beta = reader(w, "beta", 0);
	struct got a = { 0 }, b = { 0 };

	w->wakes = 0;
	assert_true(tell(w, 0, 0, 7) && tell(w, 1, 5, 8)); /* the signer may know the next generation */
	capturing_turn(w->d.capturing);
	assert_true(w->wakes >= 2);
	drain(all, &a);
	drain(beta, &b);
	assert_string_equal(a.comments,
			    "trunk=acme direction=outbound stage=before verdict=sign reason=signed invite=0.0\n"
			    "trunk=acme direction=outbound stage=after verdict=sign reason=signed invite=0.0\n"
			    "trunk=beta direction=outbound stage=before verdict=sign reason=signed invite=1.0\n"
			    "trunk=beta direction=outbound stage=after verdict=sign reason=signed invite=1.0\n");
	assert_string_equal(b.comments, strstr(a.comments, "trunk=beta"));
	assert_int_equal(a.sections, 1);
	assert_false(a.is_ended);
	assert_int_equal(totals(w).invites, 2);
	/* one who comes later sees what is later */
	capturing_close(all);
	capturing_close(beta);
	atomic_store(&w->signer->want, CAPTURE_ALL); /* a worker that had not seen it yet */
	assert_true(tell(w, 0, 0, 7));
	all = reader(w, NULL, 0);
	capturing_turn(w->d.capturing);
	b = (struct got){ 0 };
	drain(all, &b);
	assert_int_equal(b.packets, 0);
	capturing_close(all);
}

static void test_refused(void **state)
{
	struct world *w = *state;
	struct capturing_ask nobody = { .trunk = "nobody" }, all = { 0 };
	struct capturing_reader *r[CAPTURING_READERS_MAX], *more = NULL;

	assert_int_equal(capturing_open(w->d.capturing, &nobody, &more), -ENOENT);
	is_full = true;
	assert_int_equal(capturing_open(w->d.capturing, &all, &more), -ENOSPC);
	assert_int_equal(want(w), 0);
	assert_int_equal(totals(w).readers, 0);
	is_full = false;
	for (unsigned i = 0; i < CAPTURING_READERS_MAX; i++)
		r[i] = reader(w, NULL, 0);
	assert_int_equal(capturing_open(w->d.capturing, &all, &more), -EUSERS);
	for (unsigned i = 0; i < CAPTURING_READERS_MAX; i++)
		capturing_close(r[i]);
	capturing_drop(w->d.capturing);
	assert_int_equal(capturing_open(w->d.capturing, &all, &more), -ENODEV);
	assert_null(more);
}

/* What workers lose is told, but not what they lost before; a count that falls is a lie. */
static void test_lost(void **state)
{
	struct world *w = *state;
	struct capture_worker *worker = capture_worker(w->signer, 1);
	struct capturing_reader *r, *late;
	struct got g = { 0 };

	atomic_store(&worker->lost[0], 1000);
	r = reader(w, NULL, 3);
	atomic_store(&worker->lost[0], 1003);
	capturing_turn(w->d.capturing);
	late = reader(w, NULL, 1);
	atomic_store(&worker->lost[0], 1);
	atomic_store(&worker->lost[1], 4);
	tell(w, 0, 0, 7);
	capturing_turn(w->d.capturing); /* what was lost is read behind the rings */
	tell(w, 0, 0, 7);
	tell(w, 0, 0, 7);
	capturing_turn(w->d.capturing);
	drain(r, &g);
	assert_true(g.is_ended);
	assert_int_equal(g.packets, 6);
	assert_int_equal(g.lost[0], 3); /* core0 */
	assert_int_equal(g.lost[1], 4); /* carrier0 */
	g = (struct got){ 0 };
	drain(late, &g);
	assert_int_equal(g.lost[0], 0);
	assert_int_equal(totals(w).lost_ring, 7);
	capturing_close(r);
	capturing_close(late);
}

/* A reader that does not read: whole INVITEs are lost to it, and to nobody else; it is told how many. */
static void test_slow(void **state)
{
	struct world *w = *state;
	struct capturing_reader *slow = reader(w, NULL, 0), *good = reader(w, NULL, 0);
	struct got s = { 0 }, g = { 0 };
	unsigned told = 0;

	while (totals(w).lost_reader < 500) {
		told += tell(w, told % WORKERS, 0, 7);
		capturing_turn(w->d.capturing);
		drain(good, &g);
	}
	assert_int_equal(g.packets, 2 * told);
	assert_in_range(told, CAPTURING_QUEUE / 2 / (2 * PAYLOAD + 400), CAPTURING_QUEUE / (2 * PAYLOAD) + 500);
	is_beta_gone = true;
	capturing_drop(w->d.capturing); /* its end is told in spite of all */
	drain(slow, &s);
	assert_true(s.is_ended);
	assert_int_equal(s.packets + 2 * s.lost[0], 2 * told);
	assert_int_equal(s.lost[0], 500);
	capturing_close(slow);
	capturing_close(good);
}

/* One that reads half goes on where it was, and what moves in its queue stays whole. */
static void test_half_read(void **state)
{
	struct world *w = *state;
	struct capturing_reader *r = reader(w, NULL, 0);
	static char part[CAPTURING_QUEUE];
	unsigned told = 0, packets = 0;
	uint32_t left = 0; /* of the block that is being read */
	size_t fill = 0;

	for (unsigned round = 0; round < 3000; round++) {
		ssize_t n;

		told += tell(w, 0, 0, 7);
		capturing_turn(w->d.capturing);
		n = capturing_read(r, part + fill, round < 1000 ? 1001 : 6007);
		assert_true(n >= 0);
		fill += (size_t)n;
		while (fill >= 8 && (left = u32(part + 4)) <= fill) {
			assert_true(left >= 12 && left % 4 == 0 && u32(part + left - 4) == left);
			packets += u32(part) == 6;
			memmove(part, part + left, fill -= left);
		}
	}
	assert_int_equal(packets, 2 * told);
	assert_int_equal(totals(w).lost_reader, 0);
	capturing_close(r);
}

static void test_ends(void **state)
{
	struct world *w = *state;
	struct capturing_ask second = { .seconds = 1 };
	struct capturing_reader *r = reader(w, NULL, 2), *timed = NULL, *beta;
	uint64_t start_ns = clock_mono_ns();
	struct got g = { 0 };

	assert_int_equal(capturing_open(w->d.capturing, &second, &timed), 0);
	for (unsigned i = 0; i < 3; i++)
		tell(w, 0, 0, 7);
	capturing_turn(w->d.capturing);
	drain(r, &g);
	assert_true(g.is_ended);
	assert_int_equal(g.packets, 4);
	assert_int_equal(g.stats, 2);
	capturing_close(r);
	assert_int_equal(want(w), CAPTURE_ALL);

	beta = reader(w, "beta", 0);
	tell(w, 0, 5, 7);
	is_beta_gone = true;
	w->wakes = 0;
	capturing_turn(w->d.capturing);
	assert_true(w->wakes > 0);
	g = (struct got){ 0 };
	drain(beta, &g);
	assert_true(g.is_ended);
	assert_int_equal(g.packets, 2); /* what came before */
	capturing_close(beta);

	g = (struct got){ 0 };
	while (!g.is_ended && clock_mono_ns() - start_ns < 3000000000ull) {
		usleep(10000);
		capturing_turn(w->d.capturing);
		drain(timed, &g);
	}
	assert_true(g.is_ended);
	assert_in_range(clock_mono_ns() - start_ns, 1000000000ull, 2500000000ull);
	assert_int_equal(g.packets, 8);
	assert_int_equal(want(w), 0); /* nobody is left who wants anything */
	capturing_close(timed);
}

/* A new signer: what the old one told is read to its end, the capture goes on. */
static void test_renew(void **state)
{
	struct world *w = *state;
	struct capturing_reader *r = reader(w, "beta", 0);
	struct got g = { 0 };
	int fd = -1;
	uint64_t len;

	tell(w, 1, 5, 7);
	atomic_store(&capture_worker(w->signer, 0)->lost[0], 5);
	renew(w);
	assert_int_equal(want(w), 5 + 1);
	assert_true(memory_of(w) >= w->len);
	tell(w, 1, 5, 7);
	atomic_store(&capture_worker(w->signer, 0)->lost[0], 2);
	w->wakes = 0;
	capturing_turn(w->d.capturing);
	assert_true(w->wakes > 0);
	drain(r, &g);
	assert_int_equal(g.packets, 4);
	assert_int_equal(totals(w).lost_ring, 7);
	/* the next one gets no memory: no capture, but a clean end */
	is_full = true;
	assert_int_equal(capturing_renew(w->d.capturing, &fd, &len), -ENOSPC);
	w->wakes = 0;
	capturing_turn(w->d.capturing);
	assert_true(w->wakes > 0);
	drain(r, &g);
	assert_true(g.is_ended);
	assert_int_equal(g.lost[0], 7);
	capturing_close(r);
}

/* What cannot be true is counted, not shown. */
static void test_invalid(void **state)
{
	struct world *w = *state;
	struct capturing_reader *r = reader(w, NULL, 0);
	struct capture_worker *worker = capture_worker(w->signer, 0);
	struct got g = { 0 };

	tell(w, 0, 0, 9);   /* a generation that is not there yet */
	tell(w, 0, 77, 7);  /* signed for nobody */
	capturing_turn(w->d.capturing);
	assert_int_equal(totals(w).invalid, 2);
	atomic_fetch_add(&worker->head, 4096); /* zeros */
	capturing_turn(w->d.capturing);
	assert_int_equal(totals(w).invalid, 3);
	atomic_store(&worker->head, UINT64_MAX / 2);
	capturing_turn(w->d.capturing);
	assert_int_equal(totals(w).invalid, 4);
	tell(w, 1, 0, 7); /* the others go on */
	capturing_turn(w->d.capturing);
	drain(r, &g);
	assert_int_equal(g.packets, 2);
	assert_int_equal(totals(w).invites, 1);
	capturing_close(r);
}

/* A turn is bounded, and all workers have their share of it. */
static void test_turn(void **state)
{
	struct world *w = *state;
	struct capturing_reader *r = reader(w, NULL, 0);
	struct got g = { 0 };
	unsigned told = 0;

	while (told < 2 * 340) { /* both rings nearly full: 2.0 MB */
		assert_true(tell(w, 0, 0, 7) && tell(w, 1, 5, 7));
		told += 2;
	}
	assert_int_equal(capturing_turn(w->d.capturing), 0);
	drain(r, &g);
	assert_in_range(g.packets, CAPTURING_TURN_LEN / (PAYLOAD + 100), CAPTURING_TURN_LEN / PAYLOAD + 4);
	assert_non_null(strstr(g.comments, "invite=1.0"));
	assert_int_equal(capturing_turn(w->d.capturing), CAPTURING_TURN_MS);
	drain(r, &g);
	assert_int_equal(g.packets, 2 * told);
	capturing_close(r);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_want), TEST(test_readers), TEST(test_refused), TEST(test_lost), TEST(test_slow),
		TEST(test_half_read), TEST(test_ends), TEST(test_renew), TEST(test_invalid), TEST(test_turn),
	};

	return cmocka_run_group_tests_name("capturing", tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generation_world - a daemon without kernel: configuration, certificates, policy memfd, match
 * tables and counters are the real ones; XDP's side is a few functions here, and the signer a child
 * that answers the real hand-over with a real set of keys.
 */
#ifndef SIPSEAL_TEST_GENERATION_WORLD_H
#define SIPSEAL_TEST_GENERATION_WORLD_H

#include "stir/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "daemon/generation_internal.h"
#include "signer_fork.h"

#define MAIN                                                                                       \
	"gateway: { heartbeat_ms: 100, interfaces: [{ name: eth0, side: core }, { name: eth1, "    \
	"side: carrier }] }\n"                                                                     \
	"control: { metrics: 'off' }\n"                                                            \
	"trunks_dir: trunks.d\n"
#define CERTS                                                                                      \
	"certificates: { root: sti, cert_path: gw.pem, key_path: gw.key, x5u: "                    \
	"'https://cert.example/gw.pem' }\n"

#define KEYS_SEEN 256

/* What the child tells; memory that both share. */
struct signer_view {
	bool has[KEYS_SEEN];
	unsigned adds, drops;
};

struct world {
	struct sipseald d;
	char dir[64];
	struct signer_view *view;
	/* XDP */
	struct sipseal_config published;
	unsigned publishes, graces, fills, drained, limiters, topologies;
	int fill_error;
	/* the caller's files */
	int persist_result;
	unsigned persists;
};

static struct world *world; /* of the test that runs */

/* ---- XDP ---- */

void topology_port(const struct sipseald *d, unsigned i, struct sipseal_port *ret)
{
	(void)d;
	(void)i;
	ret->flags = 0;
}

void topology_trunks(struct sipseald *d)
{
	(void)d;
	world->topologies++;
}

uint32_t bpfgw_generation(const struct bpfgw *g)
{
	(void)g;
	return world->published.generation;
}

static int sink_peer(void *ctx, const struct sipseal_peer_key *key, const uint32_t *group)
{
	(void)ctx, (void)key, (void)group;
	world->drained++;
	return 0;
}

static int sink_prefix(void *ctx, const struct sipseal_prefix_key *key, const uint32_t *group)
{
	(void)ctx, (void)key, (void)group;
	return 0;
}

static int sink_core(void *ctx, const struct sipseal_core_key *key,
		     const struct sipseal_core_value *value)
{
	(void)ctx, (void)key, (void)value;
	return 0;
}

int bpfgw_fill(struct bpfgw *g, struct matchset *ms, uint32_t generation,
	       char reterr[BPFGW_ERR_LEN])
{
	const struct matchset_sink sink = { sink_peer, sink_prefix, sink_core, NULL };

	(void)g;
	if (((generation ^ world->published.generation) & 1) == 0)
		fail_msg("fill of the copy in use: %u, active %u", generation,
			 world->published.generation);
	world->fills++;
	if (world->fill_error) {
		snprintf(reterr, BPFGW_ERR_LEN, "no");
		return world->fill_error;
	}
	return matchset_drain(ms, generation & 1, &sink);
}

void bpfgw_grace(void)
{
	world->graces++;
}

int bpfgw_limiter_reset(struct bpfgw *g, uint32_t slot)
{
	(void)g, (void)slot;
	world->limiters++;
	return 0;
}

/* XDP names a generation only when the signer can read it, and the tables have been filled. */
int bpfgw_config_set(struct bpfgw *g, const struct sipseal_config *c)
{
	(void)g;
	if (!policy_copy_get(world->d.policy.region, (uint16_t)c->generation))
		fail_msg("generation %u is published, and the policy does not have it",
			 c->generation);
	world->published = *c;
	world->publishes++;
	return 0;
}

/* ---- the signer ---- */

static int key_take(struct credential_set *set, const struct handover_msg *m, int fd)
{
	char pem[4096];
	ssize_t n = read(fd, pem, sizeof(pem));

	return n < 0 ? -errno
		     : credential_add(set, m->credential.id, pem, (size_t)n, m->credential.point);
}

static void signer_child(int fd, struct signer_view *view)
{
	struct credential_set *set;
	struct handover_msg m;
	int fds[HANDOVER_FDS_MAX];
	unsigned cnt = 0;

	if (credential_set_new(&set) < 0)
		_exit(1);
	while (handover_recv(fd, &m, fds, &cnt) > 0) {
		struct handover_msg result = { .version = HANDOVER_VERSION,
					       .type = HANDOVER_RESULT,
					       .seq = m.seq };
		uint32_t id = m.credential.id;

		if (m.type == HANDOVER_CREDENTIAL && cnt == 1) {
			result.error = key_take(set, &m, fds[0]);
			view->adds += result.error == 0;
			if (!result.error && id < KEYS_SEEN)
				view->has[id] = true;
		} else if (m.type == HANDOVER_CREDENTIAL_DROP && cnt == 0) {
			credential_drop(set, id);
			view->drops++;
			if (id < KEYS_SEEN)
				view->has[id] = false;
		} else {
			result.error = -EPROTO;
		}
		while (cnt)
			close(fds[--cnt]);
		handover_send(fd, &result, NULL, 0);
	}
	_exit(0);
}

static void signer_run(struct world *w)
{
	memset(w->view, 0, sizeof(*w->view));
	signer_fork(&w->d, signer_child, w->view);
}

static inline unsigned keys_cnt(const struct world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < KEYS_SEEN; i++)
		n += w->view->has[i];
	return n;
}

/* The worker says that everything before @ns is done. */
static inline void drained(struct world *w, uint64_t ns)
{
	counters_worker(w->d.counts.map, 0)->drained_ns = ns;
}

/* ---- files ---- */

static const char *at(const char *name)
{
	static char buf[16][160];
	static unsigned i;
	char *p = buf[i++ % 16];

	snprintf(p, sizeof(buf[0]), "%s/%s", world->dir, name);
	return p;
}

static void put_file(const char *name, const char *text, mode_t mode)
{
	FILE *f;

	unlink(at(name)); /* as whoever renews certificates does: another file of that name */
	f = fopen(at(name), "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(at(name), mode), 0);
}

static void put_key(const char *name, EVP_PKEY *key)
{
	FILE *f;

	unlink(at(name));
	f = fopen(at(name), "w");
	assert_non_null(f);
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(at(name), 0600), 0);
}

/* sti/NAME.pem and sti/NAME.key: a new certificate that began ten days before now + @shift_s. */
static void put_certificate(const char *name, int64_t shift_s)
{
	struct chain c = chain_new_at((int64_t)(clock_real_ms() / 1000) + shift_s);
	char pem[16384], path[64];

	chain_pem(pem, sizeof(pem), (X509 *const[]){ c.leaf.x, c.intermediate.x, NULL });
	snprintf(path, sizeof(path), "sti/%s.pem", name);
	put_file(path, pem, 0644);
	snprintf(path, sizeof(path), "sti/%s.key", name);
	put_key(path, c.leaf.key);
	chain_free(&c);
}

static const char *trunk_text(const char *name, unsigned peer, const char *more)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "name: %s\ncarrier: { peers: ['203.0.113.%u:5060'] }\nattestation: B\n%s", name,
		 peer, more ? more : "");
	return text;
}

/* A trunk as a change brings it, from a file of trunks_dir. */
static inline struct trunk *trunk_make(const char *name, unsigned peer, const char *more)
{
	struct config_report report = { 0 };
	struct trunk *t = NULL;
	char file[96];
	bool is_ours;

	snprintf(file, sizeof(file), "trunks.d/%s.yaml", name);
	put_file(file, trunk_text(name, peer, more), 0644);
	if (config_trunk_file(world->d.config, at(file), &t, &is_ours, &report) < 0)
		fail_msg("%s: %s", name, report.cnt ? report.m[0].text : "?");
	config_report_done(&report);
	return t;
}

static inline struct config *config_make(const char *text)
{
	struct config_report report = { 0 };
	struct config *c = NULL;

	put_file("sipseal.yaml", text, 0644);
	if (config_open(at("sipseal.yaml"), &c, &report) < 0)
		fail_msg("%s: %s", report.m[0].key, report.m[0].text);
	config_report_done(&report);
	return c;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

/* ---- the daemon ---- */

static inline int persist_count(void *ctx, struct fault *f)
{
	struct world *w = ctx;

	(void)f;
	w->persists++;
	return w->persist_result;
}

static void daemon_begin(struct world *w, const char *main_text)
{
	struct sipseald *d = &w->d;
	struct fault f = { 0 };
	char err[ORIGIDS_ERR_LEN];

	d->regulatory = -1;
	d->signer.fd = -1;
	d->workers = 1;
	d->config = config_make(main_text);
	d->gateway = config_gateway(d->config);
	assert_int_equal(origids_open(w->dir, &d->origids, err), 0);
	assert_int_equal(policy_shm_new(64 << 20, &d->policy), 0);
	assert_int_equal(counts_init(&d->counts, 1, SIPSEAL_TRUNKS_MAX), 0);
	if (generation_start(d, &f) < 0)
		fail_msg("%s: %s", f.code, f.text);
	fault_done(&f);
	assert_int_equal(generation_publish(d), 0);
	generation_turn(d);
	assert_false(d->is_settling);
	assert_int_equal(counts_renew(&d->counts, live_slots(d->live)), 0);
	drained(w, UINT64_MAX);
}

static void world_new(void)
{
	struct world *w = world = calloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/generation.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	assert_int_equal(mkdir(at("sti"), 0755), 0);
	assert_int_equal(mkdir(at("trunks.d"), 0755), 0);
	w->view = mmap(NULL, sizeof(*w->view), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	assert_true(w->view != MAP_FAILED);
	w->published.generation = 6; /* a former daemon's */
}

static int world_done(void **state)
{
	struct world *w = world;
	struct sipseald *d = &w->d;

	(void)state;
	signer_proc_stop(&d->signer);
	counts_done(&d->counts);
	image_free(d->image);
	policy_shm_done(&d->policy);
	matchset_free(d->match);
	live_free(d->live);
	origids_close(d->origids);
	config_close(d->config);
	munmap(w->view, sizeof(*w->view));
	nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

/* What anybody can see of the daemon, as text: it must be the same after a change that was refused.
 */
static inline char *snapshot(struct world *w)
{
	const struct policy_copy *copy =
		policy_copy_get(w->d.policy.region, (uint16_t)w->d.generation);
	const struct live_credential *c;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fprintf(f, "generation %u, image %llu, xdp %u, keys %u\n", w->d.generation,
		(unsigned long long)image_generation(w->d.image), w->published.generation,
		keys_cnt(w));
	for (const struct live_trunk *t = live_first(w->d.live); t; t = live_next(t)) {
		const struct policy_trunk *p = policy_trunk_get(copy, t->slot);

		fprintf(f, "%s slot %u at %p, credential %p, line %u, policy %.*s, change %u\n",
			t->name, t->slot, (void *)t->trunk, (void *)t->credential,
			p ? p->credential : 0, p ? (int)p->name.len : 0,
			p ? policy_text(copy, p->name).p : "", t->change_seq);
	}
	for (c = live_credential_first(w->d.live); c; c = live_credential_next(c))
		fprintf(f, "%s line %u key %u users %u serial %s x5u %s\n", c->id, c->index, c->key,
			c->users, c->now.info->serial, c->now.x5u);
	for (unsigned i = 1; i < 40; i++) {
		const uint8_t peer[16] = { [10] = 0xff, 0xff, 203, 0, 113, (uint8_t)i },
			      core[16] = { [15] = 1 };

		fprintf(f, "%lld ", (long long)matchset_lookup(w->d.match, peer, 5060, core));
	}
	fclose(f);
	return text;
}

#endif

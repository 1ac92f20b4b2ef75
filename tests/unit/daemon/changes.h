/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * changes - a daemon without kernel and signer for changes of its trunks: files, configuration and
 * the table of live trunks are the real ones; generation_change() is the one below, which records
 * what it is asked for, persists, and applies it to the table.
 */
#ifndef SIPSEAL_TEST_CHANGES_H
#define SIPSEAL_TEST_CHANGES_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/store.h"
#include "daemon/daemon.h"
#include "daemon/live_internal.h"
#include "daemon/trunks.h"

#define ACME_PEER "203.0.113.10:5060"
#define MAIN                                                                                       \
	"gateway: { interfaces: [{ name: eth0, side: core }, { name: eth1, side: carrier }] }\n"   \
	"control: { metrics: 'off' }\n"                                                            \
	"certificates: { root: sti, cert_path: c.pem, key_path: k.pem, x5u: "                      \
	"'https://cert.example/c.pem' }\n"                                                         \
	"trunks_dir: trunks.d\n"

struct world {
	struct sipseald d;
	char dir[64], main[96];
	/* what generation_change() was asked for last, and how often */
	unsigned changes;
	size_t put_cnt, drop_cnt;
	bool has_config, want_certificates, has_persist;
	int regulatory;
	/* what it shall do */
	const char *refuse;	 /* code: before anything is persisted */
	const char *refuse_late; /* ... after that */
	void (*before_persist)(void), (*after_persist)(void);
	/* callevents_file() */
	unsigned sinks;
	char sink[96];
	int sink_result;
};

static struct world *world; /* of the test that runs */

int callevents_file(struct callevents *e, const char *path)
{
	(void)e;
	world->sinks++;
	snprintf(world->sink, sizeof(world->sink), "%s", path ? path : "(none)");
	return world->sink_result;
}

static void apply(struct sipseald *d, const struct generation_change *c)
{
	for (size_t i = 0; i < c->drop_cnt; i++) {
		struct live_trunk *t = live_trunk_find(d->live, c->drop[i]);

		assert_non_null(t);
		live_trunk_drop(d->live, t, 0, d->generation);
	}
	for (size_t i = 0; i < c->put_cnt; i++) {
		struct live_trunk *t = live_trunk_find(d->live, c->put[i]->name);

		if (t)
			trunk_free(t->trunk);
		else
			assert_int_equal(
				live_trunk_new(d->live, c->put[i]->name, 0, d->generation, &t), 0);
		t->trunk = c->put[i];
		/* as the real one does: a UUID that is kept */
		if (t->trunk->origid_mode == ORIGID_TRUNK && !t->trunk->origid)
			t->trunk->origid = strdup("4b1c0f0e-6f0a-4c5e-9d63-2f8d3b1b7a11");
	}
	if (c->config) {
		config_close(d->config);
		d->config = c->config;
		d->gateway = config_gateway(c->config);
	}
}

int generation_change(struct sipseald *d, const struct generation_change *c, struct fault *f,
		      uint32_t *ret_generation)
{
	world->changes++;
	world->put_cnt = c->put_cnt;
	world->drop_cnt = c->drop_cnt;
	world->has_config = c->config;
	world->want_certificates = c->want_certificates;
	world->has_persist = c->persist;
	world->regulatory = c->regulatory;
	if (world->refuse && c->put_cnt) /* as it says where two trunks overlap */
		config_report_add(&f->report, true, &c->put[0]->pos, "carrier.peers", "refused");
	if (world->refuse)
		return fault_set(f, world->refuse, "refused");
	if (world->before_persist)
		world->before_persist();
	if (c->persist && c->persist(c->ctx, f) < 0)
		return fault_set(f, "storage", "not persisted");
	if (world->after_persist)
		world->after_persist();
	if (world->refuse_late)
		return fault_set(f, world->refuse_late, "refused late");
	apply(d, c);
	d->generation++;
	if (ret_generation)
		*ret_generation = d->generation;
	return 0;
}

/* ---- files ---- */

/* Path below the directory of the test; the last 16 stay. */
static const char *at(const char *name)
{
	static char buf[16][160];
	static unsigned i;
	char *p = buf[i++ % 16];

	snprintf(p, sizeof(buf[0]), "%s/%s", world->dir, name);
	return p;
}

static void put_file(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

/* Contents, malloc'd; NULL: not there. */
static inline char *get_file(const char *name)
{
	FILE *f = fopen(at(name), "r");
	char *text = NULL;
	size_t cap = 0;

	if (!f)
		return NULL;
	if (getdelim(&text, &cap, 0, f) < 0) { /* empty */
		free(text);
		text = strdup("");
	}
	fclose(f);
	return text;
}

static inline bool is_there(const char *name)
{
	struct stat st;

	return lstat(at(name), &st) == 0;
}

static int unlink_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* ---- the daemon ---- */

static void print_report(const char *what, const struct fault *f)
{
	print_error("%s: %s: %s\n", what, f->code ? f->code : "no code", f->text);
	for (size_t i = 0; i < f->report.cnt; i++) {
		char *line = config_message_format(&f->report.m[i]);

		print_error("  %s\n", line);
		free(line);
	}
}

/* All that is on disk becomes live, as at a start. */
static void load_world(void)
{
	struct sipseald *d = &world->d;
	struct fault f = { 0 };
	struct generation_change c = { .regulatory = -1 };

	if (config_open(world->main, &d->config, &f.report) < 0) {
		print_report("load", &f);
		fail();
	}
	d->gateway = config_gateway(d->config);
	c.put = config_trunks_take(d->config, &c.put_cnt);
	apply(d, &c);
	free(c.put);
	fault_done(&f);
}

static int world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	world = w;
	*state = w;
	strcpy(w->dir, "/tmp/sipseal-changes-XXXXXX");
	if (!mkdtemp(w->dir))
		return -1;
	snprintf(w->main, sizeof(w->main), "%s/sipseal.yaml", w->dir);
	w->d.opt.config = w->main;
	w->d.regulatory = -1;
	w->d.generation = 7;
	mkdir(at("trunks.d"), 0755);
	mkdir(at("sti"), 0755);
	put_file("sipseal.yaml", MAIN);
	return live_new(&w->d.live);
}

static int world_teardown(void **state)
{
	struct world *w = *state;

	live_free(w->d.live);
	if (w->d.config)
		config_close(w->d.config);
	nftw(w->dir, unlink_one, 8, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

/* The daemon dies and starts again: what is on disk. */
static inline void restart(void)
{
	live_free(world->d.live);
	config_close(world->d.config);
	world->d.live = NULL;
	world->d.config = NULL;
	assert_int_equal(live_new(&world->d.live), 0);
	load_world();
}

static inline const struct trunk *trunk_of(const char *name)
{
	const struct live_trunk *t = live_find(world->d.live, name);

	return t ? t->trunk : NULL;
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/load.h"
#include "daemon/reload_diff.h"
#include "daemon/trunkfile.h"
#include "daemon/trunks.h"

/* A reload on its way. */
struct reload {
	struct config *config; /* ours until it is live */
	struct reload_diff diff;
	bool has_regulatory; /* regulatory.enabled of the file is another one */
	bool has_events_file;
};

static void reload_done(struct reload *r)
{
	reload_diff_done(&r->diff);
	config_close(r->config);
}

static int no_memory(struct fault *f)
{
	return fault_set(f, "internal", "out of memory");
}

/* ---- read ---- */

static int read_again(struct sipseald *d, struct reload *r, struct fault *f)
{
	struct trunk **trunks;
	size_t cnt = 0;
	int e = load_config(&d->opt, &r->config, &f->report);

	if (e == -ENOMEM)
		return no_memory(f);
	if (e < 0)
		return fault_set(f, "invalid", "the configuration is refused: %zu error%s",
				 f->report.error_cnt, f->report.error_cnt == 1 ? "" : "s");
	trunks = config_trunks_take(r->config, &cnt);
	if (reload_diff_trunks(d->live, trunks, cnt, &r->diff) < 0 ||
	    reload_diff_gateway(d->config, r->config, &r->diff) < 0)
		return no_memory(f);
	return 0;
}

/* ---- check ---- */

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* All keys that only a restart can change, each with a message of its own, and together in the
 * text. */
static int check_restart(const struct reload *r, struct fault *f)
{
	char keys[256] = "";
	size_t i, len = 0;
	json_t *change;

	json_array_foreach (r->diff.gateway, i, change) {
		const char *key = json_string_value(json_object_get(change, "key"));

		if (!reload_needs_restart(key))
			continue;
		config_report_add(&f->report, true, NULL, key,
				  "has changed, which needs a restart of sipseald");
		if (len < sizeof(keys))
			len += (size_t)snprintf(keys + len, sizeof(keys) - len, "%s%s",
						len ? ", " : "", key);
	}
	return len ? fault_set(f, "restart_required",
			       "only a restart can change %s; nothing was applied", keys)
		   : 0;
}

/* The sink is opened when all else is done: what can be known before is asked before. */
static int check_events_file(const struct reload *r, struct fault *f)
{
	const char *path = config_gateway(r->config)->events_file;
	CLEANUP(freep) char *copy = NULL;
	CLEANUP(closep) int fd = -1;
	int e;

	if (!r->has_events_file || !path)
		return 0;
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	e = fd < 0 ? errno : 0;
	if (e == ENOENT) {
		copy = strdup(path);
		e = !copy ? ENOMEM : access(dirname(copy), W_OK) < 0 ? errno : 0;
	}
	if (!e)
		return 0;
	config_report_add(&f->report, true, NULL, "control.events_file", "%s: %s", path,
			  strerror(e));
	return fault_set(f, "invalid", "control.events_file: %s: %s", path, strerror(e));
}

static int check(struct sipseald *d, struct reload *r, struct fault *f)
{
	const struct gateway *from = config_gateway(d->config), *to = config_gateway(r->config);
	int e, e2;

	r->has_regulatory = from->regulatory_enabled != to->regulatory_enabled;
	r->has_events_file = !is_same(from->events_file, to->events_file);
	e = check_restart(r, f);
	e2 = check_events_file(r, f); /* both, so that all is told that is wrong */
	return e < 0 || e2 < 0 ? -EINVAL : 0;
}

/* PATCH /v1/regulatory holds until somebody changes the file: a reload for another reason must not
 * switch signing on or off behind the operator's back. */
static void tell_regulatory(const struct sipseald *d, const struct reload *r, struct fault *f)
{
	bool is_on = config_gateway(r->config)->regulatory_enabled;

	if (d->regulatory < 0)
		return;
	if (r->has_regulatory)
		config_report_add(&f->report, false, NULL, "regulatory.enabled",
				  "the file has changed to %s: what "
				  "`sipseal regulatory %s` set ends with this reload",
				  is_on ? "true" : "false", d->regulatory ? "on" : "off");
	else if (!!d->regulatory != is_on)
		config_report_add(&f->report, false, NULL, "regulatory.enabled",
				  "stays %s, as `sipseal regulatory "
				  "%s` set it: the file says %s, as before",
				  d->regulatory ? "true" : "false", d->regulatory ? "on" : "off",
				  is_on ? "true" : "false");
}

/* ---- apply ---- */

/* A dry run is the real one, stopped where it would become visible: so the signer has judged the
 * keys, too. */
static int stop_here(void *ctx, struct fault *f)
{
	*(bool *)ctx = true;
	return fault_set(f, "internal", "a dry run");
}

static int change(struct sipseald *d, struct reload *r, bool want_dry, uint32_t *ret_generation,
		  struct fault *f)
{
	bool is_good = false;
	const struct generation_change c = {
		.put = r->diff.put,
		.put_cnt = r->diff.put_cnt,
		.drop = r->diff.drop,
		.drop_cnt = r->diff.drop_cnt,
		.config = r->config,
		.want_certificates = true,
		.regulatory =
			r->has_regulatory ? config_gateway(r->config)->regulatory_enabled : -1,
		.persist = want_dry ? stop_here : NULL,
		.ctx = &is_good,
	};
	int e = generation_change(d, &c, f, ret_generation);

	if (want_dry && is_good) {
		f->code = NULL;
		f->text[0] = '\0';
		*ret_generation = d->generation;
		return 0;
	}
	if (e < 0)
		return fault_set(f, "internal",
				 "the change was given up"); /* the first one stands */
	r->diff.put_cnt = 0; /* the daemon's now, as is the configuration */
	r->config = NULL;
	return 0;
}

/* Their files, as those of certificates; the keys that name them have not changed. */
static void after_anchors(struct sipseald *d, struct fault *f)
{
	char err[FETCHING_ERR_LEN] = "";

	if (fetching_reload(d, err) == 0)
		return;
	log_err("event=anchors reason=\"%s\"", err);
	config_report_add(&f->report, false, NULL, "certificates.trust_anchors", "%s", err);
}

static void after(struct sipseald *d, const struct reload *r, struct fault *f)
{
	const char *path = config_gateway(d->config)->events_file;
	int e;

	after_anchors(d, f);
	if (r->has_regulatory)
		d->regulatory = -1; /* the file's again */
	if (!r->has_events_file || (e = callevents_file(d->events, path)) == 0)
		return;
	log_err("event=events_file path=\"%s\" reason=\"%s\"", path ? path : "", strerror(-e));
	config_report_add(&f->report, false, NULL, "control.events_file",
			  "%s: %s; no event is written to it", path ? path : "", strerror(-e));
}

int reload(struct sipseald *d, bool want_dry, json_t **ret, struct fault *f)
{
	CLEANUP(reload_done) struct reload r = { 0 };
	CLEANUP(json_freep) json_t *answer = NULL;
	uint32_t generation = 0;

	if (read_again(d, &r, f) < 0 || check(d, &r, f) < 0)
		return -EINVAL;
	tell_regulatory(d, &r, f);
	answer = json_pack("{s:i,s:b,s:O,s:O,s:O,s:O,s:[]}", "generation", 0, "applied", !want_dry,
			   "added", r.diff.added, "removed", r.diff.removed, "changed",
			   r.diff.changed, "gateway", r.diff.gateway, "warnings");
	if (!answer)
		return no_memory(f);
	if (change(d, &r, want_dry, &generation, f) < 0)
		return -EINVAL;
	if (!want_dry)
		after(d, &r, f);
	/* it is live: an answer that lacks the warnings is better than an error */
	json_integer_set(json_object_get(answer, "generation"), generation);
	json_object_set_new(answer, "warnings", fault_warnings(f));
	*ret = TAKE(answer);
	return 0;
}

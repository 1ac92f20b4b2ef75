/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/load.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/fastpath.h"
#include "daemon/oddities.h"

#define TRUNKS_DIR "/etc/sipseal/trunks.d"

void load_report(const struct config_report *r)
{
	for (size_t i = 0; i < r->cnt; i++) {
		CLEANUP(freep) char *line = config_message_format(&r->m[i]);

		if (line)
			fprintf(stderr, "%s\n", line);
	}
}

char *load_attach_text(const struct options *opt, const char *trunks_dir)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fputs("gateway:\n", f);
	if (opt->bpffs)
		fprintf(f, "  bpffs: '%s'\n", opt->bpffs);
	fputs("  interfaces:\n", f);
	for (unsigned i = 0; i < opt->attach_cnt; i++) {
		const char *side, *error;
		char name[16];

		if (attach_split(opt->attach[i], name, &side, &error) == 0)
			fprintf(f, "    - { name: '%s', side: %s }\n", name, side);
	}
	if (trunks_dir)
		fprintf(f, "trunks_dir: '%s'\n", trunks_dir);
	if (fclose(f)) { /* which gives *text its last place */
		free(text);
		return NULL;
	}
	return text;
}

static int load_attach(const struct options *opt, struct config **ret, struct config_report *report)
{
	bool has_dir = access(TRUNKS_DIR, F_OK) == 0;
	CLEANUP(freep) char *text = NULL;

	if (opt->bpffs && strchr(opt->bpffs, '\'')) {
		config_report_add(report, true, NULL, "--bpffs", "a path without ' please");
		return -EINVAL;
	}
	text = load_attach_text(opt, has_dir ? TRUNKS_DIR : NULL);
	if (!text)
		return -ENOMEM;
	return config_open_buffer("(command line)", text, strlen(text), ret, report);
}

int load_config(const struct options *opt, struct config **ret, struct config_report *report)
{
	return opt->config ? config_open(opt->config, ret, report) : load_attach(opt, ret, report);
}

int load_start(const struct options *opt, struct config **ret)
{
	CLEANUP(config_report_done) struct config_report report = { 0 };
	int r = load_config(opt, ret, &report);

	load_report(&report);
	if (r == 0)
		return EXIT_DONE;
	if (!report.error_cnt)
		log_err("event=config file=%s reason=\"%s\"",
			opt->config ? opt->config : "(command line)", strerror(-r));
	else
		log_err("event=config reason=\"configuration refused: %zu error%s\"",
			report.error_cnt, report.error_cnt == 1 ? "" : "s");
	return r == -ENOMEM ? EXIT_ERROR : EXIT_REFUSED;
}

int load_assembled(const struct gateway *g, struct assembled **ret)
{
	CLEANUP(config_report_done) struct config_report report = { 0 };
	const struct assemble_opts opts = { .at = (int64_t)(clock_real_ms() / 1000),
					    .want_keys = true };
	int r = assemble(g, &opts, ret, &report);

	load_report(&report);
	if (r == 0)
		return EXIT_DONE;
	log_err("event=config reason=\"configuration refused: %s\"",
		report.error_cnt ? "certificates, keys or peers (above)" : strerror(-r));
	return r == -EINVAL ? EXIT_REFUSED : EXIT_ERROR;
}

int daemon_check(const struct options *opt)
{
	CLEANUP(config_closep) struct config *c = NULL;
	CLEANUP(assembled_freep) struct assembled *a = NULL;
	const struct gateway *g;
	bool is_forwarding;
	char why[160];
	int r;

	if ((r = load_start(opt, &c)))
		return r;
	g = config_gateway(c);
	if ((r = load_assembled(g, &a)))
		return r;
	printf("configuration ok: %u interfaces, %zu trunks, %zu credentials\n", g->interface_cnt,
	       g->trunk_cnt, a->credential_cnt);
	is_forwarding = fastpath_decide(g, why);
	printf("fast path: %s (%s)\n", is_forwarding ? "forward" : "kernel", why);
	oddities_print(g, is_forwarding, stdout);
	return EXIT_DONE;
}

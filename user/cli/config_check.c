/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal config check FILE: everything that sipseald would refuse, without root and without a NIC. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/out.h"
#include "config/assemble.h"
#include "config/credentials.h"
#include "config/input.h"
#include "stir/credential.h"

#define KEY_FILE_MAX 65536

struct check {
	struct gateway *g;
	struct assembled *a;
	struct config_report report;
};

static void check_done(struct check *c)
{
	assembled_free(c->a);
	gateway_free(c->g);
	config_report_done(&c->report);
}

/* Where the credential is configured. */
static const struct model_pos *credential_pos(const struct check *c, size_t id)
{
	for (size_t i = 0; i < c->a->trunk_cnt; i++) {
		const struct trunk *t = c->a->trunks[i].trunk;

		if (c->a->trunks[i].credential == id && t->cert.cert_path)
			return &t->cert.pos;
	}
	return &c->g->cert.pos;
}

/* The private key of one credential against its certificate, in a set that is thrown away. */
static int try_key(const struct check *c, struct credential_set *set, size_t id)
{
	const struct assembled_credential *cr = &c->a->credentials[id];
	CLEANUP(closep) int fd = confined_open(c->g->cert_root, cr->key_path, true);
	CLEANUP(freep) char *pem = NULL;
	size_t len = 0;
	int r = fd < 0 ? fd : input_read_fd(fd, KEY_FILE_MAX, &pem, &len);

	if (r < 0)
		return r;
	r = credential_add(set, (uint32_t)id, pem, len, cr->info ? cr->info->point : NULL);
	explicit_bzero(pem, len);
	credential_drop(set, (uint32_t)id);
	return r;
}

static int check_keys(struct check *c)
{
	CLEANUP(credential_set_freep) struct credential_set *set = NULL;
	int r = credential_set_new(&set);

	for (size_t i = 0; r == 0 && i < c->a->credential_cnt; i++) {
		const char *path = c->a->credentials[i].key_path;
		int e = try_key(c, set, i);

		if (e == -EACCES)
			config_report_add(&c->report, false, credential_pos(c, i), "certificates.key_path",
					  "%s: cannot be read by this user, not compared with the certificate",
					  path);
		else if (e < 0)
			config_report_add(&c->report, true, credential_pos(c, i), "certificates.key_path",
					  "%s (in %s): %s", path, c->g->cert_root, credentials_key_error(e));
	}
	return r;
}

/* Certificates that only root may see are no fault of the configuration. */
static bool is_root_closed(struct check *c)
{
	if (faccessat(AT_FDCWD, c->g->cert_root, R_OK | X_OK, AT_EACCESS) == 0 || errno != EACCES)
		return false;
	config_report_add(&c->report, false, &c->g->cert.pos, "certificates.root",
			  "%s: cannot be read by this user, certificates are not checked", c->g->cert_root);
	return true;
}

/* A certificate that is not there shall not hide what is wrong with a key. */
static int check_keys_alone(struct check *c, struct assemble_opts *opts)
{
	struct config_report again = { 0 }; /* what is known already */
	int r;

	opts->may_miss_certs = true;
	r = assemble(c->g, opts, &c->a, &again);
	config_report_done(&again);
	if (r == 0)
		r = check_keys(c);
	return r < 0 ? r : -EINVAL;
}

static int check_file(struct check *c, const char *path)
{
	struct assemble_opts opts = { .at = time(NULL) };
	int r = config_load(path, &c->g, &c->report);

	if (r < 0)
		return r;
	opts.may_miss_certs = is_root_closed(c);
	r = assemble(c->g, &opts, &c->a, &c->report);
	if (r == -EINVAL && !opts.may_miss_certs)
		return check_keys_alone(c, &opts);
	return r < 0 ? r : opts.may_miss_certs ? 0 : check_keys(c);
}

static json_t *message_json(const struct config_message *m)
{
	CLEANUP(freep) char *file = m->file ? out_escape(m->file) : NULL;
	CLEANUP(freep) char *key = m->key ? out_escape(m->key) : NULL;
	CLEANUP(freep) char *text = m->text ? out_escape(m->text) : NULL;

	return json_pack("{s:s, s:s*, s:i, s:i, s:s*, s:s*}", "severity", m->is_error ? "error" : "warning",
			 "file", file, "line", (int)m->line, "column", (int)m->col, "key", key, "text", text);
}

static void print_json(const struct check *c, const char *path, size_t warnings)
{
	CLEANUP(freep) char *file = out_escape(path);
	json_t *list = json_array(), *o;

	for (size_t i = 0; i < c->report.cnt; i++)
		json_array_append_new(list, message_json(&c->report.m[i]));
	o = json_pack("{s:s*, s:b, s:I, s:I, s:o}", "file", file, "ok", c->report.error_cnt == 0, "errors",
		      (json_int_t)c->report.error_cnt, "warnings", (json_int_t)warnings, "messages", list);
	if (o && c->g)
		json_object_set_new(o, "trunks", json_integer((json_int_t)c->g->trunk_cnt));
	out_json(stdout, o);
	json_decref(o);
}

static void print_text(const struct check *c, const char *path, size_t warnings)
{
	for (size_t i = 0; i < c->report.cnt; i++) {
		CLEANUP(freep) char *line = config_message_format(&c->report.m[i]);

		puts(line ? line : "out of memory");
	}
	if (c->report.error_cnt)
		printf("%s: refused: %zu error%s, %zu warning%s\n", path, c->report.error_cnt,
		       c->report.error_cnt == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
	else
		printf("%s: ok: %zu trunk%s, %zu warning%s\n", path, c->g->trunk_cnt,
		       c->g->trunk_cnt == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
}

int cmd_config_check(struct cli *cli, int argc, char **argv)
{
	CLEANUP(check_done) struct check c = { 0 };
	size_t warnings = 0;
	int r;

	if (argc != 2 || (argv[1][0] == '-' && argv[1][1]))
		return cli_usage_error(cli, argc < 2 ? "needs a FILE" : argc > 2 ? "takes one FILE" :
				       "has no option %s", argv[1]);
	r = check_file(&c, argv[1]);
	if (r < 0 && r != -EINVAL) { /* the file cannot be read, or no memory */
		cli_error("%s: %s", argv[1], input_error(r));
		return CLI_FAILED;
	}
	for (size_t i = 0; i < c.report.cnt; i++)
		warnings += !c.report.m[i].is_error;
	if (cli->json)
		print_json(&c, argv[1], warnings);
	else
		print_text(&c, argv[1], warnings);
	return c.report.error_cnt ? CLI_REFUSED : CLI_OK;
}

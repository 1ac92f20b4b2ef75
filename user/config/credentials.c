// SPDX-License-Identifier: BSD-2-Clause
#include "config/credentials.h"

#include <errno.h>
#include <string.h>

#include "config/input.h"
#include "stir/credential.h"

/* Bytes of a chain file; six certificates take some 12 KiB. */
#define CHAIN_FILE_MAX (256 * 1024)
#define SERIAL "{serial}"

/* One configured set of paths, by whom it is used. */
struct use {
	const struct cert_config *c;
	size_t trunk;
};

static int by_value(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	int r = strcmp(x->c->cert_path, y->c->cert_path);

	if (r || (r = strcmp(x->c->key_path, y->c->key_path)) || (r = strcmp(x->c->x5u, y->c->x5u)))
		return r;
	return x->trunk < y->trunk ? -1 : x->trunk > y->trunk;
}

static bool same(const struct use *x, const struct use *y)
{
	return strcmp(x->c->cert_path, y->c->cert_path) == 0 &&
	       strcmp(x->c->key_path, y->c->key_path) == 0 && strcmp(x->c->x5u, y->c->x5u) == 0;
}

bool cert_config_is_complete(const struct cert_config *c)
{
	return c->cert_path && c->key_path && c->x5u;
}

const char *credentials_open_error(int r)
{
	switch (r) {
	case -EXDEV: return "leaves certificates.root";
	case -ELOOP: return "is a link that leads nowhere";
	case -EPERM: return "is readable by others, allowed: owner root and mode 0600 or 0400";
	case -EINVAL: return "is no regular file";
	case -EFBIG: return "is too large for a certificate chain";
	case -EMFILE: return "is one open file too many, raise LimitNOFILE";
	default: return strerror(-r);
	}
}

const char *credentials_key_error(int r)
{
	switch (r) {
	case -EBADMSG: return "holds no private key that can be read (PEM, PKCS#8, not encrypted)";
	case -EOPNOTSUPP: return "is no P-256 key";
	case -EKEYREJECTED: return "does not match the certificate";
	case -EFBIG: return "is too large for a key";
	default: return credentials_open_error(r);
	}
}

/* A template's {serial} by the serial number of the leaf. */
static char *expand_x5u(const char *template, const char *serial)
{
	CLEANUP(freep) char *s = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&s, &len);

	if (!f)
		return NULL;
	while (*template) {
		if (strncmp(template, SERIAL, strlen(SERIAL)) == 0) {
			fputs(serial, f);
			template += strlen(SERIAL);
		} else {
			fputc(*template++, f);
		}
	}
	return fclose(f) ? NULL : TAKE(s);
}

struct judge {
	const struct gateway *g;
	const struct assemble_opts *opts;
	struct config_report *report;
	const struct cert_config *c;
};

static int read_chain(const struct judge *j, char **ret, size_t *ret_len)
{
	CLEANUP(closep) int fd = confined_open(j->g->cert_root, j->c->cert_path, false);

	return fd < 0 ? fd : input_read_fd(fd, CHAIN_FILE_MAX, ret, ret_len);
}

static void report_faults(const struct judge *j, const struct cert_info *info)
{
	for (unsigned i = 0; i < info->fault_cnt && i < CERT_FAULTS_MAX; i++)
		config_report_add(j->report, info->faults[i].is_error && !j->opts->may_miss_certs, &j->c->pos,
				  "certificates.cert_path", "%s: %s [%s]", j->c->cert_path,
				  info->faults[i].text, info->faults[i].code);
}

/* Return: 0 (info set, or the fault reported), -ENOMEM. */
static int judge_chain(const struct judge *j, struct assembled_credential *cr)
{
	struct cert_check_opts opts = { .at = j->opts->at, .want_tnauthlist = j->g->profile == PROFILE_SHAKEN };
	CLEANUP(freep) struct cert_info *info = calloc(1, sizeof(*info));
	CLEANUP(freep) char *pem = NULL;
	char text[160] = "";
	size_t len = 0;
	int r;

	if (!info)
		return -ENOMEM;
	r = read_chain(j, &pem, &len);
	if (r == -ENOMEM)
		return r;
	if (r < 0) {
		config_report_add(j->report, !j->opts->may_miss_certs, &j->c->pos, "certificates.cert_path",
				  "%s (in %s): %s", j->c->cert_path, j->g->cert_root, credentials_open_error(r));
		return 0;
	}
	r = cert_check(pem, len, &opts, info, text);
	if (r < 0) {
		config_report_add(j->report, !j->opts->may_miss_certs, &j->c->pos, "certificates.cert_path",
				  "%s: %s", j->c->cert_path, *text ? text : strerror(-r));
		return r == -ENOMEM ? r : 0;
	}
	report_faults(j, info);
	cr->info = TAKE(info);
	return 0;
}

/* Validity is judged again at each call; every other error makes the certificate useless. */
bool credential_is_usable(const struct cert_info *info)
{
	for (unsigned i = 0; info && i < info->fault_cnt && i < CERT_FAULTS_MAX; i++) {
		const struct cert_fault *f = &info->faults[i];

		if (f->is_error && strcmp(f->code, "expired") && strcmp(f->code, "not_yet_valid"))
			return false;
	}
	return info;
}

static void open_key(const struct judge *j, struct assembled_credential *cr)
{
	cr->key_fd = confined_open(j->g->cert_root, cr->key_path, true);
	if (cr->key_fd < 0)
		config_report_add(j->report, !j->opts->may_miss_certs, &j->c->pos, "certificates.key_path",
				  "%s (in %s): %s", cr->key_path, j->g->cert_root,
				  credentials_open_error(cr->key_fd));
	if (cr->key_fd < 0)
		cr->key_fd = -1;
}

void assembled_credential_done(struct assembled_credential *c)
{
	free(c->cert_path);
	free(c->key_path);
	free(c->x5u);
	free(c->info);
	closep(&c->key_fd);
	*c = (struct assembled_credential){ .key_fd = -1 };
}

static int fill(const struct judge *j, struct assembled_credential *cr)
{
	int r = judge_chain(j, cr);

	if (r < 0)
		return r;
	cr->cert_path = strdup(j->c->cert_path);
	cr->key_path = strdup(j->c->key_path);
	cr->x5u = expand_x5u(j->c->x5u, cr->info ? cr->info->serial : "unknown");
	if (!cr->cert_path || !cr->key_path || !cr->x5u)
		return -ENOMEM;
	if (strlen(cr->x5u) > PASSPORT_X5U_MAX)
		config_report_add(j->report, true, &j->c->pos, "certificates.x5u",
				  "is too long with the serial number in it, allowed: %d bytes", PASSPORT_X5U_MAX);
	if (j->opts->want_keys)
		open_key(j, cr);
	return 0;
}

int credential_assemble(const struct gateway *g, const struct cert_config *cert,
			const struct assemble_opts *opts, struct assembled_credential *ret,
			struct config_report *report)
{
	struct judge j = { .g = g, .opts = opts, .report = report, .c = cert };
	struct assembled_credential cr = { .key_fd = -1 };
	int r = fill(&j, &cr);

	if (r < 0) {
		assembled_credential_done(&cr);
		return r;
	}
	*ret = cr;
	return 0;
}

/* The gateway's own use comes first (credential 0), trunks with certificates of their own behind it. */
static size_t collect(const struct gateway *g, const struct assembled *a, struct use *uses)
{
	size_t n = 0;

	for (size_t i = 0; i < a->trunk_cnt; i++) {
		const struct trunk *t = a->trunks[i].trunk;

		if (t->attestation != ATTEST_NONE && cert_config_is_complete(&t->cert))
			uses[n++] = (struct use){ &t->cert, i };
	}
	if (n)
		qsort(uses, n, sizeof(*uses), by_value);
	for (size_t i = 0; cert_config_is_complete(&g->cert) && i < a->trunk_cnt; i++) {
		const struct trunk *t = a->trunks[i].trunk;

		if (t->attestation != ATTEST_NONE && !cert_config_is_complete(&t->cert))
			a->trunks[i].credential = 0;
	}
	return n;
}

static size_t count_distinct(const struct gateway *g, const struct use *uses, size_t cnt)
{
	size_t n = cert_config_is_complete(&g->cert);

	for (size_t i = 0; i < cnt; i++)
		n += i == 0 || !same(&uses[i - 1], &uses[i]);
	return n;
}

/* What assemble() is about, and where faults go. */
struct gather {
	const struct gateway *g;
	const struct assemble_opts *opts;
	struct assembled *a;
	struct config_report *report;
};

/* Next credential slot for the certificates @c. */
static int add(struct gather *ga, const struct cert_config *c)
{
	size_t i = ga->a->credential_cnt;
	struct assembled_credential *cr = &ga->a->credentials[i];
	int r = credential_assemble(ga->g, c, ga->opts, cr, ga->report);

	if (r < 0)
		return r;
	ga->a->compiled_credentials[i] = (struct compile_credential){
		.x5u = cr->x5u, .key = (uint32_t)i, .is_usable = credential_is_usable(cr->info),
		.not_before = cr->info ? cr->info->not_before : 0,
		.not_after = cr->info ? cr->info->not_after : 0,
	};
	ga->a->credential_cnt++;
	return 0;
}

static int add_all(struct gather *ga, const struct use *uses, size_t cnt)
{
	int r = cert_config_is_complete(&ga->g->cert) ? add(ga, &ga->g->cert) : 0;

	for (size_t i = 0; i < cnt && r == 0; i++) {
		if (i == 0 || !same(&uses[i - 1], &uses[i]))
			r = add(ga, uses[i].c);
		ga->a->trunks[uses[i].trunk].credential = (uint32_t)ga->a->credential_cnt - 1;
	}
	return r;
}

int credentials_assemble(const struct gateway *g, const struct assemble_opts *opts, struct assembled *a,
			 struct config_report *report)
{
	struct gather ga = { g, opts, a, report };
	CLEANUP(freep) struct use *uses = calloc(a->trunk_cnt + 1, sizeof(*uses));
	size_t cnt, distinct;

	if (!uses)
		return -ENOMEM;
	cnt = collect(g, a, uses);
	distinct = count_distinct(g, uses, cnt);
	if (distinct > CREDENTIALS_MAX) {
		config_report_add(report, true, NULL, "certificates",
				  "%zu different ones are configured, allowed: %d", distinct, CREDENTIALS_MAX);
		return 0;
	}
	a->credentials = calloc(distinct + 1, sizeof(*a->credentials));
	a->compiled_credentials = calloc(distinct + 1, sizeof(*a->compiled_credentials));
	if (!a->credentials || !a->compiled_credentials)
		return -ENOMEM;
	return add_all(&ga, uses, cnt);
}

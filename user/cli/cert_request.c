/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal cert request DIR: a key and the request that an STI-CA takes. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/pem.h>

#include "base/slice.h"
#include "cli/cli.h"
#include "cli/files.h"
#include "cli/out.h"
#include "stir/certmake.h"
#include "stir/certreq.h"

#define KEY_FILE     "key.pem"
#define REQUEST_FILE "request.pem"
#define KEY_LEN_MAX  (64 * 1024)

DEFINE_FREEP(BIO *, BIO_free)

struct request_args {
	const char *dir, *key;   /* key: an existing file, or NULL: a new one */
	char cn[80];
	struct certreq req;
	struct tnauthlist list;
};

static int spc_add(struct tnauthlist *l, const char *spc)
{
	char line[160];

	if (certmake_tnauth(spc, line) < 0)
		return -EINVAL;
	if (l->cnt == TNAUTHLIST_MAX)
		return -E2BIG;
	l->e[l->cnt] = (struct tnauth_entry){ .kind = TNAUTH_SPC, .count = 1 };
	strcpy(l->e[l->cnt++].text, spc);
	return 0;
}

static int option_take(const struct cli *cli, int opt, struct request_args *a)
{
	int r;

	switch (opt) {
	case 's':
		if ((r = spc_add(&a->list, optarg)) == 0)
			return 0;
		return cli_usage_error(cli, "--spc %s: %s", optarg,
				       r == -E2BIG ? "too many entries" : "1 to 32 letters and digits wanted");
	case 'n':
		if ((r = certreq_numbers(optarg, &a->list)) == 0)
			return 0;
		return cli_usage_error(cli, "--number %s: %s", optarg,
				       r == -E2BIG ? "too many entries" :
						     "+18005550100 or +18005550100-+18005550199 wanted");
	case 'o':
		a->req.org = optarg;
		return 0;
	case 'c':
		a->req.cn = optarg;
		return 0;
	case 'C':
		a->req.country = optarg;
		return 0;
	case 'k':
		a->key = optarg;
		return 0;
	}
	return cli_usage_error(cli, "unknown option, or one without its value");
}

/* What most STI-CAs want as the subject's name. */
static void default_cn(struct request_args *a)
{
	if (a->req.cn)
		return;
	snprintf(a->cn, sizeof(a->cn), "%s%.40s", a->list.e[0].kind == TNAUTH_SPC ? "SHAKEN " : "+",
		 a->list.e[0].text);
	a->req.cn = a->cn;
}

static int args_parse(const struct cli *cli, int argc, char **argv, struct request_args *a)
{
	static const struct option options[] = {
		{ "spc", required_argument, NULL, 's' },     { "number", required_argument, NULL, 'n' },
		{ "org", required_argument, NULL, 'o' },     { "name", required_argument, NULL, 'c' },
		{ "country", required_argument, NULL, 'C' }, { "key", required_argument, NULL, 'k' },
		{ 0 },
	};
	int opt, r;

	a->req.country = "US";
	a->req.tnauth = &a->list;
	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		if ((r = option_take(cli, opt, a)) != 0)
			return r;
	if (argc - optind != 1)
		return cli_usage_error(cli, "one directory is needed");
	if (!a->req.org || !*a->req.org || strlen(a->req.org) > 64)
		return cli_usage_error(cli, "--org NAME is needed, 1 to 64 characters");
	if (strlen(a->req.country) != 2)
		return cli_usage_error(cli, "--country %s: two letters wanted", a->req.country);
	if (!a->list.cnt)
		return cli_usage_error(cli, "--spc SPC or --number NUMBERS is needed");
	default_cn(a);
	if (!*a->req.cn || strlen(a->req.cn) > 64)
		return cli_usage_error(cli, "--name: 1 to 64 characters wanted");
	a->dir = argv[optind];
	return 0;
}

static int key_load(const char *path, EVP_PKEY **ret)
{
	CLEANUP(freep) char *text = NULL;
	CLEANUP(BIO_freep) BIO *bio = NULL;
	size_t len = 0;
	int r = file_read(path, KEY_LEN_MAX, &text, &len);

	if (r < 0) {
		cli_error("%s: %s", path, strerror(-r));
		return CLI_FAILED;
	}
	bio = BIO_new_mem_buf(text, (int)len);
	*ret = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;
	OPENSSL_cleanse(text, len);
	if (*ret)
		return CLI_OK;
	cli_error("%s: holds no private key that can be read (PEM, not encrypted)", path);
	return CLI_REFUSED;
}

/* O_EXCL: whatever is there, a link included, is never written to. */
static FILE *file_new(int dir, const char *name, mode_t mode)
{
	CLEANUP(closep) int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	FILE *f;

	if (fd < 0 || fchmod(fd, mode) < 0)
		return NULL;
	f = fdopen(fd, "w");
	if (f)
		fd = -1;
	return f;
}

static bool file_finish(FILE *f, bool is_written)
{
	is_written = is_written && fflush(f) == 0 && fsync(fileno(f)) == 0;
	return fclose(f) == 0 && is_written;
}

static int fail_write(const struct request_args *a, const char *name)
{
	bool is_there = errno == EEXIST;

	cli_error("%s/%s: %s", a->dir, name,
		  is_there ? "is there already and is never overwritten: choose another directory" : strerror(errno));
	return is_there ? CLI_REFUSED : CLI_FAILED;
}

static int key_write(const struct request_args *a, int dir, EVP_PKEY *key)
{
	FILE *f = file_new(dir, KEY_FILE, 0600);

	if (!f)
		return fail_write(a, KEY_FILE);
	if (file_finish(f, PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1))
		return CLI_OK;
	unlinkat(dir, KEY_FILE, 0);
	return fail_write(a, KEY_FILE);
}

static int request_write(const struct request_args *a, int dir, X509_REQ *req)
{
	FILE *f = file_new(dir, REQUEST_FILE, 0644);

	if (!f)
		return fail_write(a, REQUEST_FILE);
	if (file_finish(f, PEM_write_X509_REQ(f, req) == 1))
		return CLI_OK;
	unlinkat(dir, REQUEST_FILE, 0);
	return fail_write(a, REQUEST_FILE);
}

/* The request first: a key without a request would stand in the way of the next try. */
static int write_all(const struct request_args *a, EVP_PKEY *key, X509_REQ *req)
{
	CLEANUP(closep) int dir = -1;
	int r;

	if (mkdir(a->dir, 0700) < 0 && errno != EEXIST) {
		cli_error("%s: %s", a->dir, strerror(errno));
		return CLI_FAILED;
	}
	dir = open(a->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		cli_error("%s: %s", a->dir, strerror(errno));
		return CLI_FAILED;
	}
	if (!a->key && faccessat(dir, KEY_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return fail_write(a, KEY_FILE);
	}
	if ((r = request_write(a, dir, req)) != CLI_OK)
		return r;
	if (!a->key && (r = key_write(a, dir, key)) != CLI_OK)
		unlinkat(dir, REQUEST_FILE, 0);
	return r;
}

static void entry_text(const struct tnauth_entry *e, char dst[80])
{
	if (e->kind == TNAUTH_SPC)
		snprintf(dst, 80, "SPC %s", e->text);
	else if (e->kind == TNAUTH_ONE)
		snprintf(dst, 80, "+%s", e->text);
	else
		snprintf(dst, 80, "+%s and the %llu after it", e->text, (unsigned long long)e->count - 1);
}

static int report_json(const struct request_args *a)
{
	json_t *list = json_array(), *o;
	char text[80], key[4200], request[4200];

	for (unsigned i = 0; list && i < a->list.cnt; i++) {
		entry_text(&a->list.e[i], text);
		json_array_append_new(list, json_string(text));
	}
	snprintf(key, sizeof(key), "%s%s" KEY_FILE, a->dir, "/");
	snprintf(request, sizeof(request), "%s%s" REQUEST_FILE, a->dir, "/");
	o = json_pack("{s:s,s:s,s:b,s:s,s:s,s:s,s:o}", "request", request, "key", a->key ? a->key : key,
		      "key_is_new", !a->key, "country", a->req.country, "org", a->req.org, "name", a->req.cn,
		      "tnauthlist", list);
	if (!o) {
		cli_error("out of memory, or a text that is no UTF-8");
		return CLI_FAILED;
	}
	out_json(stdout, o);
	json_decref(o);
	return CLI_OK;
}

static void report_text(const struct request_args *a)
{
	char text[80];

	if (!a->key)
		printf("%s/" KEY_FILE "      new private key, mode 0600: keep it, and give it to nobody\n", a->dir);
	printf("%s/" REQUEST_FILE "  for the STI-CA: C=%s, O=%s, CN=%s\n", a->dir, a->req.country, a->req.org,
	       a->req.cn);
	for (unsigned i = 0; i < a->list.cnt; i++) {
		entry_text(&a->list.e[i], text);
		printf("  asks for %s\n", text);
	}
	printf("The CA answers with a chain: put it and the key below certificates.root, then\n"
	       "`sipseal cert check CHAIN` and `sipseal cert reload`.\n");
}

int cmd_cert_request(struct cli *cli, int argc, char **argv)
{
	struct request_args a = { 0 };
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(X509_REQ_freep) X509_REQ *req = NULL;
	int r = args_parse(cli, argc, argv, &a);

	if (r != 0)
		return r;
	if (a.key)
		r = key_load(a.key, &key);
	else if (!(key = EVP_EC_gen("P-256")))
		r = CLI_FAILED;
	if (r != CLI_OK)
		return r;
	r = certreq_new(&a.req, key, &req);
	if (r < 0) {
		cli_error("cannot make the request: %s",
			  r == -EOPNOTSUPP ? "the key is no P-256 key" :
			  r == -EINVAL	   ? "a name holds what a certificate cannot" : strerror(-r));
		return r == -ENOMEM ? CLI_FAILED : CLI_REFUSED;
	}
	r = write_all(&a, key, req);
	if (r != CLI_OK)
		return r;
	if (cli->json)
		return report_json(&a);
	report_text(&a);
	return CLI_OK;
}

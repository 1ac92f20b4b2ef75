/* SPDX-License-Identifier: BSD-2-Clause */
/* sipseal cert lab DIR: a certificate chain in the full SHAKEN profile, for tests and labs. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/pem.h>

#include "base/clock.h"
#include "cli/cert_print.h"
#include "cli/cli.h"
#include "cli/time_arg.h"
#include "stir/certmake.h"

#define DAY_S	     86400
#define DAYS_DEFAULT 365
#define DAYS_MAX     36500
#define BACKDATE_S   300 /* clocks of a laboratory differ */
#define ORG	     "Sipseal Lab"

/* ATIS-1000080: the policy of version 1.4, and the one indirect CRL of the STI-PA */
#define EXT_COMMON                                                                                 \
	"subjectKeyIdentifier = hash\n"                                                            \
	"authorityKeyIdentifier = keyid\n"                                                         \
	"certificatePolicies = 2.16.840.1.114569.1.1.4\n"                                          \
	"crlDistributionPoints = crl\n"
#define EXT_CRL                                                                                    \
	"[crl]\n"                                                                                  \
	"fullname = URI:https://sti-pa.example/crl\n"                                              \
	"CRLissuer = dirName:sti_pa\n"                                                             \
	"[sti_pa]\n"                                                                               \
	"C = US\n"                                                                                 \
	"O = " ORG "\n"                                                                            \
	"CN = Lab STI-PA CRL\n"
#define EXT_ROOT                                                                                   \
	"[ext]\n"                                                                                  \
	"basicConstraints = critical,CA:TRUE\n"                                                    \
	"keyUsage = critical,keyCertSign,cRLSign\n"                                                \
	"subjectKeyIdentifier = hash\n"
#define EXT_INTERMEDIATE                                                                           \
	"[ext]\n"                                                                                  \
	"basicConstraints = critical,CA:TRUE,pathlen:0\n"                                          \
	"keyUsage = critical,keyCertSign,cRLSign\n" EXT_COMMON EXT_CRL
#define EXT_LEAF                                                                                   \
	"[ext]\n"                                                                                  \
	"basicConstraints = critical,CA:FALSE\n"                                                   \
	"keyUsage = critical,digitalSignature\n" EXT_COMMON

struct args {
	const char *dir, *spc, *cn;
	int64_t days, not_before;
	bool force;
};

struct signer {
	X509 *x;
	EVP_PKEY *key;
};

struct lab {
	struct signer root, intermediate, leaf;
};

static void lab_done(struct lab *lab)
{
	struct signer *all[] = { &lab->root, &lab->intermediate, &lab->leaf };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		X509_free(all[i]->x);
		EVP_PKEY_free(all[i]->key);
	}
}

/* The CAs outlive the leaf: what expires in a lab is what is meant to. */
static int lab_make(const struct args *a, struct lab *lab)
{
	char tnauth[160], leaf_ext[sizeof(EXT_LEAF) + sizeof(tnauth) + sizeof(EXT_CRL)], cn[64];
	int64_t until = a->not_before + a->days * DAY_S;
	struct certmake m = { .org = ORG, .not_before = a->not_before };
	int r = certmake_tnauth(a->spc, tnauth);

	if (r < 0)
		return r;
	m.cn = "Lab STI-CA Root";
	m.not_after = until + 3650 * (int64_t)DAY_S;
	m.ext = EXT_ROOT;
	if ((r = certmake_new(&m, &lab->root.x, &lab->root.key)) < 0)
		return r;
	m.cn = "Lab STI-CA Intermediate";
	m.not_after = until + 365 * (int64_t)DAY_S;
	m.ext = EXT_INTERMEDIATE;
	m.issuer = lab->root.x;
	m.issuer_key = lab->root.key;
	if ((r = certmake_new(&m, &lab->intermediate.x, &lab->intermediate.key)) < 0)
		return r;
	snprintf(cn, sizeof(cn), "SHAKEN %s", a->spc);
	snprintf(leaf_ext, sizeof(leaf_ext), "%s%s%s", EXT_LEAF, tnauth, EXT_CRL);
	m.cn = a->cn ? a->cn : cn;
	m.not_after = until;
	m.ext = leaf_ext;
	m.issuer = lab->intermediate.x;
	m.issuer_key = lab->intermediate.key;
	return certmake_new(&m, &lab->leaf.x, &lab->leaf.key);
}

/* One file of the directory: certificates, or the key where @key is set. */
struct lab_file {
	const char *name;
	mode_t mode;
	X509 *x[2];
	EVP_PKEY *key;
};

static bool file_fill(FILE *f, const struct lab_file *file)
{
	for (size_t i = 0; i < ARRAY_SIZE(file->x) && file->x[i]; i++)
		if (PEM_write_X509(f, file->x[i]) != 1)
			return false;
	if (file->key && PEM_write_PrivateKey(f, file->key, NULL, NULL, 0, NULL, NULL) != 1)
		return false;
	return fflush(f) == 0;
}

/* A new file, never one that is there: O_EXCL follows no link and keeps nobody's rights. */
static int file_write(int dir, const struct lab_file *file)
{
	CLEANUP(closep)
	int fd = openat(dir, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file->mode);
	CLEANUP(fclosep) FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f)
		return -errno;
	fd = -1; /* f owns it */
	if (fchmod(fileno(f), file->mode) < 0)
		return -errno;
	return file_fill(f, file) ? 0 : -EIO;
}

static int lab_write(const struct args *a, int dir, const struct lab_file *files, size_t cnt)
{
	for (size_t i = 0; i < cnt && !a->force; i++) {
		if (faccessat(dir, files[i].name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		cli_error("%s/%s is there already; --force makes a new one", a->dir, files[i].name);
		return CLI_REFUSED;
	}
	for (size_t i = 0; i < cnt; i++) {
		int r = unlinkat(dir, files[i].name, 0) < 0 && errno != ENOENT ? -errno : 0;

		if (r == 0)
			r = file_write(dir, &files[i]);
		if (r == 0)
			continue;
		cli_error("%s/%s: %s", a->dir, files[i].name, strerror(-r));
		for (size_t k = 0; k <= i; k++) /* a half-made chain is none */
			unlinkat(dir, files[k].name, 0);
		return CLI_FAILED;
	}
	return CLI_OK;
}

static int days_parse(const char *s, int64_t *ret)
{
	char *end;
	long days = strtol(s, &end, 10);

	if (!*s || *end || days < 1 || days > DAYS_MAX)
		return -EINVAL;
	*ret = days;
	return 0;
}

static int option_take(const struct cli *cli, int opt, struct args *a)
{
	switch (opt) {
	case 's':
		a->spc = optarg;
		return 0;
	case 'n':
		a->cn = optarg;
		return 0;
	case 'f':
		a->force = true;
		return 0;
	case 'd':
		if (days_parse(optarg, &a->days) == 0)
			return 0;
		return cli_usage_error(cli, "--days %s: 1 to %d wanted", optarg, DAYS_MAX);
	case 'b':
		if (time_arg_parse(optarg, &a->not_before) == 0)
			return 0;
		return cli_usage_error(
			cli, "--not-before %s: RFC 3339 time or seconds since 1970 wanted", optarg);
	}
	return cli_usage_error(cli, "unknown option, or one without its value");
}

static int args_parse(const struct cli *cli, int argc, char **argv, struct args *ret)
{
	static const struct option options[] = {
		{ "spc", required_argument, NULL, 's' },
		{ "days", required_argument, NULL, 'd' },
		{ "not-before", required_argument, NULL, 'b' },
		{ "name", required_argument, NULL, 'n' },
		{ "force", no_argument, NULL, 'f' },
		{ 0 },
	};
	struct args a = { .spc = "1234",
			  .days = DAYS_DEFAULT,
			  .not_before = (int64_t)(clock_real_ms() / 1000) - BACKDATE_S };
	char line[160];
	int opt, r;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		if ((r = option_take(cli, opt, &a)) != 0)
			return r;
	if (certmake_tnauth(a.spc, line) < 0)
		return cli_usage_error(cli, "--spc %s: 1 to 32 letters and digits wanted", a.spc);
	if (a.cn && (!*a.cn || strlen(a.cn) > 64)) /* ub-common-name of RFC 5280 */
		return cli_usage_error(cli, "--name: 1 to 64 characters wanted");
	if (argc - optind != 1)
		return cli_usage_error(cli, "one directory is needed");
	a.dir = argv[optind];
	*ret = a;
	return 0;
}

static void report(const struct args *a, const struct lab_file *files, size_t cnt)
{
	char until[32];

	printf("%s: chain for SPC %s, until %s; for laboratories only\n ", a->dir, a->spc,
	       time_text(a->not_before + a->days * DAY_S, until));
	for (size_t i = 0; i < cnt; i++)
		printf(" %s", files[i].name);
	printf("\n");
}

int cmd_cert_lab(struct cli *cli, int argc, char **argv)
{
	CLEANUP(lab_done) struct lab lab = { 0 };
	CLEANUP(closep) int dir = -1;
	struct args a = { 0 };
	int r = args_parse(cli, argc, argv, &a);

	if (r != 0)
		return r;
	if (mkdir(a.dir, 0755) < 0 && errno != EEXIST) {
		cli_error("%s: %s", a.dir, strerror(errno));
		return CLI_FAILED;
	}
	dir = open(a.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0) {
		cli_error("%s: %s", a.dir, strerror(errno));
		return CLI_FAILED;
	}
	r = lab_make(&a, &lab);
	if (r < 0) {
		cli_error("cannot make the certificates: %s", strerror(-r));
		return CLI_FAILED;
	}
	const struct lab_file files[] = {
		{ "root.pem", 0644, { lab.root.x }, NULL },
		{ "intermediate.pem", 0644, { lab.intermediate.x }, NULL },
		{ "leaf.pem", 0644, { lab.leaf.x }, NULL },
		{ "chain.pem", 0644, { lab.leaf.x, lab.intermediate.x }, NULL },
		{ "anchors.pem", 0644, { lab.root.x }, NULL },
		{ "key.pem", 0600, { NULL }, lab.leaf.key },
	};
	r = lab_write(&a, dir, files, ARRAY_SIZE(files));
	if (r == CLI_OK)
		report(&a, files, ARRAY_SIZE(files));
	return r;
}

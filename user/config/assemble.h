/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * assemble - everything that a generation is made of, from the trunk model: certificates read and
 * judged, PIDF-LO templates rendered, credentials deduplicated, tables compiled.
 *
 * What inbound verification reads (trust anchors, a CRL) is looked at too, so that a fault stops a start, not a call.
 * Used by sipseald (which then fills maps and memfd) and by the CLI (config check, explain).  Private keys
 * are not read here: assemble only opens them and says where they are.
 */
#ifndef SIPSEAL_CONFIG_ASSEMBLE_H
#define SIPSEAL_CONFIG_ASSEMBLE_H

#include "config/config.h"
#include "stir/cert.h"
#include "trunk/compile.h"

struct assembled_credential {
	char *cert_path, *key_path;      /* as configured, inside certificates.root */
	char *x5u;                       /* {serial} replaced */
	struct cert_info *info;          /* NULL where the certificate could not be read */
	int key_fd;                      /* open read-only, or -1 */
};

struct assembled {
	struct assembled_credential *credentials;
	size_t credential_cnt;
	struct compile_trunk *trunks;    /* slot = index */
	struct compile_credential *compiled_credentials;
	size_t trunk_cnt;
	struct pidf_template **locations;
	struct match_tables match;
};

struct assemble_opts {
	int64_t at;                      /* moment for validity checks, seconds */
	bool want_keys;                  /* open key files; false: certificates only */
	bool may_miss_certs;             /* explain without access: a missing certificate is a warning */
};

/** assemble() - Return: 0 (the report may have warnings); -EINVAL: report has errors; -ENOMEM. */
int assemble(const struct gateway *g, const struct assemble_opts *opts, struct assembled **ret,
	     struct config_report *report);
void assembled_free(struct assembled *a);
DEFINE_FREEP(struct assembled *, assembled_free)

/** assemble_location() - the PIDF-LO template of a trunk's default_civic_address; malloc'd.
 * Return: 0 (*ret NULL: none configured, or a fault is in the report); -ENOMEM. */
int assemble_location(const struct trunk *t, struct pidf_template **ret, struct config_report *report);

/** assembled_compile() - policy_compile() of it all. */
ssize_t assembled_compile(const struct gateway *g, const struct assembled *a, uint64_t generation,
			  struct policy_copy *dst, size_t cap);

/**
 * confined_open() - open a file below the directory @root by openat2 (RESOLVE_BENEATH |
 * RESOLVE_NO_MAGICLINKS), regular files only.
 * @is_key: refuse files that are not owned by root (or by the caller) or have group/other bits
 * Return: descriptor, or negative errno (-EPERM: mode or owner of a key, -EXDEV: path leaves root).
 */
int confined_open(const char *root, const char *path, bool is_key);

/** confined_opendir() - the same for a directory. */
int confined_opendir(const char *root, const char *path);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain_cert - the certificates of an inbound call, offline: from --cert, else from the fetcher's cache on disk where
 * it may be read.  Judged as the fetcher judges them, at the moment that --at gives.
 */
#ifndef SIPSEAL_CLI_EXPLAIN_CERT_H
#define SIPSEAL_CLI_EXPLAIN_CERT_H

#include "engine/engine.h"
#include "trunk/model.h"

struct explain_cert_args {
	const char *cert;     /* --cert: for every x5u; NULL: the cache */
	const char *anchors;  /* --anchors: instead of certificates.trust_anchors, or NULL */
	int64_t now_s;
};

/* What became of one x5u. */
struct explain_known {
	char x5u[PASSPORT_X5U_MAX + 1];
	enum verdict_kind kind;
	struct verdict verdict;  /* not of VERDICT_UNKNOWN */
	char text[256];          /* what is wrong with it, or notable; why it is unknown; printable ASCII */
};

struct explain_certs;

/** explain_certs_new() - Return: 0; negative errno: --cert cannot be judged, the error has been printed. */
int explain_certs_new(const struct gateway *g, const struct explain_cert_args *a, struct explain_certs **ret);
void explain_certs_free(struct explain_certs *c);
DEFINE_FREEP(struct explain_certs *, explain_certs_free)

/** explain_certs_env() - the engine asks @c. */
void explain_certs_env(struct explain_certs *c, struct engine_env *env);

/** explain_certs_find() - NULL: nobody has asked for it.  @c may be NULL. */
const struct explain_known *explain_certs_find(const struct explain_certs *c, struct slice x5u);

/** explain_certs_note() - what is not looked at here, in words, or NULL. */
const char *explain_certs_note(const struct explain_certs *c);

#endif

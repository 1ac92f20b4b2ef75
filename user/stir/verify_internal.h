/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify_internal - the steps of verify_call_run(), a file each.  Private to verify*.c.
 *
 *     collect (verify.c) -> cheap checks of each row (verify_row.c) -> which div chains could be (verify_div.c)
 *     -> certificate and signature of each row that is left (verify_proof.c) -> which chains are -> result (verify.c)
 */
#ifndef SIPSEAL_STIR_VERIFY_INTERNAL_H
#define SIPSEAL_STIR_VERIFY_INTERNAL_H

#include "stir/verify.h"

#define VERIFY_URI_MAX 256   /* canonical, with NUL */

/* A row while it is judged: verify_row.reason is SR_NONE as long as nothing is wrong with it. */
struct verify_work_row {
	struct identity id;
	bool is_broken;              /* does not parse */
	bool is_compact;
	bool is_dest_open;           /* dest is not who was called: only a chain of div can explain that */
	struct passport_parsed p;    /* compact: sig alone is set */
};

struct verify_work {
	const struct verify_call *call;
	const struct verify_env *env;
	struct verify_result *r;
	struct verify_work_row rows[VERIFY_ROWS_MAX];
};

/** verify_fail() - row @i is out, for @reason. */
void verify_fail(struct verify_work *w, unsigned i, enum sipseal_reason reason, uint16_t code);

/** verify_row_check() - everything that needs no certificate.  Return: 0, -ENOMEM. */
int verify_row_check(struct verify_work *w, unsigned i);

/** verify_row_prove() - certificate and signature.  Return: 0, -ENOMEM, -EIO. */
int verify_row_prove(struct verify_work *w, unsigned i);

enum verify_chain {
	CHAIN_WHOLE,     /* of rows whose signatures are good: the outermost leads to the Request-URI */
	CHAIN_POSSIBLE,  /* of rows that may turn out bad: any of them may become the outermost */
};

/** verify_chain_find() - which of the rows in the mask @usable are part of a div chain that leads from a row of another
 * type to the Request-URI; of a possible one also the div rows that go on from it.  Return: their mask. */
unsigned verify_chain_find(const struct verify_work *w, unsigned usable, enum verify_chain kind);

/** verify_tn() - the number of a claim as we compare it: without the '+' that some signers leave there. */
struct slice verify_tn(const char *claim);

/** verify_uri_canonical() - RFC 8224 s8.5.  Return: length, -EINVAL: no URI, or too long. */
ssize_t verify_uri_canonical(struct slice uri, char dst[VERIFY_URI_MAX]);

/** verify_uri_eq() - the same URI, in canonical form? */
bool verify_uri_eq(struct slice a, struct slice b);

#endif

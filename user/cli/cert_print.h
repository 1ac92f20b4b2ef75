/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cert_print - a judged certificate chain, for people and as JSON.
 */
#ifndef SIPSEAL_CLI_CERT_PRINT_H
#define SIPSEAL_CLI_CERT_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "stir/cert.h"

struct cert_report {
	const char *file;
	int64_t at;
	bool has_anchors;
	const struct cert_info *info; /* NULL: no certificate in the file, @refusal says why */
	const char *refusal;
};

/** cert_print_text() - on stdout. */
void cert_print_text(const struct cert_report *r);

/** cert_print_json() - on stdout; the keys are stable: file, ok, at, subject, issuer, serial, spc,
 * tnauthlist, not_before, not_after, days_left, chain, anchored (null: not asked for), faults.
 * Return: 0, or -ENOMEM. */
int cert_print_json(const struct cert_report *r);

/** time_text() - RFC 3339 in UTC. */
const char *time_text(int64_t t, char buf[32]);

#endif

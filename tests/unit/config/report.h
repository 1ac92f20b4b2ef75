/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report - the messages of a load as text, and looking for one of them.
 */
#ifndef SIPSEAL_TEST_REPORT_H
#define SIPSEAL_TEST_REPORT_H

#include "guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "config/config.h"

/* One NIC of each side, a certificate, no directory of trunks but an empty one: `/` has no *.yaml. */
#define HEAD_GATEWAY "gateway: { interfaces: [{ name: eth0, side: core }, { name: eth1, side: carrier }] }\n"
#define HEAD_CERT    "certificates: { cert_path: c.pem, key_path: k.pem, x5u: 'https://cert.example/c.pem' }\n"
#define HEAD         HEAD_GATEWAY HEAD_CERT "trunks_dir: /\n" /* three lines */

/* All messages, one per line. */
static inline char *report_text(const struct config_report *r)
{
	char *s = NULL;
	size_t len;
	FILE *f = open_memstream(&s, &len);

	for (size_t i = 0; i < r->cnt; i++) {
		char *line = config_message_format(&r->m[i]);

		fprintf(f, "%s\n", line);
		free(line);
	}
	fclose(f);
	return s;
}

/* Loads a text that is expected to be good but for warnings. */
static inline struct gateway *load_good(const char *name, const char *text)
{
	struct config_report r = { 0 };
	struct gateway *g = NULL;
	struct guard mem = guard_new(text, strlen(text));
	int e = config_load_buffer("t.yaml", mem.p, mem.len, &g, &r);

	if (e != 0)
		fail_msg("%s: refused: %d\n%s", name, e, report_text(&r));
	config_report_done(&r);
	guard_free(&mem);
	return g;
}

#endif

// SPDX-License-Identifier: BSD-2-Clause
/* The part of assemble() that looks at the files of inbound verification: none is kept, for whoever verifies reads
 * them when it starts (config/anchors.h). */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "config/anchors.h"
#include "config/credentials.h"

static int check_anchors(const struct gateway *g, bool is_error, struct config_report *report)
{
	CLEANUP(freep) char *pem = NULL;
	char text[ANCHORS_ERR_LEN];
	unsigned cnt = 0;
	size_t len = 0;
	int r = g->trust_anchors ? anchors_read(g->cert_root, g->trust_anchors, &pem, &len, &cnt, text) : 0;

	if (r < 0 && r != -ENOMEM)
		config_report_add(report, is_error, &g->cert.pos, "certificates.trust_anchors", "%s", text);
	return r == -ENOMEM ? r : 0;
}

static void check_crl(const struct gateway *g, bool is_error, struct config_report *report)
{
	CLEANUP(closep) int fd = g->crl_path ? confined_open(g->cert_root, g->crl_path, false) : -1;

	if (g->crl_path && fd < 0)
		config_report_add(report, is_error, &g->cert.pos, "certificates.crl.path", "%s (in %s): %s",
				  g->crl_path, g->cert_root, credentials_open_error(fd));
}

/* It is opened by a user that is not ours: that it is there is all that can be said. */
static void check_https_ca(const struct gateway *g, bool is_error, struct config_report *report)
{
	const struct model_pos pos = { g->file, 0, 0 };
	struct stat st;

	if (g->https_ca && stat(g->https_ca, &st) < 0)
		config_report_add(report, is_error, &pos, "fetch.https_ca", "%s: %s", g->https_ca, strerror(errno));
}

int inbound_assemble(const struct gateway *g, const struct assemble_opts *opts, struct config_report *report)
{
	bool is_error = !opts->may_miss_certs;

	check_crl(g, is_error, report);
	check_https_ca(g, is_error, report);
	return check_anchors(g, is_error, report);
}

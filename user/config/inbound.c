// SPDX-License-Identifier: BSD-2-Clause
/* The part of assemble() that looks at the files of inbound verification: none is kept, for whoever verifies reads
 * them when it starts (config/anchors.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/anchors.h"
#include "config/credentials.h"
#include "config/input.h"
#include "stir/cert.h"

#define CRL_LEN_MAX (16u << 20)
#define CRL_BEGIN   "-----BEGIN X509 CRL-----"

static int check_anchors(const struct gateway *g, bool is_error, struct config_report *report)
{
	CLEANUP(freep) char *pem = NULL;
	char text[ANCHORS_ERR_LEN];
	unsigned cnt = 0;
	size_t len = 0;
	char why[160];
	int r;

	if (!g->trust_anchors)
		return 0;
	r = anchors_read(g->cert_root, g->trust_anchors, &pem, &len, &cnt, text);
	if (r == 0 && (r = cert_anchors_check(pem, len, why)) == -EINVAL)
		snprintf(text, sizeof(text), "%.60s (in %.60s): %.120s", g->trust_anchors, g->cert_root, why);
	if (r < 0 && r != -ENOMEM)
		config_report_add(report, is_error, &g->anchors_pos, "certificates.trust_anchors", "%s", text);
	return r == -ENOMEM ? r : 0;
}

/* PEM, or what may be DER; whether it is good is known where it is used. */
static bool is_crl(int fd)
{
	CLEANUP(freep) char *text = NULL;
	size_t len = 0;

	if (input_read_fd(fd, CRL_LEN_MAX, &text, &len) < 0)
		return false;
	return (len && text[0] == '\x30') || memmem(text, len, CRL_BEGIN, strlen(CRL_BEGIN));
}

/* One that is damaged stops nobody: it may be mended while we run, and `policy` says what holds until then. */
static void check_crl(const struct gateway *g, bool is_error, struct config_report *report)
{
	CLEANUP(closep) int fd = g->crl_path ? confined_open(g->cert_root, g->crl_path, false) : -1;

	if (g->crl_path && fd < 0)
		config_report_add(report, is_error, &g->crl_pos, "certificates.crl.path", "%s (in %s): %s",
				  g->crl_path, g->cert_root, credentials_open_error(fd));
	else if (g->crl_path && !is_crl(fd))
		config_report_add(report, false, &g->crl_pos, "certificates.crl.path", "%s (in %s): holds no CRL",
				  g->crl_path, g->cert_root);
}

/* It is opened by a user that is not ours: that it is there is all that can be said. */
static void check_https_ca(const struct gateway *g, bool is_error, struct config_report *report)
{
	struct stat st;

	if (g->https_ca && stat(g->https_ca, &st) < 0)
		config_report_add(report, is_error, &g->https_ca_pos, "fetch.https_ca", "%s: %s", g->https_ca, strerror(errno));
}

int inbound_assemble(const struct gateway *g, const struct assemble_opts *opts, struct config_report *report)
{
	bool is_error = !opts->may_miss_certs;

	check_crl(g, is_error, report);
	check_https_ca(g, is_error, report);
	return check_anchors(g, is_error, report);
}

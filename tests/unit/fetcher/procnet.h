/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procnet - what is around sipseal-fetcher in its tests: a server of chains on loopback, directories.
 *
 * Paths of the server: /chain..., a good chain; /other..., one of another root; /crl, the list; everything else as
 * httpsd.h.  What a test that fails leaves behind goes at the end of the program.
 */
#ifndef SIPSEAL_TEST_PROCNET_H
#define SIPSEAL_TEST_PROCNET_H

#include "httpsd.h"
#include "crls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/reason.h"
#include "stir/fetcher_msg.h"

#define NOBODY 65534
#define WEB_CA_EXT                                                                                                     \
	"[ext]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign\nsubjectKeyIdentifier = hash\n"
#define WEB_EXT                                                                                                        \
	"[ext]\nbasicConstraints = critical,CA:FALSE\nauthorityKeyIdentifier = keyid\n"                                \
	"subjectAltName = DNS:a.localhost,DNS:b.localhost,DNS:c.localhost,DNS:one.test,IP:127.0.0.1\n"
#define DEADLINE_NS 10000000000ull

/* What all tests of a program share. */
static struct {
	struct made web_ca, web, web_old, pa;
	struct chain ours, other;
	struct httpsd https, mute, old;
	int64_t now; /* of the start */
	char chain[65536], other_chain[65536], anchors[65536], other_anchors[65536], ca[64], program[512];
	size_t chain_len, other_chain_len, anchors_len, other_anchors_len;
	_Atomic(X509_CRL *) crl; /* what /crl says; NULL: 404 */
	char dirs[32][64];	 /* what a test that fails leaves behind */
	pid_t pids[64];
	unsigned dir_cnt, pid_cnt;
} net;

static inline bool page_body(struct httpsd_conn *c, const char *type, const void *body, size_t len)
{
	char head[200];

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", type, len);
	if (httpsd_say(c, head))
		SSL_write(c->ssl, body, (int)len);
	return true;
}

static inline bool page(struct httpsd_conn *c, const char *path)
{
	unsigned char *der = NULL;
	X509_CRL *crl = net.crl;
	int len;

	if (strncmp(path, "/chain", 6) == 0)
		return page_body(c, "application/pem-certificate-chain", net.chain, net.chain_len);
	if (strncmp(path, "/other", 6) == 0)
		return page_body(c, "application/pem-certificate-chain", net.other_chain, net.other_chain_len);
	if (strcmp(path, "/crl") != 0)
		return false;
	if (!crl)
		return httpsd_say(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	len = i2d_X509_CRL(crl, &der);
	page_body(c, "application/pkix-crl", der, (size_t)len);
	OPENSSL_free(der);
	return true;
}

static inline struct made web_make(const char *cn, const char *ext, const struct made *issuer, int64_t until)
{
	struct certmake d = chain_desc(cn, ext, issuer);

	d.not_before = net.now - 86400;
	d.not_after = net.now + until;
	return chain_make(d);
}

/* Beside the directory of the tests: the one that was built with the same flags. */
static inline void program_find(void)
{
	ssize_t n = readlink("/proc/self/exe", net.program, sizeof(net.program) - 32);

	assert_true(n > 0);
	for (int i = 0; i < 3; i++)
		*strrchr(net.program, '/') = '\0';
	strcat(net.program, "/sipseal-fetcher");
	if (access(net.program, X_OK) < 0)
		fail_msg("no %s", net.program);
}

static inline int net_setup(void **state)
{
	CLEANUP(fclosep) FILE *f = NULL;
	struct certmake d;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	program_find();
	net.now = (int64_t)time(NULL);
	net.web_ca = web_make("Web CA", WEB_CA_EXT, NULL, 86400);
	net.web = web_make("web", WEB_EXT, &net.web_ca, 86400);
	net.web_old = web_make("old", WEB_EXT, &net.web_ca, -60);
	net.ours = chain_new_at(net.now);
	net.other = chain_new_at(net.now);
	d = chain_desc("STI-PA", PA_EXT, NULL);
	d.not_after = net.now + CHAIN_YEAR;
	net.pa = chain_make(d);
	net.chain_len = chain_pem(net.chain, sizeof(net.chain),
				  (X509 *const[]){ net.ours.leaf.x, net.ours.intermediate.x, NULL });
	net.other_chain_len = chain_pem(net.other_chain, sizeof(net.other_chain),
					(X509 *const[]){ net.other.leaf.x, net.other.intermediate.x, NULL });
	net.anchors_len =
		chain_pem(net.anchors, sizeof(net.anchors), (X509 *const[]){ net.ours.root.x, net.pa.x, NULL });
	net.other_anchors_len = chain_pem(net.other_anchors, sizeof(net.other_anchors),
					  (X509 *const[]){ net.other.root.x, net.pa.x, NULL });
	httpsd_start(&net.https, "127.0.0.1", 0, net.web.x, net.web.key);
	net.https.page = page;
	httpsd_start(&net.old, "127.0.0.1", 0, net.web_old.x, net.web_old.key);
	httpsd_start(&net.mute, "127.0.0.1", 0, NULL, NULL);
	snprintf(net.ca, sizeof(net.ca), "/tmp/sipseal-proc-ca-XXXXXX");
	f = fdopen(mkstemp(net.ca), "w");
	return f && fchmod(fileno(f), 0644) == 0 && PEM_write_X509(f, net.web_ca.x) == 1 ? 0 : -1;
}

static inline void leftovers_remove(void);

static inline int net_teardown(void **state)
{
	struct made *all[] = { &net.web_ca, &net.web, &net.web_old, &net.pa };

	(void)state;
	leftovers_remove();
	httpsd_stop(&net.https);
	httpsd_stop(&net.old);
	httpsd_stop(&net.mute);
	chain_free(&net.ours);
	chain_free(&net.other);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		made_free(all[i]);
	X509_CRL_free(net.crl);
	unlink(net.ca);
	return 0;
}

/* The list of the STI-PA, as made so many seconds ago; @revoked: NULL: it is empty. */
static inline X509_CRL *crl_of(const X509 *revoked, int64_t age_s)
{
	struct crl_desc d = { .signer = &net.pa,
			      .ext = INDIRECT,
			      .this_update = (int64_t)time(NULL) - age_s,
			      .next_update = (int64_t)time(NULL) + 86400,
			      .revoked = { revoked },
			      .names_issuer = { true } };

	return crl_make(&d);
}

static inline void crl_serve(X509_CRL *crl)
{
	X509_CRL_free(net.crl);
	net.crl = crl;
}

/* ---- the cache directory ---- */

static inline char *dir_new(void)
{
	char *dir = net.dirs[net.dir_cnt++];

	assert_true(net.dir_cnt <= ARRAY_SIZE(net.dirs));
	snprintf(dir, sizeof(net.dirs[0]), "/tmp/sipseal-proc-XXXXXX");
	assert_non_null(mkdtemp(dir));
	if (geteuid() == 0)
		assert_int_equal(chown(dir, NOBODY, NOBODY), 0);
	return dir;
}

/* Calls @fn with each file; NULL: none.  Return: how many there are. */
static inline unsigned dir_each(const char *dir, void (*fn)(int dir_fd, const char *name))
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned cnt = 0;

	assert_non_null(d);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.' && (!e->d_name[1] || e->d_name[1] == '.'))
			continue;
		cnt++;
		if (fn)
			fn(dirfd(d), e->d_name);
	}
	closedir(d);
	return cnt;
}

static inline void file_unlink(int dir_fd, const char *name) { unlinkat(dir_fd, name, 0); }

static inline void dir_remove(char *dir)
{
	dir_each(dir, file_unlink);
	assert_int_equal(rmdir(dir), 0);
	dir[0] = '\0';
}

static inline void leftovers_remove(void)
{
	for (unsigned i = 0; i < net.pid_cnt; i++)
		if (net.pids[i] && kill(net.pids[i], SIGKILL) == 0)
			waitpid(net.pids[i], NULL, 0);
	for (unsigned i = 0; i < net.dir_cnt; i++)
		if (net.dirs[i][0] && access(net.dirs[i], F_OK) == 0)
			dir_remove(net.dirs[i]);
}

#endif

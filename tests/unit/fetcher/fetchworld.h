/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fetchworld - servers with all kinds of certificates, names for them, and a fetcher with a notebook.
 *
 * Names below .localhost are loopback without a resolver.  Names below .test go to the getaddrinfo() of this
 * file: there is no name server on loopback's port 53, and none of the machine's is asked.
 */
#ifndef SIPSEAL_TEST_FETCHWORLD_H
#define SIPSEAL_TEST_FETCHWORLD_H

#include "httpsd.h"

#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <time.h>

#include <openssl/pem.h>

#include "base/clock.h"
#include "fetcher/fetch.h"
#include "stir/certmake.h"

#define WORLD_CA_EXT "[ext]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign\nsubjectKeyIdentifier = hash\n"
#define WORLD_EXT(names) "[ext]\nbasicConstraints = critical,CA:FALSE\nauthorityKeyIdentifier = keyid\nsubjectAltName = " names "\n"
#define WORLD_NAMES "DNS:a.localhost,DNS:b.localhost,DNS:c.localhost,DNS:d.localhost,DNS:e.localhost,DNS:f.localhost," \
		    "DNS:two.test,DNS:one.test,DNS:street.test,DNS:own.test,DNS:mapped.test,DNS:mixed.test,IP:127.0.0.1"
#define WORLD_MS 600  /* of a fetch */

enum { CA_OURS, CA_OTHER, CERT_GOOD, CERT_NAME, CERT_UNTRUSTED, CERT_SELF, CERT_OLD, CERT_CNT };

struct note {
	char url[256], body[16];
	struct fetch_result r;
};

static struct world {
	X509 *x[CERT_CNT];
	EVP_PKEY *key[CERT_CNT];
	struct httpsd good, name, untrusted, self, old, mute, tls11;
	char ca[64];
	struct fetch *f;
	struct note notes[64];
	unsigned note_cnt;
} world;

/* The resolver. */
static pthread_mutex_t names_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t names_cond = PTHREAD_COND_INITIALIZER;
static bool names_released;
static _Atomic unsigned names_asked, names_hanging;

static int names_real(const char *addr, const char *port, const struct addrinfo *hints, struct addrinfo **ret)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");
	struct addrinfo h = hints ? *hints : (struct addrinfo){ 0 };

	h.ai_flags |= AI_NUMERICHOST;
	h.ai_family = AF_UNSPEC;
	return real(addr, port, &h, ret);
}

static void names_hang(void)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 20;
	names_hanging++;
	pthread_mutex_lock(&names_lock);
	while (!names_released && pthread_cond_timedwait(&names_cond, &names_lock, &end) == 0)
		;
	pthread_mutex_unlock(&names_lock);
	names_hanging--;
}

/* In this order; "hang.test" and all below it never end. */
static const struct { const char *name, *addr[2]; } hosts_file[] = {
	{ "one.test", { "127.0.0.1" } },
	{ "link.test", { "169.254.169.254" } },
	{ "two.test", { "::ffff:10.0.0.1", "127.0.0.1" } },
	{ "street.test", { "11.9.8.2" } },
	{ "own.test", { "11.9.8.1" } },
	{ "mapped.test", { "::ffff:11.9.8.1" } },
	{ "mixed.test", { "10.0.0.1", "11.9.8.2" } },
};

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints, struct addrinfo **ret)
{
	int r;

	if (strstr(name, "hang.test")) {
		names_hang();
		return EAI_NONAME;
	}
	names_asked++;
	for (size_t i = 0; i < ARRAY_SIZE(hosts_file); i++) {
		if (strcmp(name, hosts_file[i].name) != 0)
			continue;
		r = names_real(hosts_file[i].addr[0], port, hints, ret);
		if (r == 0 && hosts_file[i].addr[1]) /* one result each: freed as a list */
			r = names_real(hosts_file[i].addr[1], port, hints, &(*ret)->ai_next);
		return r;
	}
	return EAI_NONAME;
}

/* What OpenSSL would take if it were left to it: so it is our limit that refuses an old TLS. */
static void lax_tls(void)
{
	static const char text[] = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
				   "[c]\nMinProtocol = TLSv1\nCipherString = ALL:@SECLEVEL=0\n";
	char path[] = "/tmp/sipseal-fetch-conf-XXXXXX";
	int fd = mkstemp(path);

	assert_int_equal(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
	close(fd);
	setenv("OPENSSL_CONF", path, 1);
	OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL);
	unlink(path);
}

static void make(unsigned at, const char *cn, const char *ext, int issuer, int64_t until)
{
	int64_t now = (int64_t)time(NULL);
	struct certmake m = { .org = "Lab", .cn = cn, .ext = ext, .not_before = now - 86400, .not_after = now + until };

	if (issuer >= 0) {
		m.issuer = world.x[issuer];
		m.issuer_key = world.key[issuer];
	}
	assert_int_equal(certmake_new(&m, &world.x[at], &world.key[at]), 0);
}

static void start(struct httpsd *s, unsigned cert)
{
	httpsd_start(s, "127.0.0.1", 0, world.x[cert], world.key[cert]);
}

static int world_setup(void **state)
{
	CLEANUP(fclosep) FILE *f = NULL;
	int fd;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	lax_tls();
	make(CA_OURS, "Web CA", WORLD_CA_EXT, -1, 86400);
	make(CA_OTHER, "Other CA", WORLD_CA_EXT, -1, 86400);
	make(CERT_GOOD, "good", WORLD_EXT(WORLD_NAMES), CA_OURS, 86400);
	make(CERT_NAME, "other.localhost", WORLD_EXT("DNS:other.localhost"), CA_OURS, 86400);
	make(CERT_UNTRUSTED, "untrusted", WORLD_EXT(WORLD_NAMES), CA_OTHER, 86400);
	make(CERT_SELF, "self", WORLD_EXT(WORLD_NAMES), -1, 86400);
	make(CERT_OLD, "old", WORLD_EXT(WORLD_NAMES), CA_OURS, -3600);
	start(&world.good, CERT_GOOD);
	start(&world.name, CERT_NAME);
	start(&world.untrusted, CERT_UNTRUSTED);
	start(&world.self, CERT_SELF);
	start(&world.old, CERT_OLD);
	start(&world.tls11, CERT_GOOD);
	SSL_CTX_set_security_level(world.tls11.ctx, 0);
	SSL_CTX_set_max_proto_version(world.tls11.ctx, TLS1_1_VERSION);
	httpsd_start(&world.mute, "127.0.0.1", 0, NULL, NULL);
	snprintf(world.ca, sizeof(world.ca), "/tmp/sipseal-fetch-ca-XXXXXX");
	fd = mkstemp(world.ca);
	f = fdopen(fd, "w");
	return f && PEM_write_X509(f, world.x[CA_OURS]) == 1 ? 0 : -1;
}

static void names_release(void)
{
	pthread_mutex_lock(&names_lock);
	names_released = true;
	pthread_cond_broadcast(&names_cond);
	pthread_mutex_unlock(&names_lock);
	for (unsigned i = 0; i < 500 && names_hanging; i++)
		usleep(10000);
	usleep(50000); /* what is left of these threads is libcurl's clean-up */
}

static int world_teardown(void **state)
{
	struct httpsd *all[] = { &world.good, &world.name, &world.untrusted, &world.self, &world.old, &world.mute, &world.tls11 };

	(void)state;
	names_release();
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		httpsd_stop(all[i]);
	for (unsigned i = 0; i < CERT_CNT; i++) {
		X509_free(world.x[i]);
		EVP_PKEY_free(world.key[i]);
	}
	unlink(world.ca);
	return 0;
}

static void noted(void *ctx, struct slice url, const struct fetch_result *r)
{
	struct note *n = &world.notes[world.note_cnt++];

	assert_ptr_equal(ctx, &world);
	assert_true(world.note_cnt < ARRAY_SIZE(world.notes));
	*n = (struct note){ .r = *r };
	snprintf(n->url, sizeof(n->url), "%.*s", (int)url.len, url.p);
	if (r->error == 0)
		snprintf(n->body, sizeof(n->body), "%.*s", (int)r->len, r->body);
	n->r.body = NULL; /* over with the callback */
	for (const char *c = r->text; *c; c++)
		assert_true(*c >= ' ' && *c <= '~');
}

static struct fetch_config lab(void)
{
	return (struct fetch_config){ .rules.allow_private = true, .timeout_ms = WORLD_MS, .https_ca = world.ca };
}

static void fetcher(struct fetch_config cfg)
{
	world.note_cnt = 0;
	assert_int_equal(fetch_new(&cfg, noted, &world, &world.f), 0);
}

static int fetcher_free(void **state)
{
	(void)state;
	fetch_free(world.f);
	world.f = NULL;
	return 0;
}

/* https://HOST:PORT/PATH of one of the servers */
static inline const char *url_of(const char *host, const struct httpsd *s, const char *path)
{
	static char text[256];

	snprintf(text, sizeof(text), "https://%s:%u%s", host, s->port, path);
	return text;
}

static int ask_of(uint32_t trunk, const char *url, const char **ret_why)
{
	*ret_why = NULL;
	return fetch_start(world.f, slice_str(url), trunk, FETCH_BODY_MAX, ret_why);
}

static void ask(const char *url)
{
	const char *why;
	int r = ask_of(7, url, &why);

	if (r != 0)
		fail_msg("%s: %d (%s)", url, r, why ? why : "");
}

/* Run until there are @cnt notes; fails after eight seconds. */
static void run(unsigned cnt)
{
	uint64_t end = clock_mono_ns() + 8000000000u;

	while (world.note_cnt < cnt && clock_mono_ns() < end)
		fetch_run(world.f, 50, -1);
	if (world.note_cnt < cnt)
		fail_msg("%u of %u answers", world.note_cnt, cnt);
}

static const struct note *one(const char *url)
{
	world.note_cnt = 0;
	ask(url);
	run(1);
	assert_int_equal(world.note_cnt, 1);
	assert_string_equal(world.notes[0].url, url);
	return &world.notes[0];
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "fetcher/fetch_transfer.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CONNECT_MS       1000 /* name, TCP and TLS */
#define LOW_SPEED_BYTES  256  /* per second, on average of 5 s: a certificate of 2 KiB in 8 s */
#define LOW_SPEED_S      3
#define DNS_CACHE_S      30   /* a busy host is not looked up at each fetch */
#define CA_CACHE_S       3600 /* reading the system's CAs takes tens of ms */
#define BODY_FIRST       4096

static int stop(struct transfer *t, int error, const char *why)
{
	if (!t->error) {
		t->error = error;
		t->why = why;
	}
	return 0;
}

/* IPv4 in IPv6, as the kernel would connect to it: the same address in 16 bytes. */
static bool ip_bytes(const struct sockaddr *a, uint8_t ret[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->sa_family == AF_INET6) {
		memcpy(ret, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, 16);
		return true;
	}
	if (a->sa_family != AF_INET)
		return false;
	memcpy(ret, mapped, sizeof(mapped));
	memcpy(ret + sizeof(mapped), &((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
	return true;
}

static bool same_ip(const struct sockaddr *a, const struct sockaddr *b)
{
	uint8_t x[16], y[16];

	return ip_bytes(a, x) && ip_bytes(b, y) && memcmp(x, y, sizeof(x)) == 0;
}

/* An address of this machine that its own tables do not call private is ours all the same. */
static bool is_own(const struct sockaddr *addr)
{
	struct ifaddrs *all = NULL;
	bool found = false;

	if (getifaddrs(&all) < 0)
		return true; /* who cannot know must not connect */
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next)
		found = i->ifa_addr && same_ip(i->ifa_addr, addr);
	freeifaddrs(all);
	return found;
}

/* The one place where a socket comes to be: what is checked here is what curl connects to, without a second
 * look-up. */
static curl_socket_t open_checked(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = ctx;
	const char *why = "not for a connection";
	int fd;

	if (purpose == CURLSOCKTYPE_IPCXN && a->socktype == SOCK_STREAM &&
	    url_address_check(&a->addr, &t->cfg->rules, &why) == 0)
		why = !t->cfg->rules.allow_private && is_own(&a->addr) ? "an address of this machine" : NULL;
	if (why) {
		t->refused = why;
		return CURL_SOCKET_BAD;
	}
	fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	t->is_opened = true;
	return fd;
}

static long status_of(const struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static size_t on_header(char *data, size_t size, size_t cnt, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * cnt;
	long status;

	if (t->is_final) { /* trailers: counted, and no more */
		t->answer.header_bytes += len;
		if (t->answer.header_bytes > HTTP_HEADERS_MAX)
			return (size_t)stop(t, -EFBIG, "headers of more than 16 KiB");
		return len;
	}
	if (http_line(&t->answer, slice_of(data, len)) < 0)
		return (size_t)stop(t, -EFBIG, "headers of more than 16 KiB");
	if (slice_trim(slice_of(data, len)).len)
		return len;
	status = status_of(t);
	if (status >= 100 && status < 200)
		return len; /* an interim answer: another follows */
	t->is_final = true;
	if (status != 200) /* nobody needs its body */
		return (size_t)stop(t, -EPROTO, "HTTP status");
	if (t->answer.is_encoded)
		return (size_t)stop(t, -EPROTO, "a Content-Encoding that was not asked for");
	return len;
}

static size_t on_body(char *data, size_t size, size_t cnt, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * cnt, cap = t->cap ? t->cap : BODY_FIRST;
	char *body;

	if (len > t->max - t->len)
		return (size_t)stop(t, -EFBIG, "a body that is too large");
	while (cap < t->len + len)
		cap *= 2;
	if (cap > t->cap) {
		body = realloc(t->body, cap);
		if (!body)
			return (size_t)stop(t, -ENOMEM, "out of memory");
		t->body = body;
		t->cap = cap;
	}
	memcpy(t->body + t->len, data, len);
	t->len += len;
	return len;
}

/* Nothing of the environment, of another fetch or of the server's wishes. */
static const struct { CURLoption option; long value; } numbers[] = {
	{ CURLOPT_FOLLOWLOCATION, 0 },
	{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 }, /* one GET each: streams would gain nothing */
	{ CURLOPT_HTTPGET, 1 },
	{ CURLOPT_HTTP09_ALLOWED, 0 },
	{ CURLOPT_HTTP_CONTENT_DECODING, 0 },
	{ CURLOPT_PATH_AS_IS, 1 },
	{ CURLOPT_DISALLOW_USERNAME_IN_URL, 1 },
	{ CURLOPT_NETRC, CURL_NETRC_IGNORED },
	{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
	{ CURLOPT_SSL_VERIFYPEER, 1 },
	{ CURLOPT_SSL_VERIFYHOST, 2 },
	{ CURLOPT_SSL_SESSIONID_CACHE, 0 },
	{ CURLOPT_CA_CACHE_TIMEOUT, CA_CACHE_S },
	{ CURLOPT_FRESH_CONNECT, 1 },
	{ CURLOPT_FORBID_REUSE, 1 },
	{ CURLOPT_MAXCONNECTS, 1 },
	{ CURLOPT_DNS_CACHE_TIMEOUT, DNS_CACHE_S },
	{ CURLOPT_QUICK_EXIT, 1 }, /* else the end of a fetch waits for the thread that looks up its name */
	{ CURLOPT_NOSIGNAL, 1 },
	{ CURLOPT_NOPROGRESS, 1 },
	{ CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS },
	{ CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES },
	{ CURLOPT_LOW_SPEED_TIME, LOW_SPEED_S },
	{ CURLOPT_BUFFERSIZE, 16 * 1024 },
};

static bool set_numbers(struct transfer *t)
{
	long ms = (long)t->cfg->timeout_ms * (t->max > FETCH_BODY_MAX ? FETCH_CRL_TIMES : 1);

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (curl_easy_setopt(t->easy, numbers[i].option, numbers[i].value))
			return false;
	return !curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, ms) &&
	       !curl_easy_setopt(t->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->max);
}

/* A file is kept parsed by curl, a directory is not: without https_ca it is the file of the system. */
static bool set_ca(struct transfer *t)
{
	const char *ca = t->cfg->https_ca;
	bool is_dir;
	struct stat st;

	if (!ca)
		return !curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL);
	is_dir = stat(ca, &st) == 0 && S_ISDIR(st.st_mode);
	return !curl_easy_setopt(t->easy, CURLOPT_CAINFO, is_dir ? NULL : ca) &&
	       !curl_easy_setopt(t->easy, CURLOPT_CAPATH, is_dir ? ca : NULL);
}

/* curl reads what our parser made of the text, not the text. */
static bool set_url(struct transfer *t, const struct url *u)
{
	char text[URL_TEXT_MAX + 16];
	bool is_6 = strchr(u->host, ':');

	snprintf(text, sizeof(text), "https://%s%s%s:%u%.*s", is_6 ? "[" : "", u->host, is_6 ? "]" : "", u->port,
		 (int)u->path.len, u->path.p);
	return !curl_easy_setopt(t->easy, CURLOPT_URL, text);
}

static bool set_texts(struct transfer *t)
{
	return !curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "https") &&
	       !curl_easy_setopt(t->easy, CURLOPT_REDIR_PROTOCOLS_STR, "https") &&
	       !curl_easy_setopt(t->easy, CURLOPT_PROXY, "") &&
	       !curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "*") &&
	       !curl_easy_setopt(t->easy, CURLOPT_USERAGENT, "sipseal/" SIPSEAL_VERSION) &&
	       !curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->curl_text);
}

static bool set_callbacks(struct transfer *t)
{
	return !curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, open_checked) &&
	       !curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t) &&
	       !curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header) &&
	       !curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t) &&
	       !curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body) &&
	       !curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t) &&
	       !curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
}

int transfer_new(const struct fetch_config *cfg, struct slice text, const struct url *url, size_t max, struct transfer **ret)
{
	CLEANUP(transfer_freep) struct transfer *t = calloc(1, sizeof(*t));

	if (!t || text.len > URL_TEXT_MAX)
		return -ENOMEM;
	t->cfg = cfg;
	t->max = max;
	memcpy(t->text, text.p, text.len);
	t->easy = curl_easy_init();
	if (!t->easy)
		return -ENOMEM;
	/* one that fails leaves a limit unset: no fetch then */
	if (!set_numbers(t) || !set_ca(t) || !set_url(t, url) || !set_texts(t) || !set_callbacks(t))
		return -EIO;
	*ret = TAKE(t);
	return 0;
}

void transfer_free(struct transfer *t)
{
	if (!t)
		return;
	curl_easy_cleanup(t->easy);
	free(t->body);
	free(t);
}

bool transfer_is_hung(const struct transfer *t, CURLcode code)
{
	curl_off_t name_us = 0;

	curl_easy_getinfo(t->easy, CURLINFO_NAMELOOKUP_TIME_T, &name_us);
	return code == CURLE_OPERATION_TIMEDOUT && name_us == 0 && !t->is_opened && !t->refused;
}

static int error_of(const struct transfer *t, CURLcode code)
{
	if (t->error)
		return t->error;
	if (t->refused && !t->is_opened)
		return -EACCES;
	switch (code) {
	case CURLE_OK:
		return status_of(t) == 200 ? 0 : -EPROTO;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_FILESIZE_EXCEEDED:
		return -EFBIG;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SEND_ERROR: /* cut off: a server that goes down, a network that is lost */
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
		return -EHOSTUNREACH;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	default:
		return -EPROTO;
	}
}

/* Servers write into these texts: names of certificates, header values. */
static void print(char *ret, size_t cap, const char *a, const char *b)
{
	size_t len = (size_t)snprintf(ret, cap, "%s%s", a, b);

	for (size_t i = 0; i < len && i < cap - 1; i++)
		if (ret[i] < ' ' || ret[i] > '~')
			ret[i] = '?';
}

static bool is_expected_type(const char *type)
{
	static const char *const types[] = {
		"application/pem-certificate-chain", "application/x-pem-file", "application/pkix-cert",
		"application/pkix-crl", "application/x-x509-ca-cert", "application/x-x509-user-cert",
		"application/x-pkcs7-crl", "application/octet-stream", "text/plain",
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		size_t len = strlen(types[i]);

		if (strncasecmp(type, types[i], len) == 0 && (!type[len] || strchr("; \t", type[len])))
			return true;
	}
	return false;
}

static void describe(const struct transfer *t, CURLcode code, struct fetch_result *r)
{
	char status[16];

	snprintf(status, sizeof(status), " %ld", r->status);
	if (r->error == 0 && t->answer.is_no_store)
		print(r->text, sizeof(r->text), "the answer says no-store or no-cache", "");
	else if (r->error == 0 && !is_expected_type(r->content_type))
		print(r->text, sizeof(r->text), "content type: ", r->content_type[0] ? r->content_type : "none");
	else if (r->error == 0)
		return;
	else if (t->why)
		print(r->text, sizeof(r->text), t->why, r->status != 200 && t->is_final ? status : "");
	else if (r->error == -EACCES)
		print(r->text, sizeof(r->text), "address refused: ", t->refused);
	else
		print(r->text, sizeof(r->text), t->curl_text[0] ? t->curl_text : curl_easy_strerror(code), "");
}

void transfer_result(struct transfer *t, CURLcode code, int64_t now_s, struct fetch_result *ret)
{
	struct fetch_result r = { .status = status_of(t), .max_age_s = -1 };
	const char *type = NULL;

	r.error = error_of(t, code);
	curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
	print(r.content_type, sizeof(r.content_type), type ? type : "", "");
	if (r.error == 0) {
		r.max_age_s = http_max_age(&t->answer, now_s);
		r.body = t->len ? t->body : "";
		r.len = t->len;
	}
	describe(t, code, &r);
	*ret = r;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/out.h"

/* A status of 100,000 trunks has some 40 MB; what is larger does not come from our daemon. */
#define BODY_MAX (256u << 20)
#define TIMEOUT_S 30L

struct body {
	char *p;
	size_t len;
};

static void body_done(struct body *b)
{
	free(b->p);
}

static void curl_closep(CURL **c)
{
	if (*c)
		curl_easy_cleanup(*c);
}

static size_t on_data(char *data, size_t size, size_t cnt, void *ctx)
{
	struct body *b = ctx;
	size_t n = size * cnt;
	char *p;

	if (n > BODY_MAX - b->len)
		return 0;
	p = realloc(b->p, b->len + n + 1);
	if (!p)
		return 0;
	memcpy(p + b->len, data, n);
	b->p = p;
	b->len += n;
	return n;
}

char *client_path(const char *prefix, const char *name)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	size_t len = strlen(prefix), max = len + 3 * strlen(name) + 1;
	char *path = malloc(max), *p = path;

	if (!path)
		return NULL;
	memcpy(p, prefix, len);
	p += len;
	for (; *name; name++) {
		if (strchr(plain, *name))
			*p++ = *name;
		else
			p += sprintf(p, "%%%02X", (unsigned char)*name);
	}
	*p = '\0';
	return path;
}

static int not_reached(const struct cli *cli, CURL *c, CURLcode code)
{
	long os = 0;

	curl_easy_getinfo(c, CURLINFO_OS_ERRNO, &os);
	if (os == EACCES || os == EPERM)
		cli_error("%s: permission denied: be root or in the group sipseal", cli->socket);
	else
		cli_error("sipseald is not reachable at %s (%s)\n"
			  "  start it:        systemctl start sipseald, or sipseald -c "
			  "/etc/sipseal/sipseal.yaml\n"
			  "  another socket:  -s SOCKET, or SIPSEAL_SOCKET in the environment",
			  cli->socket, os ? strerror((int)os) : curl_easy_strerror(code));
	return CLI_NO_DAEMON;
}

/* Return: exit code of an answer that is no 200; the daemon's own words are printed. */
static int refused(const char *path, long status, json_t *body)
{
	const char *text =
		json_string_value(json_object_get(json_object_get(body, "error"), "message"));
	CLEANUP(freep) char *safe = out_escape(text ? text : "no reason given");

	cli_error("%s: %s (HTTP %ld)", path, safe ? safe : "out of memory", status);
	return status == 404		       ? CLI_NOT_FOUND
	       : status >= 400 && status < 500 ? CLI_REFUSED
					       : CLI_FAILED;
}

static CURLcode perform(const struct cli *cli, CURL *c, const char *path, struct body *body)
{
	CLEANUP(freep) char *url = NULL;

	if (asprintf(&url, "http://localhost%s", path) < 0) {
		url = NULL;
		return CURLE_OUT_OF_MEMORY;
	}
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, cli->socket);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(c, CURLOPT_PROXY, ""); /* whatever http_proxy says */
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, TIMEOUT_S);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
	return curl_easy_perform(c);
}

int client_get(const struct cli *cli, const char *path, json_t **ret)
{
	CLEANUP(curl_closep) CURL *c = curl_easy_init();
	CLEANUP(body_done) struct body body = { 0 };
	json_t *json;
	long status = 0;
	CURLcode code;
	int r;

	if (!c) {
		cli_error("libcurl does not start");
		return CLI_FAILED;
	}
	code = perform(cli, c, path, &body);
	if (code == CURLE_COULDNT_CONNECT)
		return not_reached(cli, c, code);
	if (code != CURLE_OK) {
		cli_error("%s: %s", cli->socket, curl_easy_strerror(code));
		return CLI_FAILED;
	}
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	json = body.p ? json_loadb(body.p, body.len, 0, NULL) : NULL;
	if (status == 200 && json) {
		*ret = json;
		return CLI_OK;
	}
	r = refused(path, status, json);
	json_decref(json);
	return r;
}

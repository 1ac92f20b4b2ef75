/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/control_route.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int control_decode(const char *src, char *dst, size_t cap)
{
	size_t len = 0;

	for (; *src; src++) {
		int c = *src;

		if (c == '%') {
			int high = hex(src[1]), low = high < 0 ? -1 : hex(src[2]);

			if (low < 0 || !(c = high << 4 | low))
				return -EINVAL;
			src += 2;
		}
		if (len + 1 >= cap)
			return -E2BIG;
		dst[len++] = (char)c;
	}
	if (len >= cap)
		return -E2BIG;
	dst[len] = '\0';
	return 0;
}

const struct control_route *control_route_find(const struct control_route *routes, bool is_metrics,
					       const char *path, char ret_tail[CONTROL_TAIL_MAX + 1])
{
	ret_tail[0] = '\0';
	for (const struct control_route *r = routes; r->path; r++) {
		size_t len = strlen(r->path);

		if (r->is_metrics != is_metrics || strncmp(path, r->path, len) != 0)
			continue;
		if (!r->is_prefix && !path[len])
			return r;
		if (r->is_prefix && path[len] && !strchr(path + len, '/') &&
		    control_decode(path + len, ret_tail, CONTROL_TAIL_MAX + 1) == 0)
			return r;
	}
	ret_tail[0] = '\0';
	return NULL;
}

control_fn *control_route_fn(const struct control_route *r, const char *method)
{
	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return r->get;
	if (strcmp(method, "POST") == 0)
		return r->post;
	if (strcmp(method, "PATCH") == 0)
		return r->patch;
	return strcmp(method, "DELETE") == 0 ? r->del : NULL;
}

void control_route_allow(const struct control_route *r, char ret[CONTROL_ALLOW_LEN])
{
	int n = snprintf(ret, CONTROL_ALLOW_LEN, "%s%s%s%s", r->get ? ", GET, HEAD" : "", r->post ? ", POST" : "",
			 r->patch ? ", PATCH" : "", r->del ? ", DELETE" : "");

	if (n > 2)
		memmove(ret, ret + 2, (size_t)n - 1);
}

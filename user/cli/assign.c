/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/assign.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "location/civic.h"

#define DIGITS_MAX 18 /* what surely fits into json_int_t */

static json_t *scalar(const char *s, size_t len)
{
	char digits[DIGITS_MAX + 1];

	if (len == 4 && !memcmp(s, "true", 4))
		return json_true();
	if (len == 5 && !memcmp(s, "false", 5))
		return json_false();
	if (len && len <= DIGITS_MAX && strspn(s, "0123456789") >= len && (len == 1 || *s != '0')) {
		memcpy(digits, s, len);
		digits[len] = '\0';
		return json_integer(strtoll(digits, NULL, 10));
	}
	return json_stringn(s, len);
}

static json_t *list(const char *s)
{
	json_t *l = json_array();

	while (l && *s) {
		size_t len = strcspn(s, ",");
		json_t *item = json_stringn(s, len);

		if (json_array_append_new(l, item) < 0) {
			json_decref(l);
			return NULL;
		}
		s += len + (s[len] == ',');
	}
	return l;
}

static json_t *value_of(const char *key, const char *text)
{
	json_t *json = *text == '[' || *text == '{' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;

	if (json)
		return json;
	if (config_key_is_list(key)) /* an IPv6 peer starts like an array, and is none */
		return list(text);
	return *text == '{' ? NULL : scalar(text, strlen(text));
}

int assign_take(const struct cli *cli, const char *arg, json_t *object)
{
	const char *eq = strchr(arg, '=');
	CLEANUP(freep) char *key = eq ? strndup(arg, (size_t)(eq - arg)) : NULL;
	json_t *value;

	if (!eq || eq == arg)
		return cli_usage_error(cli, "'%s' is no KEY=VALUE", arg);
	if (!key) {
		cli_error("out of memory");
		return CLI_FAILED;
	}
	if (json_object_get(object, key))
		return cli_usage_error(cli, "%s stands twice", key);
	value = value_of(key, eq + 1);
	if (!value)
		return cli_usage_error(cli, "%s: the value is no JSON, or no UTF-8", key);
	if (json_object_set_new(object, key, value) < 0)
		return cli_usage_error(cli, "'%s' is no key", key);
	return 0;
}

/* Length of the civic key that stands at @s before a '=', or 0. */
static size_t civic_key_at(const char *s)
{
	for (const char *const *key = civic_keys(); *key; key++) {
		size_t len = strlen(*key);

		if (!strncmp(s, *key, len) && s[len] == '=')
			return len;
	}
	return 0;
}

static const char *civic_value_end(const char *s)
{
	for (; *s; s++) {
		const char *next = s + 1;

		if (*s != ',')
			continue;
		next += strspn(next, " ");
		if (civic_key_at(next))
			return s;
	}
	return s;
}

int assign_civic(const struct cli *cli, const char *text, json_t **ret)
{
	json_t *o = json_object();

	while (o && *text) {
		size_t len = strcspn(text, "=");
		const char *end = civic_value_end(text + len);
		CLEANUP(freep) char *key = strndup(text, len);
		json_t *value = len && text[len] ? json_stringn(text + len + 1, (size_t)(end - text) - len - 1) : NULL;

		/* an unknown key goes along: the daemon says what is allowed */
		if (!value || !key || json_object_get(o, key) || json_object_set_new(o, key, value) < 0) {
			if (value && key && json_object_get(o, key))
				json_decref(value);
			json_decref(o);
			return cli_usage_error(cli, "'%s': KEY=VALUE,KEY=VALUE wanted, each key once, UTF-8", text);
		}
		text = *end ? end + 1 + strspn(end + 1, " ") : end;
	}
	if (!o)
		return CLI_FAILED;
	*ret = o;
	return 0;
}

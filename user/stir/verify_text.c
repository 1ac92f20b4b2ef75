/* SPDX-License-Identifier: BSD-2-Clause */
/* Codes as words: RFC 8224 s6.2.2, RFC 9410. */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "stir/verify.h"

const char *verify_phrase(uint16_t code)
{
	static const struct {
		uint16_t code;
		const char *phrase;
	} phrases[] = {
		{ 403, "Stale Date" },
		{ 428, "Use Identity Header" },
		{ 436, "Bad Identity Info" },
		{ 437, "Unsupported Credential" },
		{ 438, "Invalid Identity Header" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
		if (phrases[i].code == code)
			return phrases[i].phrase;
	return "";
}

ssize_t verify_reason_value(uint16_t code, char *dst, size_t cap)
{
	char text[64];
	int n;

	if (!*verify_phrase(code))
		return -EINVAL;
	n = snprintf(text, sizeof(text), "STIR;cause=%u;text=\"%s\"", code, verify_phrase(code));
	if (n < 0 || (size_t)n >= sizeof(text) || (size_t)n > cap)
		return -ENOSPC;
	memcpy(dst, text, (size_t)n);
	return n;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static enum log_level max_level = LOG_L_NOTICE;
static const char *process = "sipseal";

void log_set_level(enum log_level level)
{
	max_level = level;
}

void log_set_name(const char *name)
{
	process = name;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = { [LOG_L_ERR] = "error", [LOG_L_WARNING] = "warning",
		[LOG_L_NOTICE] = "notice", [LOG_L_INFO] = "info", [LOG_L_DEBUG] = "debug" };
	char buf[2048];
	va_list ap;

	if (level > max_level)
		return;
	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	/* the journal reads the level from <N>; people read the word */
	if (getenv("JOURNAL_STREAM"))
		fprintf(stderr, "<%d>%s\n", (int)level, buf);
	else
		fprintf(stderr, "%s: %s: %s\n", process, names[level], buf);
}

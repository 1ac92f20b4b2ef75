/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tshark - what Wireshark's own programs read in a capture.
 */
#ifndef SIPSEAL_TEST_TSHARK_H
#define SIPSEAL_TEST_TSHARK_H

#include "guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"

/** tshark_wanted() - skips the test where @program is missing. */
static inline void tshark_wanted(const char *program)
{
	char command[64];

	snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
	if (system(command) == 0)
		return;
	print_message("skip: %s is missing: scripts/bootstrap.sh test\n", program);
	skip();
}

/** tshark_read() - output of a command on a file of @len bytes at @p; malloc'd, ends with NUL.
 * @command: "%s" stands for the file's name; it must succeed */
static inline char *tshark_read(const char *command, const void *p, size_t len)
{
	char name[] = "/tmp/sipseal-test-XXXXXX", line[1024], *out = calloc(1, 1 << 20);
	size_t cnt;
	FILE *f;
	int fd = mkstemp(name), status;

	assert_true(fd >= 0 && out);
	assert_int_equal(write(fd, p, len), (ssize_t)len);
	close(fd);
	snprintf(line, sizeof(line), command, name);
	f = popen(line, "r");
	assert_non_null(f);
	cnt = fread(out, 1, (1 << 20) - 1, f);
	status = pclose(f);
	unlink(name);
	if (status || !cnt)
		fail_msg("%s: status %d: %s", line, status, out);
	return out;
}

#endif

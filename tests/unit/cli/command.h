/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * command - run a command of the CLI in this process: its words in, exit status and what it printed out.
 */
#ifndef SIPSEAL_TEST_COMMAND_H
#define SIPSEAL_TEST_COMMAND_H

#include "guard.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"

#define COMMAND_ARGS_MAX 16

static char command_out[65536], command_err[4096];
static size_t command_out_len;
static char command_dir[64];

static inline size_t command_take(int fd, char *dst, size_t cap)
{
	ssize_t n = pread(fd, dst, cap - 1, 0);

	dst[n > 0 ? n : 0] = '\0';
	close(fd);
	return n > 0 ? (size_t)n : 0;
}

/* The words of @line are the arguments; the output is in command_out and command_err. */
static inline int command_run(cli_fn *fn, bool json, const char *line)
{
	struct cli cli = { .json = json, .usage = "Usage: test\n" };
	char copy[1024], *argv[COMMAND_ARGS_MAX + 1] = { (char *)"command" }, *save = NULL;
	int out = open(command_dir, O_TMPFILE | O_RDWR, 0600), err = open(command_dir, O_TMPFILE | O_RDWR, 0600);
	int saved_out = dup(1), saved_err = dup(2), argc = 1, r;

	assert_true(strlen(line) < sizeof(copy));
	strcpy(copy, line);
	for (char *w = strtok_r(copy, " ", &save); w && argc < COMMAND_ARGS_MAX; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	assert_true(out >= 0 && err >= 0 && saved_out >= 0 && saved_err >= 0);
	fflush(stdout);
	dup2(out, 1);
	dup2(err, 2);
	r = fn(&cli, argc, argv);
	fflush(stdout);
	dup2(saved_out, 1);
	dup2(saved_err, 2);
	close(saved_out);
	close(saved_err);
	command_out_len = command_take(out, command_out, sizeof(command_out));
	command_take(err, command_err, sizeof(command_err));
	return r;
}

/* A directory of its own, in which the test runs; group fixtures. */
static inline int command_setup(void **state)
{
	(void)state;
	snprintf(command_dir, sizeof(command_dir), "%s/sipseal-test-XXXXXX", P_tmpdir);
	return mkdtemp(command_dir) && chdir(command_dir) == 0 ? 0 : -1;
}

static inline int command_unlink(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static inline int command_teardown(void **state)
{
	(void)state;
	return chdir("/") == 0 ? nftw(command_dir, command_unlink, 8, FTW_DEPTH | FTW_PHYS) : -1;
}

#endif

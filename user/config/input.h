/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * input - the files that make up a configuration.
 */
#ifndef SIPSEAL_CONFIG_INPUT_H
#define SIPSEAL_CONFIG_INPUT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * input_read() - a whole file, malloc'd, NUL-terminated.
 * @is_regular: refuse anything but a regular file (never waits for a FIFO)
 * Return: 0; -EFBIG: more than NODE_FILE_MAX bytes; -EINVAL: no regular file; other errno of open or read.
 */
int input_read(const char *path, bool is_regular, char **ret, size_t *ret_len);

/** input_open() - the descriptor alone, for reading; errors as input_read(). */
int input_open(int dir, const char *path, bool is_regular);

/** input_read_at() - the same; @path is relative to the directory @dir, which may be AT_FDCWD. */
int input_read_at(int dir, const char *path, bool is_regular, char **ret, size_t *ret_len);

/** input_read_fd() - the same from an open descriptor, at most @max bytes. */
int input_read_fd(int fd, size_t max, char **ret, size_t *ret_len);

/** input_error() - errno as people read it, for these files. */
const char *input_error(int r);

/** input_join() - @path, or @dir/@path where it is relative.  Return: malloc'd, NULL without memory. */
char *input_join(const char *dir, const char *path);

#endif

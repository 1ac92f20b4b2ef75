/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files - reading small files whole.
 */
#ifndef SIPSEAL_CLI_FILES_H
#define SIPSEAL_CLI_FILES_H

#include <stddef.h>

/** file_read() - a whole file of at most @max bytes; "-" is stdin.  The text is NUL-terminated and malloc'd.
 * Return: 0; -EFBIG; negative errno. */
int file_read(const char *path, size_t max, char **ret, size_t *ret_len);

/** file_read_fd() - the same from a descriptor, which stays open; -EBADF for -1. */
int file_read_fd(int fd, size_t max, char **ret, size_t *ret_len);

#endif

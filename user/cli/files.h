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

/** files_certificates() - a PEM file, or all *.pem, *.crt and *.cer of a directory one after another; as file_read().
 * Return: 0; -ENOENT also for a directory without any; negative errno (reterr has words, with the path). */
int files_certificates(const char *path, char **ret, size_t *ret_len, char *reterr, size_t cap);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anchors - the bytes of certificates.trust_anchors: a PEM file, or every *.pem, *.crt and *.cer of a directory one
 * after another.  Below certificates.root; links that lead out of it are refused.  Nothing is parsed but the words
 * "BEGIN CERTIFICATE".
 */
#ifndef SIPSEAL_CONFIG_ANCHORS_H
#define SIPSEAL_CONFIG_ANCHORS_H

#include <stddef.h>

#define ANCHORS_LEN_MAX (4u << 20)
#define ANCHORS_ERR_LEN 256

/**
 * anchors_read() - @root: certificates.root; @path: as configured
 * *ret_pem: malloc'd, NUL-terminated; *ret_cnt: certificates in it
 * Return: 0; -ENOENT nothing there, or no certificate in it; -E2BIG; -ENOMEM; negative errno (reterr has words for
 * all of them).
 */
int anchors_read(const char *root, const char *path, char **ret_pem, size_t *ret_len, unsigned *ret_cnt,
		 char reterr[ANCHORS_ERR_LEN]);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keys - private keys from descriptors that the daemon passes, and OpenSSL's warm-up.
 *
 * The file is read into a buffer that is wiped; what stays of a key is OpenSSL's own copy.  Texts name
 * the fault and never quote the file.  Threads: the main one.
 */
#ifndef SIPSEAL_SIGNER_KEYS_H
#define SIPSEAL_SIGNER_KEYS_H

#include <stdbool.h>

#include "stir/credential.h"

#define KEYS_FILE_MAX (64 * 1024)

/** keys_openssl_init() - OpenSSL without its configuration file, on a secure heap.
 * Return: 0 (*ret_is_locked: the heap cannot be swapped out), or -EIO. */
int keys_openssl_init(bool *ret_is_locked);

/** keys_add_throwaway() - a new key that nobody else has, in slot 0 of @set; written and read as a file would be.
 * Return: 0, or -EIO. */
int keys_add_throwaway(struct credential_set *set);

/** keys_warm_up() - read a throw-away key, sign with it, draw random numbers: all that OpenSSL loads
 * late is loaded before the sandbox closes.  Return: 0, or -EIO. */
int keys_warm_up(void);

/** keys_add() - read the key file @fd (not closed) into slot @id.
 * Return: what credential_add() returns, -EFBIG, or negative errno of read(); reterr_text says it. */
int keys_add(struct credential_set *set, uint32_t id, int fd, const uint8_t point[CERT_POINT_LEN],
	     char reterr_text[200]);

#endif

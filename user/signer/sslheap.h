/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sslheap - memory for OpenSSL: wiped when it is freed, and kept at hand by the thread that freed it.
 *
 * Wiped: decoding a key leaves copies of it in buffers that OpenSSL itself does not wipe.
 * At hand: a signature takes some fifty short-lived blocks.  malloc(), free() and malloc_usable_size() for them, with
 * the wiping of what the latter says, were 0.7 us of a signed INVITE; a list per thread and size takes 0.2 us.
 *
 *     size asked for -> class (32, 64, ... 1024 bytes) -> list of the thread, at most SSLHEAP_KEEP long -> malloc()
 *
 * A block may be freed by another thread than it was made by.  Larger blocks come from malloc() each time.  What a
 * thread keeps when it ends is lost: at most 64 KiB; those of the signer end with the process.
 */
#ifndef SIPSEAL_SIGNER_SSLHEAP_H
#define SIPSEAL_SIGNER_SSLHEAP_H

#include <stddef.h>

#define SSLHEAP_KEEP 32 /* blocks of a size */

/** sslheap_install() - from now on OpenSSL uses this heap.  The first call of all to OpenSSL.
 * Return: 0, or -EBUSY: OpenSSL holds memory already. */
int sslheap_install(void);

/* As malloc(), realloc() and free(); aligned to 16 bytes.  sslheap_malloc(0) is NULL, as OpenSSL's own. */
void *sslheap_malloc(size_t n);
void *sslheap_realloc(void *p, size_t n);
void sslheap_free(void *p);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sandbox - what the fetcher may still do once it talks to strangers: resolve names, open TCP connections, read files,
 * write into one directory.  Two steps, both one-way:
 *
 *     unprivileged_become()   at start (base/unprivileged.h)
 *     sandbox_close()         at START: seccomp filter for all threads, those of later name look-ups included
 *
 * What is not in the list fails with EPERM and the process goes on: libraries have ways of their own through many
 * machines, and most do without what they try first.  seccomp sees numbers, no paths: which directory is meant is told
 * by the number of its descriptor, and what may be read is a matter of the user's rights.  Name services that are
 * libraries to load (nss_resolve, nss_mdns) are not there any more: names are looked up by hosts file and DNS.
 */
#ifndef SIPSEAL_FETCHER_SANDBOX_H
#define SIPSEAL_FETCHER_SANDBOX_H

/** sandbox_close() - @cache_fd: of the directory that may be written into, -1: none.
 * Return: 0, or negative errno of libseccomp. */
int sandbox_close(int cache_fd);

#endif

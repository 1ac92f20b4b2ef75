/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * origids - the UUIDs of trunks with `origid: trunk`: made once, kept for ever.
 *
 * <state directory>/origids holds one line `NAME UUID` per trunk.  ATIS-1000074 wants an origid
 * that stays the same for a customer, so lines of trunks that are gone stay: a trunk that comes
 * back has its old origid.  A file with a line that we do not understand is never written; what a crash
 * may have left of a last line, which has no newline then, is dropped.
 */
#ifndef SIPSEAL_CONFIG_ORIGIDS_H
#define SIPSEAL_CONFIG_ORIGIDS_H

#include "trunk/model.h"

#define ORIGIDS_STATE_DIR "/var/lib/sipseal"
#define ORIGIDS_ERR_LEN   256

/**
 * origids_fill() - read only: give trunks with `origid: trunk` their UUID (trunk->origid).
 * A trunk without a line keeps origid NULL.
 * Return: number of trunks without one (no file: all of them); -EBADMSG: a line is not `NAME UUID`;
 * other negative errno.  reterr says what and where.
 */
int origids_fill(struct gateway *g, const char *state_dir, char reterr[ORIGIDS_ERR_LEN]);

/**
 * origids_make() - the same, and make and store the missing ones as origids_give() does.  Makes the
 * directory if its parent is there.
 * Return: number of UUIDs made; errors as above.
 */
int origids_make(struct gateway *g, const char *state_dir, char reterr[ORIGIDS_ERR_LEN]);

/* The same for a running daemon: the file is read once, new lines are appended (fsync). */
struct origids;

/** origids_open() - Return: 0 (no file yet: none known); -EBADMSG (a last line that a crash cut off is
 * completed or removed, not an error); other errno (reterr). */
int origids_open(const char *state_dir, struct origids **ret, char reterr[ORIGIDS_ERR_LEN]);
void origids_close(struct origids *o);
DEFINE_FREEP(struct origids *, origids_close)

/** origids_give() - fill trunk->origid of those with `origid: trunk`, making and storing what is missing, with
 * one write and one fsync.  Return: 0, negative errno (reterr). */
int origids_give(struct origids *o, struct trunk *const *trunks, size_t cnt, char reterr[ORIGIDS_ERR_LEN]);

#endif

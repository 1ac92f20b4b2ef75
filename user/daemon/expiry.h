/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expiry - what is said unasked: certificates that end soon (30, 7 and 1 days before, and when they
 * have ended; each once per certificate), and that regulatory.enabled is off (for as long as it
 * is).
 */
#ifndef SIPSEAL_DAEMON_EXPIRY_H
#define SIPSEAL_DAEMON_EXPIRY_H

#include <stdint.h>

#include "stir/cert.h"

struct sipseald;

enum expiry { EXPIRY_FAR, EXPIRY_30_DAYS, EXPIRY_7_DAYS, EXPIRY_1_DAY, EXPIRY_OVER };

/** expiry_of() - @now in seconds since 1970. */
enum expiry expiry_of(const struct cert_info *info, int64_t now);

/** expiry_level() - "notice", "warning", "critical": how urgent it is. */
const char *expiry_level(enum expiry e);

/** expiry_text() - "in 29 days", "in 5 hours": how long it is until @not_after. */
const char *expiry_text(int64_t not_after, int64_t now, char dst[32]);

/** expiry_turn() - log what is due.  Return: ms until the next turn. */
int expiry_turn(struct sipseald *d);

#endif

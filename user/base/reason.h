/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reason - names of the reasons of bpf/abi.h.
 */
#ifndef SIPSEAL_REASON_H
#define SIPSEAL_REASON_H

#include <stdbool.h>

#include "abi.h"

/** reason_token() - the word that counters, metrics, events and CLI print; "?" where unknown. */
const char *reason_token(unsigned reason);

/** reason_help() - one sentence for people; "" where unknown. */
const char *reason_help(unsigned reason);

/** reason_is_fragment() - is it said of single fragments, which are no INVITEs? */
bool reason_is_fragment(unsigned reason);

#endif

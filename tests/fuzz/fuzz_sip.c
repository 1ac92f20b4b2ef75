/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any datagram: the parser takes or refuses it, every slice lies inside it, an edit keeps all other
 * bytes.  Seeds: tests/data/hostile.
 */
#include <stddef.h>
#include <stdint.h>

#include "../unit/sip/walk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	walk_bytes((const char *)data, size);
	return 0;
}

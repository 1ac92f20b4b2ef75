/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of the disk cache: what is taken is exactly what its writer would have written, so reading finds nothing to
 * guess.  The sum is made right first, else nothing would get past it.
 */
#include <stdint.h>
#include <stdlib.h>

#include <openssl/sha.h>

#include "fetcher/store_format.h"

#define AT_SUM 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char again[STORE_FILE_MAX];
	struct store_record r;
	char *file;
	int len;

	if (size > STORE_FILE_MAX)
		return 0;
	file = malloc(size ? size : 1); /* exactly as long: a byte too far is noticed */
	if (size)
		memcpy(file, data, size);
	if (size >= STORE_HEAD_LEN) {
		memcpy(file, "sipseal chain 1\n", AT_SUM);
		SHA256((unsigned char *)file + AT_SUM + 32, size - AT_SUM - 32, (unsigned char *)file + AT_SUM);
	}
	if (store_file_parse(slice_of(file, size), &r) == 0) {
		len = store_file_emit(&r, again);
		if (len < 0 || (size_t)len != size || memcmp(again, file, size) != 0)
			abort();
	}
	free(file);
	return 0;
}

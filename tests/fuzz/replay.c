/* SPDX-License-Identifier: BSD-2-Clause */
/* replay - a fuzz target without the fuzzer: each file of the arguments once (scripts/coverage.sh). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static void run(const char *path, const uint8_t *bytes, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1); /* one byte too far is seen */

	if (!exact) {
		perror(path);
		exit(1);
	}
	for (size_t i = 0; i < len; i++)
		exact[i] = bytes[i];
	LLVMFuzzerTestOneInput(exact, len);
	free(exact);
}

int main(int argc, char **argv)
{
	static uint8_t bytes[INPUT_MAX];

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		size_t n = f ? fread(bytes, 1, sizeof(bytes), f) : 0;

		if (!f || ferror(f)) {
			perror(argv[i]);
			return 1;
		}
		fclose(f);
		run(argv[i], bytes, n);
	}
	return 0;
}

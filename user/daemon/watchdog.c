/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/watchdog.h"

#include <string.h>

void watchdog_reset(struct watchdog *w, uint64_t now_ns)
{
	memset(w, 0, sizeof(*w));
	w->at_ns = now_ns + WATCHDOG_LOOK_MS * 1000000ull;
}

int watchdog_look(struct watchdog *w, const volatile uint64_t *beats, unsigned workers, unsigned limit_ms,
		  uint64_t now_ns)
{
	unsigned looks = WATCHDOG_LOOKS + limit_ms / WATCHDOG_LOOK_MS;
	int hung = -1;

	if (now_ns < w->at_ns)
		return -1;
	w->at_ns = now_ns + WATCHDOG_LOOK_MS * 1000000ull;
	for (unsigned i = 0; i < workers; i++) {
		uint64_t beat = beats[i];

		w->still[i] = beat == w->seen[i] ? w->still[i] + 1 : 0;
		w->seen[i] = beat;
		if (w->still[i] >= looks)
			hung = (int)i;
	}
	return hung;
}

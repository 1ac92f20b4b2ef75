/* SPDX-License-Identifier: BSD-2-Clause */
/* cases - the outbound decision by table. */
#ifndef SIPSEAL_TEST_CASES_H
#define SIPSEAL_TEST_CASES_H

#include "world.h"

#define ALL_ROWS 6

/* Settings and message in; verdict, reason, numbers and rows out. */
struct engine_case {
	const char *name;
	tune_fn *tune;
	const char *msg;
	enum engine_verdict verdict;
	enum sipseal_reason reason;
	char attest;
	const char *orig, *dest;
	const char *has[ALL_ROWS], *has_not[ALL_ROWS];
};

static inline void check_text(const char *name, const struct world *w, const char *const *list, bool want)
{
	for (unsigned i = 0; i < ALL_ROWS && list[i]; i++)
		if (!!memmem(w->bytes, w->len, list[i], strlen(list[i])) != want)
			fail_msg("%s: %s\n<<%s>>\nin\n%.*s", name, want ? "missing" : "should not be there", list[i],
				 (int)w->len, w->bytes);
}

static inline void cases_run(const struct engine_case *cases, size_t cnt)
{
	static struct world w;

	for (size_t i = 0; i < cnt; i++) {
		world_new(&w, cases[i].tune);
		world_run(&w, cases[i].msg, strlen(cases[i].msg));
		if (w.out.verdict != cases[i].verdict || w.out.reason != cases[i].reason)
			fail_msg("%s: %s %s, want %s %s", cases[i].name, engine_verdict_name(w.out.verdict),
				 reason_token(w.out.reason), engine_verdict_name(cases[i].verdict),
				 reason_token(cases[i].reason));
		if (w.out.attest != cases[i].attest)
			fail_msg("%s: attest %c", cases[i].name, w.out.attest ? w.out.attest : '-');
		if (strcmp(w.out.orig.digits, cases[i].orig ? cases[i].orig : "") ||
		    strcmp(w.out.dest.digits, cases[i].dest ? cases[i].dest : ""))
			fail_msg("%s: orig %s dest %s", cases[i].name, w.out.orig.digits, w.out.dest.digits);
		check_text(cases[i].name, &w, cases[i].has, true);
		check_text(cases[i].name, &w, cases[i].has_not, false);
		world_free(&w);
	}
}

#endif

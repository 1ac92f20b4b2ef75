/* SPDX-License-Identifier: BSD-2-Clause */
/* Status of the verification of inbound calls, for people. */
#include "cli/out.h"
#include "cli/show.h"

#define ROWS_MAX 20 /* of a table; -j has all */

static void line(FILE *f, const char *label, enum out_colour c, const char *text)
{
	CLEANUP(freep) char *safe = out_escape(text);

	fprintf(f, "%-12s%s%s%s\n", label, out_colour(f, c), safe ? safe : "", out_colour(f, OUT_PLAIN));
}

static void fetcher(FILE *f, const json_t *v)
{
	const json_t *p = json_object_get(v, "fetcher");
	bool is_up = json_is_true(json_object_get(p, "up"));
	char text[256];

	if (is_up)
		snprintf(text, sizeof(text), "running, pid %lld, user %.32s, %lld restarts", out_int(p, "pid"),
			 out_str(p, "user"), out_int(p, "restarts"));
	else
		snprintf(text, sizeof(text), "DOWN, %lld restarts: certificates that are not known yet stay unknown",
			 out_int(p, "restarts"));
	line(f, "fetcher", is_up ? OUT_GREEN : OUT_RED, text);
}

static void cache(FILE *f, const json_t *v)
{
	const json_t *c = json_object_get(v, "cache");
	long long hits = out_int(c, "hits"), all = hits + out_int(c, "misses");
	char text[256], loading[48] = "", rate[64] = "";

	if (out_int(c, "loading"))
		snprintf(loading, sizeof(loading), ", %lld still to be judged", out_int(c, "loading"));
	if (all > 0)
		snprintf(rate, sizeof(rate), "; %.1f %% of %lld look-ups hit", 100.0 * (double)hits / (double)all, all);
	snprintf(text, sizeof(text), "%lld certificates good, %lld bad; %lld on disk (%lld KiB)%s%s",
		 out_int(c, "good"), out_int(c, "bad"), out_int(c, "stored"), out_int(c, "stored_bytes") / 1024, loading,
		 rate);
	line(f, "cache", OUT_PLAIN, text);
	if (!out_int(c, "store_errors"))
		return;
	snprintf(text, sizeof(text), "%lld chains could not be written or read", out_int(c, "store_errors"));
	line(f, "", OUT_YELLOW, text);
}

static void work(FILE *f, const json_t *v)
{
	const json_t *n = json_object_get(v, "fetches");
	char text[256];

	snprintf(text, sizeof(text), "%lld ok, %lld failed, %lld over budget, %lld running", out_int(n, "ok"),
		 out_int(n, "failed"), out_int(n, "over_budget"), out_int(n, "running"));
	line(f, "fetches", OUT_PLAIN, text);
	snprintf(text, sizeof(text), "%lld INVITEs wait for a certificate, %lld ever, %lld found no room",
		 out_int(v, "parked"), out_int(v, "parked_ever"), out_int(v, "park_full"));
	line(f, "waiting", out_int(v, "park_full") ? OUT_YELLOW : OUT_PLAIN, text);
}

static void crl(FILE *f, const json_t *v)
{
	const json_t *c = json_object_get(v, "crl");
	const char *error = out_str(c, "error");
	bool is_bad = strcmp(error, "-");
	char text[384];

	if (!json_is_object(c) || (!is_bad && !strcmp(out_str(c, "at"), "-")))
		return;
	if (!strcmp(out_str(c, "at"), "-"))
		snprintf(text, sizeof(text), "none (policy %.16s): %.160s", out_str(c, "policy"), error);
	else
		snprintf(text, sizeof(text), "of %.32s, next %.32s%s%.160s", out_str(c, "at"),
			 out_str(c, "next_update"), is_bad ? ": " : "", is_bad ? error : "");
	line(f, "CRL", is_bad ? OUT_RED : OUT_PLAIN, text);
}

void show_verification(FILE *f, const json_t *status)
{
	const json_t *v = json_object_get(status, "verification");

	if (!json_is_object(v))
		return;
	if (!json_is_true(json_object_get(v, "enabled"))) {
		line(f, "verifying", OUT_PLAIN, "off: no trunk verifies inbound calls");
		return;
	}
	fetcher(f, v);
	cache(f, v);
	work(f, v);
	crl(f, v);
}

static void more(FILE *f, size_t cnt)
{
	if (cnt > ROWS_MAX)
		fprintf(f, "... and %zu more (-j shows them)\n", cnt - ROWS_MAX);
}

static void hosts(FILE *f, const json_t *list)
{
	static const char *const heads[] = { "CERTIFICATE HOST", ">OK", ">FAILED", "LAST ERROR", NULL };
	struct out_table *t = NULL;
	const json_t *h;
	size_t i, failing = 0;

	json_array_foreach(list, i, h)
	{
		if (!out_int(h, "failed") || failing++ >= ROWS_MAX)
			continue;
		t = t ? t : out_table_new(heads);
		out_table_cell(t, "%s", out_str(h, "host"));
		out_table_cell(t, "%lld", out_int(h, "ok"));
		out_table_cell(t, "%lld", out_int(h, "failed"));
		out_table_cell(t, "%s", out_str(h, "last_error"));
	}
	if (!failing)
		return;
	fputc('\n', f);
	out_table_print(t, f);
	more(f, failing);
}

static void ms_cell(struct out_table *t, const json_t *o, const char *key)
{
	out_table_cell(t, "%+.1f s", (double)out_int(o, key) / 1000);
}

static void clock_skew(FILE *f, const json_t *list)
{
	static const char *const heads[] = { "AGE OF IAT ON TRUNK", ">MEAN", ">LEAST", ">MOST", ">CALLS", NULL };
	struct out_table *t;
	const json_t *s;
	size_t i;

	if (!json_array_size(list))
		return;
	t = out_table_new(heads);
	json_array_foreach(list, i, s)
	{
		if (i >= ROWS_MAX)
			break;
		out_table_cell(t, "%s", out_str(s, "trunk"));
		ms_cell(t, s, "mean_ms");
		ms_cell(t, s, "min_ms");
		ms_cell(t, s, "max_ms");
		out_table_cell(t, "%lld", out_int(s, "calls"));
	}
	fputc('\n', f);
	out_table_print(t, f);
	more(f, json_array_size(list));
}

void show_verification_tables(FILE *f, const json_t *status)
{
	const json_t *v = json_object_get(status, "verification");

	hosts(f, json_object_get(v, "hosts"));
	clock_skew(f, json_object_get(v, "clock_skew"));
}

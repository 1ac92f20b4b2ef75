/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/show.h"

#include "cli/out.h"

void show_warnings(FILE *f, const json_t *answer)
{
	const json_t *w;
	size_t i;

	json_array_foreach(json_object_get(answer, "warnings"), i, w)
	{
		const char *key = json_string_value(json_object_get(w, "key"));
		CLEANUP(freep) char *safe_key = out_escape(key ? key : "");
		CLEANUP(freep) char *text = out_escape(out_str(w, "message"));

		fprintf(f, "%swarning: %s%s%s%s\n", out_colour(f, OUT_YELLOW), safe_key ? safe_key : "",
			key ? ": " : "", text ? text : "", out_colour(f, OUT_PLAIN));
	}
}

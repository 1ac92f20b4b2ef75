/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/reason.h"

static const struct {
	const char *token, *help;
} reasons[SR_MAX] = {
#define X(num, name, token, help) [num] = { token, help },
	SIPSEAL_XDP_REASONS(X)
	SIPSEAL_SIGNER_REASONS(X)
#undef X
};

const char *reason_token(unsigned reason)
{
	return reason < SR_MAX && reasons[reason].token ? reasons[reason].token : "?";
}

const char *reason_help(unsigned reason)
{
	return reason < SR_MAX && reasons[reason].help ? reasons[reason].help : "";
}

bool reason_is_fragment(unsigned reason)
{
	return reason >= SR_REASSEMBLED && reason <= SR_FRAGMENT_NOT_UDP;
}

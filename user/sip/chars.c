/* SPDX-License-Identifier: BSD-2-Clause */
#include "sip/chars.h"

#define U  SIP_C_URI
#define TK (SIP_C_TOKEN | SIP_C_URI | SIP_C_DISPLAY)
#define AL (TK | SIP_C_HOST)
#define DG (AL | SIP_C_DIGIT)
#define WS (SIP_C_LWS | SIP_C_DISPLAY)

/* RFC 3261 s25.1; what is not named is in no class: controls, DEL, < > " */
const uint8_t sip_chars[256] = {
	['\t'] = WS, ['\n'] = WS, ['\r'] = WS, [' '] = WS,
	['!'] = TK, ['%'] = TK, ['*'] = TK, ['+'] = TK, ['`'] = TK, ['\''] = TK, ['~'] = TK,
	['-'] = AL, ['.'] = AL, ['_'] = AL,
	['0' ... '9'] = DG,
	['A' ... 'Z'] = AL,
	['a' ... 'z'] = AL,
	['#'] = U, ['$'] = U, ['&'] = U, ['('] = U, [')'] = U, [','] = U, ['/'] = U,
	[':'] = U, [';'] = U, ['='] = U, ['?'] = U, ['@'] = U, ['['] = U, ['\\'] = U,
	[']'] = U, ['^'] = U, ['{'] = U, ['|'] = U, ['}'] = U,
	[0x80 ... 0xff] = SIP_C_URI | SIP_C_DISPLAY,
};

/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/clean.h"

#include <stdint.h>
#include <string.h>

size_t utf8_length(const char *str)
{
	/* Unicode 15, table 3-7: the second byte has narrower limits after E0, ED, F0 and F4. */
	const unsigned char *s = (const unsigned char *)str;
	unsigned char low = 0x80, high = 0xbf;
	size_t len, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < len; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return len;
}

bool is_unseen(const char *str, size_t len)
{
	const unsigned char *s = (const unsigned char *)str;
	uint32_t c;

	if (len == 1)
		return s[0] < 0x20 || s[0] == 0x7f;
	if (len == 2) /* C1; ARABIC LETTER MARK */
		return (s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xd8 && s[1] == 0x9c);
	if (len != 3 || s[0] != 0xe2)
		return false;
	c = 0x2000 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3f);
	return c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

size_t clean(char *to, size_t size, const char *from)
{
	size_t at = 0;

	while (*from) {
		const size_t len = utf8_length(from), n = !len || is_unseen(from, len) ? 1 : len;

		if (at + n >= size)
			break;
		if (n == len && !is_unseen(from, len))
			memmove(to + at, from, len);
		else
			to[at] = '?';
		at += n;
		from += len ? len : 1;
	}
	to[at] = '\0';
	return at;
}

size_t clean_text(char *text)
{
	return clean(text, SIZE_MAX, text);
}

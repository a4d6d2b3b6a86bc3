/* SPDX-License-Identifier: BSD-2-Clause */
/* The texts of /proc/PID/net; the first byte says which. */
#include <stdlib.h>

#include "target/sockets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockets *s;
	char words[64];

	if (!size || sockets__new(&s))
		return 0;
	if (!sockets__parse(s, (enum socket_kind)(data[0] % SOCKET_KIND_MAX),
			    (const char *)data + 1, size - 1))
		for (uint64_t inode = 0; inode < 64; inode++) {
			const struct socket *k = sockets__get(s, inode);

			if (k)
				sockets__describe(s, k, words, sizeof(words));
		}
	sockets__free(s);
	return 0;
}

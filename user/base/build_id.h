/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build_id: the GNU build id of this very program, out of its own memory: the linker's digest of what
 * it is made of.
 */
#ifndef PARKWATCH_BASE_BUILD_ID_H
#define PARKWATCH_BASE_BUILD_ID_H

#define BUILD_ID_MAX 65 /* of its text, NUL included */

/* In hex; "" if the linker was told to write none. */
void own_build_id(char text[BUILD_ID_MAX]);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* fact_flags: the bits of the columns of facts.proto. */
#ifndef PARKWATCH_FACTS_FACT_FLAGS_H
#define PARKWATCH_FACTS_FACT_FLAGS_H

enum code_flag { CODE_INLINED = 1, CODE_WRAPPER = 2, CODE_OWN = 4 };
enum goroutine_flag { GOROUTINE_LOCKED = 1, GOROUTINE_WAITS_CUT = 2, GOROUTINE_MOVED = 4 };
enum wait_flag { WAIT_OF_SELECT = 8 }; /* beside enum census_wait_way */

#endif

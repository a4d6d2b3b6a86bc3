// SPDX-License-Identifier: BSD-2-Clause
#include "serve/rights.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const unsigned int kept[] = { CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH,
				     CAP_CHECKPOINT_RESTORE };

/* passed_on: what we start has them too, if we are not root; root's has them anyway. */
static int set_capabilities(uint64_t most, bool passed_on, struct cause *why)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct now[2];

	if (syscall(SYS_capget, &head, now))
		return cause__set(why, -errno, "cannot ask for capabilities: %s", strerror(errno));
	for (int i = 0; i < 2; i++) {
		now[i].permitted &= (uint32_t)(most >> (32 * i));
		now[i].effective = now[i].permitted;
		now[i].inheritable = passed_on ? now[i].permitted : 0;
	}
	if (syscall(SYS_capset, &head, now))
		return cause__set(why, -errno, "cannot give up capabilities: %s", strerror(errno));
	for (unsigned int cap = 0; passed_on && cap < 64; cap++)
		if (most >> cap & 1)
			(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	return 0;
}

static void bound(uint64_t most)
{
	for (unsigned int cap = 0; cap < 64; cap++)
		if (!(most >> cap & 1))
			(void)prctl(PR_CAPBSET_DROP, cap);
}

int rights_keep_few(struct cause *why)
{
	uint64_t most = 0;

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		most |= 1ULL << kept[i];
	bound(most); /* what root starts would have all again */
	return set_capabilities(most, geteuid(), why);
}

int rights_drop_all(struct cause *why)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return cause__set(why, -errno, "cannot refuse new privileges: %s", strerror(errno));
	bound(0);
	if (!geteuid() &&
	    (setgroups(0, NULL) || setresgid(RIGHTS_NOBODY, RIGHTS_NOBODY, RIGHTS_NOBODY) ||
	     setresuid(RIGHTS_NOBODY, RIGHTS_NOBODY, RIGHTS_NOBODY)))
		return cause__set(why, -errno, "cannot become another user than root: %s",
				  strerror(errno));
	return set_capabilities(0, false, why);
}

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

#include "base/log.h"
#include "base/textbuf.h"
#include "host/kfeat.h"

#define NO_PROBES "leaks are watched by looks, without probes"

static const struct right {
	unsigned int cap;
	const char *name, *without;
} kept[RIGHTS_NR] = {
	{ CAP_BPF, "CAP_BPF", NO_PROBES },
	{ CAP_PERFMON, "CAP_PERFMON", NO_PROBES },
	{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "programs of other users are not seen" },
	{ CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH",
	  "files that others keep to themselves are not read" },
	{ CAP_CHECKPOINT_RESTORE, "CAP_CHECKPOINT_RESTORE",
	  "programs whose file is gone are not read" },
};

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

static uint64_t effective(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct now[2] = { { .effective = 0 } };

	return syscall(SYS_capget, &head, now)
		       ? 0
		       : (uint64_t)now[1].effective << 32 | now[0].effective;
}

/* Whether to keep CAP_SYS_ADMIN: this kernel attaches probes with it, and not without. */
static bool needs_admin(void)
{
	return effective() >> CAP_SYS_ADMIN & 1 &&
	       !kfeat_for(ATTACH_MULTI)->f[KFEAT_UPROBE_MULTI].ok;
}

int rights_keep_few(struct cause *why)
{
	uint64_t most = needs_admin() ? 1ULL << CAP_SYS_ADMIN : 0;

	for (size_t i = 0; i < RIGHTS_NR; i++)
		most |= 1ULL << kept[i].cap;
	bound(most); /* what root starts would have all again */
	return set_capabilities(most, geteuid(), why);
}

uid_t rights_user(void)
{
	const uint64_t all = 1ULL << CAP_SETUID | 1ULL << CAP_SETGID | 1ULL << CAP_CHOWN;

	return geteuid() ? geteuid() : (effective() & all) == all ? RIGHTS_NOBODY : 0;
}

int rights_drop_all(struct cause *why)
{
	const uid_t user = rights_user();

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return cause__set(why, -errno, "cannot refuse new privileges: %s", strerror(errno));
	bound(0);
	if (user != geteuid() &&
	    (setgroups(0, NULL) || setresgid(user, user, user) || setresuid(user, user, user)))
		return cause__set(why, -errno, "cannot become another user than root: %s",
				  strerror(errno));
	return set_capabilities(0, false, why);
}

/* --- what is missing --- */

const char *right_name(size_t i)
{
	return kept[i].name;
}

struct rights rights_look(void)
{
	const uint64_t now = effective();
	struct rights r;

	for (size_t i = 0; i < RIGHTS_NR; i++)
		r.has[i] = now >> kept[i].cap & 1;
	return r;
}

bool rights_allow_probes(const struct rights *r)
{
	for (size_t i = 0; i < RIGHTS_NR; i++)
		if (!r->has[i] && !strcmp(kept[i].without, NO_PROBES))
			return false;
	return true;
}

bool rights_is_shut_in(void)
{
	return getpid() == 1;
}

bool rights_put_missing(const struct rights *r, struct textbuf *to)
{
	const char *last = NULL;

	for (size_t i = 0; i < RIGHTS_NR; i++) {
		if (r->has[i])
			continue;
		if (last && strcmp(last, kept[i].without))
			textbuf__format(to, " %s; without", last);
		else
			textbuf__text(to, last ? " and" : "some rights are missing: without");
		textbuf__format(to, " %s", kept[i].name);
		last = kept[i].without;
	}
	if (last)
		textbuf__format(to, " %s", last);
	return last;
}

void rights_say_missing(const struct rights *r)
{
	struct textbuf line;

	textbuf__init(&line, NULL);
	if (!geteuid() && !rights_user())
		log_info("who answers over HTTP stays root, without any capability: to become "
			 "another user takes CAP_SETUID, CAP_SETGID and CAP_CHOWN");
	if (rights_is_shut_in())
		log_warn("%s", RIGHTS_SHUT_IN);
	if (rights_put_missing(r, &line) && !line.err)
		log_warn("%.*s; all else works. Run it as root, or give it these capabilities",
			 (int)line.nr, line.v);
	textbuf__done(&line);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/begin.h"

#include <errno.h>
#include <fcntl.h>
#include <nss.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/outfile.h"

#define DESCRIPTORS 4096        /* that we make use of, if we may */
#define STACK_BYTES (4ul << 20) /* more than any command takes */

/* The static file would load nsswitch.conf's modules, and these the C library of the machine: another one. */
static void keep_to_own_names(void)
{
#ifdef PARKWATCH_STATIC
	__nss_configure_lookup("passwd", "files");
	__nss_configure_lookup("group", "files");
	__nss_configure_lookup("initgroups", "files");
	__nss_configure_lookup("hosts", "files dns");
#endif
}

/* as they were before begin() and --max-memory, for the programs that we start */
static const int limits[] = { RLIMIT_NOFILE, RLIMIT_AS };
static struct rlimit limits_before[2];

void begin_undo(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		setrlimit(limits[i], &limits_before[i]);
}

void begin(void)
{
	struct rlimit most;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		getrlimit(limits[i], &limits_before[i]);
	keep_to_own_names();
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		/*
		 * The lowest number that is free; what cannot be done there stays an error. No
		 * O_CLOEXEC: it is theirs.
		 */
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd &&
		    open("/", O_RDONLY | O_DIRECTORY) != fd)
			_exit(1);
	signal(SIGXFSZ, SIG_IGN);
	log_find_journal(getenv("JOURNAL_STREAM"));
	if (!getrlimit(RLIMIT_NOFILE, &most) && most.rlim_cur < most.rlim_max) {
		most.rlim_cur = most.rlim_max < DESCRIPTORS ? most.rlim_max : DESCRIPTORS;
		setrlimit(RLIMIT_NOFILE, &most);
	}
}

struct start {
	int (*run)(int, char **);
	int argc, status;
	char **argv;
};

/* makecontext() hands over int alone. */
static void start(unsigned int high, unsigned int low)
{
	struct start *s = (struct start *)((uintptr_t)high << 32 | low);

	s->status = s->run(s->argc, s->argv);
}

int begin_on_stack(int (*run)(int, char **), int argc, char **argv)
{
	struct start s = { run, argc, 1, argv };
	struct rlimit stack;
	ucontext_t here, there;
	void *room;

	if (getrlimit(RLIMIT_STACK, &stack) || stack.rlim_cur >= STACK_BYTES)
		return run(argc, argv);
	room = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (room == MAP_FAILED || getcontext(&there)) {
		log_error("no memory for a stack: %s", strerror(errno));
		return 1;
	}
	mprotect(room, getpagesize(), PROT_NONE); /* who goes beyond it is ended, as elsewhere */
	there.uc_stack.ss_sp = room;
	there.uc_stack.ss_size = STACK_BYTES;
	there.uc_link = &here;
	makecontext(&there, (void (*)(void))start, 2, (unsigned int)((uintptr_t)&s >> 32),
		    (unsigned int)(uintptr_t)&s);
	swapcontext(&here, &there);
	return s.status;
}

int end_of_print(int status)
{
	struct cause why = { "" };
	scoped(outfile) out = NULL;

	if (!outfile__open(NULL, 0, &out, &why) && !outfile__commit(out, &why))
		return status;
	log_error("%s", why.text);
	return 1;
}

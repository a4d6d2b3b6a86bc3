/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwsym PID info		what goproc says of the process: one line a runtime, one a module
 * pwsym PID frames		reads return addresses (hex, one a line) from standard input; writes
 *				for each PC N, then N lines FUNCTION TAB FILE TAB LINE TAB WRAPPER,
 *				innermost first
 * pwsym PID find NAME...	entry addresses of functions, and what it all took
 *
 * The other half of tests/integ/symbols.py, which compares with what the program says of itself.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "target/goproc.h"

#define FRAMES_PCS 1000

static void print_info(struct goproc *gp)
{
	for (size_t i = 0; i < goproc__nr_runtimes(gp); i++) {
		const struct goruntime *rt = goproc__runtime(gp, i);

		printf("runtime version=%s minor=%d buildmode=%s race=%d pie=%d cgo=%d stripped=%d "
		       "layout=%s allgs=%" PRIx64 " modules=%u build_id=%s\n",
		       rt->version, rt->minor, rt->buildmode, rt->race, rt->pie, rt->cgo,
		       rt->stripped, rt->layout_source == GOLAYOUT_DWARF ? "dwarf" : "table",
		       rt->allgs, rt->nr_modules, rt->build_id);
		for (uint32_t k = 0; k < rt->nr_modules; k++)
			printf("module %s %" PRIx64 "-%" PRIx64 "\n",
			       rt->modules[k].name[0] ? rt->modules[k].name : "-",
			       rt->modules[k].text, rt->modules[k].etext);
	}
}

static void print_frames(struct goproc *gp)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		uint64_t pc = strtoull(line, NULL, 16);
		struct goframe f[GOSYM_INLINE_MAX];
		int n = -ENOENT;

		for (size_t i = 0; n == -ENOENT && i < goproc__nr_runtimes(gp); i++)
			n = gosym__frames(goproc__runtime(gp, i)->sym, pc, true, f,
					  GOSYM_INLINE_MAX);
		printf("%" PRIx64 " %d\n", pc, n);
		for (int i = 0; i < n; i++)
			printf("%s\t%s\t%u\t%d\n", f[i].func, f[i].file, f[i].line, f[i].wrapper);
	}
}

static long max_rss_kib(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return ru.ru_maxrss;
}

/* Entries of the names, then frames of pcs spread evenly over the text, and how long each took. */
static void print_find(struct goproc *gp, const char *const *names, size_t nr, uint64_t open_ns)
{
	struct goruntime *rt = goproc__runtime(gp, 0);
	struct gofunc *fn = calloc(nr + 1, sizeof(*fn));
	uint64_t t = clock_now_ns(), find_ns, step;
	int err = gosym__find(rt->sym, 0, names, nr, fn);

	find_ns = clock_now_ns() - t;
	for (size_t i = 0; i < nr; i++)
		printf("%s %" PRIx64 "\n", names[i], err ? 0 : fn[i].entry);
	step = (rt->modules[0].maxpc - rt->modules[0].minpc) / FRAMES_PCS;
	t = clock_now_ns();
	for (int i = 0; i < FRAMES_PCS; i++) {
		struct goframe f[GOSYM_INLINE_MAX];

		gosym__frames(rt->sym, rt->modules[0].minpc + (uint64_t)i * step, true, f,
			      GOSYM_INLINE_MAX);
	}
	printf("open %.2f ms, find %.2f ms, %d frames %.2f ms, tables %zu KiB, resident %ld KiB\n",
	       (double)open_ns / NS_PER_MS, (double)find_ns / NS_PER_MS, FRAMES_PCS,
	       (double)(clock_now_ns() - t) / NS_PER_MS, gosym__memory_bytes(rt->sym) / 1024,
	       max_rss_kib());
	free(fn);
}

int main(int argc, char **argv)
{
	scoped(proc) p = NULL;
	scoped(goproc) gp = NULL;
	struct cause why = { "" };
	uint64_t t = clock_now_ns();

	if (argc < 3) {
		fprintf(stderr, "usage: pwsym PID info|frames|find NAME...\n");
		return 2;
	}
	if (proc__open(atoi(argv[1]), &p, &why) || goproc__open(p, &gp, &why)) {
		fprintf(stderr, "pwsym: %s\n", why.text[0] ? why.text : "no Go runtime");
		return 1;
	}
	t = clock_now_ns() - t;
	if (strcmp(argv[2], "info") == 0)
		print_info(gp);
	else if (strcmp(argv[2], "frames") == 0)
		print_frames(gp);
	else
		print_find(gp, (const char *const *)argv + 3, (size_t)argc - 3, t);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwday: what the supervisor of `parkwatch serve` holds after hours of looks, by a clock that this program turns.
 *
 *	pwday DIR LOOK.pw [TARGETS] [HOURS]	100 targets, 24 hours; DIR: an empty folder for the history on disk
 *
 * Each target is looked at every 10 s of that clock: 200 goroutines in ROWS places. In two targets one goroutine
 * more leaks every 10 minutes, for a day; everywhere one place of 20 changes in each hour, among 100 that the program has. A look is
 * counted, packed, sent through a pipe and taken by serve/watched as in the daemon; LOOK.pw, a real look, is what
 * goes on disk. Says for each hour `HOUR` memory in use (bytes, of the allocator), events, files and bytes on
 * disk, and at the end how many slow leaks were told.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/vec.h"
#include "model/tally.h"
#include "serve/digest.h"
#include "serve/remember.h"
#include "serve/store.h"
#include "serve/watched.h"

#define ROWS       20
#define GOROUTINES 200
#define LOOK_NS    (10 * NS_PER_SEC)
#define LEAK_NS    (600 * NS_PER_SEC)
#define HOUR_NS    (3600 * NS_PER_SEC)
#define TURNS      5 /* places that a goroutine has, one after the other */
#define LEAK_HOURS 24
#define LEAKING    2

static uint64_t now_ns = HOUR_NS;

/* In place of the C library's: every time that parkwatch asks for. */
int clock_gettime(clockid_t clock, struct timespec *ts)
{
	const uint64_t ns = now_ns + (clock == CLOCK_REALTIME ? 1800000000 * NS_PER_SEC : 0);

	*ts = (struct timespec){ .tv_sec = (time_t)(ns / NS_PER_SEC),
				 .tv_nsec = (long)(ns % NS_PER_SEC) };
	return 0;
}

struct day_target {
	struct watched *w;
	struct tally *tally; /* of its worker */
	uint64_t goid, leaked;
	int pipe;
};

struct day {
	struct day_target *v;
	size_t nr;
	char *look;
	size_t look_len;
	struct store *store;
	struct events events;
	uint64_t slow_leaks;
};

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "pwday: %s\n", what);
	exit(1);
}

static void open_target(struct day_target *t, size_t i)
{
	struct notice n = { .kind = NOTICE_WATCHED, .start_ticks = 100 + i };
	int fds[2];

	n.row.pid = (pid_t)(1000 + i);
	snprintf(n.row.exe, sizeof(n.row.exe), "/usr/bin/service-%zu", i);
	snprintf(n.row.go, sizeof(n.row.go), "go1.26");
	if (pipe2(fds, O_NONBLOCK) || tally__new(&t->tally) || watched__new(&n, &t->w))
		die("no memory, or no descriptors");
	t->w->level = LEVEL_LEAKS;
	t->pipe = fds[1];
	watched__attach(t->w, &n, fds[0]);
}

static void add_goroutines(struct day_target *t, bool leaks)
{
	const uint64_t hour = now_ns / HOUR_NS;
	char made[64], blocked[64];

	for (uint64_t i = 0; i < GOROUTINES; i++) {
		const uint64_t turn = hour + ROWS - 1 - i % ROWS,
			       at = i % ROWS + turn / ROWS % TURNS * ROWS;

		snprintf(made, sizeof(made), "main.start%" PRIu64, at);
		snprintf(blocked, sizeof(blocked), "main.run%" PRIu64 " /srv/run.go:%" PRIu64, at,
			 at);
		tally__add(t->tally,
			   &(struct tally_g){ .id = at << 32 | i,
					      .wait_ns = 1000,
					      .stack_bytes = 4096,
					      .row = tally__row(t->tally, made, blocked,
								(enum gostate)GOWAIT_SELECT),
					      .state = (enum gostate)GOWAIT_SELECT });
	}
	t->leaked += leaks && now_ns % LEAK_NS == 0 && hour <= LEAK_HOURS;
	for (uint64_t i = 0; i < t->leaked; i++)
		tally__add(t->tally,
			   &(struct tally_g){ .id = (uint64_t)1 << 62 | i,
					      .wait_ns = TALLY_UNKNOWN,
					      .stack_bytes = 2048,
					      .row = tally__row(t->tally, "main.leak",
								"main.lost /srv/leak.go:7",
								(enum gostate)GOWAIT_CHAN_RECEIVE),
					      .state = (enum gostate)GOWAIT_CHAN_RECEIVE });
}

static void send_look(struct day *d, struct day_target *t, bool leaks)
{
	const struct frame_figures figures = { .own_cpu_ns = now_ns / 1000,
					       .created = FRAME_UNKNOWN,
					       .ended = FRAME_UNKNOWN };
	struct frame_bytes parts[FRAME_PARTS] = { { NULL, 0 } };
	struct digest digest = { .sums_unix_ns = 0 };
	struct textbuf bytes;

	tally__begin(t->tally, now_ns);
	add_goroutines(t, leaks);
	if (tally__end(t->tally, &digest.look))
		die("no memory");
	textbuf__init(&bytes, NULL);
	digest__pack(&digest, &bytes);
	parts[FRAME_RECORDING] = (struct frame_bytes){ d->look, d->look_len };
	parts[FRAME_DIGEST] = (struct frame_bytes){ bytes.v, bytes.nr };
	if (frame_write(t->pipe, &figures, parts))
		die("a look does not fit into the pipe");
	textbuf__done(&bytes);
}

/* As the supervisor's loop does. */
static void take_look(struct day *d, struct day_target *t)
{
	const struct history_alarm *v;
	const uint64_t looks = t->w->looks;
	size_t nr;

	while (t->w->looks == looks)
		if (watched__read(t->w, d->store))
			die("a look is refused");
	if (!remember__alarms(t->w->history, t->w->id, &d->events))
		return;
	nr = history__alarms(t->w->history, &v);
	for (size_t i = 0; i < nr; i++)
		d->slow_leaks += v[i].kind == HISTORY_SLOW_LEAK;
}

static void an_hour(struct day *d)
{
	for (const uint64_t until = now_ns + HOUR_NS; now_ns < until; now_ns += LOOK_NS)
		for (size_t i = 0; i < d->nr; i++) {
			send_look(d, &d->v[i], i < LEAKING);
			take_look(d, &d->v[i]);
		}
}

static void read_file(const char *path, char **ret, size_t *ret_len)
{
	FILE *f = fopen(path, "re");
	struct stat st;

	if (!f || fstat(fileno(f), &st))
		die("cannot read the look");
	*ret = malloc((size_t)st.st_size);
	*ret_len = *ret ? fread(*ret, 1, (size_t)st.st_size, f) : 0;
	fclose(f);
}

int main(int argc, char **argv)
{
	const struct store_opts opts = { STORE_BYTES_MAX, STORE_AGE_MAX_S, STORE_FILES_MAX };
	struct day d = { .nr = argc > 3 ? (size_t)atoi(argv[3]) : 100 };
	const int hours = argc > 4 ? atoi(argv[4]) : 24;

	if (argc < 3)
		die("wanted: a folder, and a look");
	log_set_level(LOG_ERROR);
	read_file(argv[2], &d.look, &d.look_len);
	d.v = calloc(d.nr, sizeof(*d.v));
	if (!d.v || store__new(open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC), &opts, &d.store))
		die("cannot open the folder");
	for (size_t i = 0; i < d.nr; i++)
		open_target(&d.v[i], i);
	for (int hour = 1; hour <= hours; hour++) {
		struct store_counts on_disk;

		an_hour(&d);
		on_disk = store__counts(d.store);
		printf("HOUR %d %zu %zu %" PRIu64 " %" PRIu64 "\n", hour, mallinfo2().uordblks,
		       d.events.nr, on_disk.files, on_disk.bytes);
		fflush(stdout);
	}
	printf("SLOW_LEAKS %" PRIu64 "\n", d.slow_leaks);
	return 0;
}

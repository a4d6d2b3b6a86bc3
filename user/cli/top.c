// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/units.h"
#include "cli/begin.h"
#include "cli/commands.h"
#include "cli/top_looks.h"
#include "cli/top_screen.h"
#include "serve/ask.h"
#include "serve/secrets.h"
#include "serve/token.h"

#define TURN_MS    1000 /* that nothing may come before it is looked whether all is well */
#define PAGE       10   /* rows that a page key moves */
#define PACE_LEAST (100 * NS_PER_MS)
#define PACE_MOST  (3600 * NS_PER_SEC)

static const char usual_status[] =
	"q quit  h help  Enter open  Esc back  / filter  < > sort  R reverse  s delay";
static const char *const help_lines[] = {
	"q           quit",
	"h ?         this; any key leaves it",
	"Enter Right open: the sites of a process, the stack of a site",
	"Esc Left    back",
	"j k arrows  one row down, up; also Page Up, Page Down, Home, End",
	"/           filter: only rows with this text; Esc takes it away",
	"s d         seconds from one look to the next",
	"Space       look now",
	"< >         sort by the column to the left, to the right",
	"R           the other way round",
	NULL
};

enum view { ALL, SITES, STACK, HELP, VIEWS };

struct top {
	struct top_data data;
	enum view view;
	bool from_all;   /* Esc leads back to all processes */
	uint32_t row;    /* of STACK */
	enum view under; /* HELP */
	struct top_choice choice[VIEWS];
	struct top_table table; /* of the view */
	char prompt;            /* '/' or 's': keys go into text; 0 */
	char text[TOP_FILTER_MAX];
	struct cause said; /* what is amiss, until a key, or a look at the process */
	bool is_of_key;    /* said is: until a key */
	bool screen, quit;
	uint64_t left; /* looks to come; 0: no end */
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

/* --- what is seen --- */

static int make_table(struct top *t, struct top_table *ret)
{
	struct top_table of = { .nr = 0 };
	int err;

	switch (t->view) {
	case STACK: return top_data__stack(&t->data, t->row, ret);
	case HELP:
		err = top_data__table(&t->data, &of);
		if (!err)
			err = top_help__new(help_lines, &of, ret);
		top_table__done(&of);
		return err;
	default: return top_data__table(&t->data, ret);
	}
}

/* After a look, or if another view is chosen. */
static int renew(struct top *t)
{
	top_table__done(&t->table);
	return make_table(t, &t->table);
}

static void put_status(const struct top *t, char *to, size_t room)
{
	const char *filter = t->choice[t->view].filter;

	if (t->prompt)
		snprintf(to, room, "%s%s_",
			 t->prompt == '/' ? "only rows with: " : "seconds from look to look: ",
			 t->text);
	else if (t->said.text[0])
		snprintf(to, room, "%s", t->said.text);
	else if (t->data.ended)
		snprintf(to, room, "pid %d has ended. %s", (int)t->data.pid, usual_status);
	else if (filter[0])
		snprintf(to, room, "only rows with '%s' (/ Esc: all). %s", filter, usual_status);
	else
		snprintf(to, room, "%s", usual_status);
}

static void draw(struct top *t)
{
	struct top_page p = { .table = &t->table };
	char status[512];

	put_status(t, status, sizeof(status));
	p.status = status;
	top_data__titles(&t->data, &p);
	top_table__arrange(&t->table, &t->choice[t->view]);
	top_screen_begin();
	top_page__put(&p, &t->choice[t->view], top_screen_height(), top_screen_put, NULL);
	top_screen_end();
}

static void print_line(void *ctx, size_t y, enum top_look look, const char *text)
{
	(void)ctx;
	(void)y;
	(void)look;
	puts(text);
}

static int print(struct top *t)
{
	struct top_page p = { .table = &t->table };

	top_data__titles(&t->data, &p);
	top_table__arrange(&t->table, &t->choice[t->view]);
	top_page__put(&p, &t->choice[t->view], 0, print_line, NULL);
	if (t->left != 1)
		puts("");
	return fflush(stdout) ? -errno : 0;
}

/* --- keys --- */

static int look_anew(struct top *t, uint64_t pace_ns)
{
	return top_data__again(&t->data, pace_ns);
}

static int show_view(struct top *t, enum view view)
{
	t->view = view;
	t->said.text[0] = '\0';
	return renew(t);
}

/* Other data: what was seen of the one before is gone. */
static int show_data(struct top *t, pid_t pid)
{
	const int err = top_data__open(&t->data, pid);

	if (pid)
		t->choice[SITES].chosen = false;
	return err ? err : show_view(t, pid ? SITES : ALL);
}

static int enter(struct top *t)
{
	const uint64_t selected = t->choice[t->view].selected;

	if (t->view > SITES || !t->table.nr_shown)
		return 0;
	if (t->view == ALL) {
		t->from_all = true;
		return show_data(t, (pid_t)selected);
	}
	t->row = (uint32_t)selected;
	t->choice[STACK].chosen = false;
	return t->data.look ? show_view(t, STACK) : 0;
}

static int back(struct top *t)
{
	if (t->view == HELP)
		return show_view(t, t->under);
	if (t->view == STACK)
		return show_view(t, SITES);
	return t->view == SITES && t->from_all ? show_data(t, 0) : 0;
}

static int prompt__end(struct top *t, bool taken)
{
	uint64_t ns;
	const char prompt = t->prompt;

	t->prompt = 0;
	if (prompt == '/') {
		snprintf(t->choice[t->view].filter, TOP_FILTER_MAX, "%s", taken ? t->text : "");
		return 0;
	}
	if (!taken)
		return 0;
	if (units_time(t->text, &ns) || ns < PACE_LEAST || ns > PACE_MOST) {
		snprintf(t->said.text, sizeof(t->said.text), "'%s' is no time from 0.1s to 1h",
			 t->text);
		t->is_of_key = true;
		return 0;
	}
	return look_anew(t, ns);
}

static int prompt__key(struct top *t, int key)
{
	const size_t len = strlen(t->text);

	if (key == TOP_KEY_ENTER || key == TOP_KEY_BACK)
		return prompt__end(t, key == TOP_KEY_ENTER);
	if (key == TOP_KEY_ERASE && len)
		t->text[len - 1] = '\0';
	else if (key >= ' ' && key < 256 && len + 1 < sizeof(t->text)) {
		t->text[len] = (char)key;
		t->text[len + 1] = '\0';
	}
	return 0;
}

static void prompt__begin(struct top *t, char what)
{
	t->prompt = what;
	t->text[0] = '\0';
}

static long rows_of(int key)
{
	switch (key) {
	case 'j':
	case TOP_KEY_DOWN: return 1;
	case 'k':
	case TOP_KEY_UP: return -1;
	case TOP_KEY_PAGE_DOWN: return PAGE;
	case TOP_KEY_PAGE_UP: return -PAGE;
	case TOP_KEY_HOME: return -INT32_MAX;
	case TOP_KEY_END: return INT32_MAX;
	default: return 0;
	}
}

static int press(struct top *t, int key)
{
	struct top_choice *c = &t->choice[t->view];

	t->said.text[0] = '\0';
	t->is_of_key = false;
	if (t->prompt)
		return prompt__key(t, key);
	if (rows_of(key)) {
		top_choice__move(c, &t->table, rows_of(key));
		return 0;
	}
	if (t->view == HELP)
		return key == TOP_KEY_RESIZE ? 0 : back(t);
	switch (key) {
	case 'q': t->quit = true; return 0;
	case 'h':
	case '?': t->under = t->view; return show_view(t, HELP);
	case TOP_KEY_ENTER: return enter(t);
	case TOP_KEY_BACK:
	case TOP_KEY_ERASE: return back(t);
	case ' ': return look_anew(t, t->data.pace_ns);
	case '/': prompt__begin(t, '/'); return 0;
	case 's':
	case 'd': prompt__begin(t, 's'); return 0;
	case 'R': c->reverse = !c->reverse; return 0;
	case '<':
	case '>': top_choice__next_column(c, &t->table, key == '<' ? -1 : 1); return 0;
	default: (void)top_choice__key(c, &t->table, (char)(key < 128 ? key : 0)); return 0;
	}
}

/* --- the loop --- */

/* Signals come here, and nowhere else between this and the next look at `stopped`. */
static void wait_for(const struct top *t)
{
	struct pollfd fds[2] = { { .fd = t->screen ? STDIN_FILENO : -1, .events = POLLIN },
				 { .fd = t->data.looker.from.fd, .events = POLLIN } };
	const struct timespec turn = { TURN_MS / 1000, 0 };
	sigset_t ours, before;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &ours, &before);
	if (!stopped)
		(void)ppoll(fds, 2, &turn, &before);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

/* A look came. The screen opens with the first: what is wrong until then is said in one line. */
static int show_look(struct top *t, bool batch, struct cause *why)
{
	int err = renew(t);

	if (!err && batch)
		err = print(t);
	if (!err && !batch && !t->screen) {
		err = top_screen_open(why);
		t->screen = !err;
	}
	if (err)
		return cause__set(why, err, "cannot show it: %s", strerror(-err));
	if (t->data.pid && !t->is_of_key)
		t->said.text[0] = '\0';
	if (t->left && !--t->left)
		t->quit = true;
	return 0;
}

static int turn(struct top *t, bool batch, struct cause *why)
{
	struct cause said = { "" };
	int got, key, err = 0;

	wait_for(t);
	got = top_data__read(&t->data, &said);
	if (got < 0 && t->screen && t->from_all && t->data.pid) {
		/* one of many, which cannot be looked at: back to them, and why */
		err = show_data(t, 0);
		t->said = said;
	} else if (got < 0) {
		*why = said;
		return got;
	} else if (said.text[0]) {
		t->said = said;
	}
	if (got > 0)
		err = show_look(t, batch, why);
	while (t->screen && !err && !t->quit && (key = top_screen_key()) != TOP_KEY_NONE) {
		err = press(t, key);
		if (!err)
			top_table__arrange(&t->table, &t->choice[t->view]);
	}
	if (t->data.ended && !t->screen)
		t->quit = true;
	if (t->screen && !err && !t->quit)
		draw(t);
	return err ? cause__set(why, err, "cannot show it: %s", strerror(-err)) : 0;
}

static void catch_signals(void)
{
	const struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	(void)sigaction(SIGINT, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
	(void)sigaction(SIGHUP, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void choose_order(struct top *t, int key)
{
	struct top_table of;

	t->choice[ALL].sort = TOP_PROCESS_LEAKS;
	t->choice[SITES].sort = TOP_SITE_TREND;
	if (key && !top_data__table(&t->data, &of)) {
		(void)top_choice__key(&t->choice[t->view], &of, (char)key);
		t->choice[t->view].reverse = false;
		top_table__done(&of);
	}
}

int cmd_top(const struct opts *o)
{
	struct top t = { .view = o->pid ? SITES : ALL, .left = o->iterations };
	scoped(token) token = NULL;
	struct cause why = { "" };
	int err = o->batch ? 0 : top_screen_check(&why);

	if (!err && o->token_file)
		err = secrets_read_token(o->token_file, &token, &why);
	top_data__init(&t.data,
		       &(struct ask_whom){ .url = o->daemon ? o->daemon : ASK_URL,
					   .token = token,
					   .named = o->daemon },
		       o->delay_ns);
	if (!err) {
		catch_signals();
		err = top_data__open(&t.data, o->pid);
	}
	if (!err)
		choose_order(&t, o->top_sort);
	while (!err && !t.quit && !stopped)
		err = turn(&t, o->batch, &why);
	top_screen_close();
	if (!err && t.data.ended && (o->batch || !t.screen))
		log_info("pid %d has ended", o->pid);
	top_data__done(&t.data);
	top_table__done(&t.table);
	if (err)
		log_error("%s", why.text[0] ? why.text : strerror(-err));
	return err ? 1 : end_of_print(0);
}

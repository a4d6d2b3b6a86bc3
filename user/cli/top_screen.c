// SPDX-License-Identifier: BSD-2-Clause
#define NCURSES_WIDECHAR 1
#include "cli/top_screen.h"

#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#define ESCAPE    27
#define ESCAPE_MS 25 /* after which it is the key, and not what a key sends */
/* The static file reads no locale of the machine, which is for another C library. */
#ifdef PARKWATCH_STATIC
#define LOCALE "C.UTF-8"
#else
#define LOCALE ""
#endif
#define INSTEAD "'parkwatch top -b' writes text"

int top_screen_check(struct cause *why)
{
	const char *term = getenv("TERM");
	int found;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return cause__set(why, -ENOTTY, "this is no terminal: " INSTEAD);
	if (!term || !term[0])
		return cause__set(why, -ENOTTY,
				  "TERM does not say which terminal this is: " INSTEAD);
	if (setupterm(NULL, STDOUT_FILENO, &found) != OK || !cursor_address)
		return cause__set(why, -ENOTTY, "terminal '%s' cannot show it: " INSTEAD, term);
	return 0;
}

int top_screen_open(struct cause *why)
{
	(void)setlocale(LC_CTYPE, LOCALE);
	if (!newterm(NULL, stdout, stdin))
		return cause__set(why, -ENOTTY, "the terminal cannot be used: " INSTEAD);
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)curs_set(0);
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	(void)set_escdelay(ESCAPE_MS);
	return 0;
}

void top_screen_close(void)
{
	if (stdscr && !isendwin())
		(void)endwin();
}

size_t top_screen_height(void)
{
	return LINES > 0 ? (size_t)LINES : 0;
}

void top_screen_begin(void)
{
	(void)erase();
}

/* As wide as the terminal at most; what is not to be printed here, by the locale, is '?'. */
static size_t to_wide(const char *text, wchar_t *to, size_t room, int most)
{
	mbstate_t state = { 0 };
	size_t nr = 0;
	int used = 0;

	while (*text && nr < room) {
		wchar_t c;
		const size_t n = mbrtowc(&c, text, strlen(text), &state);
		const bool bad = !n || n > MB_CUR_MAX;

		if (bad)
			state = (mbstate_t){ 0 };
		if (bad || !iswprint((wint_t)c) || wcwidth(c) < 0)
			c = L'?';
		used += wcwidth(c);
		if (used > most)
			break;
		to[nr++] = c;
		text += bad ? 1 : n;
	}
	return nr;
}

void top_screen_put(void *ctx, size_t y, enum top_look look, const char *text)
{
	static const attr_t attributes[] = { [TOP_TITLE] = A_BOLD,
					     [TOP_HEAD] = A_REVERSE,
					     [TOP_SELECTED] = A_REVERSE,
					     [TOP_STATUS] = A_DIM };
	const attr_t a = (size_t)look < sizeof(attributes) / sizeof(*attributes) ? attributes[look]
										 : A_NORMAL;
	wchar_t wide[TOP_LINE_MAX];
	const size_t nr = to_wide(text, wide, TOP_LINE_MAX, COLS);

	(void)ctx;
	if (y >= top_screen_height())
		return;
	(void)attrset(a);
	(void)mvaddnwstr((int)y, 0, wide, (int)nr);
	if (a & A_REVERSE)
		(void)mvchgat((int)y, 0, -1, A_REVERSE, 0, NULL);
	(void)attrset(A_NORMAL);
}

void top_screen_end(void)
{
	(void)refresh();
}

int top_screen_key(void)
{
	const int key = getch();

	switch (key) {
	case ERR: return TOP_KEY_NONE;
	case KEY_UP: return TOP_KEY_UP;
	case KEY_DOWN: return TOP_KEY_DOWN;
	case KEY_PPAGE: return TOP_KEY_PAGE_UP;
	case KEY_NPAGE: return TOP_KEY_PAGE_DOWN;
	case KEY_HOME: return TOP_KEY_HOME;
	case KEY_END: return TOP_KEY_END;
	case '\n':
	case '\r':
	case KEY_RIGHT:
	case KEY_ENTER: return TOP_KEY_ENTER;
	case ESCAPE:
	case KEY_LEFT: return TOP_KEY_BACK;
	case 8:
	case 127:
	case KEY_BACKSPACE: return TOP_KEY_ERASE;
	case KEY_RESIZE: return TOP_KEY_RESIZE;
	default: return key < 256 ? key : TOP_KEY_OTHER;
	}
}

// SPDX-License-Identifier: BSD-2-Clause
#include "view/top_table.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/vec.h"

#define ROWS_LEAST 2 /* of a page: titles go before these do */

int top_table__init(struct top_table *t, const struct top_column *columns, size_t nr_columns)
{
	*t = (struct top_table){ .columns = columns, .nr_columns = nr_columns };
	for (size_t i = 0; i < nr_columns; i++)
		t->width[i] = columns[i].width;
	return textpool__new(&t->texts);
}

void top_table__done(struct top_table *t)
{
	free(t->rows);
	textpool__free(t->texts);
	*t = (struct top_table){ .nr = 0 };
}

struct top_row *top_table__add(struct top_table *t, uint64_t id)
{
	struct top_row *r;

	if (vec__reserve(&t->rows, &t->room, t->nr + 1, sizeof(*t->rows)))
		return NULL;
	r = &t->rows[t->nr++];
	r->id = id;
	for (size_t i = 0; i < TOP_COLUMNS_MAX; i++) {
		r->number[i] = NAN;
		r->cell[i] = "";
	}
	return r;
}

/* --- order --- */

struct order {
	const struct top_table *t;
	const struct top_choice *c;
};

/* Capitals or not. */
static bool takes(const struct top_table *t, const struct top_row *r, const char *filter)
{
	for (size_t i = 0; i < t->nr_columns; i++)
		if (strcasestr(r->cell[i], filter))
			return true;
	return false;
}

static int compare_numbers(double x, double y)
{
	if (isnan(x) || isnan(y))
		return isnan(x) - isnan(y);
	return (x < y) - (x > y);
}

static int compare_by(const struct top_table *t, size_t column, const struct top_row *x,
		      const struct top_row *y)
{
	return t->columns[column].by_text ? strcmp(x->cell[column], y->cell[column])
					  : compare_numbers(x->number[column], y->number[column]);
}

static int compare_rows(const void *a, const void *b, void *ctx)
{
	const struct order *o = ctx;
	const struct top_row *x = a, *y = b;
	int order = compare_by(o->t, o->c->sort, x, y);

	if (o->c->reverse)
		order = -order;
	for (size_t i = 1; i < o->t->nr_columns && !order; i++)
		order = compare_by(o->t, (o->c->sort + i) % o->t->nr_columns, x, y);
	return order ? order : (x->id > y->id) - (x->id < y->id);
}

void top_table__arrange(struct top_table *t, struct top_choice *c)
{
	size_t at = 0;

	c->at = c->chosen ? c->at : 0;
	t->nr_shown = t->in_order ? t->nr : 0;
	for (size_t i = t->nr_shown; i < t->nr; i++)
		if (takes(t, &t->rows[i], c->filter)) {
			const struct top_row r = t->rows[i];

			t->rows[i] = t->rows[t->nr_shown];
			t->rows[t->nr_shown++] = r;
		}
	if (t->nr_shown && !t->in_order)
		qsort_r(t->rows, t->nr_shown, sizeof(*t->rows), compare_rows,
			&(struct order){ t, c });
	while (c->chosen && at < t->nr_shown && t->rows[at].id != c->selected)
		at++;
	if (c->chosen && at < t->nr_shown)
		c->at = at;
	top_choice__move(c, t, 0);
}

void top_choice__move(struct top_choice *c, const struct top_table *t, long rows)
{
	const size_t last = t->nr_shown ? t->nr_shown - 1 : 0;

	c->chosen |= rows != 0;
	if (rows < 0)
		c->at -= (size_t)-rows < c->at ? (size_t)-rows : c->at;
	else
		c->at = last - c->at < (size_t)rows || c->at > last ? last : c->at + (size_t)rows;
	c->selected = t->nr_shown ? t->rows[c->at].id : 0;
}

void top_choice__next_column(struct top_choice *c, const struct top_table *t, int step)
{
	size_t to = c->sort;

	do
		to = (to + t->nr_columns + (size_t)step) % t->nr_columns;
	while ((!t->columns[to].key || !t->width[to]) && to != c->sort);
	c->sort = to;
	c->reverse = false;
}

bool top_choice__key(struct top_choice *c, const struct top_table *t, char key)
{
	for (size_t i = 0; key && i < t->nr_columns; i++)
		if (t->columns[i].key == key && t->width[i]) {
			c->reverse = c->sort == i && !c->reverse;
			c->sort = i;
			return true;
		}
	return false;
}

/* --- lines --- */

struct line {
	char text[TOP_LINE_MAX];
	size_t nr;
};

/* The characters of a text; those of UTF-8 are one each. */
static int length_of(const char *text)
{
	int nr = 0;

	for (; *text; text++)
		nr += ((unsigned char)*text & 0xc0) != 0x80;
	return nr;
}

static void line__put(struct line *l, const char *text)
{
	const size_t room = sizeof(l->text) - l->nr, len = strlen(text);
	const size_t n = len < room ? len : room - 1;

	memcpy(l->text + l->nr, text, n);
	l->nr += n;
	l->text[l->nr] = '\0';
}

static void line__blanks(struct line *l, int nr)
{
	while (nr-- > 0)
		line__put(l, " ");
}

/* mark: of the column that it is sorted by */
static void line__cell(struct line *l, int width, bool last, const char *text, const char *mark)
{
	const int blanks = abs(width) - length_of(text) - length_of(mark);

	if (!width)
		return;
	if (width > 0)
		line__blanks(l, blanks);
	line__put(l, text);
	line__put(l, mark);
	if (last)
		return;
	line__blanks(l, width > 0 ? 0 : blanks);
	line__put(l, "  ");
}

static void put_head(const struct top_table *t, const struct top_choice *c, struct line *l)
{
	*l = (struct line){ .nr = 0 };
	for (size_t i = 0; i < t->nr_columns; i++)
		line__cell(l, t->width[i], i + 1 == t->nr_columns, t->columns[i].name,
			   t->in_order || i != c->sort ? ""
			   : c->reverse                ? "^"
						       : "v");
}

static void put_row(const struct top_table *t, const struct top_row *r, struct line *l)
{
	*l = (struct line){ .nr = 0 };
	for (size_t i = 0; i < t->nr_columns; i++)
		line__cell(l, t->width[i], i + 1 == t->nr_columns, r->cell[i], "");
	/* a line that is cut may end within a character */
	clean_text(l->text);
}

static void put_clean(top_put put, void *ctx, size_t y, enum top_look look, const char *text)
{
	char line[TOP_LINE_MAX];

	clean(line, sizeof(line), text);
	put(ctx, y, look, line);
}

void top_page__put(const struct top_page *p, struct top_choice *c, size_t height, top_put put,
		   void *ctx)
{
	const struct top_table *t = p->table;
	const size_t others = 1 + (p->status && height), /* the head, and the status */
		free_lines = height > others + ROWS_LEAST ? height - others - ROWS_LEAST : 0,
		     titles = !height || p->nr_titles < free_lines ? p->nr_titles : free_lines,
		     rows = !height                    ? t->nr_shown
			    : height > titles + others ? height - titles - others
						       : 0;
	struct line l;
	size_t y = 0;

	for (size_t i = 0; i < titles; i++)
		put_clean(put, ctx, y++, TOP_TITLE, p->title[i]);
	if (!height || height > y) {
		put_head(t, c, &l);
		put(ctx, y++, TOP_HEAD, l.text);
	}
	if (c->at < c->first)
		c->first = c->at;
	if (rows && c->at >= c->first + rows)
		c->first = c->at - rows + 1;
	if (!height || c->first + rows > t->nr_shown) /* the page is full, if there is enough */
		c->first = height && t->nr_shown > rows ? t->nr_shown - rows : 0;
	for (size_t i = c->first; i < t->nr_shown && i < c->first + rows; i++) {
		put_row(t, &t->rows[i], &l);
		put(ctx, y++, height && i == c->at ? TOP_SELECTED : TOP_PLAIN, l.text);
	}
	if (p->status && height > 1)
		put_clean(put, ctx, height - 1, TOP_STATUS, p->status);
}

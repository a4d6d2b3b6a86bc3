// SPDX-License-Identifier: BSD-2-Clause
#include "names/filter.h"

#include <ctype.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/units.h"
#include "golang/gofacts.h"
#include "golang/gostate.h"
#include "names/name_match.h"

struct clause {
	enum filter_kind kind;
	bool negate;
	bool prefix;       /* wait: the text is only the beginning */
	char *text;        /* state, wait, label; owned */
	uint64_t *numbers; /* goid, p: ascending; older: one; owned */
	size_t nr_numbers;
	regex_t re; /* func, created-by */
	bool has_re;
};

struct filter {
	struct clause v[FILTER_CLAUSES_MAX];
	size_t nr;
};

static const char *const names[FILTER_KINDS] = {
	[FILTER_STATE] = "state",
	[FILTER_WAIT] = "wait",
	[FILTER_OLDER] = "older",
	[FILTER_GOID] = "goid",
	[FILTER_P] = "p",
	[FILTER_FUNC] = "func",
	[FILTER_CREATED_BY] = "created-by",
	[FILTER_LABEL] = "label",
};

int filter__new(struct filter **ret)
{
	struct filter *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*ret = p;
	return 0;
}

static void clause__done(struct clause *c)
{
	free(c->text);
	free(c->numbers);
	if (c->has_re)
		regfree(&c->re);
}

void filter__free(struct filter *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nr; i++)
		clause__done(&p->v[i]);
	free(p);
}

static int clause__numbers(struct clause *c, const char *value, struct cause *why)
{
	const char *at = value;
	char *end;

	c->numbers = reallocarray(NULL, FILTER_NUMBERS_MAX, sizeof(*c->numbers));
	if (!c->numbers)
		return -ENOMEM;
	do {
		errno = 0;
		if (c->nr_numbers == FILTER_NUMBERS_MAX || !isdigit((unsigned char)*at))
			break;
		c->numbers[c->nr_numbers] = strtoull(at, &end, 10);
		if (errno || (*end && *end != ','))
			break;
		c->nr_numbers++;
		if (!*end) {
			qsort(c->numbers, c->nr_numbers, sizeof(*c->numbers), order_u64);
			return 0;
		}
		at = end + 1;
	} while (true);
	return cause__set(why, -EINVAL, "bad %s '%s': numbers with commas between are wanted",
			  names[c->kind], value);
}

static bool is_status(const char *word, size_t len)
{
	for (uint32_t s = GOSTATUS_IDLE; s <= GOSTATUS_LEAKED; s++) {
		const char *name = gostatus_name(GO_MINOR_MAX, s);

		if (name && strlen(name) == len && !strncmp(name, word, len))
			return true;
	}
	return false;
}

static int clause__time(struct clause *c, const char *value, struct cause *why)
{
	c->numbers = malloc(sizeof(*c->numbers));
	if (!c->numbers)
		return -ENOMEM;
	if (!units_time(value, c->numbers))
		return 0;
	return cause__set(why, -EINVAL, "bad %s '%s': a time such as 30s, 2m or 500ms is wanted",
			  names[c->kind], value);
}

static int clause__states(struct clause *c, const char *value, struct cause *why)
{
	for (const char *at = value;; at++) {
		size_t len = strcspn(at, ",");

		if (!is_status(at, len))
			return cause__set(why, -EINVAL,
					  "bad state '%s': idle, runnable, running, syscall, "
					  "waiting, copystack, preempted or "
					  "leaked is wanted; what it waits for is --wait",
					  value);
		at += len;
		if (!*at)
			break;
	}
	c->text = strdup(value);
	return c->text ? 0 : -ENOMEM;
}

static int clause__text(struct clause *c, const char *value, struct cause *why)
{
	size_t len = strlen(value);

	if (!len || (c->kind == FILTER_LABEL && value[0] == '='))
		return cause__set(why, -EINVAL, "bad %s '%s': %s is wanted", names[c->kind], value,
				  c->kind == FILTER_LABEL
					  ? "key=value or key"
					  : "a reason such as 'chan receive' or 'chan*'");
	c->text = strdup(value);
	if (!c->text)
		return -ENOMEM;
	c->prefix = c->kind == FILTER_WAIT && value[len - 1] == '*';
	if (c->prefix)
		c->text[len - 1] = '\0';
	return 0;
}

static int clause__regex(struct clause *c, const char *value, struct cause *why)
{
	int err = name_regex(&c->re, value);
	char words[128];

	c->has_re = !err;
	if (!err)
		return 0;
	regerror(err, &c->re, words, sizeof(words));
	return cause__set(why, -EINVAL, "bad regular expression '%s' of --%s: %s", value,
			  names[c->kind], words);
}

static int clause__fill(struct clause *c, const char *value, struct cause *why)
{
	switch (c->kind) {
	case FILTER_STATE: return clause__states(c, value, why);
	case FILTER_OLDER: return clause__time(c, value, why);
	case FILTER_GOID:
	case FILTER_P: return clause__numbers(c, value, why);
	case FILTER_FUNC:
	case FILTER_CREATED_BY: return clause__regex(c, value, why);
	default: return clause__text(c, value, why);
	}
}

static int filter__add_not(struct filter *p, const char *text, struct cause *why)
{
	const char *equals = strchr(text, '=');
	char name[16];

	if (!equals || (size_t)(equals - text) >= sizeof(name))
		return cause__set(why, -EINVAL,
				  "bad --not '%s': FILTER=VALUE is wanted, such as func=^net/http",
				  text);
	memcpy(name, text, (size_t)(equals - text));
	name[equals - text] = '\0';
	return filter__add(p, name, equals + 1, true, why);
}

int filter__add(struct filter *p, const char *name, const char *value, bool negate,
		struct cause *why)
{
	enum filter_kind kind = 0;
	struct clause *c;
	int err;

	if (!negate && !strcmp(name, "not"))
		return filter__add_not(p, value, why);
	if (p->nr == FILTER_CLAUSES_MAX)
		return cause__set(why, -ENOSPC, "too many filters: %d is the most",
				  FILTER_CLAUSES_MAX);
	while (kind < FILTER_KINDS && strcmp(names[kind], name))
		kind++;
	if (kind == FILTER_KINDS)
		return cause__set(why, -EINVAL,
				  "there is no filter '%s': state, wait, older, goid, p, func, "
				  "created-by or label is wanted",
				  name);
	c = &p->v[p->nr];
	*c = (struct clause){ .kind = kind, .negate = negate };
	err = clause__fill(c, value, why);
	if (err)
		clause__done(c);
	else
		p->nr++;
	return err;
}

bool filter__asks(const struct filter *p, enum filter_kind kind)
{
	for (size_t i = 0; i < p->nr; i++)
		if (p->v[i].kind == kind)
			return true;
	return false;
}

uint64_t filter__hits(const struct filter *p, enum filter_kind kind, const char *name)
{
	uint64_t hits = 0;

	for (size_t i = 0; i < p->nr; i++)
		if (p->v[i].kind == kind && p->v[i].has_re && name_match(&p->v[i].re, name))
			hits |= 1ULL << i;
	return hits;
}

static bool has_number(const struct clause *c, uint64_t n)
{
	return bsearch(&n, c->numbers, c->nr_numbers, sizeof(n), order_u64);
}

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (!strncmp(list, word, len) && (!list[len] || list[len] == ','))
			return true;
	}
	return false;
}

static bool has_label(const char *want, const struct label_set *set)
{
	for (size_t i = 0; i < set->nr; i++) {
		size_t len = strlen(set->v[i].key);

		/* A key may have a '=' of its own. */
		if (!strcmp(want, set->v[i].key) ||
		    (!strncmp(want, set->v[i].key, len) && want[len] == '=' &&
		     !strcmp(want + len + 1, set->v[i].value)))
			return true;
	}
	return false;
}

static bool clause__matches(const struct clause *c, size_t i, const struct filter_subject *s)
{
	switch (c->kind) {
	case FILTER_STATE: return has_word(c->text, s->status);
	case FILTER_WAIT:
		return s->reason && (c->prefix ? !strncmp(s->reason, c->text, strlen(c->text))
					       : !strcmp(s->reason, c->text));
	case FILTER_OLDER: return s->wait_ns != FILTER_UNKNOWN && s->wait_ns >= c->numbers[0];
	case FILTER_GOID: return has_number(c, s->goid);
	case FILTER_P: return s->p >= 0 && has_number(c, (uint64_t)s->p);
	case FILTER_FUNC: return s->func_hits >> i & 1;
	case FILTER_CREATED_BY: return s->created_by_hits >> i & 1;
	case FILTER_LABEL: return has_label(c->text, s->labels);
	case FILTER_KINDS: break;
	}
	return false;
}

bool filter__allows(const struct filter *p, enum filter_kind kind, const struct filter_subject *s)
{
	bool asked = false, held = false;

	for (size_t i = 0; i < p->nr; i++) {
		const struct clause *c = &p->v[i];
		const bool matches = c->kind == kind && clause__matches(c, i, s);

		if (c->negate && matches)
			return false;
		asked |= c->kind == kind && !c->negate;
		held |= matches;
	}
	return held || !asked;
}

bool filter__takes(const struct filter *p, const struct filter_subject *s)
{
	for (int kind = 0; kind < FILTER_KINDS; kind++)
		if (!filter__allows(p, (enum filter_kind)kind, s))
			return false;
	return true;
}

/* The i-th of its kind; NULL: there is none. */
static const struct clause *filter__at(const struct filter *p, enum filter_kind kind, size_t i)
{
	for (size_t k = 0; k < p->nr; k++)
		if (p->v[k].kind == kind && !i--)
			return &p->v[k];
	return NULL;
}

bool filter__text(const struct filter *p, enum filter_kind kind, size_t i, const char **ret)
{
	const struct clause *c = filter__at(p, kind, i);

	if (c)
		*ret = c->text;
	return c;
}

bool filter__numbers(const struct filter *p, enum filter_kind kind, size_t i, const uint64_t **ret,
		     size_t *ret_nr)
{
	const struct clause *c = filter__at(p, kind, i);

	if (!c)
		return false;
	*ret = c->numbers;
	*ret_nr = c->nr_numbers;
	return true;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "view/old_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/radix.h"

struct reader {
	struct old_dump *o;
	const char *name; /* of the file, for messages */
	const struct filter *filter;
	bool system;
	size_t at;
	size_t cap; /* of o->gs */
	struct json_tokener *tok;
	struct label_set *labels; /* room for LABELS_MAX */
};

void old_dump__free(struct old_dump *o)
{
	if (!o)
		return;
	textpool__free(o->texts);
	free(o->text);
	free(o->gs);
	free(o);
}

const char *old_dump__made(struct old_dump *o, const char *func, const char *file, uint64_t line)
{
	return func ? textpool__format(o->texts, "%s at %s:%" PRIu64, func, file, line)
		    : textpool__get(o->texts, "no go statement that is known");
}

int old_dump__is_of(const struct old_dump *o, const char *name, int64_t pid, const char *exe,
		    struct cause *why)
{
	if (!o->pid || (o->pid == pid && !strcmp(o->exe, exe)))
		return 0;
	return cause__set(why, -EINVAL,
			  "'%s' is of pid %" PRId64 " (%s), not of pid %" PRId64
			  " (%s): goroutine numbers mean nothing there",
			  name, o->pid, o->exe, pid, exe);
}

/* --- JSON --- */

static int damaged(const struct reader *rd, const char *what, struct cause *why)
{
	return cause__set(why, -EBADMSG,
			  "'%s' is no dump: byte %zu: %s; 'parkwatch dump -f json' writes one",
			  rd->name, rd->at, what);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next character that is no white space; 0 at the end. */
static char peek(struct reader *rd)
{
	while (rd->at < rd->o->len && is_space(rd->o->text[rd->at]))
		rd->at++;
	return rd->at < rd->o->len ? rd->o->text[rd->at] : 0;
}

/* One whole value; the caller puts it. */
static int read_value(struct reader *rd, struct json_object **ret, struct cause *why)
{
	const size_t left = rd->o->len - rd->at;
	enum json_tokener_error err;

	json_tokener_reset(rd->tok);
	*ret = json_tokener_parse_ex(rd->tok, rd->o->text + rd->at,
				     left > INT_MAX ? INT_MAX : (int)left);
	err = json_tokener_get_error(rd->tok);
	if (err != json_tokener_success) {
		json_object_put(*ret);
		return damaged(rd,
			       err == json_tokener_continue ? "it ends too early"
							    : json_tokener_error_desc(err),
			       why);
	}
	rd->at += json_tokener_get_parse_end(rd->tok);
	/* behind a value json-c goes on to the next */
	while (is_space(rd->o->text[rd->at - 1]))
		rd->at--;
	return 0;
}

/* Borrowed from obj. NULL: there is no such text. */
static const char *text_of(struct json_object *obj, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(obj, key, &v) && json_object_is_type(v, json_type_string)
		       ? json_object_get_string(v)
		       : NULL;
}

static uint64_t number_of(struct json_object *obj, const char *key, uint64_t otherwise)
{
	struct json_object *v;

	return json_object_object_get_ex(obj, key, &v) && json_object_is_type(v, json_type_int)
		       ? json_object_get_uint64(v)
		       : otherwise;
}

/* An object within, or NULL. */
static struct json_object *part_of(struct json_object *obj, const char *key, enum json_type type)
{
	struct json_object *v;

	return json_object_object_get_ex(obj, key, &v) && json_object_is_type(v, type) ? v : NULL;
}

/* --- goroutines --- */

static uint64_t func_hits(const struct filter *filter, struct json_object *stack)
{
	uint64_t hits = 0;

	for (size_t i = 0; stack && i < json_object_array_length(stack); i++) {
		struct json_object *f = json_object_array_get_idx(stack, i);
		const char *func =
			json_object_is_type(f, json_type_object) ? text_of(f, "func") : NULL;

		hits |= func ? filter__hits(filter, FILTER_FUNC, func) : 0;
	}
	return hits;
}

static void fill_labels(struct label_set *set, struct json_object *labels)
{
	set->nr = 0;
	if (!labels)
		return;
	json_object_object_foreach(labels, key, v)
	{
		if (set->nr < LABELS_MAX && json_object_is_type(v, json_type_string))
			set->v[set->nr++] =
				(struct label){ .key = key, .value = json_object_get_string(v) };
	}
}

static bool is_wanted(struct reader *rd, struct json_object *obj, const char *status,
		      const char *reason, const char *made)
{
	uint64_t p;

	if (!rd->system && json_object_get_boolean(part_of(obj, "system", json_type_boolean)))
		return false;
	if (!rd->filter)
		return true;
	p = number_of(obj, "p", UINT64_MAX);
	fill_labels(rd->labels, part_of(obj, "labels", json_type_object));
	return filter__takes(rd->filter,
			     &(struct filter_subject){
				     .goid = number_of(obj, "goid", 0),
				     .status = status,
				     .reason = reason,
				     .wait_ns = number_of(obj, "wait_ns", FILTER_UNKNOWN),
				     .p = p > INT_MAX ? -1 : (int)p,
				     .func_hits = func_hits(rd->filter,
							    part_of(obj, "stack", json_type_array)),
				     .created_by_hits = made ? filter__hits(rd->filter,
									    FILTER_CREATED_BY, made)
							     : 0,
				     .labels = rd->labels,
			     });
}

static struct old_g *next_g(struct reader *rd)
{
	struct old_dump *o = rd->o;

	if (o->nr == rd->cap) {
		size_t cap = rd->cap ? 2 * rd->cap : 256;
		struct old_g *v = reallocarray(o->gs, cap, sizeof(*v));

		if (!v)
			return NULL;
		o->gs = v;
		rd->cap = cap;
	}
	return &o->gs[o->nr];
}

static int add_goroutine(struct reader *rd, struct json_object *obj, size_t at, struct cause *why)
{
	struct json_object *made, *start;
	const char *status, *reason, *func, *file;
	struct old_g *g;

	if (!json_object_is_type(obj, json_type_object) || !part_of(obj, "goid", json_type_int))
		return damaged(rd, "a goroutine has a goid", why);
	made = part_of(obj, "created_by", json_type_object);
	start = part_of(obj, "start", json_type_object);
	status = text_of(obj, "status");
	reason = text_of(obj, "reason");
	func = made ? text_of(made, "func") : NULL;
	file = made ? text_of(made, "file") : NULL;
	if (!is_wanted(rd, obj, status ? status : "", reason, func))
		return 0;
	if (rd->o->nr == OLD_DUMP_GS_MAX)
		return cause__set(why, -EFBIG, "'%s' has more than %d goroutines", rd->name,
				  OLD_DUMP_GS_MAX);
	g = next_g(rd);
	if (!g)
		return -ENOMEM;
	*g = (struct old_g){
		.goid = number_of(obj, "goid", 0),
		.runtime = number_of(obj, "runtime", 0),
		.made = old_dump__made(rd->o, func, file ? file : "",
				       made ? number_of(made, "line", 0) : 0),
		.at = at,
		.len = rd->at - at,
	};
	func = start ? text_of(start, "func") : NULL;
	g->start = textpool__get(rd->o->texts, func ? func : "");
	g->word = textpool__get(rd->o->texts, reason ? reason : status ? status : "unknown");
	rd->o->nr++;
	return 0;
}

static int read_goroutine(struct reader *rd, struct cause *why)
{
	const size_t at = rd->at;
	struct json_object *obj;
	int err = read_value(rd, &obj, why);

	if (err)
		return err;
	err = add_goroutine(rd, obj, at, why);
	json_object_put(obj);
	return err;
}

static int read_array(struct reader *rd, struct cause *why)
{
	if (peek(rd) != '[')
		return damaged(rd, "goroutines is no array", why);
	rd->at++;
	if (peek(rd) == ']') {
		rd->at++;
		return 0;
	}
	for (;;) {
		int err =
			peek(rd) ? read_goroutine(rd, why) : damaged(rd, "it ends too early", why);
		char c;

		if (err)
			return err;
		c = peek(rd);
		rd->at++;
		if (c == ']')
			return 0;
		if (c != ',')
			return damaged(rd, "a comma or ] is missing", why);
	}
}

static int read_target(struct reader *rd, struct json_object *target, struct cause *why)
{
	const char *exe =
		json_object_is_type(target, json_type_object) ? text_of(target, "exe") : NULL;

	if (!exe)
		return damaged(rd, "target says no exe", why);
	rd->o->pid = (int64_t)(number_of(target, "pid", 0) & INT64_MAX);
	rd->o->exe = textpool__get(rd->o->texts, exe);
	return 0;
}

/* One "key": value of the outermost object. */
static int read_member(struct reader *rd, bool *found, struct cause *why)
{
	struct json_object *key, *value;
	bool is_list, is_target, is_cut;
	int err;

	if (peek(rd) != '"')
		return damaged(rd, "a name is missing", why);
	err = read_value(rd, &key, why);
	if (err)
		return err;
	is_list = !strcmp(json_object_get_string(key), "goroutines");
	is_target = !strcmp(json_object_get_string(key), "target");
	is_cut = !strcmp(json_object_get_string(key), "not_read");
	json_object_put(key);
	if (peek(rd) != ':')
		return damaged(rd, "a colon is missing", why);
	rd->at++;
	if (is_list) {
		*found = true;
		return read_array(rd, why);
	}
	if (!peek(rd))
		return damaged(rd, "it ends too early", why);
	err = read_value(rd, &value, why);
	if (err)
		return err;
	err = is_target ? read_target(rd, value, why) : 0;
	if (is_cut && json_object_get_int64(value))
		err = cause__set(why, -EINVAL,
				 "'%s' was cut short, and is nothing to compare with: of %lld "
				 "goroutines nothing is known",
				 rd->name, (long long)json_object_get_int64(value));
	json_object_put(value);
	return err;
}

/* -ENOENT: an object without goroutines: a line of jsonl then. */
static int read_json(struct reader *rd, struct cause *why)
{
	bool found = false;

	rd->at++; /* the brace */
	for (;;) {
		int err = read_member(rd, &found, why);
		char c;

		if (err)
			return err;
		c = peek(rd);
		rd->at++;
		if (c == '}')
			break;
		if (c != ',')
			return damaged(rd, "a comma or } is missing", why);
	}
	if (!found)
		return -ENOENT;
	return peek(rd) ? damaged(rd, "there is more behind the end", why) : 0;
}

static int read_lines(struct reader *rd, struct cause *why)
{
	int err = 0;

	rd->at = 0;
	while (!err && peek(rd))
		err = read_goroutine(rd, why);
	return err;
}

static int sort_by_goid(struct old_dump *o)
{
	scoped_mem struct radix_item *order = reallocarray(NULL, o->nr + 1, sizeof(*order));
	struct old_g *sorted = reallocarray(NULL, o->nr + 1, sizeof(*sorted));
	int err = order && sorted ? 0 : -ENOMEM;

	for (size_t i = 0; i < o->nr && !err; i++)
		order[i] = (struct radix_item){ .key = o->gs[i].goid, .item = i };
	if (!err)
		err = radix_sort_items(order, o->nr);
	if (err) {
		free(sorted);
		return err;
	}
	for (size_t i = 0; i < o->nr; i++)
		sorted[i] = o->gs[order[i].item];
	free(o->gs);
	o->gs = sorted;
	return 0;
}

static int parse(struct reader *rd, struct cause *why)
{
	int err;

	if (peek(rd) != '{')
		return damaged(rd, rd->at < rd->o->len ? "it does not begin with {" : "it is empty",
			       why);
	err = read_json(rd, why);
	if (err == -ENOENT)
		err = read_lines(rd, why);
	return err ? err : sort_by_goid(rd->o);
}

/* Takes over the text. */
static int parse_owned(const char *name, char *text, size_t len, const struct filter *filter,
		       bool system, struct old_dump **ret, struct cause *why)
{
	scoped(old_dump) o = calloc(1, sizeof(*o));
	scoped_mem struct label_set *labels =
		calloc(1, sizeof(*labels) + LABELS_MAX * sizeof(labels->v[0]));
	struct reader rd = {
		.o = o, .name = name, .filter = filter, .system = system, .labels = labels
	};
	int err;

	if (!o) {
		free(text);
		return -ENOMEM;
	}
	o->text = text;
	o->len = len;
	o->exe = "";
	rd.tok = json_tokener_new();
	err = rd.tok && labels ? textpool__new(&o->texts) : -ENOMEM;
	if (!err) {
		json_tokener_set_flags(rd.tok, JSON_TOKENER_STRICT |
						       JSON_TOKENER_ALLOW_TRAILING_CHARS |
						       JSON_TOKENER_VALIDATE_UTF8);
		err = parse(&rd, why);
	}
	if (rd.tok)
		json_tokener_free(rd.tok);
	if (!err)
		*ret = steal(o);
	return err;
}

int old_dump__parse(const char *name, const char *text, size_t len, const struct filter *filter,
		    bool system, struct old_dump **ret, struct cause *why)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	return parse_owned(name, copy, len, filter, system, ret, why);
}

static int read_all(int fd, char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = read(fd, text + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG; /* it became shorter */
		at += (size_t)n;
	}
	return 0;
}

int old_dump__read(const char *path, const struct filter *filter, bool system,
		   struct old_dump **ret, struct cause *why)
{
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	scoped_mem char *text = NULL;
	struct stat st;
	int err;

	if (fd < 0 || fstat(fd, &st))
		return cause__set(why, -errno, "cannot read '%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > OLD_DUMP_BYTES_MAX)
		return cause__set(why, -EFBIG,
				  "cannot read '%s': a file of at most %llu MiB is wanted", path,
				  OLD_DUMP_BYTES_MAX >> 20);
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	err = read_all(fd, text, (size_t)st.st_size);
	if (err)
		return cause__set(why, err, "cannot read '%s': %s", path, strerror(-err));
	return parse_owned(path, steal(text), (size_t)st.st_size, filter, system, ret, why);
}

// SPDX-License-Identifier: BSD-2-Clause
#include "serve/config.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/vec.h"

/* The file, one event of YAML after the other. */
struct reader {
	yaml_parser_t yaml;
	yaml_event_t e;   /* the one that is looked at */
	const char *name; /* borrowed */
	struct cause *why;
};

/* A key of a mapping, who reads its value, and the member that it goes to. */
struct field {
	const char *name;
	int (*read)(struct reader *r, void *to);
	size_t offset;
};

#define wrong(r, ...) wrong_at(r, (r)->e.start_mark.line, __VA_ARGS__)

static int __attribute__((format(printf, 3, 4)))
wrong_at(const struct reader *r, size_t line, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return cause__set(r->why, -EBADMSG, "%s:%zu: %s", r->name, line + 1, text);
}

/* --- events --- */

static int reader__next(struct reader *r)
{
	yaml_event_delete(&r->e);
	if (!yaml_parser_parse(&r->yaml, &r->e)) {
		memset(&r->e, 0, sizeof(r->e));
		return r->yaml.error == YAML_MEMORY_ERROR
			       ? cause__no_memory(r->why)
			       : wrong_at(r, r->yaml.problem_mark.line, "no YAML: %s",
					  r->yaml.problem ? r->yaml.problem : "damaged");
	}
	if (r->e.type == YAML_ALIAS_EVENT)
		return wrong(r, "an alias ('*name') is not allowed here; write the value out");
	return 0;
}

/* Nothing was written behind "name:". */
static bool reader__at_nothing(const struct reader *r)
{
	return r->e.type == YAML_SCALAR_EVENT && !r->e.data.scalar.length &&
	       r->e.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* The scalar's text, borrowed until the next event. */
static int reader__text(struct reader *r, const char **ret)
{
	const char *text = (const char *)r->e.data.scalar.value;
	size_t len;

	if (r->e.type != YAML_SCALAR_EVENT)
		return wrong(r, "one value belongs here, and no list or mapping");
	len = r->e.data.scalar.length;
	if (!len)
		return wrong(r, "a value is missing");
	if (len > CONFIG_TEXT_MAX)
		return wrong(r, "a value has %zu bytes; at most %d are allowed", len,
			     CONFIG_TEXT_MAX);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return wrong(r, "a value has a control character");
	*ret = text;
	return 0;
}

/* "listen, state_dir or rules" */
static void list_names(const struct field *fields, size_t nr, char *to, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < nr && at < size; i++)
		at += (size_t)snprintf(to + at, size - at, "%s%s",
				       !i           ? ""
				       : i + 1 < nr ? ", "
						    : " or ",
				       fields[i].name);
}

/* The field that the key names, as its index. */
static int reader__key(struct reader *r, const struct field *fields, size_t nr, uint32_t *seen,
		       size_t *ret)
{
	const char *key = NULL;
	char names[120];
	int err = reader__text(r, &key);

	if (err)
		return err;
	for (size_t i = 0; i < nr; i++) {
		if (strcmp(fields[i].name, key) != 0)
			continue;
		if (*seen >> i & 1)
			return wrong(r, "'%s' is given twice", key);
		*seen |= 1U << i;
		*ret = i;
		return 0;
	}
	list_names(fields, nr, names, sizeof(names));
	return wrong(r, "unknown name '%.40s'; use %s", key, names);
}

static int reader__mapping(struct reader *r, const struct field *fields, size_t nr, void *object)
{
	uint32_t seen = 0;
	int err = 0;

	if (reader__at_nothing(r))
		return 0;
	if (r->e.type != YAML_MAPPING_START_EVENT)
		return wrong(r, "'name: value' belongs here");
	for (;;) {
		size_t i = 0;

		err = reader__next(r);
		if (err || r->e.type == YAML_MAPPING_END_EVENT)
			return err;
		err = reader__key(r, fields, nr, &seen, &i);
		if (!err)
			err = reader__next(r);
		if (!err)
			err = fields[i].read(r, (char *)object + fields[i].offset);
		if (err)
			return err;
	}
}

/* --- values --- */

/* char ** */
static int read_text(struct reader *r, void *to)
{
	const char *text = NULL;
	int err = reader__text(r, &text);

	if (err)
		return err;
	*(char **)to = strdup(text);
	return *(char **)to ? 0 : cause__no_memory(r->why);
}

static int read_url(struct reader *r, void *to)
{
	const char *text = NULL;
	int err = reader__text(r, &text);

	if (!err && !sink_is_url(text))
		return wrong(r, "'%.60s' is no URL; write http://HOST:PORT/... or https://...",
			     text);
	return err ? err : read_text(r, to);
}

static int read_bool(struct reader *r, void *to)
{
	const char *text = NULL;
	const int err = reader__text(r, &text);

	if (err)
		return err;
	if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return wrong(r, "'%.40s' is neither true nor false", text);
	*(bool *)to = !strcmp(text, "true");
	return 0;
}

static int read_level(struct reader *r, void *to)
{
	const char *text = NULL;
	int err = reader__text(r, &text);

	if (!err && !level_by_word(text, to))
		return wrong(r, "unknown level '%.40s'; use " LEVEL_WORDS, text);
	return err;
}

/* A user by name or number, into a rule. */
static int read_user(struct reader *r, void *to)
{
	struct rule *rule = to;
	const struct passwd *user;
	const char *text = NULL;
	char *end;
	unsigned long id;
	int err = reader__text(r, &text);

	if (err)
		return err;
	rule->has_user = true;
	id = strtoul(text, &end, 10);
	if (!*end && text[0] >= '0' && text[0] <= '9' && id < UINT_MAX) {
		rule->user = (uid_t)id;
		return 0;
	}
	user = getpwnam(text);
	if (!user)
		return wrong(r, "this machine has no user '%.40s'; a number is taken, too", text);
	rule->user = user->pw_uid;
	return 0;
}

static int read_match(struct reader *r, void *to)
{
	static const struct field fields[] = {
		{ "exe", read_text, offsetof(struct rule, globs[MATCH_EXE]) },
		{ "cmdline", read_text, offsetof(struct rule, globs[MATCH_CMDLINE]) },
		{ "user", read_user, 0 },
		{ "cgroup", read_text, offsetof(struct rule, globs[MATCH_CGROUP]) },
		{ "pod", read_text, offsetof(struct rule, globs[MATCH_POD]) },
		{ "namespace", read_text, offsetof(struct rule, globs[MATCH_NAMESPACE]) },
		{ "label", read_text, offsetof(struct rule, globs[MATCH_LABEL]) },
	};

	return reader__mapping(r, fields, ARRAY_SIZE(fields), to);
}

static int read_rule(struct reader *r, struct rule *to)
{
	static const struct field fields[] = {
		{ "match", read_match, 0 },
		{ "level", read_level, offsetof(struct rule, level) },
	};
	const size_t line = r->e.start_mark.line;
	int err;

	to->level = LEVELS;
	err = reader__mapping(r, fields, ARRAY_SIZE(fields), to);
	if (!err && to->level == LEVELS)
		return wrong_at(r, line, "a rule has no level; use " LEVEL_WORDS);
	return err;
}

static int read_rules(struct reader *r, void *to)
{
	struct rules *rules = to;
	int err = 0;

	if (reader__at_nothing(r))
		return 0;
	if (r->e.type != YAML_SEQUENCE_START_EVENT)
		return wrong(r, "a list of rules belongs here, each as '- match: {...}'");
	for (;;) {
		err = reader__next(r);
		if (err || r->e.type == YAML_SEQUENCE_END_EVENT)
			return err;
		if (rules->nr == CONFIG_RULES_MAX)
			return wrong(r, "more than %d rules", CONFIG_RULES_MAX);
		err = vec__reserve(&rules->v, &rules->room, rules->nr + 1, sizeof(*rules->v));
		if (err)
			return cause__no_memory(r->why);
		rules->v[rules->nr] = (struct rule){ .level = LEVELS };
		err = read_rule(r, &rules->v[rules->nr++]);
		if (err)
			return err;
	}
}

static int read_sink_of(struct reader *r, const struct field *fields, size_t nr, void *to)
{
	const size_t line = r->e.start_mark.line;
	int err = reader__mapping(r, fields, nr, to);

	if (!err && !((const struct config_sink *)to)->url)
		return wrong_at(r, line, "a sink has no url");
	return err;
}

static int read_sink(struct reader *r, void *to)
{
	static const struct field fields[] = {
		{ "url", read_url, offsetof(struct config_sink, url) },
	};

	return read_sink_of(r, fields, ARRAY_SIZE(fields), to);
}

static int read_otlp(struct reader *r, void *to)
{
	static const struct field fields[] = {
		{ "url", read_url, offsetof(struct config_sink, url) },
		{ "spans", read_bool, offsetof(struct config_sink, spans) },
	};

	return read_sink_of(r, fields, ARRAY_SIZE(fields), to);
}

static int read_sinks(struct reader *r, void *to)
{
	static const struct field fields[] = {
		{ "pyroscope", read_sink, SINK_PYROSCOPE * sizeof(struct config_sink) },
		{ "otlp", read_otlp, SINK_OTLP * sizeof(struct config_sink) },
		{ "webhook", read_sink, SINK_WEBHOOK * sizeof(struct config_sink) },
	};

	return reader__mapping(r, fields, ARRAY_SIZE(fields), to);
}

/* A key; no two may be the same label of Prometheus. */
static int read_pod_label(struct reader *r, struct config *c)
{
	char metric[POD_LABEL_MAX + 8], other[POD_LABEL_MAX + 8];
	int err = read_text(r, &c->pod_labels[c->nr_pod_labels]);

	if (err)
		return err;
	pod_label_metric(c->pod_labels[c->nr_pod_labels], metric);
	for (size_t i = 0; i < c->nr_pod_labels; i++) {
		pod_label_metric(c->pod_labels[i], other);
		if (!strcmp(metric, other))
			return wrong(r, "two labels would both be '%.60s'", metric);
	}
	c->nr_pod_labels++;
	return 0;
}

static int read_pod_labels(struct reader *r, void *to)
{
	int err = 0;

	if (reader__at_nothing(r))
		return 0;
	if (r->e.type != YAML_SEQUENCE_START_EVENT)
		return wrong(r, "a list of labels' keys belongs here, as [app, version]");
	for (;;) {
		const struct config *c = to;

		err = reader__next(r);
		if (err || r->e.type == YAML_SEQUENCE_END_EVENT)
			return err;
		if (c->nr_pod_labels == CONFIG_POD_LABELS_MAX)
			return wrong(r, "more than %d labels", CONFIG_POD_LABELS_MAX);
		err = read_pod_label(r, to);
		if (err)
			return err;
	}
}

static int read_requests(struct reader *r, void *to)
{
	static const struct field fields[] = { { "detail", read_bool, 0 } };

	return reader__mapping(r, fields, ARRAY_SIZE(fields), to);
}

/* --- the file --- */

static int read_file(struct reader *r, struct config *to)
{
	static const struct field fields[] = {
		{ "listen", read_text, offsetof(struct config, listen) },
		{ "state_dir", read_text, offsetof(struct config, state_dir) },
		{ "allow_jobs", read_bool, offsetof(struct config, allow_jobs) },
		{ "rules", read_rules, offsetof(struct config, rules) },
		{ "sinks", read_sinks, offsetof(struct config, sinks) },
		{ "token_file", read_text, offsetof(struct config, token_file) },
		{ "tls_cert", read_text, offsetof(struct config, tls_cert) },
		{ "tls_key", read_text, offsetof(struct config, tls_key) },
		{ "pod_labels", read_pod_labels, 0 },
		{ "requests", read_requests, offsetof(struct config, request_detail) },
	};
	int err = reader__next(r); /* the stream begins */

	if (!err)
		err = reader__next(r);
	if (err || r->e.type == YAML_STREAM_END_EVENT)
		return err; /* it is empty, or has comments only */
	err = reader__next(r);
	if (!err)
		err = reader__mapping(r, fields, ARRAY_SIZE(fields), to);
	if (!err)
		err = reader__next(r); /* the document ends */
	if (!err)
		err = reader__next(r);
	if (!err && r->e.type != YAML_STREAM_END_EVENT)
		err = wrong(r, "a second document; one is allowed");
	return err;
}

int config__parse(const char *name, const void *text, size_t len, struct config **ret,
		  struct cause *why)
{
	scoped(config) c = calloc(1, sizeof(*c));
	struct reader r = { .name = name, .why = why };
	int err;

	if (!c)
		return cause__no_memory(why);
	if (len > CONFIG_BYTES_MAX)
		return cause__set(why, -EBADMSG, "%s:1: more than %u bytes", name,
				  CONFIG_BYTES_MAX);
	if (!yaml_parser_initialize(&r.yaml))
		return cause__no_memory(why);
	yaml_parser_set_input_string(&r.yaml, text, len);
	err = read_file(&r, c);
	yaml_event_delete(&r.e);
	yaml_parser_delete(&r.yaml);
	if (err)
		return err;
	*ret = steal(c);
	return 0;
}

void config__free(struct config *c)
{
	if (!c)
		return;
	free(c->listen);
	free(c->state_dir);
	free(c->token_file);
	free(c->tls_cert);
	free(c->tls_key);
	for (size_t i = 0; i < CONFIG_POD_LABELS_MAX; i++)
		free(c->pod_labels[i]);
	rules__done(&c->rules);
	for (int s = 0; s < SINK_MAX; s++)
		free(c->sinks[s].url);
	free(c);
}

const char *sink_name(enum sink_kind kind)
{
	static const char *const names[SINK_MAX] = { "pyroscope", "otlp", "webhook" };

	return names[kind];
}

bool sink_is_url(const char *text)
{
	return !strncmp(text, "http://", 7) || !strncmp(text, "https://", 8);
}

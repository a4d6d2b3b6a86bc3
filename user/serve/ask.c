// SPDX-License-Identifier: BSD-2-Clause
#include "serve/ask.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/cleanup.h"
#include "engine/brief.h"
#include "serve/curl.h"
#include "serve/level.h"
#include "serve/token.h"
#include "serve/watched.h"

#define TARGETS_PATH "/api/v1/targets"
#define DEPTH_MAX    8
#define FIGURE_MAX   1e12 /* no machine has that many goroutines */

/* --- what it says --- */

/* NAN: it is not told */
static double figure_of(struct json_object *target, const char *key)
{
	struct json_object *v;
	double d;

	if (!json_object_object_get_ex(target, key, &v) ||
	    !(json_object_is_type(v, json_type_int) || json_object_is_type(v, json_type_double)))
		return NAN;
	d = json_object_get_double(v);
	return fabs(d) <= FIGURE_MAX ? d : NAN;
}

static const char *text_of(struct json_object *target, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(target, key, &v) &&
			       json_object_is_type(v, json_type_string)
		       ? json_object_get_string(v)
		       : "";
}

/* Those that have room, whole. */
static void read_labels(struct json_object *target, struct process_told *ret)
{
	struct json_object *labels;
	size_t nr = 0;

	if (!json_object_object_get_ex(target, "labels", &labels) ||
	    !json_object_is_type(labels, json_type_object))
		return;
	json_object_object_foreach(labels, key, value)
	{
		char label[PROCESS_LABELS_MAX];
		const char *text = json_object_is_type(value, json_type_string)
					   ? json_object_get_string(value)
					   : "";
		const int len = snprintf(label, sizeof(label), "%s%s=%s", nr ? "," : "", key, text);

		if (len > 0 && (size_t)len < sizeof(ret->labels) - nr)
			nr += clean(ret->labels + nr, sizeof(ret->labels) - nr, label);
	}
}

static void read_target(struct json_object *target, struct process_told *ret)
{
	const double leaking = figure_of(target, "leaking");
	struct json_object *watched;
	enum level level;

	*ret = (struct process_told){ .known = true,
				      .leaking = leaking >= 0 ? (uint64_t)leaking : PROCESS_UNKNOWN,
				      .trend = figure_of(target, "trend_per_min"),
				      .overhead_pct = figure_of(target, "overhead_pct"),
				      .level = "" };
	ret->restarts = figure_of(target, "restarts") >= 0 ? (uint64_t)figure_of(target, "restarts")
							   : PROCESS_UNKNOWN;
	ret->watched = json_object_object_get_ex(target, "watched", &watched) &&
		       json_object_get_boolean(watched);
	if (level_by_word(text_of(target, "level"), &level))
		snprintf(ret->level, sizeof(ret->level), "%s", level_word(level));
	clean(ret->workload_kind, sizeof(ret->workload_kind), text_of(target, "workload_kind"));
	clean(ret->workload, sizeof(ret->workload), text_of(target, "workload"));
	read_labels(target, ret);
}

static void read_targets(struct json_object *targets, const char *const *ids, struct processes *p)
{
	for (size_t t = 0; t < json_object_array_length(targets); t++) {
		struct json_object *target = json_object_array_get_idx(targets, t);
		const char *id =
			json_object_is_type(target, json_type_object) ? text_of(target, "id") : "";

		for (size_t i = 0; i < p->nr && id[0]; i++)
			if (!strcmp(ids[i], id))
				read_target(target, &p->rows[i].told);
	}
}

int ask_read(const char *json, size_t len, const char *const *ids, struct processes *p)
{
	struct json_tokener *tok = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *all, *targets;
	int err = -EBADMSG;

	if (!tok)
		return -ENOMEM;
	all = len && len <= INT_MAX ? json_tokener_parse_ex(tok, json, (int)len) : NULL;
	if (json_object_is_type(all, json_type_object) &&
	    json_object_object_get_ex(all, "targets", &targets) &&
	    json_object_is_type(targets, json_type_array)) {
		read_targets(targets, ids, p);
		err = 0;
	}
	json_object_put(all);
	json_tokener_free(tok);
	return err;
}

/* --- how it is asked --- */

struct answer {
	char *v; /* owned; room for ASK_BYTES_MAX */
	size_t nr;
};

/* Fewer bytes than came end the transfer. */
static size_t keep(char *bytes, size_t size, size_t nr, void *ctx)
{
	struct answer *a = ctx;
	const size_t n = size * nr;

	if (n > ASK_BYTES_MAX - a->nr)
		return 0;
	memcpy(a->v + a->nr, bytes, n);
	a->nr += n;
	return n;
}

/* The URL gets it and nobody else: redirects are not followed. NULL: no memory, or no token. */
static struct curl_slist *put_token(const struct curl *c, const struct token *t)
{
	char header[TOKEN_BYTES_MAX + sizeof("Authorization: Bearer ")];
	struct curl_slist *list;

	if (!t)
		return NULL;
	snprintf(header, sizeof(header), "Authorization: Bearer %s", t->text);
	list = c->append(NULL, header);
	explicit_bzero(header, sizeof(header));
	c->setopt(c->handle, CURLOPT_HTTPHEADER, list);
	return list;
}

static int judge(const struct ask_whom *whom, long status, struct cause *why)
{
	if (status == 200)
		return 0;
	if (status == 401 && !whom->token)
		return cause__set(why, -EACCES,
				  "the daemon at %s asks for a token: give --token-file FILE",
				  whom->url);
	if (status == 401)
		return cause__set(why, -EACCES,
				  "the daemon at %s has another token than that of --token-file",
				  whom->url);
	return cause__set(why, -EBADMSG,
			  "who answers at %s is no 'parkwatch serve': HTTP status %ld", whom->url,
			  status);
}

static int get(const struct ask_whom *whom, struct answer *a, struct cause *why)
{
	const char *url = whom->url;
	struct curl_slist *headers;
	char path[ASK_URL_MAX + sizeof(TARGETS_PATH)];
	size_t len = strlen(url);
	long status = 0;
	struct curl c;
	CURLcode code;

	while (len && url[len - 1] == '/')
		len--;
	if (!len || len > ASK_URL_MAX)
		return cause__set(why, -EINVAL, "the URL of --daemon has 1 to %d bytes",
				  ASK_URL_MAX);
	snprintf(path, sizeof(path), "%.*s" TARGETS_PATH, (int)len, url);
	if (!curl__open(&c))
		return cause__set(why, -EOPNOTSUPP, "libcurl is not installed (Debian: libcurl4)");
	c.setopt(c.handle, CURLOPT_URL, path);
	c.setopt(c.handle, CURLOPT_PROXY, ""); /* it is a machine's own */
	c.setopt(c.handle, CURLOPT_TIMEOUT_MS, (long)ASK_MS);
	c.setopt(c.handle, CURLOPT_WRITEFUNCTION, keep);
	c.setopt(c.handle, CURLOPT_WRITEDATA, a);
	headers = put_token(&c, whom->token);
	code = c.perform(c.handle);
	c.getinfo(c.handle, CURLINFO_RESPONSE_CODE, &status);
	c.cleanup(c.handle);
	c.free_all(headers);
	if (code != CURLE_OK)
		return cause__set(why, code == CURLE_COULDNT_CONNECT ? -ENOENT : -EIO,
				  "no answer of a daemon at %s: %s", url, c.strerror(code));
	return judge(whom, status, why);
}

int ask_daemon(const struct ask_whom *whom, struct processes *p, struct cause *why)
{
	struct answer a = { .v = malloc(ASK_BYTES_MAX) };
	scoped_mem char *text = a.v;
	scoped_mem char(*ids)[WATCHED_ID_MAX] = calloc(p->nr + 1, sizeof(*ids));
	scoped_mem const char **list = calloc(p->nr + 1, sizeof(*list));
	int err;

	if (!text || !ids || !list)
		return cause__no_memory(why);
	err = get(whom, &a, why);
	for (size_t i = 0; i < p->nr && !err; i++) {
		watched_id(&p->rows[i], brief_start_ticks(p->rows[i].pid), ids[i]);
		list[i] = ids[i];
	}
	if (!err)
		err = ask_read(a.v, a.nr, list, p);
	if (err == -EBADMSG && !why->text[0])
		return cause__set(why, err, "who answers at %s is no 'parkwatch serve'", whom->url);
	if (!err)
		p->daemon = whom->url;
	return err;
}

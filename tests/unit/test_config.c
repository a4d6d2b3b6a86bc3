/* SPDX-License-Identifier: BSD-2-Clause */
#include "serve/config.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct config *parsed(const char *text)
{
	struct config *c = NULL;
	struct cause why = { "" };

	cr_assert_eq(config__parse("f.yaml", text, strlen(text), &c, &why), 0, "%s: %s", text,
		     why.text);
	return c;
}

Test(config, everything_that_may_be_written)
{
	scoped(config) c = parsed("listen: '[::1]:7070'  # here\n"
				  "state_dir: /var/lib/parkwatch\n"
				  "allow_jobs: true\n"
				  "rules:\n"
				  "  - match: {exe: /srv/*, user: root}\n"
				  "    level: off\n"
				  "  - match:\n"
				  "      cmdline: \"* --role=db*\"\n"
				  "      cgroup: /system.slice/*\n"
				  "      user: 1000\n"
				  "    level: full\n"
				  "  - level: metrics\n"
				  "sinks:\n"
				  "  pyroscope: {url: http://a:4040}\n"
				  "  otlp: {url: http://c:4318, spans: true}\n"
				  "  webhook: {url: https://b/hook}\n"
				  "requests: {detail: true}\n");

	cr_expect_str_eq(c->listen, "[::1]:7070");
	cr_expect_str_eq(c->state_dir, "/var/lib/parkwatch");
	cr_expect(c->allow_jobs && c->request_detail);
	cr_assert_eq(c->rules.nr, 3);
	cr_expect_str_eq(c->rules.v[0].globs[MATCH_EXE], "/srv/*");
	cr_expect(c->rules.v[0].has_user && c->rules.v[0].user == 0);
	cr_expect_eq(c->rules.v[0].level, LEVEL_OFF);
	cr_expect_str_eq(c->rules.v[1].globs[MATCH_CMDLINE], "* --role=db*");
	cr_expect_str_eq(c->rules.v[1].globs[MATCH_CGROUP], "/system.slice/*");
	cr_expect_eq(c->rules.v[1].user, 1000);
	cr_expect(!c->rules.v[1].globs[MATCH_EXE] && !c->rules.v[2].globs[MATCH_EXE]);
	cr_expect_eq(c->rules.v[2].level, LEVEL_METRICS);
	cr_expect_str_eq(c->sinks[SINK_PYROSCOPE].url, "http://a:4040");
	cr_expect_str_eq(c->sinks[SINK_WEBHOOK].url, "https://b/hook");
	cr_expect_str_eq(c->sinks[SINK_OTLP].url, "http://c:4318");
	cr_expect(c->sinks[SINK_OTLP].spans && !c->sinks[SINK_WEBHOOK].spans);
}

Test(config, the_example_is_one)
{
	char text[CONFIG_BYTES_MAX];
	struct cause why = { "" };
	scoped(config) c = NULL;
	FILE *f = fopen("deploy/parkwatch.yaml", "r");
	size_t len;

	cr_assert(f);
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	cr_assert_eq(config__parse("deploy/parkwatch.yaml", text, len, &c, &why), 0, "%s",
		     why.text);
	cr_expect_str_eq(c->listen, "127.0.0.1:7070");
	cr_expect_eq(c->rules.nr, 2);
}

Test(config, what_is_left_out_is_not_given)
{
	static const char *const t[] = { "", "# nothing\n", "---\n", "rules:\nsinks:\n", "{}" };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(config) c = parsed(t[i]);

		cr_expect(!c->listen && !c->state_dir && !c->rules.nr && !c->request_detail &&
				  !c->sinks[0].url,
			  "%s", t[i]);
	}
}

Test(config, what_is_wrong_is_refused_with_its_line)
{
	static const struct {
		const char *text, *why;
	} t[] = {
		{ "rules:\n- level: leak\n",
		  "f.yaml:2: unknown level 'leak'; use off, metrics, leaks, profile or full" },
		{ "listen: a:1\n\nlisen: a:1\n", "f.yaml:3: unknown name 'lisen'; use listen, "
						 "state_dir, allow_jobs, rules, sinks, token_file, "
						 "tls_cert, tls_key, pod_labels or requests" },
		{ "rules:\n- match: {exe: a}\n",
		  "f.yaml:2: a rule has no level; use " LEVEL_WORDS },
		{ "rules:\n- match: {exec: a}\n  level: off\n",
		  "f.yaml:2: unknown name 'exec'; use exe, cmdline, user, cgroup, pod, namespace "
		  "or label" },
		{ "rules:\n- match:\n    user: no-such-user\n  level: off\n",
		  "f.yaml:3: this machine has no user 'no-such-user'; a number is taken, too" },
		{ "rules: {level: off}\n",
		  "f.yaml:1: a list of rules belongs here, each as '- match: {...}'" },
		{ "listen: a:1\nlisten: a:1\n", "f.yaml:2: 'listen' is given twice" },
		{ "listen: [a]\n", "f.yaml:1: one value belongs here, and no list or mapping" },
		{ "listen:\n", "f.yaml:1: a value is missing" },
		{ "listen: \"a\\0b\"\n", "f.yaml:1: a value has a control character" },
		{ "- a\n", "f.yaml:1: 'name: value' belongs here" },
		{ "pod_labels: app\n",
		  "f.yaml:1: a list of labels' keys belongs here, as [app, version]" },
		{ "pod_labels: [a/b, a, a.b]\n", "f.yaml:1: two labels would both be 'label_a_b'" },
		{ "allow_jobs: yes\n", "f.yaml:1: 'yes' is neither true nor false" },
		{ "listen: &a b\nstate_dir: *a\n",
		  "f.yaml:2: an alias ('*name') is not allowed here; write the value out" },
		{ "listen: a\n---\nlisten: b\n", "f.yaml:2: a second document; one is allowed" },
		{ "listen: a\n  b: c\n",
		  "f.yaml:2: no YAML: mapping values are not allowed in this context" },
		{ "sinks:\n  otlp: {url: host:4318}\n",
		  "f.yaml:2: 'host:4318' is no URL; write http://HOST:PORT/... or https://..." },
		{ "sinks:\n  otlp: {}\n", "f.yaml:2: a sink has no url" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct config *c = NULL;
		struct cause why = { "" };

		cr_expect_eq(config__parse("f.yaml", t[i].text, strlen(t[i].text), &c, &why),
			     -EBADMSG, "%s", t[i].text);
		cr_expect_str_eq(why.text, t[i].why);
		cr_expect_null(c);
	}
}

/* Nested lists, aliases of aliases, rules without end, a value without end. */
Test(config, hostile_files_are_refused_in_no_time)
{
	const char *const begin[] = { "listen: ", "", "a: &a [x]\nb: &b [*a,*a]\n", "rules: [",
				      "listen: " };
	const char *const more[] = { "[", "{a: ", "c: &c [*b,*b]\n", "{level: off},", "x" };

	for (size_t i = 0; i < ARRAY_SIZE(begin); i++)
		for (size_t len = 2000; len <= CONFIG_BYTES_MAX + 2000; len *= 2) {
			scoped_mem char *text = calloc(1, len + 100);
			struct config *c = NULL;
			size_t nr = strlen(begin[i]);

			memcpy(text, begin[i], nr);
			for (; nr < len; nr += strlen(more[i]))
				memcpy(text + nr, more[i], strlen(more[i]));
			cr_expect_eq(config__parse("f", text, nr, &c, NULL), -EBADMSG, "%zu %zu", i,
				     len);
		}
}

/* --- which rule holds --- */

static enum level level(const char *rules, const struct process_row *p, size_t want_rule)
{
	scoped(config) c = parsed(rules);
	size_t rule = 99;
	static const struct pod_labels labels = { "app=api\0app.kubernetes.io/version=2\0" };
	const enum level l = rules__level(&c->rules, p, p->pod[0] ? &labels : NULL, &rule);

	cr_expect_eq(rule, want_rule, "%s: rule %zu", rules, rule);
	return l;
}

Test(rules, the_first_that_matches_holds)
{
	const struct process_row p = { .exe = "/srv/api", .uid = 1000 };

	cr_expect_eq(level("rules:\n- {match: {exe: db}, level: off}\n"
			   "- {match: {exe: api}, level: full}\n- {level: off}\n",
			   &p, 2),
		     LEVEL_FULL);
	cr_expect_eq(level("rules:\n- {match: {exe: db}, level: off}\n", &p, 0), LEVEL_LEAKS);
	cr_expect_eq(level("", &p, 0), LEVEL_LEAKS);
}

Test(rules, all_that_a_rule_names_must_match)
{
	static const struct process_row p = { .exe = "/srv/shop/api-v2",
					      .cmdline = "/srv/shop/api-v2 -listen :80",
					      .cgroup = "/system.slice/api.service",
					      .pod = "0f6a2b1c",
					      .pod_name = "api-7d9-x2x",
					      .pod_namespace = "shop",
					      .uid = 1000 };
	static const struct {
		const char *match;
		bool want;
	} t[] = {
		{ "{exe: api-v2}", true },
		{ "{exe: 'api*'}", true },
		{ "{exe: api}", false },
		{ "{exe: '/srv/*'}", true },
		{ "{exe: '/srv/api-v2'}", false },
		{ "{exe: '/srv/shop/api-v[12]'}", true },
		{ "{cmdline: '*-listen*'}", true },
		{ "{user: 1000}", true },
		{ "{user: root}", false },
		{ "{user: 1000, exe: other}", false },
		{ "{user: 1000, exe: 'api-?2'}", true },
		{ "{cgroup: '/system.slice/*'}", true },
		{ "{cgroup: '/user.slice/*'}", false },
		{ "{pod: '0f6a*'}", true },
		{ "{pod: 'api-*'}", true },
		{ "{pod: 'web-*'}", false },
		{ "{namespace: shop}", true },
		{ "{namespace: 'shop?'}", false },
		{ "{namespace: shop, pod: 'web-*'}", false },
		{ "{label: 'app=api'}", true },
		{ "{label: 'app.kubernetes.io/version=[23]'}", true },
		{ "{label: 'app=*', namespace: shop}", true },
		{ "{label: 'app'}", false },
		{ "{label: 'app=web'}", false },
		{ "{label: 'tier=*'}", false },
		{ "{}", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		char rules[200];

		snprintf(rules, sizeof(rules), "rules:\n- {match: %s, level: profile}\n",
			 t[i].match);
		cr_expect_eq(level(rules, &p, t[i].want), t[i].want ? LEVEL_PROFILE : LEVEL_LEAKS,
			     "%s", t[i].match);
	}
}

Test(rules, many_stars_against_a_long_path_take_no_time)
{
	struct process_row p = { .pid = 1 };

	memset(p.cmdline, 'a', sizeof(p.cmdline) - 1);
	cr_expect_eq(level("rules:\n- {match: {cmdline: '*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b'}, level: "
			   "off}\n",
			   &p, 0),
		     LEVEL_LEAKS);
}

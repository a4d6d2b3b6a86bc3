/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/labels_read.h"
#include "view/dump.h"

#include <criterion/criterion.h>
#include <json-c/json.h>

#include "dump_fake.h"

static char *text_of(const struct dump_opts *o, const struct dump_show *s)
{
	scoped(dump) d = fake_dump(o);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(dump_show__text(d, s, out, NULL), 0);
	fclose(out);
	return text;
}

#define WORKER_FRAMES                                                                              \
	"main.worker(...)\n\tmain.go:20\n"                                                         \
	"main.innermost(...)\n\tmain.go:31\nmain.inner(...)\n\tmain.go:36\nmain.loop(...)"         \
	"\n\tmain.go:41\n"
#define MADE "created by main.main in goroutine 1\n\tmain.go:9 +0x1600\n"

Test(dump, text_is_that_of_debug_2)
{
	scoped_mem char *text = text_of(&(struct dump_opts){ 0 }, &fake_show);

	cr_expect_str_eq(
		text,
		"goroutine 1 [select (no cases)]:\n"
		"runtime.gopark(...)\n\tproc.go:402\nruntime.main(...)\n\tproc.go:3\nruntime."
		"goexit(...)\n\tasm.s:1\n"
		"...additional frames elided...\n"
		"\ngoroutine 18 [chan receive, 2 minutes, locked to thread]:\n" WORKER_FRAMES MADE
		"\ngoroutine 19 [chan receive]:\n" WORKER_FRAMES MADE
		"\ngoroutine 20 [chan receive]:\n" WORKER_FRAMES MADE
		"\ngoroutine 21 [sync.Mutex.Lock]:\n"
		"sync.runtime_SemacquireMutex(...)\n\tsema.go:3\nsync.(*Mutex).lockSlow(...)"
		"\n\tmutex.go:3\n"
		"main.main(...)\n\tmain.go:9\n" MADE
		"\ngoroutine 22 [running]:\n\tgoroutine running on other thread; stack "
		"unavailable\n" MADE "\ngoroutine 23 [select]:\n" WORKER_FRAMES MADE,
		"%s", text);
}

Test(dump, objects_labels_and_all_frames_are_there_on_demand)
{
	struct dump_show s = fake_show;
	scoped_mem char *text = NULL;

	s.objects = s.labels = s.full = true;
	text = text_of(&(struct dump_opts){ .system = true }, &s);
	cr_expect(
		strstr(text,
		       "goroutine 18 [chan receive, 2 minutes, locked to thread] {k: \"v\\\"\"}:\n"
		       "\t# waits to receive from chan "
		       "0xc000010000\nruntime.gopark(...)\n\tproc.go:402\n"),
		"%s", text);
	cr_expect(strstr(text, "\t# waits for mutex 0xc000040000\n"), "%s", text);
	cr_expect(strstr(text, "\t# waits for chan 0xc000030000 (case of a select)\n"
			       "\t# waits for more that could not be made out\n"),
		  "%s", text);
	cr_expect(strstr(text, "\t# waits to read fd 7, tcp 1.2.3.4:5 -> ?[6\n\t# waits for timer "
			       "0xc000050000 (fires in 0 ms)\n"),
		  "%s", text);
	cr_expect(strstr(text, "main.main.gowrap1(...)\n"), "%s", text);
	cr_expect(strstr(text, "goroutine 24 [chan receive]:\n"), "%s", text);
}

/* goids of the rows in their order, as "18 19 20" */
static void expect_goids(const struct dump_opts *o, const char *want, const char *why)
{
	scoped(dump) d = fake_dump(o);
	char got[128] = "";

	for (size_t i = 0; i < d->nr; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%d", i ? " " : "",
			 (int)dump__g(d, &d->rows[i])->who.goid);
	cr_expect_str_eq(got, want, "%s: %s", why, got);
}

Test(dump, is_sorted_as_asked_and_then_cut)
{
	expect_goids(&(struct dump_opts){ 0 }, "1 18 19 20 21 22 23", "by goid");
	expect_goids(&(struct dump_opts){ .system = true }, "1 18 19 20 21 22 23 24",
		     "the runtime's own too");
	expect_goids(&(struct dump_opts){ .sort = DUMP_SORT_AGE }, "18 19 1 20 21 22 23",
		     "oldest first, unknown last");
	expect_goids(&(struct dump_opts){ .sort = DUMP_SORT_STACK }, "18 19 20 23 1 21 22",
		     "commonest stack first, none last");
	expect_goids(&(struct dump_opts){ .sort = DUMP_SORT_AGE, .top = 2 }, "18 19",
		     "the two oldest");
}

static void expect_picked(const char *name, const char *value, const char *want)
{
	scoped(filter) p = NULL;

	cr_assert_eq(filter__new(&p), 0);
	cr_assert_eq(filter__add(p, name, value, false, NULL), 0);
	expect_goids(&(struct dump_opts){ .filter = p }, want, value);
}

Test(dump, filters_see_the_same_as_the_output)
{
	expect_picked("state", "running", "22");
	expect_picked("wait", "sync.Mutex.Lock", "21");
	expect_picked("older", "60s", "18");
	expect_picked("goid", "1,22,99", "1 22");
	expect_picked("func", "^main\\.inner$", "18 19 20 23");
	expect_picked("func", "gopark", "1 18 19 20 21 23");
	expect_picked("created-by", "main.main", "18 19 20 21 22 23");
	expect_picked("label", "k=v\"", "18");
	expect_picked("p", "2", "22");
}

Test(dump, counts_goroutines_that_are_not_shown_too)
{
	scoped(dump) d = fake_dump(&(struct dump_opts){ .top = 1 });

	cr_expect(d->nr == 1 && d->counts.nr == 7);
	cr_expect(d->counts.by_status[GOSTATUS_WAITING] == 6 &&
		  d->counts.by_status[GOSTATUS_RUNNING] == 1);
	cr_expect(d->counts.unsettled == 2 && d->counts.refused == 1);
}

static struct json_object *json_of(const struct dump_opts *o, const struct dump_show *s)
{
	scoped(dump) d = fake_dump(o);
	scoped_mem char *text = NULL;
	struct json_object *ret;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(dump_show__json(d, s, false, out, NULL), 0);
	fclose(out);
	ret = json_tokener_parse(text);
	cr_assert_not_null(ret, "%s", text);
	return ret;
}

/* What stands at a path such as "/goroutines/0/goid", as JSON. */
static void expect_at(struct json_object *all, const char *path, const char *want)
{
	struct json_object *at = NULL;

	cr_expect_eq(json_pointer_get(all, path, &at), 0, "nothing at %s", path);
	cr_expect_str_eq(json_object_to_json_string_ext(at, JSON_C_TO_STRING_PLAIN |
								    JSON_C_TO_STRING_NOSLASHESCAPE),
			 want, "%s", path);
}

Test(dump, json_has_what_is_promised)
{
	struct json_object *all = json_of(&(struct dump_opts){ .system = true }, &fake_show);

	expect_at(all, "/target", "{\"pid\":812,\"go\":\"go1.22.1\",\"exe\":\"/srv/api\"}");
	expect_at(all, "/taken_unix_ns", "1700000000000000000");
	expect_at(all, "/unsettled", "2");
	expect_at(all, "/refused", "1");
	expect_at(all, "/not_read", "0");
	expect_at(
		all, "/goroutines/1",
		"{\"goid\":18,\"status\":\"waiting\",\"reason\":\"chan "
		"receive\",\"wait_ns\":125000000000,\"parent_goid\":1,"
		"\"labels\":{\"k\":\"v\\\"\"},\"start\":{\"func\":\"main.worker\",\"file\":\"main."
		"go\",\"line\":18},"
		"\"created_by\":{\"func\":\"main.main\",\"file\":\"main.go\",\"line\":9},\"called_"
		"from\":null,"
		"\"waits_for\":[{\"kind\":\"chan\",\"addr\":\"0xc000010000\",\"dir\":\"receive\"}],"
		"\"m\":{\"id\":4,\"tid\":812},\"locked_to_thread\":true,"
		"\"stack\":[{\"func\":\"runtime.gopark\",\"file\":\"proc.go\",\"line\":402},"
		"{\"func\":\"runtime.chanrecv1\",\"file\":\"chan.go\",\"line\":500},"
		"{\"func\":\"main.worker\",\"file\":\"main.go\",\"line\":20},"
		"{\"func\":\"main.innermost\",\"file\":\"main.go\",\"line\":31,\"inlined\":true},"
		"{\"func\":\"main.inner\",\"file\":\"main.go\",\"line\":36,\"inlined\":true},"
		"{\"func\":\"main.loop\",\"file\":\"main.go\",\"line\":41},"
		"{\"func\":\"runtime.goexit\",\"file\":\"asm.s\",\"line\":1}]}");
	json_object_put(all);
}

Test(dump, json_says_null_where_nobody_knows)
{
	struct json_object *all = json_of(&(struct dump_opts){ .system = true }, &fake_show);

	expect_at(all, "/goroutines/0/parent_goid", "null");
	expect_at(all, "/goroutines/0/wait_ns", "null");
	expect_at(all, "/goroutines/0/created_by", "null");
	expect_at(all, "/goroutines/0/truncated", "true");
	expect_at(all, "/goroutines/5/reason", "null");
	expect_at(all, "/goroutines/5/stack", "[]");
	expect_at(all, "/goroutines/5/p", "2");
	expect_at(all, "/goroutines/7/system", "true");
	json_object_put(all);
}

Test(dump, json_tells_what_is_waited_for)
{
	struct json_object *all = json_of(&(struct dump_opts){ .system = true }, &fake_show);

	expect_at(all, "/goroutines/4/waits_for",
		  "[{\"kind\":\"mutex\",\"addr\":\"0xc000040000\",\"sema\":\"0xc000040004\"}]");
	expect_at(all, "/goroutines/6/waits_for/1",
		  "{\"kind\":\"chan\",\"addr\":\"0xc000030000\",\"select\":true}");
	expect_at(all, "/goroutines/6/waits_cut", "true");
	expect_at(all, "/goroutines/7/waits_for",
		  "[{\"kind\":\"fd\",\"addr\":\"0x7f0000\",\"fd\":7,\"mode\":\"read\",\"peer\":"
		  "\"tcp 1.2.3.4:5 -> ?[6\"},"
		  "{\"kind\":\"timer\",\"addr\":\"0xc000050000\",\"when_ns\":-5}]");
	json_object_put(all);
}

Test(dump, json_has_wrappers_with_full)
{
	struct dump_show s = fake_show;
	struct json_object *all;

	s.full = true;
	all = json_of(&(struct dump_opts){ 0 }, &s);
	expect_at(all, "/goroutines/1/stack/6",
		  "{\"func\":\"main.main.gowrap1\",\"file\":\"main.go\",\"line\":9,\"wrapper\":"
		  "true}");
	json_object_put(all);
}

Test(dump, jsonl_is_one_goroutine_a_line)
{
	scoped(dump) d = fake_dump(&(struct dump_opts){ 0 });
	scoped_mem char *text = NULL;
	size_t len, nr = 0;
	FILE *out = open_memstream(&text, &len);
	char *save = NULL;

	cr_assert_eq(dump_show__json(d, &fake_show, true, out, NULL), 0);
	fclose(out);
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save), nr++) {
		struct json_object *g = json_tokener_parse(line);

		cr_assert(json_object_is_type(g, json_type_object), "%s", line);
		json_object_put(g);
	}
	cr_expect_eq(nr, 7);
}

Test(dump, names_of_the_target_stay_json)
{
	static uint64_t evil[] = { PC_EVIL };
	static struct census_stack stack = { .nr_pcs = 1, .nr_gs = 1 };
	static struct census_g g = { .who = { .goid = 5, .gopc = PC_EVIL, .startpc = PC_EVIL },
				     .status = GOSTATUS_WAITING };
	const struct census c = {
		.gs = &g, .nr = 1, .stacks = &stack, .nr_stacks = 1, .pcs = evil, .nr_pcs = 1
	};
	const struct census *const cs[] = { &c };
	scoped_mem char *text = NULL;
	scoped(dump) d = NULL;
	struct json_object *all;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(dump__new(&(struct dump_input){ .censuses = cs,
						     .namers = &dump_namer,
						     .nr = 1 },
			       &(struct dump_opts){ 0 }, &d),
		     0);
	cr_assert_eq(dump_show__json(d, &fake_show, false, out, NULL), 0);
	fclose(out);
	all = json_tokener_parse(text);
	cr_assert_not_null(all, "%s", text);
	expect_at(all, "/goroutines/0/start/func", "\"a;b?c\\\"</script><!--\\\\?? 7\"");
	json_object_put(all);
}

Test(dump, counts_goroutines_for_the_other_formats)
{
	scoped(dump) d = fake_dump(&(struct dump_opts){ 0 });
	scoped_mem char *text = NULL;
	scoped(snap) s = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	cr_assert_eq(dump__snap(d, PROFILE_ROOT_STATE, &s), 0);
	cr_expect_eq(s->count, 7);
	cr_assert_eq(renderer_folded.render(&(struct report){ .snap = s,
							      .meta = &fake_meta,
							      .namers = &dump_namer,
							      .nr_namers = 1 },
					    out, NULL),
		     0);
	fclose(out);
	cr_expect_str_eq(text,
			 "[chan "
			 "receive];main.loop;main.inner;main.innermost;main.worker;runtime."
			 "chanrecv1;[chan receive] 3\n"
			 "[running];[no stack];[running] 1\n"
			 "[select (no cases)];[truncated];runtime.main;[select (no cases)] 1\n"
			 "[select];main.loop;main.inner;main.innermost;main.worker;runtime."
			 "chanrecv1;[select] 1\n"
			 "[sync.Mutex.Lock];runtime.main;main.main;sync.(*Mutex).lockSlow;sync."
			 "runtime_SemacquireMutex;"
			 "[sync.Mutex.Lock] 1\n",
			 "%s", text);
}

/* As fake_frames, but for a function's entry and the instruction before a return address. */
static int frames_with_entries(const struct namer *n, uint64_t pc, bool is_return,
			       struct goframe *frames, size_t max)
{
	const int nr = fake_frames(n, pc == PC_METHOD - 1 ? PC_METHOD : pc, is_return, frames, max);

	if (pc == PC_WORKER)
		frames[0].entry = START_WORKER;
	return nr;
}

Test(dump, says_what_a_wrapper_was_seen_to_run)
{
	static const struct {
		const char *why;
		uint64_t startpc, pcs[4];
		bool truncated;
		const char *want;
	} t[] = {
		{ "the outermost function that is no wrapper",
		  PC_GOWRAP,
		  { PC_GOPARK, PC_WORKER, PC_GOWRAP, PC_GOEXIT },
		  false,
		  "main.worker main.go:18" },
		{ "one that is inlined into the wrapper",
		  PC_METHOD,
		  { PC_GOPARK, PC_METHOD, PC_GOEXIT },
		  false,
		  "main.(*T).Do t.go:3" },
		{ "it was not seen",
		  PC_GOWRAP,
		  { PC_GOPARK, PC_WORKER },
		  true,
		  "main.main.gowrap1 main.go:9" },
		{ "it has not been called",
		  PC_GOWRAP,
		  { PC_GOWRAP, PC_GOEXIT },
		  false,
		  "main.main.gowrap1 main.go:9" },
		{ "it runs", PC_GOWRAP, { 0 }, false, "main.main.gowrap1 main.go:9" },
		{ "a table says it",
		  START_GOWRAP,
		  { PC_GOPARK, PC_MAIN, PC_GOWRAP, PC_GOEXIT },
		  false,
		  "main.worker main.go:18" },
		{ "no wrapper",
		  PC_MAIN,
		  { PC_GOPARK, PC_WORKER, PC_MAIN, PC_GOEXIT },
		  false,
		  "main.main main.go:5" },
	};
	const struct namer namer = { .frames = frames_with_entries,
				     .unwrap_start = fake_unwrap_start,
				     .go_minor = 24 };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct census_g g = { .who.goid = 5,
				      .who.startpc = t[i].startpc,
				      .status = GOSTATUS_WAITING };
		struct census_stack stack = { .truncated = t[i].truncated };
		uint64_t pcs[4];
		const struct census c = {
			.gs = &g, .nr = 1, .stacks = &stack, .nr_stacks = 1, .pcs = pcs, .nr_pcs = 4
		};
		const struct census *const cs[] = { &c };
		scoped(dump) d = NULL;
		const struct site *s;
		char got[64];

		memcpy(pcs, t[i].pcs, sizeof(pcs));
		while (stack.nr_pcs < 4 && pcs[stack.nr_pcs])
			stack.nr_pcs++;
		if (!stack.nr_pcs)
			g.stack = CENSUS_NO_STACK;
		cr_assert_eq(dump__new(&(struct dump_input){ .censuses = cs,
							     .namers = &namer,
							     .nr = 1 },
				       &(struct dump_opts){ 0 }, &d),
			     0);
		s = dump__site(d, d->rows[0].start);
		cr_assert_not_null(s, "%s", t[i].why);
		snprintf(got, sizeof(got), "%s %s:%u", s->func, s->file, s->line);
		cr_expect_str_eq(got, t[i].want, "%s: %s", t[i].why, got);
	}
}

/* Labels as Go 1.27 quotes them: runtime/print.go printquoted. */
Test(dump, text_quotes_labels_as_go_does)
{
	static const struct {
		uint64_t set[3], pair[4];
		char key[8], value[24];
	} process = {
		.set = { FAKE_LABELS + 24, 1, 1 },
		.pair = { FAKE_LABELS + 56, 5, FAKE_LABELS + 64, 20 },
		.key = "a/b.c",
		.value = "x\n\x01\"\\ \x7f\xc3\xad\xf0\x9f\x98\x80-\t\r\xe2\x82\xac",
	};
	static uint64_t pcs[] = { PC_WORKER };
	static struct census_stack stack = { .nr_pcs = 1, .nr_gs = 1 };
	static struct census_g g = { .who.goid = 5,
				     .who.startpc = START_WORKER,
				     .status = GOSTATUS_WAITING,
				     .labels = FAKE_LABELS };
	const struct census c = {
		.gs = &g, .nr = 1, .stacks = &stack, .nr_stacks = 1, .pcs = pcs, .nr_pcs = 1
	};
	const struct census *const cs[] = { &c };
	struct dump_show s = fake_show;
	scoped(labelbook) labels = NULL;
	struct bufspace memory;
	scoped_mem char *text = NULL;
	scoped(dump) d = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	s.labels = true;
	bufspace__init(&memory, &process, sizeof(process), FAKE_LABELS);
	cr_assert_eq(labelbook__new(&labels), 0);
	cr_assert_eq(labels_read(labels, &memory.as, dump_namer.go_minor, g.labels), 0);
	cr_assert_eq(dump__new(&(struct dump_input){ .censuses = cs,
						     .namers = &dump_namer,
						     .nr = 1,
						     .labels = labels },
			       &(struct dump_opts){ 0 }, &d),
		     0);
	cr_assert_eq(dump_show__text(d, &s, out, NULL), 0);
	fclose(out);
	cr_expect(
		strstr(text,
		       " {a/b.c: \"x\\n\\x01\\\"\\\\ \\u007f\\u00ed\\U0001f600-\\t\\r\\u20ac\"}:"),
		"%s", text);
}

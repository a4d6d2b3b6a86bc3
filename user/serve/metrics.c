// SPDX-License-Identifier: BSD-2-Clause
#include "serve/metrics.h"

#include <inttypes.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "serve/http.h"
#include "serve/live.h"
#include "serve/readers.h"
#include "serve/leak_metrics.h"
#include "serve/pods.h"
#include "serve/request_metrics.h"
#include "serve/rights.h"
#include "serve/secrets.h"
#include "serve/surroundings.h"

/* In label values a backslash, a quote and a new line are escaped. Texts are clean already. */
static void put_value(struct textbuf *to, const char *text)
{
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			textbuf__bytes(to, "\\", 1);
		textbuf__bytes(to, text, 1);
	}
}

void metrics_label(struct textbuf *to, const char *name, const char *value)
{
	textbuf__format(to, "%s=\"", name);
	put_value(to, value);
	textbuf__text(to, "\"");
}

void metrics__head(const struct metrics_in *in, struct textbuf *to, const char *name,
		   const char *type, const char *help)
{
	const bool counter = type[0] == 'c';

	textbuf__format(to, "# HELP %s%s %s\n", name, counter && !in->open_metrics ? "_total" : "",
			help);
	textbuf__format(to, "# TYPE %s%s %s\n", name, counter && !in->open_metrics ? "_total" : "",
			type);
}

static bool has_look(const struct watched *w)
{
	return w->look;
}

static void put_states(const struct metrics_in *in, struct textbuf *to)
{
	metrics__head(in, to, "parkwatch_goroutines", "gauge",
		      "Goroutines at the last look, by state, without the runtime's own.");
	for (size_t i = 0; i < in->nr; i++) {
		const struct watched *w = in->targets[i];

		if (!has_look(w))
			continue;
		textbuf__format(to,
				"parkwatch_goroutines{target=\"%s\",state=\"waiting\"} %" PRIu64
				"\n",
				w->id, watched_counts__waiting(&w->counts));
		for (int s = GOSTATE_STATUS; s < GOSTATE_MAX; s++)
			if (w->counts.by_state[s] || s == GOSTATE_RUNNING || s == GOSTATE_RUNNABLE)
				textbuf__format(
					to,
					"parkwatch_goroutines{target=\"%s\",state=\"%s\"} %" PRIu64
					"\n",
					w->id, gostate_word((enum gostate)s),
					w->counts.by_state[s]);
	}
}

static void put_waits(const struct metrics_in *in, struct textbuf *to, bool oldest)
{
	const char *name =
		oldest ? "parkwatch_oldest_wait_seconds" : "parkwatch_goroutines_waiting";

	metrics__head(in, to, name, "gauge",
		      oldest ? "The longest wait at the last look, by reason; at least so long."
			     : "Goroutines that wait at the last look, by reason.");
	for (size_t i = 0; i < in->nr; i++) {
		const struct watched *w = in->targets[i];

		for (int s = 0; has_look(w) && s < GOSTATE_STATUS; s++) {
			if (!w->counts.by_state[s] || (oldest && !w->counts.oldest_ns[s]))
				continue;
			textbuf__format(to, "%s{target=\"%s\",", name, w->id);
			metrics_label(to, "reason", gostate_word((enum gostate)s));
			if (oldest)
				textbuf__format(to, "} %.3f\n",
						(double)w->counts.oldest_ns[s] / NS_PER_SEC);
			else
				textbuf__format(to, "} %" PRIu64 "\n", w->counts.by_state[s]);
		}
	}
}

/* What the kubelet told. An empty label is none to Prometheus, so what is not known is left out. */
static void put_pod(const struct pod *p, struct textbuf *to)
{
	const struct {
		const char *name, *value;
	} labels[] = { { "node", p->facts.node },
		       { "image", p->facts.image },
		       { "workload_kind", p->facts.kind },
		       { "workload", p->facts.workload } };
	char name[POD_LABEL_MAX + 8];

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		textbuf__text(to, ",");
		metrics_label(to, labels[i].name, labels[i].value);
	}
	for (const char *at = NULL; (at = pod_labels__next(&p->named, at));) {
		pod_label_metric(at, name);
		textbuf__text(to, ",");
		metrics_label(to, name, at + strcspn(at, "=") + 1);
	}
}

static void put_info(const struct metrics_in *in, struct textbuf *to)
{
	metrics__head(in, to, in->open_metrics ? "parkwatch_target" : "parkwatch_target_info",
		      in->open_metrics ? "info" : "gauge", "What a target is.");
	for (size_t i = 0; i < in->nr; i++) {
		const struct watched *w = in->targets[i];

		textbuf__format(to, "parkwatch_target_info{target=\"%s\",pid=\"%" PRId32 "\",",
				w->id, w->row.pid);
		metrics_label(to, "exe", w->row.exe);
		textbuf__text(to, ",");
		metrics_label(to, "go_version", w->row.go);
		textbuf__text(to, ",");
		metrics_label(to, "container", process_row__container(&w->row));
		textbuf__text(to, ",");
		metrics_label(to, "container_id", w->row.container);
		textbuf__text(to, ",");
		metrics_label(to, "namespace", w->row.pod_namespace);
		textbuf__text(to, ",");
		metrics_label(to, "pod", process_row__pod(&w->row));
		textbuf__text(to, ",");
		metrics_label(to, "pod_uid", w->row.pod);
		if (w->pod)
			put_pod(w->pod, to);
		textbuf__text(to, "} 1\n");
	}
}

static void put_workers(const struct metrics_in *in, struct textbuf *to)
{
	size_t workers = 0;

	for (size_t i = 0; i < in->nr; i++)
		workers += in->targets[i]->from.fd >= 0;
	metrics__head(in, to, "parkwatch_workers", "gauge", "Processes that look at targets.");
	textbuf__format(to, "parkwatch_workers %zu\n", workers);
	metrics__head(in, to, "parkwatch_worker_restarts", "counter",
		      "Workers that were started in place of one that died or hung.");
	textbuf__format(to, "parkwatch_worker_restarts_total %" PRIu64 "\n", in->worker_restarts);
}

static void put_kubelet(const struct metrics_in *in, struct textbuf *to)
{
	if (!in->pods->enabled)
		return;
	metrics__head(in, to, "parkwatch_kubelet_requests", "counter",
		      "Times that the kubelet was asked for pods.");
	textbuf__format(to, "parkwatch_kubelet_requests_total %" PRIu64 "\n", in->pods->asked);
	metrics__head(in, to, "parkwatch_kubelet_requests_failed", "counter",
		      "Times that it told none.");
	textbuf__format(to, "parkwatch_kubelet_requests_failed_total %" PRIu64 "\n",
			in->pods->failed);
}

static void put_config(const struct metrics_in *in, struct textbuf *to)
{
	metrics__head(
		in, to, "parkwatch_config_reload_failures", "counter",
		"Times that a changed configuration was wrong, and the one of before stayed.");
	textbuf__format(to, "parkwatch_config_reload_failures_total %" PRIu64 "\n",
			in->config->failures);
	if (!in->config->loaded_s)
		return;
	metrics__head(in, to, "parkwatch_config_last_reload_success_timestamp_seconds", "gauge",
		      "When the configuration was last read with success, Unix time.");
	textbuf__format(to, "parkwatch_config_last_reload_success_timestamp_seconds %" PRId64 "\n",
			in->config->loaded_s);
}

static void put_sink_counters(const struct metrics_in *in, struct textbuf *to)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} counters[] = {
		{ "sent", "What arrived at a sink.", offsetof(struct sink_counts, sent) },
		{ "failed", "Tries to send that failed.", offsetof(struct sink_counts, failed) },
		{ "lost", "What a sink did not get.", offsetof(struct sink_counts, lost) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
		char name[40];

		snprintf(name, sizeof(name), "parkwatch_sink_%s", counters[i].name);
		metrics__head(in, to, name, "counter", counters[i].help);
		for (int k = 0; k < SINK_MAX; k++) {
			const struct sink_counts c = sinks__counts(in->sinks, (enum sink_kind)k);

			if (sinks__has(in->sinks, (enum sink_kind)k))
				textbuf__format(to, "%s_total{sink=\"%s\"} %" PRIu64 "\n", name,
						sink_name((enum sink_kind)k),
						*(const uint64_t *)((const char *)&c +
								    counters[i].offset));
		}
	}
}

static void put_sinks(const struct metrics_in *in, struct textbuf *to)
{
	bool some = false;

	for (int k = 0; k < SINK_MAX; k++)
		some |= sinks__has(in->sinks, (enum sink_kind)k);
	if (!some)
		return;
	put_sink_counters(in, to);
	metrics__head(in, to, "parkwatch_sink_waiting", "gauge",
		      "What waits to be sent to a sink.");
	for (int k = 0; k < SINK_MAX; k++)
		if (sinks__has(in->sinks, (enum sink_kind)k))
			textbuf__format(to, "parkwatch_sink_waiting{sink=\"%s\"} %zu\n",
					sink_name((enum sink_kind)k),
					sinks__counts(in->sinks, (enum sink_kind)k).waiting);
}

static void put_store(const struct metrics_in *in, struct textbuf *to)
{
	const struct store_counts none = { .bytes = 0 },
				  c = in->store ? store__counts(in->store) : none;

	metrics__head(in, to, "parkwatch_store_usable", "gauge",
		      "1: history is kept on disk; 0: its folder is full, or cannot be written.");
	textbuf__format(to, "parkwatch_store_usable %d\n", in->store && !c.err);
	metrics__head(in, to, "parkwatch_store_bytes", "gauge", "History on disk.");
	textbuf__format(to, "parkwatch_store_bytes %" PRIu64 "\n", c.bytes);
	metrics__head(in, to, "parkwatch_store_kept", "counter", "Recordings that were put there.");
	textbuf__format(to, "parkwatch_store_kept_total %" PRIu64 "\n", c.kept);
	metrics__head(in, to, "parkwatch_store_lost", "counter", "Recordings that could not be.");
	textbuf__format(to, "parkwatch_store_lost_total %" PRIu64 "\n", c.lost);
}

static void put_readers(const struct metrics_in *in, struct textbuf *to)
{
	const struct readers_counts c = readers__counts(in->readers);

	metrics__head(in, to, "parkwatch_readers", "gauge",
		      "Processes that make answers out of recordings now.");
	textbuf__format(to, "parkwatch_readers %zu\n", c.running);
	metrics__head(in, to, "parkwatch_readings", "counter", "Answers that they were to make.");
	textbuf__format(to, "parkwatch_readings_total %" PRIu64 "\n", c.begun);
	metrics__head(in, to, "parkwatch_readings_failed", "counter",
		      "Those that did not become whole: the client went away or took nothing, or "
		      "time or memory ran out.");
	textbuf__format(to, "parkwatch_readings_failed_total %" PRIu64 "\n", c.failed);
	metrics__head(in, to, "parkwatch_readings_refused", "counter",
		      "Requests that were told to come again, for there were too many.");
	textbuf__format(to, "parkwatch_readings_refused_total %" PRIu64 "\n", c.refused);
}

static void put_live(const struct metrics_in *in, struct textbuf *to)
{
	const struct live *l = in->live;

	metrics__head(in, to, "parkwatch_live_clients", "gauge",
		      "Clients that take the stream of events now.");
	textbuf__format(to, "parkwatch_live_clients %zu\n", l->nr);
	metrics__head(in, to, "parkwatch_live_refused", "counter",
		      "Those that were refused, for there were too many.");
	textbuf__format(to, "parkwatch_live_refused_total %" PRIu64 "\n", l->refused);
	metrics__head(in, to, "parkwatch_live_cut", "counter",
		      "Those that were cut off, for they did not take what came.");
	textbuf__format(to, "parkwatch_live_cut_total %" PRIu64 "\n", l->cut);
}

static void put_rights(const struct metrics_in *in, struct textbuf *to)
{
	metrics__head(in, to, "parkwatch_right", "gauge",
		      "1: parkwatch was started with this capability; 0: it is missing.");
	for (size_t i = 0; i < RIGHTS_NR; i++)
		textbuf__format(to, "parkwatch_right{capability=\"%s\"} %d\n", right_name(i),
				in->rights->has[i]);
	metrics__head(
		in, to, "parkwatch_probes_usable", "gauge",
		"1: this kernel attaches probes for parkwatch; 0: leaks are watched by looks.");
	textbuf__format(to, "parkwatch_probes_usable %d\n",
			rights_allow_probes(in->rights) && !in->around->no_probes.text[0]);
}

static void put_http(const struct metrics_in *in, struct textbuf *to)
{
	const struct http_refused r = http__refused(in->http);

	metrics__head(
		in, to, "parkwatch_http_refused", "counter",
		"Requests without the right token, with the Host of another machine, or from a "
		"page of another site.");
	textbuf__format(to,
			"parkwatch_http_refused_total{reason=\"token\"} %" PRIu64 "\n"
			"parkwatch_http_refused_total{reason=\"host\"} %" PRIu64 "\n"
			"parkwatch_http_refused_total{reason=\"site\"} %" PRIu64 "\n",
			r.token, r.host, r.site);
	metrics__head(in, to, "parkwatch_secret_reload_failures", "counter",
		      "Times that the token or the certificate could not be read again, and the "
		      "one of before stayed.");
	textbuf__format(to, "parkwatch_secret_reload_failures_total %" PRIu64 "\n",
			in->secrets->failures);
}

void metrics__write(const struct metrics_in *in, struct textbuf *to)
{
	put_states(in, to);
	put_waits(in, to, false);
	put_waits(in, to, true);
	leak_metrics__write(in, to);
	request_metrics__write(in, to);
	put_info(in, to);
	if (!in->one) {
		put_workers(in, to);
		put_config(in, to);
		put_kubelet(in, to);
		put_sinks(in, to);
		put_store(in, to);
		put_http(in, to);
		put_readers(in, to);
		put_live(in, to);
		put_rights(in, to);
	}
	if (in->open_metrics)
		textbuf__text(to, "# EOF\n");
}

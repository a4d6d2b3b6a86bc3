/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config: the configuration of `parkwatch serve`, read from YAML.
 *
 *	listen: 127.0.0.1:7070
 *	state_dir: /var/lib/parkwatch
 *	token_file: /etc/parkwatch/token
 *	tls_cert: /etc/parkwatch/cert.pem
 *	tls_key: /etc/parkwatch/key.pem
 *	allow_jobs: true
 *	pod_labels: [app, app.kubernetes.io/version]
 *	rules:
 *	  - match: {exe: api*, user: www-data}
 *	    level: full
 *	sinks:
 *	  webhook: {url: https://example.com/hook}
 *	  otlp: {url: http://collector:4318, spans: true}
 *	requests: {detail: true}
 *
 * The shape is fixed, so depth is bounded: a name that is not known is refused, and so is an alias. A
 * refusal names file and line. Text in, values out; it opens no file but the users' names.
 */
#ifndef PARKWATCH_SERVE_CONFIG_H
#define PARKWATCH_SERVE_CONFIG_H

#include "base/cause.h"
#include "base/cleanup.h"
#include "serve/rules.h"

#define CONFIG_PATH           "/etc/parkwatch/parkwatch.yaml"
#define CONFIG_BYTES_MAX      (64u << 10)
#define CONFIG_RULES_MAX      256
#define CONFIG_TEXT_MAX       1024 /* bytes of one value */
#define CONFIG_POD_LABELS_MAX 16

enum sink_kind { SINK_PYROSCOPE, SINK_OTLP, SINK_WEBHOOK, SINK_MAX };

struct config {
	char *listen, *state_dir; /* owned, as all texts here; NULL: not given */
	char *token_file, *tls_cert, *tls_key;
	bool allow_jobs;
	bool request_detail; /* paths, hosts and addresses of requests are told, too */
	char *pod_labels[CONFIG_POD_LABELS_MAX]; /* keys: labels of pods that are told of targets */
	size_t nr_pod_labels;
	struct rules rules;
	struct config_sink {
		char *url;  /* NULL: there is none */
		bool spans; /* of OTLP: long waits, too */
	} sinks[SINK_MAX];
};

/*
 * name: the file's, for the cause "NAME:LINE: what is wrong; what to write". -EBADMSG: it is no
 * configuration; -ENOMEM.
 */
int config__parse(const char *name, const void *text, size_t len, struct config **ret,
		  struct cause *why);
void config__free(struct config *c);
DEFINE_SCOPED(config)

const char *sink_name(enum sink_kind kind);
bool sink_is_url(const char *text); /* of HTTP or HTTPS */

#endif

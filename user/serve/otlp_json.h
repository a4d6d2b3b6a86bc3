/* SPDX-License-Identifier: BSD-2-Clause */
/* otlp_json: what requests of OTLP in JSON have in common: attributes, and whose they are. */
#ifndef PARKWATCH_SERVE_OTLP_JSON_H
#define PARKWATCH_SERVE_OTLP_JSON_H

#include "base/json_writer.h"
#include "serve/watched.h"

/* 64-bit integers are strings in protobuf's JSON. */
void otlp_json__u64(struct json_writer *w, const char *name, uint64_t n);

/* Attributes: elements of an array. text: NULL or "": it is not known, and left out. */
void otlp_json__text(struct json_writer *w, const char *key, const char *text);
void otlp_json__number(struct json_writer *w, const char *key, uint64_t n);
/* of nr texts of the same size, one behind the other; none: left out */
void otlp_json__texts(struct json_writer *w, const char *key, const char *texts, size_t size,
		      size_t nr);
void otlp_json__float(struct json_writer *w, const char *key, double n);

/*
 * {"resource":{...},"scopeLogs":[{"scope":{...},"logRecords":[ and their end; scopes: "scopeLogs",
 * elements: "logRecords".
 */
void otlp_json__begin(struct json_writer *w, const struct watched *t, const char *scopes,
		      const char *elements);
void otlp_json__end(struct json_writer *w);

#endif

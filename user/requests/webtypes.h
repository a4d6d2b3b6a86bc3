/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * webtypes: the types that tell of requests, and where their fields lie in this program: found
 * once, by name; after that no name is compared.
 *
 * A type that the program does not have is NULL, a field that its Go does not have is
 * WEBTYPES_NONE. Names and what they mean: Go net/http/server.go, net/http/request.go,
 * context/context.go, 1.15 to 1.27; google.golang.org/grpc internal/transport, 1.56 to 1.83.
 */
#ifndef PARKWATCH_REQUESTS_WEBTYPES_H
#define PARKWATCH_REQUESTS_WEBTYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "golang/gotypes.h"

#define WEBTYPES_NONE    UINT64_MAX
#define WEBTYPES_HTTP2   3u /* net/http's own, its later one, and golang.org/x/net/http2 */
#define WEBTYPES_STREAMS WEBTYPES_HTTP2

struct webtypes_request {
	const struct gotype *type;
	uint64_t method, uri, host, peer, pattern; /* strings */
	uint64_t url, ctx;                         /* *url.URL; context.Context */
	uint64_t major;                            /* int: of its HTTP */
	uint64_t header;                           /* map[string][]string */
	const struct gotype *headers;              /* of that map */
};

struct webtypes_http2 {                      /* of one package */
	const struct gotype *writer, *state; /* responseWriter, which has a *responseWriterState */
	uint64_t req;                        /* in the latter */
	bool pointer;                      /* that is one to the request; else the request itself */
	const struct webtypes_request *of; /* which kind of request; NULL: none that is known */
};

struct webtypes_stream { /* what a client of HTTP/2 has for one request */
	const struct gotype *type;
	bool inside;       /* it is a part of that type */
	uint64_t response; /* *http.Response */
};

struct webtypes {
	struct webtypes_request http;                /* net/http.Request */
	struct webtypes_request inner;               /* HTTP/2, from Go 1.27 on: ServerRequest */
	const struct gotype *response, *conn;        /* of net/http */
	const struct gotype *key;                    /* net/http.contextKey */
	const struct gotype *value, *cancel, *timer; /* of context */
	const struct gotype *context;                /* interface context.Context */
	struct webtypes_http2 http2[WEBTYPES_HTTP2];
	uint64_t url_path, url_raw_path, url_opaque, url_scheme, url_host; /* strings */
	const struct gotype *sent;   /* net/http.transportRequest */
	uint64_t sent_request;       /* *http.Request */
	const struct gotype *answer; /* net/http.Response */
	uint64_t answer_request;     /* *http.Request */
	struct webtypes_stream client[WEBTYPES_STREAMS];
	const struct gotype *call;       /* of gRPC: what a client has for one call */
	uint64_t call_header, call_conn; /* pointers to the next two */
	const struct gotype *header, *dialled;
	uint64_t header_method;  /* string: "/package.Service/Method" */
	uint64_t dialled_target; /* string: as the program gave it */
	uint64_t response_conn, response_req;
	uint64_t conn_current;         /* the word that is the *response, or nil */
	uint64_t key_name;             /* string */
	uint64_t value_parent;         /* context.Context */
	uint64_t value_key;            /* interface{} */
	uint64_t cancel_err;           /* error, or a value that is one; not 0: it was cancelled */
	uint64_t cancel_cause;         /* error */
	uint64_t cancel_done;          /* the word that is the channel, or nil */
	uint64_t cancel_children;      /* map[canceler]struct{} */
	const struct gotype *children; /* of that map */
	uint64_t timer_deadline;       /* time.Time */
	uint64_t timer_cancel;         /* *cancelCtx, in Go 1.20; WEBTYPES_NONE: it has it inside */
	uint64_t value_val;            /* interface{} */
	const struct gotype *stream;   /* of gRPC: what a server has for one call */
	uint64_t stream_method;        /* string: "/package.Service/Method" */
	uint64_t stream_ctx;           /* context.Context */
	const struct gotype *group;    /* golang.org/x/sync/errgroup.Group */
	uint64_t group_cancel;         /* func */
};

/*
 * 0; -ENOENT: neither net/http nor a server of gRPC is linked in; others of gotypes__find(). *ret
 * must not be moved afterwards.
 */
int webtypes__find(struct gotypes *types, struct webtypes *ret);

#endif

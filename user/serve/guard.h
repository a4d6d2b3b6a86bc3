/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guard: whom the HTTP server answers. In this order:
 *
 *	Host		at a loopback address: it must name this machine. A page of elsewhere whose name was bound to
 *			127.0.0.1 meanwhile (DNS rebinding) has its own name there. Elsewhere any name is fine, since
 *			only who knows the token is answered, and a browser has its cookie for one name only.
 *	other sites	what a page of elsewhere asks for in a browser's name is refused, but a link that a person follows
 *	token		if there is one: for all but /-/healthy and /-/ready
 *
 * What it refuses is counted, and not logged: anybody could fill the log.
 */
#ifndef PARKWATCH_SERVE_GUARD_H
#define PARKWATCH_SERVE_GUARD_H

#include <stdint.h>

#include "serve/http.h"
#include "serve/login.h"
#include "serve/token.h"

struct MHD_Connection;

struct guard {
	bool local;          /* it listens at a loopback address */
	bool is_tls;         /* cookies go over TLS only */
	struct token *token; /* owned; NULL: nobody needs one */
	struct http_refused refused;
};

/*
 * Whether the request is to be answered. If not, a is the answer. body: what was sent with a POST; NULL: nothing, it
 * is no POST.
 */
bool guard__lets(struct guard *g, struct MHD_Connection *c, const struct http_request *q,
		 struct login_body *body, struct http_answer *a);

#endif

// SPDX-License-Identifier: BSD-2-Clause
#include "serve/http.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "serve/guard.h"
#include "serve/login.h"
#include "serve/token.h"

struct http {
	struct MHD_Daemon *daemon; /* owned */
	struct MHD_Daemon *old;    /* owned: of the certificate before; NULL: there is none */
	uint64_t old_until_ns;     /* when it ends */
	int epoll;                 /* of both */
	const struct http_ops *ops;
	struct guard guard;
	struct http_later *laters; /* all of them */
};

/* One request, from its headers to the end of its answer. */
struct http_later {
	struct http *h;           /* borrowed */
	struct MHD_Connection *c; /* borrowed */
	struct http_later *prev, *next;
	struct http_answer answer; /* once it is told; its body is owned */
	struct login_body *body;   /* owned: of a POST; NULL: it is none */
	bool waits, told, asleep;
};

/* --- where --- */

/* "127.0.0.1:7070" in its parts; host "" is any. false: it makes no sense. */
static bool split(const char *listen, char host[256], char port[8])
{
	const char *colon = strrchr(listen, ':');
	size_t len = colon ? (size_t)(colon - listen) : 0;

	if (!colon || len >= 256 || !colon[1] || strlen(colon + 1) > 5 ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    strtoul(colon + 1, NULL, 10) - 1 >= UINT16_MAX)
		return false;
	if (len >= 2 && listen[0] == '[' && listen[len - 1] == ']') {
		listen++;
		len -= 2;
	}
	memcpy(host, listen, len);
	host[len] = '\0';
	snprintf(port, 8, "%s", colon + 1);
	return true;
}

static int listen_at(const struct addrinfo *a)
{
	const int one = 1;
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
	int err;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!bind(fd, a->ai_addr, a->ai_addrlen) && !listen(fd, 512))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static bool is_loopback(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24) == 127;
	return a->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

/* The listening socket, or negative errno with a cause. */
static int open_socket(struct http *h, const char *listen, struct cause *why)
{
	const struct addrinfo how = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
				      .ai_socktype = SOCK_STREAM };
	char host[256], port[8];
	struct addrinfo *a = NULL;
	int fd, err;

	if (!split(listen, host, port))
		return cause__set(
			why, -EINVAL,
			"cannot listen at '%s': give ADDRESS:PORT, as 127.0.0.1:7070; a port "
			"is 1 to 65535",
			listen);
	err = getaddrinfo(host[0] ? host : NULL, port, &how, &a);
	if (err)
		return cause__set(why, -EINVAL, "cannot listen at '%s': %s", listen,
				  gai_strerror(err));
	fd = listen_at(a);
	h->guard.local = is_loopback(a->ai_addr);
	freeaddrinfo(a);
	if (fd == -EADDRINUSE)
		return cause__set(
			why, fd,
			"cannot listen at '%s': another program listens there; end it, or "
			"give another port with --listen",
			listen);
	return fd < 0 ? cause__set(why, fd, "cannot listen at '%s': %s", listen, strerror(-fd))
		      : fd;
}

/* --- answers --- */

static ssize_t read_stream(void *cls, uint64_t pos, char *to, size_t room)
{
	struct http_later *l = cls;
	const ssize_t n = l->answer.stream.read(l->answer.stream.ctx, to, room);

	(void)pos;
	if (n == HTTP_END)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (n < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (!n) {
		l->asleep = true;
		MHD_suspend_connection(l->c);
	}
	return n;
}

static struct MHD_Response *response_of(struct http_later *l, const struct http_answer *a)
{
	if (a->stream.read)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, HTTP_PIECE_BYTES,
							 read_stream, l, NULL);
	return MHD_create_response_from_buffer(a->body.nr, a->body.v, MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result answer(struct http_later *l, struct http_answer *a)
{
	struct MHD_Response *r;
	enum MHD_Result ok = MHD_NO;
	char retry[16];

	if (a->body.err || a->location.err) {
		textbuf__done(&a->body);
		textbuf__done(&a->location);
		textbuf__init(&a->body, NULL);
		textbuf__init(&a->location, NULL);
		http_say(a, 500, "out of memory\n");
	}
	r = response_of(l, a);
	if (r) {
		(void)MHD_add_response_header(r, "Content-Type", a->type);
		if (a->encoding)
			(void)MHD_add_response_header(r, "Content-Encoding", a->encoding);
		(void)MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
		(void)MHD_add_response_header(r, "Content-Security-Policy", "default-src 'self'");
		(void)MHD_add_response_header(r, "Cache-Control",
					      a->lasts ? "private, max-age=31536000, immutable"
						       : "no-store");
		(void)MHD_add_response_header(r, "X-Frame-Options", "DENY");
		(void)MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
		if (a->go_pprof)
			(void)MHD_add_response_header(r, "X-Go-Pprof", "1");
		if (a->interval[0])
			(void)MHD_add_response_header(r, "X-Parkwatch-Interval", a->interval);
		if (a->status == 405)
			(void)MHD_add_response_header(r, "Allow", "GET, HEAD");
		if (a->status == 401)
			(void)MHD_add_response_header(r, "WWW-Authenticate", "Bearer");
		if (a->location.nr)
			(void)MHD_add_response_header(r, "Location", a->location.v);
		if (a->cookie[0])
			(void)MHD_add_response_header(r, "Set-Cookie", a->cookie);
		snprintf(retry, sizeof(retry), "%u", a->retry_s);
		if (a->retry_s)
			(void)MHD_add_response_header(r, "Retry-After", retry);
		ok = MHD_queue_response(l->c, a->status, r);
		MHD_destroy_response(r);
	}
	textbuf__done(&a->body);
	textbuf__done(&a->location);
	return ok;
}

void http_say(struct http_answer *a, unsigned int status, const char *text)
{
	a->status = status;
	a->type = "text/plain; charset=utf-8";
	textbuf__text(&a->body, text);
}

/* --- requests --- */

const char *http_query(const struct http_request *q, const char *name)
{
	for (size_t i = 0; i < q->nr_query; i++)
		if (!strcmp(q->query[i].name, name))
			return q->query[i].value;
	return NULL;
}

bool http_number(const struct http_request *q, const char *name, uint32_t most, uint32_t *ret)
{
	const char *text = http_query(q, name);
	char *end = NULL;
	const unsigned long n = text ? strtoul(text, &end, 10) : 0;
	const bool is = !text || (text[0] >= '0' && text[0] <= '9' && !*end && n <= most);

	if (is)
		*ret = (uint32_t)n;
	return is;
}

static enum MHD_Result take_value(void *ctx, enum MHD_ValueKind kind, const char *name,
				  const char *value)
{
	struct http_request *q = ctx;

	(void)kind;
	if (q->nr_query < HTTP_QUERY_MAX)
		q->query[q->nr_query] = (struct http_value){ name, value ? value : "" };
	q->nr_query++;
	return MHD_YES;
}

static void get(const struct http_later *l, const char *path, const char *method,
		struct http_answer *a)
{
	const struct http_ops *ops = l->h->ops;
	const char *accept = MHD_lookup_connection_value(l->c, MHD_HEADER_KIND, "Accept"),
		   *host = MHD_lookup_connection_value(l->c, MHD_HEADER_KIND, "Host");
	struct http_request q = { .path = path,
				  .accept = accept ? accept : "",
				  .host = host ? host : "" };

	(void)MHD_get_connection_values(l->c, MHD_GET_ARGUMENT_KIND, take_value, &q);
	if (q.nr_query > HTTP_QUERY_MAX)
		http_say(a, 400, "too many values in the query\n");
	else if (!guard__lets(&l->h->guard, l->c, &q, l->body, a))
		return;
	else if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		http_say(a, 405, "only GET and HEAD\n");
	else
		ops->get(ops->ctx, &q, a);
}

static enum MHD_Result say_it(struct http_later *l, const char *url, const char *method)
{
	struct http_answer a = { .status = 200, .later = l };

	textbuf__init(&a.body, NULL);
	textbuf__init(&a.location, NULL);
	get(l, url, method, &a);
	if (l->waits) {
		textbuf__done(&a.body);
		MHD_suspend_connection(l->c);
		return MHD_YES;
	}
	l->answer.stream = a.stream;
	return answer(l, &a);
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *c, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	struct http *h = cls;
	struct http_later *l = *state;

	(void)version;
	if (!l) { /* headers are there, the body is not */
		*state = l = calloc(1, sizeof(*l));
		if (!l)
			return MHD_NO;
		*l = (struct http_later){ .h = h, .c = c, .next = h->laters };
		if (l->next)
			l->next->prev = l;
		h->laters = l;
		if (!strcmp(method, "POST"))
			l->body = calloc(1, sizeof(*l->body));
		return MHD_YES;
	}
	if (*upload_size) {
		if (l->body)
			login_body__add(l->body, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	return l->told ? answer(l, &l->answer) : say_it(l, url, method);
}

/* The answer has been sent, or the client is gone. */
static void forget(void *cls, struct MHD_Connection *c, void **state,
		   enum MHD_RequestTerminationCode code)
{
	struct http *h = cls;
	struct http_later *l = *state;

	(void)c;
	(void)code;
	if (!l)
		return;
	*(l->prev ? &l->prev->next : &h->laters) = l->next;
	if (l->next)
		l->next->prev = l->prev;
	if (l->answer.stream.read)
		l->answer.stream.end(l->answer.stream.ctx);
	textbuf__done(&l->answer.body);
	free(l->body);
	free(l);
	*state = NULL;
}

/* --- answers that come later --- */

void http_later__wait(struct http_later *l)
{
	l->waits = true;
}

void http_later__again(struct http_later *l)
{
	l->waits = false;
	MHD_resume_connection(l->c);
}

void http_later__tell(struct http_later *l, struct http_answer *a)
{
	l->answer = *a;
	textbuf__init(&a->body, NULL);
	l->told = true;
	http_later__again(l);
}

void http_later__wake(struct http_later *l)
{
	if (l->asleep)
		MHD_resume_connection(l->c);
	l->asleep = false;
}

/* 1.2 is the oldest that RFC 9325 allows. */
#define TLS_VERSIONS "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* fd: it listens; the daemon's, at success. It joins h->epoll. */
static int start(struct http *h, int fd, const struct http_tls *tls, struct MHD_Daemon **ret,
		 struct cause *why)
{
	const struct MHD_OptionItem with_tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, tls ? (void *)(uintptr_t)tls->cert : NULL },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? (void *)(uintptr_t)tls->key : NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_VERSIONS },
		{ MHD_OPTION_END, 0, NULL },
	};
	struct epoll_event e = { .events = EPOLLIN };
	struct MHD_Daemon *d =
		MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (tls ? MHD_USE_TLS : 0),
				 0, NULL, NULL, handle, h, MHD_OPTION_LISTEN_SOCKET, fd,
				 MHD_OPTION_NOTIFY_COMPLETED, forget, h,
				 MHD_OPTION_CONNECTION_LIMIT, (unsigned int)HTTP_CONNECTIONS_MAX,
				 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)HTTP_TIMEOUT_S,
				 MHD_OPTION_ARRAY,
				 tls ? with_tls : with_tls + ARRAY_SIZE(with_tls) - 1,
				 MHD_OPTION_END);

	if (!d)
		return tls ? cause__set(why, -EINVAL,
					"no TLS: the certificate or the key is no PEM, or they do "
					"not belong together")
			   : cause__set(why, -ENOMEM, "cannot start the HTTP server");
	if (epoll_ctl(h->epoll, EPOLL_CTL_ADD,
		      MHD_get_daemon_info(d, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, &e)) {
		const int err = -errno;

		(void)MHD_quiesce_daemon(d); /* fd stays the caller's */
		MHD_stop_daemon(d);
		return cause__set(why, err, "cannot start the HTTP server: %s", strerror(-err));
	}
	*ret = d;
	return 0;
}

static int open_http(struct http *h, const char *listen, const struct token *token,
		     const struct http_tls *tls, struct cause *why)
{
	scoped_fd int fd = -1;
	int err;

	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (h->epoll < 0)
		return cause__set(why, -errno, "cannot start the HTTP server: %s", strerror(errno));
	fd = open_socket(h, listen, why);
	if (fd < 0)
		return fd;
	if (!h->guard.local && !token)
		return cause__set(why, -EPERM,
				  "other machines could ask at '%s': give --token-file FILE, or "
				  "listen at 127.0.0.1",
				  listen);
	h->guard.is_tls = tls;
	err = start(h, fd, tls, &h->daemon, why);
	if (!err)
		fd = -1;
	return err;
}

int http__new(const char *listen, struct token *token, const struct http_tls *tls,
	      const struct http_ops *ops, struct http **ret, struct cause *why)
{
	struct http *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return cause__no_memory(why);
	h->ops = ops;
	err = open_http(h, listen, token, tls, why);
	if (err) {
		http__free(h);
		return err;
	}
	h->guard.token = token;
	*ret = h;
	return 0;
}

static bool is_of(const struct http_later *l, const struct MHD_Daemon *d)
{
	return MHD_get_connection_info(l->c, MHD_CONNECTION_INFO_DAEMON)->daemon == d;
}

/* Its streams end. An answer that is still to come must find its connection: false, then. */
static bool http__end_old(struct http *h)
{
	for (const struct http_later *l = h->laters; l; l = l->next)
		if (l->waits && is_of(l, h->old))
			return false;
	for (const struct http_later *l = h->laters; l; l = l->next)
		if (l->asleep && is_of(l, h->old))
			MHD_resume_connection(l->c);
	MHD_stop_daemon(h->old);
	h->old = NULL;
	return true;
}

int http__set_tls(struct http *h, const struct http_tls *tls, struct cause *why)
{
	const int listens = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_LISTEN_FD)->listen_fd;
	scoped_fd int fd = fcntl(listens, F_DUPFD_CLOEXEC, 0);
	struct MHD_Daemon *next = NULL;
	int err;

	if (h->old && !http__end_old(h))
		return cause__set(why, -EBUSY,
				  "answers of the certificate before this one are still to come: "
				  "send SIGHUP again later");
	if (fd < 0)
		return cause__set(why, -errno, "cannot listen again: %s", strerror(errno));
	err = start(h, fd, tls, &next, why);
	if (err)
		return err;
	h->old = h->daemon;
	h->old_until_ns = clock_now_ns() + HTTP_TIMEOUT_S * NS_PER_SEC;
	h->daemon = next;
	fd = MHD_quiesce_daemon(h->old); /* it is ours to close now */
	return 0;
}

bool http__is_tls(const struct http *h)
{
	return h->guard.is_tls;
}

void http__set_token(struct http *h, struct token *token)
{
	token__free(h->guard.token);
	h->guard.token = token;
}

struct http_refused http__refused(const struct http *h)
{
	return h->guard.refused;
}

void http__free(struct http *h)
{
	if (!h)
		return;
	for (struct http_later *l = h->laters; l; l = l->next)
		if (l->waits || l->asleep)
			MHD_resume_connection(l->c);
	if (h->old)
		MHD_stop_daemon(h->old);
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	if (h->epoll >= 0)
		close(h->epoll);
	token__free(h->guard.token);
	free(h);
}

int http__fd(const struct http *h)
{
	return h->epoll;
}

int http__timeout_ms(const struct http *h)
{
	struct MHD_Daemon *const both[] = { h->daemon, h->old };
	int least = -1;

	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		MHD_UNSIGNED_LONG_LONG ms;

		if (!both[i] || MHD_get_timeout(both[i], &ms) != MHD_YES)
			continue;
		if (least < 0 || ms < (unsigned int)least)
			least = ms < 1000 ? (int)ms : 1000;
	}
	return least;
}

void http__run(struct http *h)
{
	(void)MHD_run(h->daemon);
	if (!h->old)
		return;
	(void)MHD_run(h->old);
	if (clock_now_ns() >= h->old_until_ns ||
	    !MHD_get_daemon_info(h->old, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections)
		(void)http__end_old(h);
}

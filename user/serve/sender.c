// SPDX-License-Identifier: BSD-2-Clause
#include "serve/sender.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "serve/config.h"
#include "serve/curl.h"

/* --- in the sender --- */

/* Head or body of an answer. It ends where it is too long. */
static size_t drop(char *bytes, size_t size, size_t nr, void *ctx)
{
	size_t *got = ctx;

	(void)bytes;
	*got += size * nr;
	return *got > SENDER_ANSWER_MAX ? 0 : size * nr;
}

static bool open_poster(struct curl *c)
{
	if (!curl__open(c))
		return false;
	c->setopt(c->handle, CURLOPT_CONNECTTIMEOUT_MS, (long)SENDER_CONNECT_MS);
	c->setopt(c->handle, CURLOPT_TIMEOUT_MS, (long)SENDER_POST_MS);
	c->setopt(c->handle, CURLOPT_WRITEFUNCTION, drop);
	c->setopt(c->handle, CURLOPT_WRITEDATA, &c->got);
	c->setopt(c->handle, CURLOPT_HEADERFUNCTION, drop);
	c->setopt(c->handle, CURLOPT_HEADERDATA, &c->got);
	return true;
}

static void curl__post(struct curl *c, const char *url, const char *type, const void *body,
		       size_t len, struct sender_result *r)
{
	char header[sizeof("Content-Type: ") + SENDER_TYPE_MAX];
	struct curl_slist *headers;
	long status = 0;
	curl_off_t after = 0;
	CURLcode code;

	snprintf(header, sizeof(header), "Content-Type: %s", type);
	headers = c->append(c->append(NULL, header), "Expect:");
	c->got = 0;
	c->setopt(c->handle, CURLOPT_HTTPHEADER, headers);
	c->setopt(c->handle, CURLOPT_URL, url);
	c->setopt(c->handle, CURLOPT_POSTFIELDS, body);
	c->setopt(c->handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	code = c->perform(c->handle);
	c->free_all(headers);
	if (code != CURLE_OK && c->got <= SENDER_ANSWER_MAX) {
		snprintf(r->text, sizeof(r->text), "%s", c->strerror(code));
		return;
	}
	c->getinfo(c->handle, CURLINFO_RESPONSE_CODE, &status);
	c->getinfo(c->handle, CURLINFO_RETRY_AFTER, &after);
	r->status = (int32_t)status;
	if (!status)
		snprintf(r->text, sizeof(r->text), "its answer is too long");
	r->retry_after_s = after > 0 && after < UINT32_MAX ? (uint32_t)after : 0;
}

/* The body's descriptor; negative: the supervisor is gone. */
static int next_body(int from, struct sender_request *ret)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { ret, sizeof(*ret) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	const struct cmsghdr *c;
	int fd = -1;

	if (recvmsg(from, &msg, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(*ret))
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* The body, posted; what came of it in r. */
static void post(struct curl *c, const char *url, const char *type, int body,
		 struct sender_result *r)
{
	struct stat st = { .st_size = 0 };
	void *text;

	(void)fstat(body, &st);
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, body, 0);
	if (text == MAP_FAILED)
		return;
	curl__post(c, url, type, text, (size_t)st.st_size, r);
	munmap(text, (size_t)st.st_size);
}

static void __attribute__((noreturn)) sender_main(int fd, const char *base)
{
	char url[CONFIG_TEXT_MAX + SENDER_PATH_MAX + 1];
	size_t len = strlen(base);
	struct curl c = { .handle = NULL };
	struct sender_request q;
	bool ready;
	int body;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "pw-sender");
	while (len && base[len - 1] == '/')
		len--; /* a path follows, which begins with one */
	if (len > CONFIG_TEXT_MAX || dup2(fd, STDERR_FILENO + 1) < 0 ||
	    close_range(STDERR_FILENO + 2, ~0U, 0))
		_exit(1);
	memcpy(url, base, len);
	fd = STDERR_FILENO + 1;
	ready = open_poster(&c);
	while ((body = next_body(fd, &q)) >= 0) {
		struct sender_result r = { .text = "" };

		memcpy(url + len, q.path, sizeof(q.path));
		if (ready)
			post(&c, q.path[0] ? url : base, q.type, body, &r);
		else
			snprintf(r.text, sizeof(r.text), "libcurl is not installed");
		close(body);
		if (send(fd, &r, sizeof(r), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

/* --- in the supervisor --- */

int sender__start(const char *url, pid_t *ret, int *ret_fd)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	*ret = fork();
	if (!*ret)
		sender_main(fds[1], url);
	close(fds[1]);
	if (*ret < 0) {
		close(fds[0]);
		return -EAGAIN;
	}
	*ret_fd = fds[0];
	return 0;
}

int sender__post(int fd, const char *path, const char *type, const void *body, size_t len)
{
	struct sender_request q = { .path = "" };
	scoped_fd int mem = memfd_create("post", MFD_CLOEXEC);
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &q, sizeof(q) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	if (mem < 0 || write(mem, body, len) != (ssize_t)len)
		return -ENOMEM;
	snprintf(q.path, sizeof(q.path), "%s", path);
	snprintf(q.type, sizeof(q.type), "%s", type);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &mem, sizeof(mem));
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) > 0 ? 0 : -errno;
}

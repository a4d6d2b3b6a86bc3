// SPDX-License-Identifier: BSD-2-Clause
#define CURL_DISABLE_TYPECHECK
#include "serve/sender.h"

#include <curl/curl.h>
#include <dlfcn.h>
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

#undef curl_easy_setopt /* a macro that takes three arguments: the function itself is meant */
#undef curl_easy_getinfo

/* What is used of libcurl. */
struct curl {
	__typeof__(&curl_easy_init) init;
	__typeof__(&curl_easy_setopt) setopt;
	__typeof__(&curl_easy_getinfo) getinfo;
	__typeof__(&curl_easy_perform) perform;
	__typeof__(&curl_easy_strerror) strerror;
	__typeof__(&curl_slist_append) append;
	CURL *handle;
	struct curl_slist *headers;
};

/* --- in the sender --- */

static size_t drop(char *bytes, size_t size, size_t nr, void *ctx)
{
	(void)bytes;
	(void)ctx;
	return size * nr;
}

static bool curl__find(struct curl *c)
{
	void *lib = dlopen("libcurl.so.4", RTLD_NOW);

	if (!lib)
		lib = dlopen("libcurl-gnutls.so.4", RTLD_NOW);
	if (!lib)
		return false;
	c->init = dlsym(lib, "curl_easy_init");
	c->setopt = dlsym(lib, "curl_easy_setopt");
	c->getinfo = dlsym(lib, "curl_easy_getinfo");
	c->perform = dlsym(lib, "curl_easy_perform");
	c->strerror = dlsym(lib, "curl_easy_strerror");
	c->append = dlsym(lib, "curl_slist_append");
	return c->init && c->setopt && c->getinfo && c->perform && c->strerror && c->append;
}

static bool curl__open(struct curl *c)
{
	c->handle = curl__find(c) ? c->init() : NULL;
	if (!c->handle)
		return false;
	c->headers = c->append(c->append(NULL, "Content-Type: application/json"), "Expect:");
	c->setopt(c->handle, CURLOPT_HTTPHEADER, c->headers);
	c->setopt(c->handle, CURLOPT_PROTOCOLS_STR, "http,https");
	c->setopt(c->handle, CURLOPT_NOSIGNAL, 1L);
	c->setopt(c->handle, CURLOPT_CONNECTTIMEOUT_MS, (long)SENDER_CONNECT_MS);
	c->setopt(c->handle, CURLOPT_TIMEOUT_MS, (long)SENDER_POST_MS);
	c->setopt(c->handle, CURLOPT_USERAGENT, "parkwatch/" PARKWATCH_VERSION);
	c->setopt(c->handle, CURLOPT_WRITEFUNCTION, drop);
	return true;
}

static void curl__post(const struct curl *c, const char *url, const void *body, size_t len,
		       struct sender_result *r)
{
	long status = 0;
	curl_off_t after = 0;
	CURLcode code;

	c->setopt(c->handle, CURLOPT_URL, url);
	c->setopt(c->handle, CURLOPT_POSTFIELDS, body);
	c->setopt(c->handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
	code = c->perform(c->handle);
	if (code != CURLE_OK) {
		snprintf(r->text, sizeof(r->text), "%s", c->strerror(code));
		return;
	}
	c->getinfo(c->handle, CURLINFO_RESPONSE_CODE, &status);
	c->getinfo(c->handle, CURLINFO_RETRY_AFTER, &after);
	r->status = (int32_t)status;
	r->retry_after_s = after > 0 && after < UINT32_MAX ? (uint32_t)after : 0;
}

/* The body's descriptor; negative: the supervisor is gone. path: ends with NUL. */
static int next_body(int from, char path[SENDER_PATH_MAX + 1])
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { path, SENDER_PATH_MAX };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	const struct cmsghdr *c;
	const ssize_t n = recvmsg(from, &msg, MSG_CMSG_CLOEXEC);
	int fd = -1;

	if (n <= 0)
		return -1;
	path[n] = '\0';
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* The body, posted; what came of it in r. */
static void post(const struct curl *c, const char *url, int body, struct sender_result *r)
{
	struct stat st = { .st_size = 0 };
	void *text;

	(void)fstat(body, &st);
	text = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, body, 0);
	if (text == MAP_FAILED)
		return;
	curl__post(c, url, text, (size_t)st.st_size, r);
	munmap(text, (size_t)st.st_size);
}

static void __attribute__((noreturn)) sender_main(int fd, const char *base)
{
	char url[CONFIG_TEXT_MAX + SENDER_PATH_MAX + 1];
	size_t len = strlen(base);
	struct curl c = { .handle = NULL };
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
	ready = curl__open(&c);
	while ((body = next_body(fd, url + len)) >= 0) {
		struct sender_result r = { .text = "" };

		if (ready)
			post(&c, url[len] ? url : base, body, &r);
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

int sender__post(int fd, const char *path, const void *body, size_t len)
{
	scoped_fd int mem = memfd_create("post", MFD_CLOEXEC);
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	/* with its NUL: a message without a byte is an end */
	struct iovec iov = { (void *)(uintptr_t)path, strlen(path) + 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	if (mem < 0 || write(mem, body, len) != (ssize_t)len)
		return -ENOMEM;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &mem, sizeof(mem));
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) > 0 ? 0 : -errno;
}

// SPDX-License-Identifier: BSD-2-Clause
#include "serve/kubelet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/write_all.h"
#include "serve/curl.h"
#include "serve/pod_list.h"
#include "serve/rights.h"

#define TOKEN_MAX 16384

/* --- of the launcher --- */

static void __attribute__((noreturn)) become_kubelet(const struct kubelet_opts *o, int to)
{
	char self[] = "/proc/self/exe";
	const char *argv[] = { "parkwatch", KUBELET_COMMAND, o->url,
			       o->insecure ? "insecure" : "verify", NULL };
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(to, STDOUT_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0U, 0))
		_exit(1);
	execv(self, (char **)(uintptr_t)argv);
	_exit(1);
}

int kubelet__start(const struct kubelet_opts *o, int *ret_fd)
{
	int fds[2];
	pid_t pid;

	if (!o->url)
		return -ENOENT;
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		become_kubelet(o, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return -EAGAIN;
	}
	*ret_fd = fds[0];
	return 0;
}

/* --- in the process itself --- */

bool kubelet_pods_url(const char *url, char *ret, size_t room)
{
	const char *scheme = strstr(url, "://"), *host = scheme ? scheme + 3 : url,
		   *end = host + strcspn(host, "/"),
		   *port = memrchr(host, ':', (size_t)(end - host));
	const bool bare = *host != '[' && port && memchr(host, ':', (size_t)(port - host));
	const int before = (int)(host - url), n = bare ? (int)(port - host) : 0;

	return (size_t)snprintf(ret, room, "%.*s%s%.*s%s%s/pods", before, url, bare ? "[" : "", n,
				host, bare ? "]" : "", host + n) < room;
}

struct answer {
	char *v; /* room for POD_LIST_BYTES_MAX */
	size_t nr;
	bool too_long;
};

static size_t take_body(char *bytes, size_t size, size_t nr, void *ctx)
{
	struct answer *a = ctx;

	a->too_long = size * nr > POD_LIST_BYTES_MAX - a->nr;
	if (a->too_long)
		return 0;
	memcpy(a->v + a->nr, bytes, size * nr);
	a->nr += size * nr;
	return size * nr;
}

static int say_container(void *ctx, const struct pod_facts *f)
{
	struct kubelet_said *s = ctx;

	*s = (struct kubelet_said){ .what = KUBELET_CONTAINER, .facts = *f };
	return write_all(STDOUT_FILENO, s, sizeof(*s));
}

/* "Authorization: Bearer TOKEN". The file is another one every hour. */
static int read_token(char *to, size_t room, struct cause *why)
{
	static const char path[] = KUBELET_ACCOUNT "/token";
	scoped_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	const size_t head = (size_t)snprintf(to, room, "Authorization: Bearer ");
	const ssize_t n = fd < 0 ? -1 : read(fd, to + head, room - head - 1);

	if (n < 0)
		return cause__set(why, -errno, "cannot read the service account's token '%s': %s",
				  path, strerror(errno));
	to[head + (size_t)n] = '\0';
	to[head + strcspn(to + head, "\r\n")] = '\0';
	return 0;
}

static int check_status(const struct curl *c, const char *url, struct cause *why)
{
	long status = 0;

	c->getinfo(c->handle, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		return 0;
	return cause__set(why, -EACCES, "the kubelet at %s answers %ld%s", url, status,
			  status == 401   ? ": it does not know the service account's token"
			  : status == 403 ? ": a ClusterRole must allow 'get' of 'nodes/pods'"
					  : "");
}

/* rights that are not needed for it are gone. */
static int get(const char *url, bool insecure, struct answer *a, struct cause *why)
{
	char header[TOKEN_MAX], path[1024];
	struct curl c = { .handle = NULL };
	struct curl_slist *headers;
	CURLcode code;
	int err = read_token(header, sizeof(header), why);

	if (err)
		return err;
	if (!kubelet_pods_url(url, path, sizeof(path)))
		return cause__set(why, -EINVAL, "the kubelet's URL is too long");
	if (!curl__open(&c))
		return cause__set(why, -ENOENT, "libcurl is not installed: libcurl4 has it");
	headers = c.append(NULL, header);
	c.setopt(c.handle, CURLOPT_URL, path);
	c.setopt(c.handle, CURLOPT_HTTPHEADER, headers);
	c.setopt(c.handle, CURLOPT_TIMEOUT_MS, (long)KUBELET_ANSWER_MS);
	c.setopt(c.handle, CURLOPT_WRITEFUNCTION, take_body);
	c.setopt(c.handle, CURLOPT_WRITEDATA, a);
	c.setopt(c.handle, CURLOPT_CAINFO, KUBELET_ACCOUNT "/ca.crt");
	c.setopt(c.handle, CURLOPT_SSL_VERIFYPEER, insecure ? 0L : 1L);
	c.setopt(c.handle, CURLOPT_SSL_VERIFYHOST, insecure ? 0L : 2L);
	code = c.perform(c.handle);
	if (a->too_long)
		err = cause__set(why, -EFBIG, "the kubelet at %s has more than %u MB to say", url,
				 POD_LIST_BYTES_MAX >> 20);
	else if (code != CURLE_OK)
		err = cause__set(why, -EIO, "cannot ask the kubelet at %s: %s%s", url,
				 c.strerror(code),
				 code == CURLE_PEER_FAILED_VERIFICATION
					 ? "; --kubelet-insecure takes any certificate"
					 : "");
	else
		err = check_status(&c, url, why);
	c.free_all(headers);
	c.cleanup(c.handle);
	explicit_bzero(header, sizeof(header));
	return err;
}

static int ask(const char *url, bool insecure, struct cause *why)
{
	struct kubelet_said *s = malloc(sizeof(*s));
	struct answer a = { .v = malloc(POD_LIST_BYTES_MAX) };
	int err = s && a.v ? get(url, insecure, &a, why) : cause__no_memory(why);

	if (!err)
		err = pod_list_read(a.v, a.nr, say_container, s);
	if (err)
		(void)cause__set(why, err, "what the kubelet at %s says is no list of pods: %s",
				 url, strerror(-err));
	free(a.v);
	free(s);
	return err;
}

int kubelet_main(int argc, char **argv)
{
	struct kubelet_said last = { .what = KUBELET_END };
	struct cause why = { "" };

	if (argc != 4 || isatty(STDOUT_FILENO)) {
		log_error("'%s' is started by 'parkwatch serve' alone", argv[1]);
		return 1;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NAME, "pw-kubelet");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	(void)alarm(KUBELET_ALL_S);
#ifndef __SANITIZE_ADDRESS__ /* its shadow would count */
	(void)setrlimit(RLIMIT_DATA, &(struct rlimit){ KUBELET_BYTES_MAX, KUBELET_BYTES_MAX });
#endif
	if (rights_drop_all(&why) || ask(argv[2], !strcmp(argv[3], "insecure"), &why))
		last = (struct kubelet_said){ .what = KUBELET_FAILED, .why = why };
	return write_all(STDOUT_FILENO, &last, sizeof(last)) != 0;
}

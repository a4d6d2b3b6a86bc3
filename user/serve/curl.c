// SPDX-License-Identifier: BSD-2-Clause
#include "serve/curl.h"

#ifdef PARKWATCH_STATIC
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"

const char *curl_library(void)
{
	return curl_version();
}

static bool curl__find(struct curl *c)
{
	c->init = curl_easy_init;
	c->setopt = curl_easy_setopt;
	c->getinfo = curl_easy_getinfo;
	c->perform = curl_easy_perform;
	c->cleanup = curl_easy_cleanup;
	c->strerror = curl_easy_strerror;
	c->append = curl_slist_append;
	c->free_all = curl_slist_free_all;
	return true;
}

/* No distribution built this libcurl, so nobody told it where certificates are here. */
static void curl__trust(struct curl *c)
{
	static const char *const files[] = {
		"/etc/ssl/certs/ca-certificates.crt", /* Debian, Alpine, Arch */
		"/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, Red Hat */
		"/etc/ssl/ca-bundle.pem",             /* SUSE */
		"/etc/ssl/cert.pem",                  /* Alpine without ca-certificates */
	};
	const char *named = getenv("SSL_CERT_FILE");

	for (size_t i = 0; !named && i < ARRAY_SIZE(files); i++)
		if (!access(files[i], R_OK))
			named = files[i];
	if (named)
		c->setopt(c->handle, CURLOPT_CAINFO, named);
}
#else
#include <dlfcn.h>

static void *installed(void)
{
	void *lib = dlopen("libcurl.so.4", RTLD_NOW);

	return lib ? lib : dlopen("libcurl-gnutls.so.4", RTLD_NOW);
}

const char *curl_library(void)
{
	void *lib = installed();
	__typeof__(&curl_version) version = lib ? dlsym(lib, "curl_version") : NULL;

	return version ? version() : NULL;
}

static bool curl__find(struct curl *c)
{
	void *lib = installed();

	if (!lib)
		return false;
	c->init = dlsym(lib, "curl_easy_init");
	c->setopt = dlsym(lib, "curl_easy_setopt");
	c->getinfo = dlsym(lib, "curl_easy_getinfo");
	c->perform = dlsym(lib, "curl_easy_perform");
	c->cleanup = dlsym(lib, "curl_easy_cleanup");
	c->strerror = dlsym(lib, "curl_easy_strerror");
	c->append = dlsym(lib, "curl_slist_append");
	c->free_all = dlsym(lib, "curl_slist_free_all");
	return c->init && c->setopt && c->getinfo && c->perform && c->cleanup && c->strerror &&
	       c->append && c->free_all;
}

static void curl__trust(struct curl *c)
{
	(void)c; /* what the distribution trusts */
}
#endif

bool curl__open(struct curl *c)
{
	c->handle = curl__find(c) ? c->init() : NULL;
	if (!c->handle)
		return false;
	c->setopt(c->handle, CURLOPT_PROTOCOLS_STR, "http,https");
	c->setopt(c->handle, CURLOPT_NOSIGNAL, 1L);
	c->setopt(c->handle, CURLOPT_FOLLOWLOCATION, 0L);
	c->setopt(c->handle, CURLOPT_USERAGENT, CURL_AGENT);
	curl__trust(c);
	return true;
}

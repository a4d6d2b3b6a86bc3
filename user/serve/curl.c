// SPDX-License-Identifier: BSD-2-Clause
#include "serve/curl.h"

#include <dlfcn.h>

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
	c->cleanup = dlsym(lib, "curl_easy_cleanup");
	c->strerror = dlsym(lib, "curl_easy_strerror");
	c->append = dlsym(lib, "curl_slist_append");
	c->free_all = dlsym(lib, "curl_slist_free_all");
	return c->init && c->setopt && c->getinfo && c->perform && c->cleanup && c->strerror &&
	       c->append && c->free_all;
}

bool curl__open(struct curl *c)
{
	c->handle = curl__find(c) ? c->init() : NULL;
	if (!c->handle)
		return false;
	c->setopt(c->handle, CURLOPT_PROTOCOLS_STR, "http,https");
	c->setopt(c->handle, CURLOPT_NOSIGNAL, 1L);
	c->setopt(c->handle, CURLOPT_FOLLOWLOCATION, 0L);
	c->setopt(c->handle, CURLOPT_USERAGENT, CURL_AGENT);
	return true;
}

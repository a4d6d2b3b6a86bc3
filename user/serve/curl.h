/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * curl: libcurl, opened where it is needed (dlopen): nobody else carries it, and a machine that talks
 * to nobody needs none. The static file has its own, and looks for certificates where the usual
 * distributions have them, or in the file that SSL_CERT_FILE names.
 */
#ifndef PARKWATCH_SERVE_CURL_H
#define PARKWATCH_SERVE_CURL_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#undef curl_easy_setopt /* a macro that takes three arguments: the function itself is meant */
#undef curl_easy_getinfo

#define CURL_AGENT "parkwatch/" PARKWATCH_VERSION

/* What is used of it. */
struct curl {
	__typeof__(&curl_easy_init) init;
	__typeof__(&curl_easy_setopt) setopt;
	__typeof__(&curl_easy_getinfo) getinfo;
	__typeof__(&curl_easy_perform) perform;
	__typeof__(&curl_easy_cleanup) cleanup;
	__typeof__(&curl_easy_strerror) strerror;
	__typeof__(&curl_slist_append) append;
	__typeof__(&curl_slist_free_all) free_all;
	CURL *handle;
	size_t got; /* bytes of the answer, for who counts them */
};

/* A handle for HTTP alone, which sends no signal and goes nowhere else. false: libcurl is not installed, or no memory. */
bool curl__open(struct curl *c);

/* Which one that would be: "libcurl/7.88.1 ..."; NULL: none is installed. */
const char *curl_library(void);

#endif

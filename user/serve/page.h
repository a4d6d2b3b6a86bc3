/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page: the web page of `parkwatch serve`: its files, which are part of the binary (page/, serve.mk).
 *
 * Script and style are files of their own, so that the page lives under `default-src 'self'`: nothing
 * inline can run, whatever a target is called. Beside them: the description of the API (openapi.json).
 */
#ifndef PARKWATCH_SERVE_PAGE_H
#define PARKWATCH_SERVE_PAGE_H

#include "serve/http.h"

/* false: that is no file of the page. */
bool page_get(const char *path, struct http_answer *a);

#endif

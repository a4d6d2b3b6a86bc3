/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts/requests.h"

void grequests__free(struct grequests *rs)
{
	if (!rs)
		return;
	free(rs->v);
	free(rs->of);
	arena__done(&rs->texts);
	free(rs);
}

const char *grequest_relation_word(enum grequest_relation r)
{
	switch (r) {
	case GREQUEST_SERVES: return "serves";
	case GREQUEST_OF: return "of";
	case GREQUEST_AWAITED_BY: return "awaited by";
	case GREQUEST_MADE_IN: return "made in";
	case GREQUEST_NONE: break;
	}
	return NULL;
}

const char *grequest_kind_word(enum grequest_kind k)
{
	switch (k) {
	case GREQUEST_HTTP: return "http";
	case GREQUEST_HTTP2: return "http2";
	case GREQUEST_GRPC: return "grpc";
	case GREQUEST_OUTGOING: return "outgoing";
	case GREQUEST_UNKNOWN: break;
	}
	return NULL;
}

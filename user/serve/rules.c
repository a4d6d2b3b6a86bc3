// SPDX-License-Identifier: BSD-2-Clause
#include "serve/rules.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

void rules__done(struct rules *r)
{
	for (size_t i = 0; i < r->nr; i++)
		for (int m = 0; m < MATCH_MAX; m++)
			free(r->v[i].globs[m]);
	free(r->v);
	*r = (struct rules){ .nr = 0 };
}

/* What the pattern is compared with. "": it is not known, and matches no pattern. */
static const char *text_of(const struct process_row *p, enum match m, const char *glob)
{
	const char *slash = strrchr(p->exe, '/');

	switch (m) {
	case MATCH_EXE: return slash && !strchr(glob, '/') ? slash + 1 : p->exe;
	case MATCH_CMDLINE: return p->cmdline;
	case MATCH_CGROUP: return p->cgroup;
	case MATCH_POD: return p->pod_name;
	case MATCH_NAMESPACE: return p->pod_namespace;
	default: return "";
	}
}

static bool matches(const char *glob, const char *text)
{
	return text[0] && !fnmatch(glob, text, 0);
}

static bool label_matches(const char *glob, const struct pod_labels *labels)
{
	for (const char *at = NULL; labels && (at = pod_labels__next(labels, at));)
		if (matches(glob, at))
			return true;
	return false;
}

static bool rule__matches(const struct rule *r, const struct process_row *p,
			  const struct pod_labels *labels)
{
	if (r->has_user && r->user != p->uid)
		return false;
	for (int m = 0; m < MATCH_MAX; m++) {
		const char *glob = r->globs[m],
			   *text = glob ? text_of(p, (enum match)m, glob) : NULL;

		if (glob && !matches(glob, text) && !(m == MATCH_POD && matches(glob, p->pod)) &&
		    !(m == MATCH_LABEL && label_matches(glob, labels)))
			return false;
	}
	return true;
}

enum level rules__level(const struct rules *r, const struct process_row *p,
			const struct pod_labels *labels, size_t *ret_rule)
{
	for (size_t i = 0; i < r->nr; i++)
		if (rule__matches(&r->v[i], p, labels)) {
			*ret_rule = i + 1;
			return r->v[i].level;
		}
	*ret_rule = 0;
	return LEVEL_USUAL;
}

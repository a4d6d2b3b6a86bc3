/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gomain: which functions are the program's own: those of package main and of the main module.
 *
 * The module information that the Go linker wrote (debug/buildinfo) names the main module and its
 * dependencies. A module of a workspace is a main module too: a dependency with the version
 * "(devel)" that nothing replaces. A build from GOPATH has no modules: there the repository that
 * package main is in stands for it, by its path (from Go 1.18 on it is named), else by the folder
 * of its files. A package below a folder `vendor` of it is none of its own.
 */
#ifndef PARKWATCH_GOLANG_GOMAIN_H
#define PARKWATCH_GOLANG_GOMAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/* modules that are told apart: own ones, and dependencies whose path begins like an own one's */
#define GOMAIN_PATHS_MAX 1024

struct gomain;
/*
 * modinfo: lines as of debug/buildinfo, without the marks around them; len 0: there is none. 0 or
 * -ENOMEM.
 */
int gomain__new(const char *modinfo, size_t len, struct gomain **ret);
void gomain__free(struct gomain *m);
DEFINE_SCOPED(gomain)

/* nothing is known but that package main is the program's */
bool gomain__wants_file(const struct gomain *m);
int gomain__file(struct gomain *m, const char *file); /* where main.main is. 0 or -ENOMEM */

/* func, file: as the tables of the program have them (gosym). m may be NULL: only package main. */
bool gomain__owns(const struct gomain *m, const char *func, const char *file);

#endif

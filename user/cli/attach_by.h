/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * attach_by: which process is meant by --attach-by: the one Go program that has this name, file or
 * container.
 *
 *	NAME		the last part of its file's path
 *	exe=PATH	that path, as the process sees it
 *	container=NAME	what Kubernetes calls its container or pod, or the beginning of the container's id
 * `*`, `?` and `[...]` stand for what they stand for in a shell.
 */
#ifndef PARKWATCH_CLI_ATTACH_BY_H
#define PARKWATCH_CLI_ATTACH_BY_H

#include "base/cause.h"
#include "view/processes.h"

/* 0; -EINVAL: no such way to name one; -ENOENT: none is there, -ENOTUNIQ: several; each with a cause. */
int attach_by_choose(const char *text, const struct processes *p, int *ret_pid, struct cause *why);
/* The same of this machine's processes now. Its errors, and those of discover(). */
int attach_by_find(const char *text, int *ret_pid, struct cause *why);

#endif

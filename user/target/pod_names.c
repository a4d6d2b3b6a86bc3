// SPDX-License-Identifier: BSD-2-Clause
#include "target/pod_names.h"

#include <dirent.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789-."
#define FILES_MAX    65536 /* that are looked at */

/* One name and the letter behind it. NULL: it is none, or too long. */
static const char *take(const char *at, size_t len, char end, char *to, size_t room)
{
	if (!len || len >= room || strspn(at, NAME_LETTERS) < len || at[len] != end)
		return NULL;
	memcpy(to, at, len);
	to[len] = '\0';
	return at + len + 1;
}

bool pod_names_of(const char *file, const char *container_id, struct pod_names *ret)
{
	const size_t digits = strlen(container_id), len = strlen(file);
	const char *id = file + len - digits - strlen(".log"), *at = file;

	if (digits != 64 || len < digits + strlen("p_n_c-.log") ||
	    strncmp(id, container_id, digits) != 0 || strcmp(id + digits, ".log") != 0)
		return false;
	at = take(at, strcspn(at, "_"), '_', ret->pod, sizeof(ret->pod));
	if (at)
		at = take(at, strcspn(at, "_"), '_', ret->namespace, sizeof(ret->namespace));
	return at && at < id &&
	       take(at, (size_t)(id - 1 - at), '-', ret->container, sizeof(ret->container));
}

bool pod_names_find(const char *folder, const char *container_id, struct pod_names *ret)
{
	DIR *d = opendir(folder);
	const struct dirent *e;
	bool found = false;

	for (int i = 0; d && !found && i < FILES_MAX && (e = readdir(d)); i++)
		found = pod_names_of(e->d_name, container_id, ret);
	if (d)
		closedir(d);
	return found;
}

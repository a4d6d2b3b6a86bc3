/* SPDX-License-Identifier: BSD-2-Clause */
/* replay: runs a fuzz target over files and folders named on the command line; for builds without libFuzzer. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *buf;
	size_t size;
	long end;

	if (!f || fseek(f, 0, SEEK_END) || (end = ftell(f)) < 0 || fseek(f, 0, SEEK_SET)) {
		fprintf(stderr, "cannot read '%s': %s\n", path, strerror(errno));
		return 1;
	}
	buf = malloc((size_t)end + 1);	/* + 1: an empty input is an input too */
	size = fread(buf, 1, (size_t)end, f);
	fclose(f);
	LLVMFuzzerTestOneInput(buf, size);
	free(buf);
	return 0;
}

static int replay(const char *path)
{
	struct dirent *e;
	char name[4096];
	DIR *d = opendir(path);
	int failed = 0;

	if (!d)
		return replay_file(path);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
			failed |= replay(name);
		}
	closedir(d);
	return failed;
}

int main(int argc, char **argv)
{
	int failed = 0;

	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	return failed;
}

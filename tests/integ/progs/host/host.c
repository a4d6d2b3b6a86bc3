/* SPDX-License-Identifier: BSD-2-Clause */
/* host: a C program that loads work as a Go c-shared library: host LIBRARY KIND. */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	void *lib = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
	void (*work)(const char *) = lib ? (void (*)(const char *))dlsym(lib, "Work") : NULL;

	if (!work) {
		fprintf(stderr, "host: %s\n",
			lib || argc == 3 ? dlerror() : "usage: host LIBRARY KIND");
		return 1;
	}
	work(argv[2]);
	return 0;
}

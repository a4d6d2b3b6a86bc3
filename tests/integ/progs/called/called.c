/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * called LIBRARY N first|thread: calls it, on its first thread or on another one, and keeps what it
 * says on that one's stack.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uintptr_t (*start)(int);
static void (*ready)(void);
static int nr;

static void *keep(void *nothing)
{
	volatile uintptr_t kept[64];

	kept[20] = start(nr);
	ready();
	while (kept[20])
		pause();
	return nothing;
}

int main(int argc, char **argv)
{
	void *library = argc == 4 ? dlopen(argv[1], RTLD_NOW) : NULL;
	pthread_t thread;

	if (!library)
		return 1;
	start = (uintptr_t(*)(int))dlsym(library, "Start");
	ready = (void (*)(void))dlsym(library, "Ready");
	nr = atoi(argv[2]);
	if (!strcmp(argv[3], "first"))
		keep(NULL);
	return pthread_create(&thread, NULL, keep, NULL) || pthread_join(thread, NULL);
}

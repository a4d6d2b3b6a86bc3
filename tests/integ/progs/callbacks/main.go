// SPDX-License-Identifier: BSD-2-Clause

// callbacks: C calls Go functions, which make goroutines; from a call of Go's, and from a thread of C's own. It says "ready",
// begins at "go", and then says how many were made.
package main

/*
#cgo LDFLAGS: -lpthread
#include <pthread.h>
extern void fromC(void);
static __attribute__((noinline)) void repeat(int n)
{
	while (n-- > 0)
		fromC();
}
static void *run(void *n)
{
	repeat(*(int *)n);
	return 0;
}
static int on_a_thread(int n)
{
	pthread_t t;
	return pthread_create(&t, 0, run, &n) || pthread_join(t, 0);
}
*/
import "C"

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	in := bufio.NewReader(os.Stdin)
	fmt.Println("ready")
	in.ReadString('\n')
	C.repeat(100)
	if C.on_a_thread(100) != 0 {
		panic("no thread")
	}
	fmt.Println(made)
	in.ReadString('\n')
}

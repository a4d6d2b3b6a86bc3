// SPDX-License-Identifier: BSD-2-Clause

// collected: goroutines that leak in a program with C in it, whose garbage was just collected: the runtime's own memory is full of
// addresses of what they wait for. What C keeps in memory of every sort is held.
//
//	collected N	N requests that nobody answers
//
// Prints "ready", then {"leaked":{"kind":[goids]},"held":{"kind":[goids]}}, then waits for its standard input to end. Builds with Go 1.15.
package main

/*
#cgo LDFLAGS: -lpthread
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile uintptr_t variable[4096];
static int used;

static void in_variable(uintptr_t p) { variable[used++ % 4096] = p; }
static void in_heap(uintptr_t p) { volatile uintptr_t *slot = malloc(sizeof(*slot)); *slot = p; in_variable((uintptr_t)slot); }
static void in_large(uintptr_t p) { volatile uintptr_t *slots = malloc(1 << 20); slots[1 << 10] = p; in_variable((uintptr_t)slots); }
// At the very start of a page, as the runtime's own pieces have the address of the one before them.
static void in_mapping(uintptr_t p, size_t len)
{
	volatile uintptr_t *slots = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	slots[0] = p;
	in_variable((uintptr_t)slots);
}
// So that the kernel joins it with the stack of the next thread, which lies right below.
static void in_page_above(uintptr_t p)
{
	volatile uintptr_t *slots = mmap(NULL, 8 << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise((void *)slots, 8 << 10, MADV_NOHUGEPAGE);
	slots[512] = p;
	in_variable((uintptr_t)slots);
}
static __thread volatile uintptr_t local[16];
static void in_local(uintptr_t p) { local[3] = p; }
static void *keeper(void *p)
{
	volatile uintptr_t kept[64];
	kept[20] = (uintptr_t)p;
	while (kept[20])
		pause();
	return NULL;
}
static void in_thread(uintptr_t p)
{
	pthread_t t;
	pthread_create(&t, NULL, keeper, (void *)p);
}
*/
import "C"

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/ioutil"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
	"unsafe"
)

var truth = struct {
	sync.Mutex
	leaked, held map[string][]uint64
}{leaked: map[string][]uint64{}, held: map[string][]uint64{}}

var started sync.WaitGroup

func enter(of map[string][]uint64, kind string) {
	var buf [64]byte
	id, err := strconv.ParseUint(string(bytes.Fields(buf[:runtime.Stack(buf[:], false)])[1]), 10, 64)
	if err != nil {
		panic(err)
	}
	truth.Lock()
	of[kind] = append(of[kind], id)
	truth.Unlock()
	started.Done()
}

type request struct {
	name string
	done chan int
}

var jobs = make(chan *request)

func worker() {
	enter(truth.held, "worker")
	for r := range jobs {
		r.done <- len(r.name)
	}
}

//go:noinline
func ask(i int) {
	r := &request{strconv.Itoa(i), make(chan int)}
	started.Add(1)
	go func() {
		enter(truth.leaked, "request")
		r.done <- len(r.name)
		fmt.Fprintln(ioutil.Discard, r.name)
	}()
}

// Against the rules of cgo, but it works: the goroutine keeps its channel.
//
//go:noinline
func heldByC(kind string, keep func(p C.uintptr_t)) {
	c := make(chan int)
	keep(C.uintptr_t(*(*uintptr)(unsafe.Pointer(&c))))
	started.Add(1)
	go func() {
		enter(truth.held, kind)
		<-c
	}()
}

func inMapping(bytes int) func(p C.uintptr_t) {
	return func(p C.uintptr_t) { C.in_mapping(p, C.size_t(bytes)) }
}

// thread starts a thread that stays, and does this first.
func thread(first func()) {
	done := make(chan bool)
	go func() {
		runtime.LockOSThread()
		first()
		close(done)
		time.Sleep(time.Hour)
	}()
	<-done
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	started.Add(40)
	for i := 0; i < 40; i++ {
		go worker()
	}
	for i := 0; i < n; i++ {
		ask(i)
		if i%50 == 0 { // between what the runtime asks the kernel for
			heldByC("variable of C", func(p C.uintptr_t) { C.in_variable(p) })
			heldByC("heap of C", func(p C.uintptr_t) { C.in_heap(p) })
			heldByC("large block of C", func(p C.uintptr_t) { C.in_large(p) })
			heldByC("page of C", inMapping(4<<10))
			heldByC("pages of C", inMapping(256<<10))
		}
	}
	for i := 0; i < 8; i++ {
		heldByC("page of C above a stack", func(p C.uintptr_t) { C.in_page_above(p) })
		heldByC("stack of a thread of C", func(p C.uintptr_t) { C.in_thread(p) })
		thread(func() { heldByC("thread's variable of C", func(p C.uintptr_t) { C.in_local(p) }) })
	}
	started.Wait()
	atRest()
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	fmt.Println("ready")
	truth.Lock()
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"leaked": truth.leaked, "held": truth.held})
	truth.Unlock()
	io.Copy(ioutil.Discard, os.Stdin)
}

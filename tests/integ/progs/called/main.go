// SPDX-License-Identifier: BSD-2-Clause

// called: a library for a program of C (called.c): requests that nobody answers, and a goroutine whose channel only the stack of C
// refers to, which is against the rules of cgo but works. Ready prints as the program collected does. Builds with Go 1.15.
package main

// #include <stdint.h>
import "C"

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/ioutil"
	"os"
	"runtime"
	"strconv"
	"sync"
	"unsafe"
)

var started sync.WaitGroup

var truth = struct {
	sync.Mutex
	goids map[string][]uint64
}{goids: map[string][]uint64{}}

func enter(kind string) {
	var buf [64]byte
	id, err := strconv.ParseUint(string(bytes.Fields(buf[:runtime.Stack(buf[:], false)])[1]), 10, 64)
	if err != nil {
		panic(err)
	}
	truth.Lock()
	truth.goids[kind] = append(truth.goids[kind], id)
	truth.Unlock()
	started.Done()
}

type request struct {
	name string
	done chan int
}

//go:noinline
func ask(i int) {
	r := &request{strconv.Itoa(i), make(chan int)}
	started.Add(1)
	go func() {
		enter("request")
		r.done <- len(r.name)
		fmt.Fprintln(ioutil.Discard, r.name)
	}()
}

func wait(c chan int) {
	enter("stack of C")
	<-c
}

//export Start
func Start(n C.int) C.uintptr_t {
	for i := 0; i < int(n); i++ {
		ask(i)
	}
	c := make(chan int)
	started.Add(1)
	go wait(c)
	started.Wait()
	atRest()
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	return C.uintptr_t(*(*uintptr)(unsafe.Pointer(&c)))
}

//export Ready
func Ready() {
	fmt.Println("ready")
	truth.Lock()
	json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"leaked": map[string][]uint64{"request": truth.goids["request"]},
		"held":   map[string][]uint64{"stack of C": truth.goids["stack of C"]},
	})
	truth.Unlock()
}

func main() {}

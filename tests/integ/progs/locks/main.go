// SPDX-License-Identifier: BSD-2-Clause

// Command locks is the target of parkwatch's test of lock holders: goroutines that park with locks held in many shapes of code,
// and others that look as if they held one.
//
//	locks [many:N]
//
// many: instead of the shapes N goroutines that hold a lock each, and N that wait for one more. Once all are parked it prints one line of JSON, and ends with its input:
//
//	[{"shape":"deferred","goid":18,"holds":[{"kind":"mutex","lock":"0xc000012340"}]},...]
//
// A WaitGroup is held, as kind "group", by who will call its Done.
//
// It compiles with every Go from 1.15 on; newer.go from 1.18 on, older.go stands for it before; gogroup.go from 1.25 on.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

type claimed struct {
	Kind string `json:"kind"`
	Lock string `json:"lock"`
}

type goroutine struct {
	Shape string    `json:"shape"`
	Goid  int       `json:"goid"`
	Holds []claimed `json:"holds"`
}

var (
	never = make(chan int)
	truth struct {
		sync.Mutex
		gs []*goroutine
	}
)

func goid() int {
	var buf [64]byte
	text := bytes.Fields(buf[:runtime.Stack(buf[:], false)])
	id, _ := strconv.Atoi(string(text[1]))
	return id
}

// claim says that the calling goroutine holds a lock from now on.
//
//go:noinline
func claim(kind string, lock unsafe.Pointer) {
	id := goid()
	truth.Lock()
	defer truth.Unlock()
	for _, g := range truth.gs {
		if g.Goid == id {
			g.Holds = append(g.Holds, claimed{kind, fmt.Sprintf("0x%x", uintptr(lock))})
		}
	}
}

//go:noinline
func mutex(m *sync.Mutex) { claim("mutex", unsafe.Pointer(m)) }

//go:noinline
func reading(m *sync.RWMutex) { claim("read", unsafe.Pointer(m)) }

//go:noinline
func writing(m *sync.RWMutex) { claim("write", unsafe.Pointer(m)) }

//go:noinline
func pending(m *sync.RWMutex) { claim("pending", unsafe.Pointer(m)) }

// enroll says what shape the calling goroutine is.
func enroll(shape string) *goroutine {
	g := &goroutine{Shape: shape, Goid: goid(), Holds: []claimed{}}
	truth.Lock()
	defer truth.Unlock()
	truth.gs = append(truth.gs, g)
	return g
}

// start runs the shape in a goroutine of its own and returns when it has parked.
func start(shape string, run func()) {
	var g *goroutine
	ready := make(chan bool)
	go func() {
		g = enroll(shape)
		close(ready)
		run()
	}()
	<-ready
	for !parked(g.Goid) {
		time.Sleep(100 * time.Microsecond)
	}
}

// parked tells whether a goroutine waits for good: its traceback says that it waits, and that no sleep ends it.
func parked(id int) bool {
	buf := make([]byte, 1<<20)
	for _, text := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		var found int
		var state string
		head := strings.SplitN(text, "]", 2)[0]
		if n, _ := fmt.Sscanf(head, "goroutine %d [%s", &found, &state); n != 2 || found != id {
			continue
		}
		return !strings.HasPrefix(state, "run") && state != "sleep" && state != "preempted" &&
			!strings.Contains(text, "main.claim") && !strings.Contains(text, "main.passing")
	}
	return false
}

// settle returns when all of them stand still.
func settle() {
	for again := 0; again < 3; again++ {
		for _, g := range truth.gs {
			for !parked(g.Goid) {
				time.Sleep(100 * time.Microsecond)
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func park() { <-never }

// passingRLock tells whether readers are shut out by a writer that waits: readerCount is negative then.
func passingRLock(m *sync.RWMutex) bool {
	return atomic.LoadInt32((*int32)(unsafe.Pointer(uintptr(unsafe.Pointer(m))+16))) < 0
}

func shapes() {
	plainShapes()
	deferredShapes()
	indirectShapes()
	readerShapes()
	waitingShapes()
	freeShapes()
	moreShapes()
	newerShapes()
	owedShapes()
	settle()
}

func many(n int) {
	shared := new(sync.Mutex)
	shared.Lock()
	var started sync.WaitGroup
	for i := 0; i < n; i++ {
		started.Add(2)
		go func() {
			m := new(sync.Mutex)
			m.Lock()
			defer m.Unlock()
			started.Done()
			<-never
		}()
		go func() {
			started.Done()
			wait(shared)
		}()
	}
	started.Wait()
	for shared := (*int32)(unsafe.Pointer(shared)); atomic.LoadInt32(shared)>>3 < int32(n); {
		time.Sleep(time.Millisecond)
	}
}

func main() {
	if len(os.Args) > 1 {
		n, err := strconv.Atoi(strings.TrimPrefix(os.Args[1], "many:"))
		if err != nil {
			panic(err)
		}
		many(n)
	} else {
		shapes()
	}
	truth.Lock()
	text, err := json.Marshal(truth.gs)
	truth.Unlock()
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
	bufio.NewReader(os.Stdin).ReadString('\n')
}

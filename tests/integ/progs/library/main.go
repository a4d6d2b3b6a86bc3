// SPDX-License-Identifier: BSD-2-Clause

// Command library is a target of parkwatch's test of lock holders: goroutines that wait in Go's own library, and every lock that can
// be reached from what they work with taken by the main goroutine, which never gives one back.
//
// Once all wait it prints one line of JSON, and ends with its input: the addresses of the locks that main took, of which nobody
// else is a holder, and of those that somebody had before:
//
//	{"main":["0xc000012340"],"others":["0xc000012350"]}
//
// It compiles with every Go from 1.15 on.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"expvar"
	"fmt"
	"io"
	"io/ioutil"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

var (
	roots []interface{}
	seen  = map[uintptr]bool{}
	mains = map[string]bool{}
	held  = map[string]bool{}
)

func root(x interface{}) { roots = append(roots, x) }

// take locks what is free; either lock is free if its first word, the state of a Mutex, has no bit 0.
func take(p unsafe.Pointer, l sync.Locker) {
	name := fmt.Sprintf("%p", p)
	if mains[name] {
		return
	}
	if atomic.LoadInt32((*int32)(p))&1 != 0 {
		held[name] = true
		return
	}
	l.Lock()
	mains[name] = true
}

func walkStruct(v reflect.Value, depth int) {
	if v.CanAddr() {
		p := unsafe.Pointer(v.UnsafeAddr())
		switch v.Type() {
		case reflect.TypeOf(sync.Mutex{}):
			take(p, (*sync.Mutex)(p))
			return
		case reflect.TypeOf(sync.RWMutex{}):
			take(p, (*sync.RWMutex)(p))
			return
		}
	}
	for i := 0; i < v.NumField(); i++ {
		walk(v.Field(i), depth+1)
	}
}

// walk takes all locks that v leads to.
func walk(v reflect.Value, depth int) {
	if depth > 25 {
		return
	}
	switch v.Kind() {
	case reflect.Ptr:
		if !v.IsNil() && !seen[v.Pointer()] {
			seen[v.Pointer()] = true
			walk(v.Elem(), depth+1)
		}
	case reflect.Interface:
		if !v.IsNil() {
			walk(v.Elem(), depth+1)
		}
	case reflect.Struct:
		walkStruct(v, depth)
	case reflect.Slice, reflect.Array:
		for i := 0; i < v.Len() && i < 100; i++ {
			walk(v.Index(i), depth+1)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			walk(k, depth+1)
			walk(v.MapIndex(k), depth+1)
		}
	}
}

func serve(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintln(w, "hello")
	if r.URL.Path == "/hang" {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
}

// servers leaves connections in use and at rest.
func servers() {
	server := httptest.NewServer(http.HandlerFunc(serve))
	client := &http.Client{Transport: &http.Transport{}}
	root(server)
	root(client)
	var ready sync.WaitGroup
	for i := 0; i < 5; i++ {
		if response, err := client.Get(server.URL); err == nil {
			ioutil.ReadAll(response.Body)
			response.Body.Close()
		}
		ready.Add(1)
		go func() {
			response, err := client.Get(server.URL + "/hang")
			ready.Done()
			if err == nil {
				ioutil.ReadAll(response.Body)
			}
		}()
	}
	ready.Wait()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		root(listener)
		go listener.Accept()
	}
}

func pipes() {
	r, w := io.Pipe()
	root(r)
	go w.Write([]byte("x"))
	go w.Write([]byte("y"))
	logger := log.New(w, "", 0)
	root(logger)
	go logger.Println("a")
	go logger.Println("b")
	r, w = io.Pipe()
	root(r)
	go r.Read(make([]byte, 3))
	go log.New(w, "", 0).Println("hello")
	go json.NewDecoder(r).Decode(new(int))
	a, b := net.Pipe()
	root(a)
	root(b)
	go a.Read(make([]byte, 1))
	go a.Write(make([]byte, 1))
}

func others() {
	ctx := context.Background()
	for i := 0; i < 3; i++ {
		ctx, _ = context.WithTimeout(ctx, time.Hour)
		root(ctx)
		go func(ctx context.Context) { <-ctx.Done() }(ctx)
	}
	cat := exec.CommandContext(ctx, "cat")
	in, err := cat.StdinPipe()
	if err == nil && cat.Start() == nil {
		root(cat)
		root(in)
		go cat.Wait()
	}
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	root(expvar.NewMap("m"))
	once := new(sync.Once)
	root(once)
	go once.Do(func() { select {} })
	root(http.DefaultServeMux)
	root(http.DefaultTransport)
}

func names(set map[string]bool) []string {
	all := []string{}
	for name := range set {
		all = append(all, name)
	}
	return all
}

func main() {
	servers()
	pipes()
	others()
	atRest()
	walk(reflect.ValueOf(&roots), 0)
	text, err := json.Marshal(map[string][]string{"main": names(mains), "others": names(held)})
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(append(text, '\n'))
	bufio.NewReader(os.Stdin).ReadString('\n')
}

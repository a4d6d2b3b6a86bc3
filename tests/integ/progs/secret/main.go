// SPDX-License-Identifier: BSD-2-Clause

// secret: channels and labels that package runtime/secret protects, and such that it does not. Go 1.26 and later, built with
// GOEXPERIMENT=runtimesecret.
//
// Says "ready" and one line of JSON: the number of each goroutine. Ends with its standard input.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"runtime/secret"
	"strconv"
	"strings"
)

var (
	told = map[string]uint64{}
	keep []any
)

func goid() uint64 {
	var buf [64]byte
	text := string(buf[:runtime.Stack(buf[:], false)])
	id, err := strconv.ParseUint(strings.Fields(text)[1], 10, 64)
	if err != nil {
		panic(err)
	}
	return id
}

func start(name string, f func()) {
	id := make(chan uint64)
	go func() {
		id <- goid()
		f()
	}()
	told[name] = <-id
}

type key struct {
	words [4]uint64
	next  *key
}

func full[T any](v T) chan T {
	c := make(chan T, 2)
	c <- v
	c <- v
	return c
}

//go:noinline
func send[T any](c chan T, v T) { c <- v }

//go:noinline
func block(c chan bool) { <-c }

// A line of its own: a group of leaks.
//
//go:noinline
func blockLabelled(c chan bool) { <-c }

func main() {
	open := full(uint64(0x0badcafe11111111))
	start("open", func() { send(open, 1) })
	var hidden chan uint64
	var keys chan key
	var mixed chan uint64
	var word, inner string
	secret.Do(func() {
		hidden = full(uint64(0x5ec2e75ec2e70001))
		keys = full(key{words: [4]uint64{0x5ec2e75ec2e70002, 1, 2, 3}})
		word = strings.Repeat("sesame", 3)
		inner = strings.Repeat("knock", 4)
	})
	mixed = full(uint64(0x0badcafe22222222))
	start("hidden", func() { send(hidden, 1) })
	start("keys", func() { send(keys, key{}) })
	start("mixed", func() { send(mixed, 1) })
	never := make(chan bool)
	start("labels", func() {
		pprof.Do(context.Background(), pprof.Labels("plain", strings.Repeat("public", 2), "pass", word), func(context.Context) { blockLabelled(never) })
	})
	start("inside", func() {
		secret.Do(func() {
			pprof.Do(context.Background(), pprof.Labels("who", inner), func(context.Context) { block(never) })
		})
	})
	keep = append(keep, open, hidden, keys, mixed, word, inner, never)
	atRest()
	text, err := json.Marshal(told)
	if err != nil {
		panic(err)
	}
	fmt.Printf("ready\n%s\n", text)
	io.ReadAll(os.Stdin)
	runtime.KeepAlive(keep)
}

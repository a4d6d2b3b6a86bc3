// SPDX-License-Identifier: BSD-2-Clause

// started: a program that parkwatch starts, and that says what it did.
//
//	started born N		makes N goroutines, each in turn, beside the one that a package's init has made; says "born N", ends with status 7
//	started kill		ends by SIGTERM, sent to itself
//	started serve		says "ready", and "bye" when SIGTERM comes; then ends with status 3
//	started who		says whose rights it has: uid, gid, groups, HOME, USER, how many descriptors it may open; ends with status 0
package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
)

var early = make(chan bool)

//go:noinline
func first() { early <- true }

func init() { go first() }

//go:noinline
func child(wg *sync.WaitGroup) { wg.Done() }

//go:noinline
func bear(n int) {
	var wg sync.WaitGroup
	for i := 0; i < n; i++ {
		wg.Add(1)
		go child(&wg)
		wg.Wait()
	}
}

func main() {
	<-early
	switch os.Args[1] {
	case "born":
		n, _ := strconv.Atoi(os.Args[2])
		bear(n)
		fmt.Println("born", n)
		os.Exit(7)
	case "kill":
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
		select {}
	case "serve":
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM)
		fmt.Println("ready")
		<-c
		fmt.Println("bye")
		os.Exit(3)
	case "who":
		var files syscall.Rlimit
		groups, _ := os.Getgroups()
		syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files)
		fmt.Println(os.Getuid(), os.Getgid(), len(groups), os.Getenv("HOME"), os.Getenv("USER"), files.Max)
	}
}

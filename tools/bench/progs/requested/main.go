// SPDX-License-Identifier: BSD-2-Clause

// requested: an HTTP server whose requests hang, each with a goroutine that it made. Says "port N"; answers each line on its
// standard input with how many of these goroutines there are.
package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
)

var hang int64

func work(r *http.Request) {
	atomic.AddInt64(&hang, 1)
	<-r.Context().Done()
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	http.HandleFunc("/hang/", func(w http.ResponseWriter, r *http.Request) {
		go work(r)
		<-r.Context().Done()
		fmt.Fprint(w, r.URL)
	})
	go http.Serve(listener, nil)
	fmt.Println("port", listener.Addr().(*net.TCPAddr).Port)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(atomic.LoadInt64(&hang))
	}
}

// httpload: a net/http server, which starts itself once more as the client that loads it: with so many requests a second, or without
// an argument with as many as the two can. An op is a request.
package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"../answer"
)

var ops uint64

const connections = 16

// each: from the beginning of a request to that of the next, on one connection; 0: at once.
func client(url string, each time.Duration) {
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = connections
	for i := 0; i < connections; i++ {
		next := time.Now().Add(each * time.Duration(i) / connections)
		go func() {
			for {
				time.Sleep(time.Until(next))
				next = next.Add(each)
				r, err := http.Get(url)
				if err != nil {
					os.Exit(0)
				}
				io.Copy(io.Discard, r.Body)
				r.Body.Close()
			}
		}()
	}
	io.Copy(io.Discard, os.Stdin)
}

// Of so many requests a second, on all connections together.
func period(rate string) time.Duration {
	n, err := strconv.Atoi(rate)
	if err != nil {
		panic(err)
	}
	return connections * time.Second / time.Duration(n)
}

func main() {
	each := "0s"
	if len(os.Args) == 3 {
		pause, _ := time.ParseDuration(os.Args[2])
		client(os.Args[1], pause)
		return
	}
	if len(os.Args) == 2 {
		each = period(os.Args[1]).String()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	body := strings.Repeat("x", 1024)
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		atomic.AddUint64(&ops, 1)
		io.WriteString(w, body)
	}))
	load := exec.Command(os.Args[0], "http://"+l.Addr().String()+"/", each)
	load.StdinPipe() // its end is ours: the client ends with us
	if err := load.Start(); err != nil {
		panic(err)
	}
	answer.Lines(&ops)
	load.Process.Kill()
}

// httpload: a net/http server; without arguments it serves and starts itself once more as the client that loads it.
// An op is a request.
package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"

	"../answer"
)

var ops uint64

func client(url string) {
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 16
	for i := 0; i < 16; i++ {
		go func() {
			for {
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

func main() {
	if len(os.Args) > 1 {
		client(os.Args[1])
		return
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
	load := exec.Command(os.Args[0], "http://"+l.Addr().String()+"/")
	load.StdinPipe() // its end is ours: the client ends with us
	if err := load.Start(); err != nil {
		panic(err)
	}
	answer.Lines(&ops)
	load.Process.Kill()
}

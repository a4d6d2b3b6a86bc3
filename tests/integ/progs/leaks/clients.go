// SPDX-License-Identifier: BSD-2-Clause

// A server and its clients, which are another process.
package main

import (
	"fmt"
	"io"
	"io/ioutil"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"
)

func serveSilent(c net.Conn) {
	defer c.Close()
	io.Copy(ioutil.Discard, c)
}

// clients runs this program again, to connect once every pause.
func clients(pause time.Duration, serve func(net.Conn)) {
	listenFor(pause, "stay", func(l net.Listener) {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	})
}

// listenFor: the clients say hello in HTTP, and "stay", or "leave" soon.
func listenFor(pause time.Duration, then string, serve func(net.Listener)) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go serve(listener)
	dialer := exec.Command(os.Args[0], "dial", listener.Addr().String(), pause.String(), then)
	if _, err := dialer.StdinPipe(); err != nil { // it ends when we do
		panic(err)
	}
	if err := dialer.Start(); err != nil {
		panic(err)
	}
}

var (
	keptLock sync.Mutex
	kept     []interface{}
)

// A goroutine that reads and one that writes, for each connection.
type peer struct {
	c    net.Conn
	send chan string
}

func (p *peer) read() {
	io.Copy(ioutil.Discard, p.c)
	p.c.Close() // p.send stays open
}

func (p *peer) write() {
	ping := time.NewTicker(time.Minute)
	for {
		select {
		case m := <-p.send:
			io.WriteString(p.c, m)
		case <-ping.C:
			io.WriteString(p.c, "ping")
		}
	}
}

func (p *peer) writeAll() {
	for m := range p.send {
		io.WriteString(p.c, m)
	}
}

func newPeer(c net.Conn) *peer {
	p := &peer{c, make(chan string)}
	keptLock.Lock()
	kept = append(kept, p)
	keptLock.Unlock()
	return p
}

// The reader makes the writer.
func serveChild(c net.Conn) {
	p := newPeer(c)
	go p.writeAll()
	p.read()
}

// Who accepts makes both.
func acceptPeers(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		p := newPeer(c)
		go p.read()
		go p.write()
	}
}

func serveWith(h func(w http.ResponseWriter, r *http.Request)) func(l net.Listener) {
	return func(l net.Listener) { http.Serve(l, http.HandlerFunc(h)) }
}

// subscribe ends with its client.
func subscribe(w http.ResponseWriter, r *http.Request) {
	events := make(chan string)
	keptLock.Lock()
	kept = append(kept, events)
	keptLock.Unlock()
	for {
		select {
		case e := <-events:
			io.WriteString(w, e)
		case <-r.Context().Done():
			return
		}
	}
}

// hang waits for an answer, and does not care for its client.
func hang(w http.ResponseWriter, r *http.Request) {
	answer := make(chan string)
	keptLock.Lock()
	kept = append(kept, answer)
	keptLock.Unlock()
	io.WriteString(w, <-answer)
}

// dial is the other process.
func dial(addr, pause, then string) {
	d, err := time.ParseDuration(pause)
	if err != nil {
		panic(err)
	}
	go every(d, func() {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return
		}
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: peer\r\n\r\n")
		if then == "leave" {
			time.AfterFunc(20*time.Millisecond, func() { c.Close() })
			return
		}
		held = append(held, c)
	})
	os.Stdin.Read(make([]byte, 1))
}

func init() {
	alone["silent-clients"] = kind{func() { clients(300*time.Millisecond, serveSilent) }, nil}
	alone["clients-with-a-writer"] = kind{func() { clients(300*time.Millisecond, serveChild) }, nil}
	alone["clients-with-a-pump"] = kind{func() { listenFor(300*time.Millisecond, "stay", acceptPeers) }, nil}
	alone["subscribers"] = kind{func() { listenFor(300*time.Millisecond, "stay", serveWith(subscribe)) }, nil}
	alone["writers-of-clients-that-left"] = kind{func() { listenFor(200*time.Millisecond, "leave", acceptPeers) },
		[]leak{{"writers-of-clients-that-left", "main.(*peer).write", "select", "timer or ticker never stopped", "growing"}}}
	alone["handlers-that-hang"] = kind{func() { listenFor(300*time.Millisecond, "stay", serveWith(hang)) },
		[]leak{{"handlers-that-hang", "net/http.(*conn).serve", "chan receive", "blocked receive", "growing"}}}
}

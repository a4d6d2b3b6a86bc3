// SPDX-License-Identifier: BSD-2-Clause

// Mistakes that only the state tells from others: what stands on the stack is the same. Each is started only by its name.
package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"time"
)

func askSilent(client *http.Client, url string) {
	if response, err := client.Get(url); err == nil {
		response.Body.Close()
	}
}

func runInBackground() {
	var out bytes.Buffer
	cmd := exec.Command("sh", "-c", "sleep 60 &")
	cmd.Stdout = &out
	cmd.Run()
}

// poller has a way to end that nobody uses.
type poller struct{ done chan struct{} }

func (p *poller) poll() {
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-p.done:
			return
		}
	}
}

func (p *poller) Close() error {
	close(p.done)
	return nil
}

var pollers []io.Closer

func update(mu *sync.Mutex) {
	mu.Lock()
	notify(mu)
	mu.Unlock()
}

//go:noinline
func notify(mu *sync.Mutex) {
	mu.Lock()
	mu.Unlock()
}

func afterStop(t *time.Ticker) {
	for range t.C {
	}
	t.Reset(time.Second)
}

// only registers a mistake that is made again and again, if it is asked for.
func only(name, start, reason, pattern string, request func()) {
	alone[name] = kind{func() { go every(150*time.Millisecond, request) }, []leak{{name, start, reason, pattern, "growing"}}}
}

func init() {
	var once sync.Once
	var url string
	client := &http.Client{Transport: &http.Transport{}}

	only("silent-server", "main.askSilent", "select", "request waits for a silent server", func() {
		once.Do(func() {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				panic(err)
			}
			url = "http://" + l.Addr().String()
		})
		go askSilent(client, url)
	})
	only("grandchild", "main.runInBackground", "chan receive", "a process that it started holds its output open", func() { go runInBackground() })
	only("ticker-with-close", "main.(*poller).poll", "select", "timer or ticker never stopped", func() {
		p := &poller{make(chan struct{})}
		pollers = append(pollers, p)
		go p.poll()
	})
	only("double-lock-in-a-call", "main.update", "sync.Mutex.Lock", "double lock: main.update has locked it already, before ", func() {
		go update(&sync.Mutex{})
	})
	only("stopped-ticker", "main.afterStop", "chan receive", "stopped timer or ticker", func() {
		t := time.NewTicker(40 * time.Millisecond)
		go afterStop(t)
		time.Sleep(5 * time.Millisecond)
		t.Stop()
	})
}

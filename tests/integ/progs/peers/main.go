// SPDX-License-Identifier: BSD-2-Clause

// peers: clients and the servers that they ask, in one process: one side leaks, and the other hangs on it.
//
//	peers KIND
//
// Says "ready" and a line of JSON: null.
package main

import (
	"bufio"
	"fmt"
	"io"
	"io/ioutil"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"time"
)

var never = make(chan int)

// rows is what several requests share.
var rows sync.Mutex

func fetch(url string) {
	response, err := http.Get(url)
	if err != nil {
		return
	}
	io.Copy(ioutil.Discard, response.Body)
	response.Body.Close()
}

func peek(url string) {
	if response, err := http.Get(url); err == nil {
		_ = response.StatusCode
	}
}

func fetchApart(url string) {
	client := &http.Client{Transport: &http.Transport{}}
	response, err := client.Get(url)
	if err != nil {
		return
	}
	io.Copy(ioutil.Discard, response.Body)
	response.Body.Close()
}

func serveLines(c net.Conn, says string) {
	defer c.Close()
	lines := bufio.NewReader(c)
	for {
		if _, err := lines.ReadString('\n'); err != nil {
			return
		}
		io.WriteString(c, says)
	}
}

// lineServer answers each line with what it says.
func lineServer(says string) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go serveLines(c, says)
		}
	}()
	return listener.Addr().String()
}

func listen(c net.Conn) {
	for lines := bufio.NewReader(c); ; {
		if _, err := lines.ReadString('\n'); err != nil {
			return
		}
	}
}

func subscribe(address string) {
	c, err := net.Dial("tcp", address)
	if err == nil {
		go listen(c)
		io.WriteString(c, "hello\n")
	}
}

func hello(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }

func sendMuch(w http.ResponseWriter, r *http.Request) {
	for much, i := make([]byte, 64<<10), 0; i < 200; i++ {
		w.Write(much)
	}
}

func sayNothing(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func sendEvents(w http.ResponseWriter, r *http.Request) {
	ticker := time.NewTicker(300 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
			fmt.Fprintf(w, "data: x\n\n")
			w.(http.Flusher).Flush()
		}
	}
}

func sendResult(w http.ResponseWriter, r *http.Request) {
	result := make(chan int)
	result <- 1
}

func lockRows(w http.ResponseWriter, r *http.Request) {
	rows.Lock()
	if r.URL.Path == "/bad" {
		return
	}
	rows.Unlock()
}

func answerLate(w http.ResponseWriter, r *http.Request) { time.Sleep(20 * time.Millisecond) }

func every(f func()) {
	for {
		time.Sleep(150 * time.Millisecond)
		f()
	}
}

func server(f http.HandlerFunc) string { return httptest.NewServer(f).URL }

func asked(f http.HandlerFunc, ask func(string)) func() {
	return func() {
		url := server(f)
		go every(func() { go ask(url) })
	}
}

// ask makes a client that asks all the time.
func ask(url string) {
	for {
		fetch(url)
	}
}

func talk(address string) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		panic(err)
	}
	for lines := bufio.NewReader(c); ; time.Sleep(30 * time.Millisecond) {
		io.WriteString(c, "hello\n")
		lines.ReadString('\n')
	}
}

var kinds = map[string]func(){
	"body-left-open":     asked(hello, peek),
	"body-unread":        asked(sendMuch, peek),
	"events-unread":      asked(sendEvents, peek),
	"clients-apart":      asked(hello, fetchApart),
	"silent-handler":     asked(sayNothing, fetch),
	"handler-sends":      asked(sendResult, fetch),
	"silent-line-server": func() { url := "http://" + lineServer(""); go every(func() { go fetch(url) }) },
	"handler-locks": func() {
		url := server(lockRows)
		fetch(url + "/bad")
		go every(func() { go fetch(url) })
	},
	"listeners": func() { address := lineServer("ok\n"); go every(func() { go subscribe(address) }) },
	"busy": func() {
		url, lines := server(answerLate), lineServer("ok\n")
		for i := 0; i < 10; i++ {
			go ask(url)
			go talk(lines)
		}
		go every(func() { go fetch(url) })
	},
}

func main() {
	kinds[os.Args[1]]()
	time.Sleep(500 * time.Millisecond)
	fmt.Println("ready\nnull")
	os.Stdin.Read(make([]byte, 1))
	<-never
}

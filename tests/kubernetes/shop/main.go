// Package main is what the pods of the test run: a shop that answers orders over HTTP.
//
//	shop [PORT]
//
// A version whose name ends with "leaky" forgets a receiver with each order: its goroutine waits for ever. "breaks" ends with
// an error after it has begun. /orders says how many orders there were, and how long the slowest took.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"
)

var version = "1" // by -X

var orders, slowest atomic.Int64

func pay(done chan<- int) {
	time.Sleep(time.Millisecond)
	done <- 1
}

// order forgets who pays, in the leaky version.
func order() {
	done := make(chan int)
	go pay(done)
	if !strings.HasSuffix(version, "leaky") {
		<-done
	}
}

func sell() {
	for range time.Tick(200 * time.Millisecond) {
		began := time.Now()
		order()
		orders.Add(1)
		if took := time.Since(began).Microseconds(); took > slowest.Load() {
			slowest.Store(took)
		}
	}
}

func main() {
	port := "8080"
	if len(os.Args) > 1 {
		port = os.Args[1]
	}
	if strings.HasSuffix(version, "breaks") {
		go sell()
		time.Sleep(8 * time.Second) // so that it is seen
		panic("out of stock")
	}
	go sell()
	http.HandleFunc("/orders", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%d %d\n", orders.Load(), slowest.Load())
	})
	fmt.Println(http.ListenAndServe(":"+port, nil))
	os.Exit(1)
}

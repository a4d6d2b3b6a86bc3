// SPDX-License-Identifier: BSD-2-Clause

//go:build withcgo
// +build withcgo

package main

/*
#include <pthread.h>
#include <unistd.h>
extern void fromC(void);
static void inC(void) { for (;;) pause(); }
static void *callGo(void *arg) { fromC(); return arg; }
static void startThread(void) { pthread_t t; pthread_create(&t, 0, callGo, 0); }
static void callBack(void) { fromC(); }
*/
import "C"

var waitingForC = make(chan *goroutine, 2)

// fromC waits in Go code that C has called: on a goroutine of its own, or on one that had called C.
//
//export fromC
func fromC() {
	g := <-waitingForC
	g.about()
	<-neverForC
}

var neverForC = make(chan int)

func sleepInC(g *goroutine) {
	g.about()
	C.inC()
}

func throughC() { C.callBack() }

func init() {
	extraC = func(chan int) {
		g := born("")
		g.Status = "syscall"
		g.next()
		go sleepInC(g)
		g = born("chan receive", receives(neverForC))
		waitingForC <- g
		g.Creator, g.Parent, g.Locked = "", 0, true
		C.startThread()
		told()
		g = born("chan receive", receives(neverForC))
		waitingForC <- g
		g.Creator, g.Locked = "", true
		go throughC()
	}
}

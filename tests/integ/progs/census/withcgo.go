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

// fromC waits in Go code that C has called: on a goroutine of its own, or on one that had called C.
//
//export fromC
func fromC() { receive() }

func init() {
	go func() { C.inC() }()
	C.startThread()
	go func() { C.callBack() }()
}

// SPDX-License-Identifier: BSD-2-Clause

// leaksinc: goroutines that are in C, in a function that does not return. Says "ready" and "{}"; ends with its standard input.
package main

// #include <unistd.h>
// static void wait_for_device(void) { for (;;) pause(); }
import "C"

import (
	"fmt"
	"io"
	"io/ioutil"
	"os"
	"time"
)

func ask() { C.wait_for_device() }

func main() {
	go func() {
		for {
			time.Sleep(150 * time.Millisecond)
			go ask()
		}
	}()
	fmt.Println("ready\n{}")
	io.Copy(ioutil.Discard, os.Stdin)
}

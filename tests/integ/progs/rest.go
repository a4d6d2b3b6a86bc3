// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bytes"
	"regexp"
	"runtime"
	"time"
)

// atRest returns when every goroutine but this one waits at the same place as a moment ago, and not in pause, after which it goes
// on. Each program that must be at rest before it says "ready" has a link to this file.
func atRest() {
	var last []byte
	moves := regexp.MustCompile(` \[run(ning|nable)|\nmain\.pause\(`)
	buf := make([]byte, 1<<16)
	for {
		n := runtime.Stack(buf, true)
		if n == len(buf) { // there is more
			buf = make([]byte, 2*n)
			continue
		}
		others := buf[:n]
		if i := bytes.Index(others, []byte("\n\n")); i >= 0 {
			others = others[i:]
		} else {
			others = nil
		}
		if bytes.Equal(others, last) && !moves.Match(others) {
			return
		}
		last = append(last[:0], others...)
		time.Sleep(20 * time.Millisecond)
	}
}

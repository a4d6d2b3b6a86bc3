// SPDX-License-Identifier: BSD-2-Clause

// Package answer is how the programs that tools/bench/overhead measures tell how far they are.
package answer

import (
	"bufio"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"time"
)

// Lines prints "ready", then answers each line on standard input with {"ops":N,"wall_ns":N,"cpu_ns":N}: ops done so far, the
// clock since Lines was called, and the CPU time that the process has used. It returns when the input ends.
func Lines(ops *uint64) {
	start := time.Now()
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var ru syscall.Rusage
		syscall.Getrusage(syscall.RUSAGE_SELF, &ru)
		fmt.Printf("{\"ops\":%d,\"wall_ns\":%d,\"cpu_ns\":%d}\n", atomic.LoadUint64(ops),
			time.Since(start).Nanoseconds(), ru.Utime.Nano()+ru.Stime.Nano())
	}
}

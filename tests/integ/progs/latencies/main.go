// SPDX-License-Identifier: BSD-2-Clause

// latencies: for each line on standard input it lets goroutines wait for a processor, and prints the runtime's own histogram of that, since
// the start: {"bounds_ns":[...],"counts":[...]}, counts[i] between bounds_ns[i] and bounds_ns[i+1]; infinite is the largest float64.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"sync"
)

var sink uint64

func work() {
	var wg sync.WaitGroup
	for i := 0; i < 2000; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for k := 0; k < 50; k++ {
				for n := uint64(0); n < 2000; n++ {
					sink += n
				}
				runtime.Gosched()
			}
		}()
	}
	wg.Wait()
}

func finite(v float64) float64 {
	return math.Max(-math.MaxFloat64, math.Min(math.MaxFloat64, v))
}

func main() {
	runtime.GOMAXPROCS(2)
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		if lines.Text() == "go" {
			work()
		}
		s := []metrics.Sample{{Name: "/sched/latencies:seconds"}}
		metrics.Read(s)
		h := s[0].Value.Float64Histogram()
		truth := struct {
			Bounds []float64 `json:"bounds_ns"`
			Counts []uint64  `json:"counts"`
		}{Counts: h.Counts}
		for _, b := range h.Buckets {
			truth.Bounds = append(truth.Bounds, finite(b*1e9))
		}
		text, err := json.Marshal(&truth)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(text))
	}
}

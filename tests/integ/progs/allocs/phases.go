// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// A step says how many bytes each site had allocated at a moment.
type step struct {
	At int64 `json:"at"` // Unix time in nanoseconds
	A  int64 `json:"siteTurnA"`
	B  int64 `json:"siteTurnB"`
}

const (
	phaseTime = 3 * time.Second
	stepTime  = 20 * time.Millisecond
	burst     = 256
	slowTime  = 5 * time.Millisecond // from one burst to the next, in a slow phase
)

// Two sites in phases: one as fast as it can, then the other slowly, then the first again. The program uses a processor all the time.
func phases() {
	fmt.Println("ready")
	in := bufio.NewReader(os.Stdin)
	in.ReadString('\n')
	w := &worker{}
	now := step{At: time.Now().UnixNano()}
	steps := append(make([]step, 0, 2000), now)
	for phase := 0; phase < 3; phase++ {
		for end := now.At + int64(phaseTime); now.At < end; {
			next := time.Now().Add(slowTime)
			for i := 0; i < burst; i++ {
				w.seq++
				if phase%2 == 0 {
					w.siteTurnA()
				} else {
					w.siteTurnB()
				}
			}
			if phase%2 == 0 {
				now.A += burst * 64
			} else {
				now.B += burst * 64
				for time.Now().Before(next) {
				}
			}
			now.At = time.Now().UnixNano()
			if now.At-steps[len(steps)-1].At >= int64(stepTime) && len(steps) < cap(steps) {
				steps = append(steps, now)
			}
		}
	}
	steps = append(steps, now)
	text, _ := json.Marshal(steps)
	fmt.Println(string(text))
	in.ReadString('\n')
}

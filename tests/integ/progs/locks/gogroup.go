// SPDX-License-Identifier: BSD-2-Clause
package main

import "sync"

// What came with Go 1.25: (*sync.WaitGroup).Go.

func init() {
	moreOwed = append(moreOwed, func() {
		wg, ready := new(sync.WaitGroup), make(chan bool)
		start("free: waits for what it started", func() {
			wg.Go(func() {
				enroll("owed: WaitGroup.Go")
				owing(wg)
				close(ready)
				<-never
			})
			wg.Wait()
		})
		<-ready
	})
}

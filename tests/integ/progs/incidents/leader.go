// SPDX-License-Identifier: BSD-2-Clause

// Goroutines that wait for a WaitGroup whose Done somebody else owes, who hangs elsewhere or is only busy.
package main

import (
	"net/http"
	"sync"
	"time"
)

// flight is one call that many share, as in golang.org/x/sync/singleflight.
type flight struct {
	wg    sync.WaitGroup
	value string
	err   error
	dups  int
}

type flights struct {
	mu sync.Mutex
	m  map[string]*flight
}

func (g *flights) do(key string, fn func() (string, error)) (string, error) {
	g.mu.Lock()
	if c, ok := g.m[key]; ok {
		c.dups++
		g.mu.Unlock()
		c.wg.Wait()
		return c.value, c.err
	}
	c := new(flight)
	c.wg.Add(1)
	g.m[key] = c
	g.mu.Unlock()
	g.doCall(c, key, fn)
	return c.value, c.err
}

func (g *flights) doCall(c *flight, key string, fn func() (string, error)) {
	normal, recovered := false, false
	defer func() {
		if !normal && !recovered {
			c.err = http.ErrAbortHandler
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		c.wg.Done()
		if g.m[key] == c {
			delete(g.m, key)
		}
	}()
	func() {
		defer func() {
			if !normal {
				if r := recover(); r != nil {
					c.err = http.ErrAbortHandler
				}
			}
		}()
		c.value, c.err = fn()
		normal = true
	}()
	if !normal {
		recovered = true
	}
}

var calls = &flights{m: map[string]*flight{}}

func get(url string) (string, error) {
	response, err := http.Get(url)
	if err != nil {
		return "", err
	}
	response.Body.Close()
	return "ok", nil
}

func ask(url string) { calls.do(url, func() (string, error) { return get(url) }) }

func demand(url string) { ask(url) }

func fetch(url string, wg *sync.WaitGroup) {
	defer wg.Done()
	get(url)
}

// fetchAll waits for its parts, one of which hangs; the other ends.
func fetchAll(wg *sync.WaitGroup) {
	wg.Add(2)
	go func() { defer wg.Done(); pause() }()
	go func() {
		<-never
		wg.Done()
	}()
	wg.Wait()
}

// finish and need wait for each other: the one for the WaitGroup, with the lock, the other for the lock.
func finish(wg *sync.WaitGroup) {
	mine.Lock()
	defer mine.Unlock()
	pause()
	wg.Wait()
}

func need(wg *sync.WaitGroup) {
	defer wg.Done()
	pause()
	mine.Lock()
	mine.Unlock()
}

// pool has workers that wait for jobs, each of which is one of a batch: who waits for the batch waits for the jobs.
func pool(jobs chan func(), wg *sync.WaitGroup) {
	for job := range jobs {
		job()
		wg.Done()
	}
}

func init() {
	kinds["single-flight"] = func() {
		url := silent()
		go ask(url)
		pause()
		go every(func() { go demand(url) })
	}
	kinds["part-hangs"] = func() {
		wg := new(sync.WaitGroup)
		wg.Add(1)
		go fetch(silent(), wg)
		go every(func() { go waitAll(wg) })
	}
	kinds["last-part-hangs"] = func() {
		go every(func() { go fetchAll(new(sync.WaitGroup)) })
	}
	kinds["wait-with-lock"] = func() {
		wg := new(sync.WaitGroup)
		wg.Add(1)
		go need(wg)
		go finish(wg)
		pause()
		pause()
		times(9, last)
	}
	kinds["busy-flight"] = func() {
		times(20, func() {
			for {
				calls.do("key", func() (string, error) { time.Sleep(20 * time.Millisecond); return "", nil })
			}
		})
	}
	kinds["busy-pool"] = func() {
		jobs := make(chan func())
		wg := new(sync.WaitGroup)
		times(4, func() { pool(jobs, wg) })
		go every(func() {
			wg.Add(8)
			go func() {
				for i := 0; i < 8; i++ {
					jobs <- func() { time.Sleep(5 * time.Millisecond) }
				}
			}()
			wg.Wait()
		})
	}
}

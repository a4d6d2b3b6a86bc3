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

var standing string

func demandStanding() { demand(standing) }

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

// answers is one call that many share, as in github.com/golang/groupcache/singleflight.
type answers struct {
	mu sync.Mutex
	m  map[string]*flight
}

func (a *answers) do(key string, fn func() (string, error)) (string, error) {
	a.mu.Lock()
	if c, ok := a.m[key]; ok {
		a.mu.Unlock()
		c.wg.Wait()
		return c.value, c.err
	}
	c := new(flight)
	c.wg.Add(1)
	a.m[key] = c
	a.mu.Unlock()
	c.value, c.err = fn()
	c.wg.Done()
	a.mu.Lock()
	delete(a.m, key)
	a.mu.Unlock()
	return c.value, c.err
}

var answered = &answers{m: map[string]*flight{}}

func askPlainly(url string) { answered.do(url, func() (string, error) { return get(url) }) }

func demandPlainly(url string) { askPlainly(url) }

// config is made once, by whoever wants it first.
var config struct {
	once  sync.Once
	value string
}

func configure(url string) { config.once.Do(func() { config.value, _ = get(url) }) }

func useConfig(url string) { configure(url) }

// report calls Done where its cleaning up is cleaned up.
func report(url string, wg *sync.WaitGroup) {
	defer func() {
		mine.Lock()
		defer mine.Unlock()
		defer func() {
			if r := recover(); r != nil {
				panic(r)
			}
			wg.Done()
		}()
	}()
	get(url)
}

// group is what golang.org/x/sync/errgroup has.
type group struct {
	wg   sync.WaitGroup
	once sync.Once
	err  error
}

func (g *group) goDo(f func() error) {
	g.wg.Add(1)
	go func() {
		defer g.done()
		if err := f(); err != nil {
			g.once.Do(func() { g.err = err })
		}
	}()
}

func (g *group) done() { g.wg.Done() }

func (g *group) wait() error {
	g.wg.Wait()
	return g.err
}

func waitGroup(g *group) { g.wait() }

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
	kinds["flight-that-stands"] = func() {
		standing = silent()
		go ask(standing)
		pause()
		times(60, demandStanding)
	}
	// They begin when somebody says so, or in an hour.
	kinds["barrier"] = func() {
		for _, until := range []func(){func() { <-never }, func() { time.Sleep(time.Hour) }} {
			begin, wait := new(sync.WaitGroup), until
			begin.Add(1)
			go func() { wait(); begin.Done() }()
			times(30, begin.Wait)
		}
	}
	kinds["plain-flight"] = func() {
		url := silent()
		go askPlainly(url)
		pause()
		go every(func() { go demandPlainly(url) })
	}
	kinds["once"] = func() {
		url := silent()
		go configure(url)
		pause()
		go every(func() { go useConfig(url) })
	}
	kinds["done-within-done"] = func() {
		wg := new(sync.WaitGroup)
		wg.Add(1)
		go report(silent(), wg)
		go every(func() { go waitAll(wg) })
	}
	kinds["error-group"] = func() {
		g, url := new(group), silent()
		for _, f := range []func() error{func() error { return nil }, func() error { _, err := get(url); return err }} {
			g.goDo(f)
		}
		go every(func() { go waitGroup(g) })
	}
	kinds["busy-once"] = func() {
		go every(func() {
			once := new(sync.Once)
			times(3, func() { once.Do(pause) })
		})
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

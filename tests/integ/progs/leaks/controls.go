// SPDX-License-Identifier: BSD-2-Clause

// What looks like a leak and is none.
package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

func poolWorker(jobs <-chan func()) {
	for job := range jobs {
		job()
	}
}

func poolWorkerWithQuit(jobs <-chan func(), quit <-chan struct{}) {
	for {
		select {
		case job := <-jobs:
			job()
		case <-quit:
			return
		}
	}
}

func heartbeat(done <-chan struct{}) {
	t := time.NewTicker(30 * time.Millisecond)
	for {
		select {
		case <-t.C:
		case <-done:
			return
		}
	}
}

func receiveGlobal()              { <-global }
func sleepLong()                  { time.Sleep(time.Hour) }
func idleSubscriber(c <-chan int) { <-c }
func awaitReply(c <-chan int)     { <-c }
func replyLater(c chan<- int)     { time.Sleep(time.Hour); c <- 1 }

func withTimeout(c <-chan int) {
	select {
	case <-c:
	case <-time.After(time.Hour):
	}
}

func iterate(to chan<- int) {
	for i := 0; ; i++ {
		to <- i
	}
}

func result(to chan<- int) { to <- 1 }

// meet waits for all others; a WaitGroup of its own is 16 bytes.
func meet(wg *sync.WaitGroup, after time.Duration) {
	time.Sleep(after)
	wg.Done()
	wg.Wait()
}

func requestOfChurn(d time.Duration) { time.Sleep(d) }

func request(lasts time.Duration) { time.Sleep(lasts) }

func requestOnChannel(lasts time.Duration) {
	done := make(chan struct{})
	time.AfterFunc(lasts, func() { close(done) })
	<-done
}

func contend(mu *sync.Mutex) {
	for {
		mu.Lock()
		time.Sleep(20 * time.Millisecond)
		mu.Unlock()
	}
}

func waitBriefly(mu *sync.Mutex) { mu.Lock(); mu.Unlock() }

func pass(from <-chan int, to chan<- int) {
	for n := range from {
		to <- n
	}
}

func waitForWork(c *sync.Cond, queue *[]int) {
	for {
		c.L.Lock()
		for len(*queue) == 0 {
			c.Wait()
		}
		*queue = (*queue)[1:]
		c.L.Unlock()
	}
}

func hop(left chan<- int, right <-chan int) { left <- 1 + <-right }

func spin(n int) int {
	x := 1
	for i := 0; i < n; i++ {
		x = x*31 + i
	}
	return x
}

func burn() {
	for {
		spin(1000)
		time.Sleep(time.Millisecond)
	}
}

var (
	global = make(chan int)
	table  = map[int]chan int{}
	quits  []chan struct{}

	iterators, results []chan int

	manyJobs = make(chan func())
)

func init() {
	control("pool", func() {
		jobs := make(chan func())
		for i := 0; i < 50; i++ {
			go poolWorker(jobs)
		}
		go every(10*time.Millisecond, func() { jobs <- func() {} })
	})
	control("pool-with-quit", func() {
		jobs := make(chan func())
		for i := 0; i < 50; i++ {
			quits = append(quits, make(chan struct{}))
			go poolWorkerWithQuit(jobs, quits[i])
		}
	})
	control("heartbeats", func() {
		for i := 0; i < 20; i++ {
			go heartbeat(make(chan struct{}))
		}
	})
	control("global-receiver", func() { go receiveGlobal() })
	control("sleepers", func() {
		for i := 0; i < 100; i++ {
			go sleepLong()
		}
	})
	control("more-sleepers", func() { go every(100*time.Millisecond, func() { go sleepLong() }) })
	control("more-timeouts", func() { go every(100*time.Millisecond, func() { go withTimeout(make(chan int)) }) })
	control("idle-subscribers", func() {
		for i := 0; i < 200; i++ {
			table[i] = make(chan int)
			go idleSubscriber(table[i])
		}
	})
	control("delayed-replies", func() {
		for i := 0; i < 20; i++ {
			c := make(chan int)
			go awaitReply(c)
			go replyLater(c)
		}
	})
	control("churn", func() { go every(5*time.Millisecond, func() { go request(1500 * time.Millisecond) }) })
	control("churn-on-channels", func() { go every(5*time.Millisecond, func() { go requestOnChannel(1500 * time.Millisecond) }) })
	control("churn-of-5000", func() {
		go every(5*time.Millisecond, func() {
			for i := 0; i < 10; i++ {
				go requestOfChurn(2500 * time.Millisecond)
			}
		})
	})
	control("rising-traffic", func() {
		begin := time.Now()
		go every(50*time.Millisecond, func() {
			for i := 0; i < int(time.Since(begin)/time.Second); i++ {
				go requestOnChannel(700 * time.Millisecond)
			}
		})
	})
	control("warm-up", func() {
		jobs := manyJobs
		go func() {
			for i := 0; i < 500; i++ {
				go poolWorker(jobs)
				time.Sleep(8 * time.Millisecond)
			}
		}()
	})
	control("warm-up-of-subscribers", func() {
		go func() {
			for i := 0; i < 300; i++ {
				go listen(silent.subscribe())
				time.Sleep(10 * time.Millisecond)
			}
		}()
	})
	control("contended-lock", func() {
		mu := &sync.Mutex{}
		for i := 0; i < 20; i++ {
			go contend(mu)
		}
	})
	control("lock-held-for-long", func() {
		mu := &sync.Mutex{}
		go func() {
			mu.Lock()
			time.Sleep(time.Hour)
			mu.Unlock()
		}()
		time.Sleep(10 * time.Millisecond)
		for i := 0; i < 10; i++ {
			go waitBriefly(mu)
		}
	})
	control("back-pressure", func() {
		first := make(chan int)
		from := first
		for i := 0; i < 10; i++ {
			to := make(chan int)
			go pass(from, to)
			from = to
		}
		go every(time.Millisecond, func() { first <- 1 })
		go every(200*time.Millisecond, func() { <-from })
	})
	control("cond-queue", func() {
		c, queue := sync.NewCond(&sync.Mutex{}), &[]int{}
		for i := 0; i < 20; i++ {
			go waitForWork(c, queue)
		}
		go every(100*time.Millisecond, func() {
			c.L.Lock()
			*queue = append(*queue, 1)
			c.L.Unlock()
			c.Signal()
		})
	})
	control("daisy-chain", func() {
		go every(100*time.Millisecond, func() {
			leftmost := make(chan int)
			left := leftmost
			for i := 0; i < 100; i++ {
				right := make(chan int)
				go hop(left, right)
				left = right
			}
			left <- 1
			<-leftmost
		})
	})
	control("signals", func() {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGUSR1)
		go func() { <-c }()
	})
	control("iterators", func() {
		for i := 0; i < 30; i++ {
			iterators = append(iterators, make(chan int))
			go iterate(iterators[i])
		}
		go every(time.Second, func() { <-iterators[0] })
	})
	control("results-collected-later", func() {
		for i := 0; i < 20; i++ {
			results = append(results, make(chan int))
			go result(results[i])
		}
	})
	control("barrier", func() {
		wg := &sync.WaitGroup{}
		wg.Add(31)
		for i := 0; i < 30; i++ {
			go meet(wg, 0)
		}
		go meet(wg, time.Hour)
	})
	control("busy", func() { go burn() })
	control("web-server", webServer)
	control("rising-web-traffic", risingWebTraffic)
	control("idle-connections", idleConnections)
}

// webServer has clients that keep their connections, and requests all the time.
func webServer() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(10 * time.Millisecond)
		w.Write([]byte("hello"))
	}))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 20}}
	if response, err := (&http.Client{Transport: &http.Transport{}}).Get(server.URL); err == nil {
		response.Body.Read(make([]byte, 100))
		response.Body.Close() // its connection stays, and is idle at every look
	}
	for i := 0; i < 20; i++ {
		go every(20*time.Millisecond, func() {
			response, err := client.Get(server.URL)
			if err == nil {
				response.Body.Read(make([]byte, 100))
				response.Body.Close()
			}
		})
	}
}

// risingWebTraffic has one more request at a time every now and then; connections are used again and again.
func risingWebTraffic() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(5 * time.Millisecond)
	}))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}
	get := func() {
		response, err := client.Get(server.URL)
		if err == nil {
			response.Body.Close()
		}
	}
	begin := time.Now()
	go every(30*time.Millisecond, func() {
		for i := 0; i <= int(time.Since(begin)/time.Second); i++ {
			go get()
		}
	})
}

var idle []net.Conn

func idleConnections() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	for i := 0; i < 30; i++ {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			panic(err)
		}
		s, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		idle = append(idle, c)
		go readIdle(s)
	}
}

func readIdle(c net.Conn) { c.Read(make([]byte, 1)) }

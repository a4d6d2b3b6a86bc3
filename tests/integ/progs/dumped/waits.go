// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func receives(c interface{}) object {
	return object{Kind: "chan", Addr: fmt.Sprintf("%p", c), Dir: "receive"}
}
func sends(c interface{}) object {
	return object{Kind: "chan", Addr: fmt.Sprintf("%p", c), Dir: "send"}
}
func locks(kind string, p interface{}) object {
	return object{Kind: kind, Addr: fmt.Sprintf("%p", p)}
}

//go:noinline
func receive(g *goroutine, c chan int) {
	g.here()
	<-c
}

func receiveRange(g *goroutine, c chan int) {
	g.here()
	for range c {
	}
}

func receiveOK(g *goroutine, c chan string) {
	g.here()
	s, ok := <-c
	fmt.Println(s, ok)
}

func send(g *goroutine, c chan int) {
	g.here()
	c <- 7
}

func selectNone(g *goroutine) {
	g.here()
	select {}
}

func selectOne(g *goroutine, c chan int) { // a select of one case is no select
	g.about()
	select {
	case <-c:
	}
}

func selectMany(g *goroutine, a, b chan int, c chan [100]byte) {
	var none chan int
	g.here()
	select {
	case <-a:
	case b <- 1:
	case <-c:
	case a <- 2:
	case <-b:
	case <-none:
	}
}

func selectTwice(g *goroutine, c chan int) {
	g.here()
	select {
	case <-c:
	case <-c:
	}
}

func selectNil(g *goroutine) {
	var a, b chan int
	g.here()
	select {
	case <-a:
	case b <- 1:
	}
}

func chans() {
	var none chan int
	c, full, empty := make(chan int), make(chan int, 3), make(chan int, 3)
	words := make(chan string)
	for i := 0; i < 3; i++ {
		full <- i
	}
	a, b, big := make(chan int), make(chan int), make(chan [100]byte)
	g := born("chan receive", receives(c))
	go receive(g, c)
	g = born("chan receive", receives(c))
	go receiveRange(g, c)
	g = born("chan receive", receives(words))
	go receiveOK(g, words)
	g = born("chan receive", receives(empty))
	go receive(g, empty)
	g = born("chan send", sends(full))
	go send(g, full)
	g = born("chan send", sends(b))
	go send(g, b)
	g = born("chan receive (nil chan)")
	go receive(g, none)
	g = born("chan send (nil chan)")
	go send(g, none)
	g = born("select (no cases)")
	go selectNone(g)
	g = born("chan receive", receives(a))
	go selectOne(g, a)
	d, e := make(chan int), make(chan int)
	g = born("select", receives(d), sends(e), receives(big), sends(d), receives(e))
	go selectMany(g, d, e, big)
	f := make(chan int)
	g = born("select", receives(f))
	go selectTwice(g, f)
	g = born("select")
	go selectNil(g)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1) // os/signal.loop waits in a system call
}

type guarded struct {
	name string
	mu   sync.Mutex
	sync.RWMutex
}

func lock(g *goroutine, m sync.Locker) {
	g.here()
	m.Lock()
}

func lockMutex(g *goroutine, m *sync.Mutex) {
	g.here()
	m.Lock()
}

func lockRead(g *goroutine, m *sync.RWMutex) {
	g.here()
	m.RLock()
}

func lockWrite(g *goroutine, m *sync.RWMutex) {
	g.here()
	m.Lock()
}

func waitGroup(g *goroutine, wg *sync.WaitGroup) {
	g.here()
	wg.Wait()
}

func waitCond(g *goroutine, c *sync.Cond) {
	c.L.Lock()
	g.here()
	c.Wait()
}

// mutexes: each is held by nobody who runs, as after a return without an Unlock.
func mutexes() {
	mu, in := new(sync.Mutex), &guarded{name: "in"}
	mu.Lock()
	in.mu.Lock()
	in.RWMutex.Lock()
	for i := 0; i < 2; i++ {
		g := born("sync.Mutex.Lock", locks("mutex", mu))
		go lockMutex(g, mu)
	}
	g := born("sync.Mutex.Lock", locks("mutex", &in.mu))
	go lock(g, &in.mu)
	g = born("sync.RWMutex.RLock", locks("rwmutex", &in.RWMutex))
	go lockRead(g, &in.RWMutex)
	g = born("sync.RWMutex.RLock", locks("rwmutex", &in.RWMutex))
	go lock(g, in.RLocker())

	read, written := new(sync.RWMutex), new(sync.RWMutex)
	read.RLock()
	g = born("sync.RWMutex.Lock", locks("rwmutex", read))
	go lockWrite(g, read)
	written.Lock()
	g = born("sync.Mutex.Lock", locks("mutex|rwmutex", written)) // the inner mutex of the writers, at the same address
	go lockWrite(g, written)
}

func groups() {
	wg, at := new(sync.WaitGroup), &struct {
		name string
		wg   sync.WaitGroup
		cond sync.Cond
	}{cond: sync.Cond{L: new(sync.Mutex)}}
	wg.Add(1)
	at.wg.Add(1)
	cond := sync.NewCond(new(sync.Mutex))
	for i := 0; i < 3; i++ {
		g := born("sync.WaitGroup.Wait", locks("waitgroup", wg))
		go waitGroup(g, wg)
		g = born("sync.Cond.Wait", locks("cond", cond))
		go waitCond(g, cond)
	}
	g := born("sync.WaitGroup.Wait", locks("waitgroup", &at.wg))
	go waitGroup(g, &at.wg)
	g = born("sync.Cond.Wait", locks("cond", &at.cond))
	go waitCond(g, &at.cond)
}

func sleep(g *goroutine, d time.Duration) {
	g.Waits = []object{{Kind: "timer", When: monotonic() + int64(d)}}
	g.here()
	time.Sleep(d)
}

func receiveTime(g *goroutine, t *time.Timer) {
	g.Waits = []object{receives(t.C)}
	g.here()
	<-t.C
}

func selectTime(g *goroutine, c chan int, t *time.Ticker) {
	g.here()
	select {
	case <-c:
	case <-t.C:
	}
}

func timers() {
	g := born("sleep")
	go sleep(g, time.Hour)
	g = born("sleep")
	go sleep(g, 100*time.Hour)
	g = born("chan receive")
	go receiveTime(g, time.NewTimer(time.Hour))
	c, t := make(chan int), time.NewTicker(time.Hour)
	g = born("select", receives(c), receives(t.C))
	go selectTime(g, c, t)
}

func fdOf(c syscall.Conn) (fd int) {
	raw, err := c.SyscallConn()
	check(err)
	check(raw.Control(func(f uintptr) { fd = int(f) }))
	return fd
}

func fd(c syscall.Conn, mode, peer string) object {
	return object{Kind: "fd", FD: fdOf(c), Mode: mode, Peer: peer}
}

func ends(c net.Conn) string {
	return fmt.Sprintf("%s %s -> %s", c.LocalAddr().Network(), c.LocalAddr(), c.RemoteAddr())
}

func read(g *goroutine, c net.Conn) {
	g.here()
	c.Read(make([]byte, 1))
}

func write(g *goroutine, c net.Conn) {
	buf := make([]byte, 64<<20)
	g.here()
	c.Write(buf)
}

func accept(g *goroutine, l net.Listener) {
	g.here()
	l.Accept()
}

func readFrom(g *goroutine, c net.PacketConn) {
	g.here()
	c.ReadFrom(make([]byte, 1))
}

func dialed(network, address string) (l net.Listener, near, far net.Conn) {
	l, err := net.Listen(network, address)
	check(err)
	near, err = net.Dial(network, l.Addr().String())
	check(err)
	far, err = l.Accept()
	check(err)
	return l, near, far
}

func sockets() {
	l, near, far := dialed("tcp", "127.0.0.1:0")
	g := born("IO wait", fd(l.(*net.TCPListener), "read", "tcp "+l.Addr().String()))
	go accept(g, l)
	g = born("IO wait", fd(near.(*net.TCPConn), "read", ends(near)))
	go read(g, near)
	g = born("IO wait", fd(near.(*net.TCPConn), "write", ends(near)))
	go write(g, near)
	check(far.SetReadDeadline(time.Now().Add(time.Hour)))

	if l6, near6, far6, err := dialed6(); err == nil {
		g = born("IO wait", fd(near6.(*net.TCPConn), "read", ends(near6)))
		go read(g, near6)
		keep = append(keep, l6, far6)
	}
	lu, nearu, faru := dialed("unix", fmt.Sprintf("@parkwatch-dumped-%d", os.Getpid()))
	g = born("IO wait", fd(lu.(*net.UnixListener), "read", "unix"))
	go accept(g, lu)
	g = born("IO wait", fd(faru.(*net.UnixConn), "read", "unix"))
	go read(g, faru)
	u, err := net.ListenPacket("udp", "127.0.0.1:0")
	check(err)
	g = born("IO wait", fd(u.(*net.UDPConn), "read", "udp "+u.LocalAddr().String()))
	go readFrom(g, u)
	keep = append(keep, far, nearu)
}

// dialed6 is a connection over IPv6, where there is any.
func dialed6() (l net.Listener, near, far net.Conn, err error) {
	if l, err = net.Listen("tcp", "[::1]:0"); err != nil {
		return
	}
	if near, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return
	}
	far, err = l.Accept()
	return
}

// keep holds what no goroutine does: the collector would close it.
var keep []interface{}

func readFile(g *goroutine, f *os.File) {
	g.here()
	f.Read(make([]byte, 1))
}

func writeFile(g *goroutine, f *os.File) {
	buf := make([]byte, 16<<20)
	g.here()
	f.Write(buf)
}

func inode(f *os.File) string {
	var st syscall.Stat_t
	check(syscall.Fstat(fdOf(f), &st))
	return fmt.Sprintf("pipe:[%d]", st.Ino)
}

func pipes() {
	r, w, err := os.Pipe()
	check(err)
	g := born("IO wait", fd(r, "read", inode(r)))
	go readFile(g, r)
	r2, w2, err := os.Pipe()
	check(err)
	g = born("IO wait", fd(w2, "write", inode(w2)))
	go writeFile(g, w2)
	keep = append(keep, w, r2)
}

func rawRead(g *goroutine, fd int) {
	g.here()
	syscall.Read(fd, make([]byte, 1))
}

func lockedRawRead(g *goroutine, fd int) {
	runtime.LockOSThread()
	g.here()
	syscall.Read(fd, make([]byte, 1))
}

func lockedReceive(g *goroutine, c chan int) {
	runtime.LockOSThread()
	g.here()
	<-c
}

func threads() {
	var fds [2]int
	check(syscall.Pipe(fds[:]))
	g := born("")
	g.Status = "syscall"
	g.next()
	go rawRead(g, fds[0])
	g = born("")
	g.Status, g.Locked = "syscall", true
	g.next()
	go lockedRawRead(g, fds[0])
	c := make(chan int)
	g = born("chan receive", receives(c))
	g.Locked = true
	g.next()
	go lockedReceive(g, c)
}

func parked() {
	chans()
	mutexes()
	groups()
	timers()
	sockets()
	pipes()
	threads()
	coroutine()
}

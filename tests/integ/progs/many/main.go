// SPDX-License-Identifier: BSD-2-Clause

// many: as many goroutines as it is told, each waiting for a channel of its own. It never collects garbage.
//
//	many N	says "ready"; for each line "go" on its standard input the address of 32 MB that nobody answers for (userfaultfd), or why
//	not; for "tease" the same, and who waits there is woken again and again, for nothing; for "page" and "nothing" that of 4,000,000 gs that are none; for "heap" it has
//	8 GB of pointers that are nil; for "slow MS" the addresses of a list of 8192 pages and of one more: each page of the list is answered for after so
//	many ms with what is in that one then; ends with its input
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

var begun int64

//go:noinline
func wait(c chan int) {
	atomic.AddInt64(&begun, 1)
	<-c
}

const mute = 32 << 20

// missingPages are there when somebody answers for them.
func missingPages() (fd, addr uintptr, why string) {
	api := [3]uint64{0xaa}
	fd, _, err := syscall.Syscall(323, syscall.O_CLOEXEC, 0, 0)
	if err != 0 {
		return 0, 0, "userfaultfd: " + err.Error()
	}
	addr, _, err = syscall.Syscall6(syscall.SYS_MMAP, 0, mute, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON, ^uintptr(0), 0)
	if err != 0 {
		return 0, 0, "mmap: " + err.Error()
	}
	if _, _, err = syscall.Syscall(syscall.SYS_IOCTL, fd, 0xc018aa3f, uintptr(unsafe.Pointer(&api))); err != 0 {
		return 0, 0, "UFFDIO_API: " + err.Error()
	}
	missing := [4]uint64{uint64(addr), mute, 1}
	if _, _, err = syscall.Syscall(syscall.SYS_IOCTL, fd, 0xc020aa00, uintptr(unsafe.Pointer(&missing))); err != 0 {
		return 0, 0, "UFFDIO_REGISTER: " + err.Error()
	}
	return fd, addr, ""
}

// slowPages gets each after a while.
func slowPages(after time.Duration) string {
	fd, addr, why := missingPages()
	if why != "" {
		return why
	}
	list = make([]uintptr, mute/4096)
	for i := range list {
		list[i] = addr + uintptr(i)*4096
	}
	from := make([]byte, 8192)
	page := (uintptr(unsafe.Pointer(&from[0])) + 4095) &^ 4095
	go func() {
		runtime.LockOSThread()
		for {
			var event [4]uint64
			syscall.Syscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&event)), 32)
			time.Sleep(after)
			put := [5]uint64{event[2] &^ 4095, uint64(page), 4096}
			syscall.Syscall(syscall.SYS_IOCTL, fd, 0xc028aa03, uintptr(unsafe.Pointer(&put)))
			runtime.KeepAlive(from)
		}
	}()
	return fmt.Sprint(uintptr(unsafe.Pointer(&list[0])), " ", page)
}

// mutePages never gets the pages that are missing: who reads there waits. Teased: and is woken every 20 ms.
func mutePages(tease bool) string {
	fd, addr, why := missingPages()
	if why != "" {
		return why
	}
	missing := [4]uint64{uint64(addr), mute, 1}
	if tease {
		fmt.Println(addr)
		for {
			syscall.Syscall(syscall.SYS_IOCTL, fd, 0x8010aa02, uintptr(unsafe.Pointer(&missing)))
			time.Sleep(20 * time.Millisecond)
		}
	}
	return strconv.Itoa(int(addr))
}

var heap []*byte

const lies = 4000000

var list []uintptr

// lie is a list of gs that are none: all in one page, or where nothing is.
func lie(at uintptr) string {
	if at == 0 {
		at = uintptr(unsafe.Pointer(&make([]byte, 4096)[0]))
	}
	list = make([]uintptr, lies)
	for i := range list {
		list[i] = at + uintptr(i%8)*8
	}
	return strconv.Itoa(int(uintptr(unsafe.Pointer(&list[0]))))
}

func main() {
	debug.SetGCPercent(-1)
	n, err := strconv.Atoi(os.Args[1])
	if err != nil {
		panic(err)
	}
	for i := 0; i < n; i++ {
		go wait(make(chan int))
	}
	for atomic.LoadInt64(&begun) < int64(n) {
		runtime.Gosched()
	}
	fmt.Println("ready")
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		if strings.HasPrefix(in.Text(), "slow ") {
			n, _ := strconv.Atoi(in.Text()[len("slow "):])
			fmt.Println(slowPages(time.Duration(n) * time.Millisecond))
		}
		switch in.Text() {
		case "go":
			fmt.Println(mutePages(false))
		case "tease":
			fmt.Println(mutePages(true))
		case "heap":
			heap = make([]*byte, 1<<30)
			fmt.Println(len(heap))
		case "page":
			fmt.Println(lie(0))
		case "nothing":
			fmt.Println(lie(4096))
		}
	}
}

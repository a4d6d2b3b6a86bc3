// SPDX-License-Identifier: BSD-2-Clause

// A server and its clients, which are another process.
package main

import (
	"io"
	"net"
	"os"
	"os/exec"
	"time"
)

func serveSilent(c net.Conn) {
	defer c.Close()
	io.ReadFull(c, make([]byte, 4))
}

// clients runs this program again, to connect once every pause.
func clients(pause time.Duration, serve func(net.Conn)) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	dialer := exec.Command(os.Args[0], "dial", listener.Addr().String(), pause.String())
	if _, err := dialer.StdinPipe(); err != nil { // it ends when we do
		panic(err)
	}
	if err := dialer.Start(); err != nil {
		panic(err)
	}
}

// dial is the other process.
func dial(addr, pause string) {
	d, err := time.ParseDuration(pause)
	if err != nil {
		panic(err)
	}
	go every(d, func() {
		if c, err := net.Dial("tcp", addr); err == nil {
			held = append(held, c)
		}
	})
	os.Stdin.Read(make([]byte, 1))
}

func init() {
	alone["silent-clients"] = kind{func() { clients(300*time.Millisecond, serveSilent) }, nil}
}

// heaped: a large heap full of pointers, and N goroutines: half serve a queue of their own that a variable has, all but a few of
// the rest one that all share, and some leak.
//
//	heaped MB N LEAKS
//
// Prints "ready", then waits for its standard input to end.
package main

import (
	"bufio"
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"strconv"
	"time"
)

// A tree whose nodes lie in the order in which a service would make them: at random.
type node struct {
	left, right *node
	key         uint64
	value       *record
}

type record struct {
	next  *record
	tags  [3]*string
	extra [2]interface{}
}

var (
	root   *node
	table  = map[string]*record{}
	queues []chan *record
	shared = make(chan *record)
	sink   *record
)

func insert(at **node, key uint64, v *record) {
	for *at != nil {
		if key < (*at).key {
			at = &(*at).left
		} else {
			at = &(*at).right
		}
	}
	*at = &node{key: key, value: v}
}

// fill makes about mb megabytes; the tree is one of many, so that none is deep.
func fill(mb int) {
	trees := make([]*node, 4096)
	r := rand.New(rand.NewSource(1))
	var last *record
	for made := 0; made < mb<<20; made += 32 + 64 + 16 {
		s := new(string)
		*s = "x"
		v := &record{next: last, tags: [3]*string{s, s, s}}
		v.extra[0] = s
		if made%(1<<16) < 112 {
			table[strconv.Itoa(made)] = v
			last = nil // lists of some hundred
		} else {
			last = v
		}
		insert(&trees[r.Intn(len(trees))], r.Uint64(), v)
	}
	root = &node{}
	for _, t := range trees {
		root = &node{left: root, right: t}
	}
}

//go:noinline
func serve(q chan *record) {
	for v := range q {
		sink = v
	}
}

//go:noinline
func leak(v *record) {
	never := make(chan *record)
	never <- v
	sink = v
}

func main() {
	mb, _ := strconv.Atoi(os.Args[1])
	n, _ := strconv.Atoi(os.Args[2])
	leaks, _ := strconv.Atoi(os.Args[3])
	fill(mb)
	for i := 0; i < n-leaks; i++ {
		q := shared
		if i%2 == 0 {
			q = make(chan *record)
			queues = append(queues, q)
		}
		go serve(q)
	}
	for i := 0; i < leaks; i++ {
		go leak(&record{})
	}
	time.Sleep(time.Second)
	runtime.GC()
	fmt.Println("ready")
	bufio.NewReader(os.Stdin).ReadString('\n')
	runtime.KeepAlive(root)
}

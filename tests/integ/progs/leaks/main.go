// SPDX-License-Identifier: BSD-2-Clause

// leaks: goroutines that leak, one kind of mistake each, and things that only look like it.
//
//	leaks KIND[,KIND...]	KIND may be "all-leaks" or "all-controls"
//
// Says "ready" and one line of JSON: the truth. Leaks go on until its standard input ends, as they would in a service. For each
// line "profile" there it prints the runtime's own profile of leaks.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime/pprof"
	"sort"
	"strings"
	"time"
)

// leak is what must be told: goroutines that run Start, blocked for Reason; Pattern is part of the words for it.
type leak struct {
	Kind    string `json:"kind"`
	Start   string `json:"start"`
	Reason  string `json:"reason"`
	Pattern string `json:"pattern"`
	Verdict string `json:"verdict"` // the weakest that will do
}

type kind struct {
	run   func()
	leaks []leak // none: a control
}

var kinds = map[string]kind{}

// alone are kinds that are started only by their names.
var alone = map[string]kind{}

// grows registers a mistake that a service makes again and again.
func grows(name, start, reason, pattern string, request func()) {
	kinds[name] = kind{func() { go every(150*time.Millisecond, request) }, []leak{{name, start, reason, pattern, "growing"}}}
}

func control(name string, run func()) {
	kinds[name] = kind{run, nil}
}

// every is the traffic of a service.
func every(pause time.Duration, request func()) {
	for {
		time.Sleep(pause)
		request()
	}
}

func names(which string) []string {
	var all []string
	if _, ok := alone[which]; ok {
		kinds[which] = alone[which]
	}
	for name, k := range kinds {
		if which == name || (which == "all-leaks" && k.leaks != nil) || (which == "all-controls" && k.leaks == nil) {
			all = append(all, name)
		}
	}
	if all == nil {
		panic("no such kind: " + which)
	}
	sort.Strings(all)
	return all
}

func main() {
	truth := struct {
		Leaks []leak   `json:"leaks"`
		Kinds []string `json:"kinds"`
	}{Leaks: []leak{}}

	if os.Args[1] == "dial" {
		dial(os.Args[2], os.Args[3], os.Args[4])
		return
	}
	if os.Args[1] == "list" {
		fmt.Println(strings.Join(append(names("all-leaks"), names("all-controls")...), "\n"))
		return
	}
	if os.Args[1] == "ramp" { // main itself is what is of interest
		ramp(os.Args[2])
		return
	}
	for _, which := range strings.Split(os.Args[1], ",") {
		for _, name := range names(which) {
			kinds[name].run()
			truth.Leaks = append(truth.Leaks, kinds[name].leaks...)
			truth.Kinds = append(truth.Kinds, name)
		}
	}
	text, err := json.Marshal(&truth)
	if err != nil {
		panic(err)
	}
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintf(out, "ready\n%s\n", text)
	out.Flush()
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		if in.Text() == "profile" {
			profile()
		}
	}
}

// profile prints what the runtime itself says, from Go 1.26 or 1.27 on, as a traceback in one line of JSON; "" before.
func profile() {
	var text bytes.Buffer
	if p := pprof.Lookup("goroutineleak"); p != nil {
		p.WriteTo(&text, 2)
	}
	line, err := json.Marshal(text.String())
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", line)
}

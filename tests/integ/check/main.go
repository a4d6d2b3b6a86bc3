// SPDX-License-Identifier: BSD-2-Clause

// Command check runs one target (../progs/work), lets parkwatch record it, and holds what parkwatch says against what the
// target says of itself.
//
//	check -name TEXT [-parkwatch PATH] [-events births,exits,blocked] [-args "..."] [-expect exact|seen+lost] KIND PROGRAM [ARG...]
//
// It prints "ok TEXT" or "FAIL TEXT: why" and exits 0 or 1. One static program: it runs on this machine and in kernels under
// QEMU, where there is no other. Counts must be equal; times may differ by -percent, and by what the program's threads waited
// for a processor: where that falls between the end of a wait and the program's look at its clock, only the program sees it.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

type site struct {
	Stack  string  `json:"stack"`
	Leaf   string  `json:"leaf"`
	Root   string  `json:"root"`
	Count  int64   `json:"count"`
	NS     int64   `json:"ns"`
	Open   []int64 `json:"open"`
	Early  []int64 `json:"early"`
	Uneven bool    `json:"uneven"`
}

type truth struct {
	Package string `json:"package"`
	Before  int    `json:"before"`
	After   int    `json:"after"`
	Births  []site `json:"births"`
	Exits   []site `json:"exits"`
	Waits   []site `json:"waits"`
}

// A recording is one run of parkwatch.
type recording struct {
	event      string
	counted    bool // the result has counts beside times
	file       string
	cmd        *exec.Cmd
	begin, end int64 // CLOCK_MONOTONIC: it said that it records; it was told to stop
	duration   int64 // as the result has it, 0 if it has none
	seen, lost int64
	rows       []row
	mu         sync.Mutex
	said       bytes.Buffer
	drained    chan struct{}
}

var (
	parkwatch = flag.String("parkwatch", "build/parkwatch", "binary under test")
	name      = flag.String("name", "", "name of the case in the output")
	events    = flag.String("events", "blocked", "what to record, all at once, separated by commas")
	args      = flag.String("args", "", "further arguments of parkwatch record, separated by blanks")
	expect    = flag.String("expect", "exact", "exact: every site as the target says, nothing lost; seen+lost: the sum alone")
	percent   = flag.Float64("percent", 2, "how far times may be off")
	limit     = flag.Duration("limit", 180*time.Second, "after which it hangs")
)

func monotonic() int64 {
	var ts syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

func main() {
	flag.Parse()
	if flag.NArg() < 2 || *name == "" {
		fmt.Fprintln(os.Stderr, "usage: check -name TEXT [flag...] KIND PROGRAM [ARG...]")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), flag.Args()[1:]); err != nil {
		fmt.Printf("FAIL %s: %s\n", *name, strings.ReplaceAll(err.Error(), "\n", " / "))
		os.Exit(1)
	}
	fmt.Println("ok", *name)
}

func run(kind string, program []string) error {
	dir, err := os.MkdirTemp("", "parkwatch-check-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	target := exec.Command(program[0], append(program[1:], kind)...)
	target.Stderr = os.Stderr
	in, err := target.StdinPipe()
	if err != nil {
		return err
	}
	out, err := target.StdoutPipe()
	if err != nil {
		return err
	}
	if err := target.Start(); err != nil {
		return err
	}
	defer target.Wait()
	defer target.Process.Kill()
	watchdog := time.AfterFunc(*limit, func() { target.Process.Kill() })
	defer watchdog.Stop()
	lines := bufio.NewReaderSize(out, 1<<20)
	if line, err := lines.ReadString('\n'); line != "ready\n" {
		return fmt.Errorf("the target did not start: %q, %v", line, err)
	}

	pid := innermost(target.Process.Pid)
	var recordings []*recording
	for _, event := range strings.Split(*events, ",") {
		r, err := record(pid, event, dir)
		if err != nil {
			return err
		}
		defer r.cmd.Process.Kill()
		recordings = append(recordings, r)
	}
	delayed := delay(pid)
	io.WriteString(in, "go\n")
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the target died or hung while it was watched: %v", err)
	}
	delayed = delay(pid) - delayed
	var t truth
	if err := json.Unmarshal(line, &t); err != nil {
		return err
	}
	for _, r := range recordings {
		if err := r.stop(); err != nil {
			return err
		}
	}
	io.WriteString(in, "quit\n")
	in.Close()
	io.Copy(io.Discard, lines)
	if err := target.Wait(); err != nil {
		return fmt.Errorf("the target ended badly after it was watched: %v", err)
	}
	return compare(&t, recordings, delayed)
}

// delay is how long (ns) the threads of a process were ready and had no processor: the kernel's run queue had others, or the
// hypervisor had the processor (10 ms: the unit of /proc/stat).
func delay(pid int) (ns int64) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, file := range files {
		var ran, waited int64
		text, _ := os.ReadFile(file)
		fmt.Sscan(string(text), &ran, &waited)
		ns += waited
	}
	var cpu string
	var user, nice, system, idle, iowait, irq, softirq, steal int64
	text, _ := os.ReadFile("/proc/stat")
	fmt.Sscan(string(text), &cpu, &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal)
	return ns + steal*10e6
}

// innermost: the program may stand behind wrappers (unshare, sh) that wait for it as their child.
func innermost(pid int) int {
	for {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
		child, err2 := strconv.Atoi(strings.TrimSpace(string(children)))
		if err != nil || err2 != nil {
			return pid
		}
		pid = child
	}
}

// record starts parkwatch and waits until it says that it records.
func record(pid int, event, dir string) (*recording, error) {
	r := &recording{event: event, file: filepath.Join(dir, event), drained: make(chan struct{})}
	format := "folded"
	if event == "blocked" && !strings.Contains(*args, "--root") { // a root is a label in pprof, not a frame
		format, r.counted = "pprof", true
	}
	argv := []string{"record", "-p", strconv.Itoa(pid), "-e", event, "-f", format, "-o", r.file, "--max-overhead", "0"}
	r.cmd = exec.Command(*parkwatch, append(argv, strings.Fields(*args)...)...)
	pipe, err := r.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	started := make(chan bool, 1)
	go func() {
		defer close(r.drained)
		scan := bufio.NewScanner(pipe)
		for scan.Scan() {
			r.mu.Lock()
			r.said.WriteString(scan.Text() + "\n")
			r.mu.Unlock()
			if strings.Contains(scan.Text(), "recording") {
				select {
				case started <- true:
				default:
				}
			}
		}
	}()
	select {
	case <-started:
	case <-r.drained:
	case <-time.After(*limit):
	}
	r.begin = monotonic()
	if !strings.Contains(r.words(), "recording") {
		r.cmd.Process.Kill()
		return nil, fmt.Errorf("parkwatch does not record: %s", r.words())
	}
	return r, nil
}

func (r *recording) words() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.TrimSpace(r.said.String())
}

var summary = regexp.MustCompile(`(\d+) events, (\d+) lost`)

func (r *recording) stop() error {
	r.end = monotonic()
	r.cmd.Process.Signal(os.Interrupt)
	timer := time.AfterFunc(*limit, func() { r.cmd.Process.Kill() })
	defer timer.Stop()
	<-r.drained
	if err := r.cmd.Wait(); err != nil {
		return fmt.Errorf("parkwatch record -e %s: %v: %s", r.event, err, r.words())
	}
	m := summary.FindStringSubmatch(r.words())
	if m == nil {
		return fmt.Errorf("parkwatch says nothing of events and losses: %s", r.words())
	}
	r.seen, _ = strconv.ParseInt(m[1], 10, 64)
	r.lost, _ = strconv.ParseInt(m[2], 10, 64)
	var err error
	r.rows, r.duration, err = readRows(r.file)
	if r.counted && err == nil && r.duration < r.end-r.begin {
		return fmt.Errorf("the result says that %d ns were recorded, but it was %d at least", r.duration, r.end-r.begin)
	}
	for i := range r.rows {
		if r.event == "blocked" && !r.counted {
			r.rows[i].ns, r.rows[i].count = r.rows[i].count, 0
		}
	}
	return err
}

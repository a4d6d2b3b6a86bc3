// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"fmt"
	"strings"
)

// compare: delayed is how far a time may be off besides.
func compare(t *truth, recordings []*recording, delayed int64) error {
	totals := map[string]int64{}
	for _, r := range recordings {
		var err error
		switch {
		case *expect == "seen+lost":
			err = compareSum(t, r)
		case r.event == "births":
			err = compareCounts(t, t.Births, r)
		case r.event == "exits":
			err = compareCounts(t, t.Exits, r)
		case r.event == "blocked":
			err = compareWaits(t, r, delayed)
		}
		if err != nil {
			return fmt.Errorf("%s: %w (%d events, %d lost)", r.event, err, r.seen, r.lost)
		}
		if *expect == "exact" && r.lost != 0 {
			return fmt.Errorf("%s: %d events lost of %d", r.event, r.lost, r.seen+r.lost)
		}
		totals[r.event] = total(r.rows)
	}
	_, births := totals["births"]
	_, exits := totals["exits"]
	if *expect == "exact" && births && exits && totals["births"]-totals["exits"] != int64(t.After-t.Before) {
		return fmt.Errorf("%d births - %d exits, but runtime.NumGoroutine went from %d to %d", totals["births"],
			totals["exits"], t.Before, t.After)
	}
	return nil
}

// runtimesOwn: runtime.NumGoroutine does not count the runtime's own goroutines, but it counts coroutines.
func runtimesOwn(r row) bool {
	leaf := r.frames[len(r.frames)-1]
	return strings.HasPrefix(leaf, "[go runtime.") && leaf != "[go runtime.corostart]"
}

func total(rows []row) (n int64) {
	for _, r := range rows {
		if !runtimesOwn(r) {
			n += r.count
		}
	}
	return n
}

// matchesFrame: the names are equal, or one of several that are right.
func matchesFrame(want, frame string) bool {
	for _, name := range strings.Split(want, "|") {
		if name == frame || strings.HasSuffix(name, "*") && strings.HasPrefix(frame, strings.TrimSuffix(name, "*")) {
			return true
		}
	}
	return false
}

// matches: the row has the site's stack as a run of frames, and after it nothing of the program but the leaf.
func (s *site) matches(r row, own string) bool {
	last := len(r.frames) - 1
	if !matchesFrame(s.Leaf, r.frames[last]) || s.Root != "" && r.frames[0] != s.Root {
		return false
	}
	want := strings.Split(s.Stack, ";")
	end := last
	for end > 0 && !strings.HasPrefix(r.frames[end-1], own) {
		end--
	}
	if end < len(want) {
		return false
	}
	for i, f := range want {
		if !matchesFrame(f, r.frames[end-len(want)+i]) {
			return false
		}
	}
	return true
}

type tally struct{ count, ns int64 }

// gather gives each row to its site. left: rows of the program that no site wants, but for what it does aside.
func gather(t *truth, sites []site, rows []row) (tallies []tally, left []row) {
	tallies = make([]tally, len(sites))
	for _, r := range rows {
		best := -1
		for i := range sites {
			if sites[i].matches(r, t.Package) && (best < 0 || len(sites[i].Stack) > len(sites[best].Stack)) {
				best = i
			}
		}
		if best >= 0 {
			tallies[best].count += r.count
			tallies[best].ns += r.ns
		} else if !runtimesOwn(r) && !strings.Contains(r.frames[len(r.frames)-1], ".aside") {
			left = append(left, r)
		}
	}
	return tallies, left
}

func (s *site) String() string { return s.Root + ":" + s.Stack + ";" + s.Leaf }

func compareCounts(t *truth, sites []site, r *recording) error {
	tallies, left := gather(t, sites, r.rows)
	for i := range sites {
		if tallies[i].count != sites[i].Count {
			return fmt.Errorf("%d at %s, truly %d%s", tallies[i].count, &sites[i], sites[i].Count, hint(left))
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("stacks that the program does not know%s", hint(left))
	}
	return nil
}

// hint shows the first rows that no site wanted.
func hint(left []row) string {
	text := ""
	for i := 0; i < len(left) && i < 4; i++ {
		text += fmt.Sprintf("; left over: %s %d", strings.Join(left[i].frames, ";"), left[i].count)
	}
	return text
}

func compareWaits(t *truth, r *recording, delayed int64) error {
	tallies, left := gather(t, t.Waits, r.rows)
	for i := range t.Waits {
		s := &t.Waits[i]
		count := s.Count + int64(len(s.Open)+len(s.Early))
		least, most := s.span(r)
		got := tallies[i]
		if got.count == 0 && got.ns == 0 {
			return fmt.Errorf("nothing at %s, truly %d waits%s", s, count, hint(left))
		}
		if r.counted && (got.count < count || got.count != count && !s.Uneven) {
			return fmt.Errorf("%d waits at %s, truly %d%s", got.count, s, count, hint(left))
		}
		if most == 0 { // too short, or too many, for its own clock
			continue
		}
		if float64(got.ns+delayed) < float64(least)*(1-*percent/100) || float64(got.ns-delayed) > float64(most)*(1+*percent/100) {
			return fmt.Errorf("%.3f ms at %s, by its own clock %.3f to %.3f ms, and %.3f ms without a processor",
				float64(got.ns)/1e6, s, float64(least)/1e6, float64(most)/1e6, float64(delayed)/1e6)
		}
	}
	return nil
}

// span is the time that was spent here by the program's own clock, at least and at most. The two differ only for waits that
// cross an edge of the recording: it began at the latest when parkwatch said so, ended at the earliest when it was told to,
// and lasted as long as the result says.
func (s *site) span(r *recording) (least, most int64) {
	least, most = s.NS, s.NS
	slack := r.duration - (r.end - r.begin)
	for _, start := range s.Open {
		if start < r.begin {
			least += r.end - r.begin
			most += r.duration
		} else {
			least += r.end - start
			most += r.end + slack - start
		}
	}
	for _, end := range s.Early {
		least += end - r.begin
		most += end - (r.begin - slack)
	}
	return least, most
}

// compareSum: what was seen and what was lost are together what there was, and what was seen is all in the result.
func compareSum(t *truth, r *recording) error {
	sites := map[string][]site{"births": t.Births, "exits": t.Exits}[r.event]
	var truly, told int64
	for _, s := range sites {
		truly += s.Count
	}
	for _, row := range r.rows {
		told += row.count
	}
	if r.lost == 0 {
		return fmt.Errorf("nothing was lost: the case proves nothing")
	}
	if r.seen+r.lost != truly {
		return fmt.Errorf("%d seen + %d lost = %d, truly %d", r.seen, r.lost, r.seen+r.lost, truly)
	}
	if told != r.seen {
		return fmt.Errorf("%d seen, but the result has %d", r.seen, told)
	}
	return nil
}

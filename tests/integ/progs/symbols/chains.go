// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"sync"
	"text/template"
	"unicode"
)

// Inlined calls, one in the other, on several lines.
func inner(n int) int {
	note()
	return n + 1
}

func middle(n int) int { return inner(n) + inner(n+1) }

func outer(n int) int {
	return middle(n) +
		middle(n+
			middle(n+2))
}

type animal interface{ speak(n int) int }
type cat struct{ legs int }

func (c cat) speak(n int) int { return outer(n) + c.legs }

type kitten struct{ *cat } // promoted: a wrapper by the compiler

type stringer int

func (s stringer) String() string { note(); return "s" }

func (s stringer) MarshalJSON() ([]byte, error) { note(); return []byte("1"), nil }

type byNote []int

func (b byNote) Len() int           { return len(b) }
func (b byNote) Less(i, j int) bool { note(); return b[i] < b[j] }
func (b byNote) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

//go:noinline
func recurse(n int) {
	if n == 0 {
		note()
		return
	}
	recurse(n - 1)
}

func deferred() {
	defer note()
	defer func() {
		recover()
		note()
	}()
	panic("caught")
}

func chains() {
	outer(1)
	var a animal = cat{4}
	a.speak(1)
	a = kitten{&cat{4}}
	a.speak(2)
	f := a.speak // a method value: another wrapper
	f(3)
	animal.speak(a, 4)
	recurse(20)
	deferred()

	_ = fmt.Sprintf("%v %s", stringer(1), []interface{}{stringer(2)})
	json.Marshal(map[string]interface{}{"a": stringer(1), "b": []stringer{2}})
	sort.Sort(byNote{3, 1, 2})
	sort.Slice([]int{3, 1, 2}, func(i, j int) bool { note(); return i < j })
	strings.Map(func(r rune) rune { note(); return unicode.ToUpper(r) }, "ab")
	strings.FieldsFunc("a b", func(r rune) bool { note(); return r == ' ' })
	regexp.MustCompile("a+").ReplaceAllStringFunc("aabaa", func(s string) string { note(); return s })
	template.Must(template.New("t").Funcs(template.FuncMap{"note": func() string { note(); return "" }}).
		Parse("{{range .}}{{note}}{{end}}")).Execute(nowhere{}, []int{1, 2})
	var once sync.Once
	once.Do(note)
	var wg sync.WaitGroup
	wg.Add(2)
	var mu sync.Mutex
	work := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		outer(n)
		wg.Done()
	}
	go work(1)
	go func() { work(2) }()
	wg.Wait()
}

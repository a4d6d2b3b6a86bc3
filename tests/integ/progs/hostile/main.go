// SPDX-License-Identifier: BSD-2-Clause

// hostile: goroutines whose labels, functions and files have names that are HTML, quotes, lines or very long.
//
//	hostile WORD
//
// Says "ready"; ends with its standard input. The name of the function below is replaced in the built program, by one of the
// same length that no Go source can have.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"strings"
)

var Labels = []string{
	"<script>window.hurt=1</script>", `"><img src=x onerror="window.hurt=1">`, "'`${window.hurt=1}`", "one\ntwo\r\n\x1b[31m", strings.Repeat("long ", 2000),
	"javascript:window.hurt=1", "\u202eright to left", "&lt;b&gt;&amp;",
}

//line <img src=x onerror=window.hurt=1>.go:1
//go:noinline
func replaced_by_the_name_of_no_go_function_() {
	select {}
}

func main() {
	for _, label := range Labels {
		labels := pprof.Labels(label[:min(len(label), 100)], label)
		go pprof.Do(context.Background(), labels, func(context.Context) { replaced_by_the_name_of_no_go_function_() })
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

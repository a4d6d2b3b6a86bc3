// SPDX-License-Identifier: BSD-2-Clause

// Command host loads work as a Go plugin: host PLUGIN KIND.
package main

import (
	"fmt"
	"os"
	"plugin"
)

func main() {
	p, err := plugin.Open(os.Args[1])
	if err == nil {
		var run plugin.Symbol
		if run, err = p.Lookup("Run"); err == nil {
			run.(func(string))(os.Args[2])
			return
		}
	}
	fmt.Fprintln(os.Stderr, "host:", err)
	os.Exit(1)
}

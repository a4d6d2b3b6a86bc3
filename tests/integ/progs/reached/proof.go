// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime/pprof"
	"strconv"
	"strings"
)

// prove prints the goids that the runtime's own proof of leaks finds, null where it has none.
func prove() {
	var goids []uint64
	if p := pprof.Lookup("goroutineleak"); p != nil {
		var buf bytes.Buffer
		goids = []uint64{}
		p.WriteTo(&buf, 2)
		for _, line := range strings.Split(buf.String(), "\n") {
			if strings.HasPrefix(line, "goroutine ") && strings.Contains(line, "(leaked)") {
				id, _ := strconv.ParseUint(strings.Fields(line)[1], 10, 64)
				goids = append(goids, id)
			}
		}
	}
	json.NewEncoder(os.Stdout).Encode(goids)
}

// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// A row is one stack of a result, outermost frame first.
type row struct {
	frames []string
	count  int64 // folded: the value; pprof: the first value
	ns     int64 // pprof: the second value
}

// The pattern is flamegraph.pl's own.
var foldedLine = regexp.MustCompile(`^(.*)\s+?(\d+(?:\.\d*)?)$`)

// readRows: the stacks, and how long was recorded where the format has that.
func readRows(file string) (rows []row, duration int64, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, 0, err
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return readPprof(data)
	}
	rows, err = readFolded(string(data))
	return rows, 0, err
}

func readFolded(text string) ([]row, error) {
	var rows []row
	for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		m := foldedLine.FindStringSubmatch(line)
		if m == nil && text != "" {
			return nil, fmt.Errorf("flamegraph.pl would ignore the line %q", line)
		}
		if m != nil {
			n, err := strconv.ParseInt(m[2], 10, 64)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row{frames: strings.Split(m[1], ";"), count: n})
		}
	}
	return rows, nil
}

// message walks the fields of one protobuf message: number, varint value or bytes.
func message(data []byte, field func(number int, value uint64, data []byte)) error {
	for len(data) > 0 {
		key, n := binary.Uvarint(data)
		if n <= 0 {
			return io.ErrUnexpectedEOF
		}
		data = data[n:]
		value, n := binary.Uvarint(data)
		if n <= 0 {
			return io.ErrUnexpectedEOF
		}
		data = data[n:]
		switch key & 7 {
		case 0:
			field(int(key>>3), value, nil)
		case 2:
			if value > uint64(len(data)) {
				return io.ErrUnexpectedEOF
			}
			field(int(key>>3), 0, data[:value])
			data = data[value:]
		default:
			return fmt.Errorf("wire type %d", key&7)
		}
	}
	return nil
}

// numbers is a repeated integer field, packed or not.
func numbers(list []uint64, value uint64, data []byte) []uint64 {
	if data == nil {
		return append(list, value)
	}
	for len(data) > 0 {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			return list
		}
		list, data = append(list, v), data[n:]
	}
	return list
}

// readPprof reads profile.proto by its published field numbers: a reader of its own, so that a mistake of the writer shows.
func readPprof(packed []byte) (rows []row, duration int64, err error) {
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, 0, err
	}
	data, err := io.ReadAll(zip)
	if err != nil {
		return nil, 0, err
	}
	var names []string
	functions := map[uint64]uint64{}   // id: name
	locations := map[uint64][]uint64{} // id: functions, innermost first
	type sample struct{ locations, values []uint64 }
	var samples []sample
	err = message(data, func(number int, value uint64, data []byte) {
		switch number {
		case 2:
			var s sample
			message(data, func(number int, value uint64, data []byte) {
				switch number {
				case 1:
					s.locations = numbers(s.locations, value, data)
				case 2:
					s.values = numbers(s.values, value, data)
				}
			})
			samples = append(samples, s)
		case 4:
			var id uint64
			var lines []uint64
			message(data, func(number int, value uint64, data []byte) {
				if number == 1 {
					id = value
				}
				if number == 4 {
					message(data, func(number int, value uint64, _ []byte) {
						if number == 1 {
							lines = append(lines, value)
						}
					})
				}
			})
			locations[id] = lines
		case 5:
			var id, text uint64
			message(data, func(number int, value uint64, _ []byte) {
				if number == 1 {
					id = value
				}
				if number == 2 {
					text = value
				}
			})
			functions[id] = text
		case 6:
			names = append(names, string(data))
		case 10:
			duration = int64(value)
		}
	})
	if err != nil {
		return nil, 0, fmt.Errorf("the pprof file is damaged: %v", err)
	}
	for _, s := range samples {
		var r row
		for _, l := range s.locations {
			lines, ok := locations[l]
			if !ok {
				return nil, 0, fmt.Errorf("the pprof file has no location %d", l)
			}
			for _, f := range lines {
				if functions[f] >= uint64(len(names)) {
					return nil, 0, fmt.Errorf("the pprof file has no string %d", functions[f])
				}
				r.frames = append([]string{names[functions[f]]}, r.frames...)
			}
		}
		if len(s.values) != 2 {
			return nil, 0, fmt.Errorf("a sample of the pprof file has %d values, not 2", len(s.values))
		}
		r.count, r.ns = int64(s.values[0]), int64(s.values[1])
		rows = append(rows, r)
	}
	return rows, duration, nil
}

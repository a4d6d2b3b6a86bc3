// SPDX-License-Identifier: BSD-2-Clause

package main

/*
static int spin(int n)
{
	volatile int x = n;

	for (int i = 0; i < 400000; i++)
		x ^= i * n;
	return x;
}
*/
import "C"

//go:noinline
func callsC(w *worker) { w.sink += int(C.spin(3)) }

func init() { ways = append(ways, way{6, callsC}) }

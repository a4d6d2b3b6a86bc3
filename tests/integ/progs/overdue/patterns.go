// SPDX-License-Identifier: BSD-2-Clause

package main

// Go 1.22 and later have patterns with names in them.
func init() { route = func(kind string) string { return "/" + kind + "/{id}" } }

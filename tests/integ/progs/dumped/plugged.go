// SPDX-License-Identifier: BSD-2-Clause

//go:build plugged
// +build plugged

package main

// Run is what the host of the plugin looks up.
func Run(kind string) { run(kind) }

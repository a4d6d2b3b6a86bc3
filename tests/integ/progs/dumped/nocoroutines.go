// SPDX-License-Identifier: BSD-2-Clause

//go:build !go1.23
// +build !go1.23

package main

func coroutine() {}

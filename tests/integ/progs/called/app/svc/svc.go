// Package svc is of the main module.
package svc

import lib "LIB"

//go:noinline
func Connect() {
	lib.Open() // svc.Connect
}

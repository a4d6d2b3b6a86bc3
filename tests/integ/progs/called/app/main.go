// Leaks whose go statements are in libraries. The lines that call these say in a comment how they are to be found.
package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"APP/svc"
	lib "LIB"
)

type store struct{}

func (store) Connect(context.Context) (driver.Conn, error) { return nil, errors.New("none") }
func (store) Driver() driver.Driver                        { return nil }

//go:noinline
func connectStore() *sql.DB {
	return sql.OpenDB(store{}) // main.connectStore
}

//go:noinline
func early() {
	for i := 0; i < 40; i++ {
		lib.Early()
	}
}

//go:noinline
func gone(done chan bool) {
	for i := 0; i < 40; i++ {
		lib.Gone()
	}
	done <- true
}

//go:noinline
func watch() {
	lib.New() // main.watch
}

func serve() {
	lib.Serve(40) // main.serve
}

func main() {
	done := make(chan bool)

	early()
	go gone(done)
	<-done
	go serve()
	lib.Pool()
	time.Sleep(100 * time.Millisecond)
	fmt.Println("ready")
	for {
		time.Sleep(200 * time.Millisecond) // main.main
		connectStore()
		svc.Connect()
		watch()
	}
}

// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net/http"
)

// A database whose queries never end: who has the only connection waits for it, the others for the connection.

type (
	fakeDriver    struct{}
	fakeConn      struct{}
	fakeStatement struct{}
	fakeTx        struct{}
)

func (fakeDriver) Open(string) (driver.Conn, error)              { return fakeConn{}, nil }
func (fakeConn) Prepare(string) (driver.Stmt, error)             { return fakeStatement{}, nil }
func (fakeConn) Close() error                                    { return nil }
func (fakeConn) Begin() (driver.Tx, error)                       { return fakeTx{}, nil }
func (fakeTx) Commit() error                                     { return nil }
func (fakeTx) Rollback() error                                   { return nil }
func (fakeStatement) Close() error                               { return nil }
func (fakeStatement) NumInput() int                              { return 0 }
func (fakeStatement) Exec([]driver.Value) (driver.Result, error) { return nil, errors.New("no") }
func (fakeStatement) Query([]driver.Value) (driver.Rows, error)  { <-never; return nil, io.EOF }

var narrow, wide *sql.DB

func startDatabase() {
	sql.Register("fake", fakeDriver{})
	narrow, _ = sql.Open("fake", "")
	narrow.SetMaxOpenConns(1)
	wide, _ = sql.Open("fake", "")
	helper("database/sql.(*Tx).awaitDone", "transaction")
}

func querying(w http.ResponseWriter, r *http.Request) {
	serves(r, route("querying"))
	rows, err := narrow.QueryContext(r.Context(), "select 1")
	use(rows, err)
}

func queryingBeside(w http.ResponseWriter, r *http.Request) {
	path := serves(r, route("querying-beside"))
	ctx := r.Context()
	in := make(chan int)
	go func() {
		child("query", path)
		rows, err := narrow.QueryContext(ctx, "select 1")
		use(rows, err)
		in <- 1
	}()
	<-in
}

func transaction(w http.ResponseWriter, r *http.Request) {
	serves(r, route("transaction"))
	tx, err := wide.BeginTx(r.Context(), nil)
	<-never
	use(tx, err)
}

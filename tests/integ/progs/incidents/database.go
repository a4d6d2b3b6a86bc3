// SPDX-License-Identifier: BSD-2-Clause

// A pool of database connections that run out, for nobody gives them back.
package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"time"
)

type server struct{}
type connection struct{}
type transaction struct{}
type statement struct{}
type rows struct{}

func (server) Connect(context.Context) (driver.Conn, error)  { return connection{}, nil }
func (server) Driver() driver.Driver                         { return nil }
func (connection) Prepare(string) (driver.Stmt, error)       { return statement{}, nil }
func (connection) Close() error                              { return nil }
func (connection) Begin() (driver.Tx, error)                 { return transaction{}, nil }
func (transaction) Commit() error                            { return nil }
func (transaction) Rollback() error                          { return nil }
func (statement) Close() error                               { return nil }
func (statement) NumInput() int                              { return 0 }
func (statement) Exec([]driver.Value) (driver.Result, error) { return driver.ResultNoRows, nil }
func (statement) Query([]driver.Value) (driver.Rows, error)  { return rows{}, nil }
func (rows) Columns() []string                               { return []string{"id"} }
func (rows) Close() error                                    { return nil }
func (rows) Next(v []driver.Value) error                     { v[0] = int64(1); return nil }

func database() *sql.DB {
	db := sql.OpenDB(server{})
	db.SetMaxOpenConns(6)
	return db
}

// order forgets to end its transaction where there is nothing to order.
func order(db *sql.DB, n int) {
	tx, err := db.BeginTx(context.Background(), nil)
	if err != nil || n%3 == 0 {
		return
	}
	tx.Commit()
}

func list(db *sql.DB, n int) {
	ctx, cancel := context.WithCancel(context.Background())
	all, err := db.QueryContext(ctx, "select id")
	if err != nil || n%3 == 0 {
		return
	}
	all.Close()
	cancel()
}

func useSlowly(db *sql.DB) {
	tx, err := db.BeginTx(context.Background(), nil)
	if err == nil {
		time.Sleep(30 * time.Millisecond)
		tx.Rollback()
	}
}

func traffic(f func(db *sql.DB, n int)) func() {
	return func() {
		db, n := database(), 0
		go every(func() { n++; go f(db, n) })
	}
}

func init() {
	kinds["transactions-never-ended"] = traffic(order)
	kinds["rows-never-closed"] = traffic(list)
	kinds["busy-database"] = func() {
		db := database()
		times(20, func() {
			for {
				useSlowly(db)
			}
		})
	}
}

// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"errors"
)

// Go 1.21 and later: causes of deadlines.
func init() {
	add("deadline-cause", fate{By: "own deadline", Ended: true, CauseType: stringType, Cause: "too slow"}, func(ctx context.Context) context.Context {
		ctx, cancel := context.WithTimeoutCause(ctx, short, errors.New("too slow"))
		sink = cancel
		return gone(ctx)
	})
	add("without", fate{By: "", Ended: true}, func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		cancel()
		return ctx
	})
}

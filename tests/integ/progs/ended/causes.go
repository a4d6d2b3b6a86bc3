// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"context"
	"errors"
	"fmt"
)

type problem struct{ code int }

func (p *problem) Error() string { return fmt.Sprint("problem ", p.code) }

const stringType = "*errors.errorString"

func caused(ctx context.Context, cause error) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	cancel(cause)
	return ctx
}

// Go 1.20 and later: causes.
func init() {
	add("own-cause", fate{By: "own cancel", Ended: true, CauseType: stringType, Cause: "shutting down"}, func(ctx context.Context) context.Context {
		return caused(ctx, errors.New("shutting down"))
	})
	add("wrapped-cause", fate{By: "own cancel", Ended: true, CauseType: "*fmt.wrapError", Cause: "no quote: shutting down"}, func(ctx context.Context) context.Context {
		return caused(ctx, fmt.Errorf("no quote: %w", errors.New("shutting down")))
	})
	add("cause-of-our-own", fate{By: "own cancel", Ended: true, CauseType: "*main.problem"}, func(ctx context.Context) context.Context {
		return caused(ctx, &problem{7})
	})
	add("no-cause", fate{By: "own cancel", Ended: true}, func(ctx context.Context) context.Context { return caused(ctx, nil) })
	// The cancel function of a context with a deadline gives no cause: it was not that.
	add("parent-cause", fate{By: "parent's cancel", Ended: true, CauseType: stringType, Cause: "parent"}, func(ctx context.Context) context.Context {
		ctx, cancel := context.WithCancelCause(ctx)
		ctx = limited(ctx, far)
		cancel(errors.New("parent"))
		return gone(ctx)
	})
	add("own-cause-then-parent", fate{By: "own cancel", Ended: true, CauseType: stringType, Cause: "own"}, func(ctx context.Context) context.Context {
		parent, cancel := context.WithCancel(ctx)
		ctx = caused(parent, errors.New("own"))
		cancel()
		return ctx
	})
}

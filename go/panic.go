package datacat

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// lastWords bounds how long a program that panics waits for its panic to be delivered.
const lastWords = 2 * time.Second

// LogException logs an error as an exception, with the stack of the goroutine that calls. Its type is that of the error
// or, where that only wraps another one or holds nothing but text, of the first one in the chain that says more. A nil
// error is not logged.
func (s *Session) LogException(ctx context.Context, err error, opts ...EventOption) error {
	return s.logException(ctx, err, opts)
}

// logException is called by what the application calls, and by nothing else: so it knows whose frames to leave out.
func (s *Session) logException(ctx context.Context, err error, opts []EventOption) error {
	if s == nil || err == nil {
		return nil
	}
	said := newEvent{Name: "exception", Category: "exception", Level: LevelError, ExceptionType: typeOf(err)}
	said.ExceptionMsg = text(err)
	said.Message = said.ExceptionType + ": " + said.ExceptionMsg
	said.place(stackOf(callers(2)))
	return s.logEvent(ctx, said, nil, opts)
}

// LogPanic logs the value of a panic that the application has recovered by itself:
//
//	defer func() {
//		if value := recover(); value != nil {
//			session.LogPanic(ctx, value)
//		}
//	}()
func (s *Session) LogPanic(ctx context.Context, value any, opts ...EventOption) error {
	if s == nil || value == nil {
		return nil
	}
	said := newEvent{Name: "exception", Category: "exception", Level: LevelError, ExceptionType: "panic"}
	said.ExceptionMsg = text(value)
	said.Message = "panic: " + said.ExceptionMsg
	said.place(stackOf(panicked(callers(1))))
	return s.logEvent(ctx, said, map[string]any{"panic_type": fmt.Sprintf("%T", value)}, opts)
}

// Recover, deferred, stops a panic and logs it. It is for goroutines and handlers that the program can do without:
//
//	go func() {
//		defer session.Recover()
//		work()
//	}()
func (s *Session) Recover() {
	if value := recover(); value != nil {
		s.LogPanic(context.Background(), value)
	}
}

// ReportPanic, deferred, logs a panic and lets it go on, so that the program ends as it would without DataCat, and the
// verdict is that panic. It is for main, and for every goroutine whose panic may end the program: Go runs the deferred
// calls of the goroutine that panics, and of no other.
//
// A program that is ended by the runtime itself (a fatal error such as "concurrent map writes") runs no deferred calls:
// with a daemon it has crashed all the same, by its exit code.
func (s *Session) ReportPanic() {
	if value := recover(); value != nil {
		s.reportPanic(value)
		panic(value)
	}
}

// reportPanic logs a panic that goes on, and waits until that is safe, shortly. One that a deferred call of this
// package has let go on was logged there.
func (s *Session) reportPanic(value any) {
	if s == nil || isOurs(stackOf(callers(0))) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastWords)
	defer cancel()
	s.LogPanic(ctx, value, WithLevel(LevelCritical), func(e *newEvent) { e.Uncaught = true })
	s.client.Flush(ctx)
}

// endByPanic reports a panic that ends the session, and lets it go on.
func (s *Session) endByPanic(value any) {
	if s != nil {
		s.reportPanic(value)
		ctx, cancel := context.WithTimeout(context.Background(), lastWords)
		defer cancel()
		s.client.backend.crashed(ctx, s.id, "panic: "+text(value))
	}
	panic(value)
}

// text is what a value says of itself. fmt makes text also of what panics when it is asked.
func text(value any) string { return fmt.Sprint(value) }

// typeOf is the type of the first error in a chain that is more than a text or a wrapper around another one.
func typeOf(err error) string {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		switch name := fmt.Sprintf("%T", inner); name {
		case "*errors.errorString", "*fmt.wrapError", "*fmt.wrapErrors", "*errors.joinError":
		default:
			return name
		}
	}
	return "error"
}

// callers are the program counters of the goroutine's stack, without this function's and skip further ones.
func callers(skip int) []uintptr {
	counters := make([]uintptr, mostFrames)
	return counters[:runtime.Callers(skip+2, counters)]
}

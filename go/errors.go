package datacat

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// Kinds of failure, for [errors.Is].
var (
	// ErrNotFound says that there is no such session.
	ErrNotFound = errors.New("datacat: not found")
	// ErrRefused says that what was sent cannot be right; the [Error] behind it names the field.
	ErrRefused = errors.New("datacat: refused")
	// ErrUnauthorized says that the API key is missing, unknown or not enough.
	ErrUnauthorized = errors.New("datacat: unauthorized")
	// ErrUnavailable says that it cannot be done now; the same call may work later.
	ErrUnavailable = errors.New("datacat: unavailable")
	// ErrUnreachable says that nobody answered; the [UnreachableError] behind it says where, and why.
	ErrUnreachable = errors.New("datacat: unreachable")
	// ErrQueueFull says that a record was dropped: too many of them wait for the server.
	ErrQueueFull = errors.New("datacat: the queue is full, the record was dropped")
	// ErrTooLarge says that a record is larger than any that is taken.
	ErrTooLarge = errors.New("datacat: the record is too large")
	// ErrClosed says that the client was closed before the call.
	ErrClosed = errors.New("datacat: the client is closed")
	// ErrNoDaemon says that datacat-daemon could not be started.
	ErrNoDaemon = errors.New("datacat: no daemon")
)

// An Error is what the server or the daemon answered instead of doing what was asked.
//
// It is one of [ErrNotFound], [ErrRefused], [ErrUnauthorized] and [ErrUnavailable] for [errors.Is].
type Error struct {
	Status  int    // HTTP status
	Kind    string // kind of error in a word or two, such as "bad_request"
	Details string // what to do about it
	Field   string // the field that was refused, if it is one field's fault

	retryAfter time.Duration
}

func (e *Error) Error() string {
	return fmt.Sprintf("datacat: %s: %s", e.Kind, e.Details)
}

// Is reports whether target is the kind of failure that the status stands for.
func (e *Error) Is(target error) bool {
	return target == kindOf(e.Status)
}

func kindOf(status int) error {
	switch {
	case status == http.StatusNotFound:
		return ErrNotFound
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return ErrUnauthorized
	case status == http.StatusTooManyRequests || status >= 500:
		return ErrUnavailable
	default:
		return ErrRefused
	}
}

// An UnreachableError says that nobody answered at an address. It is [ErrUnreachable] for [errors.Is], and unwraps to
// the reason, such as [context.DeadlineExceeded].
type UnreachableError struct {
	URL string // who was asked
	Err error  // why there was no answer
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("datacat: %s did not answer (%v); is it running?", e.URL, e.Err)
}

// Is reports whether target is [ErrUnreachable].
func (e *UnreachableError) Is(target error) bool { return target == ErrUnreachable }

// Unwrap returns the reason.
func (e *UnreachableError) Unwrap() error { return e.Err }

// Details of a refusal begin with the name of the field: "level: expected one of ...".
var fieldName = regexp.MustCompile(`^([a-z_][a-z0-9_.]*): `)

func newError(status int, kind, details string) *Error {
	failure := &Error{Status: status, Kind: kind, Details: details}
	if found := fieldName.FindStringSubmatch(details); found != nil && failure.Is(ErrRefused) {
		failure.Field = found[1]
	}
	return failure
}

// mostRetryAfter bounds how long an answer can make anybody wait.
const mostRetryAfter = 10 * time.Minute

// retryAfter is the time that an answer asks to be left alone for, 0 where it does not.
func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds <= 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, mostRetryAfter)
}

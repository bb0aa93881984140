package datacat

import (
	"context"
	"time"
)

// kind is what a record is.
type kind int

const (
	kindEvent kind = iota
	kindState
	kindMetric
)

// newState is a change of the state as it is sent.
type newState struct {
	State any `json:"state"`
}

// A backend is where a client's records go. Its methods may be called by any number of goroutines at once.
type backend interface {
	// open begins a session.
	open(ctx context.Context, product, version string) (id string, err error)
	// write takes an encoded record, an object with at least one key.
	write(ctx context.Context, id string, kind kind, record []byte) error
	// heartbeat is one beat; the first begins to watch for the next.
	heartbeat(ctx context.Context, id string) error
	// pause holds the watching, or lets it go on.
	pause(ctx context.Context, id string, paused bool) error
	// end says that the session ended as it should.
	end(ctx context.Context, id string) error
	// crashed says that an uncaught panic is about to end the process.
	crashed(ctx context.Context, id, reason string) error
	// flush waits until what was written is where it is safe from the end of this process.
	flush(ctx context.Context) error
	// details answers what is known of a session.
	details(ctx context.Context, id string) (*SessionDetails, error)
	// close flushes, and lets go of what the backend holds.
	close(ctx context.Context) error
	// stats says how many records went where.
	stats() Stats
}

// Stats counts the records of a client.
type Stats struct {
	Sent    int64 // acknowledged by the daemon or the server
	Dropped int64 // refused, or not kept for want of room
	Queued  int64 // waiting for the server
}

// closePatience bounds how long Close waits for what has not been delivered.
const closePatience = 5 * time.Second

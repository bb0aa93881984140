package datacat

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// deliveryPause is the time between two looks whether a daemon has delivered.
const deliveryPause = 50 * time.Millisecond

// relay is the backend that hands each record to a daemon, and returns when the daemon has it.
type relay struct {
	daemon  *daemon
	server  *endpoint
	timeout time.Duration // after which a session hangs without a heartbeat
	sent    atomic.Int64
	dropped atomic.Int64
	closed  atomic.Bool

	mu      sync.Mutex
	running map[string]bool // sessions that were begun here and have not ended; whether their heartbeat is watched
	ended   string          // the session that has ended last
}

var relayPaths = map[kind]string{kindEvent: "/event", kindState: "/state", kindMetric: "/metric"}

// about is what says to a daemon which session is meant.
type about struct {
	ID      string   `json:"session_id"`
	Timeout *float64 `json:"timeout,omitempty"`
}

func newRelay(daemon *daemon, server *endpoint, o *options) *relay {
	return &relay{daemon: daemon, server: server, timeout: o.heartbeat, running: make(map[string]bool)}
}

func (r *relay) open(ctx context.Context, product, version string) (string, error) {
	asked := struct {
		Parent  int    `json:"parent_pid"`
		Product string `json:"product"`
		Version string `json:"version"`
	}{os.Getpid(), product, version}
	var answer struct {
		ID string `json:"session_id"`
	}
	if err := r.call(ctx, http.MethodPost, "/register", asked, &answer); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[answer.ID] = false
	return answer.ID, nil
}

func (r *relay) write(ctx context.Context, id string, kind kind, record []byte) error {
	about, err := encode(about{ID: id})
	if err != nil {
		return err
	}
	// Both are objects, and neither is empty: one that has the keys of both.
	about = append(about[:len(about)-1], ',')
	err = r.send(ctx, http.MethodPost, relayPaths[kind], append(about, record[1:]...), nil)
	if err == nil {
		r.sent.Add(1)
	} else {
		r.dropped.Add(1)
	}
	return err
}

func (r *relay) heartbeat(ctx context.Context, id string) error {
	said := about{ID: id}
	r.mu.Lock()
	watched, own := r.running[id]
	r.mu.Unlock()
	if own && !watched {
		seconds := r.timeout.Seconds()
		said.Timeout = &seconds
	}
	err := r.call(ctx, http.MethodPost, "/heartbeat", said, nil)
	if err == nil && said.Timeout != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		if _, runs := r.running[id]; runs {
			r.running[id] = true
		}
	}
	return err
}

func (r *relay) pause(ctx context.Context, id string, paused bool) error {
	path := "/resume_heartbeat"
	if paused {
		path = "/pause_heartbeat"
	}
	return r.call(ctx, http.MethodPost, path, about{ID: id}, nil)
}

func (r *relay) end(ctx context.Context, id string) error {
	err := r.call(ctx, http.MethodPost, "/end", about{ID: id}, nil)
	if err == nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.running, id)
		r.ended = id
	}
	return err
}

// crashed has nothing to say: the daemon sees how the process ends.
func (r *relay) crashed(context.Context, string, string) error { return nil }

// flush has nothing to wait for: what the daemon has answered, it keeps.
func (r *relay) flush(context.Context) error { return nil }

func (r *relay) details(ctx context.Context, id string) (*SessionDetails, error) {
	session := new(SessionDetails)
	err := r.call(ctx, http.MethodGet, "/session?session_id="+url.QueryEscape(id), nil, session)
	if err != nil {
		return r.server.session(ctx, id)
	}
	return session, nil
}

func (r *relay) stats() Stats { return Stats{Sent: r.sent.Load(), Dropped: r.dropped.Load()} }

func (r *relay) close(ctx context.Context) error {
	if r.closed.Swap(true) {
		return nil
	}
	r.mu.Lock()
	left, ended := len(r.running), r.ended
	r.mu.Unlock()
	if left == 0 && r.isDelivered(ctx, ended) {
		return r.daemon.stop(ctx)
	}
	r.daemon.letGo()
	return nil
}

// isDelivered waits until the server knows that a session has ended. Where it cannot be asked the daemon goes on
// trying: one that is asked to leave does so after a few seconds, whatever it still has.
func (r *relay) isDelivered(ctx context.Context, id string) bool {
	for id != "" {
		session, err := r.server.session(ctx, id)
		if err == nil && !session.EndedAt.IsZero() {
			return true
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return false
		}
		select {
		case <-time.After(deliveryPause):
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// call makes a request of the daemon.
func (r *relay) call(ctx context.Context, method, path string, body, answer any) error {
	var encoded []byte
	if body != nil {
		var err error
		if encoded, err = encode(body); err != nil {
			return err
		}
	}
	return r.send(ctx, method, path, encoded, answer)
}

// send asks the daemon, and where that has died another one: a request that never left is safe to make again.
func (r *relay) send(ctx context.Context, method, path string, body []byte, answer any) error {
	if r.closed.Load() {
		return ErrClosed
	}
	header := http.Header{"Content-Type": {"application/json"}}
	daemon := r.daemon.endpoint()
	err := daemon.send(ctx, method, path, body, header, answer)
	if !errors.Is(err, ErrUnreachable) || !neverLeft(err) {
		return err
	}
	if again := r.daemon.revive(ctx, daemon); again != nil {
		return again
	}
	return r.daemon.endpoint().send(ctx, method, path, body, header, answer)
}

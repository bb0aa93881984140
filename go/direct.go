package datacat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// direct is the backend that delivers to the server by itself: calls queue, one goroutine sends.
//
// It speaks as a daemon does (docs/design/records.md, "POST /api/ingest"): a record is known by its session, its writer
// and its ordinal, and the server passes over what it has. So a batch whose answer was lost is sent again.
type direct struct {
	server   *endpoint
	size     int
	interval time.Duration
	timeout  time.Duration // after which a session hangs without a heartbeat
	onError  func(error)

	wake chan struct{}   // there is something to send at once
	done chan struct{}   // closed when the goroutine has ended
	stop context.Context // done when the goroutine is to end
	halt context.CancelFunc

	mu      sync.Mutex
	streams map[string]*stream
	queued  int
	counts  Stats
	hurried int           // how many wait for the queue
	moved   chan struct{} // closed, and made anew, whenever the queue got shorter
	failure error         // why the last attempt to send failed, nil after one that worked
	closing bool
}

// single are the calls for a session that is not this client's own: it has no writer here.
var single = map[kind]string{kindEvent: "/events", kindState: "/state", kindMetric: "/metrics"}

func newDirect(server *endpoint, o *options) *direct {
	d := &direct{
		server:   server,
		size:     o.queueSize,
		interval: o.batchInterval,
		timeout:  o.heartbeat,
		onError:  o.onError,
		wake:     make(chan struct{}, 1),
		done:     make(chan struct{}),
		streams:  make(map[string]*stream),
		moved:    make(chan struct{}),
	}
	d.stop, d.halt = context.WithCancel(context.Background())
	go d.run()
	return d
}

func (d *direct) open(ctx context.Context, product, version string) (string, error) {
	d.mu.Lock()
	closed := d.closing
	d.mu.Unlock()
	if closed {
		return "", ErrClosed
	}
	asked := struct {
		ID      string `json:"id"`
		Product string `json:"product"`
		Version string `json:"version"`
		*machineFacts
	}{newID(), product, version, thisMachine()}
	var answer struct {
		ID string `json:"id"`
	}
	begun := time.Now()
	if err := d.server.call(ctx, http.MethodPost, "/api/sessions", asked, &answer); err != nil {
		return "", err
	}
	if answer.ID != asked.ID {
		return "", &UnreachableError{URL: d.server.base, Err: errors.New("what answers is no DataCat server")}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.streams[asked.ID] = newStream(asked.ID, product, version, begun)
	return asked.ID, nil
}

func (d *direct) write(ctx context.Context, id string, kind kind, record []byte) error {
	d.mu.Lock()
	own := d.streams[id]
	if own == nil || own.ended {
		closed := d.closing
		d.mu.Unlock()
		if closed {
			return ErrClosed
		}
		return d.server.send(ctx, http.MethodPost, sessionPath(id, single[kind]), record, jsonBody, nil)
	}
	defer d.mu.Unlock()
	return d.queue(own, names[kind], record)
}

// queue puts a record into a stream. The caller holds the lock.
func (d *direct) queue(s *stream, name string, record []byte) error {
	if d.closing {
		return ErrClosed
	}
	if d.queued >= d.size {
		s.dropped++
		d.counts.Dropped++
		return ErrQueueFull
	}
	s.add(name, record)
	d.queued++
	if d.queued >= d.size/2 || len(s.waiting) >= mostRecords {
		d.rouse()
	}
	return nil
}

// rouse has the goroutine send without waiting for its time.
func (d *direct) rouse() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *direct) heartbeat(ctx context.Context, id string) error {
	beater := goroutineName()
	d.mu.Lock()
	own := d.streams[id]
	if own != nil && !own.ended {
		defer d.mu.Unlock()
		if d.closing {
			return ErrClosed
		}
		own.beat(d, time.Now(), beater)
		return nil
	}
	d.mu.Unlock()
	return d.server.send(ctx, http.MethodPost, sessionPath(id, "/heartbeat"), nil, jsonBody, nil)
}

func (d *direct) pause(_ context.Context, id string, paused bool) error {
	beater := goroutineName()
	d.mu.Lock()
	defer d.mu.Unlock()
	own := d.streams[id]
	switch {
	case own == nil || own.ended:
	case paused:
		own.watch.pause()
	default:
		own.resume(d, time.Now(), beater)
	}
	return nil
}

func (d *direct) end(ctx context.Context, id string) error {
	return d.finish(ctx, id, "/end", []byte(`{"status":"ended"}`), nil)
}

func (d *direct) crashed(ctx context.Context, id, reason string) error {
	said := struct {
		Status string            `json:"status"`
		Reason string            `json:"reason"`
		Data   map[string]string `json:"data"`
	}{"crashed", reason, map[string]string{"kind": "exception", "exception_type": "panic"}}
	record, err := encode(said)
	if err != nil {
		return err
	}
	return d.finish(ctx, id, "/crash", record, map[string]string{"reason": reason})
}

// finish queues a session's last record, and waits for it to be delivered.
func (d *direct) finish(ctx context.Context, id, path string, record []byte, single any) error {
	d.mu.Lock()
	own := d.streams[id]
	if own == nil {
		d.mu.Unlock()
		return d.server.call(ctx, http.MethodPost, sessionPath(id, path), single, nil)
	}
	if !own.ended {
		own.ended = true // what comes after it takes another way, and does not keep the stream
		own.watch.stop()
		own.add("status", record) // there is always room for the verdict
		d.queued++
	}
	d.mu.Unlock()
	return d.flush(ctx)
}

func (d *direct) details(ctx context.Context, id string) (*SessionDetails, error) {
	return d.server.session(ctx, id)
}

func (d *direct) stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	counts := d.counts
	counts.Queued = int64(d.queued)
	return counts
}

// flush waits until all that was queued before is settled.
func (d *direct) flush(ctx context.Context) error {
	ctx, cancel := d.server.within(ctx)
	defer cancel()
	d.mu.Lock()
	d.hurried++
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.hurried--
	}()
	goals := make(map[*stream]int64)
	for _, own := range d.streams {
		goals[own] = own.accepted
	}
	for {
		for own, goal := range goals {
			if own.settled >= goal {
				delete(goals, own)
			}
		}
		if len(goals) == 0 {
			d.mu.Unlock()
			return nil
		}
		moved := d.moved
		d.mu.Unlock()
		d.rouse()
		var over error
		select {
		case <-moved:
		case <-d.done:
			over = ErrClosed
		case <-ctx.Done():
			over = ctx.Err()
		}
		d.mu.Lock()
		if over != nil {
			over = errors.Join(over, d.failure)
			d.mu.Unlock()
			return over
		}
	}
}

func (d *direct) close(ctx context.Context) error {
	d.mu.Lock()
	if d.closing {
		d.mu.Unlock()
		return nil
	}
	d.closing = true
	for _, own := range d.streams {
		own.watch.stop()
	}
	d.mu.Unlock()
	err := d.flush(ctx)
	d.halt()
	<-d.done
	d.server.http.CloseIdleConnections()
	if lost := d.stats().Queued; lost > 0 {
		return fmt.Errorf("datacat: %d records are lost: %w", lost, err)
	}
	return nil
}

package datacat

import (
	"bytes"
	"compress/gzip"
	"errors"
	"math/rand"
	"net/http"
	"time"
)

// Between attempts to reach a server that is away. Who waits for the queue shall not wait for these.
const (
	shortestPause = 500 * time.Millisecond
	longestPause  = 30 * time.Second
)

// worthPacking is the size from which a batch is compressed.
const worthPacking = 1 << 10

// errNotTaken is what a server does not say that answers and takes nothing.
var errNotTaken = newError(http.StatusServiceUnavailable, "not_taken", "the server answers, and does not take a record")

// ingested is the answer to a batch.
type ingested struct {
	Sessions map[string]struct {
		Writers map[string]int64 `json:"writers"` // the next ordinal of each
	} `json:"sessions"`
	Refused []struct {
		Writer  string `json:"writer"`
		Ordinal *int64 `json:"ordinal"`
		Error   string `json:"error"`
		Details string `json:"details"`
	} `json:"refused"`
}

// run delivers what is queued until the backend is told to stop.
func (d *direct) run() {
	defer close(d.done)
	var pause time.Duration
	resume := time.Now()
	for {
		timer := time.NewTimer(max(d.interval, time.Until(resume)))
		select {
		case <-timer.C:
		case <-d.wake:
			timer.Stop()
		case <-d.stop.Done():
			timer.Stop()
			return
		}
		hurried := d.isHurried()
		if time.Now().Before(resume) && !hurried {
			continue
		}
		err := d.deliver()
		if err == nil {
			pause, resume = 0, time.Now()
			continue
		}
		pause = min(max(pause*2, shortestPause), longestPause)
		if hurried {
			pause = shortestPause
		}
		jittered := pause/2 + time.Duration(rand.Int63n(int64(pause/2)))
		var failure *Error
		if errors.As(err, &failure) {
			jittered = max(jittered, failure.retryAfter)
		}
		resume = time.Now().Add(jittered)
	}
}

func (d *direct) isHurried() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hurried > 0
}

// deliver sends until nothing is due any more, or something fails.
func (d *direct) deliver() error {
	for {
		own, body, count := d.next()
		if own == nil {
			return nil
		}
		var answer ingested
		err := d.ingest(body, &answer)
		if d.stop.Err() != nil {
			return err
		}
		told, err := d.settle(own, count, &answer, err)
		for _, failure := range told {
			d.onError(failure)
		}
		if err != nil {
			return err
		}
	}
}

// next is a batch of the session that has waited for longest.
func (d *direct) next() (chosen *stream, body []byte, count int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	for _, own := range d.streams {
		if own.isDue(now) && (chosen == nil || own.said.Before(chosen.said)) {
			chosen = own
		}
	}
	if chosen == nil {
		return nil, nil, 0
	}
	chosen.beatSent = chosen.lastBeat
	body, count = chosen.batch()
	return chosen, body, count
}

func (d *direct) ingest(body []byte, answer *ingested) error {
	header := http.Header{"Content-Type": {"application/x-ndjson"}}
	if len(body) > worthPacking {
		var packed bytes.Buffer
		packer, _ := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
		packer.Write(body) // into memory: it does not fail
		packer.Close()
		body = packed.Bytes()
		header.Set("Content-Encoding", "gzip")
	}
	return d.server.send(d.stop, http.MethodPost, "/api/ingest", body, header, answer)
}

// settle takes off the queue what an answer settles. It returns what the application may want to know, and an error if
// the server is to be left alone for a while.
func (d *direct) settle(s *stream, count int, answer *ingested, err error) (told []error, failed error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := len(s.waiting)
	switch {
	case err == nil:
		told = d.accept(s, count, answer)
		d.failure = nil
		if s.stuck > 1 { // the first time it may be the positions, which are right now
			failed = errNotTaken
		}
	case isRefusal(err) && count > 1:
		s.most = count / 2
	case isRefusal(err):
		told = append(told, err)
		if count == 1 {
			s.setAside()
			d.counts.Dropped++
		}
		s.said = time.Now()
	default:
		if d.failure == nil {
			told = append(told, err)
		}
		d.failure, failed = err, err
	}
	if len(s.waiting) < before {
		d.queued -= before - len(s.waiting)
		close(d.moved)
		d.moved = make(chan struct{})
	}
	if s.ended && len(s.waiting) == 0 {
		delete(d.streams, s.id)
	}
	return told, failed
}

// accept deals with the answer to a batch of so many records.
func (d *direct) accept(s *stream, count int, answer *ingested) (told []error) {
	s.said, s.beatSaid = time.Now(), s.beatSent
	s.most = min(s.most*2, mostRecords)
	for _, refused := range answer.Refused {
		told = append(told, newError(http.StatusBadRequest, refused.Error, refused.Details))
	}
	session, known := answer.Sessions[s.id]
	if !known { // the server will not have it at all: whoever goes on is told so by single calls
		s.ended = true
		s.watch.stop()
		d.counts.Dropped += int64(len(s.waiting))
		s.settle(len(s.waiting))
		return told
	}
	next, had := session.Writers[s.writer]
	if !had || count == 0 {
		next = s.ordinal + int64(count)
	}
	moved := int(min(max(next-s.ordinal, 0), int64(count)))
	s.lost = next < s.ordinal
	if s.stuck++; moved > 0 || count == 0 {
		s.stuck = 0
	}
	refused := int64(min(len(answer.Refused), moved))
	d.counts.Sent += int64(moved) - refused
	d.counts.Dropped += refused
	s.settle(moved)
	if s.stuck >= 3 {
		s.stuck = 0
		told = append(told, errNotTaken)
		s.setAside()
		d.counts.Dropped++
	}
	return told
}

// isRefusal reports whether what was sent is at fault, so that sending it again would be of no use.
func isRefusal(err error) bool {
	var failure *Error
	if !errors.As(err, &failure) || failure.Kind == "unreadable" {
		return false
	}
	switch failure.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity:
		return true
	}
	return false
}

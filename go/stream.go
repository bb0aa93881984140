package datacat

import (
	"bytes"
	"fmt"
	"os"
	"time"
)

// Bounds of a batch: the server takes up to 16 MB, but what is too much for it is best found in small pieces.
const (
	mostRecords    = 1_000
	mostBatchBytes = 1 << 20
)

// How often a session that has nothing to say shows that its process lives; more often if there was a heartbeat.
const (
	silence     = 10 * time.Second
	beatSilence = 5 * time.Second
)

var names = map[kind]string{kindEvent: "event", kindState: "state", kindMetric: "metric"}

// jsonBody heads a request with a body of JSON.
var jsonBody = map[string][]string{"Content-Type": {"application/json"}}

// stream is what waits of one session. It is guarded by the lock of its backend.
type stream struct {
	id      string
	product string
	version string
	created time.Time
	writer  string

	waiting  []waiting
	ordinal  int64 // of the first that waits, as the server counts
	accepted int64 // records that were ever queued
	settled  int64 // of them those that were delivered, refused or given up
	dropped  int64 // records for which there was no room
	lost     bool  // the server knows fewer ordinals than it has acknowledged: it was set back
	ended    bool
	most     int // records in a batch; fewer while the server refuses one as a whole
	stuck    int // answers in a row that moved nothing

	said     time.Time // when something was last delivered
	lastBeat time.Time
	beatSent time.Time // the last beat that was sent
	beatSaid time.Time // the last beat that was delivered
	watch    heartbeatWatch
}

// waiting is a record on its way: an object's JSON from behind its brace on, with its kind and time.
type waiting struct {
	kind string
	time int64 // microseconds since 1970
	rest []byte
}

func newStream(id, product, version string, created time.Time) *stream {
	return &stream{
		id:      id,
		product: product,
		version: version,
		created: created,
		writer:  fmt.Sprintf("%d-%s-0", os.Getpid(), newID()[:8]),
		most:    mostRecords,
		said:    created,
	}
}

func (s *stream) add(kind string, record []byte) {
	s.waiting = append(s.waiting, waiting{kind, time.Now().UnixMicro(), record[1:]})
	s.accepted++
}

// settle takes records off the queue that the server has dealt with.
func (s *stream) settle(count int) {
	s.waiting = s.waiting[count:]
	if len(s.waiting) == 0 {
		s.waiting = nil // and with it what the records took
	}
	s.ordinal += int64(count)
	s.settled += int64(count)
}

// isDue reports whether there is something to say at a time.
func (s *stream) isDue(now time.Time) bool {
	if len(s.waiting) > 0 {
		return true
	}
	quiet := now.Sub(s.said)
	return quiet >= silence || (s.lastBeat.After(s.beatSaid) && quiet >= beatSilence)
}

// setAside takes the first record off the queue that the server has not seen, and never will.
func (s *stream) setAside() {
	s.waiting = s.waiting[1:]
	s.settled++
}

// batch is the first of the records that wait, as the body of a request.
func (s *stream) batch() (body []byte, count int) {
	size := 0
	for count < len(s.waiting) && count < s.most && (count == 0 || size+len(s.waiting[count].rest) < mostBatchBytes) {
		size += len(s.waiting[count].rest)
		count++
	}
	head := struct {
		Kind      string `json:"kind"`
		ID        string `json:"id"`
		Product   string `json:"product"`
		Version   string `json:"version"`
		Time      int64  `json:"time"`
		Dropped   int64  `json:"dropped"`
		Records   int    `json:"records"`
		Heartbeat *int64 `json:"last_heartbeat,omitempty"`
	}{"session", s.id, s.product, s.version, s.created.UnixMicro(), s.dropped, count, nil}
	if !s.lastBeat.IsZero() {
		beat := s.lastBeat.UnixMicro()
		head.Heartbeat = &beat
	}
	var lines bytes.Buffer
	line, _ := marshal(head) // texts and numbers: there is nothing in it that JSON cannot hold
	lines.Write(line)
	lines.WriteByte('\n')
	if count > 0 {
		fmt.Fprintf(&lines, `{"kind":"writer","writer":%q,"first":%d,"next":%d,"lost":%t}`+"\n",
			s.writer, s.ordinal, s.ordinal+int64(count), s.lost)
	}
	for i, record := range s.waiting[:count] {
		fmt.Fprintf(&lines, `{"kind":%q,"writer":%q,"ordinal":%d,"time":%d,%s`+"\n",
			record.kind, s.writer, s.ordinal+int64(i), record.time, record.rest)
	}
	return lines.Bytes(), count
}

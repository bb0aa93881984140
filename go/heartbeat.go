package datacat

import (
	"fmt"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// mostStacks bounds what is read of the goroutines of a process that hangs.
const mostStacks = 256 << 10

// heartbeatWatch watches the heartbeat of a session from within its process, where there is no daemon. It is guarded by
// the lock of its backend.
type heartbeatWatch struct {
	timer   *time.Timer // goes off when the next beat is late
	last    time.Time
	beater  string // the goroutine that sent the last one
	hung    bool
	paused  bool
	stopped bool
}

// beat takes a heartbeat. The caller holds the lock.
func (s *stream) beat(d *direct, now time.Time, beater string) {
	s.lastBeat = now
	w := &s.watch
	if w.hung {
		w.hung = false
		d.tell(s, "recovered", "", map[string]any{"hung_seconds": now.Sub(w.last).Seconds()})
	}
	w.last, w.beater = now, beater
	if w.paused {
		return
	}
	if w.timer == nil {
		w.timer = time.AfterFunc(d.timeout, func() { d.late(s) })
	} else {
		w.timer.Reset(d.timeout)
	}
}

// pause holds the watching.
func (w *heartbeatWatch) pause() {
	w.paused = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

// resume lets the watching go on, if it had begun. The caller holds the lock.
func (s *stream) resume(d *direct, now time.Time, beater string) {
	s.watch.paused = false
	if !s.watch.last.IsZero() {
		s.beat(d, now, beater)
	}
}

func (w *heartbeatWatch) stop() {
	w.stopped = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

// late says that a session hangs, unless a beat came while this was on its way.
func (d *direct) late(s *stream) {
	d.mu.Lock()
	beater := s.watch.beater
	d.mu.Unlock()
	stacks := goroutines(beater) // it stops the whole program for a moment: not under the lock
	d.mu.Lock()
	defer d.mu.Unlock()
	w := &s.watch
	silent := time.Since(w.last)
	if w.stopped || w.paused || w.hung || silent < d.timeout {
		return
	}
	w.hung = true
	reason := fmt.Sprintf("no heartbeat for %.1f s, of %g s at most", silent.Seconds(), d.timeout.Seconds())
	d.tell(s, "hung", reason, map[string]any{
		"timeout_seconds": d.timeout.Seconds(),
		"silent_seconds":  silent.Seconds(),
		"stacks":          stacks,
	})
	d.rouse()
}

// tell queues a verdict. The caller holds the lock.
func (d *direct) tell(s *stream, status, reason string, data map[string]any) {
	said := map[string]any{"status": status, "data": data}
	if reason != "" {
		said["reason"] = reason
	}
	if record, err := encode(said); err == nil {
		s.add("status", record)
		d.queued++
	}
}

// stack is what one goroutine does.
type stack struct {
	Thread  string  `json:"thread"`
	Name    string  `json:"name"`
	Current bool    `json:"current"`
	Frames  []frame `json:"frames"`
}

// goroutines are the stacks of all goroutines but this package's own. That which sent the last heartbeat is the current
// one.
func goroutines(beater string) []stack {
	printed := make([]byte, mostStacks)
	printed = printed[:runtime.Stack(printed, true)]
	own := reflect.TypeOf(heartbeatWatch{}).PkgPath() + "."
	var found []stack
	for _, block := range strings.Split(string(printed), "\n\n") {
		read := readStack(block)
		if len(read.Frames) > 0 && !strings.HasPrefix(read.Frames[len(read.Frames)-1].Function, own) {
			read.Current = read.Name == beater
			found = append(found, read)
		}
	}
	return found
}

// readStack reads what runtime.Stack prints of a goroutine: "goroutine 1 [select]:", then a function and, behind a tab,
// its place.
func readStack(block string) stack {
	lines := strings.Split(block, "\n")
	name, state, _ := strings.Cut(strings.TrimSuffix(lines[0], ":"), " [")
	read := stack{Thread: strings.TrimSuffix(state, "]"), Name: name}
	for lines = lines[1:]; len(lines) > 1; lines = lines[2:] {
		function, place := lines[0], strings.TrimSpace(lines[1])
		if strings.HasPrefix(function, "created by ") {
			break
		}
		if end := strings.LastIndexByte(function, '('); end > 0 {
			function = function[:end]
		}
		place, _, _ = strings.Cut(place, " ")
		colon := strings.LastIndexByte(place, ':')
		line, err := strconv.Atoi(place[colon+1:])
		if err != nil {
			break
		}
		read.Frames = append(read.Frames, frame{File: place[:colon], Line: line, Function: function})
	}
	return read
}

// goroutineName is that of the goroutine that calls: "goroutine 1".
func goroutineName() string {
	name, _, _ := strings.Cut(goroutine(), " [")
	return name
}

package datacat

import (
	"context"
	"encoding/json"
	"time"
)

// A Session is one run of a program. It may be used by any number of goroutines at once. A nil *Session takes every
// call and does nothing.
//
// The errors of its calls need no attention unless the program wants to know: they are [ErrRefused] for what cannot be
// right, [ErrUnreachable], [ErrUnavailable] and [ErrQueueFull] for what could not be kept, [ErrNotFound] for a session
// that is over.
type Session struct {
	client *Client
	id     string
}

// ID is the session's id, "" of a nil session.
func (s *Session) ID() string {
	if s == nil {
		return ""
	}
	return s.id
}

// UpdateState merges a patch into the session's state: objects merge key by key, at every depth; nil deletes its key;
// anything else replaces.
func (s *Session) UpdateState(ctx context.Context, state map[string]any) error {
	if s == nil {
		return nil
	}
	if state == nil {
		state = map[string]any{}
	}
	patch, err := encode(state)
	if err != nil {
		return err
	}
	return s.write(ctx, kindState, newState{json.RawMessage(patch)})
}

// LogEvent logs that something happened. The data may be nil.
func (s *Session) LogEvent(ctx context.Context, name string, data map[string]any, opts ...EventOption) error {
	if s == nil {
		return nil
	}
	return s.logEvent(ctx, newEvent{Name: name}, data, opts)
}

func (s *Session) logEvent(ctx context.Context, e newEvent, data map[string]any, opts []EventOption) error {
	made, err := event(e, data, opts)
	if err != nil {
		return err
	}
	if made.Name == "" {
		return newError(400, "bad_request", "name: is missing")
	}
	return s.write(ctx, kindEvent, made)
}

// LogMetric logs the value of a metric, a gauge unless [WithType] says otherwise. The tags may be nil.
func (s *Session) LogMetric(
	ctx context.Context, name string, value float64, tags []string, opts ...MetricOption,
) error {
	return s.logMetric(ctx, newMetric{Name: name, Type: Gauge, Value: &value, Tags: tags}, opts)
}

// LogGauge logs the value of something now.
func (s *Session) LogGauge(ctx context.Context, name string, value float64, opts ...MetricOption) error {
	return s.logMetric(ctx, newMetric{Name: name, Type: Gauge, Value: &value}, opts)
}

// LogCounter adds to a counter; who reads it sees the running total of each name and set of tags.
func (s *Session) LogCounter(ctx context.Context, name string, delta float64, opts ...MetricOption) error {
	return s.logMetric(ctx, newMetric{Name: name, Type: Counter, Delta: &delta}, opts)
}

// LogHistogram adds a sample to a histogram, whose buckets [WithBuckets] sets.
func (s *Session) LogHistogram(ctx context.Context, name string, sample float64, opts ...MetricOption) error {
	return s.logMetric(ctx, newMetric{Name: name, Type: Histogram, Value: &sample}, opts)
}

// LogTimer logs how long something took, in seconds.
func (s *Session) LogTimer(ctx context.Context, name string, duration time.Duration, opts ...MetricOption) error {
	seconds := duration.Seconds()
	return s.logMetric(ctx, newMetric{Name: name, Type: Timer, Value: &seconds, Unit: "seconds"}, opts)
}

// Time begins to measure a duration and returns the function that logs it:
//
//	defer session.Time(ctx, "load_level")()
func (s *Session) Time(ctx context.Context, name string, opts ...MetricOption) (stop func() error) {
	begun := time.Now()
	return func() error { return s.LogTimer(ctx, name, time.Since(begun), opts...) }
}

func (s *Session) logMetric(ctx context.Context, m newMetric, opts []MetricOption) error {
	if s == nil {
		return nil
	}
	made, err := metric(m, opts)
	if err != nil {
		return err
	}
	if made.Name == "" {
		return newError(400, "bad_request", "name: is missing")
	}
	return s.write(ctx, kindMetric, made)
}

func (s *Session) write(ctx context.Context, kind kind, record any) error {
	encoded, err := encode(record)
	if err != nil {
		return err
	}
	return s.client.backend.write(ctx, s.id, kind, encoded)
}

// Heartbeat says that the program gets on. After the first one the next has to come within the client's heartbeat
// timeout, or the session hangs, until one comes.
//
// With a daemon the daemon watches. Without one a goroutine of this process does, and logs the stacks of all goroutines
// with the hang.
func (s *Session) Heartbeat(ctx context.Context) error {
	if s == nil {
		return nil
	}
	return s.client.backend.heartbeat(ctx, s.id)
}

// PauseHeartbeat holds the watching while something is known to take long.
func (s *Session) PauseHeartbeat(ctx context.Context) error {
	if s == nil {
		return nil
	}
	return s.client.backend.pause(ctx, s.id, true)
}

// ResumeHeartbeat lets the watching go on, as if there had been a heartbeat just now.
func (s *Session) ResumeHeartbeat(ctx context.Context) error {
	if s == nil {
		return nil
	}
	return s.client.backend.pause(ctx, s.id, false)
}

// Details is [Client.GetSessionContext] of this session.
func (s *Session) Details(ctx context.Context) (*SessionDetails, error) {
	if s == nil {
		return nil, ErrClosed
	}
	return s.client.GetSessionContext(ctx, s.id)
}

// Flush is [Client.Flush].
func (s *Session) Flush(ctx context.Context) error {
	if s == nil {
		return nil
	}
	return s.client.Flush(ctx)
}

// End says that the session ended as it should. Without a daemon it waits, like [Client.Flush], until the server knows.
//
// A deferred End also runs while a panic unwinds the stack, and that is no clean end: it logs the panic like
// [Session.ReportPanic], leaves the session to be judged as crashed, and lets the panic go on. It sees the panic only
// where it is deferred itself, as in "defer session.End(ctx)".
func (s *Session) End(ctx context.Context) error {
	if s == nil {
		return nil
	}
	if value := recover(); value != nil {
		s.endByPanic(value)
	}
	return s.client.backend.end(ctx, s.id)
}

package datacat

import (
	"context"
	"time"
)

// UpdateState is [Session.UpdateState] of a session by its id.
func (c *Client) UpdateState(id string, state map[string]any) error {
	return c.Session(id).UpdateState(context.Background(), state)
}

// LogEvent is [Session.LogEvent] of a session by its id.
func (c *Client) LogEvent(id, name string, data map[string]any, opts ...EventOption) error {
	return c.Session(id).LogEvent(context.Background(), name, data, opts...)
}

// LogException is [Session.LogException] of a session by its id.
func (c *Client) LogException(id string, err error, opts ...EventOption) error {
	return c.Session(id).logException(context.Background(), err, opts)
}

// LogMetric is [Session.LogMetric] of a session by its id.
func (c *Client) LogMetric(id, name string, value float64, tags []string, opts ...MetricOption) error {
	return c.Session(id).LogMetric(context.Background(), name, value, tags, opts...)
}

// LogGauge is [Session.LogGauge] of a session by its id.
func (c *Client) LogGauge(id, name string, value float64, opts ...MetricOption) error {
	return c.Session(id).LogGauge(context.Background(), name, value, opts...)
}

// LogCounter is [Session.LogCounter] of a session by its id.
func (c *Client) LogCounter(id, name string, delta float64, opts ...MetricOption) error {
	return c.Session(id).LogCounter(context.Background(), name, delta, opts...)
}

// LogHistogram is [Session.LogHistogram] of a session by its id.
func (c *Client) LogHistogram(id, name string, sample float64, opts ...MetricOption) error {
	return c.Session(id).LogHistogram(context.Background(), name, sample, opts...)
}

// LogTimer is [Session.LogTimer] of a session by its id.
func (c *Client) LogTimer(id, name string, duration time.Duration, opts ...MetricOption) error {
	return c.Session(id).LogTimer(context.Background(), name, duration, opts...)
}

// Heartbeat is [Session.Heartbeat] of a session by its id.
func (c *Client) Heartbeat(id string) error { return c.Session(id).Heartbeat(context.Background()) }

// PauseHeartbeat is [Session.PauseHeartbeat] of a session by its id.
func (c *Client) PauseHeartbeat(id string) error {
	return c.Session(id).PauseHeartbeat(context.Background())
}

// ResumeHeartbeat is [Session.ResumeHeartbeat] of a session by its id.
func (c *Client) ResumeHeartbeat(id string) error {
	return c.Session(id).ResumeHeartbeat(context.Background())
}

// EndSession is [Session.End] of a session by its id, also where it is deferred and a panic unwinds the stack.
func (c *Client) EndSession(id string) error {
	session := c.Session(id)
	if value := recover(); value != nil {
		session.endByPanic(value)
	}
	return session.End(context.Background())
}

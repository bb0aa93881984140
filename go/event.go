package datacat

import (
	"encoding/json"
	"time"
)

// A Level says how much an event matters.
type Level string

// The levels. What is logged without one is [LevelInfo], an exception [LevelError].
const (
	LevelDebug    Level = "debug"
	LevelInfo     Level = "info"
	LevelWarning  Level = "warning"
	LevelError    Level = "error"
	LevelCritical Level = "critical"
)

// An Event is something that happened, as it is read back. The fields from ExceptionType on are those of exceptions.
type Event struct {
	Timestamp time.Time      `json:"timestamp"`
	Name      string         `json:"name"`
	Level     Level          `json:"level"`
	Category  string         `json:"category"`
	Group     string         `json:"group"`
	Labels    []string       `json:"labels"`
	Message   string         `json:"message"`
	Data      map[string]any `json:"data"`

	ExceptionType  string   `json:"exception_type"`
	ExceptionMsg   string   `json:"exception_msg"`
	Stacktrace     []string `json:"stacktrace"`
	SourceFile     string   `json:"source_file"`
	SourceLine     int      `json:"source_line"`
	SourceFunction string   `json:"source_function"`
}

// newEvent is an event as it is sent.
type newEvent struct {
	Name     string          `json:"name"`
	Level    Level           `json:"level,omitempty"`
	Category string          `json:"category,omitempty"`
	Group    string          `json:"group,omitempty"`
	Labels   []string        `json:"labels,omitempty"`
	Message  string          `json:"message,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"`

	ExceptionType  string   `json:"exception_type,omitempty"`
	ExceptionMsg   string   `json:"exception_msg,omitempty"`
	Stacktrace     []string `json:"stacktrace,omitempty"`
	SourceFile     string   `json:"source_file,omitempty"`
	SourceLine     int      `json:"source_line,omitempty"`
	SourceFunction string   `json:"source_function,omitempty"`
	Uncaught       bool     `json:"uncaught,omitempty"` // it is about to end the process; for the daemon

	extra map[string]any // of an exception: what its caller wants to have with it
}

// An EventOption says more of an event.
type EventOption func(*newEvent)

// WithLevel sets the level.
func WithLevel(level Level) EventOption { return func(e *newEvent) { e.Level = level } }

// WithCategory sets the category, a word by which events are picked.
func WithCategory(category string) EventOption { return func(e *newEvent) { e.Category = category } }

// WithGroup sets the group, a word that ties events together, such as the id of a request.
func WithGroup(group string) EventOption { return func(e *newEvent) { e.Group = group } }

// WithLabels adds labels.
func WithLabels(labels ...string) EventOption {
	return func(e *newEvent) { e.Labels = append(e.Labels, labels...) }
}

// WithMessage sets the sentence that people read.
func WithMessage(message string) EventOption { return func(e *newEvent) { e.Message = message } }

// WithData adds to the data: for [Session.LogException] and [Session.LogPanic], whose calls have none.
func WithData(data map[string]any) EventOption {
	return func(e *newEvent) {
		for key, value := range data {
			if e.extra == nil {
				e.extra = make(map[string]any, len(data))
			}
			e.extra[key] = value
		}
	}
}

// event is an event with its options, and its data encoded.
func event(e newEvent, data map[string]any, opts []EventOption) (*newEvent, error) {
	for _, option := range opts {
		option(&e)
	}
	if len(e.extra) > 0 {
		for key, value := range data {
			if _, given := e.extra[key]; !given {
				e.extra[key] = value
			}
		}
		data = e.extra
	}
	if len(data) > 0 {
		encoded, err := encode(data)
		if err != nil {
			return nil, err
		}
		e.Data = encoded
	}
	return &e, nil
}

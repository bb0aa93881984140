package datacat

import (
	"context"
	"log/slog"
	"slices"
	"unicode/utf8"
)

// Handler makes events of a session out of what is logged by [log/slog]: the message is the name, the attributes are
// the data, groups are nested. An error among the attributes becomes its text.
type Handler struct {
	session *Session
	level   slog.Leveler
	groups  []string
	attrs   []placed
}

// placed are attributes, and the groups that were open when they were given.
type placed struct {
	groups []string
	attrs  []slog.Attr
}

// NewHandler returns a handler for records of a level and above; nil is [slog.LevelInfo]. To log elsewhere as well,
// call it from a handler that calls several.
func NewHandler(session *Session, level slog.Leveler) *Handler {
	if level == nil {
		level = slog.LevelInfo
	}
	return &Handler{session: session, level: level}
}

// Enabled reports whether records of a level are logged.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	return h.session != nil && level >= h.level.Level()
}

// Handle logs a record as an event.
func (h *Handler) Handle(ctx context.Context, record slog.Record) error {
	data := make(map[string]any)
	for _, earlier := range h.attrs {
		fill(data, earlier.groups, earlier.attrs)
	}
	var attrs []slog.Attr
	record.Attrs(func(attr slog.Attr) bool {
		attrs = append(attrs, attr)
		return true
	})
	fill(data, h.groups, attrs)
	name := record.Message
	if name == "" {
		name = "log"
	}
	return h.session.LogEvent(ctx, cut(name, mostName), data, WithLevel(levelOf(record.Level)), WithCategory("log"))
}

// WithAttrs returns a handler whose records have these attributes, too.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	made := *h
	made.attrs = append(slices.Clip(h.attrs), placed{h.groups, attrs})
	return &made
}

// WithGroup returns a handler that puts the attributes to come into a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	made := *h
	made.groups = append(slices.Clip(h.groups), name)
	return &made
}

// mostName is how many bytes of a message become an event's name; the server takes 1,000 characters.
const mostName = 1_000

func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) { // no letter is cut in two
		most--
	}
	return text[:most]
}

// fill puts attributes into an object, below groups.
func fill(object map[string]any, groups []string, attrs []slog.Attr) {
	for _, group := range groups {
		if len(attrs) == 0 {
			return // a group without attributes is not shown
		}
		inner, is := object[group].(map[string]any)
		if !is {
			inner = make(map[string]any)
			object[group] = inner
		}
		object = inner
	}
	for _, attr := range attrs {
		value := attr.Value.Resolve()
		switch {
		case value.Kind() == slog.KindGroup && attr.Key == "":
			fill(object, nil, value.Group())
		case value.Kind() == slog.KindGroup:
			fill(object, []string{attr.Key}, value.Group())
		case attr.Key != "":
			object[attr.Key] = told(value)
		}
	}
}

// told is a value as people want to read it: JSON makes {} of most errors.
func told(value slog.Value) any {
	if err, is := value.Any().(error); is {
		return text(err)
	}
	if value.Kind() == slog.KindDuration {
		return value.Duration().String()
	}
	return value.Any()
}

func levelOf(level slog.Level) Level {
	switch {
	case level < slog.LevelInfo:
		return LevelDebug
	case level < slog.LevelWarn:
		return LevelInfo
	case level < slog.LevelError:
		return LevelWarning
	case level < slog.LevelError+4:
		return LevelError
	default:
		return LevelCritical
	}
}

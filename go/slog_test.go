package datacat_test

import (
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	datacat "github.com/OriginalDaemon/datacat/go"
)

func TestSlogRecordsAreEvents(t *testing.T) {
	session := begin(t, direct(t, serverURL(t)))
	log := slog.New(datacat.NewHandler(session, slog.LevelDebug)).With("world", 1)
	log.Debug("looked")
	door := log.WithGroup("door").With("name", "vault")
	door.Warn("opened", "by", "key", slog.Group("at", "x", 2), slog.Group("", "inline", true))
	log.WithGroup("").WithGroup("empty").Error("failed", "err", errors.New("no key"), "after", time.Second)
	log.Log(ctx, slog.LevelError+4, "")
	log.Info(strings.Repeat("a", 999) + "éé")
	slog.New(datacat.NewHandler(session, nil)).Debug("unseen")
	found := flushed(t, session)
	type seen struct {
		name  string
		level datacat.Level
		data  map[string]any
	}
	var events []seen
	for _, event := range found.Events {
		events = append(events, seen{event.Name, event.Level, event.Data})
	}
	want := []seen{
		{"looked", datacat.LevelDebug, map[string]any{"world": 1.0}},
		{"opened", datacat.LevelWarning, map[string]any{"world": 1.0, "door": map[string]any{
			"name": "vault", "by": "key", "at": map[string]any{"x": 2.0}, "inline": true,
		}}},
		{"failed", datacat.LevelError, map[string]any{"world": 1.0, "empty": map[string]any{
			"err": "no key", "after": "1s",
		}}},
		{"log", datacat.LevelCritical, map[string]any{"world": 1.0}},
		{strings.Repeat("a", 999), datacat.LevelInfo, map[string]any{"world": 1.0}},
	}
	if !reflect.DeepEqual(events, want) {
		t.Errorf("the events are %+v", events)
	}
}

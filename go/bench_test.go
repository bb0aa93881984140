package datacat_test

import (
	"sync/atomic"
	"testing"

	datacat "github.com/OriginalDaemon/datacat/go"
)

// What a call costs the program that makes it. With a daemon that is the way to it and back; without one, a place in the
// queue. `make bench ARGS=go` measures it.
func BenchmarkDaemon(b *testing.B) {
	client, err := datacat.NewClientWithDaemon("", "auto")
	if err != nil {
		b.Skip(err)
	}
	defer client.Close()
	benchmark(b, client)
}

func BenchmarkDirect(b *testing.B) {
	client := datacat.NewClient("", datacat.WithQueueSize(10_000_000))
	defer client.Close()
	benchmark(b, client)
}

func benchmark(b *testing.B, client *datacat.Client) {
	session, err := client.StartSession(ctx, "Benchmark", "1")
	if err != nil {
		b.Skip(err)
	}
	defer session.End(ctx)
	measure := func(name string, call func(number int64) error) {
		b.Run(name, func(b *testing.B) {
			for i := 0; i < b.N; i++ {
				if err := call(int64(i)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	event := func(number int64) error {
		return session.LogEvent(ctx, "moved", map[string]any{"x": number, "y": 20})
	}
	measure("LogEvent", event)
	measure("LogMetric", func(number int64) error {
		return session.LogMetric(ctx, "fps", float64(number), []string{"map:vault"})
	})
	measure("UpdateState", func(number int64) error {
		return session.UpdateState(ctx, map[string]any{"player": map[string]any{"x": number}})
	})
	measure("Heartbeat", func(int64) error { return session.Heartbeat(ctx) })
	b.Run("LogEventOfManyGoroutines", func(b *testing.B) {
		var number atomic.Int64
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := event(number.Add(1)); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

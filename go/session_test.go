package datacat_test

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	datacat "github.com/OriginalDaemon/datacat/go"
)

var ctx = context.Background()

// eachWay runs a test with a client of either kind.
func eachWay(t *testing.T, test func(t *testing.T, client *datacat.Client)) {
	t.Run("direct", func(t *testing.T) { test(t, direct(t, serverURL(t))) })
	t.Run("daemon", func(t *testing.T) {
		client := withDaemon(t, serverURL(t))
		defer client.Close()
		test(t, client)
	})
}

func TestWhatIsLoggedArrives(t *testing.T) {
	eachWay(t, func(t *testing.T, client *datacat.Client) {
		session := begin(t, client)
		must(t, session.UpdateState(ctx, map[string]any{"level": 7, "player": map[string]any{"health": 80, "gold": 3}}))
		must(t, session.UpdateState(ctx, map[string]any{"player": map[string]any{"health": 70, "gold": nil}}))
		must(t, session.LogEvent(ctx, "door_opened", map[string]any{"door": "vault"},
			datacat.WithLevel(datacat.LevelWarning),
			datacat.WithCategory("world"), datacat.WithGroup("g1"),
			datacat.WithLabels("a", "b"), datacat.WithMessage("it opened")))
		must(t, session.LogMetric(ctx, "fps", 59.5, []string{"map:vault"},
			datacat.WithMetadata(map[string]any{"vsync": true})))
		must(t, session.LogMetric(ctx, "shots_total", 9, nil, datacat.WithType(datacat.Counter)))
		must(t, session.LogGauge(ctx, "memory", 12, datacat.WithUnit("MB"), datacat.WithTags("kind:heap")))
		must(t, session.LogCounter(ctx, "shots", 2))
		must(t, session.LogCounter(ctx, "shots", 3))
		must(t, session.LogHistogram(ctx, "frame", 0.3, datacat.WithBuckets(0.1, 0.5)))
		must(t, session.LogHistogram(ctx, "frame", 0.7, datacat.WithBuckets(0.1, 0.5)))
		must(t, session.LogTimer(ctx, "load", 1500*time.Millisecond, datacat.WithCount(3)))
		must(t, session.Time(ctx, "save")())
		must(t, session.End(ctx))

		found := eventually(t, session.ID(), "ended", has("ended"))
		if found.Product != "Gopher" || found.Version != "1.4.2" || found.Crashed || found.EndedAt.IsZero() {
			t.Errorf("the session is %+v", found)
		}
		state := map[string]any{
			"product": "Gopher", "version": "1.4.2", "level": 7.0, "player": map[string]any{"health": 70.0},
		}
		if !reflect.DeepEqual(found.State, state) {
			t.Errorf("the state is %v", found.State)
		}
		event := eventsNamed(found, "door_opened")[0]
		if event.Level != datacat.LevelWarning || event.Category != "world" || event.Group != "g1" ||
			!slices.Equal(event.Labels, []string{"a", "b"}) || event.Message != "it opened" || event.Data["door"] != "vault" ||
			time.Since(event.Timestamp) > time.Hour {
			t.Errorf("the event is %+v", event)
		}
		metrics := map[string]datacat.Metric{}
		for _, metric := range found.Metrics {
			metrics[metric.Name] = metric
		}
		want := map[string]float64{"fps": 59.5, "shots_total": 9, "memory": 12, "shots": 5, "frame": 0.5, "load": 1.5}
		for name, value := range want {
			if math.Abs(metrics[name].Value-value) > 1e-9 {
				t.Errorf("%s is %+v", name, metrics[name])
			}
		}
		if m := metrics["fps"]; m.Tags[0] != "map:vault" || m.Metadata["vsync"] != true || m.Type != datacat.Gauge {
			t.Errorf("fps is %+v", m)
		}
		if m := metrics["memory"]; m.Unit != "MB" || m.Tags[0] != "kind:heap" {
			t.Errorf("memory is %+v", m)
		}
		if m := metrics["frame"]; m.Count != 2 || m.Sum != 1 || len(m.Buckets) != 3 || m.Buckets[1].Count != 1 ||
			m.Buckets[2].LE != nil || m.Buckets[2].Count != 1 {
			t.Errorf("frame is %+v", m)
		}
		if m := metrics["load"]; m.Count != 3 || m.Unit != "seconds" || m.Type != datacat.Timer {
			t.Errorf("load is %+v", m)
		}
	})
}

func TestCallsByIDDoTheSame(t *testing.T) {
	eachWay(t, func(t *testing.T, client *datacat.Client) {
		id, err := client.CreateSession("Gopher", "2")
		must(t, err)
		must(t, client.UpdateState(id, map[string]any{"a": 1}))
		must(t, client.LogEvent(id, "moved", nil))
		must(t, client.LogException(id, errors.New("no map")))
		must(t, client.LogMetric(id, "m", 1, nil))
		must(t, client.LogGauge(id, "g", 1))
		must(t, client.LogCounter(id, "c", 1))
		must(t, client.LogHistogram(id, "h", 1))
		must(t, client.LogTimer(id, "t", time.Second))
		must(t, client.Heartbeat(id))
		must(t, client.PauseHeartbeat(id))
		must(t, client.ResumeHeartbeat(id))
		must(t, client.Flush(ctx))
		seen, err := client.GetSession(id)
		must(t, err)
		if len(seen.Events) != 2 || len(seen.Metrics) != 5 || seen.State["a"] != 1.0 || seen.LastHeartbeat.IsZero() {
			t.Errorf("the session is %+v", seen)
		}
		must(t, client.EndSession(id))
		eventually(t, id, "ended", has("ended"))
		all, err := client.GetAllSessions()
		must(t, err)
		if !slices.ContainsFunc(all, func(s datacat.SessionDetails) bool { return s.ID == id && len(s.Events) == 2 }) {
			t.Errorf("%s is not among %d sessions", id, len(all))
		}
	})
}

func TestManyGoroutinesLogToOneSession(t *testing.T) {
	eachWay(t, func(t *testing.T, client *datacat.Client) {
		const goroutines, each = 16, 25
		session := begin(t, client)
		failed := make(chan error, goroutines)
		for range make([]int, goroutines) {
			go func() {
				var errs []error
				for i := range make([]int, each) {
					errs = append(errs, session.LogEvent(ctx, "step", map[string]any{"i": i}), session.LogCounter(ctx, "steps", 1),
						session.Heartbeat(ctx))
				}
				failed <- errors.Join(errs...)
			}()
		}
		for range make([]int, goroutines) {
			must(t, <-failed)
		}
		must(t, session.End(ctx))
		eventually(t, session.ID(), "all is there", func(s *datacat.SessionDetails) bool {
			return len(eventsNamed(s, "step")) == goroutines*each && s.Status == "ended" && len(s.Metrics) > 0 &&
				s.Metrics[len(s.Metrics)-1].Value == goroutines*each
		})
	})
}

func TestWhatJSONCannotHoldIsNamed(t *testing.T) {
	session := begin(t, direct(t, serverURL(t)))
	loop := map[string]any{"name": "loop"}
	loop["self"] = loop
	must(t, session.LogEvent(ctx, "odd", map[string]any{
		"nan": math.NaN(), "channel": make(chan int), "list": []any{1, math.Inf(1)}, "panics": Panics{}, "fine": "<&>",
		"nothing": nil, "deep": map[int]any{1: func() {}},
	}))
	must(t, session.LogEvent(ctx, "loop", loop))
	found := flushed(t, session)
	want := map[string]any{
		"nan": "NaN", "channel": "<chan int>", "list": []any{1.0, "+Inf"}, "panics": "<datacat_test.Panics>", "fine": "<&>",
		"nothing": nil, "deep": map[string]any{"1": "<func()>"},
	}
	if data := eventsNamed(found, "odd")[0].Data; !reflect.DeepEqual(data, want) {
		t.Errorf("the data are %v", data)
	}
	if data := eventsNamed(found, "loop")[0].Data; data["name"] != "loop" {
		t.Errorf("the data are %v", data)
	}
}

// Panics panics when it is encoded.
type Panics struct{}

// MarshalJSON panics.
func (Panics) MarshalJSON() ([]byte, error) { panic("no") }

func TestWhatCannotBeRightIsRefusedByItsField(t *testing.T) {
	eachWay(t, func(t *testing.T, client *datacat.Client) {
		session := begin(t, client)
		huge := map[string]any{"text": string(make([]byte, 1<<20))}
		for field, err := range map[string]error{
			"name":    session.LogEvent(ctx, "", nil),
			"value":   session.LogGauge(ctx, "g", math.NaN()),
			"delta":   session.LogCounter(ctx, "c", math.Inf(1)),
			"buckets": session.LogHistogram(ctx, "h", 1, datacat.WithBuckets(math.NaN())),
		} {
			var refusal *datacat.Error
			if !errors.Is(err, datacat.ErrRefused) || !errors.As(err, &refusal) || refusal.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		if err := session.LogGauge(ctx, "", 1); !errors.Is(err, datacat.ErrRefused) {
			t.Error(err)
		}
		if err := session.LogEvent(ctx, "huge", huge); !errors.Is(err, datacat.ErrTooLarge) {
			t.Error(err)
		}
		must(t, session.End(ctx))
	})
}

func TestAnUnknownSessionIsNotFound(t *testing.T) {
	eachWay(t, func(t *testing.T, client *datacat.Client) {
		for _, err := range []error{
			client.LogEvent("no-such-session", "e", nil), client.UpdateState("no-such-session", nil),
			client.LogGauge("no-such-session", "g", 1), client.Heartbeat("no-such-session"),
			client.EndSession("no-such-session"),
			second(client.GetSession("no-such-session")),
		} {
			var said *datacat.Error
			if !errors.Is(err, datacat.ErrNotFound) || !errors.As(err, &said) || said.Status != 404 {
				t.Errorf("not ErrNotFound: %v", err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestANilClientAndANilSessionTakeEveryCall(t *testing.T) {
	var client *datacat.Client
	session, err := client.StartSession(ctx, "p", "v")
	if session != nil || err != nil {
		t.Fatal(session, err)
	}
	defer session.ReportPanic()
	defer session.Recover()
	for _, err := range []error{
		session.LogEvent(ctx, "e", nil), session.UpdateState(ctx, nil), session.LogGauge(ctx, "g", 1),
		session.LogException(ctx, errors.New("e")), session.LogPanic(ctx, "p"), session.Heartbeat(ctx),
		session.PauseHeartbeat(ctx), session.ResumeHeartbeat(ctx), session.Flush(ctx), session.End(ctx),
		client.EndSession("id"), client.Flush(ctx), client.Close(),
	} {
		must(t, err)
	}
	if session.ID() != "" || client.Stats() != (datacat.Stats{}) || datacat.NewHandler(session, nil).Enabled(ctx, 8) {
		t.Error("a nil client holds something")
	}
	for _, err := range []error{
		second(session.Details(ctx)), second(client.GetSession("id")), second(client.GetAllSessions()),
	} {
		if !errors.Is(err, datacat.ErrClosed) {
			t.Error(err)
		}
	}
}

func TestAnAddressThatCannotBeOneIsSaid(t *testing.T) {
	client := datacat.NewClient("ftp://example")
	_, err := client.CreateSession("p", "v")
	session := client.Session("id")
	_, daemon := datacat.NewClientWithDaemon("http://", "auto")
	_, port := datacat.NewClientWithDaemon("", "eighty")
	for _, err := range []error{
		err, daemon, port, session.LogEvent(ctx, "e", nil), session.Heartbeat(ctx), session.PauseHeartbeat(ctx),
		session.End(ctx), client.Flush(ctx), second(client.GetSession("id")), second(client.GetAllSessions()),
	} {
		if !errors.Is(err, datacat.ErrRefused) {
			t.Error(err)
		}
	}
	must(t, client.Close())
}

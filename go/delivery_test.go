package datacat_test

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	datacat "github.com/OriginalDaemon/datacat/go"
)

// troubles collects what an error handler is told.
type troubles struct {
	mu   sync.Mutex
	told []error
}

func (tr *troubles) add(err error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.told = append(tr.told, err)
}

func (tr *troubles) all() error {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return errors.Join(tr.told...)
}

func TestARecordArrivesOnceThoughAnswersAreLost(t *testing.T) {
	line := newLine(t)
	var troubles troubles
	client := direct(t, line.url, datacat.WithErrorHandler(troubles.add))
	session := begin(t, client)
	line.mute.Store(3)
	for i := range make([]int, 50) {
		must(t, session.LogEvent(ctx, "step", map[string]any{"i": i}))
		must(t, session.LogCounter(ctx, "steps", 1))
	}
	found := flushed(t, session)
	steps := found.Metrics[len(found.Metrics)-1].Value
	if n := len(eventsNamed(found, "step")); n != 50 || steps != 50 || line.lost.Load() != 3 {
		t.Errorf("%d events, %v steps, %d answers lost", n, steps, line.lost.Load())
	}
	if sent := client.Stats(); sent.Sent != 100 || sent.Queued != 0 || sent.Dropped != 0 {
		t.Errorf("the client counts %+v", sent)
	}
	if !errors.Is(troubles.all(), datacat.ErrUnreachable) {
		t.Errorf("the handler was told %v", troubles.all())
	}
}

func TestWhatIsLoggedDuringAnOutageArrivesAfterIt(t *testing.T) {
	line := newLine(t)
	session := begin(t, direct(t, line.url))
	line.away.Store(true)
	before := line.attempts.Load()
	must(t, session.LogEvent(ctx, "unseen", nil))
	for end := time.Now().Add(patience); line.attempts.Load() == before && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	line.away.Store(false)
	if found := flushed(t, session); len(eventsNamed(found, "unseen")) != 1 {
		t.Errorf("the events are %+v", found.Events)
	}
}

func TestAFullQueueRefusesAndCounts(t *testing.T) {
	line := newLine(t)
	client := direct(t, line.url, datacat.WithQueueSize(10))
	session := begin(t, client)
	line.away.Store(true)
	var refused int
	for range make([]int, 25) {
		if err := session.LogEvent(ctx, "e", nil); errors.Is(err, datacat.ErrQueueFull) {
			refused++
		}
	}
	if counts := client.Stats(); refused != 15 || counts.Dropped != 15 || counts.Queued != 10 {
		t.Errorf("%d refused, the client counts %+v", refused, counts)
	}
	line.away.Store(false)
	if found := flushed(t, session); len(eventsNamed(found, "e")) != 10 {
		t.Errorf("%d events have arrived", len(found.Events))
	}
}

func TestCloseSaysWhatIsLost(t *testing.T) {
	line := newLine(t)
	client := direct(t, line.url, datacat.WithTimeout(2*time.Second))
	session := begin(t, client)
	line.away.Store(true)
	must(t, session.LogEvent(ctx, "lost", nil))
	if err := session.Flush(ctx); !errors.Is(err, datacat.ErrUnreachable) {
		t.Errorf("Flush says %v", err)
	}
	err := client.Close()
	if !errors.Is(err, datacat.ErrUnreachable) || !strings.Contains(err.Error(), "1 records are lost") {
		t.Errorf("Close says %v", err)
	}
	for _, err := range []error{
		session.LogEvent(ctx, "late", nil), session.Heartbeat(ctx), second(client.StartSession(ctx, "p", "v")),
	} {
		if !errors.Is(err, datacat.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
	must(t, client.Close())
}

func TestARefusedRecordDoesNotStopTheOthers(t *testing.T) {
	var troubles troubles
	client := direct(t, serverURL(t), datacat.WithErrorHandler(troubles.add))
	session := begin(t, client)
	must(t, session.LogEvent(ctx, "before", nil))
	must(t, session.LogEvent(ctx, strings.Repeat("x", 2_000), nil))
	must(t, session.LogEvent(ctx, "after", nil))
	found := flushed(t, session)
	if len(found.Events) != 2 || client.Stats().Dropped != 1 {
		t.Errorf("%d events, the client counts %+v", len(found.Events), client.Stats())
	}
	var refusal *datacat.Error
	if !errors.As(troubles.all(), &refusal) || refusal.Field != "name" {
		t.Errorf("the handler was told %v", troubles.all())
	}
}

func TestASessionThatTheServerForgotHoldsUpNothing(t *testing.T) {
	client := direct(t, serverURL(t))
	session := begin(t, client)
	request, _ := http.NewRequest(http.MethodDelete, serverURL(t)+"/api/sessions/"+session.ID(), nil)
	answer, err := http.DefaultClient.Do(request)
	must(t, err)
	answer.Body.Close()
	must(t, session.LogEvent(ctx, "late", nil))
	must(t, session.End(ctx))
}

func TestOddAnswersAreTold(t *testing.T) {
	answers := map[int]error{
		200: datacat.ErrUnreachable, 401: datacat.ErrUnauthorized, 403: datacat.ErrUnauthorized, 404: datacat.ErrNotFound,
		429: datacat.ErrUnavailable, 503: datacat.ErrUnavailable, 413: datacat.ErrRefused,
	}
	for status, kind := range answers {
		stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(status)
			w.Write([]byte("<html>"))
		}))
		client := datacat.NewClient(stranger.URL, datacat.WithAPIKey("k"))
		_, err := client.CreateSession("p", "v")
		if !errors.Is(err, kind) {
			t.Errorf("%d: %v", status, err)
		}
		if status != 200 && !strings.Contains(err.Error(), "not a DataCat server") {
			t.Error(err)
		}
		must(t, client.Close())
		stranger.Close()
	}
}

func TestNobodyAtAnAddressIsUnreachable(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	client := direct(t, gone.URL)
	_, err := client.CreateSession("p", "v")
	var unreachable *datacat.UnreachableError
	if !errors.Is(err, datacat.ErrUnreachable) || !errors.As(err, &unreachable) || unreachable.URL != gone.URL {
		t.Error(err)
	}
}

// A body that the server refuses as a whole is halved down to the record at fault.
func TestTheApplicationsOwnHTTPClientIsTaken(t *testing.T) {
	target, err := url.Parse(serverURL(t))
	must(t, err)
	front := httptest.NewUnstartedServer(httputil.NewSingleHostReverseProxy(target))
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.StartTLS()
	t.Cleanup(front.Close)
	if _, err := direct(t, front.URL).StartSession(ctx, "Gopher", "1"); !errors.Is(err, datacat.ErrUnreachable) {
		t.Errorf("a server whose certificate nobody knows gives %v", err)
	}
	session := begin(t, direct(t, front.URL, datacat.WithHTTPClient(front.Client()))) // it knows the certificate
	must(t, session.LogEvent(ctx, "seen", nil))
	if seen := eventsNamed(flushed(t, session), "seen"); len(seen) != 1 {
		t.Errorf("the events are %+v", seen)
	}
}

func TestABatchThatIsRefusedWholeIsHalved(t *testing.T) {
	line := newLine(t)
	client := direct(t, line.url)
	session := begin(t, client)
	must(t, session.LogEvent(ctx, "before", nil))
	deep := map[string]any{}
	for inner, i := deep, 0; i < 100; i++ { // deeper than the server takes
		next := map[string]any{}
		inner["in"] = next
		inner = next
	}
	must(t, session.LogEvent(ctx, "deep", deep))
	must(t, session.LogEvent(ctx, "after", nil))
	found := flushed(t, session)
	if len(eventsNamed(found, "before")) != 1 || len(eventsNamed(found, "after")) != 1 || len(found.Events) != 2 {
		t.Errorf("the events are %+v", found.Events)
	}
}

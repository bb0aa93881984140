package datacat_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	datacat "github.com/OriginalDaemon/datacat/go"
)

// The tests talk to a real server, at $DATACAT_URL, and to the daemon that $DATACAT_DAEMON names. The project's tests
// (tests/test_go_client.py) provide both.
func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv("DATACAT_URL") == "" {
		fmt.Println("$DATACAT_URL names no server: the tests that need one, and the examples, are skipped")
		flag.Set("test.skip", "^Example")
	}
	os.Exit(m.Run())
}

// patience bounds how long a test waits for what has to come.
const patience = 60 * time.Second

func serverURL(t *testing.T) string {
	t.Helper()
	url := os.Getenv("DATACAT_URL")
	if url == "" {
		t.Skip("$DATACAT_URL names no server")
	}
	return url
}

// direct is a client without a daemon that gives up on nothing.
func direct(t *testing.T, url string, opts ...datacat.Option) *datacat.Client {
	t.Helper()
	opts = append([]datacat.Option{
		datacat.WithBatchInterval(50 * time.Millisecond), datacat.WithTimeout(patience),
	}, opts...)
	client := datacat.NewClient(url, opts...)
	t.Cleanup(func() { client.Close() })
	return client
}

// withDaemon is a client with a daemon that has a spool of its own.
func withDaemon(t *testing.T, url string, opts ...datacat.Option) *datacat.Client {
	t.Helper()
	if os.Getenv("DATACAT_DAEMON") == "" {
		t.Skip("$DATACAT_DAEMON names no daemon")
	}
	t.Setenv("DATACAT_SPOOL", t.TempDir())
	t.Cleanup(func() { killDaemons(t) }) // before its spool is taken away
	opts = append([]datacat.Option{
		datacat.WithBatchInterval(50 * time.Millisecond), datacat.WithTimeout(patience),
	}, opts...)
	client, err := datacat.NewClientWithDaemon(url, "auto", opts...)
	must(t, err)
	return client
}

func begin(t *testing.T, client *datacat.Client) *datacat.Session {
	t.Helper()
	session, err := client.StartSession(context.Background(), "Gopher", "1.4.2")
	must(t, err)
	return session
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually reads a session from the server until it is as it should be.
func eventually(
	t *testing.T, id, what string, holds func(*datacat.SessionDetails) bool,
) *datacat.SessionDetails {
	t.Helper()
	reader := datacat.NewClient(serverURL(t), datacat.WithTimeout(patience))
	defer reader.Close()
	var last string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		found, err := reader.GetSession(id)
		if err == nil && holds(found) {
			return found
		}
		last = fmt.Sprintf("%+v, %v", found, err)
	}
	t.Fatalf("%s: not so within %v; last seen: %s", what, patience, last)
	return nil
}

// has says of a session whether that is its status.
func has(status string) func(*datacat.SessionDetails) bool {
	return func(s *datacat.SessionDetails) bool { return s.Status == status }
}

// flushed reads a session when all that was logged has arrived.
func flushed(t *testing.T, session *datacat.Session) *datacat.SessionDetails {
	t.Helper()
	must(t, session.Flush(context.Background()))
	found, err := session.Details(context.Background())
	must(t, err)
	return found
}

func eventsNamed(session *datacat.SessionDetails, name string) (found []datacat.Event) {
	for _, event := range session.Events {
		if event.Name == name {
			found = append(found, event)
		}
	}
	return found
}

// line is a way to the server that can be cut.
type line struct {
	url      string
	away     atomic.Bool  // nothing arrives
	mute     atomic.Int64 // so many batches arrive, and their answers get lost
	lost     atomic.Int64 // answers that were lost
	attempts atomic.Int64
}

func newLine(t *testing.T) *line {
	t.Helper()
	target, err := url.Parse(serverURL(t))
	must(t, err)
	l := &line{}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(answer *http.Response) error {
		if strings.HasSuffix(answer.Request.URL.Path, "/api/ingest") && l.mute.Add(-1) >= 0 {
			l.lost.Add(1)
			panic(http.ErrAbortHandler) // the server has it; who sent it never learns
		}
		return nil
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.attempts.Add(1)
		if l.away.Load() {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	front.Config.ErrorLog = nil
	t.Cleanup(front.Close)
	l.url = front.URL
	return l
}

package datacat_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	datacat "github.com/OriginalDaemon/datacat/go"
)

func openVault() {
	var doors map[string]int
	doors["vault"] = 7
}

// survive calls a function and returns what it panics with.
func survive(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

func exceptions(session *datacat.SessionDetails) (found []datacat.Event) {
	for _, event := range session.Events {
		if event.ExceptionType != "" {
			found = append(found, event)
		}
	}
	return found
}

func TestAnErrorIsLoggedWithItsTypeAndWhereThatWas(t *testing.T) {
	session := begin(t, direct(t, serverURL(t)))
	inner := &fs.PathError{Op: "open", Path: "map", Err: fs.ErrNotExist}
	must(t, session.LogException(ctx, fmt.Errorf("loading: %w", inner), datacat.WithData(map[string]any{"level": 7})))
	must(t, session.LogException(ctx, errors.New("plain")))
	must(t, session.LogException(ctx, nil))
	found := exceptions(flushed(t, session))
	if len(found) != 2 {
		t.Fatalf("the exceptions are %+v", found)
	}
	first := found[0]
	if first.ExceptionType != "*fs.PathError" || first.ExceptionMsg != "loading: open map: file does not exist" ||
		first.Level != datacat.LevelError || first.Data["level"] != 7.0 || first.SourceLine == 0 ||
		!strings.HasSuffix(first.SourceFunction, "TestAnErrorIsLoggedWithItsTypeAndWhereThatWas") ||
		!strings.HasSuffix(first.SourceFile, "panic_test.go") || !strings.HasPrefix(first.Stacktrace[0], "goroutine ") {
		t.Errorf("the exception is %+v", first)
	}
	if found[1].ExceptionType != "error" {
		t.Errorf("the exception is %+v", found[1])
	}
}

func TestRecoverStopsAPanicAndLogsWhereItBegan(t *testing.T) {
	eachWay(t, func(t *testing.T, client *datacat.Client) {
		session := begin(t, client)
		func() {
			defer session.Recover()
			openVault()
		}()
		must(t, session.End(ctx))
		found := eventually(t, session.ID(), "ended", has("ended"))
		told := exceptions(found)[0]
		if told.ExceptionType != "panic" || told.ExceptionMsg != "assignment to entry in nil map" ||
			!strings.HasSuffix(told.SourceFunction, ".openVault") || told.Data["panic_type"] != "runtime.plainError" &&
			told.Data["panic_type"] != "runtime.errorString" {
			t.Errorf("the exception is %+v", told)
		}
	})
}

func TestAPanicThatGoesOnIsToldOnceAndIsACrash(t *testing.T) {
	client := direct(t, serverURL(t))
	session := begin(t, client)
	value := survive(func() {
		defer session.End(ctx)
		defer session.ReportPanic()
		openVault()
	})
	if value == nil {
		t.Fatal("the panic was stopped")
	}
	found := eventually(t, session.ID(), "crashed", has("crashed"))
	if told := exceptions(found); len(told) != 1 || told[0].Level != datacat.LevelCritical ||
		!strings.HasSuffix(told[0].SourceFunction, ".openVault") {
		t.Errorf("the exceptions are %+v", told)
	}
	if found.Reason != "panic: assignment to entry in nil map" {
		t.Errorf("the reason is %q", found.Reason)
	}
}

func TestAPanicThatComesAgainIsToldAgain(t *testing.T) {
	session := begin(t, direct(t, serverURL(t)))
	for range make([]int, 2) {
		survive(func() {
			defer session.ReportPanic()
			openVault()
		})
	}
	if told := exceptions(flushed(t, session)); len(told) != 2 {
		t.Errorf("the exceptions are %+v", told)
	}
}

func TestAPanicUnderADeferredEndSessionIsACrash(t *testing.T) {
	client := direct(t, serverURL(t))
	id, err := client.CreateSession("Gopher", "3")
	must(t, err)
	survive(func() {
		defer client.EndSession(id)
		panic(errors.New("no map"))
	})
	found := eventually(t, id, "crashed", has("crashed"))
	if told := exceptions(found); len(told) != 1 || told[0].ExceptionMsg != "no map" {
		t.Errorf("the exceptions are %+v", told)
	}
}

func TestAPanicReportedWithADaemonLeavesTheVerdictToIt(t *testing.T) {
	client := withDaemon(t, serverURL(t))
	session := begin(t, client)
	survive(func() {
		defer client.Close()
		defer session.End(ctx)
		openVault()
	})
	found := eventually(t, session.ID(), "told", func(s *datacat.SessionDetails) bool { return len(exceptions(s)) == 1 })
	if found.Status != "active" {
		t.Errorf("the session is %s, and its process runs", found.Status)
	}
	for _, err := range []error{session.LogEvent(ctx, "late", nil), session.End(ctx)} {
		if !errors.Is(err, datacat.ErrClosed) {
			t.Error(err)
		}
	}
}

package datacat_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	datacat "github.com/OriginalDaemon/datacat/go"
)

func Example() {
	ctx := context.Background()
	client := datacat.NewClient("") // or NewClientWithDaemon, which sees how the process ends
	defer client.Close()

	session, err := client.StartSession(ctx, "MyGame", "1.4.2")
	if err != nil {
		log.Print(err) // and on without: a nil session takes every call
	}
	defer session.End(ctx)

	session.UpdateState(ctx, map[string]any{"level": 7, "player": map[string]any{"health": 80}})
	session.LogEvent(ctx, "door_opened", map[string]any{"door": "vault"}, datacat.WithLevel(datacat.LevelWarning))
	session.LogGauge(ctx, "fps", 59.8, datacat.WithTags("map:vault"))
	session.Flush(ctx)

	seen, err := session.Details(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(seen.Product, seen.Status, seen.State["level"], seen.Events[0].Name)
	// Output: MyGame active 7 door_opened
}

func ExampleNewClient() {
	client := datacat.NewClient("", datacat.WithTimeout(10*time.Second), datacat.WithErrorHandler(func(err error) {
		log.Print(err)
	}))
	defer client.Close()

	id, err := client.CreateSession("MyGame", "1.4.2")
	if err != nil {
		log.Fatal(err)
	}
	client.LogEvent(id, "user_login", map[string]any{"user": "alice"})
	client.LogMetric(id, "cpu_usage", 45.2, []string{"app:myapp"})
	fmt.Println(client.EndSession(id))
	// Output: <nil>
}

func ExampleNewClientWithDaemon() {
	client, err := datacat.NewClientWithDaemon("", "auto")
	if errors.Is(err, datacat.ErrNoDaemon) {
		log.Print(err) // says how to get one
	}
	defer client.Close()

	id, err := client.CreateSession("MyGame", "1.4.2")
	if err != nil {
		log.Print(err)
	}
	client.Heartbeat(id) // from now on silence is a hang
	client.EndSession(id)
}

func ExampleClient_GetSession() {
	client := datacat.NewClient("")
	defer client.Close()

	_, err := client.GetSession("4711")
	var said *datacat.Error
	fmt.Println(errors.Is(err, datacat.ErrNotFound), errors.As(err, &said) && said.Status == 404)
	// Output: true true
}

func ExampleSession_Recover() {
	client := datacat.NewClient("")
	defer client.Close()
	session, _ := client.StartSession(context.Background(), "MyGame", "1.4.2")
	defer session.End(context.Background())

	done := make(chan struct{})
	go func() {
		defer close(done)
		defer session.Recover() // the program goes on; with ReportPanic it would end
		var doors map[string]bool
		doors["vault"] = true
	}()
	<-done
	fmt.Println("still here")
	// Output: still here
}

func ExampleSession_LogException() {
	client := datacat.NewClient("")
	defer client.Close()
	session, _ := client.StartSession(context.Background(), "MyGame", "1.4.2")
	defer session.End(context.Background())

	if _, err := os.Open("no-such-map"); err != nil {
		session.LogException(context.Background(), fmt.Errorf("loading the level: %w", err),
			datacat.WithData(map[string]any{"level": 7}))
	}
}

func ExampleSession_Time() {
	ctx := context.Background()
	client := datacat.NewClient("")
	defer client.Close()
	session, _ := client.StartSession(ctx, "MyGame", "1.4.2")
	defer session.End(ctx)

	loadLevel := func() {
		defer session.Time(ctx, "load_level", datacat.WithTags("level:7"))()
		// ...
	}
	loadLevel()
}

func ExampleNewHandler() {
	client := datacat.NewClient("")
	defer client.Close()
	session, _ := client.StartSession(context.Background(), "MyGame", "1.4.2")
	defer session.End(context.Background())

	logger := slog.New(datacat.NewHandler(session, slog.LevelInfo))
	logger.Warn("door opened", "door", "vault")
}

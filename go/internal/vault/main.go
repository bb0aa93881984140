// Command vault is a program that DataCat watches while it goes wrong, for the tests of the Go client.
//
//	vault daemon|direct ends|panics|panics-beside|waits|hangs|exits
//
// It prints the id of its session. "waits" and "hangs" go on until the program is killed, or told by a line of input to
// come to an end.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	datacat "github.com/OriginalDaemon/datacat/go"
)

var ctx = context.Background()

func main() {
	client, err := connect(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	session, err := client.StartSession(ctx, "Vault", "3")
	if err != nil {
		log.Fatal(err)
	}
	defer session.End(ctx)
	session.UpdateState(ctx, map[string]any{"door": "closed"})
	session.LogEvent(ctx, "begun", nil)
	if err := session.Flush(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.ID())
	do(session, os.Args[2])
}

func connect(how string) (*datacat.Client, error) {
	opts := []datacat.Option{
		datacat.WithBatchInterval(50 * time.Millisecond), datacat.WithHeartbeatTimeout(300 * time.Millisecond),
	}
	if how == "direct" {
		return datacat.NewClient("", opts...), nil
	}
	return datacat.NewClientWithDaemon("", "auto", opts...)
}

func do(session *datacat.Session, deed string) {
	switch deed {
	case "ends":
	case "panics":
		openDoor(nil)
	case "panics-beside":
		var beside sync.WaitGroup
		beside.Add(1)
		go func() {
			defer session.ReportPanic()
			openDoor(nil)
		}()
		beside.Wait()
	case "waits":
		bufio.NewReader(os.Stdin).ReadString('\n')
	case "hangs":
		session.Heartbeat(ctx)
		bufio.NewReader(os.Stdin).ReadString('\n')
		session.Heartbeat(ctx)
	case "exits":
		os.Exit(3)
	default:
		log.Fatalf("vault cannot %q", deed)
	}
}

func openDoor(doors map[string]bool) { doors["vault"] = true }

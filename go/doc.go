// Package datacat records what a program was doing when it crashed or hung, and sends it to a DataCat server.
//
// Every run of a program is a session: its state, its events, its metrics, and in the end a verdict.
//
//	client, err := datacat.NewClientWithDaemon("http://localhost:9090", "auto")
//	if err != nil {
//		log.Print(err)
//	}
//	defer client.Close()
//	session, err := client.StartSession(ctx, "MyGame", "1.4.2")
//	if err != nil {
//		log.Print(err)
//	}
//	defer session.End(ctx)
//	defer session.ReportPanic()
//	session.LogEvent(ctx, "door_opened", map[string]any{"door": "vault"}, datacat.WithLevel(datacat.LevelWarning))
//
// The program goes on where DataCat cannot: a nil *Client and a nil *Session take every call, and do nothing.
//
// # Two ways to the server
//
// [NewClientWithDaemon] starts datacat-daemon beside the program. Each call hands its record to the daemon, over the
// loopback interface, and returns when the daemon has it. The daemon delivers records, also hours later when no server
// can be reached now, watches the heartbeat, and sees how the process ended: it tells a clean end from a crash.
//
// [NewClient] talks to the server itself. Logging calls put their record into a bounded queue and return; a goroutine
// sends the queue in batches, and again after a failure, until the server has acknowledged them. Each record arrives
// once, however often it was sent. Nobody is left to tell of a crash: a session whose process was killed falls silent,
// and is shown as suspended.
//
// # What is lost when the program is killed
//
// With a daemon, nothing that a call has returned nil for: what the daemon has acknowledged survives the death of the
// program and of the daemon, whatever killed them. Only the record of a call under way may be missing.
//
// Without one, what has not been delivered: at most the last batch interval (one second unless [WithBatchInterval] says
// otherwise) while the server answers, and everything since it last did while it does not. [Client.Flush],
// [Session.End] and [Client.Close] wait for the queue. A queue that is full refuses further records with
// [ErrQueueFull], and the session shows how many were dropped.
//
// # Sessions by their ids
//
// The methods of [Session] take a context. [Client] has the same calls with the id of a session and no context
// ([Client.LogEvent] and the others), each with the client's timeout; [Client.Session] leads from one to the other. All
// of them may be used by any number of goroutines at once.
package datacat

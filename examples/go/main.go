// Command observatory is a program for DataCat to watch: one night at a telescope that takes pictures of the sky.
//
//	go run .                      a night, and its end
//	go run . -fate panics         comes to a bad end instead: panics, exits, is killed, or hangs for good
//	go run . -direct              without a daemon: the client itself sends to the server
//
// It says first which session it is. The server is that of $DATACAT_URL, else http://localhost:9090.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"os"
	"sync"
	"time"

	datacat "github.com/OriginalDaemon/datacat/go"
)

var (
	fate    = flag.String("fate", "ends", "how the night ends: ends, panics, exits, killed or hangs")
	length  = flag.Duration("for", 3*time.Second, "how long the night is")
	seed    = flag.Int64("seed", 1, "which night it is")
	timeout = flag.Duration("heartbeat-timeout", 2*time.Second, "silence for longer than that is a hang")
	direct  = flag.Bool("direct", false, "send to the server without a daemon")
)

func main() {
	flag.Parse()
	ctx := context.Background()
	client, err := connect()
	if err != nil {
		log.Print(err) // says what to do; the night goes on without DataCat
	}
	defer client.Close()
	session, err := client.StartSession(ctx, "Observatory", "2.1")
	if err != nil {
		log.Print(err)
	}
	defer session.End(ctx) // a panic that comes through here is logged, and is a crash
	fmt.Printf("Session %s\nSee it: datacat show %.8s\n", session.ID(), session.ID())

	night := &night{session: session, chance: rand.New(rand.NewSource(*seed))}
	night.open(ctx)
	night.observe(ctx, *length)
	night.finish(ctx, *fate)
}

func connect() (*datacat.Client, error) {
	watched := datacat.WithHeartbeatTimeout(*timeout)
	if *direct {
		return datacat.NewClient("", watched), nil
	}
	return datacat.NewClientWithDaemon("", "auto", watched)
}

// A night at the telescope. Its pictures are developed beside the main loop, each by a goroutine of its own.
type night struct {
	session  *datacat.Session
	chance   *rand.Rand
	pictures int
	beside   sync.WaitGroup
}

var targets = []string{"Andromeda", "Pleiades", "Orion Nebula", "Whirlpool"}

func (n *night) open(ctx context.Context) {
	n.session.UpdateState(ctx, map[string]any{
		"dome":   "open",
		"camera": map[string]any{"filter": "red", "gain": 4},
		"target": nil,
	})
	n.session.LogEvent(ctx, "dome_opened", map[string]any{"humidity_percent": 41}, datacat.WithCategory("dome"))
}

// observe points at one target after the other. The heartbeat comes from the loop that must not stand still.
func (n *night) observe(ctx context.Context, length time.Duration) {
	for end := time.Now().Add(length); time.Now().Before(end); n.pictures++ {
		n.session.Heartbeat(ctx)
		target := targets[n.pictures%len(targets)]
		n.session.UpdateState(ctx, map[string]any{"target": target, "pictures": n.pictures})
		n.expose(ctx, target)
		n.beside.Add(1)
		go n.develop(ctx, n.pictures)
	}
	n.beside.Wait()
}

func (n *night) expose(ctx context.Context, target string) {
	defer n.session.Time(ctx, "exposure", datacat.WithTags("target:"+target))()
	time.Sleep(time.Duration(20+n.chance.Intn(30)) * time.Millisecond)
	n.session.LogGauge(ctx, "sensor_temperature", -20+n.chance.Float64(), datacat.WithUnit("°C"))
	n.session.LogHistogram(ctx, "seeing", 1+n.chance.ExpFloat64()/2, datacat.WithUnit("arcsec"),
		datacat.WithBuckets(1, 1.5, 2, 3, 5))
}

// develop works on one picture. One that is damaged is no reason to end the night: the panic is logged and stopped.
func (n *night) develop(ctx context.Context, number int) {
	defer n.beside.Done()
	defer n.session.Recover()
	if number == 2 {
		decode(nil)
	}
	n.session.LogCounter(ctx, "pictures", 1)
	n.session.LogEvent(ctx, "picture_developed", map[string]any{"number": number}, datacat.WithLevel(datacat.LevelDebug))
}

func decode(plate map[string][]byte) { plate["header"] = []byte("FITS") }

// finish closes the dome, or does not get that far.
func (n *night) finish(ctx context.Context, fate string) {
	switch fate {
	case "ends":
		n.session.UpdateState(ctx, map[string]any{"dome": "closed", "target": nil})
		n.session.LogEvent(ctx, "dome_closed", map[string]any{"pictures": n.pictures}, datacat.WithCategory("dome"))
	case "panics":
		turnDome(map[string]int{"motor": 0}, 90)
	case "exits":
		n.session.LogEvent(ctx, "motor_blocked", nil, datacat.WithLevel(datacat.LevelCritical))
		os.Exit(3)
	case "killed":
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			self.Kill()
		}
		select {}
	case "hangs":
		n.session.LogEvent(ctx, "dome_turning", nil, datacat.WithLevel(datacat.LevelWarning))
		waitForDome(make(chan bool))
	default:
		log.Printf("no night ends by %q", fate)
	}
}

func turnDome(speed map[string]int, degrees int) int { return degrees / speed["motor"] }

func waitForDome(stopped chan bool) {
	go tick() // else the runtime would see that nothing can ever happen, and end the program
	<-stopped
}

func tick() {
	for {
		time.Sleep(time.Second)
	}
}

package datacat

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	startPatience = 20 * time.Second // until a daemon listens; a busy machine takes seconds to start a Python
	revivePause   = 2 * time.Second  // between two attempts to start another one
)

// announcement is what a daemon prints when it listens, in front of its address.
const announcement = "datacat-daemon listens on "

// daemon is a datacat-daemon that this process has started, and its successor if it dies.
type daemon struct {
	server string
	port   int
	o      *options

	mu      sync.Mutex
	command *exec.Cmd
	address *endpoint
	ended   chan struct{} // closed when the command has ended
	triedAt time.Time
}

// startDaemon starts a daemon that listens on a port, a number or "auto", and delivers to a server.
func startDaemon(server, port string, o *options) (*daemon, error) {
	number := 0
	if port != "auto" && port != "" {
		var err error
		if number, err = strconv.Atoi(port); err != nil || number < 0 || number > 65535 {
			return nil, newError(http.StatusBadRequest, "bad_request",
				fmt.Sprintf(`port: expected a number up to 65535 or "auto", not %q`, port))
		}
	}
	d := &daemon{server: server, port: number, o: o}
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	if err := d.start(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// start runs the command and waits until it listens. The caller holds the lock, or is the only one to know d.
func (d *daemon) start(ctx context.Context) error {
	words, err := d.words()
	if err != nil {
		return err
	}
	command := exec.Command(words[0], append(words[1:], "--port", strconv.Itoa(d.port))...)
	command.Env = d.environment()
	command.SysProcAttr = detached()
	var complaints tail
	command.Stderr = &complaints
	printed, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		return fmt.Errorf("%w: %s could not be started: %w", ErrNoDaemon, words[0], err)
	}
	ended := make(chan struct{})
	said := make(chan string, 1)
	go func() {
		defer close(ended)
		line, _ := bufio.NewReader(printed).ReadString('\n')
		said <- strings.TrimSpace(line)
		command.Wait()
	}()
	select {
	case line := <-said:
		if address, found := strings.CutPrefix(line, announcement); found {
			d.command, d.ended, d.address = command, ended, d.at(address)
			return nil
		}
		command.Process.Kill() // whatever it is, it is no daemon; one that has ended already does not mind
		<-ended
		return fmt.Errorf("%w: %s", ErrNoDaemon, complaints.or(words[0]+" is no datacat-daemon"))
	case <-ctx.Done():
		command.Process.Kill()
		return fmt.Errorf("%w: %s does not listen: %w", ErrNoDaemon, words[0], ctx.Err())
	}
}

func (d *daemon) words() ([]string, error) {
	words := d.o.daemon
	if len(words) == 0 {
		words = strings.Fields(os.Getenv("DATACAT_DAEMON"))
	}
	if len(words) == 0 {
		words = []string{"datacat-daemon"}
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		return nil, fmt.Errorf("%w: %w; it comes with \"pip install datacat-client\", "+
			"and $DATACAT_DAEMON can name it", ErrNoDaemon, err)
	}
	return words, nil
}

func (d *daemon) environment() []string {
	own := append(os.Environ(), "DATACAT_SERVER_URL="+d.server,
		fmt.Sprintf("DATACAT_BATCH_INTERVAL_SECONDS=%g", d.o.batchInterval.Seconds()))
	if d.o.apiKey != "" {
		own = append(own, "DATACAT_API_KEY="+d.o.apiKey)
	}
	return own
}

func (d *daemon) at(address string) *endpoint {
	transport := newTransport()
	transport.Proxy = nil
	return &endpoint{base: address, timeout: d.o.timeout, http: &http.Client{Transport: transport}}
}

// endpoint is where the daemon listens.
func (d *daemon) endpoint() *endpoint {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.address
}

// revive starts another daemon in place of one that has died; one that still runs, or was replaced meanwhile, is left
// alone.
func (d *daemon) revive(ctx context.Context, dead *endpoint) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.address != dead {
		return nil
	}
	select {
	case <-d.ended:
	case <-time.After(100 * time.Millisecond): // it lets go of its port before it has ended
		return &UnreachableError{URL: dead.base, Err: errors.New("it runs, and takes no connection")}
	}
	if wait := revivePause - time.Since(d.triedAt); wait > 0 && !d.triedAt.IsZero() {
		return &UnreachableError{URL: dead.base, Err: errors.New("it has ended; another one is tried in a moment")}
	}
	d.triedAt = time.Now()
	dead.http.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startPatience)
	defer cancel()
	return d.start(ctx)
}

// stop ends the daemon, which delivers what it can in a few seconds; what is left the next daemon of the machine finds.
func (d *daemon) stop(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.address.http.CloseIdleConnections()
	if err := askToLeave(d.command.Process); err != nil {
		return nil // it has ended
	}
	select {
	case <-d.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("datacat: the daemon is still delivering: %w", ctx.Err())
	}
}

// letGo leaves the daemon to itself.
func (d *daemon) letGo() {
	d.endpoint().http.CloseIdleConnections()
}

// neverLeft reports whether a request failed before anybody could have read it.
func neverLeft(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const mostComplaints = 4 << 10

func (t *tail) Write(content []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, content...)
	t.kept = t.kept[max(0, len(t.kept)-mostComplaints):]
	return len(content), nil
}

// or is the last line that was written, else another text.
func (t *tail) or(other string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.kept)), "\n")
	if last := strings.TrimPrefix(lines[len(lines)-1], "datacat-daemon: "); last != "" {
		return last
	}
	return other
}

package datacat

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// A Client sends sessions to DataCat. It may be used by any number of goroutines at once. A nil *Client takes every
// call and does nothing.
type Client struct {
	server  *endpoint
	backend backend
}

// NewClient returns a client that talks to the server at an address, such as http://localhost:9090; if it is empty,
// that of $DATACAT_URL, else [DefaultURL]. It does not ask whether a server is there: the first call says so.
//
// Logging calls queue their record and return; see the package's words on what is lost when the program is killed.
func NewClient(url string, opts ...Option) *Client {
	o := newOptions(opts)
	server, err := newEndpoint(serverURL(url), o)
	if err != nil {
		return &Client{backend: broken{err}}
	}
	return &Client{server: server, backend: newDirect(server, o)}
}

// NewClientWithDaemon starts datacat-daemon beside this process and returns a client that hands its records to it. The
// daemon delivers them to the server at the address, which is as for [NewClient].
//
// The port is where the daemon listens on 127.0.0.1: a number, or "auto" for any that is free. The error is
// [ErrNoDaemon] where the daemon is not installed, or cannot listen there; it says what to do.
//
// The daemon stays until this process has ended, and says then how it ended. If it dies before, the next call starts
// another one, which goes on where it was.
//
// On Windows the client has not been run, neither direct nor with a daemon; it is checked from its source, by design it
// works, and Ctrl-C in a console reaches the daemon, too.
func NewClientWithDaemon(url, port string, opts ...Option) (*Client, error) {
	o := newOptions(opts)
	server, err := newEndpoint(serverURL(url), o)
	if err != nil {
		return nil, err
	}
	daemon, err := startDaemon(server.base, port, o)
	if err != nil {
		return nil, err
	}
	return &Client{server: server, backend: newRelay(daemon, server, o)}, nil
}

func serverURL(url string) string {
	if url == "" {
		url = os.Getenv("DATACAT_URL")
	}
	if url == "" {
		url = DefaultURL
	}
	return url
}

// StartSession begins a session of this process. An empty product is $DATACAT_PRODUCT, else the program's name; an
// empty version is $DATACAT_VERSION, else that of the program's module, if it was built with one.
func (c *Client) StartSession(ctx context.Context, product, version string) (*Session, error) {
	if c == nil {
		return nil, nil
	}
	id, err := c.backend.open(ctx, productOr(product), versionOr(version))
	if err != nil {
		return nil, err
	}
	return c.Session(id), nil
}

// CreateSession is [Client.StartSession] for callers that keep the id.
func (c *Client) CreateSession(product, version string) (string, error) {
	session, err := c.StartSession(context.Background(), product, version)
	return session.ID(), err
}

// Session returns the session that has an id, without asking whether there is one.
func (c *Client) Session(id string) *Session {
	if c == nil {
		return nil
	}
	return &Session{client: c, id: id}
}

// GetSession is [Client.GetSessionContext] with the client's timeout.
func (c *Client) GetSession(id string) (*SessionDetails, error) {
	return c.GetSessionContext(context.Background(), id)
}

// GetSessionContext returns all that is known of a session. With a daemon that is what the daemon holds of it, also
// while no server can be reached, with the last events and the newest reading of each metric; of a session that the
// daemon does not know the server is asked.
//
// Without a daemon, what was logged just now is there after a [Client.Flush].
func (c *Client) GetSessionContext(ctx context.Context, id string) (*SessionDetails, error) {
	if c == nil {
		return nil, ErrClosed
	}
	return c.backend.details(ctx, id)
}

// GetAllSessions is [Client.GetAllSessionsContext] with the client's timeout.
func (c *Client) GetAllSessions() ([]SessionDetails, error) {
	return c.GetAllSessionsContext(context.Background())
}

// GetAllSessionsContext returns every session that the server has, newest first, with all that belongs to them.
func (c *Client) GetAllSessionsContext(ctx context.Context) ([]SessionDetails, error) {
	if c == nil {
		return nil, ErrClosed
	}
	if c.server == nil {
		return nil, c.backend.flush(ctx)
	}
	var sessions []SessionDetails
	err := c.server.call(ctx, http.MethodGet, "/api/data/sessions", nil, &sessions)
	return sessions, err
}

// Flush waits until what was logged before is safe from the death of this process: with a daemon it is so already,
// without one the server has it. The error says why that could not be reached before the context or the client's
// timeout was over; what waits goes on waiting.
func (c *Client) Flush(ctx context.Context) error {
	if c == nil {
		return nil
	}
	return c.backend.flush(ctx)
}

// Close delivers what still waits, for up to five seconds, and lets go of the client's goroutines and connections. The
// error says what is lost.
//
// A daemon that still has sessions to watch, or something to deliver, is left to it, so that a panic that runs through
// a deferred Close is told for what it is; it leaves when the process has ended. Any other is ended here.
func (c *Client) Close() error {
	if c == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closePatience)
	defer cancel()
	return c.backend.close(ctx)
}

// Stats counts the records that went through this client.
func (c *Client) Stats() Stats {
	if c == nil {
		return Stats{}
	}
	return c.backend.stats()
}

func productOr(product string) string {
	if product == "" {
		product = os.Getenv("DATACAT_PRODUCT")
	}
	if product == "" {
		product = strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
	}
	return product
}

func versionOr(version string) string {
	if version == "" {
		version = os.Getenv("DATACAT_VERSION")
	}
	if info, ok := debug.ReadBuildInfo(); version == "" && ok && info.Main.Version != "(devel)" {
		version = info.Main.Version
	}
	if version == "" {
		version = "unknown"
	}
	return version
}

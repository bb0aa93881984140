package datacat

import (
	"net/http"
	"os"
	"time"
)

// DefaultURL is where a server is looked for when neither the caller nor $DATACAT_URL names one.
const DefaultURL = "http://localhost:9090"

const (
	defaultTimeout       = 5 * time.Second
	defaultQueueSize     = 10_000
	defaultBatchInterval = time.Second
	defaultHeartbeat     = 60 * time.Second
)

type options struct {
	apiKey        string
	timeout       time.Duration
	httpClient    *http.Client
	queueSize     int
	batchInterval time.Duration
	heartbeat     time.Duration
	onError       func(error)
	daemon        []string
}

// An Option changes how a client works.
type Option func(*options)

func newOptions(opts []Option) *options {
	o := &options{
		apiKey:        os.Getenv("DATACAT_API_KEY"),
		timeout:       defaultTimeout,
		queueSize:     defaultQueueSize,
		batchInterval: defaultBatchInterval,
		heartbeat:     defaultHeartbeat,
		onError:       func(error) {},
	}
	for _, option := range opts {
		option(o)
	}
	if o.httpClient == nil {
		o.httpClient = &http.Client{Transport: newTransport()}
	}
	return o
}

// WithAPIKey sends a key; by default it is $DATACAT_API_KEY, if there is one.
func WithAPIKey(key string) Option { return func(o *options) { o.apiKey = key } }

// WithTimeout bounds each request whose context has no deadline; by default five seconds.
func WithTimeout(timeout time.Duration) Option {
	return func(o *options) { o.timeout = max(timeout, time.Millisecond) }
}

// WithHTTPClient sends the requests to the server by a client of the application's own, which may know a proxy or a
// certificate authority.
func WithHTTPClient(client *http.Client) Option { return func(o *options) { o.httpClient = client } }

// WithQueueSize bounds how many records may wait for the server; by default 10,000. Without a daemon only.
func WithQueueSize(records int) Option { return func(o *options) { o.queueSize = max(records, 1) } }

// WithBatchInterval says how long a record may wait for others to be sent with it; by default one second. A daemon is
// told to do the same.
func WithBatchInterval(interval time.Duration) Option {
	return func(o *options) { o.batchInterval = max(interval, 50*time.Millisecond) }
}

// WithHeartbeatTimeout says how long after a heartbeat the next one has to come, or the session hangs; by default 60
// seconds. Watching begins with the first heartbeat of a session.
func WithHeartbeatTimeout(timeout time.Duration) Option {
	return func(o *options) { o.heartbeat = max(timeout, 100*time.Millisecond) }
}

// WithErrorHandler has a function told of what went wrong after a call had returned: a batch that could not be
// delivered and is tried again, a record that the server refused. It is called by one goroutine at a time, and is not
// to wait. By default nobody is told.
func WithErrorHandler(handle func(error)) Option {
	return func(o *options) {
		if handle != nil {
			o.onError = handle
		}
	}
}

// WithDaemonCommand names the program that is the daemon, and its first arguments. By default it is what
// $DATACAT_DAEMON says, in words parted by spaces, else datacat-daemon of the PATH.
func WithDaemonCommand(name string, arguments ...string) Option {
	return func(o *options) { o.daemon = append([]string{name}, arguments...) }
}

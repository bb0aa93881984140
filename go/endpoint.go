package datacat

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// mostErrorBytes bounds what is read of an answer that is no success.
const mostErrorBytes = 64 << 10

// endpoint is whoever speaks HTTP and JSON at an address: the server, or a daemon.
type endpoint struct {
	base    string // without a slash at the end
	key     string
	timeout time.Duration // of a call whose context has no deadline
	http    *http.Client
}

// newEndpoint takes the address of a server as people write it.
func newEndpoint(address string, o *options) (*endpoint, error) {
	address = strings.TrimSpace(address)
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") {
		return nil, fmt.Errorf("datacat: %q is no address of a server; expected one such as http://localhost:9090: %w",
			address, ErrRefused)
	}
	return &endpoint{base: strings.TrimRight(address, "/"), key: o.apiKey, timeout: o.timeout, http: o.httpClient}, nil
}

// within gives a call the endpoint's timeout, unless its context has a deadline already.
func (e *endpoint) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, e.timeout)
}

// call makes a request and decodes the answer into answer, unless that is nil. A body is sent as JSON; nil is none.
func (e *endpoint) call(ctx context.Context, method, path string, body, answer any) error {
	var encoded []byte
	if body != nil {
		var err error
		if encoded, err = encode(body); err != nil {
			return err
		}
	}
	return e.send(ctx, method, path, encoded, http.Header{"Content-Type": {"application/json"}}, answer)
}

// send is call with a body that is encoded already.
func (e *endpoint) send(ctx context.Context, method, path string, body []byte, header http.Header, answer any) error {
	ctx, cancel := e.within(ctx)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, e.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("datacat: %w", err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if e.key != "" {
		request.Header.Set("Authorization", "Bearer "+e.key)
	}
	response, err := e.http.Do(request)
	if err != nil {
		return e.unreachable(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return e.failure(response)
	}
	if answer == nil {
		_, err = io.Copy(io.Discard, response.Body) // so that the connection can be used again
	} else {
		err = json.NewDecoder(response.Body).Decode(answer)
	}
	if err != nil {
		return e.unreachable(fmt.Errorf("the answer could not be read: %w", err))
	}
	return nil
}

func (e *endpoint) unreachable(err error) error {
	var outer *url.Error
	if errors.As(err, &outer) { // it repeats the method and address
		err = outer.Err
	}
	return &UnreachableError{URL: e.base, Err: err}
}

func (e *endpoint) failure(response *http.Response) error {
	var said struct {
		Error   string `json:"error"`
		Details string `json:"details"`
	}
	content, _ := io.ReadAll(io.LimitReader(response.Body, mostErrorBytes))
	if json.Unmarshal(content, &said) != nil || said.Error == "" {
		said.Error = fmt.Sprintf("http_%d", response.StatusCode)
		said.Details = fmt.Sprintf("%s answered %d, and this is not a DataCat server; its port is usually 9090",
			e.base, response.StatusCode)
	}
	failure := newError(response.StatusCode, said.Error, said.Details)
	failure.retryAfter = retryAfter(response.Header)
	return failure
}

// newTransport keeps fewer and shorter idle connections than a daemon allows, so that none is closed under a request.
func newTransport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 16
	transport.IdleConnTimeout = 25 * time.Second
	return transport
}

func sessionPath(id string, rest string) string {
	return "/api/sessions/" + url.PathEscape(id) + rest
}

// session asks a server for all that it knows of a session.
func (e *endpoint) session(ctx context.Context, id string) (*SessionDetails, error) {
	session := new(SessionDetails)
	if err := e.call(ctx, http.MethodGet, sessionPath(id, ""), nil, session); err != nil {
		return nil, err
	}
	return session, nil
}

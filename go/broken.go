package datacat

import "context"

// broken is the backend of a client whose server's address cannot be one: each call says so.
type broken struct{ err error }

func (b broken) open(context.Context, string, string) (string, error)     { return "", b.err }
func (b broken) write(context.Context, string, kind, []byte) error        { return b.err }
func (b broken) heartbeat(context.Context, string) error                  { return b.err }
func (b broken) pause(context.Context, string, bool) error                { return b.err }
func (b broken) end(context.Context, string) error                        { return b.err }
func (b broken) crashed(context.Context, string, string) error            { return b.err }
func (b broken) flush(context.Context) error                              { return b.err }
func (b broken) details(context.Context, string) (*SessionDetails, error) { return nil, b.err }
func (b broken) close(context.Context) error                              { return nil }
func (b broken) stats() Stats                                             { return Stats{} }

package datacat

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
)

// machineFacts are what a session says of where it runs.
type machineFacts struct {
	MachineID string         `json:"machine_id,omitempty"`
	Hostname  string         `json:"hostname,omitempty"`
	BootID    string         `json:"boot_id,omitempty"`
	PID       int            `json:"pid"`
	Facts     map[string]any `json:"facts"`
}

// thisMachine tells of this process, and names the machine as the clients in other languages do.
var thisMachine = sync.OnceValue(func() *machineFacts {
	hostname, _ := os.Hostname()
	facts := map[string]any{
		"client":   "go",
		"go":       runtime.Version(),
		"platform": runtime.GOOS + "-" + runtime.GOARCH,
		"argv":     os.Args[:min(len(os.Args), 50)],
	}
	if executable, err := os.Executable(); err == nil {
		facts["executable"] = executable
	}
	if folder, err := os.Getwd(); err == nil {
		facts["cwd"] = folder
	}
	return &machineFacts{
		MachineID: machineID(),
		Hostname:  hostname,
		BootID:    firstOf("/proc/sys/kernel/random/boot_id"),
		PID:       os.Getpid(),
		Facts:     facts,
	}
})

// machineID is a stable name of this machine: its own id, hashed, so that it tells nothing else. It is empty where the
// system has none in a file.
func machineID() string {
	own := firstOf("/etc/machine-id", "/var/lib/dbus/machine-id")
	if own == "" {
		return ""
	}
	digest := sha256.Sum256([]byte("datacat machine " + own))
	return hex.EncodeToString(digest[:])[:32]
}

// firstOf is the content of the first of some files that can be read and has any.
func firstOf(paths ...string) string {
	for _, path := range paths {
		if content, err := os.ReadFile(path); err == nil && len(content) > 0 {
			return strings.TrimSpace(string(content))
		}
	}
	return ""
}

// newID is a random UUID (RFC 9562, version 4).
func newID() string {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		panic(fmt.Sprintf("datacat: the system has no random numbers: %v", err)) // nothing else works there either
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	text := hex.EncodeToString(id[:])
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}

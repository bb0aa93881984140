//go:build unix

package datacat

import (
	"os"
	"syscall"
)

// detached keeps a terminal's Ctrl-C, which is meant for the application, from its daemon: that has to see the end.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// askToLeave has a daemon deliver what it can, and end.
func askToLeave(process *os.Process) error { return process.Signal(syscall.SIGTERM) }

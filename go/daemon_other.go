//go:build !unix

package datacat

import (
	"os"
	"syscall"
)

func detached() *syscall.SysProcAttr { return nil }

// askToLeave ends a daemon: there is no signal by which it could be asked.
func askToLeave(process *os.Process) error { return process.Kill() }

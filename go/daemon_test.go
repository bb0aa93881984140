package datacat_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	datacat "github.com/OriginalDaemon/datacat/go"
)

// daemons are the daemons that this process has started and that run.
func daemons(t *testing.T) (pids []int) {
	t.Helper()
	listed, err := exec.Command("ps", "-A", "-o", "pid=,ppid=,args=").Output()
	must(t, err)
	for _, line := range strings.Split(string(listed), "\n") {
		words := strings.Fields(line)
		if len(words) > 2 && words[1] == strconv.Itoa(os.Getpid()) && strings.Contains(line, "--port") {
			pid, err := strconv.Atoi(words[0])
			must(t, err)
			pids = append(pids, pid)
		}
	}
	return pids
}

// killDaemons ends them, and waits until they are gone.
func killDaemons(t *testing.T) {
	t.Helper()
	for pids := daemons(t); len(pids) > 0; pids = daemons(t) {
		for _, pid := range pids {
			if process, err := os.FindProcess(pid); err == nil {
				process.Kill()
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestADaemonThatDiesIsReplacedAndTheSessionGoesOn(t *testing.T) {
	client := withDaemon(t, serverURL(t))
	session := begin(t, client)
	must(t, session.LogEvent(ctx, "before", nil))
	pids := daemons(t)
	if len(pids) != 1 {
		t.Fatalf("the daemons are %v", pids)
	}
	process, err := os.FindProcess(pids[0])
	must(t, err)
	must(t, process.Kill())
	// A call that was on its way may fail: whether the daemon had it nobody knows.
	for end := time.Now().Add(patience); session.LogEvent(ctx, "after", nil) != nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no daemon takes a record")
		}
	}
	must(t, session.End(ctx))
	found := eventually(t, session.ID(), "ended", has("ended"))
	if len(eventsNamed(found, "before")) != 1 || len(eventsNamed(found, "after")) != 1 {
		t.Errorf("the events are %+v", found.Events)
	}
	must(t, client.Close())
}

func TestCloseEndsADaemonThatHasNothingLeftToWatch(t *testing.T) {
	client := withDaemon(t, serverURL(t))
	session := begin(t, client)
	must(t, session.End(ctx))
	eventually(t, session.ID(), "ended", has("ended"))
	must(t, client.Close())
	must(t, client.Close())
	if pids := daemons(t); len(pids) != 0 {
		t.Errorf("the daemons are %v", pids)
	}
}

func TestWhyThereIsNoDaemonIsSaid(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	t.Setenv("DATACAT_SPOOL", t.TempDir())
	daemon := strings.Fields(os.Getenv("DATACAT_DAEMON"))
	if len(daemon) > 0 {
		_, err = datacat.NewClientWithDaemon("", port)
		if !errors.Is(err, datacat.ErrNoDaemon) || !strings.Contains(err.Error(), "cannot listen on 127.0.0.1:"+port) {
			t.Error(err)
		}
	}
	_, err = datacat.NewClientWithDaemon("", "auto", datacat.WithDaemonCommand("no-such-daemon"))
	if !errors.Is(err, datacat.ErrNoDaemon) || !strings.Contains(err.Error(), "pip install") {
		t.Error(err)
	}
	_, err = datacat.NewClientWithDaemon("", "auto", datacat.WithDaemonCommand("echo", "hello"))
	if !errors.Is(err, datacat.ErrNoDaemon) || !strings.Contains(err.Error(), "is no datacat-daemon") {
		t.Error(err)
	}
}

func TestWithADaemonRecordsAreTakenWhileNoServerCanBeReached(t *testing.T) {
	client := withDaemon(t, "http://127.0.0.1:9")
	defer client.Close()
	session := begin(t, client)
	must(t, session.UpdateState(ctx, map[string]any{"level": 7}))
	found, err := session.Details(ctx)
	must(t, err)
	if found.State["level"] != 7.0 {
		t.Errorf("the state is %v", found.State)
	}
	if _, err := client.GetAllSessions(); !errors.Is(err, datacat.ErrUnreachable) {
		t.Error(err)
	}
}

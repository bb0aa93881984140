package datacat_test

import (
	"strings"
	"testing"
	"time"

	datacat "github.com/OriginalDaemon/datacat/go"
)

func TestASessionWhoseHeartbeatStopsHangsUntilItComesAgain(t *testing.T) {
	test := func(t *testing.T, client *datacat.Client) {
		session := begin(t, client)
		must(t, session.Heartbeat(ctx))
		hung := eventually(t, session.ID(), "hung", has("hung"))
		if len(eventsNamed(hung, "application_appears_hung")) != 1 {
			t.Errorf("the events are %+v", hung.Events)
		}
		must(t, session.Heartbeat(ctx))
		must(t, session.PauseHeartbeat(ctx))
		found := eventually(t, session.ID(), "recovered", has("active"))
		if len(eventsNamed(found, "application_recovered")) != 1 {
			t.Errorf("the events are %+v", found.Events)
		}
		must(t, session.ResumeHeartbeat(ctx))
		eventually(t, session.ID(), "hung again", has("hung"))
		must(t, session.End(ctx))
	}
	t.Run("direct", func(t *testing.T) {
		test(t, direct(t, serverURL(t), datacat.WithHeartbeatTimeout(300*time.Millisecond)))
	})
	t.Run("daemon", func(t *testing.T) {
		client := withDaemon(t, serverURL(t), datacat.WithHeartbeatTimeout(300*time.Millisecond))
		defer client.Close()
		test(t, client)
	})
}

func TestAHangShowsWhereTheGoroutineIsThatSentTheHeartbeat(t *testing.T) {
	session := begin(t, direct(t, serverURL(t), datacat.WithHeartbeatTimeout(200*time.Millisecond)))
	release := make(chan struct{})
	go hangingLoop(session, release)
	hung := eventually(t, session.ID(), "hung", has("hung"))
	close(release)
	told := eventsNamed(hung, "application_appears_hung")[0]
	stacks, _ := told.Data["stacks"].([]any)
	for _, stack := range stacks {
		one := stack.(map[string]any)
		if one["current"] == true {
			frames := one["frames"].([]any)
			for _, frame := range frames {
				if strings.HasSuffix(frame.(map[string]any)["function"].(string), "hangingLoop") {
					return
				}
			}
		}
	}
	t.Errorf("no stack shows the loop: %v", told.Data)
}

func hangingLoop(session *datacat.Session, release chan struct{}) {
	session.Heartbeat(ctx)
	<-release
}

package datacat

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// What a server answers only after troubles of its own, answered here to the one that deals with it.

func queued(records int) (*direct, *stream) {
	d := &direct{streams: make(map[string]*stream), moved: make(chan struct{}), size: 100}
	s := newStream("4711", "Gopher", "1", time.Now())
	d.streams[s.id] = s
	for range make([]int, records) {
		d.queue(s, "event", []byte(`{"name":"e"}`))
	}
	return d, s
}

func answering(s *stream, next int64) *ingested {
	answer := new(ingested)
	answer.Sessions = map[string]struct {
		Writers map[string]int64 `json:"writers"`
	}{s.id: {Writers: map[string]int64{s.writer: next}}}
	return answer
}

func TestAServerThatWasSetBackIsToldThatRecordsAreLost(t *testing.T) {
	d, s := queued(2)
	s.ordinal = 5
	d.settle(s, 2, answering(s, 3), nil)
	if body, _ := s.batch(); !bytes.Contains(body, []byte(`"first":5,"next":7,"lost":true`)) || len(s.waiting) != 2 {
		t.Errorf("what is sent next is %s", body)
	}
	d.settle(s, 2, answering(s, 7), nil)
	if s.lost || len(s.waiting) != 0 || d.queued != 0 || d.stats().Sent != 2 {
		t.Errorf("the stream is %+v", s)
	}
}

func TestAPartThatTheServerHasIsNotSentAgain(t *testing.T) {
	d, s := queued(3)
	d.settle(s, 3, answering(s, 1), nil)
	if body, count := s.batch(); count != 2 || !bytes.Contains(body, []byte(`"first":1,"next":3,"lost":false`)) {
		t.Errorf("what is sent next is %s", body)
	}
}

func TestARecordThatIsNeverTakenIsGivenUp(t *testing.T) {
	d, s := queued(1)
	var told []error
	for range make([]int, 3) {
		more, _ := d.settle(s, 1, answering(s, 0), nil)
		told = append(told, more...)
	}
	if len(s.waiting) != 0 || d.stats().Dropped != 1 || !errors.Is(errors.Join(told...), ErrUnavailable) {
		t.Errorf("the stream is %+v, told was %v", s, told)
	}
}

func TestABodyThatIsTooLargeIsHalvedDownToTheRecordAtFault(t *testing.T) {
	d, s := queued(4)
	tooLarge := newError(413, "too_large", "the body is too large")
	for _, want := range []int{2, 1} {
		if _, failed := d.settle(s, want*2, nil, tooLarge); failed != nil || s.most != want {
			t.Fatalf("after a refusal of %d: %d, %v", want*2, s.most, failed)
		}
	}
	told, _ := d.settle(s, 1, nil, tooLarge)
	if len(told) != 1 || len(s.waiting) != 3 || s.ordinal != 0 {
		t.Errorf("the stream is %+v", s)
	}
}

func TestWhatGotDamagedOnItsWayIsSentAgain(t *testing.T) {
	d, s := queued(1)
	_, failed := d.settle(s, 1, nil, newError(400, "unreadable", "it was cut short"))
	if failed == nil || len(s.waiting) != 1 {
		t.Errorf("the stream is %+v", s)
	}
}

func TestASessionThatTheServerWillNotHaveIsGivenUp(t *testing.T) {
	d, s := queued(2)
	d.settle(s, 2, new(ingested), nil)
	if len(d.streams) != 0 || d.queued != 0 || d.stats().Dropped != 2 {
		t.Errorf("the stream is %+v", s)
	}
}

package datacat

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

const mostFrames = 100

// frame is a call on a stack.
type frame struct {
	File     string `json:"file"`
	Line     int    `json:"line"`
	Function string `json:"function"`
}

// stackOf are the frames of a stack, innermost first.
func stackOf(counters []uintptr) []frame {
	var frames []frame
	if len(counters) == 0 {
		return frames
	}
	for walk := runtime.CallersFrames(counters); ; {
		found, more := walk.Next()
		if found.Function != "runtime.main" && found.Function != "runtime.goexit" && found.Function != "" {
			frames = append(frames, frame{found.File, found.Line, found.Function})
		}
		if !more {
			return frames
		}
	}
}

// panicked leaves out what stands on a stack on top of the call that panicked: deferred calls and the runtime's own.
func panicked(counters []uintptr) []uintptr {
	from := 0
	for i, counter := range counters {
		if function := runtime.FuncForPC(counter - 1); function != nil && function.Name() == "runtime.gopanic" {
			from = i + 1
		}
	}
	for from > 0 && from < len(counters) {
		function := runtime.FuncForPC(counters[from] - 1)
		if function == nil || !strings.HasPrefix(function.Name(), "runtime.") {
			break
		}
		from++
	}
	return counters[from:]
}

// isOurs reports whether the last panic on a stack is one that this package let go on.
func isOurs(stack []frame) bool {
	methods := reflect.TypeOf(Session{}).PkgPath() + ".(*Session)."
	for i, call := range stack {
		if call.Function == "runtime.gopanic" {
			return i+1 < len(stack) && strings.HasPrefix(stack[i+1].Function, methods)
		}
	}
	return false
}

// place says where an exception happened, and prints its stack as Go does.
func (e *newEvent) place(stack []frame) {
	if len(stack) == 0 {
		return
	}
	e.SourceFile, e.SourceLine, e.SourceFunction = stack[0].File, stack[0].Line, stack[0].Function
	e.Stacktrace = append(e.Stacktrace, goroutine())
	for _, call := range stack {
		e.Stacktrace = append(e.Stacktrace, call.Function+"(...)", fmt.Sprintf("\t%s:%d", call.File, call.Line))
	}
}

// goroutine is the line that stands above the stack of the goroutine that calls.
func goroutine() string {
	var printed [64]byte
	line, _, _ := strings.Cut(string(printed[:runtime.Stack(printed[:], false)]), "\n")
	return line
}

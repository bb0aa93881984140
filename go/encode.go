package datacat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
)

// mostRecordBytes bounds a record: the server takes lines of up to 1 MB.
const mostRecordBytes = 900 << 10

// Bounds of what is followed in a value that JSON cannot hold as a whole. The server takes 64 levels.
const (
	mostDepth = 32
	mostParts = 10_000
)

// encode is a value's JSON on one line, whatever the value is: what JSON cannot hold becomes text that names it.
func encode(value any) ([]byte, error) {
	content, err := marshal(value)
	if err != nil {
		content, err = marshal((&tamer{left: mostParts}).tame(reflect.ValueOf(value), 0))
	}
	if err != nil {
		return nil, fmt.Errorf("datacat: %w", err)
	}
	if len(content) > mostRecordBytes {
		return nil, fmt.Errorf("%w: %d bytes, of %d at most", ErrTooLarge, len(content), mostRecordBytes)
	}
	return content, nil
}

// marshal is json.Marshal that neither escapes HTML nor lets through the panic of a value's own method.
func marshal(value any) (content []byte, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			err = fmt.Errorf("encoding panicked: %v", recovered)
		}
	}()
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err = encoder.Encode(value)
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), err
}

// tamer makes values that JSON holds out of those that it does not.
type tamer struct {
	left int // how many parts may still be looked into: a value that contains itself has no end of them
}

func (t *tamer) tame(value reflect.Value, depth int) any {
	for value.IsValid() && value.Kind() == reflect.Interface {
		value = value.Elem()
	}
	if !value.IsValid() {
		return nil
	}
	if t.left--; t.left < 0 || depth >= mostDepth {
		return named(value)
	}
	switch value.Kind() {
	case reflect.Map:
		tamed := make(map[string]any, value.Len())
		for entries := value.MapRange(); entries.Next() && t.left > 0; {
			tamed[fmt.Sprint(plain(entries.Key()))] = t.tame(entries.Value(), depth+1)
		}
		return tamed
	case reflect.Slice, reflect.Array:
		var tamed []any
		for i := 0; i < value.Len() && t.left > 0; i++ {
			tamed = append(tamed, t.tame(value.Index(i), depth+1))
		}
		return tamed
	case reflect.Float32, reflect.Float64:
		if number := value.Float(); math.IsNaN(number) || math.IsInf(number, 0) {
			return fmt.Sprint(number)
		}
	}
	if _, err := marshal(plain(value)); err != nil {
		return named(value)
	}
	return plain(value)
}

func plain(value reflect.Value) any {
	if !value.CanInterface() {
		return named(value)
	}
	return value.Interface()
}

// named tells of a value without looking into it: it may lead in a circle.
func named(value reflect.Value) string {
	return "<" + value.Type().String() + ">"
}

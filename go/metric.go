package datacat

import (
	"encoding/json"
	"math"
	"time"
)

// A MetricType says what the value of a metric is.
type MetricType string

// The types.
const (
	Gauge     MetricType = "gauge"     // the value now
	Counter   MetricType = "counter"   // sent as deltas, read as the running total
	Histogram MetricType = "histogram" // sent as samples, read as counts by bucket; the value is the mean
	Timer     MetricType = "timer"     // a duration, with an optional count of iterations
)

// A Metric is a reading, as it is read back.
type Metric struct {
	Timestamp time.Time      `json:"timestamp"`
	Name      string         `json:"name"`
	Type      MetricType     `json:"type"`
	Value     float64        `json:"value"`
	Unit      string         `json:"unit"`
	Tags      []string       `json:"tags"`
	Count     int64          `json:"count"`    // of a timer its iterations, of a histogram its samples
	Sum       float64        `json:"sum"`      // of a histogram
	Buckets   []Bucket       `json:"buckets"`  // of a histogram
	Metadata  map[string]any `json:"metadata"` // as it was sent
}

// A Bucket counts the samples of a histogram up to and including LE that are in no lower one. A nil LE is above all
// bounds.
type Bucket struct {
	LE    *float64 `json:"le"`
	Count int64    `json:"count"`
}

// newMetric is a reading, a delta or a sample as it is sent.
type newMetric struct {
	Name     string          `json:"name"`
	Type     MetricType      `json:"type"`
	Value    *float64        `json:"value,omitempty"`
	Delta    *float64        `json:"delta,omitempty"`
	Unit     string          `json:"unit,omitempty"`
	Tags     []string        `json:"tags,omitempty"`
	Count    *int64          `json:"count,omitempty"`
	Buckets  []float64       `json:"buckets,omitempty"`
	Metadata json.RawMessage `json:"metadata,omitempty"`

	metadata map[string]any
}

// A MetricOption says more of a metric.
type MetricOption func(*newMetric)

// WithTags adds tags, such as "map:vault". Their order does not matter.
func WithTags(tags ...string) MetricOption {
	return func(m *newMetric) { m.Tags = append(m.Tags, tags...) }
}

// WithUnit names the unit of the value. Timers have "seconds".
func WithUnit(unit string) MetricOption { return func(m *newMetric) { m.Unit = unit } }

// WithBuckets sets the upper bounds of a histogram's buckets, inclusive.
func WithBuckets(bounds ...float64) MetricOption { return func(m *newMetric) { m.Buckets = bounds } }

// WithCount says how many iterations a timer's duration was for.
func WithCount(count int64) MetricOption { return func(m *newMetric) { m.Count = &count } }

// WithType has [Session.LogMetric] log something else than a gauge. The value of a counter is then its total.
func WithType(kind MetricType) MetricOption { return func(m *newMetric) { m.Type = kind } }

// WithMetadata adds what else is to be known of a reading.
func WithMetadata(metadata map[string]any) MetricOption {
	return func(m *newMetric) { m.metadata = metadata }
}

// metric is a metric with its options. Numbers that JSON does not have are refused here: nobody could draw them.
func metric(m newMetric, opts []MetricOption) (*newMetric, error) {
	for _, option := range opts {
		option(&m)
	}
	for field, number := range map[string]*float64{"value": m.Value, "delta": m.Delta} {
		if number != nil && (math.IsNaN(*number) || math.IsInf(*number, 0)) {
			return nil, newError(400, "bad_request", field+": expected a finite number")
		}
	}
	for _, bound := range m.Buckets {
		if math.IsNaN(bound) || math.IsInf(bound, 0) {
			return nil, newError(400, "bad_request", "buckets: expected finite numbers")
		}
	}
	if len(m.metadata) > 0 {
		encoded, err := encode(m.metadata)
		if err != nil {
			return nil, err
		}
		m.Metadata = encoded
	}
	return &m, nil
}

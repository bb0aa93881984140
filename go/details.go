package datacat

import "time"

// SessionDetails is all that is known of a session. A time that is not known is zero.
type SessionDetails struct {
	ID            string         `json:"id"`
	Product       string         `json:"product"`
	Version       string         `json:"version"`
	Status        string         `json:"status"` // active, suspended, hung, crashed or ended
	Reason        string         `json:"reason"` // the verdict in a sentence
	Active        bool           `json:"active"`
	Suspended     bool           `json:"suspended"`
	Crashed       bool           `json:"crashed"`
	Hung          bool           `json:"hung"`
	CreatedAt     time.Time      `json:"created_at"`
	UpdatedAt     time.Time      `json:"updated_at"`
	EndedAt       time.Time      `json:"ended_at"`
	LastHeartbeat time.Time      `json:"last_heartbeat"`
	MachineID     string         `json:"machine_id"`
	Hostname      string         `json:"hostname"`
	State         map[string]any `json:"state"`
	StateHistory  []StateChange  `json:"state_history"`
	Events        []Event        `json:"events"`
	Metrics       []Metric       `json:"metrics"`
	Vitals        []Metric       `json:"vitals"` // what DataCat measured by itself
}

// A StateChange is the whole state as it was from an instant on.
type StateChange struct {
	Timestamp time.Time      `json:"timestamp"`
	State     map[string]any `json:"state"`
}

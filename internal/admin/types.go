package admin

import (
	"encoding/json"
	"time"

	"crier/store"
)

// Status is the whole state at a glance.
type Status struct {
	Account   Account    `json:"account"`
	Followers int        `json:"followers"`         // accepted ones
	Pending   int        `json:"pending_followers"` // who await approval
	Feeds     []Feed     `json:"feeds"`
	Queue     Queue      `json:"queue"`
	Dead      []string   `json:"dead"`       // hosts that have not answered on seven different days
	DeadHosts []DeadHost `json:"dead_hosts"` // the same, with what is known of each

	Former  *FormerAccount `json:"former,omitempty"`
	Reports int            `json:"reports"` // complaints of other servers in the last 30 days

	Running    bool   `json:"running"` // whether a daemon answers, not the store alone
	Version    string `json:"version"`
	StoreBytes int64  `json:"store_bytes"`

	Store store.FileSize `json:"store"`
}

// Account is who publishes here.
type Account struct {
	Handle  string    `json:"handle"` // user@host
	Actor   string    `json:"actor"`
	BaseURL string    `json:"base_url"`
	Since   time.Time `json:"since"`
	Posts   int       `json:"posts"`  // that are there
	Listed  int       `json:"listed"` // of these, those in the outbox

	MovedTo string `json:"moved_to,omitempty"` // handle or id of the account that this one has moved to
}

// Time is a moment that may not have come yet: null in JSON.
type Time struct{ time.Time }

// MarshalJSON writes RFC 3339, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return t.Time.MarshalJSON()
}

// Feed is how one configured feed fares.
type Feed struct {
	URL       string    `json:"url"`
	Title     string    `json:"title,omitempty"`
	LastPoll  Time      `json:"last_poll"`
	NextPoll  Time      `json:"next_poll"`
	LastError string    `json:"last_error"` // empty after a good poll
	Read      bool      `json:"read"`       // a document of it was read at least once
	Entries   int       `json:"entries"`
	Held      int       `json:"held"`    // wait for the owner's decision
	Skipped   int       `json:"skipped"` // kept back by a rule
	Missing   int       `json:"missing"` // under suspicion of having been taken down
	Waiting   []Waiting `json:"waiting"` // have their time still to come
	Holding   []Waiting `json:"holding"` // the held ones; Due is their date
	Hub       string    `json:"hub"`     // WebSub: who tells of news; empty: nobody
	Push      string    `json:"push"`    // how far the subscription there is: "", "pending", "active" or "denied"
	PushError string    `json:"push_error,omitempty"`
	Advice    []string  `json:"advice"` // what the owner should mend in the feed
}

// Waiting is an entry that will go out later.
type Waiting struct {
	Title string    `json:"title"`
	URL   string    `json:"url"`
	Due   time.Time `json:"due"`
}

// Queue counts deliveries: never tried, tried in vain, given up.
type Queue = store.Queue

// LogLine is one line of the activity log.
type LogLine = store.LogEntry

// Follower is one follower, without its key.
type Follower struct {
	Actor       string    `json:"actor"`
	Handle      string    `json:"handle,omitempty"`
	Name        string    `json:"name,omitempty"`
	Inbox       string    `json:"inbox"`
	SharedInbox string    `json:"shared_inbox"`
	Since       time.Time `json:"since"`
	State       string    `json:"state"` // "accepted" or "pending"
}

// Delivery is one activity on its way to one inbox.
type Delivery struct {
	Activity  string    `json:"activity"`
	Type      string    `json:"type"`
	Object    string    `json:"object"`
	Inbox     string    `json:"inbox"`
	Host      string    `json:"host"`
	State     string    `json:"state"` // see StatePending and the others
	Attempts  int       `json:"attempts"`
	Added     time.Time `json:"added"`
	Next      time.Time `json:"next"`
	LastError string    `json:"last_error"`
	Parked    bool      `json:"parked"`         // given up; kept for the owner
	Ended     time.Time `json:"ended,omitzero"` // when it was given up for good
}

// PollRequest says what a poll by hand shall do.
type PollRequest struct {
	DryRun  bool `json:"dry_run,omitempty"` // nothing is stored or sent
	Release bool `json:"release,omitempty"` // instead of polling: send the held entries
	Discard bool `json:"discard,omitempty"` // instead of polling: keep the held entries as posts never delivered
}

// PollResult is what came of it.
type PollResult struct {
	Feeds   []PolledFeed `json:"feeds"`
	Settled int          `json:"settled"` // held entries released or discarded
}

// PolledFeed is the outcome for one feed.
type PolledFeed struct {
	URL     string       `json:"url"`
	New     int          `json:"new"`
	Changed int          `json:"changed"`
	Removed int          `json:"removed"`
	Held    int          `json:"held"`
	Error   string       `json:"error"`         // empty when the feed was read
	Why     string       `json:"why,omitempty"` // why entries are held
	Items   []PolledItem `json:"items,omitempty"`
}

// PolledItem is one entry that a poll did, or would do, something about.
type PolledItem struct {
	Action string `json:"action"`
	Title  string `json:"title"`
	URL    string `json:"url"`
}

// Found is a looked-up document.
type Found struct {
	URL      string          `json:"url"`              // where it was found
	Handle   string          `json:"handle,omitempty"` // of an actor: the one that it and its handle's host agree on
	Document json.RawMessage `json:"document"`
}

// LogQuery says which lines of the log are wanted.
type LogQuery struct {
	Last   int    // so many of the newest; negative: all
	After  uint64 // instead: all with a number above this one, where it is not 0
	Source bool   // with the JSON of each
}
